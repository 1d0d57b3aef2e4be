"""Whether an amount or weekday of a question lies in the range of a cell: "Tuesday" in "Mon-Fri". Pure.

Amounts are alike: "after 4 years" lies in "3 to 5 years".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.check.amounts import Number, find_numbers

_IN_ONE_UNIT = {
    "minute": ("day", 1 / 1440), "hour": ("day", 1 / 24), "day": ("day", 1.0), "week": ("day", 7.0),
    "month": ("day", 30.44), "year": ("day", 365.25), "gram": ("kilogram", 0.001), "ton": ("kilogram", 1000.0),
    "millimetre": ("metre", 0.001), "centimetre": ("metre", 0.01), "kilometre": ("metre", 1000.0),
}  # fmt: skip
_BETWEEN = re.compile(r"\s*(?:-|–|—|to|until|and)\s*(?:under|below|less than)?\s*", re.IGNORECASE)
_AT_MOST = re.compile(r"\b(?:less than|under|up to|below|until|max\.?|at most|within|not more than)\s*$|<\s*$", re.I)
_AT_LEAST = re.compile(r"\b(?:more than|over|above|from|at least|min\.?|longer than)\s*$|>\s*$", re.IGNORECASE)
_AND_MORE = re.compile(r"\s*(?:\+|(?:or|and) (?:more|over|older|above|longer|up)\b)", re.IGNORECASE)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?"
DAYS_ASKED = re.compile(r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun|week)days?|weekends?)\b", re.IGNORECASE)
"""Days of the week in a question."""
_DAYS_GIVEN = re.compile(
    rf"(?P<first>{_DAY})\.?(?:\s?(?:-|–|—|to|until|(?P<pair>and|&|/|,))\s?(?P<last>{_DAY})\.?)?"
    r"(?:(?:,|/|\s?&|\s?and)\s?(?:(?:public|bank) )?holidays?)?"
    r"|(?P<several>weekdays?|weekends?|daily|every ?day)",
    re.IGNORECASE,
)
_SEVERAL_DAYS = {"weekd": (0.0, 4.0), "weeke": (5.0, 6.0), "daily": (0.0, 6.0), "every": (0.0, 6.0)}
"""(first, last) of several days by the first letters of their name."""
_WEEKDAY = "weekday"
_LONGEST = 60
"""Longest cell, in characters, that may be a range; longer ones are sentences."""


@dataclass(frozen=True)
class Amount:
    """An amount, in the unit in which all amounts of its kind are compared.

    `last` is the last of several days: all of them have to be in a range.
    """

    value: float
    unit: str
    last: float | None = None


@dataclass(frozen=True)
class Range:
    """The lowest and the highest amount that a cell applies to."""

    low: float
    high: float
    unit: str

    def holds(self, question_amounts: Sequence[Amount]) -> bool:
        """True if one of the amounts lies in the range."""
        return any(
            one.unit == self.unit and self.low <= one.value and (one.last or one.value) <= self.high
            for one in question_amounts
        )


def amounts(text: str) -> list[Amount]:
    """Return the amounts with a unit in a text, and its weekdays, Monday as 0.

    >>> amounts("sick pay after 2 weeks")
    [Amount(value=14.0, unit='day', last=None)]
    """
    found = [_amount(one) for one in find_numbers(text) if one.unit not in ("", "th", "s")]
    asked = [_days(word) for word in DAYS_ASKED.findall(text)]
    return found + [Amount(first, _WEEKDAY, last if last > first else None) for first, last in asked]


def range_in(cell: str, column: str = "") -> Range | None:
    """Return the range in a cell; None if it has none.

    A number without a unit has the unit at the end of the column's name.

    >>> range_in("1 to 3 years"), range_in("less than 2", "Weight (kg)")
    (Range(low=365.25, high=1095.75, unit='day'), Range(low=-inf, high=2.0, unit='kilogram'))
    """
    if days := _DAYS_GIVEN.fullmatch(cell.strip()):
        if days["several"]:
            return Range(*_days(days["several"]), _WEEKDAY)
        first_day, last_day = _days(days["first"])[0], _days(days["last"] or days["first"])[0]
        apart = days["pair"] and last_day != first_day + 1  # "Monday and Thursday"
        return Range(first_day, last_day, _WEEKDAY) if first_day <= last_day and not apart else None
    numbers = find_numbers(cell) if len(cell) <= _LONGEST else []
    if not numbers or len(numbers) > 2:
        return None
    low, high = math.nan, math.nan
    first, last = (_amount(one, column) for one in (numbers[0], numbers[-1]))
    if len(numbers) == 2:
        if _BETWEEN.fullmatch(cell, numbers[0].end, numbers[1].start) and first.unit == last.unit:
            low, high = first.value, last.value
    elif _AT_MOST.search(cell[: numbers[0].start]):
        low, high = -math.inf, first.value
    elif _AT_LEAST.search(cell[: numbers[0].start]) or _AND_MORE.match(cell, numbers[0].end):
        low, high = first.value, math.inf
    return Range(low, high, first.unit) if first.unit and low <= high else None


def any_holds(question_amounts: Sequence[Amount], cells: Iterable[tuple[str, str]]) -> bool:
    """True if a cell has a range that contains one of the amounts.

    `cells` are (text, name of the column).
    """
    ranges = (range_in(cell, column) for cell, column in cells) if question_amounts else ()
    return any(one.holds(question_amounts) for one in ranges if one)


def _days(word: str) -> tuple[float, float]:
    """Return the first and the last of the days that a word names, Monday as 0."""
    if several := _SEVERAL_DAYS.get(word[:5].lower()):
        return several
    day = float(_DAYS.index(word[:3].lower()))
    return day, day


def _amount(number: Number, column: str = "") -> Amount:
    unit = number.unit
    if not unit and column:
        numbers = find_numbers(f"2 {column.rpartition('(')[2].strip(' )')}")
        unit = numbers[0].unit if numbers else ""
    unit, factor = _IN_ONE_UNIT.get(unit, (unit, 1.0))
    return Amount(float(number.value) * factor, unit)
