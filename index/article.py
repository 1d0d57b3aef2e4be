"""An article: the stored text of one source, with its title and date, and where its pages and rows start."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from index.errors import UnreadableSource
from index.formats import READERS
from index.formats.content import Content, Row, Time
from index.formats.plain import decode
from index.formats.worker import Worker
from index.stamps import open_at_once
from index.text.front_matter import read_front_matter
from index.text.published import Published, find_published, of_day, published_in_front_matter, read_name
from index.text.titles import Title, TitleOrigin, find_title_of

TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".md", ".markdown", ".log", ".rst"})
READABLE = TEXT_SUFFIXES | READERS.keys()
"""Endings of file names that can be read, in lower case."""
_LONGEST_TITLE = 1000
"""Most characters of a title; metadata and front matter can hold any text."""


@dataclass(frozen=True)
class Article:
    """One source as it is stored and cited.

    `source` is the path relative to the indexed folder, `text` the stored text that every offset in
    the system points into, `published` the date that the source gives, or None. `id` is a hash of source and text,
    and of what the file says about itself. `pages[n]` is where page n + 1 starts in the text; plain text has neither
    pages nor `rows` nor `times`. `copies` are the known sources with the same text.
    """

    id: str
    source: str
    title: str
    title_origin: TitleOrigin
    published: Published | None
    text: str
    author: str = ""
    language: str = ""
    pages: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    times: tuple[Time, ...] = ()
    copies: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """True if the source has a title; False if its first words or the name of its file are used instead."""
        return self.title_origin != "stand-in"

    def page(self, offset: int) -> int | None:
        """Return the page (from 1) of the character at `offset`; None without pages."""
        return max(1, bisect_right(self.pages, offset)) if self.pages else None

    def place(self, start: int, end: int) -> str:
        """Return the rows that contain `text[start:end]`, else the time it is spoken ("at 12:40"), else ""."""
        return self.row_names(start, end) or self._time(start)

    def _time(self, start: int) -> str:
        number = bisect_right(self.times, start, key=lambda time: time[0]) - 1
        if number < 0:
            return ""
        minutes, seconds = divmod(self.times[number][1], 60)
        hours, minutes = divmod(minutes, 60)
        return f"at {hours}:{minutes:02}:{seconds:02}" if hours else f"at {minutes}:{seconds:02}"

    def row_names(self, start: int, end: int) -> str:
        """Return the rows that contain `text[start:end]`: "row 4", "rows 2 to 9", "Prices, row 4"; "" without rows."""
        first = bisect_right(self.rows, start, key=lambda row: row.start) - 1
        last = bisect_right(self.rows, max(start, end - 1), key=lambda row: row.start) - 1
        if first < 0:
            return ""
        one, other = self.rows[first], self.rows[last]
        name = f"row {one.number}" if first == last else f"rows {one.number} to {other.number}"
        return f"{one.sheet}, {name}" if one.sheet else name


def make_article(source: str, text: str) -> Article:
    """Make an article from plain text, which may have front matter."""
    return article_of(source, Content(text))


def article_of(source: str, content: Content) -> Article:
    """Make an article from the output of a format reader.

    A missing title or date is taken from front matter, else from the text, else from the file name.
    """
    said = json.dumps(content.to_json(), sort_keys=True)
    digest = hashlib.blake2b(f"{source}\0{said}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    is_collection = content.several or bool(content.rows)
    front = read_front_matter(content.text).fields
    if content.title:
        title = Title(content.title, "metadata")
    elif front.get("title"):
        title = Title(front["title"], "front matter")
    else:
        title = find_title_of(content.text, source, inside=not is_collection)
    published = of_day(content.published) or published_in_front_matter(front)
    if published is None and not is_collection:
        published = find_published(content.text)
    author = content.author or front.get("author") or front.get("authors") or ""
    marks = (content.pages, content.rows, content.times)
    given = (published or read_name(source)[0], content.text, author, content.language)
    return Article(digest, source, title.text[:_LONGEST_TITLE].rstrip(), title.origin, *given, *marks)


def read_article(path: Path, source: str, *, max_bytes: int, worker: Worker) -> tuple[Article, list[str]]:
    """Read the file at `path` as the article called `source`; also returns notes for the report.

    Formats other than plain text are read in the `worker`'s process. Raises UnreadableSource for a file that is empty,
    damaged, larger than `max_bytes` or can't be opened.
    """
    try:
        with open_at_once(path) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableSource("is not a regular file")
            if status.st_size > max_bytes:
                raise UnreadableSource(
                    f"is {status.st_size / 1e6:.1f} MB, more than the limit of {max_bytes / 1e6:g} MB: "
                    "split it, or raise FOOTNOTE_MAX_SOURCE_MB"
                )
            data = b"" if path.suffix.lower() in READERS else stream.read(max_bytes)
    except OSError as error:
        raise UnreadableSource(f"can't be read: {error.strerror or error}") from error
    if path.suffix.lower() in READERS:
        content = worker.read(path)
        return article_of(source, content), list(content.notes)
    text, notes = decode(data)
    return make_article(source, text), notes
