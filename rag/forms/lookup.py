"""The cells of a table that a question names by row and column: "library opening hours on Thursday"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.article import Article
from index.text.words import content_terms, words
from rag.check.amounts import find_numbers
from rag.cite import Statement
from rag.forms.along_blocks import MOST_ITEMS
from rag.forms.cells import TableRow, as_rows, named_apart, tables
from rag.forms.columns import PRICE, plain_column
from rag.forms.question_form import HOW_MUCH, denies
from rag.forms.section import COMPARES
from rag.places import Places
from rag.reader.ranges import DAYS_ASKED, Amount, amounts, any_holds
from rag.reader.tables import asked_measure, counts

_ARTICLES = 3
"""Number of sources, nearest first, whose tables are searched."""
_MOST_ROWS = 20_000
_TWO = 2
_TOP = 250
"""Characters from the start of a document that name it, in addition to its title."""
_PRICED = frozenset(content_terms("price cost fee rent amount charge rate eur usd gbp pay"))
_ASKS_NOTHING = frozenset(
    content_terms(
        "table row column list show tell give find open opened opening hour hours time times day value number"
        " compare compared versus vs plus get both each non"
    )
)


_BETWEEN = re.compile(
    r"[,;&/]|\b(?:and|or|vs\.?|versus|against)\b|\bcompared (?:with|to)\b|\bas well as\b", re.IGNORECASE
)
"""Between the names of several rows; "plus" is one or a name itself."""
_PLUS = re.compile(r"\bplus\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:non|not|no|without)\b[\s-]*(?:(?:an?|the|being)\s+)*(?P<what>[\w’'-]+)", re.IGNORECASE)
"""What does not hold, such as a column's name: "the price for non members"."""
_FOR_NO_NUMBER = re.compile(r"\b(?:when|who|whom|whose|where|why|what (?:time|date|day))\b", re.IGNORECASE)


@dataclass(frozen=True)
class NamedCell:
    """A cell that a question names, with its row; the row is named by what is in its column `naming`, if by one."""

    article_id: str
    row: TableRow
    column: str
    naming: str = ""


def looked_up(question: str, places: Places) -> list[Statement]:
    """Return a cell and its row, if a question names just one, or the same cell of several rows, and asks nothing else.

    A row is named by a range with an amount or weekday of the question, or by having more of its words than any other
    row of the table. If the question asks for a price, the only row of prices is named too. A column is named by its
    name, by a weekday within it, or by being the only one of prices. All other words of the question must be in the
    row, in the name of the column, or in the title or top of the document. Several rows are named by a column that
    tells them apart: "price of the tea and the soup".
    """
    articles = list(dict.fromkeys(hit.chunk.article_id for hit in places.hits))[:_ARTICLES]
    near = [(id_, rows) for id_ in articles for rows in _rows_near(id_, places)]
    if several := [cells for id_, rows in near if (cells := _cells(question, rows, id_, places))]:
        cells = several[0]
        values = ", ".join(f"{one.row.cells[one.column]} ({one.row.cells[one.naming]})" for one in cells)
        shown = as_rows(f"{cells[0].column}: {values}", [one.row for one in cells], places, cells[0].article_id)
        return shown if len(several) == 1 else []
    found = [cell for id_, rows in near if (cell := _cell(question, rows, id_, places))]
    if len(found) != 1:
        return []
    cell = found[0]
    lead = cell.row.cells[cell.column] if _answers_how_much(question, cell.row, cell.column) else ""
    return as_rows(lead, [cell.row], places, cell.article_id)


def compared_columns(question: str, places: Places) -> list[Statement]:
    """Return the rows in which two columns differ, if a question compares the things of these columns and nothing else.

    A column is named by its words, or by those that no other column has: "duo 58 or 58 s, what's the difference". If
    the question asks for more, its other words or its weekday must be in a row: "weekday hours in York and in Leeds".
    """
    asked, given, said_days = {*words(question)}, amounts(question), _terms_of_amounts(question)
    for article_id in list(dict.fromkeys(hit.chunk.article_id for hit in places.hits))[:_ARTICLES]:
        article = places.articles[article_id]
        if len(article.rows) > _MOST_ROWS:
            continue
        about = {*content_terms(f"{article.title} {' '.join(words(article.source))}")}
        for rows in tables(places, article_id):
            named = _named_columns(asked, rows)
            if len(named) != _TWO:
                continue
            rest = {*content_terms(question)} - {*content_terms(" ".join(named))} - said_days - COMPARES - _ASKS_NOTHING
            wanted = rest - about or rest
            meant = [row for row in rows if _is_meant(row, wanted, said_days, given)] if wanted or said_days else []
            apart = [row for row in rows if row.cells.get(named[0]) != row.cells.get(named[1])]
            shown = meant or (apart if rest <= about and not said_days else [])
            return as_rows("", shown, places, article_id) if len(shown) <= MOST_ITEMS else []
    return []


def _is_meant(row: TableRow, wanted: set[str], of_amounts: set[str], given: Sequence[Amount]) -> bool:
    """True if a row has all wanted terms, and the terms of the amounts, if any, or a range with one of the amounts."""
    held = {*content_terms(" ".join(row.cells.values()))}
    return wanted <= held and (
        of_amounts <= held or any_holds(given, ((cell, name) for name, cell in row.cells.items()))
    )


