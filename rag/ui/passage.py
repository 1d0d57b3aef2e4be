"""Formatting of a passage's text for display: joined lines, separated cells. Pure; offsets do not change."""

from __future__ import annotations

import re

from index.text.sentences import unwrapped

_BAR = re.compile(r"(?<=\S) \| (?=\S)")
_RULE = re.compile(r"\n[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+(?=[ \t]*(?:\n|\Z))")
"""The rule below a table's header, with the line break before it."""
_DRAWN = re.compile(r"^\|([^\n]*)\|([ \t]*)$", re.MULTILINE)
_ROW = re.compile(r"^[^|\n]+: [^\n]* \| [^|\n]+: [^\n]*$", re.MULTILINE)


def flowing(text: str) -> str:
    """Replace line breaks that only wrap text by spaces, and cell separators by dots.

    >>> flowing("Boat: Heron | Seats: 2"), flowing("| Heron | 2 |")
    ('Boat: Heron · Seats: 2', '  Heron · 2  ')
    """
    flowed = _ROW.sub(lambda row: _BAR.sub(" · ", row.group()), unwrapped(text))
    if "|" not in flowed:
        return flowed
    return _DRAWN.sub(lambda row: f" {row[1].replace('|', '·')} {row[2]}", _RULE.sub(_blank, flowed))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def without_heading(text: str, path: str) -> str:
    """Return the start of a passage without a heading that repeats the end of `path`."""
    last = path.rpartition(" > ")[2]
    match = re.match(rf"\s*(?:#+ +)?{re.escape(last)}(?: *#+)?\s*\n\s*", text) if last else None
    return text[match.end() :] if match else text
