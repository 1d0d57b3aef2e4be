"""Questions about the rows of a table: which, how many, the largest, the sum. Worked out from rows that are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from index.article import Article
from index.layout import Span
from index.lexical import content_terms, words
from rag.cite import Statement
from rag.forms.along_blocks import entries, statements
from rag.forms.asked import Form
from rag.forms.places import Places

Operation = Literal["max", "min", "count", "sum", "mean", "list"]

MOST_ROWS = 25
_WORDS: tuple[tuple[Operation, str], ...] = (
    ("mean", r"average|mean|on average"),
    ("sum", r"total|sum|altogether|together|combined|in all"),
    ("max", r"most expensive|dearest|highest|largest|biggest|longest|heaviest|maximum|max|most"),
    ("min", r"cheapest|least expensive|lowest|smallest|shortest|lightest|minimum|min|least|fewest"),
    ("count", r"how many"),
)
_PATTERNS = [(name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _WORDS]
_COMPARED = re.compile(
    r"\b(?P<more>(?:more|greater|higher|larger|dearer|longer|heavier) than|over|above|exceed\w*)"
    r"\s+\D{0,3}(?P<least>\d[\d.,]*)"
    r"|\b(?P<less>(?:less|fewer|lower|cheaper|smaller|shorter|lighter) than|under|below)\s+\D{0,3}(?P<most>\d[\d.,]*)",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"\b(?:expens\w*|cheap\w*|dear\w*|cost\w*|price\w*|euros?|dollars?|pounds?|[€$£])|[€$£]", re.IGNORECASE
)
_PRICED = re.compile(r"price|cost|fee|amount|charge|rate|eur|usd|gbp|[€$£]", re.IGNORECASE)
_NUMBER = re.compile(
    r"[^\d\n-]{0,3}(?P<number>-?\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|-?\d+(?:[.,]\d+)?)\s*(?P<unit>[^\d\s:/-]\S*)?\s*"
)
_NOT_ASKED = frozenset(
    content_terms("list table row column item kind different many much show name number total sum average mean")
)


@dataclass(frozen=True)
class Row:
    """A row: its slice of the article, and its cells by the names of their columns."""

    start: int
    end: int
    cells: dict[str, str]

    def number(self, column: str) -> tuple[Decimal, str] | None:
        """Return the number in a cell and its unit; None where there is no number alone."""
        return number_in(self.cells.get(column, ""))


def number_in(text: str) -> tuple[Decimal, str] | None:
    """Return the number that a text is, and its unit.

    >>> number_in("1,250.50 EUR"), number_in("62,5 kg"), number_in("2025-10-01")
    ((Decimal('1250.50'), 'EUR'), (Decimal('62.5'), 'kg'), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    digits = found["number"].replace(" ", "")
    whole = re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits)
    try:
        return Decimal(digits.replace(",", "" if whole else ".")), found["unit"] or ""
    except InvalidOperation:
        return None


def from_table(question: str, form: Form, places: Places) -> list[Statement]:
    """Return what the rows of a table among the passages answer, with the rows; nothing if that is not clear."""
    operation = next(
        (name for name, pattern in _PATTERNS if pattern.search(question)),
        "list" if form in ("list", "comparison") else None,
    )
    article = _article_of_rows(places)
    if operation is None or article is None:
        return []
    for rows in tables(places, article):
        names = list(dict.fromkeys(name for row in rows for name in row.cells))
        if len(rows) < 3 or len(names) < 2:
            continue
        asked = [term for term in content_terms(_COMPARED.sub(" ", question)) if term not in _NOT_ASKED]
        if not _is_about(asked, rows, names, places.articles[article]):
            continue
        chosen, filtered = _matching(question, asked, rows, names)
        column = _column(question, asked, rows, names)
        if compared := _COMPARED.search(question):
            if column is None:
                return []
            chosen, filtered = [row for row in chosen if _passes(row, column, compared)], True
        made = _worked_out(operation, chosen, column, names, filtered)
        if made is not None:
            lead, shown_rows = made
            return _as_statements(lead, shown_rows, places, article)
    return []


def tables(places: Places, article_id: str) -> Iterator[list[Row]]:
    """Yield the tables of an article: its sheets, or the tables in its text."""
    article, held = places.articles[article_id], places.structure(article_id)
    if article.rows:
        ends = [row.start for row in article.rows[1:]] + [len(article.text)]
        sheets: dict[str, list[Span]] = {}
        for row, end in zip(article.rows, ends, strict=True):
            sheets.setdefault(row.sheet, []).append(
                (row.start, row.start + len(article.text[row.start : end].rstrip()))
            )
        groups = list(sheets.values())
    else:
        groups = [entries(held, n) for n, block in enumerate(held.blocks) if block.kind == "rows"]
    for spans in groups:
        rows = [Row(start, end, _cells(article.text[start:end])) for start, end in spans]
        yield [row for row in rows if row.cells]


