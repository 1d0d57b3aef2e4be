"""Adds the sentence that is nearest in meaning to the question, as further evidence.

The reading model looks for words that fill a gap; the encoder sees that "can be stacked ten high" is near to "put on
top of each other". The reading model's first choice stays first. benchmarks/README.md has the effect of both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.encoder.embedder import Embedder
from index.text.aligned import aligned_tables
from index.text.bars import is_rule
from index.text.marks import is_navigation
from index.text.sentences import sentences
from rag.reader import Evidence
from rag.retrieve import Hit, Query

_PASSAGES = 5
"""Number of passages, best first, whose sentences are compared."""
_NEAR = 0.45
"""Lowest cosine of question and sentence."""
_SHARE = 0.3
"""Score of the nearest sentence as a share of the first one's, unless the reading model gives it more."""
_SHORTEST = 15
"""Shortest sentence, in characters, that says something."""
_MAIL_HEADER = re.compile(r"From: .+ \| (?:To|Date|Subject): ")


def with_meaning(evidence: Sequence[Evidence], hits: Sequence[Hit], query: Query, embedder: Embedder) -> list[Evidence]:
    """Add the sentence of the first passages that is nearest to the question.

    It must be nearer than the first sentence of the evidence, which stays first. Scores remain shares of all.
    """
    if not evidence:
        return []
    found = dict[tuple[str, int, int], Evidence]()
    for hit in hits[:_PASSAGES]:
        headers = {table.start for table in aligned_tables(hit.chunk.text) if table.names}
        for start, end in sentences(hit.chunk.text):
            if start not in headers and _says_something(hit.chunk.text[start:end]):
                one = Evidence(hit, hit.chunk.start + start, hit.chunk.start + end, 0.0)
                found.setdefault((hit.chunk.article_id, one.start, one.end), one)
    first, rest = evidence[0], list(evidence[1:])
    others = [one for one in found.values() if not one.overlaps(first)]
    if not others:
        return list(evidence)
    least, *cosines = embedder.encode_documents([one.text for one in (first, *others)]) @ query.vector
    cosine, nearest = max(zip(cosines, others, strict=True), key=lambda pair: float(pair[0]))
    if cosine < _NEAR or cosine <= least:
        return list(evidence)
    read = next((one for one in rest if one.overlaps(nearest)), nearest)
    rest = [one for one in rest if one is not read]
    second = replace(read, score=max(read.score, _SHARE * first.score))
    total = first.score + second.score + sum(one.score for one in rest)
    ordered = sorted((second, *rest), key=lambda one: -one.score)
    return [replace(one, score=one.score / total) for one in (first, *ordered)]


def _says_something(sentence: str) -> bool:
    """False for a table's rule, a table of contents and the header of an e-mail."""
    if len(sentence) < _SHORTEST or is_rule(sentence.rpartition("\n")[2]):
        return False
    return not is_navigation(sentence) and not _MAIL_HEADER.match(sentence)
