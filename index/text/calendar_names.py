"""The long and short names of weekdays and months, as search terms."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from index.text.words import terms

_NAMES = (
    *("monday mon", "tuesday tues tue", "wednesday wed", "thursday thurs thur thu", "friday fri", "saturday sat"),
    *("sunday sun", "january jan", "february feb", "march mar", "april apr", "june jun", "july jul", "august aug"),
    *("september sept sep", "october oct", "november nov", "december dec"),
)


def is_calendar_name(term: str) -> bool:
    """True for the term of a weekday or month.

    >>> is_calendar_name("feb"), is_calendar_name("yesterday")
    (True, False)
    """
    return term in _forms()


def held_name(term: str, frequency: Callable[[str], int]) -> str:
    """Return the form of a weekday or month that the sources have, the term itself if they have it or it is neither.

    `frequency` counts the passages with a term.
    """
    forms = _forms().get(term, ())
    return term if not forms or frequency(term) else max(forms, key=frequency)


@cache
def _forms() -> dict[str, tuple[str, ...]]:
    of_name = [tuple(dict.fromkeys(terms(names))) for names in _NAMES]
    return {term: forms for forms in of_name for term in forms}
