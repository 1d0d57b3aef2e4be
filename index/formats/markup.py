"""Writes a tree of HTML, or of trafilatura's XML, as text with Markdown headings, lists and table lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from lxml import etree

from index.formats.tables import table_lines

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form
    header hgroup hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul
    ab item list quote row cell""".split()
) | {"head", *_HEADINGS}
_ITEMS = frozenset({"li", "item"})
_LISTS = frozenset({"ul", "ol", "menu", "list"})
_CODE = frozenset({"pre", "code"})
_BREAKS = frozenset({"br", "lb"})
_UNSEEN = frozenset(
    """script style noscript template svg math object iframe canvas audio video button select textarea input title
    meta link graphic""".split()
)
_FOOTNOTE_LINK = re.compile(r"#?(?:footnote|endnote)-")
_DEEPEST = 6


def render(root: Any) -> str:
    """Return the text of a tree, with white space collapsed as in a browser.

    Each table row becomes a line with column names. No recursion: nesting may be deep.
    """
    writer = _Writer()
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    skipped: Any = None
    for event, element in walk:
        if event in ("comment", "pi"):
            writer.add(element.tail)
        elif event == "start":
            if skipped is None and _is_box(element):
                writer.add("☒ " if element.get("checked") is not None else "☐ ")
            if skipped is None and _passed_over(element):
                skipped = element
            elif skipped is None and is_table(element):
                writer.table(element)
                skipped = element
            elif skipped is None:
                writer.open(element)
        elif skipped is None or skipped is element:
            if skipped is None:
                writer.close(element)
            skipped = None
            if element is not root:
                writer.add(element.tail)
    return writer.text()


def _passed_over(element: Any) -> bool:
    if element.tag in _UNSEEN or (element.tag == "head" and element.find("title") is not None):
        return True
    # Skip footnote numbers and backlinks, as mammoth writes them for Word documents.
    return element.tag == "a" and bool(_FOOTNOTE_LINK.match(element.get("href") or ""))


def _is_box(element: Any) -> bool:
    """True for a checkbox or radio button."""
    return element.tag == "input" and (element.get("type") or "").lower() in ("checkbox", "radio")


def is_table(element: Any) -> bool:
    """True for a data table, False for a layout table.

    A layout table has a single column, or contains tables or headings.
    """
    if element.tag != "table":
        return False
    if any(inner.tag in _HEADINGS or inner.tag == "table" for inner in element.iterdescendants()):
        return False
    return any(len(row.findall("td")) + len(row.findall("th")) + len(row.findall("cell")) > 1 for row in _rows(element))


class _Writer:
    """Collects inline text and writes it as blocks."""

    def __init__(self) -> None:
        self._blocks: list[tuple[str, bool]] = []  # (text, is a list item)
        self._inline: list[str] = []
        self._prefix = ""
        self._item = False
        self._lists: list[bool] = []  # for each open list: is it ordered
        self._pre = 0

    def add(self, text: str | None) -> None:
        if text:
            self._inline.append(text if self._pre else re.sub(r"\s+", " ", text))

    def open(self, element: Any) -> None:
        tag = element.tag
        if tag in _BREAKS:
            self._inline.append("\n")
        elif tag in _BLOCKS or _is_code_block(element):
            self._flush()
            if tag in _LISTS:
                self._lists.append(tag == "ol" or element.get("rend") == "ol")
            self._pre += tag in _CODE
            if tag in _ITEMS:
                # Items of ordered lists already have numbers (index/formats/numbering.py).
                ordered = self._lists[-1:] == [True]
                self._prefix = "  " * min(max(len(self._lists) - 1, 0), _DEEPEST) + ("" if ordered else "- ")
                self._item = True
            elif level := _level(element):
                self._prefix = "#" * level + " "
        self.add(element.text)

    def close(self, element: Any) -> None:
        tag = element.tag
        if tag in _BLOCKS or _is_code_block(element):
            self._flush()
            if tag in _LISTS:
                self._lists.pop()
            self._pre -= tag in _CODE
            if tag in _ITEMS or _level(element):
                self._prefix, self._item = "", False

    def table(self, element: Any) -> None:
        self._flush()
        rows, heads = [], []
        for row in _rows(element):
            cells = [cell for cell in row if cell.tag in ("td", "th", "cell")]
            if not cells:
                continue
            rows.append([cell_text(cell) for cell in cells])
            heads.append([cell.tag == "th" or cell.get("role") == "head" for cell in cells])
        known = any(any(row) for row in heads)
        self._blocks += [(line, False) for line in table_lines(rows, _are_heads(heads[0], rows[0]) if known else None)]

    def _flush(self) -> None:
        words = "".join(self._inline)
        self._inline = []
        if not self._pre:
            words = re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", words))
        words = words.strip("\n") if self._pre else words.strip()
        if words.strip():
            if self._prefix.startswith("#"):
                words = " ".join(words.split())
            self._blocks.append((self._prefix + words, self._item))
            self._prefix, self._item = "", False

    def text(self) -> str:
        """Return all blocks; list items are on consecutive lines."""
        self._flush()
        parts = [text for text, _ in self._blocks[:1]]
        for (_, after_item), (text, is_item) in pairwise(self._blocks):
            parts += ["\n" if after_item and is_item else "\n\n", text]
        return "".join(parts)


def _is_code_block(element: Any) -> bool:
    """True for a block of code, which has line breaks.

    trafilatura replaces <pre> by <code>, which may also be inline.
    """
    return element.tag == "code" and "\n" in "".join(element.itertext()).strip()


def _level(element: Any) -> int:
    """Return the heading level from 1 to 6, or 0 for other elements."""
    if element.tag == "head":
        return _HEADINGS.get(element.get("rend") or "", 2)
    return _HEADINGS.get(element.tag, 0)


def _are_heads(heads: Sequence[bool], cells: Sequence[str]) -> bool:
    """True if all cells of a row are header cells, ignoring an empty corner cell."""
    corner = len(cells) > 2 and not cells[0]
    return all(heads[corner:])


def _rows(table: Any) -> list[Any]:
    return list(table.iter("tr", "row"))


def cell_text(cell: Any) -> str:
    """Return the text of a cell on one line."""
    parts = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        inside = event == "start"
        if element.tag in _BLOCKS | _BREAKS:
            parts.append(" ")
        parts.append((element.text if inside else element.tail if element is not cell else "") or "")
    return " ".join("".join(parts).split())
