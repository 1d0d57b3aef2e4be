"""Reads PDF files: the text of every page in reading order, and where each page starts. Scans are rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ctypes import c_ushort
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

import pypdfium2
from pypdfium2 import raw

from index.errors import UnreadableSource
from index.formats.content import Content, normalized_title
from index.formats.pdf_fields import find_fields, with_values
from index.formats.pdf_layout import join_pages
from index.formats.pdf_notes import with_raised
from index.formats.pdf_pieces import Box, Grid, Page, Piece
from index.formats.pdf_tables import find_grids

_WIDE_GAP = 1.2
"""Gap between columns or table cells that splits a line, as a multiple of the letter height."""
_ANGLES = 500
"""Number of letters sampled on a page to determine the rotation of its text."""
_MOST_DRAWN = 5000
_TOLD = 10
_LETTERS = str.maketrans(
    # Ligatures, and the characters that PDFium returns for a hyphen that splits a word at a line end.
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\x02": "\u00ad", "\ufffe": "\u00ad"}
    | dict.fromkeys(map(chr, [*range(2), *range(3, 9), *range(14, 32), 127, 0xFFFF]))
)


def read(path: Path) -> Content:
    """Return the text of a PDF.

    Raises:
        UnreadableSource: The file is damaged, needs a password or is a scan.
    """
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise UnreadableSource(_reason(path, str(error))) from error
    load_form(document)
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
    title = normalized_title(said.get("Title", ""))
    # No date: the file's creation date is not the publication date of its text.
    given = (title, said.get("Author", ""), None, _language(document), tuple(starts))
    return Content(text, *given, notes=tuple(notes))


def load_form(document: Any) -> None:
    """Load the form of a document, if it has one.

    PDFium returns field values only after this call. Scripts are not run.
    """
    with suppress(pypdfium2.PdfiumError):
        document.init_forms()


def _reason(path: Path, error: str) -> str:
    if "password" in error.lower():
        return "needs a password: save it without one"
    if "security" in error.lower():
        return "is encrypted in a way that can't be read: save it without encryption"
    with path.open("rb") as stream:
        known = b"%PDF-" in stream.read(1024)
    return (
        "is damaged or cut off: it can't be opened"
        if known
        else "is not a PDF, despite its name: rename it, or save it as PDF"
    )


def _language(document: Any) -> str:
    length = raw.FPDFCatalog_GetLanguage(document, None, 0)
    if not 2 < length < 100:
        return ""
    buffer = (c_ushort * (length // 2 + 1))()
    raw.FPDFCatalog_GetLanguage(document, buffer, length)
    return bytes(buffer).decode("utf-16-le", "replace").strip("\0")


def _page(document: Any, number: int) -> Page | None:
    """Return the pieces of lines on a page, or None if the page is damaged."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    made = lay_out(page, text)
    text.close()
    page.close()
    return made


def lay_out(page: Any, text: Any) -> Page:
    """Return the pieces of lines on a page, in the coordinates of its frame."""
    frame = Frame.of(page, text)
    grids = tuple(find_grids(_drawn(page, frame)))
    pieces = with_values(tuple(_pieces(text, frame, grids)), find_fields(page, frame), grids)
    return Page(pieces, frame.width, frame.height, grids)


def _drawn(page: Any, frame: Frame) -> Iterator[Box]:
    """Yield the boxes of the lines and shapes drawn on a page, in the coordinates of its frame."""
    for number, one in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH])):
        if number == _MOST_DRAWN:
            return
        with suppress(pypdfium2.PdfiumError):  # a shape without bounds is not part of a table
            left, bottom, right, top = one.get_bounds()
            yield frame.within((left, right, bottom, top))


