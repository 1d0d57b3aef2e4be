"""Evidence by what sentences mean: those near the question count more, and the nearest ones are evidence too.

The reading model looks for words that fill a gap; the encoder sees that "can be stacked ten high" is near to "put on top
of each other". Weights were chosen on search-engine questions (benchmarks/README.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from index.embed import Embedder
from index.sentences import sentences
from rag.reader import Evidence
from rag.retrieve import Hit, Query

_PASSAGES = 5
"""Passages, best first, whose sentences are compared."""
_WEIGHT = 2.0
"""Log-odds by which a sentence gains for a cosine that is higher by 1."""
_NEARER = 0.3
"""What a sentence gains that is nearer to the question than the one the reading model likes best, which weighs 1."""
_NEAREST = 2
"""Sentences that become evidence by what they mean alone."""
_SHORTEST = 15
"""Characters of a sentence that says something."""


def with_meaning(evidence: Sequence[Evidence], hits: Sequence[Hit], query: Query, embedder: Embedder) -> list[Evidence]:
    """Return the evidence weighed by the cosine of question and sentence too, best first, scores being shares of all.

    Sentences of the first passages join it that are nearer to the question than the best evidence is.
    """
    places = dict[tuple[str, int, int], Hit]()
    for hit in hits[:_PASSAGES]:
        for start, end in sentences(hit.chunk.text):
            if end - start >= _SHORTEST:
                places.setdefault((hit.chunk.article_id, hit.chunk.start + start, hit.chunk.start + end), hit)
    others = [Evidence(hit, start, end, 0.0) for (_, start, end), hit in places.items()]
    everything = [*evidence, *others]
    if not everything:
        return []
    texts = list(dict.fromkeys(one.text for one in everything))
    cosines = dict(zip(texts, embedder.encode_documents(texts) @ query.vector, strict=True))
    best = max((one.score for one in evidence), default=1.0)
    least = cosines[evidence[0].text] if evidence else np.float32(-1)
    unread = [one for one in others if cosines[one.text] > least and not any(map(one.overlaps, evidence))]
    unread = sorted(unread, key=lambda one: -cosines[one.text])[:_NEAREST]
    weighed = [
        (
            (one.score / best + _NEARER * bool(cosines[one.text] > least))
            * math.exp(_WEIGHT * float(cosines[one.text])),
            one,
        )
        for one in (*evidence, *unread)
    ]
    total = sum(weight for weight, _ in weighed)
    ordered = sorted(weighed, key=lambda pair: -pair[0])
    return [replace(one, score=weight / total) for weight, one in ordered]
