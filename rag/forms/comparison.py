"""A question that compares two things -> a question about each of them, and their evidence combined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.text.sentences import sentences
from index.text.terms import FUNCTION_WORDS
from index.text.words import content_terms, terms
from rag.check.amounts import Number
from rag.check.facts import find_facts
from rag.reader import Evidence, Reading
from rag.retrieve import Hit

_BETWEEN = re.compile(
    r"\s*(?:\bvs\b\.?|\bversus\b|\bcompared (?:with|to)\b|\bdifferent (?:from|to|than)\b|\bthan\b"
    r"|\bas opposed to\b|\brather than\b|,\s*or\b|\bor\b|\band\b)\s*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\W*(?:(?:what(?:[’']?s| is| are)?|tell me|show me)\s+)?(?:the )?(?:differences?|comparison) "
    r"(?:(?:between|in|of) )?(?:the )?|\W*(?:please )?compare (?:the )?",
    re.IGNORECASE,
)
"""Opens a question that compares, without saying anything about the things."""
_YEARS = re.compile(
    r"(.*?)\b((?:19|20)\d\d)"
    r"(\s*(?:,|-|–|to|and|or|with|vs\.?|versus|than|compared (?:to|with))\s*(?:in )?)((?:19|20)\d\d)\b(.*)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,?!]+")
_NAMING = frozenset("down up off other others same before after afterwards first second last now then".split())
"""Function words that can be part of a name ("the down programme", "the other parts")."""
_GOES_ON = re.compile(r"(?:it|its|they|their|he|his|she|her|this|these|both)\b", re.IGNORECASE)
_MOST_WORDS = 3
_LEAST = 0.1
"""A sentence about one of the things is used if it has at least this share of the best score."""
_NAMES, _NAMES_ALONE = 2.0, 3.0
"""Factors of the score of a sentence that names both things, and of one that names only its own thing."""


@dataclass(frozen=True)
class Side:
    """One of two things that a question compares.

    `thing` are the words that name it, `question` is the question about it alone.
    """

    thing: str
    question: str

    def named_in(self, one: Evidence) -> bool:
        """True if a sentence or its headings have all words of the thing."""
        return self.stands_in(f"{one.hit.chunk.context} {one.text}")

    def stands_in(self, text: str) -> bool:
        """True if a text has all words of the thing."""
        wanted = set(terms(self.thing))
        return bool(wanted) and wanted <= set(terms(text))


def sides(question: str) -> tuple[Side, Side] | None:
    """Return both things that a question compares; None if it does not name two.

    >>> [one.question for one in sides("rain held back at 60 mm compared with 150 mm")]
    ['rain held back at 60 mm', 'rain held back at 150 mm']
    """
    question = _ASKS.sub("", question.strip())
    if years := _YEARS.fullmatch(question):
        before, first, _, last, after = years.groups()
        return Side(first, f"{before}{first}{after}"), Side(last, f"{before}{last}{after}")
    for match in sorted(_BETWEEN.finditer(question), key=lambda m: m.group().strip().lower() == "and"):
        left = _phrase(question, list(_WORD.finditer(question, 0, match.start()))[::-1])
        right = _phrase(question, list(_WORD.finditer(question, match.end())))
        if left and right:
            first, second = question[left[0] : left[1]], question[right[0] : right[1]]
            one = question[: match.start()] + question[right[1] :]
            other = question[: left[0]] + second + question[left[1] : match.start()] + question[right[1] :]
            return Side(first, " ".join(one.split())), Side(second, " ".join(other.split()))
    return None


def _phrase(question: str, words: Sequence[re.Match[str]]) -> tuple[int, int] | None:
    """Return the words next to the connector that name a thing, without an article, at most _MOST_WORDS of them."""
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


def _weight(one: Evidence, side: Side, other: Side) -> float:
    """Return the factor for a sentence about one side: highest if it names that side alone."""
    if not side.named_in(one):
        return 0.0 if other.named_in(one) else 1.0
    return _NAMES if other.named_in(one) else _NAMES_ALONE


def _are_parallel(one: Evidence, others: Sequence[Evidence]) -> bool:
    """True if a sentence is in the paragraph of the one on the other thing, and has numbers with a unit of it."""
    chunk = one.hit.chunk
    if not others or chunk.article_id != others[0].hit.chunk.article_id:
        return False
    if not chunk.start <= others[0].start < others[0].end <= chunk.end:
        return False
    units = [
        {fact.value.unit for fact in find_facts(each.text) if isinstance(fact.value, Number)} - {""}
        for each in (one, others[0])
    ]
    places = sorted((place.start, place.end) for place in (one, others[0]))
    between = chunk.text[places[0][1] - chunk.start : places[1][0] - chunk.start]
    return bool(units[0] & units[1]) and "\n\n" not in between


def _from_its_name(one: Evidence, pair: Sequence[Side]) -> Evidence:
    """Extend a sentence that names neither thing back to the last sentence of its paragraph that names one."""
    first, second = (set(terms(side.thing)) for side in pair)
    own = [words for words in (first - second, second - first) if words]
    if any(side.named_in(one) for side in pair) or any(words <= set(terms(one.text)) for words in own):
        return one  # "Amber: ..." below a heading on dogs is about amber dogs
    chunk = one.hit.chunk
    before = chunk.text[: one.start - chunk.start]
    for start, _ in reversed(sentences(before, before.rfind("\n\n") + 1)):
        if any(side.stands_in(before[start:]) for side in pair):
            return replace(one, start=chunk.start + start)
    return one


def _extended(one: Evidence, question_terms: set[str]) -> Evidence:
    """Extend a sentence to the last following one that goes on about its subject and has words of the question it
    lacks."""
    chunk = one.hit.chunk
    paragraph = chunk.text.find("\n\n", one.end - chunk.start)
    end = one.end
    for start, stop in sentences(chunk.text, one.end - chunk.start, len(chunk.text) if paragraph < 0 else paragraph):
        if not _GOES_ON.match(chunk.text, start):
            break
        if question_terms & (set(terms(chunk.text[start:stop])) - set(terms(one.text))):
            end = chunk.start + stop
    return replace(one, end=end)


def combine_readings(whole: Reading, pair: Sequence[tuple[Side, Reading]]) -> Reading:
    """Combine the readings of a comparison and of each of its things into one.

    It has a sentence on each thing, or one that names both and the rest. Its score is that of the whole question or the
    average of the things, whichever is higher.
    """
    first, second = (side for side, _ in pair)
    chosen = [one for one in whole.evidence[:1] if first.named_in(one) and second.named_in(one)]
    for (side, reading), (other, _) in zip(pair, reversed(pair), strict=True) if not chosen else ():
        read = [_from_its_name(one, (first, second)) for one in reading.evidence]
        free = [one for one in read if not any(map(one.overlaps, chosen))]
        alike = [one for one in free if one.stands and side.named_in(one) and _are_parallel(one, chosen)]
        best = max(alike or free, key=lambda one: one.score * _weight(one, side, other), default=None)
        worth = best.score * _weight(best, side, other) if best else 0.0
        chosen += [best] if best and (alike or worth >= _LEAST * reading.evidence[0].score) else []
    question_terms = set(content_terms(first.question)) | set(content_terms(second.question))
    chosen = [replace(_extended(one, question_terms), score=1.0) for one in chosen]
    rest = [one for one in whole.evidence if not any(map(one.overlaps, chosen))] if len(chosen) < len(pair) else []
    hits = dict[str, Hit]()
    for hit in (*(one.hit for one in (*chosen, *rest)), *whole.hits):
        hits.setdefault(hit.chunk.id, hit)
    cited = [replace(one, hit=hits[one.hit.chunk.id]) for one in (*chosen, *rest)]
    scores = [reading.score or 0.0 for _, reading in pair]
    score = max(whole.score or 0.0, sum(scores) / len(scores))
    return Reading(tuple(hits.values()), tuple(cited), score, whole.missing, opens=False)
