"""The parts of a PDF page: pieces of lines, and tables with drawn lines. Pure geometry; y grows upwards."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]
"""(left, right, bottom, top)."""

_NEAR = 2.5
"""Maximum overlap of letters with the line at the side of their cell, in points."""


@dataclass(frozen=True)
class Piece:
    """A run of text on one line, in points from the page's lower left corner.

    `letters` is the range of the letter numbers in the file that it consists of.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    letters: range = field(default=range(0), compare=False)

    @property
    def size(self) -> float:
        """The height of the line in points, at least 1."""
        return max(self.top - self.bottom, 1.0)


@dataclass(frozen=True)
class Grid:
    """A table: its column edges from left to right and its row edges from bottom to top.

    `joined_right` and `joined_below` are the cells (row from the top, column) without a line before the next cell.
    """

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    joined_right: frozenset[tuple[int, int]] = frozenset()
    joined_below: frozenset[tuple[int, int]] = frozenset()

    @property
    def box(self) -> Box:
        """The outer edges of the table."""
        return self.columns[0], self.columns[-1], self.rows[0], self.rows[-1]

    def parts(self, left: float, right: float, y: float) -> bool:
        """True if a column edge separates two x positions at height `y`.

        Merged cells have no edge between them.
        """
        if not self.rows[0] <= y <= self.rows[-1]:
            return False
        edge = bisect_right(self.columns, left - _NEAR)
        if edge == len(self.columns) or self.columns[edge] >= right + _NEAR or right <= left:
            return False
        return (self._row(y), edge - 1) not in self.joined_right

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the (row from the top, column) of a point, or None outside the table."""
        left, right, bottom, top = self.box
        if not (left <= x <= right and bottom <= y <= top):
            return None
        return self._row(y), min(bisect_right(self.columns, x), len(self.columns) - 1) - 1

    def _row(self, y: float) -> int:
        return len(self.rows) - 1 - min(bisect_right(self.rows, y), len(self.rows) - 1)


@dataclass(frozen=True)
class Page:
    """The pieces of a page in drawing order, its size in points, and its tables."""

    pieces: tuple[Piece, ...]
    width: float
    height: float
    grids: tuple[Grid, ...] = ()
