"""Numbers, amounts and units of a text in one form: "$1,000" and "one thousand dollars" are equal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

_CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "k": 1000, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9, "tn": 10**12, "dozen": 12,
}  # fmt: skip
_UNITS = {
    "dollar": "dollars? usd bucks?", "euro": "euros? eur", "pound": "pounds? gbp sterling lbs? lb", "yen": "yen jpy",
    "yuan": "yuan renminbi rmb cny", "rupee": "rupees? inr", "cent": "cents?", "percent": "% percent pct",
    "kilometre": "km kilomet(?:re|er)s?", "metre": "met(?:re|er)s?", "centimetre": "cm centimet(?:re|er)s?",
    "millimetre": "mm millimet(?:re|er)s?", "mile": "miles?", "foot": "feet foot ft", "inch": "inch(?:es)?",
    "yard": "yards? yd", "acre": "acres?", "hectare": "hectares? ha", "kilogram": "kg kilograms? kilos?",
    "gram": "grams?", "ton": "tons? tonnes?", "litre": "lit(?:re|er)s?", "gallon": "gallons?",
    "celsius": r"°c celsius degrees?\scelsius", "fahrenheit": r"°f fahrenheit degrees?\sfahrenheit",
    "kilowatt": "kw kilowatts?", "megawatt": "mw megawatts?", "gigawatt": "gw gigawatts?",
    "kilowatt-hour": "kwh", "megawatt-hour": "mwh", "gigawatt-hour": "gwh",
    "mph": r"mph miles?\s(?:per|an)\shour", "km/h": r"km/h kph (?:km|kilomet(?:re|er)s?)\s(?:per|an)\shour",
    "hertz": "hz", "year": "years?", "month": "months?", "week": "weeks?", "day": "days?", "hour": "hours? hrs?",
    "minute": "minutes? mins?", "second": "seconds? secs?",
}  # fmt: skip
TIMES = frozenset(("year", "month", "week", "day", "hour", "minute", "second"))
_BY_FORM = [(re.compile(form, re.IGNORECASE), unit) for unit, forms in _UNITS.items() for form in forms.split()]
_UNIT = "|".join(sorted((form for forms in _UNITS.values() for form in forms.split()), key=len, reverse=True))
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: n for n, word in enumerate(_ONES)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_ORDINALS = {
    word: n
    for n, word in enumerate(
        "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
        "sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        3,
    )
}
_WORD = rf"(?:{'|'.join(_VALUES)})"
_SCALE_WORD = "hundred|thousand|million|billion|trillion|dozen"
_SPELLED = rf"(?:(?:{_WORD}|an?)[\s-](?:(?:{_WORD}|{_SCALE_WORD}|and)[\s-])*(?:{_WORD}|{_SCALE_WORD})|{_WORD})"
_NUMBER = re.compile(
    rf"(?<![\w.,])(?P<minus>[-−](?=\d)(?<!\d.)|(?<!\d\s)minus\s(?=\d))?"
    rf"(?P<currency>(?:US|A|C|HK|NZ|S)?[$€£¥₹]\s?|(?:usd|eur|gbp|jpy|cny|rmb|inr)\s?(?=\d))?"
    rf"(?P<half_of>half\s(?=an?\s(?:{_SCALE_WORD})\b))?"
    rf"(?:(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?P<suffix>st|nd|rd|th|'?s|(?<=\d)(?:k|m|mn|bn|b|tn)(?!\w))?|(?P<spelled>{_SPELLED}))"
    rf"(?P<and_half>\sand\sa\shalf(?!\w))?"
    rf"(?:[\s-]?(?P<scale>{_SCALE_WORD}|mn|bn|tn)(?!\w))?"
    rf"(?:[\s-]?(?:(?:square|sq\.?|cubic|US)\s)?(?P<unit>{_UNIT}|per\s?cent)(?!\w))?(?!\w)",
    re.IGNORECASE,
)
_NAMED_UNIT = re.compile(rf"(?<!\w)\(?({_UNIT}|[$€£¥₹])\)?:\s+(?=[-−]?\d)", re.IGNORECASE)
"""A unit that ends the name of a value: "Price (EUR): 3.20"."""
_ORDINAL = re.compile(rf"\b(?:{'|'.join(_ORDINALS)})\b", re.IGNORECASE)
_SHORT_RANGE = re.compile(r"(?<!\d)(\d{2})(\d{2})[–—/-](\d{2})(?!\d)")
_JOINT = re.compile(r"\s?(?:[-–—]|to|and|or)\s?", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:[-–—]|to)\s?", re.IGNORECASE)
_SIGNED = re.compile(r"[A-Z]{0,2}[$€£¥₹]")
_APART = re.compile(r"(?:\bfrom|\b[A-Z]\w*)\s$")
_SCALED = re.compile(rf"\d\s?({_SCALE_WORD}|mn|bn|tn)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number and its place in a text.

    `unit` is a currency, "percent", a measure, "th" (an ordinal), "s" (a decade) or "".
    """

    start: int
    end: int
    value: Decimal
    unit: str


