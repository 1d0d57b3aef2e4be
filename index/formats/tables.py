"""Rows of cells -> lines that can be read one by one: each cell with the name of its column. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from index.errors import UnreadableSource
from index.formats.content import MAX_CHARACTERS, Content, Row

Numbered = tuple[int, Sequence[str]]
"""A row's number in its file, from 1, and its cells."""

_SEPARATOR = " | "
_NUMBER = re.compile(r"[-+(]?\s*[$€£¥]?\s*\d[\d\s.,:/-]*\s*[%€$£)]?")
_AMOUNT = re.compile(r"\W{0,3}(?:[A-Z]{3}\s?)?\d[\d\s.,:/-]*\W{0,3}(?:[^\W\d_]{1,4}\W{0,2})?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONGEST_NAME, _LONGEST_WITH_NUMBER = 80, 45


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """One row as a line; empty cells are left out, line breaks inside a cell become spaces.

    >>> row_text(["product", "price"], ["Widget", "4.50"])
    'product: Widget | price: 4.50'
    """
    named = zip([*header, *[""] * (len(cells) - len(header))], map(_tidy, cells), strict=False)
    return _SEPARATOR.join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def is_header(cells: Sequence[str]) -> bool:
    """True for a row that names columns: at least two cells, all different, short, and none a number or date, nor long
    with a number in it, as a telephone number or opening hours are. Years in order name columns after the first."""
    filled = [tidy for cell in cells if (tidy := _tidy(cell))]
    if len(filled) < 2 or len(set(filled)) < len(filled):
        return False
    years = [int(cell) for cell in filled if _YEAR.fullmatch(cell)]
    named = all(_can_name(cell) for cell in filled if not _YEAR.fullmatch(cell))
    return named and (not years or (not _YEAR.fullmatch(_tidy(cells[0])) and _in_order(years)))


def is_amount_cell(words: str) -> bool:
    """Return True for a cell that is a number, with a sign or a unit at most: said twice, it would count twice."""
    return bool(_AMOUNT.fullmatch(words.strip()))


def said_again(words: str) -> str:
    """Return what a cell that covers the one below it says there: its words, but no number."""
    return "" if is_amount_cell(words) else words


def _can_name(cell: str) -> bool:
    longest = _LONGEST_WITH_NUMBER if re.search(r"\d", cell) else _LONGEST_NAME
    return len(cell) <= longest and not _NUMBER.fullmatch(cell)


def _in_order(years: Sequence[int]) -> bool:
    """True for two years that follow each other, or three and more that rise or fall."""
    if len(years) == 2:
        return abs(years[0] - years[1]) == 1
    return len(years) > 2 and list(years) in (sorted(years), sorted(years, reverse=True))


def names_of_both(first: Sequence[str], second: Sequence[str]) -> list[str] | None:
    """Return the names of the columns where two rows name them, the first for several columns at once; None where the
    second is none of those: it names nothing but columns that the first one leaves empty, and those beside them.

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
        if own and f"{group} {own}" in names:  # a cell of data that spans several columns
            return None
        names.append(f"{group} {own}" if own else above[n])
    told = [below[n] for n in range(width) if below[n] and below[n] != above[n]]
    repeated = above[0] == below[0] or len(set(told)) < len(told)  # else it may be a row whose first cell is empty
    return names if any(opens) and above[0] and not opens[0] and repeated else None


def column_names(rows: Sequence[Sequence[str]], header: bool | None = None) -> tuple[list[str], int]:
    """Return the names of a table's columns and in how many rows, the first ones, they stand.

    `header` tells whether the first row names the columns (None: judged by its cells).
    """
    if len(rows) < 2 or not (is_header(rows[0]) if header is None else header):
        return [], 0
    own = [below if _tidy(below) != _tidy(above) else "" for above, below in zip_longest(*rows[:2], fillvalue="")]
    both = names_of_both(*rows[:2]) if len(rows) > 2 and _all_have_values(own, rows[2:]) else None
    return (both, 2) if both else ([_tidy(cell) for cell in rows[0]], 1)


def table_lines(rows: Sequence[Sequence[str]], header: bool | None = None) -> list[str]:
    """A whole table as lines; `header` tells whether the first row names the columns (None: judged by its cells)."""
    names, below = column_names(rows, header)
    lines = [line for cells in rows[below:] if (line := row_text(names, cells))]
    # Names with nothing below them are an ordinary row.
    return lines or [line for cells in rows[:below] if (line := row_text([], cells))]


def _all_have_values(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True if each column that is named has a value in a row below; a name without values would be said nowhere."""
    named = [column for column, name in enumerate(names) if _tidy(name)]
    return all(any(column < len(row) and _tidy(row[column]) for row in rows) for column in named)


def write_rows(sheets: Iterable[tuple[str, Iterable[Numbered]]]) -> Content:
    """The sheets of a table file as one text: a paragraph for each row, marked with its sheet and number.

    Column names are a sheet's first row that can be some; after an empty row, other columns begin another table.
    Raises UnreadableSource for what grows beyond any use.
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
    """(number, line) of each row with something in it; rows of column names are in the lines of the others."""
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
        # A line of text above or between tables stands in one cell and has no column's name.
        yield number, row_text(names if filled > 1 else [], cells)
    yield from _unnamed(held)


def _unnamed(rows: Iterable[Numbered]) -> Iterator[tuple[int, str]]:
    """Rows that would name columns, with nothing below them."""
    return ((number, row_text([], cells)) for number, cells in rows)


def _same_columns(names: Sequence[str], cells: Sequence[str]) -> bool:
    return [number for number, name in enumerate(names) if name] == [
        number for number, cell in enumerate(cells) if cell.strip()
    ]


def _tidy(cell: str) -> str:
    return " ".join(cell.split())