def _named_columns(asked: set[str], rows: Sequence[TableRow]) -> list[str]:
    """Return the columns of which a question has all words, or all that no other column has."""
    said = {name: {*words(name)} for row in rows for name in row.cells}
    alone = {name: own.difference(*(said[other] for other in said if other != name)) for name, own in said.items()}
    return [name for name, own in said.items() if any(one and one <= asked for one in (own, alone[name]))]


def _rows_near(article_id: str, places: Places) -> Iterator[list[TableRow]]:
    """Yield the rows of each table of an article that are in the passages, to avoid reading large tables whole."""
    if len(places.articles[article_id].rows) > _MOST_ROWS:
        return
    held = [hit.chunk for hit in places.hits if hit.chunk.article_id == article_id]
    for rows in tables(places, article_id):
        yield [row for row in rows if any(row.start < one.end and one.start < row.end for one in held)]


def _cell(question: str, rows: Sequence[TableRow], article_id: str, places: Places) -> NamedCell | None:
    article, given = places.articles[article_id], amounts(question)
    held = [(row, {*content_terms(" ".join(row.cells.values()))}) for row in rows]
    said = _terms_of_amounts(question)
    if any(said <= terms for _, terms in held):
        said = set()  # "28 inch" is part of a name
    question_terms = [term for term in content_terms(question) if term not in said]
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
    is_all = _known(question, row, column, article).issuperset(question_terms)
    return NamedCell(article_id, row, column) if is_all else None


def _cells(question: str, rows: Sequence[TableRow], article_id: str, places: Places) -> list[NamedCell]:
    """Return the cells in one column of the rows that the parts of a question name; [] if a part names none."""
    parts, question_terms = _BETWEEN.split(question), {*content_terms(question)}
    apart = named_apart(parts, rows)
    if apart is None and _PLUS.search(question):
        apart = named_apart([one for part in parts for one in _PLUS.split(part)], rows)
    if apart is None:
        return []
    naming, chosen = apart
    in_names = {term for row in chosen for term in content_terms(row.cells[naming])}
    column = _column(question, sorted(question_terms - in_names), amounts(question), chosen[0])
    if column in (None, naming) or not all(row.cells.get(column) for row in chosen):
        return []
    known = {term for row in chosen for term in _known(question, row, column, places.articles[article_id])}
    is_all = known >= question_terms and all(_is_of_the_kind(question, row, column) for row in chosen)
    return [NamedCell(article_id, row, column, naming) for row in chosen] if is_all else []


def _known(question: str, row: TableRow, column: str, article: Article) -> set[str]:
    """Return the terms that a question for a cell may have.

    "How long" asks for many things. So its other words must be in the row, those of the document are not enough.
    """
    measure = asked_measure(question)
    about = measure.adjective if measure else f"{article.title} {article.text[:_TOP]}"
    known = {*content_terms(f"{' '.join(row.cells.values())} {column} {about}"), *_ASKS_NOTHING}
    known |= _denied(question) & {*content_terms(" ".join(row.cells))}  # "for non members", next to members' prices
    return known | (_PRICED if row.value(column) else set())


def _is_of_the_kind(question: str, row: TableRow, column: str) -> bool:
    """False for a number if a question asks when, who, where or why."""
    return not (_FOR_NO_NUMBER.search(question) and counts(column, row.cells[column]))


def _answers_how_much(question: str, row: TableRow, column: str) -> bool:
    """False for a cell without a number if a question asks how much or how many; a price may be "free"."""
    has_number = any(map(str.isdigit, row.cells[column])) or bool(_PRICED & {*content_terms(column)})
    return has_number or not HOW_MUCH.search(question)


def _denied(question: str) -> set[str]:
    """Return the terms of what a question says does not hold."""
    return {term for match in _DENIED.finditer(question) for term in content_terms(match["what"])}


def _first(row: TableRow) -> str:
    return next(iter(row.cells.values()), "")


def _terms_of_amounts(question: str) -> set[str]:
    """Return the terms of the amounts and weekdays in a question; ranges are compared with these instead."""
    spans = [(one.start, one.end) for one in find_numbers(question) if one.unit not in ("", "th", "s")]
    spans += [match.span() for match in DAYS_ASKED.finditer(question)]
    return {term for start, end in spans for term in content_terms(question[start:end])}


def _column(question: str, free: Sequence[str], given: Sequence[Amount], row: TableRow) -> str | None:
    """Return the column that the question names in its `free` words, those not in the row; None if not just one."""
    denied = _denied(question)
    names = [name for name in row.cells if not denied & {*content_terms(name)} or denies(name)]
    named = [name for name in names if any_holds(given, [(name, "")])]
    if not named:
        shares = {name: len(set(content_terms(name)) & set(free)) for name in names}
        most = max(shares.values(), default=0)
        named = [name for name in shares if most and shares[name] == most]
    if not named and (measure := asked_measure(question)):
        named = [name for name in names if measure.said.search(name) and row.value(name)]
    if not named and PRICE.search(question):
        named = [name for name in names if _PRICED & set(content_terms(name)) and row.value(name)]
    return plain_column(named)
