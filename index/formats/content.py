"""The result of reading a file: its text, its metadata, and where pages and rows start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from index.errors import UnreadableSource

MAX_CHARACTERS = 20_000_000
"""Maximum characters of text from one file."""


@dataclass(frozen=True)
class Row:
    """A row of a table file: its offset in the text, its sheet, and its number in the file.

    `sheet` is "" if the file has only one sheet.
    """

    start: int
    sheet: str
    number: int


Time = tuple[int, int]
"""(offset of words in the text, second at which they are spoken)."""


@dataclass(frozen=True)
class Content:
    """The text and metadata of a file.

    `text` has Markdown headings ("## Results"), blank lines between paragraphs, and list items as "- item".
    `pages[n]` is the offset of page n + 1 in the text; `rows` and `times` are in order. Missing metadata is "" or None.
    `several` marks a file of several documents, or of speech: no line in it is the title or date of the whole.
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
        """Return the content as JSON values."""
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
        """Return the content from the result of `to_json`."""
        pages, rows, times = marks_from_json(value["marks"])
        published = date.fromisoformat(value["published"]) if value["published"] else None
        said = (value["text"], value["title"], value["author"], published, value["language"])
        return Content(*said, pages, rows, value["several"], tuple(value["notes"]), times)


def marks_to_json(pages: Sequence[int], rows: Sequence[Row], times: Sequence[Time]) -> dict[str, Any]:
    """Return pages, rows and times as JSON values."""
    # Leave out empty times: article ids depend on this value and must stay as before.
    spoken = {"times": [list(time) for time in times]} if times else {}
    return {"pages": list(pages), "rows": [[row.start, row.sheet, row.number] for row in rows], **spoken}


def marks_from_json(value: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[Row, ...], tuple[Time, ...]]:
    """Return pages, rows and times from the result of `marks_to_json`."""
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
"""Placeholders that programs write instead of an author."""


def normalized_title(title: str) -> str:
    """Return a metadata title with white space normalized.

    Returns "" for a placeholder from a program (a file name, "untitled").
    """
    tidy = " ".join(title.split())
    return "" if _NO_TITLE.fullmatch(tidy) or not re.search(r"[^\W\d_]{2}", tidy) else tidy


def checked(content: Content) -> Content:
    """Return the content with each NUL or lone surrogate replaced by one character.

    A placeholder author is removed.

    Raises:
        UnreadableSource: The content has no text, or more than MAX_CHARACTERS.
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
