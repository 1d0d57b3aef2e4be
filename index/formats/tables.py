"""Writes table rows as self-contained lines: each cell with the name of its column. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from index.errors import UnreadableSource
from index.formats.content import MAX_CHARACTERS, Content, Row

Numbered = tuple[int, Sequence[str]]
"""(row number in the file, from 1; cells of the row)."""

_SEPARATOR = " | "
_NUMBER = re.compile(r"[-+(]?\s*[$€£¥]?\s*\d[\d\s.,:/-]*\s*[%€$£)]?")
_AMOUNT = re.compile(r"\W{0,3}(?:[A-Z]{3}\s?)?\d[\d\s.,:/-]*(?:\s?[^\W\d_]+){0,2}\W{0,2}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONGEST_NAME, _LONGEST_WITH_NUMBER = 80, 45


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as one line.

    Empty cells are left out; line breaks inside a cell become spaces.

    >>> row_text(["product", "price"], ["Widget", "4.50"])
    'product: Widget | price: 4.50'
    """
    named = zip([*header, *[""] * (len(cells) - len(header))], map(_tidy, cells), strict=False)
    return _SEPARATOR.join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def is_header(cells: Sequence[str]) -> bool:
    """True if a row names columns.

    A header has at least two cells, all different and short. No cell is a number or date, or a long text with a digit,
    such as opening hours. Years in order may name columns after the first.
    """
    filled = [tidy for cell in cells if (tidy := _tidy(cell))]
    if len(filled) < 2 or len(set(filled)) < len(filled):
        return False
    years = [int(cell) for cell in filled if _YEAR.fullmatch(cell)]
    named = all(_can_name(cell) for cell in filled if not _YEAR.fullmatch(cell))
    return named and (not years or (not _YEAR.fullmatch(_tidy(cells[0])) and _in_order(years)))


def is_amount_cell(words: str) -> bool:
    """True for a cell that is only a number, with a sign or a unit at most.

    Such a cell is not repeated in merged rows, because it would count twice.
    """
    return bool(_AMOUNT.fullmatch(words.strip()))


def repeated_cell(words: str) -> str:
    """Return the text to repeat below in a vertically merged cell: "" for a number."""
    return "" if is_amount_cell(words) else words


def _can_name(cell: str) -> bool:
    longest = _LONGEST_WITH_NUMBER if re.search(r"\d", cell) else _LONGEST_NAME
    return len(cell) <= longest and not _NUMBER.fullmatch(cell)


def _in_order(years: Sequence[int]) -> bool:
    """True for two consecutive years, or at least three years in rising or falling order."""
    if len(years) == 2:
        return abs(years[0] - years[1]) == 1
    return len(years) > 2 and list(years) in (sorted(years), sorted(years, reverse=True))


def names_of_both(first: Sequence[str], second: Sequence[str]) -> list[str] | None:
    """Return the column names of a two-row header, or None if the second row is data.

    A cell of the first row may span several columns. The second row names only those columns.

    >>> names_of_both(["Item", "Retail", "", "Trade", ""], ["", "one", "ten", "one", "ten"])
    ['Item', 'Retail one', 'Retail ten', 'Trade one', 'Trade ten']
    """
    width = max(len(first), len(second), 1)
    above, below = ([*map(_tidy, row), *[""] * (width + 1 - len(row))] for row in (first, second))
    opens = [bool(above[n] and below[n] and not above[n + 1] and below[n + 1]) for n in range(width)]
    names, group, many = list[str](), "", False
    for n in range(width):
        if above[n]:
            group, many = above[n], opens[n]
        own = below[n] if below[n] != above[n] else ""
        if own and not (many and (_can_name(own) or _YEAR.fullmatch(own))):
            return None
        if own and f"{group} {own}" in names:  # the second row is data with a cell that spans columns
            return None
        names.append(f"{group} {own}" if own else above[n])
    new_names = [below[n] for n in range(width) if below[n] and below[n] != above[n]]
    # Otherwise the second row may be data with an empty first cell.
    repeated = above[0] == below[0] or len(set(new_names)) < len(new_names)
    return names if any(opens) and above[0] and not opens[0] and repeated else None


