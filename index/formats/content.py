"""What a reader of a format makes of a file: its text, what the file says about it, and where pages and rows start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from index.errors import UnreadableSource

MAX_CHARACTERS = 20_000_000
"""Longest text that is taken from one file."""


@dataclass(frozen=True)
class Row:
    """A row of a table file that starts at `start` in the text. `sheet` is "" where there is only one."""

    start: int
    sheet: str
    number: int


Time = tuple[int, int]
"""Where words begin in the text, and the second at which they are spoken."""


@dataclass(frozen=True)
class Content:
    """`text` holds headings as Markdown does ("## Results"), paragraphs between blank lines, list items as "- item".

    `pages[n]` is where page n + 1 starts in the text; `rows` and `times` are in order. What the file does not say is ""
    or None. `several` marks a file of several documents, or of talk, in which no line names or dates the whole.
    """

    text: str
    title: str = ""
    author: str = ""
    published: date | None = None
    language: str = ""
    pages: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    several: bool = False
    notes: tuple[str, ...] = ()
    times: tuple[Time, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "text": self.text,
            "title": self.title,
            "author": self.author,
            "published": self.published.isoformat() if self.published else None,
            "language": self.language,
            "notes": list(self.notes),
            "marks": marks_to_json(self.pages, self.rows, self.times),
            "several": self.several,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Content:
        """The content that `to_json` gave."""
        pages, rows, times = marks_from_json(value["marks"])
        published = date.fromisoformat(value["published"]) if value["published"] else None
        said = (value["text"], value["title"], value["author"], published, value["language"])
        return Content(*said, pages, rows, value["several"], tuple(value["notes"]), times)


def marks_to_json(pages: Sequence[int], rows: Sequence[Row], times: Sequence[Time]) -> dict[str, Any]:
    """Where pages and rows start and when words are spoken, as JSON values."""
    # Ids of articles without times are those of before there were any.
    spoken = {"times": [list(time) for time in times]} if times else {}
    return {"pages": list(pages), "rows": [[row.start, row.sheet, row.number] for row in rows], **spoken}


def marks_from_json(value: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[Row, ...], tuple[Time, ...]]:
    """The pages, rows and times that `marks_to_json` gave."""
    times = tuple((int(start), int(second)) for start, second in value.get("times", ()))
    return tuple(value["pages"]), tuple(Row(*row) for row in value["rows"]), times


_NO_TITLE = re.compile(
    r"\(?(?:anonymous|unknown|unspecified)\)?"
    r"|(?:untitled.{0,20}|document\s?\d*|microsoft word - .*|powerpoint presentation|word document|.*\.\w{2,4})",
    re.IGNORECASE,
)

_NO_AUTHOR = re.compile(
    r"\(?(?:anonymous|unknown|unspecified|python-docx|openpyxl|author|admin|user)\)?", re.IGNORECASE
)
"""What programs write where nobody is named."""


def said_title(title: str) -> str:
    """A title from a file's metadata, tidied; "" for what a program put there by itself (a file name, "untitled")."""
    tidy = " ".join(title.split())
    return "" if _NO_TITLE.fullmatch(tidy) or not re.search(r"[^\W\d_]{2}", tidy) else tidy


def checked(content: Content) -> Content:
    """The content, with what can't be stored (NUL, half characters) replaced one for one.

    Raises UnreadableSource when there is no text in it, or far too much.
    """
    if not content.text.strip():
        raise UnreadableSource("holds no text")
    if len(content.text) > MAX_CHARACTERS:
        raise UnreadableSource(f"holds more than {MAX_CHARACTERS:,} characters of text: split it")
    text, title, author = map(_storable, (content.text, content.title, content.author))
    named = "" if _NO_AUTHOR.fullmatch(author.strip()) else author
    return replace(content, text=text, title=title, author=named)


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
