"""Renders pages of a PDF, and locates words of the stored text on them.

Runs in the process for formats, because any page may crash it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_int
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2
from pypdfium2 import raw

from index.errors import UnreadableSource
from index.formats.pdf import Frame, lay_out, letters_of, load_form
from index.formats.pdf_layout import in_reading_order
from index.formats.pdf_pieces import Box
from index.stamps import Stamp, open_stamped

WIDEST, TALLEST = 1400, 2200
"""Maximum size of a picture, in pixels."""
_SHARPEST = 2.0
"""Maximum pixels per point: 144 dpi."""
_GRID = 100_000
_LEAST = 8
"""Minimum consecutive matching letters that locate a part of a quote."""
_BY_LAYOUT = frozenset("#|-\u2010\u2011\u00ad")
"""Characters that the layout adds or removes: heading and cell marks, and hyphens at line ends."""


def look(path: Path, stamp: Sequence[int], wanted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the sizes of all pages and the boxes of the wanted words.

    Args:
        path: The PDF.
        stamp: The file's stamp; another version of the file is refused.
        wanted: For each quote {"page": from 0, "text": the stored text of the page, "start", "end": offsets in it}.

    Returns:
        {"sizes": [width, height] of each page as shown, in points, "boxes": for each quote a list of boxes, one per
        line}. A box is [left, top, right, bottom] as shares of the page's picture.
    """
    document = _opened(path, stamp)
    sizes = []
    for number in range(len(document)):
        size = raw.FS_SIZEF()
        raw.FPDF_GetPageSizeByIndexF(document, number, size)
        sizes.append([round(size.width, 2), round(size.height, 2)])
    return {"sizes": sizes, "boxes": [_boxes(document, **one) for one in wanted]}


def picture(path: Path, stamp: Sequence[int], page: int) -> str:
    """Return a page (from 0) as WebP in base64, at most WIDEST x TALLEST pixels."""
    document = _opened(path, stamp)
    try:
        drawn = document[page]
        width, height = drawn.get_size()
        scale = min(_SHARPEST, WIDEST / max(width, 1), TALLEST / max(height, 1))
        image = drawn.render(scale=scale).to_pil()
    except (pypdfium2.PdfiumError, IndexError) as error:
        raise UnreadableSource(f"has no page {page + 1} that can be drawn") from error
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=80, method=2)
    return base64.b64encode(stream.getvalue()).decode()


def _opened(path: Path, stamp: Sequence[int]) -> Any:
    size, changed, touched, inode = stamp
    exact: Stamp = (size, changed, touched, inode)
    with open_stamped(path, exact) as stream:
        data = stream.read()
    try:
        document = pypdfium2.PdfDocument(data)
        load_form(document)
        return document
    except pypdfium2.PdfiumError as error:
        raise UnreadableSource("is damaged: it can't be opened") from error


def _boxes(document: Any, page: int, text: str, start: int, end: int) -> list[list[float]]:
    try:
        drawn = document[page]
        letters = drawn.get_textpage()
    except (pypdfium2.PdfiumError, IndexError):
        return []
    frame = Frame.of(drawn, letters)
    stream: list[tuple[str, int]] = []
    for piece in in_reading_order(lay_out(drawn, letters)):
        stream += [(one, at) for at in piece.letters for one in letters_of(letters, at) if _counts(one)]
    found = matched("".join(one for one, _ in stream), text, start, end)
    boxes = _lines(partial(frame.box, letters), [stream[number][1] for number in found])
    return [_on_picture(drawn, frame.as_drawn(box)) for box in boxes]


def matched(stream: str, text: str, start: int, end: int) -> list[int]:
    """Return the offsets of the letters of text[start:end] in `stream`.

    `stream` holds all or most letters of a page. Characters that the layout adds or removes are ignored. Words that
    occur several times match the occurrence with the same number before it as in the text.
    """
    counted = [at for at, one in enumerate(text) if _counts(one)]
    whole = "".join(text[at] for at in counted)
    inside = [number for number, at in enumerate(counted) if start <= at < end]
    if not inside:
        return []
    at, last = inside[0], inside[-1] + 1
    found: list[int] = []
    complete = _place(stream, whole, at, last)
    if complete is not None:
        return list(range(complete, complete + last - at))
    while at < last:
        # Binary search for the longest part from here that the page has in one run.
        low, high = 0, last - at
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if whole[at : at + middle] in stream else (low, middle - 1)
        place = _place(stream, whole, at, at + low) if low >= _LEAST else None
        if place is None:
            at += 1
        else:
            found += range(place, place + low)
            at += low
    return found


def _counts(letter: str) -> bool:
    return not letter.isspace() and letter not in _BY_LAYOUT


def _place(stream: str, whole: str, start: int, end: int) -> int | None:
    """Return the offset of whole[start:end] in `stream`, or None.

    Of several occurrences take the one with the same number, or else the nearest by relative position.
    """
    part = whole[start:end]
    there = list(_occurrences(stream, part))
    before = list(_occurrences(whole, part))
    if len(there) == len(before):
        return there[before.index(start)]
    share = start / len(whole) * len(stream)
    return min(there, key=lambda at: abs(at - share), default=None)


def _occurrences(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _lines(box_of: Any, letters: Iterable[int]) -> list[Box]:
    """Return one box per run of consecutive letters on a line."""
    joined: list[Box] = []
    for at in letters:
        box = box_of(at)
        if joined and _is_next_on_line(joined[-1], box):
            one = joined[-1]
            joined[-1] = (min(one[0], box[0]), max(one[1], box[1]), min(one[2], box[2]), max(one[3], box[3]))
        else:
            joined.append(box)
    return joined


def _is_next_on_line(one: Box, other: Box) -> bool:
    lower = min(one[3] - one[2], other[3] - other[2])
    return min(one[3], other[3]) - max(one[2], other[2]) > 0.5 * lower and -lower < other[0] - one[1] < 1.5 * lower


def _on_picture(page: Any, box: Box) -> list[float]:
    """Convert a box in the file's coordinates to [left, top, right, bottom] as shares of the picture."""
    left, right, bottom, top = box
    corners = []
    for x, y in ((left, bottom), (right, top)):
        across, down = c_int(), c_int()
        raw.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, byref(across), byref(down))
        corners.append((across.value / _GRID, down.value / _GRID))
    (x0, y0), (x1, y1) = corners
    shares = [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
    return [round(min(max(share, 0.0), 1.0), 5) for share in shares]
