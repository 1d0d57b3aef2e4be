"""Questions about the rows of a table: which, how many, the largest, the sum. Worked out from rows that are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from index.article import Article
from index.lexical import content_terms, words
from rag.cite import Statement
from rag.forms.asked import Form
from rag.forms.cells import Row, as_rows, tables
from rag.forms.places import Places
from rag.forms.values import number_in

Operation = Literal["max", "min", "count", "sum", "mean", "list"]

MOST_ROWS = 25
MOST_COUNTED = 60
"""Rows that an answer shows at most, and one to how many there are."""
_MOST, _FEWEST = "most|highest|maximum|max", "fewest|least|lowest|minimum|min"


class _Measure(NamedTuple):
    """Adjectives for much and for little, and the names of the columns that they are about. Those of a `clear` measure
    are about nothing else, whatever other column a question names."""

    much: str
    little: str
    about: str
    clear: bool = False


_PRICES = _Measure(
    r"most expensive|dearest|(?:more expensive|dearer|costs? (?:the )?mo(?:re|st))(?! than)",
    r"cheapest|least expensive|(?:cheaper|less expensive|costs? (?:the )?le(?:ss|ast))(?! than)",
    r"price|cost|fee|rent|amount|charge|rate|eur|usd|gbp|[€$£]",
    clear=True,
)
_TIMES = _Measure(
    r"latest|newest|most recent|last|youngest",
    r"earliest|oldest|first",
    r"date|day|year|opened|built|founded|since",
)
_MEASURES = (
    _PRICES,
    _Measure(r"heaviest|heavier(?! than)", r"lightest|lighter(?! than)", r"weight|mass", clear=True),
    _Measure(r"longest", r"shortest", r"length|duration|distance|time|hours|minutes|days"),
    _Measure(r"tallest|highest", r"lowest|shortest", r"height|altitude|elevation"),
    _Measure(r"widest|broadest", r"narrowest", r"width|breadth"),
    _Measure(r"deepest", r"shallowest", r"depth"),
    _Measure(r"fastest|quickest|(?:faster|quicker)(?! than)", r"slowest|slower(?! than)", r"speed", clear=True),
    _Measure(r"largest|biggest|greatest", r"smallest|littlest", r"size|area|volume|capacity|population"),
    _TIMES,
)
_MUCH = "|".join([_MOST, *(one.much for one in _MEASURES)])
_LITTLE = "|".join([_FEWEST, *(one.little for one in _MEASURES)])
_WORDS: tuple[tuple[Operation, str], ...] = (
    ("mean", r"average|mean|on average"),
    ("max", _MUCH),
    ("min", _LITTLE),
    ("sum", r"total|sum|altogether|together|combined|in all"),
    ("count", r"how many"),
)
_PATTERNS = [(name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in _WORDS]
_COMPARED = re.compile(
    r"\b(?P<more>(?:more|greater|higher|larger|dearer|longer|heavier) than|over|above|exceed\w*)"
    r"\s+\D{0,3}(?P<least>\d[\d.,]*)"
    r"|\b(?P<less>(?:less|fewer|lower|cheaper|smaller|shorter|lighter) than|under|below)\s+\D{0,3}(?P<most>\d[\d.,]*)",
    re.IGNORECASE,
)
_AS_ADVERB = re.compile(r"\b(?:last|first|latest|most recently)\s+\w+(?:ed|en|t)\b", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:which|what)\s+([\w’'-]+)", re.IGNORECASE)
_UNITS = [
    re.compile(rf"(?<!per )(?<!/)\b(?:{unit})\)?$", re.IGNORECASE)
    for unit in (
        "kilos?|kg|kilograms?|kilogrammes?",
        "grams?|grammes?|g",
        "tonn?e?s?|t",
        "lit(?:re|er)s?|l",
        "kilomet(?:re|er)s?|km",
        "met(?:re|er)s?|m",
        "centimet(?:re|er)s?|cm",
        "millimet(?:re|er)s?|mm",
        "miles?|mi",
        "hours?|hrs?|h",
        "minutes?|mins?",
        "days?",
        "hectares?|ha",
    )
]
"""Units that "how many" may ask for, as questions and names of columns write them."""
_COUNTED = re.compile(r"\bhow many\s+(?:(?:different|various|separate|kinds of|types of)\s+)?([\w’'-]+)", re.IGNORECASE)
PRICE = re.compile(
    r"\b(?:expens\w*|cheap\w*|dear\w*|cost\w*|price\w*|euros?|dollars?|pounds?|[€$£])|[€$£]", re.IGNORECASE
)
"""Asks for a price."""
_SPENT = re.compile(r"\bhow much\b.*\b(?:spen[dt]|paid|pay|cost)\b", re.IGNORECASE)
"""Asks for the sum of all rows about what it names."""
_SPENDING = frozenset(content_terms("spend spent paid pay cost"))
_PAST = re.compile(r"\b(?:did|was|were|has|have|had|went|spent|paid)\b", re.IGNORECASE)
_ACTUAL = re.compile(r"\b(?:actual\w*|spent|paid)\b", re.IGNORECASE)
"""A column of what came to pass, beside one of what was planned."""
_BEYOND = re.compile(
    r"\b(?P<more>over|above|more than|higher than|exceed\w*|beyond)\s|\b(?P<less>under|below|less than|lower than)\s",
    re.IGNORECASE,
)
_NOT_ASKED = frozenset(
    content_terms(
        "list table row column item thing kind different many much most show name number total sum average mean"
        " altogether"
    )
)
_CHOICE = re.compile(
    r"(?P<about>.*,)?(?P<one>[^,]+?)\s+(?:or|vs\.?|versus)\s+(?P<other>[^,]+)(?P<rest>,.*)?", re.IGNORECASE
)
"""Two things, one of which a question asks for ("which chain is cheaper, 8-speed or 11-speed")."""
_WITHIN = re.compile(r"\b(?:in|on|at|from)\s+(?:the|our|my|your|this)\s+(?P<place>[^,.?!]+?)[\s.?!]*$", re.IGNORECASE)
"""Closes a question with what may name the table itself ("in the stock list")."""
_STOCK = re.compile(r"\b(?:stock|available|on hand|in store|left|quantity|qty)\b", re.IGNORECASE)
"""A column of how many there are."""
_HELD = re.compile(
    r"\b(?:do|did) (?:we|you|they|i) have\b|\bhave (?:we|you|they|i) got\b|\b(?:are|is) left\b", re.IGNORECASE
)
_SOLD_OUT = re.compile(r"\b(?:sold out|out of stock|(?:run|ran) out|(?:not|un)available|none left)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Figures:
    """What the rows of a table answer: the statements, and a note on what could not be worked out."""

    statements: list[Statement]
    note: str = ""


def from_table(question: str, form: Form, places: Places) -> Figures:
    """Return what the rows of a table among the passages answer, with the rows; nothing if that is not clear."""
    operation = operation_asked_for(question) or ("list" if form in ("list", "comparison") else None)
    article = _article_of_rows(places)
    if article is None or not (operation or _SPENT.search(question) or _BEYOND.search(question)):
        return Figures([])
    for rows in tables(places, article):
        names = list(dict.fromkeys(name for row in rows for name in row.cells))
        if len(rows) < 3 or len(names) < 2:
            continue
        said = _COMPARED.sub(" ", _without_the_place(question, rows, places.articles[article]))
        asked = [term for term in content_terms(said) if term not in _NOT_ASKED]
        if gone := _sold_out(said, rows, names, places.articles[article]):
            lead = f"{len(gone)}" if operation == "count" else ""
            return Figures(as_rows(lead, gone, places, article))
        if not _is_about(asked, rows, names, places.articles[article]):
            continue
        chosen, filtered = _matching(question, asked, rows, names)
        if choice := _CHOICE.search(question):
            chosen, filtered = _either(choice, rows), True
            if len(chosen) < 2 or operation not in ("max", "min"):
                return Figures([])
        column = _column(question, asked, rows, names)
        if filtered and operation == "sum" and column is None and _HELD.search(question):
            column = _stock(rows, names)
        if beyond := _beyond(question, chosen, names):
            return Figures(as_rows("", beyond, places, article))
        if operation is None and not filtered:
            continue  # what a single thing cost is in its row
        if operation is None:
            operation = "sum" if len(chosen) > 1 else None
        if operation is None:
            continue
        if operation == "count" and not _are_counted(question, rows, names, places.articles[article]):
            continue  # what rows mention somewhere is not what they are
        if operation == "count" and (counted := _counted_column(question, asked, rows, names)):
            operation, column = "sum", counted  # "how many hours": the rows hold them
        if operation == "count" and (unit := _unit_counted(question)):
            units = [column] if column else _valued(rows, names)
            units = [name for name in units if unit.search(name) and not re.search(_PRICES.about, name, re.IGNORECASE)]
            if len(units) != 1:
                continue
            operation, column = "sum", units[0]  # "how many kilos of apples"
        if compared := _COMPARED.search(question):
            if column is None:
                return Figures([])
            chosen, filtered = [row for row in chosen if _passes(row, column, compared)], True
        if operation == "count" and not filtered:
            filtered = _counts_all(question, asked, rows, names, places.articles[article])
        which = _column_asked_for(question, names)
        if operation in ("max", "min") and which and len({row.cells.get(which) for row in chosen}) < len(chosen):
            return Figures([])  # several rows are about one thing, and nobody says how they count together
        made = _worked_out(operation, chosen, column, [which, *names] if which else names, filtered)
        if made is not None:
            lead, shown_rows, note = made
            shown_rows += [row for row in chosen if choice and row not in shown_rows][: MOST_ROWS - 1]
            return Figures(as_rows(lead, shown_rows, places, article), note)
    return Figures([])


def _without_the_place(question: str, rows: Sequence[Row], article: Article) -> str:
    """A question without words at its end that name the table it is asked of ("in the stock list")."""
    found = _WITHIN.search(question)
    known = {*_NOT_ASKED, *content_terms(" ".join([article.title, *words(article.source)]))}
    within = content_terms(found["place"]) if found else []
    if not found or not within or within[-1] not in known:
        return question
    of_rows = any({*content_terms(cell)} <= {*within} for row in rows for cell in row.cells.values() if cell)
    return question if of_rows else question[: found.start()]


def _stock(rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The column that says how many there are, None if none does, or several."""
    found = [name for name in _valued(rows, names) if _STOCK.search(name.replace("_", " "))]
    return found[0] if len(found) == 1 else None


