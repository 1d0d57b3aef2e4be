"""Dates in text: lines that hold only a date (with label, weekday, author or time), and dates in prose."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_OF = r"(?:(?:day\s+)?of\s+)?"
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
_BYLINE_AFTER = r"(?:[\s.,|·•–—-]+by(?:\s+[^\s|\d]{1,30}){1,4})?"
_DATES = [
    rf"(?:the\s+)?{_DAY}\s+{_OF}{_MONTH},?\s+(?P<year>\d{{4}})",
    rf"{_DAY}-{_MONTH}-(?P<year>\d{{4}})",
    rf"{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})",
    r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{2})(?P=mark)(?P<day>\d{2})",
    r"(?P<first>\d{1,2})(?:[./]|\. )(?P<second>\d{1,2})(?:[./]|\. )(?P<year>\d{4})",
]
_DATELINES = [
    re.compile(_BYLINE + _LABEL + _WEEKDAY + form + _TIME + _BYLINE_AFTER + r"\s*\.?", re.IGNORECASE) for form in _DATES
]


def read_dateline(line: str) -> date | None:
    """Return the date of a line that holds nothing else, or None.

    A label, weekday, author or time around the date is allowed. An ambiguous date is not guessed: "03/04/2024" gives
    None, "13/04/2024" is clear.
    """
    line = line.strip()
    if len(line) > 120:
        return None
    for form in _DATELINES:
        if match := form.fullmatch(line):
            return _date(match.groupdict())
    return None


_MONTHS_AND_YEARS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_MONTH},?\s+(?:of\s+)?(?P<year>\d{{4}})",
        r"(?P<year>\d{4})-(?P<month>\d{2})",
        r"(?P<month>\d{2})/(?P<year>(?:19|20)\d{2})",
        r"(?P<year>(?:19|20)\d{2})",
    )
]


def read_month_or_year(words: str) -> str | None:
    """Return words that are only a month with its year, or a year, in ISO form.

    Other words give None.

    >>> read_month_or_year("May 2025"), read_month_or_year("2023")
    ('2025-05', '2023')
    """
    for form in _MONTHS_AND_YEARS:
        match = form.fullmatch(words.strip().rstrip("."))
        first = _date({"day": "1", "month": "1", **match.groupdict()}) if match else None
        if match and first:
            return f"{first:%Y-%m}" if "month" in match.groupdict() else f"{first:%Y}"
    return None


_PROSE = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<![\w.,]){_DAY}\s+{_OF}{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?(?!\w)",
        rf"(?<![\w.,/-]){_DAY}-{_MONTH}-(?P<year>\d{{4}})(?![\w-])",
        rf"(?<!\w){_MONTH}\s+{_DAY}(?![\w:])(?:,?\s+(?P<year>\d{{4}})(?!\w))?",
        rf"(?<!\w){_MONTH},?\s+(?:of\s+)?(?P<year>\d{{4}})(?!\w)",
        r"(?<![\w/-])(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{2})(?P=mark)(?P<day>\d{2})(?![\w/-])",
        r"(?<![\w/.])(?P<first>\d{1,2})[./](?P<second>\d{1,2})[./](?P<year>\d{4})(?!\w)",
        r"\b(?:in|since|until|till|by|from|to|of|early|late|mid|last|this|next|every|during|between)[ -]"
        rf"{_MONTH}(?!\w)",
    )
]

_LAST_DAY = 31

PartialDate = tuple[int | None, int, int | None]
"""(year, month, day); None where the text does not say."""


def find_dates(text: str) -> list[tuple[int, int, PartialDate]]:
    """Return the dates in prose that name a month: (start, end, date), in order.

    Impossible and ambiguous dates are left out.

    >>> find_dates("Opened on 12 September 2024.")
    [(10, 27, (2024, 9, 12))]
    """
    found: list[tuple[int, int, PartialDate]] = []
    taken: list[tuple[int, int]] = []
    for form in _PROSE:
        for match in form.finditer(text):
            part = match.groupdict()
            start = match.start("month") if part.get("month") and form is _PROSE[-1] else match.start()
            # "may" and "march" are months only with a capital.
            if (part.get("month") or "M")[0].islower() or any(start < b and a < match.end() for a, b in taken):
                continue
            value = _partial(part)
            if value or int(part.get("day") or 99) <= _LAST_DAY:
                # An impossible day such as 31 April leaves no month either.
                taken.append((start, match.end()))
            if value:
                found.append((start, match.end() - match.group().endswith("."), value))
    return sorted(found)


def _partial(part: dict[str, str | None]) -> PartialDate | None:
    named = {name: value for name, value in part.items() if value}
    # Fill a missing day or year with a value that is valid in every month.
    full = _date({"year": "2000", "day": "1", **named})
    if full is None:
        return None
    day = full.day if "day" in named or "first" in named else None
    return (full.year if "year" in named else None), full.month, day


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
