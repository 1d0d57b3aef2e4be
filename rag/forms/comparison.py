"""A question that compares two things -> two questions, each about one of them; and their evidence side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.lexical import FUNCTION_WORDS
from rag.reader import Evidence, Reading
from rag.retrieve import Hit

_BETWEEN = re.compile(
    r"\s*(?:\bvs\b\.?|\bversus\b|\bcompared (?:with|to)\b|\bthan\b|\bas opposed to\b|\brather than\b|,\s*or\b|\bor\b"
    r"|\band\b)\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,?!]+")
_NAMING = frozenset("down up off other others same before after afterwards first second last now then".split())
"""Words without much meaning that name a thing all the same ("the down programme", "the other parts")."""
_MOST_WORDS = 3


def sides(question: str) -> tuple[str, str] | None:
    """Return the question about the first thing and that about the second; None if it names no two things.

    >>> sides("rain held back at 60 mm compared with 150 mm")
    ('rain held back at 60 mm', 'rain held back at 150 mm')
    """
    for match in sorted(_BETWEEN.finditer(question), key=lambda m: m.group().strip().lower() == "and"):
        left = _phrase(question, list(_WORD.finditer(question, 0, match.start()))[::-1])
        right = _phrase(question, list(_WORD.finditer(question, match.end())))
        if left and right:
            second = question[right[0] : right[1]]
            one = question[: match.start()] + question[right[1] :]
            other = question[: left[0]] + second + question[left[1] : match.start()] + question[right[1] :]
            return " ".join(one.split()), " ".join(other.split())
    return None


def _phrase(question: str, words: Sequence[re.Match[str]]) -> tuple[int, int] | None:
    """The words next to the connector that name a thing, without an article, at most _MOST_WORDS of them."""
    kept = list[re.Match[str]]()
    for word in words:
        near = min(kept[-1].end(), word.end()) if kept else 0
        parted = kept and "," in question[near : max(kept[-1].start(), word.start())]
        breaks = word.group().casefold() in FUNCTION_WORDS - _NAMING
        if parted or (breaks and kept):
            break
        if not breaks:
            kept.append(word)
        if len(kept) == _MOST_WORDS:
            break
    return (min(word.start() for word in kept), max(word.end() for word in kept)) if kept else None


def beside(one: Reading, other: Reading) -> Reading:
    """Return what was read about two things as one reading: the best evidence of each first, then the rest by score.

    It is answered as well as the thing of which less is known.
    """
    hits = list[Hit]()
    seen = set[str]()
    for pair in zip(one.hits, other.hits, strict=False):
        for hit in pair:
            if hit.chunk.id not in seen:
                seen.add(hit.chunk.id)
                hits.append(hit)
    evidence = list[Evidence]()
    for found in (*one.evidence[:1], *other.evidence[:1]):
        if not any(found.overlaps(known) for known in evidence):
            evidence.append(found)
    scores = [score for score in (one.score, other.score) if score is not None]
    missing = tuple(dict.fromkeys((*one.missing, *other.missing)))
    return Reading(tuple(hits), tuple(evidence), min(scores) if len(scores) == 2 else None, missing)
