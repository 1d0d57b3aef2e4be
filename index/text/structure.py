"""Division of a text into blocks: headings, lists, steps, table rows, questions with answers, paragraphs. Pure.

Every offset counts code points of the stored text. The readers of all formats write lists and headings as Markdown, so
this module treats all formats alike.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index.text.aligned import aligned_tables
from index.text.layout import LINE_LEVEL, Span, blocks, fenced, heading_level, is_row
from index.text.layout import LayoutBlock as Run
from index.text.marks import inside_fences
from index.text.sentences import sentences

BlockKind = Literal["heading", "paragraph", "list", "steps", "item", "pair", "rows", "code"]

_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_BULLET = re.compile(r"(?P<mark>[•◦▪‣·*+–—-])\s+(?=\S)")
_NUMBER = re.compile(
    r"(?P<mark>\d{1,3}(?:\.\d{1,3})+\.?(?!\s+[a-z])|(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|\((?:\d{1,3}|[a-z]|[ivx]{1,4})\)|[A-Z]{1,2}\d{1,3}[.:)]?)"
    r"\s+(?=\S)"
)
"""Includes clauses ("3.1") and codes ("D1"); they begin items only if several lines of the same kind follow."""
_AMBIGUOUS = re.compile(r"\d+(?:\.\d+)+\.?|[A-Z]{1,2}\d+[.:)]?|\d{1,3}\)")
_HASHES = re.compile(r"(#{1,6})\s+(?=\S)")
_ASKED = re.compile(r"(?:Q|Question|F|Frage)\s*\d*\s*[:.)]\s+(?=\S)", re.IGNORECASE)
_ANSWERED = re.compile(r"(?:A|Answer|Antwort)\s*\d*\s*[:.)]\s+(?=\S)", re.IGNORECASE)
_QUESTION = re.compile(r"[*_]{0,3}[^\W_][^\n]{2,150}\?[*_]{0,3}")
"""A line that is a question; the lines below it are the answer."""
_ENDS = re.compile(r"[.!?…:;,][\"'”’)\]]*$")
_SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*$")
_KEY = re.compile(r"[^:]{1,30}: \S")
_LONGEST_HEADING = 60
_LONGEST_QUESTION = 150
NESTED = 2
"""Minimum indent of a nested item relative to its parent, in columns."""
_WRAP = 55
"""The next line continues a line of at least this many characters."""


@dataclass(frozen=True)
class Block:
    """A block of a text: `text[start:end]`, marks included.

    `level` is the level of a heading, from 1, or the depth of an item, from 0. `parent` is the number of the parent
    block: for an item, its outer item or its list; else the heading above, or None at the top. An item includes its
    nested items. `inner` is the offset of the text after the mark of an item, heading or answer.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    parent: int | None = None
    inner: int = 0


@dataclass(frozen=True)
class Structure:
    """The blocks of a text, sorted by start."""

    text: str
    blocks: tuple[Block, ...]

    def at(self, start: int, end: int) -> list[int]:
        """Return the numbers of all blocks around `text[start:end]`, innermost first."""
        last = bisect_right(self.blocks, start, key=lambda block: block.start)
        around = [n for n in range(last) if self.blocks[n].start <= start and end <= self.blocks[n].end]
        return sorted(around, key=lambda n: (self.blocks[n].end - self.blocks[n].start, -n))

    def items(self, number: int) -> list[Block]:
        """Return the direct items of a list or of an item."""
        return [one for one in self.blocks if one.kind == "item" and one.parent == number]

    def under(self, number: int) -> list[int]:
        """Return the numbers of all blocks under a heading and its subheadings."""
        found = {number}
        for n, block in enumerate(self.blocks):
            if block.parent in found:
                found.add(n)
        return sorted(found - {number})

    def path(self, number: int) -> list[Block]:
        """Return the headings above a block, outermost first."""
        above = list[Block]()
        parent = self.blocks[number].parent
        while parent is not None:
            if self.blocks[parent].kind == "heading":
                above.append(self.blocks[parent])
            parent = self.blocks[parent].parent
        return above[::-1]