def find_numbers(text: str) -> list[Number]:
    """Return the numbers in `text`, in digits and in words, in order.

    "one" and "first" are left out, because they are hardly numbers.

    >>> [(str(n.value), n.unit) for n in find_numbers("From 5 to 6 percent, or $1.5 million.")]
    [('5', 'percent'), ('6', 'percent'), ('1500000', 'dollar')]
    >>> [(str(n.value), n.unit) for n in find_numbers("Plant: Sage | Pot (litres): 1 | Price (EUR): 3.40")]
    [('1', 'litre'), ('3.4', 'euro')]
    """
    found = sorted([*_plain(text), *_ordinals(text), *_short_ranges(text)], key=lambda one: one.start)
    named = {match.end(): match[1] for match in _NAMED_UNIT.finditer(text)}
    for n, one in enumerate(found):
        if not one.unit and one.start in named:
            form = named[one.start]
            found[n] = replace(one, unit=_CURRENCIES.get(form) or _unit(form))
    for n in range(len(found) - 2, -1, -1):
        one, after = found[n], found[n + 1]
        # "5 to 6 percent" has the unit once.
        if not one.unit and after.unit not in ("", "th", "s") and _JOINT.fullmatch(text, one.end, after.start):
            one = found[n] = Number(one.start, one.end, one.value, after.unit)
        elif (
            one.unit and not after.unit and _SIGNED.match(text, one.start) and text[one.end : after.start] in ("-", "–")
        ):
            # "$5-10" has the currency once.
            after = found[n + 1] = Number(after.start, after.end, after.value, one.unit)
        # "5 to 10 million" has the scale once, but not "rose from 5 to 10 million" and "Highway 5 to 10 million homes".
        scaled = None if _APART.search(text[: one.start]) else _SCALED.search(text, after.start, after.end)
        if scaled and text[one.end - 1].isdigit() and _RANGE.fullmatch(text, one.end, after.start):
            scale = _SCALES[scaled[1].lower()]
            if one.unit == after.unit and one.value * scale < after.value:
                found[n] = Number(one.start, one.end, one.value * scale, one.unit)
    return found


def _plain(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        part = match.groupdict()
        suffix = (part["suffix"] or "").lower().lstrip("'")
        if part["digits"]:
            value = Decimal(part["digits"].replace(",", ""))
        else:
            value = _spelled(part["spelled"])
            value = value / 2 if part["half_of"] else value
            if value <= 1 and not part["and_half"] and not part["scale"] and not part["unit"]:
                continue
        if part["and_half"]:
            # "three and a half" is 3.5, "a million and a half" 1.5 million.
            last = re.split(r"[\s-]", (part["spelled"] or "").lower())[-1]
            value += Decimal(_SCALES.get(last, 1)) / 2
        for scale in (suffix if suffix in _SCALES else "", (part["scale"] or "").lower()):
            value *= _SCALES.get(scale, 1)
        currency = (part["currency"] or "").strip()
        unit = _CURRENCIES.get(currency[-1:]) or _unit(currency or part["unit"] or "")
        if not unit and suffix in ("st", "nd", "rd", "th"):
            unit = "th"
        if not unit and suffix == "s":
            unit = "s"
        if part["minus"]:
            value = -value
        yield Number(match.start(), match.end(), value.normalize() + 0, unit)


def _unit(form: str) -> str:
    if form.lower().replace(" ", "") == "percent":
        return "percent"
    return next((unit for pattern, unit in _BY_FORM if form and pattern.fullmatch(form)), "")


def _ordinals(text: str) -> Iterator[Number]:
    for match in _ORDINAL.finditer(text):
        yield Number(match.start(), match.end(), Decimal(_ORDINALS[match.group().lower()]), "th")


def _short_ranges(text: str) -> Iterator[Number]:
    """Yield the end of a short range: 1918 for "1914-18"."""
    for match in _SHORT_RANGE.finditer(text):
        yield Number(match.start(3), match.end(3), Decimal(match.group(1) + match.group(3)), "")


def _spelled(words: str) -> Decimal:
    total = group = 0
    for word in re.split(r"[\s-]+", words.lower()):
        if word in _VALUES:
            group += _VALUES[word]
        elif word in ("a", "an"):
            group += 1
        elif word in ("hundred", "dozen"):
            group = max(1, group) * _SCALES[word]
        elif word in _SCALES:
            total += max(1, group) * _SCALES[word]
            group = 0
    return Decimal(total + group)
