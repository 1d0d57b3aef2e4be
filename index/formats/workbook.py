"""Reads workbooks (XLSX): every non-empty row of every sheet with column names; formulas as last saved values."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from index.errors import UnreadableSource
from index.formats.archive import open_archive
from index.formats.content import Content, normalized_title
from index.formats.tables import Numbered, is_amount_cell, write_rows

_LAST_ROW = 1_048_576
"""The last row that a workbook can have."""
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')


def read(path: Path) -> Content:
    """Return the rows of an XLSX file.

    Raises:
        UnreadableSource: The file is not an XLSX, is damaged or has a password.
    """
    open_archive(path, "xl/workbook.xml").close()
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, SyntaxError) as error:
        raise UnreadableSource("is damaged: it can't be opened as a workbook") from error
    try:
        sheets = book.worksheets
        made = write_rows(("" if len(sheets) == 1 else sheet.title, _rows(sheet)) for sheet in sheets)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise UnreadableSource("is damaged: its rows can't be read to the end") from error
    finally:
        book.close()
    said = book.properties
    return Content(
        made.text, normalized_title(said.title or ""), said.creator or "", None, said.language or "", rows=made.rows
    )


def _rows(sheet: Any) -> Iterator[Numbered]:
    # Ignore the stated sheet size: a wrong size would cut off rows or pad each row to 16,384 cells.
    sheet.reset_dimensions()
    merged = _merged_down(sheet)
    said = dict[int, tuple[int, str]]()  # column -> last row of the merged cell, and its text
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > _LAST_ROW:  # openpyxl fills up to the row that the file names
            raise UnreadableSource("is damaged: it names a row that no workbook has")
        if any(cell.value is not None for cell in cells):
            shown = [_shown(cell) for cell in cells]
            for column, (last, words) in said.items():
                if number <= last and any(shown):
                    shown += [""] * (column + 1 - len(shown))
                    shown[column] = shown[column] or words
            for column, last in merged.pop(number, ()):
                if column < len(shown) and not is_amount_cell(shown[column]):
                    said[column] = last, shown[column]
            yield number, shown


def _merged_down(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Map the first row of each vertically merged cell to its (column from 0, last row)."""
    found = dict[int, list[tuple[int, int]]]()
    tail = b""
    with sheet.parent._archive.open(sheet._worksheet_path) as part:
        while block := part.read(1 << 20):
            for ref in _MERGED.findall(tail + block):
                left, top, _, bottom = range_boundaries(ref.decode())
                if None not in (left, top, bottom) and bottom > top:
                    found.setdefault(top, []).append((left - 1, bottom))
            tail = (tail + block)[-60:].rpartition(b">")[2]
    return found


def _shown(cell: Any) -> str:
    """Return the text of a cell as displayed."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, int | float) and "%" in (cell.number_format or ""):
        return f"{value * 100:.10g}%"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
