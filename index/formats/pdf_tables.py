"""The tables that lines draw on a page, as the edges of their columns and rows. Pure geometry; y grows upwards."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, right, bottom and top."""

_THIN, _SHORTEST = 2.5, 6.0
"""Points: a line is no thicker than the one, and no shorter than the other."""
_TOUCH = 2.5
"""Lines so near to each other meet, and edges so near are one."""
_FEWEST = 3
"""Edges of columns and of rows: two of each."""
_MOST_LINES = 1500
"""A page with more lines is a drawing."""


@dataclass(frozen=True)
class Grid:
    """A table: the edges of its columns from left to right, and of its rows from bottom to top."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def box(self) -> Box:
        """Where it stands."""
        return self.columns[0], self.columns[-1], self.rows[0], self.rows[-1]

    def parts(self, left: float, right: float, y: float) -> bool:
        """True if the edge of a column lies between two places beside each other at a height."""
        if not self.rows[0] <= y <= self.rows[-1]:
            return False
        edge = bisect_right(self.columns, left - _THIN)
        return edge < len(self.columns) and self.columns[edge] < right + _THIN and right - left > 0

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """(row from the top, column) of a place, None outside."""
        left, right, bottom, top = self.box
        if not (left <= x <= right and bottom <= y <= top):
            return None
        row = len(self.rows) - 1 - min(bisect_right(self.rows, y), len(self.rows) - 1)
        return row, min(bisect_right(self.columns, x), len(self.columns) - 1) - 1


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
    lines = list(dict.fromkeys(tuple(round(edge, 1) for edge in line) for line in (*level, *upright)))
    if not 2 * _FEWEST <= len(lines) <= _MOST_LINES:
        return []
    found = []
    for group in _meeting([(line[0], line[1], line[2], line[3]) for line in lines]):
        columns = _edges((left + right) / 2 for left, right, bottom, top in group if top - bottom > right - left)
        rows = _edges((bottom + top) / 2 for left, right, bottom, top in group if right - left >= top - bottom)
        if len(columns) >= _FEWEST and len(rows) >= _FEWEST:
            found.append(Grid(columns, rows))
    return [one for one in found if not any(one is not other and _inside(one, other) for other in found)]


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
