"""The month or year that a question names: "what was decided in march", "the hotel limit 2025". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.text.published import Published

MONTHS = "january february march april may june july august september october november december".split()
_NAMED = re.compile(
    rf"\b(?:in|on|of|from|at|during|the)\s+(?:the\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>{'|'.join(MONTHS)})\b"
    r"(?:\s+\d{1,2}(?!\d)(?:st|nd|rd|th)?,?)?(?:\s+(?P<year>(?:19|20)\d\d))?",
    re.IGNORECASE,
)


_YEAR = re.compile(r"(?<![\w.,-])(?:19|20)\d\d(?![\w,-]|\.\d)")


@dataclass(frozen=True)
class Period:
    """A month of one year or of any (None), or a whole year."""

    month: int | None
    year: int | None

    def holds(self, published: Published | None) -> bool:
        """True if a source was published in the period."""
        if published is None:
            return False
        first, last = published.first_day, published.last_day
        if first.year != last.year or self.year not in (None, first.year):
            return False
        return self.month is None or first.month == last.month == self.month

    def stands_in(self, text: str) -> bool:
        """True if a text names the period."""
        named = str(self.year) if self.month is None else MONTHS[self.month - 1]
        return re.search(rf"\b{named}\b", text, re.IGNORECASE) is not None


def period_named(question: str) -> Period | None:
    """Return the only month in a question, else its only year; None if it has neither.

    >>> period_named("what did they decide in march"), period_named("may i keep a dog?")
    (Period(month=3, year=None), None)
    """
    found = {(one["month"].casefold(), one["year"]) for one in _NAMED.finditer(question)}
    if not found:
        years = set(_YEAR.findall(question))
        return Period(None, int(years.pop())) if len(years) == 1 else None
    if len(found) > 1:
        return None
    name, year = found.pop()
    return Period(MONTHS.index(name) + 1, int(year) if year else None)