def _sold_out(question: str, rows: Sequence[Row], names: Sequence[str], article: Article) -> list[Row]:
    """The rows of which there are none left, where a question asks for these and names nothing else that cells hold."""
    column = _stock(rows, names) if _SOLD_OUT.search(question) else None
    if column is None:
        return []
    rest = content_terms(_SOLD_OUT.sub(" ", question))
    cells = {term for row in rows for cell in row.cells.values() for term in content_terms(cell)}
    known = set(content_terms(" ".join([*names, article.title, *words(article.source)])))
    told = any(_SOLD_OUT.search(cell) for row in rows for cell in row.cells.values())
    if told or any(term in cells - known - _NOT_ASKED for term in rest):
        return []
    gone = [row for row in rows if (value := row.value(column)) and not value.number]
    return gone if len(gone) <= MOST_ROWS else []


def _column_asked_for(question: str, names: Sequence[str]) -> str | None:
    """The column that "which" asks for ("which month"), None if none has that name."""
    found = _WHICH.search(question)
    asked = set(content_terms(found[1])) if found else set()
    return next((name for name in names if asked and asked <= set(content_terms(name))), None)


def operation_asked_for(question: str) -> Operation | None:
    """Return what a question asks to be worked out, None for nothing."""
    found = [name for name, pattern in _PATTERNS if pattern.search(question)]
    if "count" in found and found[0] in ("max", "min") and _AS_ADVERB.search(question):
        return "count"  # "how many were last checked in 2024"
    return found[0] if found else None


