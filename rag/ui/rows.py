"""Parsing of table rows in an answer ("Tank: North | Litres: 12") into columns and cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def table_of(rows: Sequence[str]) -> tuple[list[str], list[dict[str, str]]] | None:
    """Return the column names, and each row as a dict from name to cell.

    None if a cell other than the first has no name.

    >>> table_of(["Tank: North | Litres: 12", "Tank: South"])
    (['Tank', 'Litres'], [{'Tank': 'North', 'Litres': '12'}, {'Tank': 'South'}])
    """
    cells = [[part.partition(": ") for part in row.split(" | ")] for row in rows]
    if all(len(row) > 2 and not row[0][1] for row in cells):
        cells = [[("", ": ", row[0][0]), *row[1:]] for row in cells]
    if not all(colon for row in cells for _, colon, _ in row):
        return None
    names = list(dict.fromkeys(name for row in cells for name, _, _ in row))
    return names, [{name: value for name, _, value in row} for row in cells]
