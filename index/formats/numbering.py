"""Writes what Word and HTML show only by layout into the text: list and heading numbers, and terms of definitions.

No recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from index.formats.archive import attribute

_DEEPEST = 9
_LONGEST = 3999
"""The largest number written in Roman numerals."""
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_HTML_TYPES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_IN_ITEMS = frozenset({"p", "div", "span", "strong", "b", "em", "i"})


def number_as(kind: str, number: int) -> str:
    """Format a number in Word's number format `kind`; unknown formats give digits.

    >>> number_as("upperRoman", 14), number_as("lowerLetter", 28), number_as("decimalZero", 7)
    ('XIV', 'bb', '07')
    """
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        # After z, Word continues with aa, bb, cc.
        written = chr(ord("a") + (number - 1) % 26) * min(9, 1 + (number - 1) // 26)
    elif kind in ("lowerRoman", "upperRoman") and 0 < number <= _LONGEST:
        written, rest = "", number
        for value, sign in _ROMAN:
            written += sign * (rest // value)
            rest %= value
    else:
        return f"{number:02}" if kind == "decimalZero" else str(number)
    return written.upper() if kind.startswith("upper") else written


# --- HTML -------------------------------------------------------------------------------------------------------------


def number_items(tree: Any) -> None:
    """Write numbers before the items of all ordered lists in an HTML tree."""
    for ordered in tree.iter("ol"):
        items = [child for child in ordered if child.tag == "li"]
        step = -1 if ordered.get("reversed") is not None else 1
        number = _integer(ordered.get("start"), 1 if step == 1 else len(items))
        kind = _HTML_TYPES.get(ordered.get("type") or "", "decimal")
        for item in items:
            number = _integer(item.get("value"), number)
            _first_words(item, f"{number_as(kind, number)}. ")
            number += step


def name_definitions(tree: Any) -> None:
    """Turn each definition in an HTML tree into a list item: "Phone: 555 0101"."""
    for pairs in tree.iter("dl"):
        term = ""
        for child in list(pairs.iter("dt", "dd")):
            if child.tag == "dt":
                term = " ".join("".join(child.itertext()).split())
                following = next(child.itersiblings("dt", "dd"), None)
                if following is not None and following.tag == "dd":
                    child.drop_tree()
                continue
            child.tag = "li"
            if term:
                _first_words(child, f"{term} " if re.search(r"[.:?!]$", term) else f"{term}: ")
        pairs.tag = "ul"


def _integer(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch(r"\s*-?\d{1,6}\s*", text) else otherwise


def _first_words(item: Any, label: str) -> None:
    """Insert a label before the text of an item, inside its innermost wrapper."""
    while not (item.text or "").strip() and len(item) and item[0].tag in _IN_ITEMS:
        item = item[0]
    item.text = label + (item.text or "").lstrip()


# --- Word -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Level:
    """A list level: its first number, its number format, and the pattern of its label ("%1.%2").

    `legal` levels show all numbers as digits.
    """

    start: int
    kind: str
    pattern: str
    legal: bool = False


def number_paragraphs(document: Any, numbering: Any, styles: Any) -> None:
    """Write the labels that Word shows ("2.1 ", "(a) ") before numbered paragraphs.

    `document`, `numbering` and `styles` are the XML trees of these parts; the last two may be None. Bullets get no
    label.
    """
    if numbering is None:
        return
    lists = _Lists(numbering)
    of_styles = _numbered_styles(styles, lists)
    for paragraph in document.iter("{*}p"):
        properties = paragraph.find("{*}pPr")
        list_, level = _place(properties, of_styles)
        if list_ and (label := lists.next(list_, level)) and any(True for _ in paragraph.iter("{*}t")):
            run = paragraph.makeelement(paragraph.tag[: paragraph.tag.index("}") + 1] + "r", {})
            text = paragraph.makeelement(run.tag[:-1] + "t", {})
            text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            text.text = f"{label} "
            run.append(text)
            paragraph.insert(0 if properties is None else paragraph.index(properties) + 1, run)


def _place(properties: Any, of_styles: Mapping[str, tuple[str, int]]) -> tuple[str, int]:
    """Return the (list, level) of a paragraph; list "" if it is in no list."""
    if properties is None:
        return "", 0
    style = of_styles.get(_value(properties.find("{*}pStyle")), ("", 0))
    own = properties.find("{*}numPr")
    if own is None:
        return style
    list_ = _value(own.find("{*}numId")) or style[0]
    level = _value(own.find("{*}ilvl"))
    return ("", 0) if list_ == "0" else (list_, _level(level) if level else style[1])


def _numbered_styles(styles: Any, lists: _Lists) -> dict[str, tuple[str, int]]:
    """Map each numbered paragraph style to its (list, level), which may be inherited."""
    if styles is None:
        return {}
    own, based = dict[str, tuple[str, int]](), dict[str, str]()
    for style in styles.iter("{*}style"):
        name = attribute(style, "styleId")
        based[name] = _value(style.find("{*}basedOn"))
        for number in style.iter("{*}numPr"):
            list_ = _value(number.find("{*}numId"))
            level = _value(number.find("{*}ilvl"))
            own[name] = (list_, _level(level) if level else lists.level_of_style(list_, name))
    found = dict[str, tuple[str, int]]()
    for name in based:
        for above in _ancestors(name, based):
            if above in own:
                found[name] = own[above]
                break
    return {name: place for name, place in found.items() if place[0] not in ("", "0")}


def _ancestors(name: str, based: Mapping[str, str]) -> Iterator[str]:
    seen = set[str]()
    while name and name not in seen:
        seen.add(name)
        yield name
        name = based.get(name, "")


class _Lists:
    """The lists of a document with their current numbers.

    Lists with the same pattern continue each other's numbers.
    """

    def __init__(self, numbering: Any) -> None:
        self._levels = dict[str, dict[int, _Level]]()
        self._styles = dict[tuple[str, str], int]()
        for pattern in numbering.iter("{*}abstractNum"):
            id_ = attribute(pattern, "abstractNumId")
            self._levels[id_] = {}
            for level in pattern.findall("{*}lvl"):
                depth = _level(attribute(level, "ilvl"))
                self._levels[id_][depth] = _read_level(level)
                self._styles[id_, _value(level.find("{*}pStyle"))] = depth
        self._patterns = dict[str, str]()
        self._restarts = dict[str, dict[int, int]]()
        for number in numbering.iter("{*}num"):
            id_ = attribute(number, "numId")
            self._patterns[id_] = _value(number.find("{*}abstractNumId"))
            self._restarts[id_] = {
                _level(attribute(one, "ilvl")): _integer(_value(start), 1)
                for one in number.findall("{*}lvlOverride")
                if (start := one.find("{*}startOverride")) is not None
            }
        self._counts = dict[str, dict[int, int]]()

    def level_of_style(self, list_: str, style: str) -> int:
        """Return the level linked to a paragraph style, or 0."""
        return self._styles.get((self._patterns.get(list_, ""), style), 0)

    def next(self, list_: str, depth: int) -> str:
        """Count a paragraph at a level of a list and return its label, or ""."""
        pattern = self._patterns.get(list_, "")
        levels = self._levels.get(pattern, {})
        counts = self._counts.setdefault(pattern, {})
        if depth not in levels:
            return ""
        for level, start in self._restarts.pop(list_, {}).items():
            counts.pop(level, None)
            if level in levels:
                levels[level] = replace(levels[level], start=start)
        for deeper in [level for level in counts if level > depth]:
            del counts[deeper]
        counts[depth] = counts.get(depth, levels[depth].start - 1) + 1
        if levels[depth].kind in ("bullet", "none"):
            return ""

        def written(match: re.Match[str]) -> str:
            level = int(match[1]) - 1
            if level not in levels:
                return ""
            number = counts.setdefault(level, levels[level].start)
            return number_as("decimal" if levels[depth].legal else levels[level].kind, number)

        return re.sub(r"%([1-9])", written, levels[depth].pattern).strip()


def _read_level(level: Any) -> _Level:
    start = _integer(_value(level.find("{*}start")), 1)
    kind = _value(level.find("{*}numFmt")) or "decimal"
    legal = level.find("{*}isLgl")
    return _Level(
        start, kind, _value(level.find("{*}lvlText")), legal is not None and _value(legal) not in ("0", "false")
    )


def _level(text: str) -> int:
    return min(_integer(text, 0), _DEEPEST)


def _value(element: Any) -> str:
    return "" if element is None else attribute(element, "val")
