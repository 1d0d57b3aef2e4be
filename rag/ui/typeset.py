"""Lays out the stored text of a source as headings, paragraphs, items, tables and code: spans of the text. Pure.

No text is shown twice. Only white space and structural marks are left out: heading marks, bullets, bars and repeated
column names of tables, code fences, and in Markdown the marks of bold, italics and code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal

from index.text.front_matter import read_front_matter
from index.text.layout import LayoutBlock, Span, blocks, is_item
from index.text.structure import depths, mark_shape

SpanKind = Literal["title", "heading", "paragraph", "lines", "item", "code", "table", "rule", "quiet"]
Style = Literal["", "strong", "em", "code"]


@dataclass(frozen=True)
class TextRun:
    """Displayed text, `text[start:end]`, with its style."""

    start: int
    end: int
    style: Style = ""


CellRuns = tuple[TextRun, ...]


@dataclass(frozen=True)
class Part:
    """A unit of the layout, `text[start:end]`; the display shows its `runs`.

    A table shows its `rows` under the column `names` (all "" if unknown) and the name of its sheet; if its level is not
    0, its first row names the columns. `level` is the level of a heading (1 to 6) or the depth of an item. "lines" keep
    line breaks and indents, as code does. "quiet" is boilerplate, or front matter if its level is not 0.
    """

    kind: SpanKind
    start: int
    end: int
    runs: CellRuns = ()
    level: int = 0
    names: tuple[str, ...] = ()
    rows: tuple[tuple[CellRuns, ...], ...] = ()
    sheet: str = ""

    @property
    def is_front_matter(self) -> bool:
        """True for metadata at the start of a file."""
        return self.kind == "quiet" and self.level > 0

    def cut(self, at: int) -> tuple[Part, Part]:
        """Split the part at offset `at`. A table row is never split."""
        one = replace(
            self,
            end=min(self.end, at),
            runs=tuple(replace(run, end=min(run.end, at)) for run in self.runs if run.start < at),
            rows=tuple(row for row in self.rows if _start(row) < at),
        )
        other = replace(
            self,
            start=max(self.start, at),
            runs=tuple(replace(run, start=max(run.start, at)) for run in self.runs if run.end > at),
            rows=tuple(row for row in self.rows if _start(row) >= at),
        )
        return one, other


def _start(row: Sequence[CellRuns]) -> int:
    return next((run.start for cell in row for run in cell), 0)


def typeset(
    text: str,
    first: int = 0,
    last: int | None = None,
    *,
    markdown: bool = False,
    sheets: Mapping[int, str] | None = None,
) -> list[Part]:
    """Return the parts of `text[first:last]` in order.

    `sheets` maps the offset of each row of a table file to the name of its sheet.

    >>> [part.kind for part in typeset("Mills\\n\\n## Water\\n\\nThe mill grinds all day.")]
    ['title', 'heading', 'paragraph']
    """
    last = len(text) if last is None else last
    setter = _Setter(text, markdown, sheets or {})
    at = first
    for fence in _FENCE.finditer(text, first, last) if markdown else ():
        setter.set(at, fence.start(), at_top=at == 0)
        setter.parts.append(Part("code", fence.start(), fence.end(), (TextRun(*fence.span("code")),)))
        at = fence.end()
    setter.set(at, last, at_top=at == 0)
    return list(_nested(text, setter.parts))


def _nested(text: str, parts: Sequence[Part]) -> Iterator[Part]:
    """Yield the parts; replace the level of items, the column of their mark, by their depth."""
    for are_items, group in groupby(parts, lambda part: part.kind == "item"):
        items = list(group)
        if not are_items:
            yield from items
            continue
        shapes = [mark_shape(text[one.start : one.end].split(maxsplit=1)[0]) for one in items]
        for one, level in zip(items, depths([one.level for one in items], shapes), strict=True):
            yield replace(one, level=min(level, _DEEPEST))


_FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)(?:^(?P=fence)[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_HEADING = re.compile(r"(#{1,6})\s+(?=\S)")
_BULLET = re.compile(r"[•◦▪‣·*+-]\s+(?=\S)")
_NUMBERED = re.compile(r"(?:\d{1,3}[.)]|[a-z][.)])\s+\S")
_RULE = re.compile(r"(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|={3,}")
_DIVIDER = re.compile(r"\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)+\|?|\|\s*:?-{3,}:?\s*\|")
_STYLED = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|(?P<strong>(?:\*\*|__)(?=\S)(?:[^*_]|(?<=\w)_(?=\w))+(?<=\S)(?:\*\*|__))(?![*_])"
    r"|(?<![\w*])\*(?P<em>(?=[^\s*])[^*\n]+(?<=\S))\*(?![\w*])"
)
_BAR = " | "
_NAMED = re.compile(r"(?P<name>[^|]{1,80}?): (?=\S)")
_ENDS = re.compile(r"[.!?…:。！？][\"'”’)\]]*$")
_DEEPEST = 8
"""Maximum depth of an item; deeper items are shown at this depth."""
_LONG_LINE, _SHORT_LINE = 110, 30
"""A sentence end on a longer line ends the paragraph; lines shorter than the second value were not wrapped."""


@dataclass(frozen=True)
class _Line:
    """A line without surrounding white space, `text[start:end]`; `indent` is its first column."""

    start: int
    end: int
    indent: int
    text: str


class _Setter:
    """Lays out consecutive slices of a text and collects their `parts`."""

    def __init__(self, text: str, markdown: bool, sheets: Mapping[int, str]) -> None:
        self._text, self._markdown, self._sheets = text, markdown, sheets
        self.parts: list[Part] = []

    def set(self, first: int, last: int, *, at_top: bool) -> None:
        """Lay out `text[first:last]`. Only the top of a text has a title and front matter."""
        slice_ = self._text[first:last]
        front = read_front_matter(slice_).end
        rows: list[_Line] = []
        for block in blocks(slice_):
            block = LayoutBlock(block.kind, block.start + first, block.end + first)
            lines = list(self._lines(block))
            if block.start in self._sheets or (block.kind == "title" and not at_top):
                signs = block.start not in self._sheets and _HEADING.match(lines[0].text)
                block = LayoutBlock("heading" if signs else "text", block.start, block.end)
            if block.kind == "text" and self._are_rows(lines):
                if rows and self._sheets.get(rows[-1].start) != self._sheets.get(lines[0].start):
                    self._table(rows)
                    rows = []
                rows += lines
                continue
            self._table(rows)
            rows = []
            if block.kind == "text":
                self._block(lines)
            elif block.kind == "boilerplate":
                runs = (TextRun(block.start, block.end),)
                self.parts.append(Part("quiet", block.start, block.end, runs, level=int(block.start < first + front)))
            else:
                self._heading(block.kind, lines[0])
        self._table(rows)

    def _lines(self, block: LayoutBlock) -> Iterator[_Line]:
        for match in _LINE.finditer(self._text, block.start, block.end):
            stripped = match.group().strip()
            if stripped:
                start = match.start() + match.group().index(stripped[0])
                margin = max(self._text.rfind(end, 0, start) for end in "\n\r") + 1
                indent = len(self._text[margin:start].expandtabs(4))
                yield _Line(start, start + len(stripped), indent, stripped)

    def _are_rows(self, lines: Sequence[_Line]) -> bool:
        bars = all(_BAR in line.text or line.start in self._sheets for line in lines)
        return bars and not self._divided(lines)

    def _heading(self, kind: Literal["title", "heading"], line: _Line) -> None:
        signs = _HEADING.match(line.text)
        start, end = line.start, line.end
        if signs:
            start += signs.end()
            bare = line.text.rstrip("#")
            end = line.start + len(bare.rstrip()) if bare[-1:].isspace() else end
        level = len(signs[1]) if signs else 2
        self.parts.append(Part(kind, line.start, line.end, self._runs(start, end), level))

    def _runs(self, start: int, end: int) -> CellRuns:
        """Return the runs of `text[start:end]`; in Markdown, bold, italics and code are separate runs."""
        if not self._markdown:
            return (TextRun(start, end),)
        runs: list[TextRun] = []
        at = start
        for found in _STYLED.finditer(self._text, start, end):
            style: Style = "code" if found["code"] else "em" if found["em"] else "strong"
            inside = found.span(style) if style != "strong" else (found.start() + 2, found.end() - 2)
            runs += [TextRun(at, found.start()), TextRun(*inside, style)]
            at = found.end()
        return tuple(run for run in (*runs, TextRun(at, end)) if run.start < run.end)

    # --- paragraphs and lists -----------------------------------------------------------------------------------------

    def _block(self, lines: Sequence[_Line]) -> None:
        plain: list[_Line] = []
        number = 0
        while number < len(lines):
            line = lines[number]
            if self._divided(lines[number : number + 2]):
                self._paragraph(plain)
                plain = []
                number += self._drawn_table(lines[number:])
                continue
            if self._markdown and _RULE.fullmatch(line.text):
                self._underline(plain, line)
                plain = []
            elif _BULLET.match(line.text) or (is_item(line.text) and _NUMBERED.match(line.text)):
                self._paragraph(plain)
                plain = []
                number += self._item(lines[number:])
                continue
            else:
                plain.append(line)
            number += 1
        self._paragraph(plain)

    def _underline(self, above: list[_Line], line: _Line) -> None:
        """Add a line of dashes: a heading with a single line above it, else a rule."""
        if len(above) == 1 and line.text[0] in "=-":
            level = 1 if line.text[0] == "=" else 2
            self.parts.append(
                Part("heading", above[0].start, line.end, self._runs(above[0].start, above[0].end), level)
            )
            return
        self._paragraph(above)
        self.parts.append(Part("rule", line.start, line.end))

    def _item(self, lines: Sequence[_Line]) -> int:
        """Add the item that begins with the first line; return its number of lines."""
        first = lines[0]
        count = 1
        while count < len(lines) and lines[count].indent > first.indent and not is_item(lines[count].text):
            count += 1
        end = lines[count - 1].end
        bullet = _BULLET.match(first.text)
        start = first.start + (bullet.end() if bullet else 0)
        self.parts.append(Part("item", first.start, end, self._runs(start, end), first.indent))
        return count

    def _paragraph(self, lines: Sequence[_Line]) -> None:
        """Add lines as a paragraph if they are wrapped text, else as separate lines."""
        together: list[_Line] = []
        for line in lines:
            together.append(line)
            if len(line.text) > _LONG_LINE and _ENDS.search(line.text):
                self._short(together)
                together = []
        self._short(together)

    def _short(self, lines: Sequence[_Line]) -> None:
        if not lines:
            return
        widest = max(len(line.text) for line in lines)
        broken = widest > _SHORT_LINE and all(len(line.text) > 0.7 * widest for line in lines[:-1])
        margin = lines[0].indent
        kind: SpanKind = (
            "paragraph" if len(lines) == 1 or (broken and all(line.indent == margin for line in lines)) else "lines"
        )
        self.parts.append(Part(kind, lines[0].start, lines[-1].end, self._runs(lines[0].start, lines[-1].end)))

    # --- tables -------------------------------------------------------------------------------------------------------

    def _divided(self, lines: Sequence[_Line]) -> bool:
        """True for the start of a Markdown table: column names, then a line of dashes."""
        return self._markdown and len(lines) > 1 and "|" in lines[0].text and bool(_DIVIDER.fullmatch(lines[1].text))

    def _drawn_table(self, lines: Sequence[_Line]) -> int:
        """Add the Markdown table at the first line; return its number of lines."""
        count = next((n for n, line in enumerate(lines) if "|" not in line.text), len(lines))
        rows = [self._between_bars(line) for line in (lines[0], *lines[2:count])]
        width = max(map(len, rows))
        filled = tuple((*row, *[()] * (width - len(row))) for row in rows)
        self.parts.append(
            Part("table", lines[0].start, lines[count - 1].end, level=1, names=("",) * width, rows=filled)
        )
        return count

    def _between_bars(self, line: _Line) -> tuple[CellRuns, ...]:
        bars = [line.start - 1, *(line.start + m.start() for m in re.finditer(r"(?<!\\)\|", line.text)), line.end]
        inside = [(one + 1, other) for one, other in pairwise(bars)]
        if line.text.startswith("|"):
            inside = inside[1:]
        if line.text.endswith("|") and inside:
            inside = inside[:-1]
        return tuple(self._cell(start, end) for start, end in inside)

    def _cell(self, start: int, end: int) -> CellRuns:
        words = self._text[start:end]
        begin = start + len(words) - len(words.lstrip())
        return self._runs(begin, begin + len(words.strip())) if words.strip() else ()

    def _table(self, lines: Sequence[_Line]) -> None:
        """Add consecutive rows: as tables if they share columns, else as paragraphs."""
        rows = [_Row.of(line) for line in lines]
        at = 0
        while at < len(lines):
            widest = rows[at]
            after = at + 1
            while after < len(rows) and (wider := widest.joined(rows[after])):
                widest = wider
                after += 1
            if after == at + 1:
                self._paragraph(lines[at:after])
            else:
                self._rows(lines[at:after], rows[at:after], widest.names)
            at = after

    def _rows(self, lines: Sequence[_Line], rows: Sequence[_Row], names: tuple[str, ...]) -> None:
        filled = []
        for row in rows:
            cells = dict(zip(row.names, row.cells, strict=True)) if names[0] else dict(enumerate(row.cells))
            keys = names if names[0] else range(len(names))
            filled.append(tuple(self._cell(*cells[key]) if key in cells else () for key in keys))  # type: ignore[index]
        sheet = self._sheets.get(lines[0].start, "")
        self.parts.append(Part("table", lines[0].start, lines[-1].end, names=names, rows=tuple(filled), sheet=sheet))


@dataclass(frozen=True)
class _Row:
    """The cells of a line with bars, and their column names: all "" unless each cell has a different name."""

    names: tuple[str, ...]
    cells: tuple[Span, ...]

    @staticmethod
    def of(line: _Line) -> _Row:
        spans, at = [], line.start
        for words in line.text.split(_BAR):
            spans.append((at, at + len(words)))
            at += len(words) + len(_BAR)
        named = [_NAMED.match(line.text, start - line.start, end - line.start) for start, end in spans]
        names = [found["name"] for found in named if found]
        if len(set(names)) < len(spans):
            return _Row(("",) * len(spans), tuple(spans))
        cells = tuple((line.start + found.end(), end) for found, (_, end) in zip(named, spans, strict=True) if found)
        return _Row(tuple(names), cells)

    def joined(self, other: _Row) -> _Row | None:
        """Return the wider of two rows, or None if the other row has further columns."""
        if not self.names[0] or not other.names[0]:
            return self if self.names == other.names else None
        long, short = (self, other) if len(self.names) >= len(other.names) else (other, self)
        left = iter(long.names)
        return long if all(name in left for name in short.names) else None
