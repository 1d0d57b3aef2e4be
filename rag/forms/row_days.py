"""The rows of a table on the days that a question names: "in the first half of march", "on saturdays"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from rag.forms.cells import TableRow
from rag.forms.columns import valued_columns
from rag.forms.periods import MONTHS, period_named

_WEEKDAYS = "mon tues wednes thurs fri satur sun".split()
_ON_DAYS = re.compile(
    rf"\b(?:on|of|each|every|for|all)\s+(?:an?\s+|the\s+)?({'|'.join(_WEEKDAYS)})days?\b", re.IGNORECASE
)
_WEEKEND = re.compile(r"\b(?:at|on|over|of)\s+(?:the\s+|a\s+)?weekends?\b", re.IGNORECASE)
_FIRST_HALF = 15
"""The last day of a month's first half."""
_IN_MONTH = re.compile(
    r"\b(?:in|of|during|for)\s+(?:(?:the\s+)?(?P<half>first|second|last)\s+half\s+of\s+)?"
    rf"(?:{'|'.join(MONTHS)})\b(?:\s+(?:19|20)\d\d)?",
    re.IGNORECASE,
)


def on_days(question: str, rows: Sequence[TableRow], names: Sequence[str]) -> tuple[list[TableRow], str] | None:
    """Return (the rows on the days that a question names, the question without these words).

    None if it names no days, or if not just one column has days.
    """
    columns = valued_columns(rows, names, days=True)
    tests = _tests(question)
    if len(columns) != 1 or not tests:
        return None
    days = [(row, value) for row in rows if (value := row.value(columns[0])) and value.unit == "day"]
    kept = [row for row, value in days if all(test(date.fromordinal(int(value.number))) for test in tests)]
    for pattern in (_ON_DAYS, _WEEKEND, _IN_MONTH):
        question = pattern.sub(" ", question)
    return kept, question


def _tests(question: str) -> Sequence[Callable[[date], bool]]:
    """Return what a day has to pass for a question: its month and year, the half of its month, its weekday."""
    tests = list[Callable[[date], bool]]()
    named = _IN_MONTH.search(question)
    period = period_named(f"in {named.group().rpartition(' of ')[2]}") if named else None
    if named and period and period.month:
        tests.append(lambda day: day.month == period.month and period.year in (None, day.year))
        if named["half"]:
            first = named["half"].lower() == "first"
            tests.append(lambda day: (day.day <= _FIRST_HALF) == first)
    weekdays = {_WEEKDAYS.index(one.lower()) for one in _ON_DAYS.findall(question)}
    if _WEEKEND.search(question):
        weekdays |= {5, 6}
    if weekdays:
        tests.append(lambda day: day.weekday() in weekdays)
    return tests
