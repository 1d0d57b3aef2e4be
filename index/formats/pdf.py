"""PDF: the text of every page in reading order; where pages start is kept. Pictures of text are told, not read."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import c_ushort
from pathlib import Path
from typing import Any

import pypdfium2
from pypdfium2 import raw

from index.errors import UnreadableSource
from index.formats.content import Content, said_title
from index.formats.pdf_layout import Page, Piece, join_pages

_WIDE_GAP = 1.2
"""A gap this many times the letters' size divides a line: between columns, or cells of a table."""
_TOLD = 10
_LETTERS = str.maketrans(
    # Ligatures; and what PDFium gives for a hyphen at the end of a line that cuts a word.
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\x02": "\u00ad", "\ufffe": "\u00ad"}
    | dict.fromkeys(map(chr, [*range(2), *range(3, 9), *range(14, 32), 127, 0xFFFF]))
)


def read(path: Path) -> Content:
    """The text of a PDF. Raises UnreadableSource when it is damaged, needs a password or is a scan."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise UnreadableSource(_reason(path, str(error))) from error
    pages, bare = [], []
    for number in range(len(document)):
        pieces = _page(document, number)
        if pieces is None or not pieces.pieces:
            bare.append(number + 1)
        pages.append(pieces or Page((), 0, 0))
    if not pages:
        raise UnreadableSource("is damaged: it has no pages")
    text, starts = join_pages(pages)
    if not any(letter.isalnum() for letter in text):
        raise UnreadableSource(
            f"is a scan: its {len(pages)} page{'s are' if len(pages) > 1 else ' is'} without text. Run text "
            "recognition (OCR) on it first"
        )
    notes = []
    if bare:
        some = ", ".join(map(str, bare[:_TOLD])) + (" ..." if len(bare) > _TOLD else "")
        notes.append(f"{len(bare)} of its {len(pages)} pages hold no text (empty, or pictures): {some}")
    said = document.get_metadata_dict()
    title = said_title(said.get("Title", ""))
    # When the file was made says nothing about when its text was published.
    given = (title, said.get("Author", ""), None, _language(document), tuple(starts))
    return Content(text, *given, notes=tuple(notes))


def _reason(path: Path, error: str) -> str:
    if "password" in error.lower():
        return "needs a password: save it without one"
    if "security" in error.lower():
        return "is encrypted in a way that can't be read: save it without encryption"
    with path.open("rb") as stream:
        known = b"%PDF-" in stream.read(1024)
    return "is damaged or cut off: it can't be opened" if known else "is not a PDF, whatever its name says"


def _language(document: Any) -> str:
    length = raw.FPDFCatalog_GetLanguage(document, None, 0)
    if not 2 < length < 100:
        return ""
    buffer = (c_ushort * (length // 2 + 1))()
    raw.FPDFCatalog_GetLanguage(document, buffer, length)
    return bytes(buffer).decode("utf-16-le", "replace").strip("\0")


def _page(document: Any, number: int) -> Page | None:
    """The pieces of lines on a page; None when the page is damaged."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    width, height = page.get_size()
    made = Page(tuple(_pieces(text)), width, height)
    text.close()
    page.close()
    return made


def _pieces(text: Any) -> Iterator[Piece]:
    """Runs of letters on one line without a wide gap, in the order in which the file draws them."""
    box = raw.FS_RECTF()
    letters: list[str] = []
    left = right = bottom = top = size = 0.0
    for at in range(raw.FPDFText_CountChars(text)):
        letter = chr(raw.FPDFText_GetUnicode(text, at))
        if letter in "\r\n\0":
            if letters:
                yield _piece(letters, left, right, bottom, top)
                letters = []
            continue
        raw.FPDFText_GetLooseCharBox(text, at, box)
        blank = letter.isspace()
        apart = box.left - right > _WIDE_GAP * size or box.left < left - size or box.top < bottom or box.bottom > top
        if letters and not blank and apart:
            yield _piece(letters, left, right, bottom, top)
            letters = []
        if not letters:
            if blank:
                continue
            left, right, bottom, top = box.left, box.right, box.bottom, box.top
        letters.append(letter)
        if not blank:
            right, bottom, top = max(right, box.right), min(bottom, box.bottom), max(top, box.top)
            size = max(box.top - box.bottom, 1.0)
    if letters:
        yield _piece(letters, left, right, bottom, top)


def _piece(letters: list[str], left: float, right: float, bottom: float, top: float) -> Piece:
    return Piece("".join(letters).translate(_LETTERS).strip(), left, right, bottom, top)
