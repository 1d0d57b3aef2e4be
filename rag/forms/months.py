"""The month that a question names: "what was decided in march", "the meeting of 14 May 2025". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.published import Published

MONTHS = "january february march april may june july august september october november december".split()
_NAMED = re.compile(
    rf"\b(?:in|on|of|from|at|during|the)\s+(?:the\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>{'|'.join(MONTHS)})\b"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?,?)?(?:\s+(?P<year>(?:19|20)\d\d))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Month:
    """A month, of a year or of any (None)."""

    number: int
    year: int | None

    def holds(self, published: Published | None) -> bool:
        """Whether a source was published in it."""
        if published is None:
            return False
        first, last = published.first_day, published.last_day
        same = first.month == last.month == self.number and first.year == last.year
        return same and self.year in (None, first.year)

    def stands_in(self, text: str) -> bool:
        """Whether a text names it."""
        return re.search(rf"\b{MONTHS[self.number - 1]}\b", text, re.IGNORECASE) is not None


def month_named(question: str) -> Month | None:
    """Return the one month that a question names, None if it names none or several.

    >>> month_named("what did they decide in march"), month_named("may i keep a dog?")
    (Month(number=3, year=None), None)
    """
    found = {(one["month"].casefold(), one["year"]) for one in _NAMED.finditer(question)}
    if len(found) != 1:
        return None
    name, year = found.pop()
    return Month(MONTHS.index(name) + 1, int(year) if year else None)
