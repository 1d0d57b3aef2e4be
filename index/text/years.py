"""Find the years in a question, and every form in which a source may write a year. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from index.text.terms import RECALLS, counts_what_follows, is_measured, normal_form, tokens, with_plain_dashes

_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_OF_PERIOD = re.compile(r"(?:fy|[qh][1-4])[-./ ]?(?P<century>20)?(?P<year>\d\d)", re.IGNORECASE)
_PERIODS = ("fy", "fiscal", "financial", "year")


def years(text: str) -> list[str]:
    """Return the years that a text names, in order, also as "FY2022" or "2022/23".

    A number that somebody has read or heard of may be any number.

    >>> years("Did FY22 and Q2 2023 cost more than the 2000 chairs of 1998-99? I read 1850 somewhere.")
    ['2022', '2023', '1998']
    """
    text = with_plain_dashes(text)
    found, named = tokens(text), list[str]()
    for place, token in enumerate(found):
        if match := _OF_PERIOD.fullmatch(token.text):
            named.append(f"20{match['year']}")
            continue
        year = _YEAR.match(token.text) if token.is_time else None
        recalled = place > 0 and found[place - 1].low in RECALLS
        if year and not (recalled or is_measured(text, found, place) or counts_what_follows(text, found, place)):
            named.append(year.group())
    return named


def year_forms(year: str, mention: Callable[[str], str]) -> list[str]:
    """Return the terms under which the index may hold a year.

    `mention` turns a normal form into a term.

    >>> year_forms("2022", "#{}".format)[:3]
    ['2022', '#2022', '#2021.22']
    """
    short = year[2:]
    forms = [year, f"{int(year) - 1}.{short}", *(f"{period}{end}" for period in _PERIODS for end in (year, short))]
    return [year, *(mention(normal_form(form)) for form in forms)]
