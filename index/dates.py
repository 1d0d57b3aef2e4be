"""Datelines: lines that are only a date, with a label, weekday, author or time around it."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_LABEL = (
    r"(?:(?:first |last )?(?:published|posted|updated|modified|created|released|date|filed|written)"
    r"(?:\s+(?:on|at))?\s*:?\s+)?"
)
_BYLINE = r"(?:by\s+[^|,·•\d]{2,60}\s*[|,·•–—-]\s*)?"
_TIME = (
    r"(?:[\sT,|·•–—-]+(?:at\s+)?\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?\s*(?:[ap]\.?m\.?)?"
    r"\s*(?:z|utc|gmt|[a-z]{2,4}t|[+-]\d{2}:?\d{2})?)?"
)
_DATES = [
    rf"{_DAY}\s+(?:of\s+)?{_MONTH},?\s+(?P<year>\d{{4}})",
    rf"{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})",
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
    r"(?P<first>\d{1,2})[./](?P<second>\d{1,2})[./](?P<year>\d{4})",
]
_DATELINES = [re.compile(_BYLINE + _LABEL + _WEEKDAY + form + _TIME + r"\s*\.?", re.IGNORECASE) for form in _DATES]


def read_dateline(line: str) -> date | None:
    """The date of a line that is only a date, with a label, weekday, author or time around it; else None.

    Never guessed: of "03/04/2024" nobody can say which is the day, so it gives None ("13/04/2024" is clear).
    """
    line = line.strip()
    if len(line) > 120:
        return None
    for form in _DATELINES:
        if match := form.fullmatch(line):
            return _date(match.groupdict())
    return None


def _date(part: dict[str, str]) -> date | None:
    if "first" in part:
        first, second = int(part["first"]), int(part["second"])
        if first <= 12 and second <= 12 and first != second:
            return None
        day, month = (first, second) if first > 12 else (second, first)
    else:
        name = part["month"].lower()
        month = int(name) if name.isdigit() else _MONTHS.index(name[:3]) + 1
        day = int(part["day"])
    try:
        return date(int(part["year"]), month, day)
    except ValueError:
        return None
