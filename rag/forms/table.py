"""Questions about the rows of a table: which rows are meant, and what is calculated from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.article import Article
from index.text.aligned import aligned_tables
from index.text.words import content_terms, words
from rag.cite import Statement
from rag.forms.arithmetic import MOST_ROWS, Operation, requested_operation, telling_first, worked_out
from rag.forms.cells import TableRow, as_rows, named_apart, shared_words, tables
from rag.forms.columns import (
    ACTUAL,
    COMPARED,
    COUNTED,
    LITTLE,
    MUCH,
    PRICE,
    PRICES,
    SPENT,
    counted_column,
    requested_column,
    stock_column,
    unit_counted,
    valued_columns,
)
from rag.forms.row_days import on_days
from rag.forms.values import number_in
from rag.places import Places
from rag.types import Form

_WHEN = re.compile(r"\W*(?:when|(?:on )?(?:what|which) (?:date|day))\b", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:which|what)\s+([\w’'-]+)", re.IGNORECASE)
_SPENDING = frozenset(content_terms("spend spent paid pay cost"))
_BEYOND = re.compile(
    r"\b(?P<more>over|above|more than|higher than|exceed\w*|beyond)\s|\b(?P<less>under|below|less than|lower than)\s",
    re.IGNORECASE,
)
_NOT_ASKED = frozenset(
    content_terms(
        "list table row column line entry item article product thing kind different many much most show name number"
        " total sum average mean right now currently present moment"
        " altogether together combined overall one"
    )
)
_CHOICE = re.compile(
    r"(?P<about>.*,)?(?P<one>[^,]+?)\s+(?:or|vs\.?|versus)\s+(?P<other>[^,]+)(?P<rest>,.*)?", re.IGNORECASE
)
"""Two things, of which a question asks for one ("which chain is cheaper, 8-speed or 11-speed")."""
_MORE = re.compile(r"\b(?:more|higher|greater|larger|bigger|longer)\b", re.IGNORECASE)
_LESS = re.compile(r"\b(?:less|fewer|lower|smaller|shorter)\b", re.IGNORECASE)
_WITHIN = re.compile(r"\b(?:in|on|at|from)\s+(?:the|our|my|your|this)\s+(?P<place>[^,.?!]+?)[\s.?!]*$", re.IGNORECASE)
"""Ends a question with a possible name of the table itself ("in the stock list")."""
_HELD = re.compile(
    r"\b(?:do|did) (?:we|you|they|i) have\b|\bhave (?:we|you|they|i) got\b|\b(?:are|is) left\b|\bin stock\b"
    r"|\bon (?:the|our|your) shel(?:f|ves)\b",
    re.IGNORECASE,
)
_FURTHER = re.compile(
    r"(?:,|\b(?:and|plus)\b)\s*(?:an?|the|my|one|some)\s+((?:(?!\band\b|\bplus\b)[^,.;?!])+)", re.IGNORECASE
)
"""The second and further of several things: "the tea, the soup and a roll"."""
_PARTS = re.compile(r"\s*[;,/]\s*")
"""Between the parts of a cell that lists several things."""
_SOLD_OUT = re.compile(r"\b(?:sold out|out of stock|(?:run|ran) out|(?:not|un)available|none left)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnFigures:
    """The answer from the rows of a table.

    `note` says what could not be calculated.
    """

    statements: list[Statement]
    note: str = ""


def from_table(question: str, form: Form, places: Places) -> ColumnFigures:
    """Return the answer from the rows of a table in the passages, with the rows.

    There are no statements if the answer is not clear.
    """
    choice = _CHOICE.search(question)
    operation = requested_operation(question) or (_more_or_less(question) if choice else None)
    operation = operation or ("list" if form in ("list", "comparison") else None)
    article = _article_of_rows(places)
    if article is None or not (operation or SPENT.search(question) or _BEYOND.search(question)):
        return ColumnFigures([])
    for table in tables(places, article):
        rows = table
        names = list(dict.fromkeys(name for row in rows for name in row.cells))
        if len(rows) < 3 or len(names) < 2:
            continue
        asked = question
        if operation and (days := on_days(question, rows, names)):
            rows, asked = days
            if not rows:
                return ColumnFigures([])
        is_dated = asked != question
        said = COMPARED.sub(" ", _without_the_place(asked, rows, places.articles[article]))
        passed_over = _NOT_ASKED | _numbers_of_name(asked, places.articles[article].title)
        question_terms = [term for term in content_terms(said) if term not in passed_over]
        if gone := _sold_out(said, rows, names, places.articles[article]):
            lead = f"{len(gone)}" if operation == "count" else ""
            return ColumnFigures(as_rows(lead, gone, places, article))
        about = _is_about(question_terms, rows, names, places.articles[article])
        if not about and not (form == "list" and _of_category(asked, (), rows)):
            continue
        chosen, filtered = _matching(asked, question_terms, rows, names)
        filtered = filtered or is_dated
        column = requested_column(question, question_terms, rows, names)
        if operation == "sum" and _names_others(
            asked, [*names, *(cell for row in rows for cell in row.cells.values())]
        ):
            return ColumnFigures([])  # the sum of the other things would mislead
        if choice:
            chosen, filtered = _either(choice, rows, names), True
            if len(chosen) < 2 or operation not in ("max", "min"):
                return ColumnFigures([])
        if filtered and operation == "sum" and column is None and _HELD.search(question):
            column = stock_column(rows, names)
        if operation in ("max", "min") and len(chosen) == 1 and not _is_named(chosen[0], question_terms):
            chosen, filtered = list(rows), is_dated  # one row has no extreme: its words only happen to be in a remark
        if beyond := _beyond(question, chosen, names):
            return ColumnFigures(as_rows("", beyond, places, article))
        if operation is None and not filtered:
            continue  # the cost of a single thing is in its row
        if operation is None:
            operation = "sum" if len(chosen) > 1 else None
        if operation is None:
            continue
        if operation == "count":
            counted = _counted(question, question_terms, rows, names, column, places.articles[article])
            if counted is None:
                continue
            operation, column = counted
        if compared := COMPARED.search(question):
            if column is None:
                return ColumnFigures([])
            chosen, filtered = [row for row in chosen if _passes(row, column, compared)], True
        if operation == "count" and not filtered:
            filtered = _counts_all(question, question_terms, rows, names, places.articles[article])
        which = _named_column(question, names)
        if operation in ("max", "min") and which and len({row.cells.get(which) for row in chosen}) < len(chosen):
            return ColumnFigures([])  # several rows are about one thing, and may not add up
        if operation in ("max", "min") and _WHEN.match(question) and not _has_dates(chosen, column):
            continue  # "when was the last visit" is answered by a date
        naming = [*filter(None, [which]), *telling_first(names, table)]
        made = worked_out(operation, chosen, column, naming, filtered)
        if made is not None:
            lead, shown_rows, note = made
            shown_rows += [row for row in chosen if choice and row not in shown_rows][: MOST_ROWS - 1]
            return ColumnFigures(as_rows(lead, shown_rows, places, article), note)
    return ColumnFigures([])


def _numbers_of_name(question: str, title: str) -> set[str]:
    """Return the numbers that a question has after the same word as a title: they belong to a name ("Garrow 20")."""
    pairs = {*pairwise(words(title))} & {*pairwise(words(question))}
    return {term for _, number in pairs if number.isdigit() for term in content_terms(number)}


def _counted(
    question: str,
    question_terms: Sequence[str],
    rows: Sequence[TableRow],
    names: Sequence[str],
    column: str | None,
    article: Article,
) -> tuple[Operation, str | None] | None:
    """Return how "how many" is answered: by counting rows, or by the sum of a column; None if that is not clear."""
    if not _are_counted(question, rows, names, article):
        return None  # rows that merely mention the thing are not counted
    if counted := counted_column(question, question_terms, rows, names):
        return "sum", counted  # "how many hours": the rows hold them
    if unit := unit_counted(question):
        units = [column] if column else valued_columns(rows, names)
        units = [name for name in units if unit.search(name) and not re.search(PRICES.about, name, re.IGNORECASE)]
        return ("sum", units[0]) if len(units) == 1 else None  # "how many kilos of apples"
    return "count", column


def _has_dates(rows: Sequence[TableRow], column: str | None) -> bool:
    """True if a column has a date in some row."""
    return column is not None and any((value := row.value(column)) and value.unit == "day" for row in rows)


def _without_the_place(question: str, rows: Sequence[TableRow], article: Article) -> str:
    """Return a question without words at its end that name the table ("in the stock list")."""
    found = _WITHIN.search(question)
    known = {*_NOT_ASKED, *content_terms(" ".join([article.title, *words(article.source)]))}
    within = content_terms(found["place"]) if found else []
    if not found or not within or within[-1] not in known:
        return question
    said = {*words(found["place"])}
    of_rows = any({*words(cell)} <= said for row in rows for cell in row.cells.values() if content_terms(cell))
    return question if of_rows else question[: found.start()]


def _sold_out(question: str, rows: Sequence[TableRow], names: Sequence[str], article: Article) -> list[TableRow]:
    """Return the rows with nothing left, if a question asks for these and names nothing else that cells contain."""
    column = stock_column(rows, names) if _SOLD_OUT.search(question) else None
    if column is None:
        return []
    rest = content_terms(_SOLD_OUT.sub(" ", question))
    cells = {term for row in rows for cell in row.cells.values() for term in content_terms(cell)}
    known = set(content_terms(" ".join([*names, article.title, *words(article.source)])))
    is_marked = any(_SOLD_OUT.search(cell) for row in rows for cell in row.cells.values())
    if is_marked or any(term in cells - known - _NOT_ASKED for term in rest):
        return []
    gone = [row for row in rows if (value := row.value(column)) and not value.number]
    return gone if len(gone) <= MOST_ROWS else []


def _named_column(question: str, names: Sequence[str]) -> str | None:
    """Return the column that "which" asks for ("which month"); None if there is none."""
    found = _WHICH.search(question)
    asked = found[1].lower().removesuffix("s") if found else ""
    return next(
        (name for name in names if asked and asked in [one.lower().removesuffix("s") for one in words(name)]), None
    )


def _article_of_rows(places: Places) -> str | None:
    """Return the article whose rows are nearest to the question; None if the best passages have no rows."""
    worth: dict[str, float] = {}
    for hit in places.hits[:5]:
        if " | " in hit.chunk.text or aligned_tables(hit.chunk.text):
            worth[hit.chunk.article_id] = worth.get(hit.chunk.article_id, 0.0) + hit.score
    return max(worth, key=lambda id_: worth[id_]) if worth else None


def _is_about(question_terms: Sequence[str], rows: Sequence[TableRow], names: Sequence[str], article: Article) -> bool:
    """True if most words of the question are in a table, its header, or the title or name of its source."""
    cells = " ".join(value for row in rows for value in row.cells.values())
    known = set(content_terms(" ".join([*names, article.title, *words(article.source), cells])))
    adjectives = set(content_terms(re.sub(r"\W", " ", f"{MUCH} {LITTLE}")))
    return sum(
        term in known | adjectives or bool(PRICE.search(term)) or term in _SPENDING for term in question_terms
    ) * 2 >= len(question_terms)


def _matching(
    question: str, question_terms: Sequence[str], rows: Sequence[TableRow], names: Sequence[str]
) -> tuple[list[TableRow], bool]:
    """Return (rows with what the question names, True if it names anything in a cell)."""
    held = {id(row): set(content_terms(" ".join(row.cells.values()))) for row in rows}
    headers = {*content_terms(" ".join(names)), *_SPENDING}
    if of_category := _of_category(question, question_terms, rows):
        return of_category, True
    known = [term for term in question_terms if term not in headers and any(term in terms for terms in held.values())]
    if not known:
        return list(rows), False
    parts = re.split(r"\band\b|\bor\b|,", question)
    if apart := named_apart(parts, [row for row in rows if held[id(row)].intersection(known)]):
        return apart[1], True
    if every := [row for row in rows if held[id(row)].issuperset(known)]:
        return every, True
    meant = set[int]()
    for part in parts:
        if wanted := {*known}.intersection(content_terms(part)):
            meant |= {id(row) for row in _most_alike(part, wanted, [row for row in rows if held[id(row)] >= wanted])}
    return [row for row in rows if id(row) in meant], True


def _names_others(question: str, known: Sequence[str]) -> bool:
    """True if a further thing that a question lists is not in these texts: "the tea and the telescope"."""
    further = [{*content_terms(found[1])} - _NOT_ASKED - _SPENDING for found in _FURTHER.finditer(question)]
    held = {term for text in known for term in content_terms(text)} if any(further) else set[str]()
    return any(terms and not terms & held for terms in further)


def _most_alike(part: str, wanted: set[str], rows: Sequence[TableRow]) -> Sequence[TableRow]:
    """Return the rows with the wanted terms in one cell, the one most like a part of a question; all if none has."""
    cells = [(row, cell) for row in rows for cell in row.cells.values() if wanted.issubset(content_terms(cell))]
    shared = [shared_words(part, cell) for _, cell in cells]
    return [row for (row, _), count in zip(cells, shared, strict=True) if count == max(shared)] or rows


def _is_named(row: TableRow, question_terms: Sequence[str]) -> bool:
    """True if a question has all words of a cell."""
    return any((held := content_terms(cell)) and {*question_terms}.issuperset(held) for cell in row.cells.values())


def _more_or_less(question: str) -> Operation | None:
    """Return the extreme that a question about two things asks for ("which has more seats"); None for neither."""
    return "max" if _MORE.search(question) else "min" if _LESS.search(question) else None


def _either(choice: re.Match[str], rows: Sequence[TableRow], names: Sequence[str]) -> list[TableRow]:
    """Return the rows of both things that a question offers, by the words in their cells; nothing if one has none."""
    said = [{*content_terms(" ".join(cell for name, cell in row.cells.items() if not row.value(name)))} for row in rows]
    known = {term for terms in said for term in terms} - {*content_terms(" ".join(names))}
    about = [term for term in content_terms(f"{choice['about'] or ''} {choice['rest'] or ''}") if term in known]
    found = list[list[int]]()
    for thing in (choice["one"], choice["other"]):
        wanted = {term for term in content_terms(thing) if term in known}
        found.append([n for n, terms in enumerate(said) if wanted and terms.issuperset([*about, *wanted])])
    return [rows[n] for n in sorted({*found[0], *found[1]})] if all(found) and found[0] != found[1] else []


def _are_counted(question: str, rows: Sequence[TableRow], names: Sequence[str], article: Article) -> bool:
    """False if what a question counts is only a part of cells, and not in the names of the columns or the source."""
    found = COUNTED.search(question)
    counted = set(content_terms(found[1])) if found else set()
    cells = [(len(words(cell)), set(content_terms(cell))) for row in rows for cell in row.cells.values()]
    known = set(content_terms(" ".join([*names, article.title, *words(article.source)])))
    return counted <= known or (len(counted), counted) in cells or not any(counted & held for _, held in cells)


def _of_category(question: str, question_terms: Sequence[str], rows: Sequence[TableRow]) -> list[TableRow]:
    """Return the rows of the category that a question names: several with a cell of just this word ("Courses")."""
    named = [found[1] for pattern in (_WHICH, COUNTED) if (found := pattern.search(question))]
    for wanted in [*({*content_terms(one)} for one in named), *({term} for term in question_terms)]:
        columns_of: dict[str, list[TableRow]] = {}
        for row in rows:
            for name, cell in row.cells.items():
                if wanted and wanted in [set(content_terms(part)) for part in _PARTS.split(cell)]:
                    columns_of.setdefault(name, []).append(row)
        if len(columns_of) == 1 and len(found_rows := next(iter(columns_of.values()))) > 1:
            others = set(question_terms) - wanted
            narrower = [row for row in found_rows if others & set(content_terms(" ".join(row.cells.values())))]
            return found_rows if not narrower or len(narrower) == len(found_rows) else []
    return []


def _beyond(question: str, rows: Sequence[TableRow], names: Sequence[str]) -> list[TableRow]:
    """Return the rows in which one column is above or below another that the question names ("over budget")."""
    numeric = valued_columns(rows, names)
    for match in _BEYOND.finditer(question):
        following = content_terms(question[match.end() :])[:2]
        limits = [name for name in numeric if following and following[0] in content_terms(name)]
        others = [name for name in numeric if limits and name not in limits]
        others = [name for name in others if ACTUAL.search(name)] or others
        if len(limits) == len(others) == 1:
            pairs = [(row, row.value(others[0]), row.value(limits[0])) for row in rows]
            comparable = [(row, a, b) for row, a, b in pairs if a and b and a.unit == b.unit]
            return [row for row, a, b in comparable if (a.number > b.number if match["more"] else a.number < b.number)]
    return []


def _counts_all(
    question: str, question_terms: Sequence[str], rows: Sequence[TableRow], names: Sequence[str], article: Article
) -> bool:
    """True if a question counts all rows of a table, and names nothing else.

    It counts the things in a column where all differ, or anything in a source that it names.
    """
    found = COUNTED.search(question)
    things = {*content_terms(found[1])} if found else set[str]()
    called = {*content_terms(" ".join([article.title, *words(article.source)]))}
    column = next((name for name in names if things and {*content_terms(name)} == things), None)
    held = [row.cells.get(column, "").casefold() for row in rows] if column else []
    is_named = bool(held) and all(held) and len({*held}) == len(held)
    is_any = things <= _NOT_ASKED and bool(called & {*content_terms(question)})
    return bool(things) and (is_named if column else is_any) and {*question_terms} <= things | called


def _passes(row: TableRow, column: str, compared: re.Match[str]) -> bool:
    value = row.value(column)
    limit = number_in((compared["least"] or compared["most"]).rstrip(".,"))
    if value is None or limit is None:
        return False
    return value.number > limit.number if compared["more"] else value.number < limit.number
