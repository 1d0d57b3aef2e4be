"""Answers that are members of one enumeration -> the enumeration. Pure.

A reader scores "LG Chem Ltd", "Samsung SDI Co Ltd" and the text from the first to the second as separate spans. If
several members of a list answer, the whole list does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from index.text.layout import Span
from rag.reader import Evidence
from rag.reader.spans import AnswerSpan

_LONGEST_GAP = 40
_ENUMERATES = 0.05
"""A sentence that enumerates the best answer leads if its score is at least this share of the best."""
_JOINT = re.compile(r"[,;/&]|\b(?:and|or|plus)\b")
_FILLER = re.compile(
    r"(?:[\s,;/&’']|\b(?:and|or|plus|as well as|both|the|an?|in|of|from)\b|\b[A-Z][\w’'.-]*+|\([^()]*+\))*+"
)


def join_members(text: str, answers: Sequence[AnswerSpan], least: float) -> list[AnswerSpan]:
    """Join the answers in one enumeration of `text` from first to last member.

    `answers` are sorted, best first. A joined answer has the odds of all its members together. A member joins a better
    answer if its odds are at least `least` times as high.
    """
    made: list[AnswerSpan] = []
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


def with_enumeration(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Put a further sentence first if it enumerates the best answer and its own.

    "LG Chem" in one sentence and "CATL" in another that says "LG Chem, Samsung SDI and CATL" are one answer, and the
    second sentence has all of it. The two sentences swap places and scores. `evidence` is sorted, best first.
    """
    if not evidence or len(evidence[0].answers) != 1:
        return list(evidence)
    best, start = evidence[0], evidence[0].hit.chunk.start
    words = best.hit.chunk.text[best.answers[0][0] - start : best.answers[0][1] - start]
    for number, one in enumerate(evidence[1:], 1):
        if one.score < _ENUMERATES * best.score:
            break
        if span := _enumeration(one, words):
            whole = replace(one, answers=(span,), score=best.score, odds=max(best.odds, one.odds))
            others = [replace(best, score=one.score), *evidence[1:number], *evidence[number + 1 :]]
            return [whole, *sorted(others, key=lambda other: -other.score)]
    return list(evidence)


def _enumeration(one: Evidence, words: str) -> Span | None:
    """Return the place in the article from `words` to an answer of a sentence, in either order.

    None if they are not members of one enumeration.
    """
    for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", one.text):
        named = AnswerSpan(match.start(), match.end(), 0.0)
        for start, end in one.answers:
            answer = AnswerSpan(start - one.start, end - one.start, 0.0)
            if _lists(one.text, answer, named) or one_list(one.text, named, answer):
                return min(start, named.start + one.start), max(end, named.end + one.start)
    return None


def _lists(text: str, answer: AnswerSpan, named: AnswerSpan) -> bool:
    """True if an answer has these words, and only other names with commas or "and" beside them."""
    beside = text[answer.start : named.start], text[named.end : answer.end]
    inside = answer.start <= named.start and named.end <= answer.end
    return inside and any(map(_JOINT.search, beside)) and all(not part or _FILLER.fullmatch(part) for part in beside)


def _overlaps(one: AnswerSpan, others: Sequence[AnswerSpan]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


def _both(one: AnswerSpan, other: AnswerSpan) -> AnswerSpan:
    score = max(one.score, other.score) + math.log1p(math.exp(-abs(one.score - other.score)))
    return AnswerSpan(min(one.start, other.start), max(one.end, other.end), score)


def one_list(text: str, one: AnswerSpan, other: AnswerSpan) -> bool:
    """True if only commas, "and" and parts of names are between two answers."""
    first, second = sorted((one, other), key=lambda a: a.start)
    between = text[first.end : second.start]
    return (
        first.end <= second.start
        and len(between) <= _LONGEST_GAP
        and bool(_JOINT.search(between))
        and bool(_FILLER.fullmatch(between))
    )
