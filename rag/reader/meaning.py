"""Further evidence by what sentences mean: those near the question count more, and the nearest ones join it.

The reading model looks for words that fill a gap; the encoder sees that "can be stacked ten high" is near to "put on
top of each other". What the reading model likes best stays first. The weights were chosen on search-engine questions
(benchmarks/README.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

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
_NEAR = 0.45
"""The least cosine of such a sentence."""
_NEAREST = 2
"""Sentences that become evidence by what they mean alone."""
_SHORTEST = 15
"""Characters of a sentence that says something."""


def with_meaning(evidence: Sequence[Evidence], hits: Sequence[Hit], query: Query, embedder: Embedder) -> list[Evidence]:
    """Return the evidence, what comes after the first weighed by the cosine of question and sentence too.

    Sentences of the first passages join it that are nearer to the question than the first. Scores are shares of all.
    """
    if not evidence:
        return []
    places = dict[tuple[str, int, int], Hit]()
    for hit in hits[:_PASSAGES]:
        for start, end in sentences(hit.chunk.text):
            if end - start >= _SHORTEST:
                places.setdefault((hit.chunk.article_id, hit.chunk.start + start, hit.chunk.start + end), hit)
    others = [Evidence(hit, start, end, 0.0) for (_, start, end), hit in places.items()]
    texts = list(dict.fromkeys(one.text for one in (*evidence, *others)))
    cosines = dict(zip(texts, embedder.encode_documents(texts) @ query.vector, strict=True))
    first, least = evidence[0], cosines[evidence[0].text]
    near = max(float(least), _NEAR)
    unread = [one for one in others if cosines[one.text] > near and not any(map(one.overlaps, evidence))]
    unread = sorted(unread, key=lambda one: -cosines[one.text])[:_NEAREST]

    def weight(one: Evidence) -> float:
        nearer = _NEARER * bool(cosines[one.text] > near)
        return (one.score / first.score + nearer) * math.exp(_WEIGHT * float(cosines[one.text] - least))

    rest = sorted(((weight(one), one) for one in (*evidence[1:], *unread)), key=lambda pair: -pair[0])
    weighed = [(1.0, first), *((min(1.0, value), one) for value, one in rest)]
    total = sum(value for value, _ in weighed)
    return [replace(one, score=value / total) for value, one in weighed]
