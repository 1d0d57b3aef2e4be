"""Expands HTML table cells that span rows or columns, so that each row has a cell in every column."""

from __future__ import annotations

from typing import Any

from lxml.html import HtmlElement, builder

from index.formats.markup import cell_text, is_table
from index.formats.tables import is_amount_cell

_MOST_COLUMNS = 100
_MOST_ROWS = 500
"""Maximum rows and columns over which a cell is expanded: a page may state any number."""
_LONGEST = 200
"""Maximum characters of a cell whose text is repeated."""
_MOST_CELLS = 200_000
"""Maximum cells after expansion, for all tables of a page; further tables stay unchanged."""


def spread_cells(tree: Any) -> None:
    """Give every row a cell for every column, and move captions above their tables.

    The text of a cell that spans rows is repeated in each row. The text of a cell that spans columns is repeated in
    each column, except in column headers, the first row and the first column. A cell that is a whole row is not
    expanded. Numbers and long texts are not repeated.
    """
    room = _MOST_CELLS
    for table in list(tree.iter("table")):
        for caption in table.findall("caption"):
            table.addprevious(builder.P(cell_text(caption)))
            caption.drop_tree()
        if not is_table(table):
            continue
        spanning = [cell for cell in table.iter("td", "th") if cell.get("rowspan") or cell.get("colspan")]
        room -= sum(_span(cell, "rowspan", _MOST_ROWS) * _span(cell, "colspan", _MOST_COLUMNS) for cell in spanning)
        if spanning and room >= 0:
            _spread(table)


def _spread(table: Any) -> None:
    below = dict[int, tuple[int, Any]]()  # column -> number of further rows that a cell spans, and the cell
    group = None
    for number, row in enumerate(_own_rows(table)):
        if row.getparent() is not group:
            group, below = row.getparent(), {}  # no cell spans row groups
        cells = row.xpath("./td|./th")
        alone = len(cells) == 1 and not below
        column = 0
        for cell in cells:
            column = _put_what_is_above(cell, column, below)
            wide, high = _span(cell, "colspan", _MOST_COLUMNS), _span(cell, "rowspan", _MOST_ROWS)
            again = cell.tag == "td" and column > 0 and number > 0
            for further in range(1, 1 if alone else wide):
                cell.addnext(_like(cell, said=again))
                if high > 1:
                    below[column + further] = high - 1, _like(cell, said=again)
            if high > 1:
                below[column] = high - 1, _like(cell, said=True)
            column += wide
        for place in sorted(below):
            if place >= column:
                row.append(_copy_above(place, below))


def _put_what_is_above(cell: Any, column: int, below: dict[int, tuple[int, Any]]) -> int:
    """Insert cells that span from above before a cell; return the column of the cell after that."""
    while column in below:
        cell.addprevious(_copy_above(column, below))
        column += 1
    return column


def _copy_above(column: int, below: dict[int, tuple[int, Any]]) -> Any:
    rows, cell = below.pop(column)
    if rows > 1:
        below[column] = rows - 1, cell
    return _like(cell, said=True)


def _like(cell: Any, *, said: bool) -> HtmlElement:
    words = cell_text(cell) if said else ""
    if is_amount_cell(words) or len(words) > _LONGEST:
        words = ""
    return (builder.TH if cell.tag == "th" else builder.TD)(words)


def _own_rows(table: Any) -> list[Any]:
    return list(table.xpath("./tr|./thead/tr|./tbody/tr|./tfoot/tr"))


def _span(cell: Any, name: str, most: int) -> int:
    value = (cell.get(name) or "").strip()
    return min(max(int(value), 1), most) if value.isdigit() and len(value) < 6 else 1
