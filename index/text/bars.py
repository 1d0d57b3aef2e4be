"""Tables drawn with bars or blanks -> rows whose cells carry the names of their columns. Pure."""

from __future__ import annotations

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from index.text.aligned import AlignedRow, AlignedTable, aligned_tables
from index.text.layout import fenced, strip

_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?|\|[ \t]*:?-+:?[ \t]*\|")
_LINE = re.compile(r"[^\r\n]+")
_CELL = re.compile(r"(?:\\.|`[^`|]*`|[^|\\])+|\\")
_SEPARATOR = " | "


@dataclass(frozen=True)
class BarRow:
    """A table row, `text[start:end]`.

    `cells` holds the column, start and end of each cell that is not empty. A cell wrapped over two lines has two
    pieces; `rest` are the numbers of those that go on with the one before.
    """

    start: int
    end: int
    cells: tuple[tuple[str, int, int], ...]
    rest: frozenset[int] = frozenset()

    def named(self, text: str) -> str:
        """Return the row as other formats have it, each cell after its column's name."""
        return "".join(f"{self.before(n)}{text[start:end]}" for n, (_, start, end) in enumerate(self.cells))

    def before(self, number: int) -> str:
        """Return what stands before a cell: the separator and its column's name."""
        if number in self.rest:
            return " "
        name = self.cells[number][0]
        return f"{_SEPARATOR if number else ''}{name}: " if name else _SEPARATOR if number else ""


def is_rule(line: str) -> bool:
    """True for the line between header and rows of a table: "|---|:--:|"."""
    return bool(_RULE.fullmatch(line.strip()))


def bar_rows(text: str, header: str = "") -> Iterator[BarRow]:
    """Yield the rows of the tables in a text, without their header rows, in order.

    The tables are drawn with bars, as in Markdown, or with blanks. `header` is the header row, with bars, if the text
    begins inside a table.

    >>> text = "| City | Price |\\n|---|---|\\n| Oslo | 180 |"
    >>> [row.named(text) for row in bar_rows(text)]
    ['City: Oslo | Price: 180']
    """
    drawn = [_as_bars(table, row) for table in _drawn(text, header) for row in table.rows]
    yield from heapq.merge(drawn, _with_bars(text, header), key=lambda row: row.start)


def _drawn(text: str, header: str) -> list[AlignedTable]:
    """Return the tables drawn with blanks; `header` is the row of names if the text begins inside one."""
    return aligned_tables(text, [header[a:b] for a, b in _cells(header, 0, len(header))] if header else ())


def _as_bars(table: AlignedTable, row: AlignedRow) -> BarRow:
    cells = tuple((table.names[one.column] if table.names else "", one.start, one.end) for one in row.cells)
    rest = frozenset(n + 1 for n, (one, after) in enumerate(pairwise(row.cells)) if one.column == after.column)
    return BarRow(row.start, row.end, cells, rest)


def _with_bars(text: str, header: str) -> Iterator[BarRow]:
    """Yield the rows of the Markdown tables."""
    if "|" not in text:
        return
    names: list[str] | None = [header[a:b] for a, b in _cells(header, 0, len(header))] if header else None
    before: tuple[int, int] | None = None
    lines = [match.span() for match in _LINE.finditer(text)]
    code = {n for first, last in fenced([text[a:b].strip() for a, b in lines]).items() for n in range(first, last + 1)}
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        apart = before is not None and text.count("\n", before[1], start) > 1
        if number in code or "|" not in line:
            names, before = None, None
        elif is_rule(line):
            above = _cells(text, *before) if before and not apart else []
            if above and len(above) == len(_cells(text, start, end)):
                names = [text[a:b] for a, b in above]
            before = None
        else:
            names = None if apart else names
            if names:
                cells = [(name, a, b) for name, (a, b) in zip(names, _cells(text, start, end), strict=False) if a < b]
                if cells:
                    first, last = strip(text, start, end)
                    yield BarRow(first, last, tuple(cells))
            before = start, end


def row_at(text: str, start: int, end: int, header: str = "") -> BarRow | None:
    """Return the table row that `text[start:end]` covers, or None.

    The span must cover every cell of exactly one row; the outer bars may be missing.
    """
    for row in bar_rows(text, header):
        if row.start <= start and end <= row.end:
            first, last = min(a for _, a, _ in row.cells), max(b for _, _, b in row.cells)
            return row if start <= first and last <= end else None
    return None


@dataclass(frozen=True)
class Labelled:
    """A text for a model to read, with its column's name before each table cell.

    It also knows which characters of the original each part was copied from.
    """

    text: str
    _places: tuple[tuple[int, int, int], ...] = ()
    """(place here, place in the original, length) of each copied part."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original of `text[start:end]`, added names left out."""
        if not self._places:
            return start, end
        here = [one[0] for one in self._places]
        first = max(0, bisect_right(here, start) - 1)
        at, came, length = self._places[first]
        if start >= at + length and first + 1 < len(self._places):
            first += 1
            at, came, length = self._places[first]
        begin = came + min(max(0, start - at), length)
        at, came, length = self._places[max(0, bisect_right(here, max(start, end - 1)) - 1)]
        stop = came + min(max(0, end - at), length)
        return begin, max(begin, stop)


def labelled(text: str, header: str = "") -> Labelled:
    """Return a text whose tables have the column's name before each cell.

    >>> labelled("| City | Price |\\n|---|---|\\n| Oslo | 180 |").text.strip()
    'City: Oslo | Price: 180'
    """
    rows = list(bar_rows(text, header))
    if not rows:
        return Labelled(text)
    made, places = list[str](), list[tuple[int, int, int]]()
    length = 0

    def take(start: int, end: int) -> None:
        nonlocal length
        if start < end:
            places.append((length, start, end - start))
            made.append(text[start:end])
            length += end - start

    def add(words: str) -> None:
        nonlocal length
        made.append(words)
        length += len(words)

    at, headers = 0, {table.rows[0].start: table.start for table in _drawn(text, header)}
    for row in rows:
        take(at, headers[row.start] if row.start in headers else _without_header(text, at, row.start))
        add("\n")
        for number, (_, start, end) in enumerate(row.cells):
            add(row.before(number))
            take(start, end)
        at = row.end
    take(at, len(text))
    return Labelled("".join(made), tuple(places))


def _without_header(text: str, start: int, end: int) -> int:
    """Return where the text before a row ends, without the header row and the rule below it."""
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    if lines and is_rule(text[slice(*lines[-1])]):
        return lines[-2][0] if len(lines) > 1 else lines[-1][0]
    return end


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of the cells of a row, without white space; empty cells are included."""
    start, end = strip(text, start, end)
    start += text[start:end].startswith("|")
    end -= text[start:end].endswith("|") and not text[start:end].endswith("\\|")
    found, at = list[tuple[int, int]](), start
    while at <= end:
        match = _CELL.match(text, at, end)
        stop = match.end() if match else at
        found.append(strip(text, at, stop))
        at = stop + 1
    return found
