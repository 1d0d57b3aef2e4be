"""Whether the sources differ on what is asked: another number or date in another source. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rag.check.amounts import Number
from rag.check.facts import find_facts
from rag.check.rivals import kind_of
from rag.reader import Evidence
from rag.write import answering_words


def sources_differ(quoted: Sequence[Evidence]) -> bool:
    """Return True if answers of two articles differ, of those that are likely to answer by themselves.

    Names are not compared: several may supply, sing or attend.
    """
    told = [(one.hit.chunk.article_id, answering_words(one)) for one in quoted if one.stands]
    return any(told[0][0] != article and differ(told[0][1], words) for article, words in told[1:])


def differ(one: str, other: str) -> bool:
    """Return True if both texts have a number or both a date, and none in common.

    >>> differ("26 trams", "22"), differ("$2.3bn", "2.3 billion dollars"), differ("Anna Brook", "Tom Hale")
    (True, False, False)
    """
    first, second = _values(one), _values(other)
    both = first.keys() & second.keys()
    return bool(both) and all(first[kind].isdisjoint(second[kind]) for kind in both)


def _values(text: str) -> dict[str, set[object]]:
    """The numbers and dates of a text."""
    found = dict[str, set[object]]()
    for fact in find_facts(text):
        if (kind := kind_of(fact)) in ("number", "date"):
            value = fact.value.value if isinstance(fact.value, Number) else fact.value
            found.setdefault(kind, set()).add(value)
    return found