@dataclass(frozen=True)
class Frame:
    """A page rotated so that most of its text runs from left to right.

    Coordinates are in points from the lower left corner. `turns` is the number of clockwise quarter turns from the
    file's coordinates to the frame's.
    """

    turns: int
    left: float
    bottom: float
    width: float
    height: float

    @staticmethod
    def of(page: Any, text: Any) -> Frame:
        """Return the frame of a page, given its text page."""
        count = raw.FPDFText_CountChars(text)
        angles = (raw.FPDFText_GetCharAngle(text, at) for at in range(0, count, max(1, count // _ANGLES)))
        # PDFium measures angles clockwise.
        counted = Counter(-round(angle * 2 / pi) % 4 for angle in angles if angle >= 0)
        turns = counted.most_common(1)[0][0] if counted else 0
        left, bottom, right, top = page.get_bbox()
        left, right, bottom, top = _turned((left, right, bottom, top), turns)
        return Frame(turns, left, bottom, right - left, top - bottom)

    def box(self, text: Any, at: int) -> Box:
        """Return the box of letter number `at` in this frame."""
        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(text, at, box)
        return self.within((box.left, box.right, box.bottom, box.top))

    def within(self, box: Box) -> Box:
        """Convert a box from the file's coordinates to this frame's."""
        left, right, bottom, top = _turned(box, self.turns)
        return left - self.left, right - self.left, bottom - self.bottom, top - self.bottom

    def as_drawn(self, box: Box) -> Box:
        """Convert a box from this frame's coordinates to the file's."""
        left, right, bottom, top = box
        moved = (left + self.left, right + self.left, bottom + self.bottom, top + self.bottom)
        return _turned(moved, -self.turns)


def _turned(box: Box, turns: int) -> Box:
    """Rotate a box clockwise about the origin by `turns` quarter turns."""
    left, right, bottom, top = box
    for _ in range(turns % 4):
        left, right, bottom, top = bottom, top, -right, -left
    return left, right, bottom, top


def letters_of(text: Any, at: int) -> str:
    """Return letter number `at` of a page as the stored text has it.

    A ligature gives several letters, a control character "".
    """
    return chr(raw.FPDFText_GetUnicode(text, at)).translate(_LETTERS)


def _pieces(text: Any, frame: Frame, grids: Sequence[Grid]) -> Iterator[Piece]:
    """Yield runs of letters on one line, split at wide gaps and at the lines of a table, in drawing order."""
    letters: list[str] = []
    boxes: list[Box] = []
    first = 0
    left = right = bottom = top = size = 0.0
    for at in range(raw.FPDFText_CountChars(text)):
        letter = chr(raw.FPDFText_GetUnicode(text, at))
        if letter in "\r\n\0":
            if letters:
                yield _piece(letters, boxes, left, right, range(first, at))
                letters = []
            continue
        box = frame.box(text, at)
        blank = letter.isspace()
        apart = box[0] - right > _WIDE_GAP * size or box[0] < left - size or box[3] < bottom or box[2] > top
        parted = not blank and any(grid.parts(right, box[0], (box[2] + box[3]) / 2) for grid in grids)
        if letters and not blank and (apart or parted):
            yield _piece(letters, boxes, left, right, range(first, at))
            letters = []
        if not letters:
            if blank:
                continue
            first = at
            boxes = []
            left, right, bottom, top = box
        letters.append(letter)
        boxes.append(box)
        if not blank:
            right, bottom, top = max(right, box[1]), min(bottom, box[2]), max(top, box[3])
            size = max(box[3] - box[2], 1.0)
    if letters:
        yield _piece(letters, boxes, left, right, range(first, raw.FPDFText_CountChars(text)))


def _piece(letters: list[str], boxes: list[Box], left: float, right: float, of: range) -> Piece:
    # Take the height of most letters: a bullet or an initial may be larger.
    heights = Counter(box[2:] for letter, box in zip(letters, boxes, strict=True) if not letter.isspace())
    (bottom, top), _ = heights.most_common(1)[0]
    said = letters if len(heights) == 1 else with_raised(letters, boxes)
    return Piece("".join(said).translate(_LETTERS).strip(), left, right, bottom, top, of)
