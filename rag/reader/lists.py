"""Answers that are members of one enumeration -> the enumeration. Pure.

A reader scores "LG Chem Ltd", "Samsung SDI Co Ltd" and the two with all between them each as a span of their own. When
several members of a list answer, the list does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rag.reader.spans import Answer

_LONGEST_GAP = 40
_JOINT = re.compile(r"[,;/&]|\b(?:and|or|plus)\b")
_FILLER = re.compile(
    r"(?:[\s,;/&’']|\b(?:and|or|plus|as well as|both|the|an?|in|of|from)\b|\b[A-Z][\w’'.-]*+|\([^()]*+\))*+"
)


def joined(text: str, answers: Sequence[Answer], least: float) -> list[Answer]:
    """`answers`, best first, with those that stand in one enumeration of `text` as one answer from its first member to
    its last, which has the odds of all together.

    A member joins a better one when its odds are at least `least` times as high.
    """
    made: list[Answer] = []
    left = list(answers)
    while left:
        best, others = left[0], left[1:]
        lowest = best.score + math.log(least)
        while near := [
            one
            for one in others
            if one.score >= lowest and one_list(text, best, one) and not _overlaps(_both(best, one), made)
        ]:
            others.remove(near[0])
            best = _both(best, near[0])
        left = [one for one in others if not _overlaps(one, [best])]
        made.append(best)
    return sorted(made, key=lambda a: -a.score)


def _overlaps(one: Answer, others: Sequence[Answer]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


def _both(one: Answer, other: Answer) -> Answer:
    score = max(one.score, other.score) + math.log1p(math.exp(-abs(one.score - other.score)))
    return Answer(min(one.start, other.start), max(one.end, other.end), score)


def one_list(text: str, one: Answer, other: Answer) -> bool:
    """True when only commas, "and" and parts of names stand between two answers."""
    first, second = sorted((one, other), key=lambda a: a.start)
    between = text[first.end : second.start]
    return (
        first.end <= second.start
        and len(between) <= _LONGEST_GAP
        and bool(_JOINT.search(between))
        and bool(_FILLER.fullmatch(between))
    )
