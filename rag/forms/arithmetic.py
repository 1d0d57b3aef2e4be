"""What a question asks to calculate from a column of a table, and the answer with its calculation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from rag.forms.cells import TableRow
from rag.forms.columns import LITTLE, MUCH

Operation = Literal["max", "min", "count", "sum", "mean", "list"]
MOST_ROWS = 25
MOST_COUNTED = 60
"""Most rows that an answer shows, and most that it shows for a count."""
_WORDS: tuple[tuple[Operation, str], ...] = (
    ("mean", r"average|(?:the|an?) mean|mean of"),
    ("max", MUCH),
    ("min", LITTLE),
    ("sum", r"total|sum(?!\s+up\b)|altogether|together|combined|in all|add(?:ed|s)? up|all told"),
    ("count", r"how many|how often (?:has|have|had|did|was|were)|(?:^|the |total )number of (?!the\b)"),
)
_PATTERNS = [(name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _WORDS]
_TELLING = 0.6
"""Least share of different cells in a column that names the rows."""
_AS_ADVERB = re.compile(r"\b(?:last|first|latest|most recently)\s+\w+(?:ed|en)\b", re.IGNORECASE)


_NO_EXTREME = re.compile(
    r"\b(?:last|next) (?:year|month|week|night|time|term|season|spring|summer|autumn|winter)\b"
    r"|\b(?:my|your|his|her|our|their) (?:very )?(?:first|last) \w+|\bfirst time\b",
    re.IGNORECASE,
)
"""A time as somebody sees it: no extreme of a column."""


def requested_operation(question: str) -> Operation | None:
    """Return what a question asks to calculate, None for nothing."""
    question = _NO_EXTREME.sub(" ", question)
    found = [name for name, pattern in _PATTERNS if pattern.search(question)]
    if "count" in found and found[0] in ("max", "min") and _AS_ADVERB.search(question):
        return "count"  # "how many were last checked in 2024"
    return found[0] if found else None


def worked_out(
    operation: Operation, rows: Sequence[TableRow], column: str | None, names: Sequence[str], filtered: bool
) -> tuple[str, list[TableRow], str] | None:
    """Calculate an answer from rows of a table.

    Returns (what opens the answer, the rows it rests on, a note), None if the table gives no clear answer.
    """
    if not rows:
        return None
    if operation in ("list", "count"):
        if not filtered or not 2 <= len(rows) <= (MOST_COUNTED if operation == "count" else MOST_ROWS):
            return None
        return ("" if operation == "list" else f"{len(rows)}"), list(rows), ""
    if column is None:
        return None
    valued = [(row, value) for row in rows if (value := row.value(column))]
    units = list(dict.fromkeys(value.unit for _, value in valued))
    summed = operation in ("sum", "mean")
    if len(valued) > MOST_ROWS and summed:
        return None
    if len(units) > 1 and not (summed or filtered):
        return None  # the question names neither rows nor things that can be compared
    if len(units) > 1 or (summed and units == ["day"]):
        said = ", ".join(unit or "none" for unit in units)
        why = "dates have no sum" if units == ["day"] else f"the units differ ({said})"
        return ("", [row for row, _ in valued], f"Nothing is worked out: {why}.") if len(valued) <= MOST_ROWS else None
    if not summed and valued:
        pick = max if operation == "max" else min
        best = pick(value.number for _, value in valued)
        winners = [row for row, value in valued if value.number == best]
        name = _naming(names, winners[0])
        return f"{', '.join(row.cells.get(name, '') for row in winners)}: {winners[0].cells[column]}", winners, ""
    if len(valued) < 2:
        return None
    total = sum((value.number for _, value in valued), Decimal(0))
    unit = f" {units[0]}" if units[0] else ""
    terms = " + ".join(f"({value.number})" if value.number < 0 else f"{value.number}" for _, value in valued)
    lead = f"{total}{unit} ({len(valued)} rows, {column}: {terms} = {total})"
    if operation == "mean":
        mean = total / len(valued)
        lead = f"{_short(mean)}{unit} ({len(valued)} rows, {column}: {terms} = {total}; {total} / {len(valued)})"
    left = len(rows) - len(valued)
    return lead + (f"; {left} without a value" if left else ""), [row for row, _ in valued], ""


def _short(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.01')).normalize():f}"


def _naming(names: Sequence[str], row: TableRow) -> str:
    """Return the column that names a row: the first that is neither a code nor a number, else the first of `names`."""
    words = [name for name in names if re.search(r"[^\W\d_]{3}.*", row.cells.get(name, "")) and not row.value(name)]
    return next((name for name in words if not re.fullmatch(r"\S*\d\S*", row.cells[name])), names[0])


def telling_first(names: Sequence[str], rows: Sequence[TableRow]) -> list[str]:
    """Return the columns of a table, those first that tell most of its rows apart."""
    return sorted(names, key=lambda name: len({row.cells.get(name) for row in rows}) < _TELLING * len(rows))
