"""Footnotes of a PDF: their raised numbers in the text, and the notes at the foot of a column. Pure geometry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from index.formats.pdf_pieces import Box, Piece

_SMALLER = 0.93
"""A note is set at most this large, as a share of the size of most letters."""
_LOWEST = 0.65
"""Notes lie in this lowest share of the page."""
_RAISED_SIZE, _RAISED_BY = 0.85, 0.15
"""A raised letter has at most the first share of its line's height, and is at least the second above the baseline."""
_MARK = re.compile(r"(?:(?P<number>\d{1,3})|[*†‡§¶]{1,3}|\[\d{1,3}\]|\(\d{1,3}\))[.)]?\s*[^\W\d_]")
_NUMBER = re.compile(r"\d+(?:[,–-]\s?\d+)*")
_HIGH = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORD_BEFORE = re.compile(r"([^\W\d_]*)([^\w\s]*)$")
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d$")
_LONGEST_UNIT = 3
"""After a word of at most so many letters a raised 2 or 3 is a power: "km2"."""


def with_raised(letters: Sequence[str], boxes: Sequence[Box]) -> list[str]:
    """Return the letters of a line with its raised numbers marked.

    The number of a note is in brackets ("books[1]"), a power has raised digits ("m²"), and a blank follows a number
    that starts the line.
    """
    heights = Counter((box[2], box[3]) for letter, box in zip(letters, boxes, strict=True) if not letter.isspace())
    if len(heights) < 2:
        return list(letters)
    (bottom, top), _ = heights.most_common(1)[0]
    size = top - bottom
    raised = [
        (letter.isdecimal() or letter in ",–-")
        and box[3] - box[2] <= _RAISED_SIZE * size
        and box[2] >= bottom + _RAISED_BY * size
        for letter, box in zip(letters, boxes, strict=True)
    ]
    made = list[str]()
    at = 0
    while at < len(letters):
        end = at
        while end < len(letters) and raised[end]:
            end += 1
        number = "".join(letters[at:end])
        if end == at or not _NUMBER.fullmatch(number):
            end = max(end, at + 1)
            made += letters[at:end]
        elif not "".join(made).strip():
            made.append(number if end < len(letters) and letters[end].isspace() else f"{number} ")
        elif _is_note("".join(made[-40:]), number):
            made.append(f"[{number}]")
        else:
            made.append(number.translate(_HIGH))
        at = end
    return made


def _is_note(before: str, number: str) -> bool:
    """True if a raised number names a note; False if it is a power ("m2", "10-3") or follows a blank."""
    if before[-1:].isspace():
        return False
    word, marks = _WORD_BEFORE.findall(before)[0]
    if marks or len(word) > _LONGEST_UNIT:
        return True
    if word:
        return number not in ("2", "3") and len(word) > 1
    return bool(_YEAR.search(before))


def notes_begin(lines: Sequence[Piece], usual: float, height: float) -> list[int]:
    """Return the numbers of the lines of a column at which footnotes begin.

    Footnotes are the smaller lines at the foot of the column; each begins with a mark. `usual` is the size of most
    letters, `height` that of the page, both in points.
    """
    at = len(lines)
    while at and lines[at - 1].size <= _SMALLER * usual and lines[at - 1].bottom < _LOWEST * height:
        if at < len(lines) and lines[at - 1].bottom < lines[at].bottom:
            break
        at -= 1
    found = list[int]()
    expected = None
    for number in range(at, len(lines)):
        mark = _MARK.match(lines[number].text)
        if not mark:
            continue
        own = int(mark["number"]) if mark["number"] else None
        if not found or own is None or own == expected:
            found.append(number)
            expected = own + 1 if own is not None else expected
    return found


class _OnPage(Protocol):
    @property
    def page(self) -> int:
        """The page that a line is on."""


Line = TypeVar("Line", bound=_OnPage)


def with_notes(
    paragraphs: Sequence[list[Line]],
    notes: Mapping[int, list[list[Line]]],
    is_heading: Callable[[list[Line]], bool],
) -> list[list[Line]]:
    """Return the paragraphs with the footnotes between them.

    `notes` maps the number of a line to the notes before it. A note inside a paragraph moves before the paragraph and
    its headings, or after it if the paragraph begins on an earlier page. This keeps the pages in order.
    """
    made = list(notes.get(0, ()))
    at = 0
    for lines in paragraphs:
        within = [note for place in range(at + 1, at + len(lines)) for note in notes.get(place, ())]
        before = [note for note in within if note[0].page == lines[0].page]
        above = len(made)
        while above and before and is_heading(made[above - 1]):
            above -= 1
        made[above:above] = before
        made.append(lines)
        at += len(lines)
        made += [note for note in within if note[0].page != lines[0].page]
        made += notes.get(at, ())
    return made
