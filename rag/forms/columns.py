"""Which column of a table a question asks about: by its name, an adjective, a unit, or what it counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from index.text.words import content_terms
from rag.forms.cells import TableRow

_MOST, _FEWEST = "most|highest|maximum|max", "fewest|least|lowest|minimum|min"


class _Measure(NamedTuple):
    """Adjectives for much and for little, and the names of the columns that they refer to. Those of a `clear` measure
    refer to nothing else, whatever other column a question names."""

    much: str
    little: str
    about: str
    clear: bool = False


PRICES = _Measure(
    r"most expensive|dearest|(?:more expensive|dearer|costs? (?:the )?mo(?:re|st))(?! than)",
    r"cheapest|least expensive|(?:cheaper|less expensive|costs? (?:the )?le(?:ss|ast))(?! than)",
    r"price|cost|fee|rent|amount|charge|rate|eur|usd|gbp|[€$£]",
    clear=True,
)
_TIMES = _Measure(
    r"latest|newest|most recent|last|youngest",
    r"earliest|oldest|first(?! (?:half|quarter|aid|floor|name|class|time|of))",
    r"date|day|year|opened|built|founded|since",
)
_MEASURES = (
    PRICES,
    _Measure(
        r"heaviest|(?:heavier|weighs? (?:the )?mo(?:re|st))(?! than)",
        r"lightest|(?:lighter|weighs? (?:the )?le(?:ss|ast))(?! than)",
        r"weight|mass",
        clear=True,
    ),
    _Measure(r"longest", r"shortest", r"length|duration|distance|time|hours|minutes|days"),
    _Measure(r"tallest|highest", r"lowest|shortest", r"height|altitude|elevation"),
    _Measure(r"widest|broadest", r"narrowest", r"width|breadth"),
    _Measure(r"deepest", r"shallowest", r"depth"),
    _Measure(r"fastest|quickest|(?:faster|quicker)(?! than)", r"slowest|slower(?! than)", r"speed", clear=True),
    _Measure(r"largest|biggest|greatest", r"smallest|littlest", r"size|area|volume|capacity|population"),
    _TIMES,
)
MUCH = "|".join([_MOST, *(one.much for one in _MEASURES)])
LITTLE = "|".join([_FEWEST, *(one.little for one in _MEASURES)])
COMPARED = re.compile(
    r"\b(?P<more>(?:more|greater|higher|larger|dearer|longer|heavier) than|over|above|exceed\w*)"
    r"\s+\D{0,3}(?P<least>\d[\d.,]*)"
    r"|\b(?P<less>(?:less|fewer|lower|cheaper|smaller|shorter|lighter) than|under|below)\s+\D{0,3}(?P<most>\d[\d.,]*)",
    re.IGNORECASE,
)
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
"""Units that "how many" may ask for, as questions and column names write them."""
COUNTED = re.compile(
    r"\b(?:how many|number of)\s+(?:(?:different|various|separate|kinds of|types of|of (?:the|your|our|my|these))\s+)?"
    r"([\w’'-]+)",
    re.IGNORECASE,
)
PRICE = re.compile(
    r"\b(?:expens\w*|cheap\w*|dear\w*|cost\w*|price\w*|euros?|dollars?|pounds?|[€$£])|[€$£]", re.IGNORECASE
)
"""Asks for a price."""
SPENT = re.compile(r"\bhow much\b.*\b(?:spen[dt]|paid|pay|cost)\b", re.IGNORECASE)
"""Asks for the sum of all rows about a thing."""
_PAYS = re.compile(r"\b(?:pays?|paying|paid|charged?|cost)\b", re.IGNORECASE)
"""Asks for a price, whatever else it names: "what do the tea dance people pay"."""
_PAST = re.compile(r"\b(?:did|was|were|has|have|had|went|spent|paid)\b", re.IGNORECASE)
ACTUAL = re.compile(r"\b(?:actual\w*|spent|paid)\b", re.IGNORECASE)
"""A column of actual values, next to planned ones."""
_STOCK = re.compile(r"\b(?:stock|available|on hand|in store|left|quantity|qty)\b", re.IGNORECASE)
"""A column with the number of things in stock."""
_LIMIT = re.compile(r"\b(?:min|max|minimum|maximum|reorder|target|safety)\b", re.IGNORECASE)
"""A column with the number of things that should be in stock."""


def stock_column(rows: Sequence[TableRow], names: Sequence[str]) -> str | None:
    """Return the only column that says how many are in stock; None if none or several."""
    spaced = {name: name.replace("_", " ") for name in valued_columns(rows, names)}
    found = [name for name, said in spaced.items() if _STOCK.search(said) and not _LIMIT.search(said)]
    return found[0] if len(found) == 1 else None


def valued_columns(rows: Sequence[TableRow], names: Sequence[str], *, days: bool = False) -> list[str]:
    """Return the columns with a number, or with a day, in most rows."""
    return [
        name
        for name in names
        if sum((value := row.value(name)) is not None and (value.unit == "day") == days for row in rows) * 2 > len(rows)
    ]


def requested_column(
    question: str, question_terms: Sequence[str], rows: Sequence[TableRow], names: Sequence[str]
) -> str | None:
    """Return the column that a question asks about; None if that is not clear.

    It is found by its name, else by an adjective.
    """
    numeric, days = valued_columns(rows, names), valued_columns(rows, names, days=True)
    shares = {name: len(set(content_terms(name)) & set(question_terms)) for name in [*numeric, *days]}
    most = max(shares.values(), default=0)
    best = [name for name in shares if shares[name] == most]
    said = [one for one in _MEASURES if re.search(rf"\b(?:{one.much}|{one.little})\b", question, re.IGNORECASE)]
    if PRICES not in said and _PAYS.search(question):
        said.insert(0, PRICES)
    clear = [name for name in numeric for one in said if one.clear and re.search(one.about, name, re.IGNORECASE)]
    if most and len(best) == 1 and (not clear or best[0] in clear):
        return best[0]
    if PRICES not in said and (PRICE.search(question) or SPENT.search(question)):
        said.insert(0, PRICES)
    for one in said:
        named = [name for name in numeric if re.search(rf"(?:{one.about})", name, re.IGNORECASE)]
        if one is _TIMES:
            named = days or named
        if len(named) > 1 and _PAST.search(question):
            named = [name for name in named if ACTUAL.search(name)]
        if named:
            return plain_column(named)
    return None


def plain_column(names: Sequence[str]) -> str | None:
    """Return the only one of columns, or that whose name the others qualify; None if there is no such column.

    >>> plain_column(["price", "member price"]), plain_column(["net price", "gross price"])
    ('price', None)
    """
    terms = {name: {*content_terms(name)} for name in names}
    plain = [name for name in names if all(other == name or terms[name] < terms[other] for other in names)]
    return plain[0] if len(plain) == 1 else None


def counted_column(
    question: str, question_terms: Sequence[str], rows: Sequence[TableRow], names: Sequence[str]
) -> str | None:
    """Return the column of numbers that a question counts; None if not just one.

    The question counts its name ("how many hours"), or contains all of it ("sold online").
    """
    counted = COUNTED.search(question)
    counted_terms = set(content_terms(counted[1])) if counted else set()
    numeric = valued_columns(rows, names)
    found = [name for name in numeric if counted_terms and counted_terms <= set(content_terms(name))]
    if not COMPARED.search(question):
        found = found or [
            name for name in numeric if len(held := set(content_terms(name))) > 1 and held <= set(question_terms)
        ]
    return found[0] if len(found) == 1 else None


def unit_counted(question: str) -> re.Pattern[str] | None:
    """Return a pattern for columns of the unit that a question counts.

    None if it counts things.
    """
    found = COUNTED.search(question)
    return next((unit for unit in _UNITS if found and unit.match(found[1])), None)
