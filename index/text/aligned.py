"""Tables that plain text draws with blanks: cells that stand below one another, two blanks or more apart. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.text.layout import Span, fenced

_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_BREAKS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
_APART = re.compile(r"\S {2,}\S")
_CELL = re.compile(r"\S+(?: \S+)*")
_RULE = re.compile(r"[-=_+ ]*[-=_]{3}[-=_+ ]*")
_MARK = re.compile(r"\d{1,3}(?:\.\d{1,3})*[.)]?|\(?[a-z\d]{1,3}[.)]|[A-Z]{1,2}\d{1,3}[.:)]?|[•◦▪‣·*+–—-]")
"""What opens a clause or an item."""
_QUOTED = re.compile(r"(?:>[ \t]?)+")
_SHARE = re.compile(r"\d+ ?%")
_LONGEST_NAME = 40
_FEWEST_ROWS, _FEWEST_BARE = 2, 3
"""Fewest rows of a table whose columns have names, and of one without."""
_LONG_RUN = 12
"""In a longer run of lines that is no table, none is looked for from its second line on."""


@dataclass(frozen=True)
class AlignedCell:
    """A cell, or the piece of it on one line: the number of its column, and its slice of the text."""

    column: int
    start: int
    end: int


@dataclass(frozen=True)
class AlignedRow:
    """A row, `text[start:end]`, with its cells by column; a cell wrapped over two lines has two pieces in a row."""

    start: int
    end: int
    cells: tuple[AlignedCell, ...]


@dataclass(frozen=True)
class AlignedTable:
    """A table, `text[start:end]`, header included; `names` are those of its columns, () without a header."""

    start: int
    end: int
    names: tuple[str, ...]
    rows: tuple[AlignedRow, ...]

    def moved(self, by: int) -> AlignedTable:
        """Return the table with all offsets increased."""
        rows = tuple(
            AlignedRow(
                row.start + by, row.end + by, tuple(AlignedCell(c.column, c.start + by, c.end + by) for c in row.cells)
            )
            for row in self.rows
        )
        return AlignedTable(self.start + by, self.end + by, self.names, rows)


@dataclass(frozen=True)
class _Line:
    """A line at offset `begin`, with its cells as columns of characters and the number of line breaks before it."""

    begin: int
    cells: tuple[Span, ...]
    breaks: int
    is_rule: bool


def aligned_tables(text: str, names: Sequence[str] = ()) -> list[AlignedTable]:
    """Return the tables in a text that are drawn with blanks, in order.

    The first line names the columns if it has no numbers, but most cells of a column below it have. A line that begins
    below a later column goes on with the row above it. `names` are the columns of a table that the text begins inside.

    >>> table, = aligned_tables("No.  What       Due\\n1    Buy tea    2 May\\n2    Rent hall  4 May\\n     again")
    >>> table.names, [len(row.cells) for row in table.rows]
    (('No.', 'What', 'Due'), [3, 4])
    """
    if not _APART.search(text):
        return []
    found, lines, at = list[AlignedTable](), _lines(text), 0
    while at < len(lines):
        fitting = lines[at : at + _fitting(lines, at)]
        inside = at == 0 and len(fitting[:1] and fitting[0].cells) == len(names) > 0
        made = _table(text, fitting, names if inside else ()) if inside or len(fitting) > 1 else None
        found += [made] if made else []
        at += len(fitting) if made or len(fitting) > _LONG_RUN else 1
    return found


def aligned_table(text: str, start: int, end: int) -> AlignedTable | None:
    """Return the table drawn with blanks at `text[start:end]`, which begins a line but for its indent; None if none."""
    begin = text.rfind("\n", 0, start) + 1
    begin = start if text[begin:start].strip() else begin
    table = next(iter(aligned_tables(text[begin:end])), None)
    return table.moved(begin) if table and begin + table.start == start else None


def _lines(text: str) -> list[_Line]:
    """Return the lines that are not blank; those of fenced code, and with bars or tabs, have no cells."""
    spans = [match.span() for match in _LINE.finditer(text) if match.group().strip()]
    bare = [text[a:b].strip() for a, b in spans]
    code = {n for first, last in fenced(bare).items() for n in range(first, last + 1)}
    made, previous = list[_Line](), 0
    for number, (start, end) in enumerate(spans):
        quoted = _QUOTED.match(text, start, end)
        drawn = not (number in code or "\t" in bare[number] or "|" in bare[number])
        begin = quoted.end() if quoted else start
        cells = tuple((a - start, b - start) for a, b in _spans(text, begin, end)) if drawn else ()
        breaks = len(_BREAKS.findall(text, previous, start))
        made.append(_Line(start, cells, breaks, bool(_RULE.fullmatch(bare[number]))))
        previous = end
    if len(made) > 1 and made[0].begin == 0 and made[0].cells[:1] and made[0].cells[0][0] == 0:
        # A slice of a text has lost the indent of its first line.
        lost = min((line.cells[0][0] for line in made[1:3] if line.cells), default=0)
        shifted = tuple((a + lost, b + lost) for a, b in made[0].cells)
        made[0] = _Line(-lost, shifted, made[0].breaks, made[0].is_rule)
    return made


def _spans(text: str, start: int, end: int) -> Iterator[Span]:
    return (match.span() for match in _CELL.finditer(text, start, end))


def _fitting(lines: Sequence[_Line], first: int) -> int:
    """Return how many lines from `first` on stand below the cells of that line, itself included."""
    if len(lines[first].cells) < 2:
        return 0
    last = first + 1
    while last < len(lines) and lines[last].breaks <= 1:
        if not (lines[last].is_rule or _placed(lines[last], lines[first].cells)):
            break
        last += 1
    return last - first


def _placed(line: _Line, template: Sequence[Span]) -> list[tuple[int, Span]]:
    """Return (column, cell) of each cell of a line; [] if they do not stand below the template's cells."""
    found = list[tuple[int, Span]]()
    for start, end in line.cells:
        over = [n for n, (a, b) in enumerate(template) if start < b and a < end]
        column = over[0] if over else sum(a <= start for a, _ in template) - 1
        if len(over) > 1 or column < 0 or (found and column < found[-1][0]):
            return []
        if found and found[-1][0] == column:  # two blanks inside a cell
            found[-1] = column, (found[-1][1][0], end)
        else:
            found.append((column, (start, end)))
    return [] if [column for column, _ in found] == [0] else found  # a line with one cell at the margin is prose


