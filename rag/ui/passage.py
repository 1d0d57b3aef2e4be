"""How the text of a passage is set beside an answer: lines flow, cells stand apart. Pure; every offset stays."""

from __future__ import annotations

import re

from index.text.sentences import unwrapped

_BAR = re.compile(r"(?<=\S) \| (?=\S)")
_RULE = re.compile(r"\n[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+(?=[ \t]*(?:\n|\Z))")
"""The line below the names of the columns, with the end of the line above."""
_DRAWN = re.compile(r"^\|([^\n]*)\|([ \t]*)$", re.MULTILINE)
_ROW = re.compile(r"^[^|\n]+: [^\n]* \| [^|\n]+: [^\n]*$", re.MULTILINE)


def flowing(text: str) -> str:
    """Return the text with blanks for the line ends that only fit a width, and dots between the cells of a row.

    >>> flowing("Boat: Heron | Seats: 2"), flowing("| Heron | 2 |")
    ('Boat: Heron · Seats: 2', '  Heron · 2  ')
    """
    made = _ROW.sub(lambda row: _BAR.sub(" · ", row.group()), unwrapped(text))
    if "|" not in made:
        return made
    return _DRAWN.sub(lambda row: f" {row[1].replace('|', '·')} {row[2]}", _RULE.sub(_blank, made))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def without_heading(text: str, path: str) -> str:
    """Return the start of a passage without the heading that the path above it already names."""
    last = path.rpartition(" > ")[2]
    match = re.match(rf"\s*(?:#+ +)?{re.escape(last)}(?: *#+)?\s*\n\s*", text) if last else None
    return text[match.end() :] if match else text
