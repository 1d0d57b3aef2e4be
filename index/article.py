"""An article: the stored text of one source, with its title and date. One reader per format; plain text so far."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from index.errors import UnreadableSource
from index.layout import find_published, find_title

TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".md", ".markdown", ".log", ".rst"})
_CONTROL = frozenset(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27}


@dataclass(frozen=True)
class Article:
    """One source as it is stored and cited.

    `source` is the name contracts give it (a path relative to its root), `text` the stored text that every offset in
    the system points into, `published` a date that stands in the source, or None. `id` is a hash of source and text.
    """

    id: str
    source: str
    title: str
    published: date | None
    text: str

    @property
    def named(self) -> bool:
        """True when the title is the text's own, False when it is only the file's name."""
        return self.title != _stem(self.source)


def make_article(source: str, text: str) -> Article:
    """An article from plain text: the title is a line at its top that stands as one, else the file's name."""
    digest = hashlib.blake2b(f"{source}\0{text}".encode("utf-8", "surrogatepass"), digest_size=12)
    title = find_title(text)
    name = text[title[0] : title[1]].lstrip("# ").rstrip() if title else _stem(source)
    return Article(digest.hexdigest(), source, name, find_published(text), text)


def read_article(path: Path, source: str, *, max_bytes: int) -> tuple[Article, list[str]]:
    """Read the file at `path` as the article called `source`; also returns notes for the report.

    Raises UnreadableSource for a file that is empty, binary, larger than `max_bytes` or can't be opened.
    """
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise UnreadableSource(
                f"is {size / 1e6:.1f} MB, more than the limit of {max_bytes / 1e6:g} MB: "
                "split it, or raise FOOTNOTE_MAX_SOURCE_MB"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableSource(f"can't be read: {error.strerror or error}") from error
    text, notes = decode(data)
    return make_article(source, text), notes


def decode(data: bytes) -> tuple[str, list[str]]:
    """Bytes of a text file -> its text, newlines untouched, and notes.

    UTF-8 with its byte-order mark dropped; what is not UTF-8 is read as Windows-1252, undefined bytes as U+FFFD.
    Raises UnreadableSource when there is no text in it, or it is not text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableSource("is in UTF-16: save it as UTF-8")
    head = data[:65536]
    if b"\0" in data or sum(byte in _CONTROL for byte in head) > len(head) // 50:
        raise UnreadableSource("is binary, not text")
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        notes.append("is not UTF-8: read as Windows-1252")
    if not text.strip():
        raise UnreadableSource("is empty")
    return text, notes


def _stem(source: str) -> str:
    return PurePosixPath(source).stem or source
