"""The value of a cell in a table: a number with its unit, or a day; none if it is not clear. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from index.text.dates import read_dateline

_AMOUNT = r"\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_NUMBER = re.compile(
    rf"(?P<opens>\()?(?P<minus>[-−])?\s*(?P<before>[^\d\s.,()-]{{1,3}})?\s?(?P<minus_after>[-−])?"
    rf"(?P<number>{_AMOUNT})(?P<closes>\))?\s*(?P<after>[^\d\s:/()-]\S*)?"
)
_GROUPED = re.compile(r"\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?")


@dataclass(frozen=True)
class Value:
    """A number and its unit ("" for none), or a day's ordinal with the unit "day"."""

    number: Decimal
    unit: str = ""


def number_in(text: str) -> Value | None:
    """Return the number that a text consists of, with its unit.

    An amount in brackets is negative, as in accounts.

    >>> number_in("1,250.50 EUR"), number_in("($40)").number, number_in("2025-10-01")
    (Value(number=Decimal('1250.50'), unit='EUR'), Decimal('-40'), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found or bool(found["opens"]) != bool(found["closes"]) or (found["before"] and found["after"]):
        return None
    digits = found["number"]
    plain = re.sub(r"[^\d.]", "", digits) if _GROUPED.fullmatch(digits) else digits.replace(",", ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    negative = found["opens"] or found["minus"] or found["minus_after"]
    return Value(-number if negative else number, found["before"] or found["after"] or "")


def day_in(text: str) -> Value | None:
    """Return the day that a text consists of.

    >>> day_in("4 March 2025") == day_in("2025-03-04"), day_in("03/04/2025")
    (True, None)
    """
    day: date | None = read_dateline(text)
    return Value(Decimal(day.toordinal()), "day") if day else None
