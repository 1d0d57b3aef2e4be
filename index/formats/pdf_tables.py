"""The tables that lines draw on a page: found, and read row by row. Pure geometry; y grows upwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from index.formats.pdf_pieces import Box, Grid, Piece
from index.formats.tables import is_header, table_lines

_THIN, _SHORTEST = 2.5, 6.0
"""Points: a line is no thicker than the one, and no shorter than the other."""
_TOUCH = 2.5
"""Lines so near to each other meet, and edges so near are one."""
_FEWEST = 3
"""Edges of columns and of rows: two of each."""
_MOST_LINES = 1500
"""A page with more lines is a drawing."""


def find_grids(drawn: Iterable[Box]) -> list[Grid]:
    """Return the tables among the boxes of what is drawn: lines, and frames of cells."""
    level, upright = list[Box](), list[Box]()
    for left, right, bottom, top in drawn:
        wide, high = right - left, top - bottom
        if high <= _THIN and wide >= _SHORTEST:
            level.append((left, right, bottom, top))
        elif wide <= _THIN and high >= _SHORTEST:
            upright.append((left, right, bottom, top))
        elif wide >= _SHORTEST and high >= _SHORTEST:
            level += [(left, right, y, y) for y in (bottom, top)]
            upright += [(x, x, bottom, top) for x in (left, right)]
    rounded = ((round(a, 1), round(b, 1), round(c, 1), round(d, 1)) for a, b, c, d in (*level, *upright))
    lines = list(dict.fromkeys(rounded))
    if not 2 * _FEWEST <= len(lines) <= _MOST_LINES:
        return []
    found = []
    for group in _meeting(lines):
        columns = _edges((left + right) / 2 for left, right, bottom, top in group if top - bottom > right - left)
        rows = _edges((bottom + top) / 2 for left, right, bottom, top in group if right - left >= top - bottom)
        if len(columns) >= _FEWEST and len(rows) >= _FEWEST:
            found.append(Grid(columns, rows))
    return [one for one in found if not any(one is not other and _inside(one, other) for other in found)]


def cell_of(grid: Grid, piece: Piece) -> tuple[int, int]:
    """(row, column) of a piece: the column in which it begins."""
    return grid.cell(piece.left + 1, (piece.bottom + piece.top) / 2) or (0, 0)


def holds_rows(grid: Grid, pieces: Sequence[Piece]) -> bool:
    """True if two rows and more have words in several cells: what lines draw may be a chart or a frame."""
    cells = {cell_of(grid, piece) for piece in pieces}
    rows = Counter(row for row, _ in cells)
    return sum(count > 1 for count in rows.values()) >= max(2, len(rows) // 2)


def join_rows(pieces: Sequence[Piece], grid: Grid) -> Iterator[Piece]:
    """A line for each row of a table, its cells with the names of their columns where the first row has them."""
    cells: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces:
        cells.setdefault(cell_of(grid, piece), []).append(piece)
    numbers = sorted({row for row, _ in cells})
    rows = [
        [" ".join(piece.text for piece in cells.get((row, column), [])) for column in range(len(grid.columns) - 1)]
        for row in numbers
    ]
    named = is_header(rows[0]) and len(rows) > 1
    lines = table_lines(rows, named)
    for number, text in zip(numbers[len(numbers) - len(lines) :], lines, strict=True):
        own = [piece for (row, _), held in cells.items() if row == number for piece in held]
        bottom = min(piece.bottom for piece in own)
        yield Piece(text, grid.columns[0], grid.columns[-1], bottom, bottom + median(piece.size for piece in own))


def _meeting(lines: Sequence[Box]) -> list[list[Box]]:
    """The lines in groups that hang together."""
    group = list(range(len(lines)))

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    order = sorted(range(len(lines)), key=lambda number: lines[number][0])
    for place, one in enumerate(order):
        _, right, bottom, top = lines[one]
        for other in order[place + 1 :]:
            if lines[other][0] > right + _TOUCH:
                break
            if lines[other][2] <= top + _TOUCH and bottom <= lines[other][3] + _TOUCH:
                group[root(other)] = root(one)
    held: dict[int, list[Box]] = {}
    for number, line in enumerate(lines):
        held.setdefault(root(number), []).append(line)
    return list(held.values())


def _edges(places: Iterable[float]) -> tuple[float, ...]:
    """The places in order, those that are nearly the same once."""
    kept = list[float]()
    for place in sorted(places):
        if not kept or place - kept[-1] > _TOUCH:
            kept.append(place)
    return tuple(kept)


def _inside(one: Grid, other: Grid) -> bool:
    left, right, bottom, top = one.box
    return (
        other.box[0] <= left + _TOUCH
        and right <= other.box[1] + _TOUCH
        and other.box[2] <= bottom + _TOUCH
        and top <= other.box[3] + _TOUCH
    )
