"""CSV and TSV: every row with the names of its columns."""

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
    """The rows of a CSV or TSV file. Raises UnreadableSource when it is no text or a quote is never closed."""
    text, notes = decode(path.read_bytes())
    made = write_rows([("", _rows(text, find_separator(text)))])
    return Content(made.text, rows=made.rows, notes=tuple(notes))


def find_separator(text: str) -> str:
    """The character that cuts the first rows into the most columns of the same number; a comma when none does."""

    def columns(separator: str) -> tuple[int, int]:
        counts = []
        for (_, cells), _ in zip(_rows(text[:100_000], separator), range(_SAMPLE), strict=False):
            counts.append(len(cells))
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(_SEPARATORS, key=columns)


def _rows(text: str, separator: str) -> Iterator[Numbered]:
    """Rows by their number in the file; a row inside quotes may take several lines and counts once."""
    csv.field_size_limit(sys.maxsize)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1)
    except csv.Error as error:
        raise UnreadableSource(f"is not a table: {error}") from error
