"""The tables of an article: rows with their cells by column name, and rows as statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.text.aligned import AlignedRow, AlignedTable, aligned_table
from index.text.layout import Span
from index.text.structure import columns
from index.text.words import content_terms, words
from rag.cite import Statement
from rag.forms.along_blocks import entries, statements
from rag.forms.values import Value, day_in, number_in
from rag.places import Places
from rag.writer.quote import shown

_TOTALS = re.compile(
    r"(?:(?:grand|sub|overall|net|gross)[ -]?)?(?:totals?|sum|subtotals?)\b.*|(?:all|average|mean|overall)",
    re.IGNORECASE,
)
"""The first cell of a row that sums up other rows."""

_ALIKE = 3
"""Most rows that a name of several may mean, as "garden bench" means the long one and the short one."""
_WORD = 4
"""Fewest letters of a word that two texts may share by more than chance."""


@dataclass(frozen=True)
class TableRow:
    """A row: its slice of the article, and its cells by column name."""

    start: int
    end: int
    cells: dict[str, str]

    def value(self, column: str) -> Value | None:
        """Return the number or day in a cell; None if it has neither."""
        cell = self.cells.get(column, "")
        return number_in(cell) or day_in(cell)


def tables(places: Places, article_id: str) -> Iterator[list[TableRow]]:
    """Yield the tables of an article: its sheets, or the tables in its text.

    Rows of totals are left out.
    """
    article, held = places.articles[article_id], places.structure(article_id)
    if article.rows:
        ends = [row.start for row in article.rows[1:]] + [len(article.text)]
        sheets: dict[str, list[Span]] = {}
        for row, end in zip(article.rows, ends, strict=True):
            sheets.setdefault(row.sheet, []).append(
                (row.start, row.start + len(article.text[row.start : end].rstrip()))
            )
        groups = [(spans, list[str]()) for spans in sheets.values()]
    else:
        groups = []
        for n, block in enumerate(held.blocks):
            if block.kind != "rows":
                continue
            if drawn := aligned_table(held.text, block.start, block.end):
                yield _without_totals([_aligned_row(held.text, drawn, row) for row in drawn.rows])
            else:
                names = columns(held.text, block.start) if held.text[block.start] == "|" else []
                groups.append((entries(held, n), names))
    for spans, header in groups:
        yield _without_totals([TableRow(start, end, _cells(article.text[start:end], header)) for start, end in spans])


def _without_totals(rows: Sequence[TableRow]) -> list[TableRow]:
    return [row for row in rows if row.cells and not _TOTALS.fullmatch(next(iter(row.cells.values())))]


def _aligned_row(text: str, table: AlignedTable, row: AlignedRow) -> TableRow:
    """Return a row of a table drawn with blanks; no cells if its columns have no names."""
    cells: dict[str, str] = {}
    for one in row.cells if table.names else ():
        name, said = table.names[one.column], " ".join(text[one.start : one.end].split())
        cells[name] = f"{cells[name]} {said}" if name in cells else said
    return TableRow(row.start, row.end, cells)


def _cells(line: str, header: Sequence[str] = ()) -> dict[str, str]:
    """Return the cells of a row by column, from a header or from names in the row itself."""
    if header:
        cells = [shown(cell) for cell in line.split("|")]
        clear = len(cells) == len(header) and len(set(header)) == len(header)
        return {name: cell for name, cell in zip(header, cells, strict=True) if cell} if clear else {}
    pairs = [part.partition(": ") for part in line.split(" | ")]
    if len(pairs) > 2 and not pairs[0][1] and all(colon for _, colon, _ in pairs[1:]):
        pairs[0] = "", ": ", pairs[0][0]  # the first cell of a comparison has no column name
    if len({name for name, colon, _ in pairs if colon}) < sum(bool(colon) for _, colon, _ in pairs):
        return {}  # two columns with one name are ambiguous
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def named_apart(parts: Sequence[str], rows: Sequence[TableRow]) -> tuple[str, list[TableRow]] | None:
    """Return (a column, the rows that the parts of a question name by their cells in it).

    None if no two parts name different rows: "the tea and the soup" names two, "the tea of May" one.
    """
    if len(parts) < 2:
        return None
    for name in dict.fromkeys(name for row in rows for name in row.cells):
        held = [{*content_terms(row.cells.get(name, ""))} for row in rows]
        found = list(filter(None, (_named(part, rows, name, held) for part in parts)))
        chosen = [row for one in found for row in one]
        if len(found) > 1 and max(map(len, found)) <= _ALIKE and len({row.start for row in chosen}) == len(chosen):
            return name, chosen
    return None


def _named(part: str, rows: Sequence[TableRow], name: str, held: Sequence[set[str]]) -> list[TableRow]:
    """Return the rows whose cell in a column has all known terms of a part, and most of its words.

    `held` are the terms of the cells. Terms that no cell has are ignored.
    """
    wanted = {term for term in content_terms(part) if any(term in terms for terms in held)}
    found = [row for row, terms in zip(rows, held, strict=True) if wanted and terms >= wanted]
    shared = [shared_words(part, row.cells[name]) for row in found]
    return [row for row, count in zip(found, shared, strict=True) if count == max(shared)]


def shared_words(phrase: str, cell: str) -> int:
    """Return the number of words, also of those like "long", that a cell shares with a phrase."""
    return len({word.lower() for word in words(phrase) if len(word) >= _WORD} & {word.lower() for word in words(cell)})


def as_rows(lead: str, rows: Sequence[TableRow], places: Places, article: str) -> list[Statement]:
    """Return rows of an article as statements below what opens the answer, if anything does."""
    made = [one for row in rows for one in statements((row.start, row.end), places, article, 1.0, (), "row")]
    if lead and made:
        evidence = [one.evidence for one in made if one.evidence]
        made.insert(0, Statement(lead, evidence[0], words=True, also=tuple(evidence[1:]), block="lead"))
    return made