def column_names(rows: Sequence[Sequence[str]], header: bool | None = None) -> tuple[list[str], int]:
    """Return the column names of a table, and the number of header rows.

    `header` is true if the first row names the columns; None decides by the cells of the row.
    """
    if len(rows) < 2 or not (is_header(rows[0]) if header is None else header):
        return [], 0
    own = [below if _tidy(below) != _tidy(above) else "" for above, below in zip_longest(*rows[:2], fillvalue="")]
    both = names_of_both(*rows[:2]) if len(rows) > 2 and _all_have_values(own, rows[2:]) else None
    return (both, 2) if both else ([_tidy(cell) for cell in rows[0]], 1)


def table_lines(rows: Sequence[Sequence[str]], header: bool | None = None) -> list[str]:
    """Return a table as lines.

    `header` is true if the first row names the columns; None decides by the cells of the row.
    """
    names, below = column_names(rows, header)
    lines = [line for cells in rows[below:] if (line := row_text(names, cells))]
    # A header without rows below is an ordinary row.
    return lines or [line for cells in rows[:below] if (line := row_text([], cells))]


def _all_have_values(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True if each named column has a value in a row below; else its name would be lost."""
    named = [column for column, name in enumerate(names) if _tidy(name)]
    return all(any(column < len(row) and _tidy(row[column]) for row in rows) for column in named)


def write_rows(sheets: Iterable[tuple[str, Iterable[Numbered]]]) -> Content:
    """Return the sheets of a table file as one text with a paragraph for each row.

    The first header-like row of a sheet names its columns. After an empty row, a row with other columns begins a new
    table.

    Raises:
        UnreadableSource: The text is longer than MAX_CHARACTERS.
    """
    paragraphs: list[str] = []
    rows: list[Row] = []
    at = 0
    for sheet, numbered in sheets:
        for number, line in _lines(numbered):
            rows.append(Row(at, sheet, number))
            paragraphs.append(line)
            at += len(line) + 2
            if at > MAX_CHARACTERS:
                raise UnreadableSource(f"holds more than {MAX_CHARACTERS:,} characters of text: split it")
    return Content("\n\n".join(paragraphs), rows=tuple(rows))


def _lines(numbered: Iterable[Numbered]) -> Iterator[tuple[int, str]]:
    """Yield (number, line) for each non-empty row; header rows only name the columns in other lines."""
    names: list[str] = []
    held = list[Numbered]()
    seeking = True
    previous = 0
    for number, cells in numbered:
        filled = sum(bool(cell.strip()) for cell in cells)
        if not filled:
            continue
        gap = 0 < previous < number - 1
        previous = number
        if len(held) == 1 and not gap and names_of_both(held[0][1], cells):
            held.append((number, cells))
            continue
        if held and not gap:
            *first, last = (one for _, one in held)
            names = (names_of_both(first[0], last) if first else None) or [_tidy(cell) for cell in last]
            seeking = False
        else:
            yield from _unnamed(held)
        held = []
        seeking = seeking or (gap and not _same_columns(names, cells))
        if seeking and is_header(cells):
            held = [(number, cells)]
            continue
        seeking = seeking and filled == 1
        # A row with a single cell is text above or between tables: it gets no column name.
        yield number, row_text(names if filled > 1 else [], cells)
    yield from _unnamed(held)


def _unnamed(rows: Iterable[Numbered]) -> Iterator[tuple[int, str]]:
    """Return header rows without rows below as ordinary lines."""
    return ((number, row_text([], cells)) for number, cells in rows)


def _same_columns(names: Sequence[str], cells: Sequence[str]) -> bool:
    return [number for number, name in enumerate(names) if name] == [
        number for number, cell in enumerate(cells) if cell.strip()
    ]


def _tidy(cell: str) -> str:
    return " ".join(cell.split())