def _article_of_rows(places: Places) -> str | None:
    """The article whose rows are nearest to the question; None where the best passages hold none."""
    worth: dict[str, float] = {}
    for hit in places.hits[:5]:
        if " | " in hit.chunk.text:
            worth[hit.chunk.article_id] = worth.get(hit.chunk.article_id, 0.0) + hit.score
    return max(worth, key=lambda id_: worth[id_]) if worth else None


def _is_about(asked: Sequence[str], rows: Sequence[Row], names: Sequence[str], article: Article) -> bool:
    """True if most of the words asked for stand in a table, its header, or the title or name of its source."""
    cells = " ".join(value for row in rows for value in row.cells.values())
    known = set(content_terms(" ".join([*names, article.title, *words(article.source), cells])))
    adjectives = set(content_terms(re.sub(r"\W", " ", f"{_MUCH} {_LITTLE}")))
    return sum(
        term in known | adjectives or bool(PRICE.search(term)) or term in _SPENDING for term in asked
    ) * 2 >= len(asked)


def _matching(question: str, asked: Sequence[str], rows: Sequence[Row], names: Sequence[str]) -> tuple[list[Row], bool]:
    """(the rows that hold what the question names, whether it names anything that is in a cell)."""
    held = {id(row): set(content_terms(" ".join(row.cells.values()))) for row in rows}
    headers = set(content_terms(" ".join(names)))
    if of_category := _of_category(question, asked, rows):
        return of_category, True
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


