"""Reads the values and ticks of PDF form fields, and puts each next to the label of its field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ctypes import byref, c_ushort
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol

from pypdfium2 import raw

from index.formats.pdf_pieces import Box, Grid, Piece

_MOST_FIELDS = 3000
_LONGEST = 100_000
"""Maximum letters read from one value."""
_HIDDEN = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13
_TYPED = frozenset({raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX})
_TICKED = frozenset({raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON})
_UNKNOWN_SIZE = 10.0
_NEAR, _FAR = 4.0, 25.0
"""Maximum distance from label to field, as a multiple of the letter height: for a tick box, and for a typed field."""
_MUCH_NEARER = 2
"""Words left of a tick box label it if they are nearer than those right of it by this factor."""
_ABOVE = 1.2
"""Maximum distance of a label above its field, as a multiple of the letter height."""
_LINE = re.compile(r"_{3}|\.{3}|…")
"""A line to write on, drawn with underscores or dots."""
_BLANKS = re.compile(r"[\s_.…]*$")
_LABEL_ENDS = re.compile(r"[:?=>)]$")


@dataclass(frozen=True)
class Field:
    """A form field: its box, and its value or whether it is ticked.

    `ticked` is None for a typed field. `tip` is the field's name for screen readers.
    """

    box: Box
    value: str = ""
    ticked: bool | None = None
    tip: str = ""


class _Frame(Protocol):
    def within(self, box: Box) -> Box:
        """Convert a box from the file's coordinates to the page frame's."""


def find_fields(page: Any, frame: _Frame) -> list[Field]:
    """Return the tick boxes and filled fields of a page, from top to bottom.

    The document's form must be loaded (see pdf.load_form). Hidden fields, passwords, buttons and signatures are left
    out.
    """
    if not page.formenv:
        return []
    found = list[Field]()
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_FIELDS)):
        if annotation := raw.FPDFPage_GetAnnot(page, number):
            try:
                if field := _field(page.formenv, annotation, frame):
                    found.append(field)
            finally:
                raw.FPDFPage_CloseAnnot(annotation)
    return sorted(found, key=lambda field: (-round(field.box[3] / 4), field.box[0]))


def _field(form: Any, annotation: Any, frame: _Frame) -> Field | None:
    if raw.FPDFAnnot_GetSubtype(annotation) != raw.FPDF_ANNOT_WIDGET or raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
        return None
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    place = raw.FS_RECTF()
    if kind not in _TYPED | _TICKED or not raw.FPDFAnnot_GetRect(annotation, byref(place)):
        return None
    if not all(map(isfinite, (place.left, place.right, place.bottom, place.top))):
        return None
    box = frame.within((place.left, place.right, place.bottom, place.top))
    tip = _string_value(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    if kind in _TICKED:
        return Field(box, ticked=bool(raw.FPDFAnnot_IsChecked(form, annotation)), tip=tip)
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD and raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return None
    value = " ".join(_string_value(raw.FPDFAnnot_GetFormFieldValue, form, annotation).split())
    return Field(box, value, tip=tip) if value else None


def _string_value(read: Any, form: Any, annotation: Any) -> str:
    length = min(read(form, annotation, None, 0), 2 * _LONGEST)
    if length <= 2:
        return ""
    buffer = (c_ushort * (length // 2 + 1))()
    read(form, annotation, buffer, length)
    return bytes(buffer).decode("utf-16-le", "replace").partition("\0")[0].strip()


# --- the label of a field ---------------------------------------------------------------------------------------------


def with_values(pieces: Sequence[Piece], fields: Sequence[Field], grids: Sequence[Grid]) -> tuple[Piece, ...]:
    """Return the pieces of a page with the values of its fields inserted.

    A value follows its label, which is left of its field or above it ("Name: Jane Doe"). A tick precedes the words to
    the right of its box ("☒ yes"). A value in a table becomes a separate cell.
    """
    made = list(pieces)
    places = dict[int, int]()  # field number -> number of the piece with its value
    for number, field in enumerate(fields):
        in_table = field.ticked is None and any(grid.cell(*_middle(field.box)) for grid in grids)
        if field.ticked is None:
            at = None if in_table else _label_of(field, number, made, fields, places)
            words = field.value
        else:
            at = _label_right_of(field, made)
            words = "☒" if field.ticked else "☐"
        if at is None:
            made.append(_piece(field, words, made, named=not in_table))
            at = len(made) - 1
        elif field.ticked is None:
            made[at] = _followed(made[at], words, field, again=at in places.values())
        else:
            made[at] = _ticked(made[at], words, field)
        places[number] = at
    return tuple(made)


def _label_of(
    field: Field, number: int, pieces: Sequence[Piece], fields: Sequence[Field], places: dict[int, int]
) -> int | None:
    """Return the number of the piece that labels a field, or None.

    This is the nearest piece to the left, unless another field lies between; else the piece just above with the same
    left edge; else the label of the typed field between.
    """
    left, right, bottom, top = field.box
    above, beside = list[tuple[float, int]](), list[tuple[float, int]]()
    for at, piece in enumerate(pieces):
        if piece.left < left and _is_on_line(piece, field.box):
            ends = min(piece.right, left) if _LINE.search(piece.text) else piece.right
            if ends < right and left - ends < _FAR * piece.size:
                beside.append((ends, at))
        gap = piece.bottom - top
        if -0.5 * piece.size < gap < _ABOVE * piece.size and abs(piece.left - left) < 1.5 * piece.size:
            above.append((-gap, at))
    nearest = max(beside, default=None)
    between = [
        (other.box[1], n)
        for n, other in enumerate(fields[:number])
        if other.box[1] <= left + 2 and abs(_middle(other.box)[1] - _middle(field.box)[1]) < 0.5 * (top - bottom)
    ]
    last = max(between, default=None)
    if nearest and not (last and last[0] > nearest[0]):
        return nearest[1]
    if above:
        return max(above)[1]
    return places[last[1]] if last and fields[last[1]].ticked is None else None


def _label_right_of(field: Field, pieces: Sequence[Piece]) -> int | None:
    """Return the number of the piece that labels a tick box: right of it or around it, or left of it if much nearer."""
    right, left = list[tuple[float, int]](), list[tuple[float, int]]()
    for at, piece in enumerate(pieces):
        if not _is_on_line(piece, field.box):
            continue
        if piece.right > field.box[1] and piece.left - field.box[1] < _NEAR * piece.size:
            right.append((max(0.0, piece.left - field.box[1]), at))
        elif piece.right <= field.box[1] and field.box[0] - piece.right < _NEAR * piece.size:
            left.append((_MUCH_NEARER * (field.box[0] - piece.right) + 1, at))
    return min([*right, *left], default=(0.0, None))[1]


def _followed(label: Piece, words: str, field: Field, *, again: bool) -> Piece:
    """Append a value to its label, in place of the line to write on.

    `again` is true if the label already has a value.
    """
    said = _BLANKS.sub("", label.text) if _LINE.search(label.text) else label.text
    text = f"{said}{'' if again or not said or _LABEL_ENDS.search(said) else ':'} {words}".strip()
    return replace(label, text=text, right=max(label.right, field.box[1]))


def _ticked(label: Piece, tick: str, field: Field) -> Piece:
    if label.left >= field.box[0]:
        return replace(label, text=f"{tick} {label.text}", left=min(label.left, field.box[0]))
    if label.right <= field.box[1]:
        return replace(label, text=f"{label.text} {tick}", right=max(label.right, field.box[1]))
    # The box is between the words of its line.
    at = round(len(label.text) * (field.box[0] - label.left) / (label.right - label.left))
    space = min((m.start() for m in re.finditer(r" ", label.text)), key=lambda one: abs(one - at), default=at)
    return replace(label, text=f"{label.text[:space].rstrip()} {tick} {label.text[space:].lstrip()}")


def _piece(field: Field, words: str, pieces: Sequence[Piece], *, named: bool) -> Piece:
    """Return a new piece for a value without a label; if `named`, label it with the field's tip."""
    left, right, bottom, top = field.box
    sizes = sorted(piece.size for piece in pieces)
    size = min(sizes[len(sizes) // 2] if sizes else _UNKNOWN_SIZE, top - bottom)
    middle = (bottom + top) / 2
    text = words
    if named and field.tip:
        text = f"{words} {field.tip}" if field.ticked is not None else f"{field.tip.rstrip(': ')}: {words}"
    return Piece(text, left, right, middle - size / 2, middle + size / 2)


def _is_on_line(piece: Piece, box: Box) -> bool:
    """True if a piece is on the line of a box, or on the first line of a high box."""
    lower, upper = max(box[2], box[3] - max(2.5 * piece.size, 1.0)), box[3]
    return min(piece.top, upper) - max(piece.bottom, lower) > 0.5 * min(piece.size, upper - lower)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
