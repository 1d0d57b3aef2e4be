"""When a source was published: only as the source states it, never from the file system, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Literal

from index.text.dates import read_dateline, read_month_or_year
from index.text.layout import TOP_LINES, top_lines

DateOrigin = Literal["metadata", "front matter", "text", "file name"]


@dataclass(frozen=True)
class Published:
    """A date as exact as the source gives it.

    `when` is "2024", "2024-09" or "2024-09-12"; `origin` says which part of the source gives it.
    """

    when: str
    origin: DateOrigin

    @property
    def first_day(self) -> date:
        """Return the first day that the date may mean, to sort and filter by."""
        year, month, day = [*map(int, self.when.split("-")), 1, 1][:3]
        return date(year, month, day)

    @property
    def last_day(self) -> date:
        """Return the last day that the date may mean."""
        first = self.first_day
        after = {0: first.replace(year=first.year + 1), 1: (first + timedelta(32)).replace(day=1)}
        return after.get(self.when.count("-"), first + timedelta(1)) - timedelta(1)

    def __str__(self) -> str:
        """Return the date as people write it: "12 Sep 2024", "Sep 2024" or "2024"."""
        parts = self.when.count("-")
        first = self.first_day
        return self.when if parts == 0 else f"{first:%b %Y}" if parts == 1 else f"{first.day} {first:%b %Y}"


def of_day(day: date | None) -> Published | None:
    """Return the date in a file's metadata, or None."""
    return Published(day.isoformat(), "metadata") if day else None


def read_period(words: str) -> Published | None:
    """Return the day, month or year that words name, or None.

    Examples are "2024-12-31", "March 2024" and "2024".
    """
    when = _read(words.strip())
    return Published(when, "text") if when else None


# --- in the text ------------------------------------------------------------------------------------------------------

_OF_OTHERS = r"(?:birth|death|marriage|hire|joining|entry|arrival|departure|delivery|purchase|expiry|loss)\b"
"""What has a date that says nothing about the text ("Date of birth")."""
_LABELS = (
    r"(?:first\s+)?(?:published|posted|created|released|issued|filed|written|date(?:\s+of\s+(?!"
    + _OF_OTHERS
    + r")\w+)?)",
    r"(?:last\s+)?(?:updated|modified|revised|reviewed|edited|changed)",
    r"(?:(?:valid\s+)?as\s+(?:of|at)|(?:valid|effective|in\s+force)\s+(?:from|since|as\s+of))",
)
"""Labels before a date, by rank: date of publication, of an update, of the state described."""
_BETWEEN = r"(?:\s+(?:on|at|in))?\s*[:|]?\s*"
_LABELLED = [re.compile(rf"{label}{_BETWEEN}(?P<date>\S.*)", re.IGNORECASE) for label in _LABELS]
_AT_THE_END = [
    re.compile(rf".{{1,80}}?[,;·|(–—-]\s*{label}{_BETWEEN}(?P<date>[^;)]+?)\)?\.?", re.IGNORECASE) for label in _LABELS
]
_FROM_A_PLACE = re.compile(r"(?:[A-Z][A-Z'’.-]+[ ,/]*){1,5}[,(–—-]?\s*(?P<date>[^-–—(:]{8,40}?)\s*(?:[-–—:(].*)?")
_MARKS = "*_#> \t"


def find_published(text: str) -> Published | None:
    """Return the date in the top lines of `text`, or None.

    A date of publication goes before one of an update, and that before "as of". A line counts if it holds only a date
    (with label, weekday, author or time around it), if a labelled date ends it, or if it begins as news does ("LONDON,
    3 March 2024 - ..."). Other dates inside a sentence do not count.
    """
    found = [dated for line in top_lines(text, TOP_LINES) if (dated := _dated(line))]
    return Published(min(found, key=lambda one: one[0])[1], "text") if found else None


def _dated(line: str) -> tuple[int, str] | None:
    """Return (rank of its label, date) for a line with a date, or None."""
    line = line.replace("**", "").strip(_MARKS)
    if len(line) <= 120:
        for forms in (_LABELLED, _AT_THE_END):
            for rank, form in enumerate(forms):
                if (match := form.fullmatch(line)) and (when := _read(match["date"].strip(_MARKS))):
                    return rank, when
        if day := read_dateline(line):
            return 0, day.isoformat()
    match = _FROM_A_PLACE.fullmatch(line[:200])
    day = read_dateline(match["date"]) if match else None
    return (0, day.isoformat()) if day else None


def _read(words: str) -> str | None:
    """Return a date in ISO form, as exact as the words give it, or None."""
    day = read_dateline(words)
    return day.isoformat() if day else read_month_or_year(words)


# --- in front matter and in the file's name ---------------------------------------------------------------------------

_FIELDS = (
    "date published publishdate publisheddate datepublished pubdate publishedat publishedon".split(),
    "updated lastupdated updatedat lastmod modified lastmodified revised".split(),
    "asof".split(),
)


def published_in_front_matter(fields: Mapping[str, str]) -> Published | None:
    """Return the date in a text's front matter, or None.

    Publication goes before update, and that before "as of".
    """
    for names in _FIELDS:
        for name in names:
            words = re.sub(r"(?<=\d)[T ]\d{1,2}:\d{2}.*", "", fields.get(name, ""))
            if when := _read(words):
                return Published(when, "front matter")
    return None


_DAY_IN_DIGITS = re.compile(r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])([0-2]\d|3[01])(?!\d)")


def read_name(source: str) -> tuple[Published | None, list[str]]:
    """Return the date in a file's name, and the words of the name without it.

    A year alone stays a word. Two years, as in "budget 2023-2024", are no date.

    >>> published, words = read_name("minutes/2024-10-07-team-meeting.md")
    >>> published.when, words
    ('2024-10-07', ['team', 'meeting'])
    """
    stem = _DAY_IN_DIGITS.sub(r"\1-\2-\3", PurePosixPath(source).stem)
    words = [word for word in re.split(r"[-_.,()\[\]\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)) if word]
    for length in (3, 2):
        for at in range(len(words) - length + 1):
            if when := _read_words(words[at : at + length]):
                return Published(when, "file name"), words[:at] + words[at + length :]
    years = [when for word in words if (when := _read_words([word]))]
    return (Published(years[0], "file name") if len(years) == 1 else None), words


def _read_words(words: Sequence[str]) -> str | None:
    if all(word.isdecimal() for word in words):
        separator = "-" if len(words[0]) == 4 else "."
        return _read(separator.join(words))
    return _read(" ".join(words))