def _table(text: str, lines: Sequence[_Line], known: Sequence[str]) -> AlignedTable | None:
    """Return the table on lines that stand below the cells of the first; None if it is none.

    `known` are the names of its columns if they stand elsewhere.
    """
    template, ruled = lines[0].cells, len(lines) > 1 and lines[1].is_rule
    placed = [
        [AlignedCell(column, line.begin + a, line.begin + b) for column, (a, b) in _placed(line, template)]
        for line in lines
        if not line.is_rule
    ]
    names = () if known else _names(text, placed, ruled=ruled)
    rows = list[list[AlignedCell]]()
    for cells in placed[1:] if names else placed:
        filled = {cell.column for cell in rows[-1]} if rows else set[int]()
        own = {cell.column for cell in cells}
        if rows and cells[0].column > 0 and (len(own) == 1 or not own <= filled):
            rows[-1] += cells
        else:
            rows.append(cells)
    fewest = _FEWEST_ROWS if names else _FEWEST_BARE
    drawn = len(rows) >= fewest and _is_aligned(lines, template)
    if not known and (not drawn or (not names and _is_labelled(text, rows, template))):
        return None
    made = [
        AlignedRow(cells[0].start, cells[-1].end, tuple(sorted(cells, key=lambda cell: cell.column))) for cells in rows
    ]
    return AlignedTable(placed[0][0].start, made[-1].end, tuple(known) or names, tuple(made))


def _names(text: str, placed: Sequence[Sequence[AlignedCell]], *, ruled: bool) -> tuple[str, ...]:
    """Return the names of the columns; () if the first line has none."""
    said = [text[cell.start : cell.end] for cell in placed[0]]
    numbers = any(map(str.isdigit, _SHARE.sub("", " ".join(said))))
    if numbers or max(map(len, said)) > _LONGEST_NAME or any(one.endswith(":") for one in said):
        return ()
    columns = [
        [text[c.start : c.end] for cells in placed[1:] for c in cells if c.column == n] for n in range(len(said))
    ]
    counted = any(held and 2 * sum(any(map(str.isdigit, one)) for one in held) > len(held) for held in columns)
    return tuple(said) if (ruled or counted) and len(set(said)) == len(said) else ()


def _is_labelled(text: str, rows: Sequence[Sequence[AlignedCell]], template: Sequence[Span]) -> bool:
    """True for labels with their values, and for clauses or items below their marks."""
    firsts = [text[cells[0].start : cells[0].end] for cells in rows]
    marks = len(template) == 2 and all(map(_MARK.fullmatch, firsts))
    return marks or 2 * sum(first.endswith(":") for first in firsts) >= len(firsts)


def _is_aligned(lines: Sequence[_Line], template: Sequence[Span]) -> bool:
    """True if most cells of a column but the first begin, or end, below one another."""
    placed = [one for line in lines for one in _placed(line, template)]
    for column in range(1, len(template)):
        cells = [cell for place, cell in placed if place == column]
        for held in (Counter(start for start, _ in cells), Counter(end for _, end in cells)):
            alike = max((held[at - 1] + count + held[at + 1] for at, count in [*held.items()]), default=0)
            if len(cells) > 1 and 3 * alike >= 2 * len(cells):
                return True
    return False
