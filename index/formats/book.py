"""Reads EPUB files: the chapters of a book in reading order."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from index.errors import UnreadableSource
from index.formats.archive import find_text, open_archive, parse_xml
from index.formats.content import Content
from index.formats.markup import render
from index.formats.webpage import decode_markup, parse, read_date, with_title

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_TEXTS = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read(path: Path) -> Content:
    """Return the text of an EPUB file.

    Raises:
        UnreadableSource: The file is not an EPUB, is damaged or is locked (DRM).
    """
    with open_archive(path, _CONTAINER) as archive:
        try:
            rootfile = next(parse_xml(archive.read(_CONTAINER)).iter("{*}rootfile"))
            package_path = rootfile.get("full-path") or ""
            package = parse_xml(archive.read(package_path))
        except (StopIteration, KeyError, zipfile.BadZipFile) as error:
            raise UnreadableSource("is damaged: its list of chapters is missing") from error
        chapters, missing = [], 0
        for name in _spine(package, posixpath.dirname(package_path)):
            try:
                markup, _ = decode_markup(archive.read(name))
            except (KeyError, zipfile.BadZipFile, UnreadableSource):
                missing += 1
                continue
            if text := _chapter(markup):
                chapters.append(text)
        locked = _ENCRYPTION in archive.namelist()
    if not chapters:
        raise UnreadableSource("is locked (DRM)" if locked and missing else "holds no text")
    notes = (f"{missing} of its chapters can't be read",) if missing else ()
    title, author, language, day = (find_text(package, name) for name in ("title", "creator", "language", "date"))
    text = with_title(title, "\n\n".join(chapters))
    return Content(text, title, author, read_date(day), language, notes=notes)


def _spine(package: Any, folder: str) -> Iterator[str]:
    """Yield the archive paths of the chapters in reading order, without the navigation document."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _TEXTS or "nav" in (item.get("properties") or "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))


def _chapter(markup: str) -> str:
    try:
        return render(parse(markup))
    except UnreadableSource:
        return ""
