"""Builds a document from headings, paragraphs, list items and tables, and writes it as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import lxml.html

from index.formats.markup import render

_DEEPEST = 6
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Outline:
    """Builds a document from top to bottom.

    Line breaks in texts are kept; other white space collapses.

    >>> outline = Outline()
    >>> outline.heading(2, "Tools")
    >>> outline.item(0, "", "a saw")
    >>> outline.item(1, "a)", "of steel")
    >>> outline.text()
    '## Tools\\n\\n- a saw\\n  a) of steel'
    """

    def __init__(self) -> None:
        self._root = lxml.html.Element("body")
        self._lists: list[Any] = []  # open lists, outermost first

    def heading(self, level: int, words: str) -> None:
        """Add a heading of level 1 to 6; deeper headings get level 6."""
        self._add(f"h{min(max(level, 1), _DEEPEST)}", words)

    def paragraph(self, words: str) -> None:
        """Add a paragraph."""
        self._add("p", words)

    def item(self, depth: int, label: str, words: str) -> None:
        """Add an item to the open list, or to a new list.

        `depth` counts from 0; `label` is the number of the item, or "" for a bullet.
        """
        depth = min(depth, _DEEPEST)
        tag = "ol" if label else "ul"
        del self._lists[depth + 1 :]
        if len(self._lists) == depth + 1 and self._lists[-1].tag != tag:
            self._lists.pop()
        while len(self._lists) <= depth:
            above = self._lists[-1] if self._lists else self._root
            inside = above[-1] if self._lists and len(above) else above
            self._lists.append(_child(inside, tag))
        _write(_child(self._lists[-1], "li"), f"{label} {words}" if label else words)

    def table(self, rows: Sequence[Sequence[str]], header: bool | None = None) -> None:
        """Add a table.

        `header` is true if the first row names the columns; None decides by the cells of the row.
        """
        self._lists.clear()
        table = _child(self._root, "table")
        for number, cells in enumerate(rows):
            row = _child(table, "tr")
            for words in cells:
                _write(_child(row, "th" if header and number == 0 else "td"), words)

    def text(self) -> str:
        """Return the document as text."""
        return render(self._root)

    def _add(self, tag: str, words: str) -> None:
        self._lists.clear()
        _write(_child(self._root, tag), words)


def _child(element: Any, tag: str) -> Any:
    child = element.makeelement(tag, {})
    element.append(child)
    return child


def _write(element: Any, words: str) -> None:
    """Set the text of an element, with a <br> for each line break."""
    first, *others = _NO_XML.sub("", words).split("\n")
    element.text = first
    for line in others:
        _child(element, "br").tail = line
