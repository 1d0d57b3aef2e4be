"""Reading of question sets in tables: CSV, TSV and XLSX, whose first row has the keys."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl

from index.errors import UnreadableSource
from index.formats.archive import open_archive
from index.formats.sheet import find_separator
from rag.evaluation.keys import NATIVE, BadRow, looks_like_question, names_question, normal_name
from rag.evaluation.questions import BadQuestionSet

_Rows = Iterator[tuple[str, "Mapping[str, Any] | BadRow"]]
_PLACE = ("source", "quote", "start", "end")
_LONGEST_CELL = 10_000_000
_LONGEST_LITERAL = 100_000
_SEPARATORS = ",;\t|"
_YES, _NO = frozenset(("true", "yes", "1")), frozenset(("false", "no", "0"))
_ARRAY = re.compile(r"array\((\[.*?\])(?:, dtype=[\w.<>]+)?\)", re.DOTALL)


def separator(text: str, usual: str) -> tuple[str, bool]:
    """Return the separator of a table, and True if its first row has a question key.

    Tries the `usual` separator first, then the most likely one, then all others.
    """
    try:
        likely = find_separator(text[:100_000])
        for one in dict.fromkeys([usual, likely, *_SEPARATORS]):
            csv.field_size_limit(_LONGEST_CELL)  # a limit of the whole process, which other code changes too
            if names_question(next(csv.reader(io.StringIO(text, newline=""), delimiter=one), [])):
                return one, True
    except csv.Error:
        return usual, True  # reading with it reports the error
    except UnreadableSource:
        return usual, False
    return likely, False


def csv_rows(path: Path, text: str, delimiter: str) -> _Rows:
    """Yield (line, row) of a table whose header has the keys.

    A cell with several values is a JSON list or has | between them. A label is in the columns source, quote, start and
    end, or as JSON in the column relevant. Raises BadQuestionSet if the header has no question key.
    """
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = _header(path, next(reader, []))
    except csv.Error as error:
        raise BadQuestionSet(
            f"{path}, line 1: is not a table header ({error}). Expected the names of columns."
        ) from error
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield f"line {reader.line_num}", BadRow(f"is not CSV ({error})")
            return
        if cells is None:
            return
        where, line = f"line {line}", reader.line_num + 1
        if any(cell.strip() for cell in cells):
            yield where, _row(names, cells)


def xlsx_rows(path: Path) -> _Rows:
    """Yield the rows of the first sheet whose first non-empty row has a question key.

    Raises BadQuestionSet if there is no such sheet, or the file is no workbook.
    """
    try:
        open_archive(path, "xl/workbook.xml").close()
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = [_filled(sheet) for sheet in book.worksheets]
        finally:
            book.close()
    except UnreadableSource as error:
        raise BadQuestionSet(
            f"{path} can't be read as a workbook: it {error}. Save it as CSV, or again as XLSX."
        ) from error
    except Exception as error:  # openpyxl passes on any error of its parsers
        raise BadQuestionSet(
            f"{path} can't be read as a workbook ({error}). Save it as CSV, or again as XLSX."
        ) from error
    rows = next((one for one in sheets if one and names_question(one[0][1])), next(filter(None, sheets), []))
    names = _header(path, rows[0][1] if rows else [])
    for number, cells in rows[1:]:
        yield f"row {number}", _row(names, cells)


def _filled(sheet: Any) -> list[tuple[int, list[str]]]:
    """Return (number, cells) of the non-empty rows, without empty cells at their ends."""
    sheet.reset_dimensions()  # a file may state too small a size for its sheet, which would cut off rows
    rows = []
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = [_shown(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append((number, cells))
    return rows


def _shown(value: Any) -> str:
    """Return the text of a cell as a spreadsheet shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return f"{value:.15g}" if isinstance(value, float) else str(value).strip()


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    """Return the keys of a header: ours in our spelling, others unchanged."""
    names = [name if (name := normal_name(cell)) in (*NATIVE, *_PLACE) else cell.strip() for cell in cells]
    if twice := sorted({name for name in names if name in NATIVE and names.count(name) > 1}):
        raise BadQuestionSet(f"{path} has the column {twice[0]} twice. Take one of them out.")
    if not names_question(names):
        near = looks_like_question(names)
        rename = f' Rename "{near}" to "question" if that is it.' if near else ""
        raise BadQuestionSet(
            f"{path} has no column called question in its first line; it has: {', '.join(names)[:200]}.{rename}"
        )
    return names


def _row(names: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any] | BadRow:
    if len(cells) > len(names):
        return BadRow(f"has {len(cells)} cells, the header {len(names)}: put quotes around cells with a comma")
    try:
        filled = dict(zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=True))
        row: dict[str, Any] = {name: _value(name, cell) for name, cell in filled.items() if name not in _PLACE}
        return {**row, **_label(row, filled)}
    except BadRow as error:
        return error


def _value(name: str, cell: str) -> Any:
    """Return the value of a cell by its column; None for an empty cell."""
    if not cell.strip():
        return None
    if name in ("answers", "tags", "forbidden"):
        return _values(cell)
    if name == "answerable":
        said = cell.strip().lower()
        if said not in _YES | _NO:
            raise BadRow(f'"answerable" is {cell!r}; expected true or false')
        return said in _YES
    if name == "relevant":
        try:
            return json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise BadRow(f'"relevant" is not JSON ({_reason(error)}); or use the columns source and quote') from error
    if name not in NATIVE and cell.lstrip()[0] in "[{":
        return _literal(cell)
    if name not in NATIVE and normal_name(name).removeprefix("is_") in ("answerable", "unanswerable", "impossible"):
        return cell.strip().lower() in _YES
    return cell


def _values(cell: str) -> Any:
    if cell.lstrip()[0] == "{":
        return _literal(cell)
    if cell.lstrip()[0] == "[":
        try:
            return json.loads(cell)
        except (ValueError, RecursionError) as error:
            if isinstance(found := _literal(cell), list):
                return found
            raise BadRow(f"a cell that begins with [ is not a JSON list ({_reason(error)})") from error
    return [value.strip() for value in cell.split("|") if value.strip()]


def _literal(cell: str) -> Any:
    """Parse a cell as JSON or as a Python literal, with NumPy arrays; return its text if it is neither."""
    for parse, text in (
        (json.loads, cell),
        (ast.literal_eval, cell.strip()),
        (ast.literal_eval, _ARRAY.sub(r"\1", cell).strip()),
    ):
        if parse is ast.literal_eval and len(text) > _LONGEST_LITERAL:
            continue
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
    return cell


def _label(row: Mapping[str, Any], cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the label in the columns source, quote, start and end as `relevant`; {} if they are empty."""
    placed = [name for name in _PLACE if cells.get(name, "").strip()]
    if not placed:
        return {}
    if row.get("relevant") is not None or placed[0] != "source":
        reason = '"relevant" says it already' if row.get("relevant") is not None else "it needs a source"
        raise BadRow(f'"{placed[0]}" is filled in, but {reason}')
    label: dict[str, Any] = {"source": cells["source"].strip()}
    if cells.get("quote", "").strip():
        label["quote"] = cells["quote"]
    for name in ("start", "end"):
        if cells.get(name, "").strip():
            if not re.fullmatch(r"[0-9]{1,12}", cells[name].strip()):
                raise BadRow(f'"{name}" is {cells[name]!r}; expected a whole number')
            label[name] = int(cells[name])
    return {"relevant": [label]}


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