def structure(text: str) -> Structure:
    """Divide a text into blocks."""
    drawn = [(table.start, table.end) for table in aligned_tables(text)]
    builder = _Builder(text, drawn)
    for run in _with_loose_lists(text, [run for run in blocks(text) if run.kind != "boilerplate"]):
        in_table = is_row(text[run.start : run.end]) or builder.drawn_at(run.start) is not None
        if run.kind in ("title", "heading") and not in_table:
            hashes = _HASHES.match(text, run.start, run.end)
            level = 1 if run.kind == "title" and not hashes else heading_level(text, run.start)
            inner = next(_lines(text, run.start, run.end)).inner if run.kind == "heading" else run.start
            builder.heading(run.start, run.end, level, hashes.end() if hashes else inner)
        else:
            builder.add(list(_lines(text, run.start, run.end)))
    return Structure(text, tuple(builder.blocks))


def _with_loose_lists(text: str, runs: Sequence[Run]) -> Iterator[Run]:
    """Yield the runs of lines; join runs that are items of one list separated by blank lines.

    Nested items are joined too.
    """
    current: Run | None = None
    first, nests = _NO_ITEM, False
    for run in runs:
        opening = _opening_item(text, run)
        deeper = bool(opening.shape) and opening.indent >= first.indent + NESTED
        alike = opening.shape == first.shape and (nests or (opening.others_deeper and first.others_deeper))
        if current and first.shape and (deeper or alike):
            current, nests = replace(current, end=run.end), nests or deeper
            continue
        if current:
            yield current
        current, first, nests = run, opening, False
    if current:
        yield current


@dataclass(frozen=True)
class _Opening:
    """How a run of lines begins: the shape of its mark ("" without one) and the column of the mark.

    `others_deeper` is true if all other marks in the run are deeper.
    """

    shape: str = ""
    indent: int = 0
    others_deeper: bool = False


_NO_ITEM = _Opening()


def _opening_item(text: str, run: Run) -> _Opening:
    """Return the opening of a run of lines."""
    if run.kind != "text" or " | " in text[run.start : run.end]:
        return _NO_ITEM
    lines = _lines(text, run.start, run.end)
    first = next(lines, None)
    if not first or not first.mark:
        return _NO_ITEM
    others_deeper = all(line.indent >= first.indent + NESTED for line in lines if line.mark)
    return _Opening(mark_shape(first.mark), first.indent, others_deeper)


