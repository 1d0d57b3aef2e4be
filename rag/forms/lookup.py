"""The cell of a table that a question names by row and column: "library opening hours on Thursday"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.text.words import content_terms
from rag.check.amounts import find_numbers
from rag.cite import Statement
from rag.forms.cells import TableRow, as_rows, tables
from rag.forms.columns import PRICE
from rag.places import Places
from rag.reader.ranges import DAYS_ASKED, Amount, amounts, any_holds
from rag.reader.tables import counts

_ARTICLES = 3
"""Number of sources, nearest first, whose tables are searched."""
_MOST_ROWS = 20_000
_TOP = 250
"""Characters from the start of a document that name it, in addition to its title."""
_PRICED = frozenset(content_terms("price cost fee rent amount charge rate eur usd gbp pay"))
_ASKS_NOTHING = frozenset(
    content_terms(
        "table row column list show tell give find open opened opening hour hours time times day value number"
    )
)


_FOR_NO_NUMBER = re.compile(r"\b(?:when|who|whom|whose|where|why|what (?:time|date|day))\b", re.IGNORECASE)


@dataclass(frozen=True)
class NamedCell:
    """A cell that a question names, with its row."""

    article_id: str
    row: TableRow
    column: str


def looked_up(question: str, places: Places) -> list[Statement]:
    """Return a cell and its row, if a question names just one and asks nothing else.

    A row is named by a range with an amount or weekday of the question, or by having more of its words than any other
    row of the table. If the question asks for a price, the only row of prices is named too. A column is named by its
    name, by a weekday within it, or by being the only one of prices. All other words of the question must be in the
    row, in the name of the column, or in the title or top of the document.
    """
    articles = list(dict.fromkeys(hit.chunk.article_id for hit in places.hits))[:_ARTICLES]
    near = ((id_, rows) for id_ in articles for rows in _rows_near(id_, places))
    found = [cell for id_, rows in near if (cell := _cell(question, rows, id_, places))]
    if len(found) != 1:
        return []
    cell = found[0]
    return as_rows(cell.row.cells[cell.column], [cell.row], places, cell.article_id)


def _rows_near(article_id: str, places: Places) -> Iterator[list[TableRow]]:
    """Yield the rows of each table of an article that are in the passages, to avoid reading large tables whole."""
    if len(places.articles[article_id].rows) > _MOST_ROWS:
        return
    held = [hit.chunk for hit in places.hits if hit.chunk.article_id == article_id]
    for rows in tables(places, article_id):
        yield [row for row in rows if any(row.start < one.end and one.start < row.end for one in held)]


def _cell(question: str, rows: Sequence[TableRow], article_id: str, places: Places) -> NamedCell | None:
    article, given = places.articles[article_id], amounts(question)
    said = _terms_of_amounts(question)
    question_terms = [term for term in content_terms(question) if term not in said]
    held = [(row, {*content_terms(" ".join(row.cells.values()))}) for row in rows]
    within = [pair for pair in held if any_holds(given, ((cell, name) for name, cell in pair[0].cells.items()))]
    shares = [sum(term in terms for term in question_terms) for _, terms in held]
    most = max(shares, default=0)
    priced = [pair for pair in held if PRICE.search(question) and _PRICED & set(content_terms(_first(pair[0])))]
    if len(within) == 1:
        row, terms = within[0]
    elif len(priced) == 1 and not most:  # a table with things as columns has their prices in a row
        row, terms = priced[0]
    elif (
        len(rows) < 2
        or not most
        or shares.count(most) > 1
        or (said and not any_holds(given, ((name, "") for row in rows for name in row.cells)))
    ):
        return None
    else:
        row, terms = held[shares.index(most)]
    column = _column(question, [term for term in question_terms if term not in terms], given, row)
    if column is None or not _is_of_the_kind(question, row, column):
        return None
    known = {*terms, *content_terms(f"{column} {article.title} {article.text[:_TOP]}"), *_ASKS_NOTHING}
    known |= _PRICED if row.value(column) else set()
    return NamedCell(article_id, row, column) if known.issuperset(question_terms) else None


def _is_of_the_kind(question: str, row: TableRow, column: str) -> bool:
    """False for a number if a question asks when, who, where or why."""
    return not (_FOR_NO_NUMBER.search(question) and counts(column, row.cells[column]))


def _first(row: TableRow) -> str:
    return next(iter(row.cells.values()), "")


def _terms_of_amounts(question: str) -> set[str]:
    """Return the terms of the amounts and weekdays in a question; ranges are compared with these instead."""
    spans = [(one.start, one.end) for one in find_numbers(question) if one.unit not in ("", "th", "s")]
    spans += [match.span() for match in DAYS_ASKED.finditer(question)]
    return {term for start, end in spans for term in content_terms(question[start:end])}


def _column(question: str, free: Sequence[str], given: Sequence[Amount], row: TableRow) -> str | None:
    """Return the column that the question names in its `free` words, those not in the row; None if not just one."""
    named = [name for name in row.cells if any_holds(given, [(name, "")])]
    if not named:
        shares = {name: len(set(content_terms(name)) & set(free)) for name in row.cells}
        most = max(shares.values(), default=0)
        named = [name for name in shares if most and shares[name] == most]
    if not named and PRICE.search(question):
        named = [name for name in row.cells if _PRICED & set(content_terms(name)) and row.value(name)]
    return named[0] if len(named) == 1 else None
