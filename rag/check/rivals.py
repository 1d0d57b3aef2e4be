"""Whether a fact is near the other words of its sentence in a passage, or a rival fact is nearer. Pure.

A sentence that says "1999" where the passage says "1884" is wrong, though the passage has both. A fact of the passage
is near to the sentence if the sentence's other words are close around it. The stated fact should be the nearest of its
kind.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from index.text.sentences import sentences
from index.text.terms import FUNCTION_WORDS
from index.text.words import terms
from rag.check.amounts import Number
from rag.check.facts import Fact, find_facts

_REACH = 8.0
"""Distance in words over which nearness falls to 1/e."""
_OTHER_SENTENCE = 0.3
"""Weight of nearness across the end of a sentence."""
_BEFORE = re.compile(r"(\w+) $")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Rival:
    """A stated fact compared with the nearest other fact of its kind.

    `margin` in [-1, 1] is how much nearer the stated fact is, negative if the `other` is nearer. `text` is the fact as
    stated.
    """

    margin: float
    text: str
    other: str


class FactPlaces:
    """The places of the words and facts in a passage."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = [(match.start(), _term(match.group().lower())) for match in _WORD.finditer(text)]
        starts = [start for start, _ in self._words]
        firsts = [start for start, _ in sentences(text)]
        self._sentence = [bisect_right(firsts, start) for start in starts]
        self._places: dict[str, list[int]] = {}
        for place, (_, term) in enumerate(self._words):
            if term:
                self._places.setdefault(term, []).append(place)
        self._starts = starts

    @cached_property
    def facts(self) -> list[tuple[Fact, str, int, int]]:
        """(fact, kind, first word, last word) of each fact in the passage."""
        return [
            (one, kind_of(one), self._at(one.start), self._at(one.end - 1))
            for one in find_facts(self._text)
            if not in_a_name(self._text, one)
        ]

    def rival(self, fact: Fact, said: Sequence[str], stated: Sequence[Fact]) -> Rival | None:
        """Compare a fact with others of its kind that the sentence does not state.

        `said` are the content terms of the sentence, `stated` its facts. None if the passage lacks the fact or has no
        other of its kind.
        """
        own = set(_content(fact.text))
        rest = [term for term in said if term not in own]
        kind, key = kind_of(fact), _key(fact)
        stated = [one for one in stated if kind_of(one) == kind]
        mine, others = [], []
        for one, of_kind, first, last in self.facts:
            if of_kind != kind or not _comparable(fact, one):
                continue
            content = set(_content(one.text))
            if own & content if kind == "name" else _key(one) == key:
                mine.append(self._nearness(first, last, rest))
            elif content.isdisjoint(said) if kind == "name" else not any(_agree(one, each) for each in stated):
                others.append((self._nearness(first, last, rest), one.text))
        if not rest or not mine or not others:
            return None
        nearest = max(others)
        return Rival(max(mine) - nearest[0], fact.text, nearest[1])

    def _nearness(self, first: int, last: int, rest: Sequence[str]) -> float:
        total = 0.0
        for term in rest:
            total += max((self._weight(place, first, last) for place in self._places.get(term, ())), default=0.0)
        return total / len(rest) if rest else 0.0

    def _weight(self, place: int, first: int, last: int) -> float:
        away = 0 if first <= place <= last else min(abs(first - place), abs(last - place))
        together = self._sentence[place] == self._sentence[first]
        return math.exp(-away / _REACH) * (1.0 if together else _OTHER_SENTENCE)

    def _at(self, offset: int) -> int:
        return max(0, bisect_right(self._starts, offset) - 1)


def worst(rivals: Iterable[Rival | None]) -> Rival | None:
    """Return the rival with the smallest margin; None if there is none."""
    return min((one for one in rivals if one is not None), key=lambda one: one.margin, default=None)


def kind_of(fact: Fact) -> str:
    """Return the kind of a fact, within which facts can be mistaken for each other.

    A plain number that looks like a year is a date.
    """
    if isinstance(fact.value, Number):
        plain = not fact.value.unit and "," not in fact.text and fact.value.value == int(fact.value.value)
        return "date" if plain and 1000 <= fact.value.value <= 2100 else "number"
    return fact.kind


def in_a_name(text: str, fact: Fact) -> bool:
    """True for the 50 of "Super Bowl 50" and the 4 of "Channel 4": no measures."""
    if kind_of(fact) != "number" or not (before := _BEFORE.search(text, max(0, fact.start - 30), fact.start)):
        return False
    return before.group(1)[0].isupper() and before.group(1).lower() not in FUNCTION_WORDS


def _comparable(one: Fact, other: Fact) -> bool:
    """True if one number can be mistaken for the other: not inches for percent, nor an ordinal for a count."""
    if not (isinstance(one.value, Number) and isinstance(other.value, Number)):
        return True
    units = {one.value.unit, other.value.unit}
    return len(units) == 1 or ("" in units and not units & {"th", "s"})


def _key(fact: Fact) -> tuple[object, ...]:
    return (fact.value.value,) if isinstance(fact.value, Number) else tuple(fact.value)


def _agree(one: Fact, other: Fact) -> bool:
    """True for the same number, and for dates that may be the same: "1995" and "12 June 1995"."""
    return all(a == b for a, b in zip(_key(one), _key(other), strict=False) if a is not None and b is not None)


def _content(text: str) -> list[str]:
    return [term for word in _WORD.findall(text) if (term := _term(word.lower()))]


@lru_cache(20_000)
def _term(word: str) -> str:
    """Return the term of one word; "" for a function word."""
    found = terms(word) if word not in FUNCTION_WORDS else []
    return found[0] if found else ""