def _either(choice: re.Match[str], rows: Sequence[Row]) -> list[Row]:
    """The rows of both things that a question offers, by what their cells say in words; nothing if one has none."""
    said = [{*content_terms(" ".join(cell for name, cell in row.cells.items() if not row.value(name)))} for row in rows]
    known = {term for terms in said for term in terms}
    about = [term for term in content_terms(f"{choice['about'] or ''} {choice['rest'] or ''}") if term in known]
    found = list[list[int]]()
    for thing in (choice["one"], choice["other"]):
        wanted = {term for term in content_terms(thing) if term in known}
        found.append([n for n, terms in enumerate(said) if wanted and terms.issuperset([*about, *wanted])])
    return [rows[n] for n in sorted({*found[0], *found[1]})] if all(found) and found[0] != found[1] else []


def _are_counted(question: str, rows: Sequence[Row], names: Sequence[str], article: Article) -> bool:
    """False if what a question counts only stands somewhere in cells: it is neither all that a cell says, nor in the
    names of the columns or the source."""
    found = _COUNTED.search(question)
    counted = set(content_terms(found[1])) if found else set()
    cells = [(len(words(cell)), set(content_terms(cell))) for row in rows for cell in row.cells.values()]
    known = set(content_terms(" ".join([*names, article.title, *words(article.source)])))
    return counted <= known or (len(counted), counted) in cells or not any(counted & held for _, held in cells)


