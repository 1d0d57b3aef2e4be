"""Writes tables as CSV, XLSX, HTML, Markdown, DOCX, PDF and text files, with several header rows and merged cells.

csv, openpyxl, python-docx and reportlab write the files; this module writes HTML, Markdown and text itself.
"""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Sequence
from pathlib import Path

import docx
import openpyxl
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

Cells = Sequence[Sequence[str]]
Merged = tuple[int, int, int, int]
"""First row, first column, last row and last column of a merged cell. Its text is in the first cell."""


def write_table(path: Path, rows: Cells, *, headers: int = 1, merged: Sequence[Merged] = ()) -> None:
    """Write a table in the format of the file name.

    Args:
        path: A .csv, .xlsx, .md, .txt, .html, .docx or .pdf file. Its name is the title, where the format has one.
        rows: The cells, header rows first.
        headers: Number of header rows.
        merged: The merged cells; not for CSV, Markdown and text.

    Raises:
        ValueError: The format does not support merged cells or several header rows.
    """
    if path.suffix in (".csv", ".md", ".txt") and (merged or headers != 1):
        raise ValueError(f"{path.name}: {path.suffix} has one header row and no merged cells")
    _WRITERS[path.suffix](path, rows, headers, merged)


def title_of(path: Path) -> str:
    """Return the title of a file, derived from its name."""
    return path.stem.replace("-", " ").capitalize()


def _csv(path: Path, rows: Cells, _headers: int, _merged: Sequence[Merged]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def _xlsx(path: Path, rows: Cells, _headers: int, merged: Sequence[Merged]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([int(cell) if cell.isdecimal() else cell or None for cell in row])
    for top, left, bottom, right in merged:
        book.active.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    book.save(path)


def _markdown(path: Path, rows: Cells, _headers: int, _merged: Sequence[Merged]) -> None:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    rule = "|".join(["---"] * len(rows[0]))
    path.write_text("\n".join([f"# {title_of(path)}", "", head, f"|{rule}|", *body, ""]), "utf-8")


def _text(path: Path, rows: Cells, _headers: int, _merged: Sequence[Merged]) -> None:
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    path.write_text("\n".join([title_of(path), "", *lines, ""]), "utf-8")


def _html(path: Path, rows: Cells, headers: int, merged: Sequence[Merged]) -> None:
    sizes = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in merged}
    hidden = _hidden(merged)
    lines = []
    for y, row in enumerate(rows):
        tag = "th" if y < headers else "td"
        cells = []
        for x, cell in enumerate(row):
            if (y, x) not in hidden:
                height, width = sizes.get((y, x), (1, 1))
                spans = (f' rowspan="{height}"' if height > 1 else "") + (f' colspan="{width}"' if width > 1 else "")
                cells.append(f"<{tag}{spans}>{html.escape(cell)}</{tag}>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    page = f"<html><body><h1>{title_of(path)}</h1><table>{''.join(lines)}</table></body></html>"
    path.write_text(page, "utf-8")


def _docx(path: Path, rows: Cells, headers: int, merged: Sequence[Merged]) -> None:
    document = docx.Document()
    document.add_heading(title_of(path), level=1)
    table = document.add_table(len(rows), len(rows[0]), style="Table Grid")
    cells = [list(row.cells) for row in table.rows]
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            cells[y][x].paragraphs[0].add_run(cell).bold = y < headers
    for top, left, bottom, right in merged:
        cells[top][left].merge(cells[bottom][right])
    document.save(str(path))


def _pdf(path: Path, rows: Cells, headers: int, merged: Sequence[Merged]) -> None:
    style: list[tuple[object, ...]] = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    style += [("SPAN", (left, top), (right, bottom)) for top, left, bottom, right in merged]
    style.append(("FONTNAME", (0, 0), (-1, headers - 1), "Helvetica-Bold"))
    table = Table([list(row) for row in rows], style=style, repeatRows=headers)
    title = Paragraph(title_of(path), getSampleStyleSheet()["Heading1"])
    SimpleDocTemplate(str(path), title=title_of(path)).build([title, table])


def _hidden(merged: Sequence[Merged]) -> set[tuple[int, int]]:
    """Return the (row, column) of all covered cells, without the first cell of each merge."""
    return {
        (y, x)
        for top, left, bottom, right in merged
        for y in range(top, bottom + 1)
        for x in range(left, right + 1)
        if (y, x) != (top, left)
    }


_WRITERS: dict[str, Callable[[Path, Cells, int, Sequence[Merged]], None]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".md": _markdown,
    ".txt": _text,
    ".html": _html,
    ".docx": _docx,
    ".pdf": _pdf,
}
