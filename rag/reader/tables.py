"""Answers in rows of tables ("Product: Rye bread | Price: 2.20"): the row that fits, and the cell asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from index.text.layout import Span
from index.text.words import content_terms
from rag.reader.ranges import Amount, amounts, any_holds
from rag.reader.spans import AnswerSpan, PassageReading

_BORDER, _NAMED = " | ", ": "
_WORD = 1.0
"""Loss of an answer, in log-odds, for each word of the question that another row has and its own lacks."""
_NAME = 2
"""Number of the question's words in one cell that name its row: rows with none of them do not answer."""
_LENGTH = r"\d\s?(?:[cmk]?m|ft|in|feet|foot|inch(?:es)?|miles?|met(?:er|re)s?)\b|\((?:[cmk]?m|ft|in)\)|dimension"
_SPAN = r"(?:\d\s?(?:s|min|h)|hours?|minutes?|days?|weeks?|months?|years?)\b|duration|time"
_MEASURED = {
    "tall": rf"{_LENGTH}|height|tall",
    "high": rf"{_LENGTH}|height|high|altitude|elevation",
    "wide": rf"{_LENGTH}|width|wide",
    "deep": rf"{_LENGTH}|depth|deep",
    "heavy": r"weight|mass|heavy|\d\s?(?:k?g|lbs?|tons?|tonnes?|kilos?)\b|\((?:k?g|lbs?|t)\)",
    "old": rf"{_SPAN}|\bage\b|old|born|built|founded|since|year",
    "long": rf"{_LENGTH}|{_SPAN}|length|long",
    "fast": r"speed|fast|\d\s?(?:km/h|mph|m/s|knots?)",
}
"""Pattern for the column or value of a cell that says how tall, heavy or old something is."""
_COUNTS = r"price|cost|fee|stock|count|quantity|number|code|size|lit(?:er|re)s?|\bml\b|eur|usd|gbp|[€$£]|date|status"
_MEASURE = re.compile(rf"\bhow ({'|'.join(_MEASURED)})\b", re.IGNORECASE)
_WHEN = re.compile(r"\b(?:when|what (?:time|day|date))\b", re.IGNORECASE)
_NUMBER = re.compile(r"\W{0,3}\d[\d.,]*\W{0,3}(?:[A-Za-z]{1,4})?")
_OF_AMOUNTS = re.compile(
    r"price|cost|\bfees?\b|deposit|\brent\b|stock|count|quantity|copies|weight|amount|total|[€$£%]"
    r"|\b(?:eur|usd|gbp|kg|cm|mm)\b",
    re.IGNORECASE,
)
_LONG = 60
"""A part of a cell with more characters than this may be the answer; shorter values are whole."""
_WHICH = re.compile(r"\b(?:which|what)\s+(\w+)", re.IGNORECASE)
_AMOUNT = re.compile(r"\bhow much\b|\bcosts?\b|\bprices?\b|\bexpensive\b|\bcheap\b", re.IGNORECASE)
_AMOUNTS = frozenset(content_terms("price prices cost costs fee amount total charge"))


_NAMES = 3
"""Fewest letters of the longest word in a row's name."""

_Columns = tuple[str, ...]