def _of_category(question: str, asked: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """The rows of the category that a question names: several with a cell that says just this ("Courses")."""
    named = [found[1] for pattern in (_WHICH, _COUNTED) if (found := pattern.search(question))]
    for wanted in [*({*content_terms(one)} for one in named), *({term} for term in asked)]:
        columns_of: dict[str, list[Row]] = {}
        for row in rows:
            for name, cell in row.cells.items():
                if wanted and set(content_terms(cell)) == wanted:
                    columns_of.setdefault(name, []).append(row)
        if len(columns_of) == 1 and len(found_rows := next(iter(columns_of.values()))) > 1:
            others = set(asked) - wanted
            narrower = [row for row in found_rows if others & set(content_terms(" ".join(row.cells.values())))]
            return found_rows if not narrower or len(narrower) == len(found_rows) else []
    return []


def _beyond(question: str, rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows in which one column is above or below another that the question names ("over budget")."""
    numeric = _valued(rows, names)
    for match in _BEYOND.finditer(question):
        following = content_terms(question[match.end() :])[:2]
        limits = [name for name in numeric if following and following[0] in content_terms(name)]
        others = [name for name in numeric if limits and name not in limits]
        others = [name for name in others if _ACTUAL.search(name)] or others
        if len(limits) == len(others) == 1:
            pairs = [(row, row.value(others[0]), row.value(limits[0])) for row in rows]
            told = [(row, a, b) for row, a, b in pairs if a and b and a.unit == b.unit]
            return [row for row, a, b in told if (a.number > b.number if match["more"] else a.number < b.number)]
    return []


def _valued(rows: Sequence[Row], names: Sequence[str], *, days: bool = False) -> list[str]:
    """The columns with a number in most rows, or with a day."""
    return [
        name
        for name in names
        if sum((value := row.value(name)) is not None and (value.unit == "day") == days for row in rows) * 2 > len(rows)
    ]


def _column(question: str, asked: Sequence[str], rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The column that a question asks about, None if that is not clear: by its name, else by an adjective."""
    numeric, days = _valued(rows, names), _valued(rows, names, days=True)
    shares = {name: len(set(content_terms(name)) & set(asked)) for name in [*numeric, *days]}
    most = max(shares.values(), default=0)
    best = [name for name in shares if shares[name] == most]
    said = [one for one in _MEASURES if re.search(rf"\b(?:{one.much}|{one.little})\b", question, re.IGNORECASE)]
    clear = [name for name in numeric for one in said if one.clear and re.search(one.about, name, re.IGNORECASE)]
    if most and len(best) == 1 and (not clear or best[0] in clear):
        return best[0]
    if _PRICES not in said and (PRICE.search(question) or _SPENT.search(question)):
        said.insert(0, _PRICES)
    for one in said:
        named = [name for name in numeric if re.search(rf"(?:{one.about})", name, re.IGNORECASE)]
        if one is _TIMES:
            named = days or named
        if len(named) > 1 and _PAST.search(question):
            named = [name for name in named if _ACTUAL.search(name)]
        if named:
            return named[0] if len(named) == 1 else None
    return None


def _counted_column(question: str, all_asked: Sequence[str], rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The column of numbers whose name a question counts ("how many hours"), or has in whole ("sold online")."""
    counted = _COUNTED.search(question)
    asked = set(content_terms(counted[1])) if counted else set()
    numeric = _valued(rows, names)
    found = [name for name in numeric if asked and asked <= set(content_terms(name))]
    if not _COMPARED.search(question):
        found = found or [
            name for name in numeric if len(held := set(content_terms(name))) > 1 and held <= set(all_asked)
        ]
    return found[0] if len(found) == 1 else None


def _counts_all(
    question: str, asked: Sequence[str], rows: Sequence[Row], names: Sequence[str], article: Article
) -> bool:
    """Whether a question counts the rows of a table: things of which each has another in the column that names them, or
    any of the source that it names, and nothing else."""
    found = _COUNTED.search(question)
    things = {*content_terms(found[1])} if found else set[str]()
    called = {*content_terms(" ".join([article.title, *words(article.source)]))}
    column = next((name for name in names if things and {*content_terms(name)} == things), None)
    held = [row.cells.get(column, "").casefold() for row in rows] if column else []
    is_named = bool(held) and all(held) and len({*held}) == len(held)
    is_any = things <= _NOT_ASKED and bool(called & {*content_terms(question)})
    return bool(things) and (is_named if column else is_any) and {*asked} <= things | called


def _unit_counted(question: str) -> re.Pattern[str] | None:
    """What a column of the unit that a question counts has in its name, None if it counts things."""
    found = _COUNTED.search(question)
    return next((unit for unit in _UNITS if found and unit.match(found[1])), None)


def _passes(row: Row, column: str, compared: re.Match[str]) -> bool:
    value = row.value(column)
    limit = number_in((compared["least"] or compared["most"]).rstrip(".,"))
    if value is None or limit is None:
        return False
    return value.number > limit.number if compared["more"] else value.number < limit.number


def _worked_out(
    operation: Operation, rows: Sequence[Row], column: str | None, names: Sequence[str], filtered: bool
) -> tuple[str, list[Row], str] | None:
    """(what opens the answer, the rows it rests on, a note), None where the table does not answer clearly."""
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


def _naming(names: Sequence[str], row: Row) -> str:
    """The column that names a row: the one that is asked for, or the first that is neither a code nor a number."""
    words = [name for name in names if re.search(r"[^\W\d_]{3}.*", row.cells.get(name, "")) and not row.value(name)]
    return next((name for name in words if not re.fullmatch(r"\S*\d\S*", row.cells[name])), names[0])