def _cells(line: str) -> dict[str, str]:
    pairs = [part.partition(": ") for part in line.split(" | ")]
    if len({name for name, colon, _ in pairs if colon}) < sum(bool(colon) for _, colon, _ in pairs):
        return {}  # two columns of one name: nobody can tell which is meant
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def _article_of_rows(places: Places) -> str | None:
    """The article whose rows are nearest to the question; None where the best passages hold none."""
    worth: dict[str, float] = {}
    for hit in places.hits[:5]:
        if " | " in hit.chunk.text and ": " in hit.chunk.text:
            worth[hit.chunk.article_id] = worth.get(hit.chunk.article_id, 0.0) + hit.score
    return max(worth, key=lambda id_: worth[id_]) if worth else None


def _is_about(asked: Sequence[str], rows: Sequence[Row], names: Sequence[str], article: Article) -> bool:
    """True if most of the words asked for stand in a table, its header, or the title or name of its source."""
    cells = " ".join(value for row in rows for value in row.cells.values())
    known = set(content_terms(" ".join([*names, article.title, *words(article.source), cells])))
    return sum(term in known or bool(_PRICE.search(term)) for term in asked) * 2 >= len(asked)


def _matching(question: str, asked: Sequence[str], rows: Sequence[Row], names: Sequence[str]) -> tuple[list[Row], bool]:
    """(the rows that hold what the question names, whether it names anything that is in a cell)."""
    held = {id(row): set(content_terms(" ".join(row.cells.values()))) for row in rows}
    headers = set(content_terms(" ".join(names)))
    known = [term for term in asked if term not in headers and any(term in terms for terms in held.values())]
    if not known:
        return list(rows), False
    if every := [row for row in rows if held[id(row)].issuperset(known)]:
        return every, True
    phrases = [
        [term for term in content_terms(part) if term in known] for part in re.split(r"\band\b|\bor\b|,", question)
    ]
    phrases = [phrase for phrase in phrases if phrase]
    return [row for row in rows if any(held[id(row)].issuperset(phrase) for phrase in phrases)], True


def _column(question: str, asked: Sequence[str], rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The column of numbers that a question asks about, None if that is not clear."""
    numeric = [name for name in names if sum(row.number(name) is not None for row in rows) * 2 > len(rows)]
    shares = {name: len(set(content_terms(name)) & set(asked)) for name in numeric}
    most = max(shares.values(), default=0)
    best = [name for name in numeric if shares[name] == most]
    if most and len(best) == 1:
        return best[0]
    if _PRICE.search(question):
        priced = [name for name in numeric if _PRICED.search(name)]
        return priced[0] if len(priced) == 1 else None
    return None


def _passes(row: Row, column: str, compared: re.Match[str]) -> bool:
    value = row.number(column)
    limit = number_in(compared["least"] or compared["most"])
    if value is None or limit is None:
        return False
    return value[0] > limit[0] if compared["more"] else value[0] < limit[0]


def _worked_out(
    operation: Operation, rows: Sequence[Row], column: str | None, names: Sequence[str], filtered: bool
) -> tuple[str, list[Row]] | None:
    """(what opens the answer, the rows it rests on), None where the table does not answer clearly."""
    if not rows:
        return None
    if operation in ("list", "count"):
        if not filtered or not 2 <= len(rows) <= MOST_ROWS:
            return None
        return ("" if operation == "list" else f"{len(rows)}"), list(rows)
    if column is None:
        return None
    valued = [(row, value) for row in rows if (value := row.number(column))]
    if not valued or len({unit for _, (_, unit) in valued}) > 1:
        return None  # units are mixed, or there are no numbers
    if operation in ("max", "min"):
        pick = max if operation == "max" else min
        best = pick(value for _, (value, _) in valued)
        winners = [row for row, (value, _) in valued if value == best]
        name = _naming(names, winners[0])
        return f"{', '.join(row.cells.get(name, '') for row in winners)}: {winners[0].cells[column]}", winners
    if len(valued) < 2 or len(valued) > MOST_ROWS:
        return None
    total = sum((value for _, (value, _) in valued), Decimal(0))
    unit = valued[0][1][1]
    sum_text = f"{' + '.join(str(value) for _, (value, _) in valued)} = {total}"
    lead = f"{total}{f' {unit}' if unit else ''} ({len(valued)} rows, {column}: {sum_text})"
    if operation == "mean":
        mean = total / len(valued)
        shown = f"{mean.quantize(Decimal('0.01')).normalize():f}"
        lead = f"{shown} ({len(valued)} rows, {column}: {sum_text}; {total} / {len(valued)})"
    left = len(rows) - len(valued)
    return lead + (f"; {left} without a value" if left else ""), [row for row, _ in valued]


def _naming(names: Sequence[str], row: Row) -> str:
    """The column that names a row: the first that is neither a code nor a number."""
    words = [name for name in names if re.search(r"[^\W\d_]{3}.*", row.cells.get(name, "")) and not row.number(name)]
    return next((name for name in words if not re.fullmatch(r"\S*\d\S*", row.cells[name])), names[0])


def _as_statements(lead: str, rows: Sequence[Row], places: Places, article: str) -> list[Statement]:
    text = places.articles[article].text
    made = [one for row in rows for one in statements(text, (row.start, row.end), places, article, 1.0, (), "row")]
    if lead and made:
        evidence = [one.evidence for one in made if one.evidence]
        made.insert(0, Statement(lead, evidence[0], words=True, also=tuple(evidence[1:]), block="lead"))
    return made