@dataclass(frozen=True)
class PassageCell:
    """A cell of a row: the name of its column, and the place of its value."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class PassageRow:
    """A row of a table with its place in the passage, and two or more named cells."""

    start: int
    end: int
    cells: tuple[PassageCell, ...]

    @property
    def columns(self) -> _Columns:
        """The names of its columns: rows with the same names belong to one table."""
        return tuple(cell.name for cell in self.cells)


def rows(passage: str) -> Iterator[PassageRow]:
    """Yield the rows in a passage, each a line of it."""
    at = 0
    for line in passage.splitlines(keepends=True):
        cells, place = [], at
        for part in line.rstrip().split(_BORDER):
            name, named, _ = part.partition(_NAMED)
            if named:
                cells.append(PassageCell(name.strip(), place + len(name) + len(_NAMED), place + len(part)))
            place += len(part) + len(_BORDER)
        if len(cells) > 1:
            yield PassageRow(at, at + len(line.rstrip()), tuple(cells))
        at += len(line)


def in_cells(
    question: str, passages: Sequence[str], found: Sequence[PassageReading], neighbours: Sequence[str] = ()
) -> list[PassageReading]:
    """Move the answers in rows to the cell that the question asks for.

    An answer loses for each word of the question that another row has and its own lacks. The other rows are those of
    the passage, and of `neighbours` with the same columns.
    """
    question_words, given = _words(question), amounts(question)
    tables: dict[_Columns, _Table] = {}
    for text in dict.fromkeys((*passages, *neighbours)):
        for row in rows(text):
            tables.setdefault(row.columns, _Table(given)).add(question, question_words, text, row)
    return [_settle(question, question_words, text, one, tables) for text, one in zip(passages, found, strict=True)]


@dataclass
class _Table:
    """How well the rows of one table fit a question.

    `shared` and `named` are the most words of the question in a row and in a cell. `opened` is True if the question has
    the whole first cell of a row, and `ranged` if a row has a range for one of the `given` amounts.
    """

    given: Sequence[Amount]
    shared: int = 0
    named: int = 0
    opened: bool = False
    ranged: bool = False

    def add(self, question: str, question_words: set[str], text: str, row: PassageRow) -> None:
        self.shared = max(self.shared, _shared(question_words, text, row))
        self.named = max(self.named, _named(question_words, text, row))
        self.opened = self.opened or _opens_row(question, text, row)
        self.ranged = self.ranged or _is_for(self.given, text, row)

    def may_answer(self, question: str, question_words: set[str], text: str, row: PassageRow) -> bool:
        """False for a row about another thing than the table's row that the question names, or gives an amount for."""
        return not (
            (self.named >= _NAME and not _named(question_words, text, row))
            or (self.opened and not _opens_row(question, text, row))
            or (self.ranged and not _is_for(self.given, text, row))
        )


def _settle(
    question: str, question_words: set[str], text: str, one: PassageReading, tables: Mapping[_Columns, _Table]
) -> PassageReading:
    here = list(rows(text))
    if not here or not one.answers:
        return one
    changes: list[tuple[Span, float]] = []
    for answer in one.answers:
        row = next((row for row in here if row.start < answer.end and answer.start < row.end), None)
        if row is None:
            changes.append(((answer.start, answer.end), 0.0))
            continue
        table = tables[row.columns]
        place = (
            _place(question, question_words, text, row, answer)
            if table.may_answer(question, question_words, text, row)
            else None
        )
        if place and _is_measured(question, text, row, place):
            changes.append((place, _WORD * (table.shared - _shared(question_words, text, row))))
        else:
            changes.append(((answer.start, answer.end), math.inf))
    best = [
        row
        for row in here
        if _shared(question_words, text, row) == tables[row.columns].shared
        and tables[row.columns].may_answer(question, question_words, text, row)
    ]
    cell = _requested_cell(question, question_words, text, best[0]) if len(best) == 1 else None
    return one.revised(changes, [AnswerSpan(cell.start, cell.end, one.answers[0].score)] if cell else [])


def _shared(question_words: set[str], text: str, row: PassageRow) -> int:
    """Return how many of the question's words a row has."""
    return len(question_words & _words(text[row.start : row.end]))


def _named(question_words: set[str], text: str, row: PassageRow) -> int:
    """Return the most words of the question in one cell of a row."""
    return max(len(question_words & _words(text[cell.start : cell.end])) for cell in row.cells)


def _is_for(given: Sequence[Amount], text: str, row: PassageRow) -> bool:
    """True if a row has a range for one of the amounts: "3 to 5 years" for "after 4 years"."""
    return any_holds(given, ((text[cell.start : cell.end], cell.name) for cell in row.cells))


def _opens_row(question: str, text: str, row: PassageRow) -> bool:
    """True if the question names a row by its first cell."""
    return _opens_with_name(question, text[row.cells[0].start : row.cells[0].end])


