"""Finds tables with drawn lines on a PDF page and reads them row by row. Pure geometry; y grows upwards."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from index.formats.pdf_pieces import Box, Grid, Piece
from index.formats.tables import column_names, is_amount_cell, names_of_both, row_text, table_lines

_THIN, _SHORTEST = 2.5, 6.0
"""Maximum thickness and minimum length of a line, in points."""
_TOUCH = 2.5
"""Lines within this distance touch, and edges within it are the same edge; in points."""
_FEWEST = 3
"""Minimum edges of columns and of rows: two columns and two rows."""
_DRAWN = 0.3
"""Minimum share of a cell's side that a line must cover to separate the cell from the next."""
_MIDDLE = 0.2
"""Maximum distance of centred words from the middle of merged cells, as a share of their width."""
_MOST_LINES = 1500
"""A page with more lines than this is a drawing."""


def find_grids(drawn: Iterable[Box]) -> list[Grid]:
    """Return the tables formed by the drawn boxes (lines and cell frames).

    A table inside another table is left out.
    """
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
            found.append(Grid(columns, rows, *_joined(columns, rows, group)))
    return [one for one in found if not any(one is not other and _inside(one, other) for other in found)]


def cell_of(grid: Grid, piece: Piece) -> tuple[int, int]:
    """Return the (row, column) in which a piece begins."""
    return grid.cell(piece.left + 1, (piece.bottom + piece.top) / 2) or (0, 0)


def holds_rows(grid: Grid, pieces: Sequence[Piece]) -> bool:
    """True if at least two rows, and half of them, have words in several cells.

    Other grids of lines may be charts or frames.
    """
    cells = {cell_of(grid, piece) for piece in pieces}
    rows = Counter(row for row, _ in cells)
    return sum(count > 1 for count in rows.values()) >= max(2, len(rows) // 2)


def same_columns(one: Grid, other: Grid) -> bool:
    """True if two tables have the same column edges, so one may continue the other."""
    pairs = zip(one.columns, other.columns, strict=False)
    return len(one.columns) == len(other.columns) and all(abs(a - b) <= _TOUCH for a, b in pairs)


def join_rows(pieces: Sequence[Piece], grid: Grid, names: Sequence[str] = ()) -> tuple[list[Piece], list[str]]:
    """Return a line for each table row, with column names, and the column names.

    `names` are the column names of the table that this one continues from the page before; a repeated header is
    dropped.
    """
    cells: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces:
        cells.setdefault(cell_of(grid, piece), []).append(piece)
    _move_merged(cells, grid)
    numbers = sorted({row for row, _ in cells})
    rows = [
        [" ".join(piece.text for piece in cells.get((row, column), [])) for column in range(len(grid.columns) - 1)]
        for row in numbers
    ]
    rows = _filled(rows, numbers, grid)
    own, below = column_names(rows)
    if any(names) and (not own or own == list(names) or _holds_data(rows[0], rows[1:])):
        below = below if own == list(names) else 0
        own = list(names)
        lines = [row_text(own, row) for row in rows[below:]]
    else:
        lines = table_lines(rows)
    made = []
    for number, text in zip(numbers[len(numbers) - len(lines) :], lines, strict=True):
        held = [piece for (row, _), inside in cells.items() if row == number for piece in inside]
        bottom = min(piece.bottom for piece in held)
        made.append(Piece(text, grid.columns[0], grid.columns[-1], bottom, bottom + median(one.size for one in held)))
    return made, own


def _holds_data(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """True if the first row of a part of a table has numbers in the columns where the other rows have them, or no row
    has any: it is data, not other names."""
    numbers = {at for row in others for at, cell in enumerate(row) if is_amount_cell(cell)}
    return not numbers or any(at < len(first) and is_amount_cell(first[at]) for at in numbers)


def _joined(
    columns: Sequence[float], rows: Sequence[float], lines: Sequence[Box]
) -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]:
    """Return the cells without a line to their right and the cells without a line below (see Grid)."""
    width, height = len(columns) - 1, len(rows) - 1
    beside, below = defaultdict[tuple[int, int], float](float), defaultdict[tuple[int, int], float](float)
    for left, right, bottom, top in lines:
        if top - bottom > right - left:
            column = _nearest(columns, (left + right) / 2) - 1
            for place, length in _covered(rows, bottom, top):
                beside[height - 1 - place, column] += length
        else:
            row = height - 1 - _nearest(rows, (bottom + top) / 2)
            for place, length in _covered(columns, left, right):
                below[row, place] += length
    places = [(row, column) for row in range(height) for column in range(width)]
    return (
        frozenset((y, x) for y, x in places if x < width - 1 and beside[y, x] < _DRAWN),
        frozenset((y, x) for y, x in places if y < height - 1 and below[y, x] < _DRAWN),
    )


def _nearest(edges: Sequence[float], place: float) -> int:
    return min(range(len(edges)), key=lambda number: abs(edges[number] - place))


def _covered(edges: Sequence[float], start: float, end: float) -> Iterator[tuple[int, float]]:
    """Yield (number, covered share) for each interval between two edges that a line covers."""
    first = max(0, bisect_right(edges, start) - 1)
    for number in range(first, len(edges) - 1):
        low, high = edges[number], edges[number + 1]
        if low >= end:
            return
        if (covered := min(high, end) - max(low, start)) > 0:
            yield number, covered / (high - low)


def _move_merged(cells: dict[tuple[int, int], list[Piece]], grid: Grid) -> None:
    """Move words centred in horizontally merged cells to the first of the cells."""
    for row, column in sorted(cells):
        first = last = column
        while (row, first - 1) in grid.joined_right:
            first -= 1
        while (row, last) in grid.joined_right:
            last += 1
        if first < column and not any((row, other) in cells for other in range(first, last + 1) if other != column):
            held = cells[row, column]
            middle = (min(one.left for one in held) + max(one.right for one in held)) / 2
            left, right = grid.columns[first], grid.columns[last + 1]
            if abs(middle - (left + right) / 2) <= _MIDDLE * (right - left):
                cells[row, first] = cells.pop((row, column))


def _filled(rows: Sequence[Sequence[str]], numbers: Sequence[int], grid: Grid) -> list[list[str]]:
    """Return the rows with the text of each vertically merged cell repeated in all its rows.

    Amounts are not repeated. A column name is repeated only in a second header row.
    """
    made = [list(row) for row in rows]
    for column in range(len(grid.columns) - 1):
        for places in _merged_down(numbers, column, grid):
            words = [place for place in places if rows[place][column]]
            if len(words) == 1 and words != [0] and not is_amount_cell(rows[words[0]][column]):
                for place in places[places[0] == 0 :]:
                    made[place][column] = rows[words[0]][column]
    if len(rows) > 2:
        first, second = list(made[0]), list(made[1])
        for column in range(len(grid.columns) - 1):
            if (numbers[0], column) in grid.joined_below:
                first[column] = second[column] = rows[0][column] or rows[1][column]
        if names_of_both(first, second):
            made[:2] = first, second
    return made


def _merged_down(numbers: Sequence[int], column: int, grid: Grid) -> Iterator[list[int]]:
    """Yield, for each cell of a column, the indexes of the rows over which it is merged."""
    places = [0]
    for place in range(1, len(numbers)):
        if all((row, column) in grid.joined_below for row in range(numbers[place - 1], numbers[place])):
            places.append(place)
            continue
        yield places
        places = [place]
    yield places


def _meeting(lines: Sequence[Box]) -> list[list[Box]]:
    """Group the lines that touch, directly or through other lines."""
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
    """Return the sorted places without near-duplicates (within _TOUCH)."""
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