class _Builder:
    """Builds blocks from lines."""

    def __init__(self, text: str, drawn: Sequence[Span] = ()) -> None:
        self._text = text
        self._drawn = drawn  # the tables drawn with blanks
        self._open = list[int]()  # the headings above the current line, outermost first
        self.blocks = list[Block]()

    def drawn_at(self, place: int) -> Span | None:
        """Return the table drawn with blanks around a place, None if there is none."""
        before = bisect_right(self._drawn, place, key=lambda table: table[0])
        return self._drawn[before - 1] if before and place < self._drawn[before - 1][1] else None

    def heading(self, start: int, end: int, level: int, inner: int) -> None:
        """Add a heading."""
        while self._open and self.blocks[self._open[-1]].level >= level:
            self._open.pop()
        self._add("heading", start, end, inner, level)
        self._open.append(len(self.blocks) - 1)

    def add(self, lines: Sequence[_Line]) -> None:
        """Add the blocks of a run of lines."""
        group = list[_Line]()
        ends = fenced([self._text[line.start : line.end] for line in lines])
        inside = -1
        for number, line in enumerate(lines):
            if number in ends:
                if group:
                    self._close(group)
                group, inside = [], ends[number]
                start, end = line.start, lines[inside].end
                self._add("code", start, end, inside_fences(self._text, start, end)[0])
            if number <= inside:
                continue
            if table := self.drawn_at(line.start):
                if group:
                    self._close(group)
                group = []
                last = self.blocks[-1] if self.blocks else None
                if last and last.kind == "rows" and last.start == table[0]:
                    self.blocks[-1] = replace(last, end=line.end)
                else:
                    self._add("rows", line.start, line.end, line.start)
                continue
            if group and _begins_block(self._text, group, line):
                self._close(group)
                group = []
            group.append(line)
        if group:
            self._close(group)

    def _close(self, group: Sequence[_Line]) -> None:
        text, start, end = self._text, group[0].start, group[-1].end
        if group[0].mark and sum(bool(line.mark) for line in group) > 1:
            self._list(group)
        elif _opens_a_section(text, group):
            self.heading(start, group[0].end, LINE_LEVEL, group[0].inner)
            self.add(group[1:])
        elif question := _ASKED.match(text, start):
            answer = next((line for line in group[1:] if _ANSWERED.match(text, line.start)), None)
            found = _ANSWERED.match(text, answer.start) if answer else None
            self._add("pair" if found else "paragraph", start, end, found.end() if found else question.end())
        elif len(group) > 1 and _QUESTION.fullmatch(text, group[0].inner, group[0].end) and not group[1].mark:
            self._add("pair", start, end, group[1].start)
        elif all(_is_row(text, line) for line in group):
            last = self.blocks[-1] if self.blocks else None
            if (
                last
                and last.kind == "rows"
                and text[start] != "|"
                and _same_table(columns(text, last.start), columns(text, start))
            ):
                self.blocks[-1] = replace(last, end=end)
            else:
                self._add("rows", start, end, start)
        else:
            is_code = group[0].mark[-1:].isdigit() and group[0].mark[:1].isalpha()
            self._add("paragraph", start, end, start if is_code else group[0].inner)

    def _list(self, group: Sequence[_Line]) -> None:
        last = self.blocks[-1] if self.blocks else None
        if last and last.kind == "paragraph":
            asks = _question_at_the_end(self._text, last)
            if asks is not None and asks > last.inner:
                self.blocks[-1] = replace(last, end=last.start + len(self._text[last.start : asks].rstrip()))
                self.heading(asks, last.end, LINE_LEVEL, asks)
            elif asks is not None or _stands_as_heading(self._text[last.inner : last.end]):
                self.blocks.pop()
                self.heading(last.start, last.end, LINE_LEVEL, last.inner)
        number = len(self.blocks)
        kind: BlockKind = "list" if _BULLET.match(self._text, group[0].start) else "steps"
        self._add(kind, group[0].start, group[-1].end, group[0].start)
        shapes = Counter(mark_shape(line.mark) for line in group if line.mark)
        items = [n for n, line in enumerate(group) if line.mark and _is_item_in(group[0], line, shapes)]
        levels = depths([group[n].indent for n in items], [mark_shape(group[n].mark) for n in items])
        open_items = [number]  # the list, then the open items, outermost first
        for place, (n, level) in enumerate(zip(items, levels, strict=True)):
            after = (m for m, other in zip(items[place + 1 :], levels[place + 1 :], strict=True) if other <= level)
            end = group[next(after, len(group)) - 1].end
            open_items = open_items[: level + 1]
            open_items.append(len(self.blocks))
            self.blocks.append(Block("item", group[n].start, end, level, open_items[level], group[n].inner))

    def _add(self, kind: BlockKind, start: int, end: int, inner: int, level: int = 0) -> None:
        self.blocks.append(Block(kind, start, end, level, self._open[-1] if self._open else None, inner))


def depths(indents: Sequence[int], shapes: Sequence[str]) -> list[int]:
    """Return the depth of each list item, from 0, by the columns and kinds of marks.

    An item with another kind of mark is nested if its mark is one column deeper. With the same kind it must be two
    columns deeper, because numbers may be right-aligned.

    >>> depths([0, 4, 6, 4, 0, 1], ["-"] * 6)
    [0, 1, 2, 1, 0, 0]
    """
    levels = list[int]()
    open_items = list[tuple[int, str]]()  # the open items, outermost first
    for indent, shape in zip(indents, shapes, strict=True):
        while open_items and indent < open_items[-1][0] + (NESTED if shape == open_items[-1][1] else 1):
            open_items.pop()
        levels.append(len(open_items))
        open_items.append((indent, shape))
    return levels


def _is_item_in(first: _Line, line: _Line, shapes: Mapping[str, int]) -> bool:
    """False for a line in an item that may be the rest of a sentence.

    Such a line begins with an ambiguous mark ("A4 paper", "2.5 Litres"), and no other line in the group has the same
    kind of mark.
    """
    return line.indent <= first.indent or not _AMBIGUOUS.fullmatch(line.mark) or shapes[mark_shape(line.mark)] > 1


def _question_at_the_end(text: str, block: Block) -> int | None:
    """Return the start of a paragraph's last sentence if it is a question, else None."""
    start, end = sentences(text, block.inner, block.end)[-1]
    return start if text[end - 1] == "?" and end - start <= _LONGEST_QUESTION else None