def _opens_with_name(question: str, cell: str) -> bool:
    """True if the question has the words of a row's first cell in sequence: "how loud is fan only mode"."""
    words, question_words = (re.findall(r"[^\W_]+", one.casefold()) for one in (cell, question))
    places = range(len(question_words) - len(words) + 1)
    return len(max(words, key=len, default="")) >= _NAMES and any(
        question_words[n : n + len(words)] == words for n in places
    )


def _is_measured(question: str, text: str, row: PassageRow, place: Span) -> bool:
    """False for a cell without what "how tall" and the like ask for, by its column's name and its unit."""
    cell = next((cell for cell in row.cells if cell.start <= place[0] < cell.end), None)
    return cell is None or _has_measure(question, text, cell)


def counts(name: str, cell: str) -> bool:
    """True for a number in a column of amounts, which does not answer when or who."""
    return bool(_NUMBER.fullmatch(cell.strip()) and _OF_AMOUNTS.search(f"{name} {cell}"))


class Measure(NamedTuple):
    """What "how heavy" asks for: the `adjective`, and a pattern for what is `said` in a column's name or a cell."""

    adjective: str
    said: re.Pattern[str]


def asked_measure(question: str) -> Measure | None:
    """Return the measure that a question asks for ("how heavy"); None if none."""
    found = _MEASURE.search(question)
    return Measure(found[1], re.compile(_MEASURED[found[1].lower()], re.IGNORECASE)) if found else None


def _has_measure(question: str, text: str, cell: PassageCell) -> bool:
    """False for a cell that measures something else than "how tall" and the like ask, and for a bare number if "when"
    asks."""
    if _WHEN.search(question) and counts(cell.name, text[cell.start : cell.end]):
        return False
    measure = asked_measure(question)
    if measure is None:
        return True
    said = f"{cell.name} {text[cell.start : cell.end]}"
    if measure.said.search(said):
        return True
    is_other = re.search("|".join([_COUNTS, *_MEASURED.values()]), said, re.IGNORECASE)
    return not is_other and any(map(str.isdigit, text[cell.start : cell.end]))


def _place(question: str, question_words: set[str], text: str, row: PassageRow, answer: AnswerSpan) -> Span | None:
    """Return the place of an answer in its row; None if it is only the name of a column."""
    if cell := _requested_cell(question, question_words, text, row):
        return cell.start, cell.end
    touched = [(min(c.end, answer.end) - max(c.start, answer.start), c) for c in row.cells]
    most, cell = max(touched, key=lambda pair: pair[0])
    if most <= 0:
        return None
    inside = cell.start <= answer.start and answer.end <= cell.end
    return (answer.start, answer.end) if inside and cell.end - cell.start > _LONG else (cell.start, cell.end)


def _requested_cell(question: str, question_words: set[str], text: str, row: PassageRow) -> PassageCell | None:
    """Return the only cell whose column the question names and whose value it does not contain.

    Examples are "which machine", "the serial number", "on Fridays", or a price for "how much".
    """
    free = [
        (_words(cell.name), cell)
        for cell in row.cells
        if cell.start < cell.end
        and question_words.isdisjoint(_words(text[cell.start : cell.end]))
        and _has_measure(question, text, cell)
    ]
    given = amounts(question)
    day = [cell for _, cell in free if any_holds(given, [(cell.name, "")])]
    if len(day) == 1:
        return day[0]
    which = _WHICH.search(question)
    name = text[row.cells[0].start : row.cells[0].end]
    for wanted in (
        _words(which.group(1)) if which else set[str](),
        question_words - _words(name)
        if _opens_with_name(question, name)
        else question_words,  # words that name the row do not name a column
        _AMOUNTS if _AMOUNT.search(question) else frozenset[str](),
    ):
        shares = [(len(names & wanted), cell) for names, cell in free]
        most = max((share for share, _ in shares), default=0)
        best = [cell for share, cell in shares if share == most]
        if most and len(best) == 1:
            return best[0]
    return None


def _words(text: str) -> set[str]:
    """Return the content terms of a text and its numbers, including those in dates."""
    return {*content_terms(text), *re.findall(r"\d+", text)}
