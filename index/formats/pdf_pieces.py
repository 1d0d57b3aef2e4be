"""What stands on a page of a PDF: pieces of lines, and the tables that lines draw. Pure geometry; y grows upwards."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]
"""Left, right, bottom and top."""

_NEAR = 2.5
"""Points within which letters may reach over the line beside their cell."""


@dataclass(frozen=True)
class Piece:
    """Text on one line in points from the page's lower left corner; `letters` are those of the file it is made of."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    letters: range = field(default=range(0), compare=False)

    @property
    def size(self) -> float:
        """The height of its line."""
        return max(self.top - self.bottom, 1.0)


@dataclass(frozen=True)
class Grid:
    """A table: the edges of its columns from left to right, and of its rows from bottom to top.

    `joined_right` and `joined_below` are the cells (row from the top, column) without a line to the next cell.
    """

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    joined_right: frozenset[tuple[int, int]] = frozenset()
    joined_below: frozenset[tuple[int, int]] = frozenset()

    @property
    def box(self) -> Box:
        """Where it stands."""
        return self.columns[0], self.columns[-1], self.rows[0], self.rows[-1]

    def parts(self, left: float, right: float, y: float) -> bool:
        """True if the edge of a column lies between two places beside each other at a height."""
        if not self.rows[0] <= y <= self.rows[-1]:
            return False
        edge = bisect_right(self.columns, left - _NEAR)
        if edge == len(self.columns) or self.columns[edge] >= right + _NEAR or right <= left:
            return False
        return (self._row(y), edge - 1) not in self.joined_right

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """(row from the top, column) of a place, None outside."""
        left, right, bottom, top = self.box
        if not (left <= x <= right and bottom <= y <= top):
            return None
        return self._row(y), min(bisect_right(self.columns, x), len(self.columns) - 1) - 1

    def _row(self, y: float) -> int:
        return len(self.rows) - 1 - min(bisect_right(self.rows, y), len(self.rows) - 1)


@dataclass(frozen=True)
class Page:
    """What is drawn on a page, in the order of the file, and the tables that lines draw."""

    pieces: tuple[Piece, ...]
    width: float
    height: float
    grids: tuple[Grid, ...] = ()