def _same_table(above: list[str], below: list[str]) -> bool:
    """True if two rows have the columns of one table in the same order, ignoring empty cells."""
    shared = set(above) & set(below)
    fewer = min(above, below, key=len)
    in_order = [name for name in above if name in shared] == [name for name in below if name in shared]
    return bool(shared) and len(shared) == len(set(fewer)) and in_order


def _opens_a_section(text: str, group: Sequence[_Line]) -> bool:
    """True if the first line of a paragraph is a heading above sentences or items."""
    if len(group) < 2 or not _stands_as_heading(text[group[0].inner : group[0].end]) or _is_row(text, group[0]):
        return False
    others = [line for line in group[1:] if line.mark or _SENTENCE.search(text[line.start : line.end])]
    return bool(others) and (bool(group[1].mark) or group[1] in others or group[1].end - group[1].start >= _WRAP)


def _stands_as_heading(line: str) -> bool:
    """True for a short line that is not a sentence, a lead-in ("Tools:") or a value ("Date: May")."""
    short = len(line) <= _LONGEST_HEADING and len(line.split()) <= 8 and "\n" not in line
    opens = line[:1].isalnum() and not line[:1].islower()
    return short and opens and not _ENDS.search(line) and not _KEY.match(line)


def columns(text: str, start: int) -> list[str]:
    """Return the column names of the table whose first row begins at `start`; the first row if blanks draw it."""
    line = text[start : (text.find("\n", start) + 1 or len(text) + 1) - 1].strip()
    if line[:1] == "|":
        return [cell.strip() for cell in line.strip("|").split("|")]
    if " | " not in line and "  " in line:
        return re.split(r" {2,}", line)
    names = [cell.partition(": ") for cell in line.split(" | ")]
    return [name.strip() if colon or number else "" for number, (name, colon, _) in enumerate(names)]


@dataclass(frozen=True)
class _Line:
    start: int
    end: int
    indent: int
    mark: str
    inner: int
    after_blank: bool


def _lines(text: str, start: int, end: int) -> Iterator[_Line]:
    previous = start
    # The run starts after the indent of its first line, but the depth depends on the indent.
    begin = text.rfind("\n", 0, start) + 1
    for match in _LINE.finditer(text, begin if not text[begin:start].strip() else start, end):
        words = match.group().strip()
        if not words:
            continue
        first = match.start() + len(match.group()) - len(match.group().lstrip())
        mark = _BULLET.match(text, first, match.end()) or _NUMBER.match(text, first, match.end())
        blank = text.count("\n", previous, first) > 1
        yield _Line(
            first,
            first + len(words),
            _width(text[match.start() : first]),
            mark["mark"] if mark else "",
            mark.end() if mark else first,
            blank,
        )
        previous = first + len(words)


def _width(space: str) -> int:
    return len(space.expandtabs(4)) if "\t" in space else len(space)


def _begins_block(text: str, group: list[_Line], line: _Line) -> bool:
    """True if `line` begins a new block."""
    first = group[0]
    if len(group) == 1 and not (line.mark or line.after_blank) and _stands_as_heading(text[first.inner : first.end]):
        return False  # the line below decides whether this is a heading
    if first.mark:
        continues = bool(line.mark) and mark_shape(first.mark) == mark_shape(line.mark)
        inside = line.indent > first.indent and not line.after_blank
        wrapped = not line.mark and not line.after_blank and _goes_on(text, group[-1], line)
        wrapped = wrapped and (line.indent >= first.indent or text[line.start].islower())
        return not (continues or inside or wrapped or (line.mark and line.indent > first.indent))
    if _ASKED.match(text, first.start):
        return bool(_ASKED.match(text, line.start))
    if line.mark or _ASKED.match(text, line.start):
        return True
    return line.after_blank or _is_row(text, first) != _is_row(text, line)


def _goes_on(text: str, before: _Line, line: _Line) -> bool:
    """True if a line continues the sentence or item of the line before."""
    if line.indent > before.indent or text[line.start].islower():
        return True
    return before.end - before.start >= _WRAP and not _KEY.match(text, line.start, line.end)


def mark_shape(mark: str) -> str:
    """Return the kind of a mark: equal for "1." and "12.", not for "1.1" or "D1"."""
    return re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "0", mark)))


def _is_row(text: str, line: _Line) -> bool:
    return is_row(text[line.start : line.end]) or text[line.start] == "|" == text[line.end - 1]
