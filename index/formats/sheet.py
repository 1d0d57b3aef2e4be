"""Reads CSV and TSV files: every row with its column names."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from index.errors import UnreadableSource
from index.formats.content import Content
from index.formats.plain import decode
from index.formats.tables import Numbered, write_rows

_SEPARATORS = ",;\t|"
_SAMPLE = 50


def read(path: Path) -> Content:
    """Return the rows of a CSV or TSV file.

    Raises:
        UnreadableSource: The file is not text or not a table.
    """
    text, notes = decode(path.read_bytes())
    made = write_rows([("", _rows(text, find_separator(text)))])
    return Content(made.text, rows=made.rows, notes=tuple(notes))


def find_separator(text: str) -> str:
    """Return the separator that gives most first rows the same number of columns.

    Ties go to the larger number of columns; a comma if no separator splits the rows.
    """

    def columns(separator: str) -> tuple[int, int]:
        counts = []
        for (_, cells), _ in zip(_rows(text[:100_000], separator), range(_SAMPLE), strict=False):
            counts.append(len(cells))
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(_SEPARATORS, key=columns)


def _rows(text: str, separator: str) -> Iterator[Numbered]:
    """Yield numbered rows; a row with a line break inside quotes counts once."""
    csv.field_size_limit(sys.maxsize)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1)
    except csv.Error as error:
        raise UnreadableSource(f"is not a table: {error}") from error
