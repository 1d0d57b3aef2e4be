"""Whether the sources answer a question with different numbers or dates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rag.check.amounts import Number
from rag.check.facts import find_facts
from rag.check.rivals import kind_of
from rag.reader import Evidence
from rag.writer.quote import answering_words, of_one_thing


def sources_differ(quoted: Sequence[Evidence], question_terms: Sequence[str]) -> bool:
    """True if two articles give different answers that are likely to be complete.

    Both must be about the same thing. `question_terms` has the rarest term first. Names are not compared, because
    several may supply, sing or attend.
    """
    complete = [one for one in quoted if one.stands]
    return any(of_one_thing(complete[0], one, question_terms) and _tell_apart(complete[0], one) for one in complete[1:])


def _tell_apart(first: Evidence, other: Evidence) -> bool:
    apart = first.hit.chunk.article_id != other.hit.chunk.article_id
    return apart and differ(answering_words(first), answering_words(other))


def differ(one: str, other: str) -> bool:
    """True if both texts have a number or both a date, and none in common.

    >>> differ("26 trams", "22"), differ("$2.3bn", "2.3 billion dollars"), differ("1986", "December 1986")
    (True, False, False)
    """
    first, second = _values(one), _values(other)
    both = first.keys() & second.keys()
    return bool(both) and not any(_agree(a, b) for kind in both for a in first[kind] for b in second[kind])


_Value = tuple[Decimal | int | None, ...]
"""A number, or a date as (year, month, day)."""


def _values(text: str) -> dict[str, list[_Value]]:
    """Return the numbers and dates of a text, by kind."""
    found = dict[str, list[_Value]]()
    for fact in find_facts(text):
        kind, value = kind_of(fact), fact.value
        if isinstance(value, Number):
            found.setdefault(kind, []).append((value.value,))
        elif kind == "date" and isinstance(value, tuple):
            found.setdefault(kind, []).append(tuple(part for part in value if not isinstance(part, str)))
    return found


def _agree(one: _Value, other: _Value) -> bool:
    """True if two values may be the same: "1986" and "December 1986" are."""
    return all(a == b for a, b in zip(one, other, strict=False) if a is not None and b is not None)
