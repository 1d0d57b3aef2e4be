"""Reads OpenDocument text (ODT): headings, paragraphs, numbered lists, tables and footnotes, as last saved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from index.errors import UnreadableSource
from index.formats.archive import attribute, find_text, open_archive, read_part
from index.formats.content import Content, normalized_title
from index.formats.numbering import number_as
from index.formats.outline import Outline
from index.formats.tables import repeated_cell
from index.formats.webpage import with_title

_BODY, _STYLES, _META, _MANIFEST = "content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"
_KINDS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_LEFT_OUT = frozenset(
    """alphabetical-index annotation forms illustration-index object-index ruby-text sequence-decls table-index
    table-of-content tracked-changes user-field-decls user-index variable-decls""".split()
)
"""Deleted text, comments, and generated parts such as indexes."""
_INSIDE = frozenset({"note", "frame", "custom-shape", "rect", "text-box", "g"})
"""Elements inside a paragraph that are not part of its sentence."""
_OUTLINE = "\0"
"""Key of the list style that numbers headings."""
_HEADING = re.compile(r"Heading_20_([1-9])")
_MOST_COLUMNS = 256


def read(path: Path) -> Content:
    """Return the text of an ODT file.

    Raises:
        UnreadableSource: The file is not an ODT, is damaged, has a password or has no text.
    """
    with open_archive(path, _BODY) as archive:
        names = set(archive.namelist())
        if _MANIFEST in names and any(True for _ in read_part(archive, _MANIFEST).iter("{*}encryption-data")):
            raise UnreadableSource("needs a password: save it again without one")
        content = read_part(archive, _BODY)
        styles = read_part(archive, _STYLES) if _STYLES in names else None
        meta = read_part(archive, _META) if _META in names else None
    body = content.find("{*}body/{*}text")
    if body is None:
        raise UnreadableSource("has another format than its name says: it contains no text document")
    title = author = language = ""
    if meta is not None:
        title, author, language = (find_text(meta, name) for name in ("title", "initial-creator", "language"))
        author = author or find_text(meta, "creator")
    title = normalized_title(title)
    text = _Document(_Styles(content, styles)).text(body)
    if not text:
        raise UnreadableSource("holds no text")
    # No date: the file's creation date is not the publication date of its text.
    return Content(with_title(title, text), title, author, None, language)


@dataclass(frozen=True)
class _Level:
    """The numbering of a list level; `kind` "" means not numbered, "bullet" a bullet."""

    kind: str
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


class _Styles:
    """The paragraph and list styles of a document."""

    def __init__(self, content: Any, styles: Any) -> None:
        self._levels = dict[str, dict[int, _Level]]()
        self._parents = dict[str, str]()
        self._lists = dict[str, str]()
        self._own = set[str]()  # automatic styles: generated for paragraphs that differ from a named style
        for root in (styles, content):
            for one in () if root is None else root.iter("{*}list-style", "{*}outline-style"):
                name = _OUTLINE if one.tag.endswith("}outline-style") else attribute(one, "name")
                levels = [level for level in one.iterchildren("{*}*") if attribute(level, "level").isdecimal()]
                self._levels[name] = {int(attribute(level, "level")[:3]): _read_level(level) for level in levels}
            for one in () if root is None else root.iter("{*}style"):
                name = attribute(one, "name")
                self._parents[name] = attribute(one, "parent-style-name")
                if any(key.endswith("}list-style-name") for key in one.attrib):
                    self._lists[name] = attribute(one, "list-style-name")
                if one.getparent().tag.endswith("}automatic-styles"):
                    self._own.add(name)

    def named(self, name: str) -> str:
        """Return the named style of a paragraph: the parent if its style is automatic."""
        return self._parents.get(name, "") if name in self._own else name

    def numbers_headings(self, name: str) -> bool:
        """True unless the style of a heading removes its level's number."""
        seen = set[str]()
        while name and name not in seen:
            if name in self._lists:
                return bool(self._lists[name])
            seen.add(name)
            name = self._parents.get(name, "")
        return True

    def levels(self, list_: str) -> Mapping[int, _Level]:
        """Return the levels of a list style, numbered from 1."""
        return self._levels.get(list_, {})


def _read_level(level: Any) -> _Level:
    if not level.tag.endswith(("}list-level-style-number", "}outline-level-style")):
        return _Level("bullet")
    return _Level(
        _KINDS.get(attribute(level, "num-format"), "decimal") if attribute(level, "num-format") else "",
        attribute(level, "num-prefix"),
        attribute(level, "num-suffix"),
        _integer(attribute(level, "start-value"), 1),
        _integer(attribute(level, "display-levels"), 1),
    )


