"""Whether the sources differ on what is asked: another number or date in another source. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rag.check.amounts import Number
from rag.check.facts import find_facts
from rag.check.rivals import kind_of
from rag.reader import Evidence
from rag.writer.quote import answering_words, of_one_thing


def sources_differ(quoted: Sequence[Evidence], asked: Sequence[str]) -> bool:
    """Return True if answers of two articles differ, of those that are likely to answer by themselves.

    They must be about one thing; `asked` are the terms of the question, the rarest first. Names are not compared:
    several may supply, sing or attend.
    """
    told = [one for one in quoted if one.stands]
    return any(of_one_thing(told[0], one, asked) and _tell_apart(told[0], one) for one in told[1:])


def _tell_apart(first: Evidence, other: Evidence) -> bool:
    apart = first.hit.chunk.article_id != other.hit.chunk.article_id
    return apart and differ(answering_words(first), answering_words(other))


def differ(one: str, other: str) -> bool:
    """Return True if both texts have a number or both a date, and none in common.

    >>> differ("26 trams", "22"), differ("$2.3bn", "2.3 billion dollars"), differ("1986", "December 1986")
    (True, False, False)
    """
    first, second = _values(one), _values(other)
    both = first.keys() & second.keys()
    return bool(both) and not any(_agree(a, b) for kind in both for a in first[kind] for b in second[kind])


_Value = tuple[Decimal | int | None, ...]
"""A number, or a date as year, month and day."""


def _values(text: str) -> dict[str, list[_Value]]:
    """The numbers and dates of a text."""
    found = dict[str, list[_Value]]()
    for fact in find_facts(text):
        kind, value = kind_of(fact), fact.value
        if isinstance(value, Number):
            found.setdefault(kind, []).append((value.value,))
        elif kind == "date" and isinstance(value, tuple):
            found.setdefault(kind, []).append(tuple(part for part in value if not isinstance(part, str)))
    return found


def _agree(one: _Value, other: _Value) -> bool:
    """Whether two values may be the same: "1986" and "December 1986" are."""
    return all(a == b for a, b in zip(one, other, strict=False) if a is not None and b is not None)
