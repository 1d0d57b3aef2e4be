"""How the text of a passage is set beside an answer: lines flow, cells stand apart. Pure; every offset stays."""

from __future__ import annotations

import re

from index.sentences import unwrapped

_BAR = re.compile(r"(?<=\S) \| (?=\S)")
_ROW = re.compile(r"^[^|\n]+: [^\n]* \| [^|\n]+: [^\n]*$", re.MULTILINE)


def flowing(text: str) -> str:
    """Return the text with blanks for the line ends that only fit a width, and dots between the cells of a row.

    >>> flowing("Boat: Heron | Seats: 2")
    'Boat: Heron · Seats: 2'
    """
    return _ROW.sub(lambda row: _BAR.sub(" · ", row.group()), unwrapped(text))


def without_heading(text: str, path: str) -> str:
    """Return the start of a passage without the heading that the path above it already names."""
    last = path.rpartition(" > ")[2]
    match = re.match(rf"\s*(?:#+ +)?{re.escape(last)}(?: *#+)?\s*\n\s*", text) if last else None
    return text[match.end() :] if match else text