def _integer(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else otherwise


@dataclass
class _Counts:
    """The current number of each level of a list, from level 1."""

    numbers: dict[int, int] = field(default_factory=dict)

    def next(self, level: int, levels: Mapping[int, _Level], given: str) -> str:
        """Count a paragraph at a level and return its label."""
        here = levels[level]
        self.restart(level + 1)
        self.numbers[level] = _integer(given, self.numbers.get(level, here.start - 1) + 1)
        shown = range(max(1, level - here.shown + 1), level + 1)
        written = [
            number_as(levels[one].kind, self.numbers.setdefault(one, levels[one].start))
            for one in shown
            if one in levels and levels[one].kind not in ("", "bullet")
        ]
        return f"{here.before}{'.'.join(written)}{here.after}".strip()

    def restart(self, level: int) -> None:
        """Reset the numbers of this level and all deeper levels."""
        self.numbers = {one: number for one, number in self.numbers.items() if one < level}


class _Document:
    """Builds the outline of a document, without recursion."""

    def __init__(self, styles: _Styles) -> None:
        self._styles = styles
        self._outline = Outline()
        self._headings = _Counts()
        self._lists = list[tuple[str, _Counts]]()  # the open lists: style and counts
        self._by_id = dict[str, _Counts]()
        self._by_style = dict[str, _Counts]()
        self._items = list[Any]()  # the open items, None once they have their first paragraph
        self._notes = list[tuple[str, str]]()

    def text(self, body: Any) -> str:
        """Return the text of a document's body."""
        walk = etree.iterwalk(body, events=("start", "end"))
        for event, element in walk:
            name = _name(element)
            if event == "end":
                self._close(name)
            elif name in _LEFT_OUT:
                walk.skip_subtree()
            elif name == "note":
                self._note(element)
                walk.skip_subtree()
            elif name == "table" and _is_table(element):
                self._table(element)
                walk.skip_subtree()
            else:
                self._open(name, element)
        for label, words in self._notes:
            self._outline.item(0, label, words)
        return self._outline.text()

    def _open(self, name: str, element: Any) -> None:
        if name == "list":
            self._lists.append(self._list(element))
        elif name in ("list-item", "list-header"):
            self._items.append(element if name == "list-item" else None)
        elif name in ("p", "h"):
            self._paragraph(element, is_heading=name == "h")

    def _close(self, name: str) -> None:
        if name == "list" and self._lists:
            self._lists.pop()
        elif name in ("list-item", "list-header") and self._items:
            self._items.pop()

    def _list(self, element: Any) -> tuple[str, _Counts]:
        """Return the (style, counts) of a list, which is new or continues an earlier list."""
        style = attribute(element, "style-name") or (self._lists[-1][0] if self._lists else "")
        if self._lists:
            counts = self._lists[-1][1]
            if attribute(element, "continue-numbering") != "true":
                counts.restart(len(self._lists) + 1)
        else:
            known = self._by_id.get(attribute(element, "continue-list"))
            if known is None and attribute(element, "continue-numbering") == "true":
                known = self._by_style.get(style)
            counts = known or _Counts()
        self._by_style[style] = counts
        if name := attribute(element, "id"):
            self._by_id[name] = counts
        return style, counts

    def _paragraph(self, element: Any, *, is_heading: bool) -> None:
        words = _words(element)
        if not words:
            return
        style = attribute(element, "style-name")
        named = self._styles.named(style)
        item = self._items[-1] if self._items else None
        label = self._label(item) if item is not None and self._lists else None  # a damaged file has items alone
        if item is not None:
            self._items[-1] = None
        if is_heading:
            level = _integer(attribute(element, "outline-level"), 1)
            if not self._lists and attribute(element, "is-list-header") != "true":
                label = self._heading_label(level, style)
            self._outline.heading(level, f"{label} {words}" if label else words)
        elif named == "Title":
            self._outline.heading(1, words)
        elif match := _HEADING.fullmatch(named):
            # Other programs store a numbered heading as a paragraph in a list.
            self._outline.heading(int(match[1]), f"{label} {words}" if label else words)
        elif label is None:
            self._outline.paragraph(words)
        else:
            self._outline.item(len(self._lists) - 1, label, words)

    def _label(self, item: Any) -> str | None:
        """Return the label of an item: "" for a bullet, None at a level without numbers or bullets."""
        style, counts = self._lists[-1]
        level, levels = len(self._lists), self._styles.levels(style)
        nearest = max((one for one in levels if one <= level), default=0)
        if not nearest or levels[nearest].kind == "bullet":
            return ""
        # A level without a style uses the style of the nearest level above.
        return counts.next(level, {**levels, level: levels[nearest]}, attribute(item, "start-value")) or None

    def _heading_label(self, level: int, style: str) -> str:
        levels = self._styles.levels(_OUTLINE)
        if level not in levels or not levels[level].kind or not self._styles.numbers_headings(style):
            return ""
        return self._headings.next(level, levels, "")

    def _note(self, element: Any) -> None:
        label = find_text(element, "note-citation")
        words = _all_words(element)
        if words:
            self._notes.append((f"{label}.", words))

    def _table(self, table: Any) -> None:
        """Add a table.

        Repeat the text of a cell that spans rows in each row; of one that spans columns, only in the header.
        """
        rows, has_header = list[list[str]](), False
        above = dict[int, tuple[int, str]]()  # column -> number of further rows that a cell covers, and its text
        for row in _own_rows(table):
            in_header = _name(row.getparent()) == "table-header-rows"
            has_header = has_header or (in_header and not rows)
            cells = list[str]()
            for cell in _written_cells(row, above):
                words = _all_words(cell) if cell is not None else ""
                spanned = _integer(attribute(cell, "number-rows-spanned"), 1) if cell is not None else 1
                times = _integer(attribute(cell, "number-columns-repeated"), 1) if cell is not None else 1
                for _ in range(min(times, _MOST_COLUMNS)):
                    at = len(cells)
                    left, held = above.pop(at, (0, ""))
                    if cell is None or _name(cell) == "covered-table-cell":
                        words = held if left else cells[-1] if in_header and cells else ""
                    else:
                        left, held = spanned, repeated_cell(words)
                    if left > 1:
                        above[at] = (left - 1, held)
                    cells.append(words)
            if len(cells) > _MOST_COLUMNS:
                del cells[_MOST_COLUMNS:]
            rows.append(cells)
        self._outline.table(rows, True if has_header and len(rows) > 1 else None)
        for note in table.iter("{*}note"):
            self._note(note)


def _written_cells(row: Any, above: Mapping[int, object]) -> Iterator[Any]:
    """Yield the cells of a row, and None for each covered cell that the file omits.

    Some programs omit covered cells. `above` has the columns that cells of rows above cover.
    """
    written = list(row.iterchildren("{*}table-cell", "{*}covered-table-cell"))
    if any(_name(cell) == "covered-table-cell" for cell in written):
        yield from written
        return
    column, covered = 0, set(above)
    for cell in written:
        while column in covered:
            yield None
            column += 1
        yield cell
        wide = min(_integer(attribute(cell, "number-columns-spanned"), 1), _MOST_COLUMNS)
        yield from [None] * (wide - 1)
        column += wide - 1 + min(_integer(attribute(cell, "number-columns-repeated"), 1), _MOST_COLUMNS)
    while column in covered:
        yield None
        column += 1


def _name(element: Any) -> str:
    return str(element.tag.rpartition("}")[2])


def _words(paragraph: Any) -> str:
    """Return the text of a paragraph without its notes, frames and comments."""
    parts = list[str]()
    walk = etree.iterwalk(paragraph, events=("start", "end"))
    for event, element in walk:
        name = _name(element)
        if event == "start":
            if name in _INSIDE or name in _LEFT_OUT:
                walk.skip_subtree()
                continue
            parts.append(" " if name in ("s", "tab") else "\n" if name == "line-break" else element.text or "")
        elif element is not paragraph:
            parts.append(element.tail or "")
    return "".join(parts).strip()


def _all_words(element: Any) -> str:
    """Return the text of all paragraphs in a cell or note, without nested notes and comments."""
    parts = list[str]()
    walk = etree.iterwalk(element, events=("start",))
    for _, inner in walk:
        name = _name(inner)
        if inner is not element and (name in _LEFT_OUT or name == "note"):
            walk.skip_subtree()
        elif name in ("p", "h"):
            parts.append(_words(inner))
    return " ".join(filter(None, parts))


def _own_rows(table: Any) -> Iterator[Any]:
    """Yield the rows of a table, without those of nested tables."""
    for row in table.iter("{*}table-row"):
        if next(row.iterancestors("{*}table")) is table:
            yield row


def _is_table(table: Any) -> bool:
    """True for a data table, False for a layout table.

    A layout table has a single column, or contains tables or headings.
    """
    if any(True for _ in table.iterdescendants("{*}table", "{*}h")):
        return False
    return any(sum(1 for _ in row.iterchildren("{*}table-cell")) > 1 for row in _own_rows(table))
