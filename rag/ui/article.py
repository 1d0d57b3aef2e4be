"""The page of one article: its stored text with the quote marked; a PDF is shown page by page, each with its picture.

Pure: returns markup without scripts. Offsets point into the stored text. Only its structure marks are not shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from urllib.parse import urlencode

from index.article import Article
from index.formats import page_word
from index.text.layout import Span
from rag.ui.escape import day, escape
from rag.ui.typeset import CellRuns, Part, typeset

AROUND = 100_000
"""Characters shown on each side of a quote in a very long text."""
_SNAP = 2_000
"""Longest line, in characters, for which a part of a long text is extended to a line boundary."""
_FEWEST_HEADINGS = 3
_MARKDOWN = (".md", ".markdown")
_FROM = {
    "metadata": "from the metadata of the file",
    "front matter": "from its front matter",
    "text": "from its text",
    "file name": "from its file name",
}
_NOTES = {
    "changed": "The file has changed since it was indexed; this is the text that was indexed.",
    "gone": "The file was moved or deleted after it was indexed; this is the text that was indexed.",
    "undrawn": "The pages of the file can't be drawn; this is their text.",
    "cited": "This source has changed since it was cited; the quoted words may be elsewhere in it now.",
    "unfound": "The quoted words were not found on the picture; they are marked in the text.",
}


@dataclass(frozen=True)
class MarkedPlace:
    """The place to open in an article: the quote [start, end) and its `answers` spans.

    `id` is the article id in the citation. `begin` is the offset where another part of a long text begins.
    `conversation` is the id of the conversation that the page links back to.
    """

    start: int = 0
    end: int = 0
    id: str = ""
    answers: tuple[Span, ...] = ()
    begin: int | None = None
    conversation: str = ""


@dataclass(frozen=True)
class Sheets:
    """The page images of a PDF: `sizes` has the width and height of each page.

    `boxes` maps a page, from 0, to the boxes of the quote: (left, top, right, bottom) as shares of the page.
    """

    sizes: Sequence[tuple[float, float]]
    boxes: dict[int, Sequence[Sequence[float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """The file of an article: its `state` is "same", "changed", "gone" or "unknown".

    `sheets` has its page images if they can be drawn.
    """

    state: str = "same"
    sheets: Sheets | None = None
    drawn: bool = True


def article_page(article: Article, place: MarkedPlace, file: File, *, changed: bool = False) -> str:
    """Return the whole page as HTML.

    With `changed` (the text differs from the cited one) no words are marked.
    """
    quote = (place.start, place.end) if place.start < place.end and not changed else (0, 0)
    setter = _Setter(article.text, quote, place.answers)
    first, last = stretch(article.text, quote, place.begin)
    sheets = {row.start: row.sheet for row in article.rows}
    markdown = article.source.lower().endswith(_MARKDOWN)
    parts = typeset(article.text, first, last, markdown=markdown, sheets=sheets)
    title = _title(parts, article, setter)
    contents = _contents(parts, article.text)
    body = _pages(parts, article, file.sheets, setter, place) if article.pages else _parts(parts, setter)
    said = [name for name, is_so in (("cited", changed), (file.state, True), ("undrawn", not file.drawn)) if is_so]
    notes = "".join(f'<p class="fn-note">{escape(_NOTES[name])}</p>' for name in said if name in _NOTES)
    quoted = '<p class="fn-to-quote"><a href="#quote">To the quoted words</a></p>' if setter.marked else ""
    before, after = _neighbours(article, place, quote, (first, last))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(article.title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="article.css"></head>'
        f'<body>{_top(article, place, file)}<main class="{"fn-with-pages" if file.sheets else "fn-plain"}">'
        f"<header>{title}{_about(article)}{notes}{contents}{quoted}</header>{before}"
        f'<div class="fn-text" dir="auto">{body}</div>{after}</main></body></html>'
    )


def stretch(text: str, quote: Span, begin: int | None = None) -> Span:
    """Return the span of a text to show: all of a short text.

    Of a very long text, the part around the quote, or the part that starts at `begin`.
    """
    if begin is not None:
        first, last = begin, begin + 2 * AROUND
    elif quote[0] < quote[1]:
        first, last = quote[0] - AROUND, quote[1] + AROUND
    else:
        first, last = 0, 2 * AROUND
    first, last = min(max(0, first), len(text)), min(max(0, last), len(text))
    if first > 0:
        first = text.rfind("\n", max(0, first - _SNAP), first) + 1 or first
    return first, text.find("\n", last, last + _SNAP) + 1 or last


def _top(article: Article, place: MarkedPlace, file: File) -> str:
    back = escape(f"./?{urlencode({'conversation': place.conversation})}" if place.conversation else "./")
    address = escape(f"original?{urlencode({'source': article.source}, errors='replace')}")
    opened = f'<a href="{address}" download>Open the file</a>' if file.state == "same" else ""
    return f'<nav class="fn-ways" aria-label="Ways on"><a href="{back}">Back to the conversation</a>{opened}</nav>'


def _about(article: Article) -> str:
    parts = []
    if article.published:
        parts.append(f"<bdi>{escape(day(article.published))}</bdi>, {_FROM[article.published.origin]}")
    if article.author:
        parts.append(f"by <bdi>{escape(article.author)}</bdi>")
    if article.pages:
        parts.append(f"{len(article.pages):,} {page_word(article.source)}{'' if len(article.pages) == 1 else 's'}")
    parts.append(f"<bdi>{escape(article.source)}</bdi>")
    return f'<p class="fn-meta">{" · ".join(parts)}</p>'


def _title(parts: list[Part], article: Article, setter: _Setter) -> str:
    """Return the heading of the page; a first heading that repeats the article's title is removed from `parts`."""
    at = next((number for number, part in enumerate(parts) if not part.is_front_matter), 0)
    first = parts[at] if parts else None
    words = "".join(article.text[run.start : run.end] for run in first.runs) if first else ""
    if first and first.kind in ("title", "heading") and words.split() == article.title.split():
        del parts[at]
        return setter.anchored(first, f'<h1 class="fn-said" dir="auto">{setter.cell(first.runs)}</h1>')
    return f'<h1 dir="auto">{escape(article.title)}</h1>'


def _contents(parts: Sequence[Part], text: str) -> str:
    headings = [part for part in parts if part.kind in ("title", "heading")]
    if len(headings) < _FEWEST_HEADINGS:
        return ""
    highest = min(part.level for part in headings)
    items = "".join(
        f'<li class="fn-deep-{min(part.level - highest, 3)}" dir="auto"><a href="#at-{part.start}">'
        f"{escape(' '.join(''.join(text[run.start : run.end] for run in part.runs).split()))}</a></li>"
        for part in headings
    )
    return f'<details class="fn-contents"><summary>Contents</summary><ul>{items}</ul></details>'


def _neighbours(article: Article, place: MarkedPlace, quote: Span, shown: Span) -> tuple[str, str]:
    """Return links to the parts before and after the shown part of a very long text, with a note on what is shown."""
    first, last = shown
    whole = len(article.text)
    if first == 0 and last == whole:
        return "", ""

    def link(begin: int, words: str) -> str:
        parameters: dict[str, object] = {"source": article.source, "begin": begin}
        if quote != (0, 0):
            parameters |= {"id": place.id, "start": quote[0], "end": quote[1]}
        if place.conversation:
            parameters["conversation"] = place.conversation
        address = f"article?{urlencode(parameters, errors='replace')}"
        return f'<a href="{escape(address)}">{words}</a>'

    said = f"A long text: characters {first:,} to {last:,} of {whole:,} are shown."
    before = link(max(0, first - 2 * AROUND), "Earlier part") if first > 0 else ""
    after = f'<p class="fn-more">{link(last, "Later part")}</p>' if last < whole else ""
    away = quote != (0, 0) and not first <= quote[0] < last
    back = link(max(0, quote[0] - AROUND), "To the part with the quoted words") if away else ""
    return f'<p class="fn-more">{said} {before} {back}</p>', after


# --- pages ------------------------------------------------------------------------------------------------------------


def _pages(parts: Sequence[Part], article: Article, sheets: Sheets | None, setter: _Setter, place: MarkedPlace) -> str:
    """Return the text page by page, each with its picture if there are `sheets`."""
    near = {page + step for page in cited_pages(article, setter.quote) for step in (-1, 0, 1)} or {0, 1}
    name = page_word(article.source).capitalize()
    made = []
    for number, inside in _by_page(parts, article.pages):
        boxes = sheets.boxes.get(number, ()) if sheets else ()
        picture = _picture(article, number, sheets, boxes, eager=number in near) if sheets else ""
        unfound = sheets and not boxes and number in sheets.boxes
        note = f'<p class="fn-note">{escape(_NOTES["unfound"])}</p>' if unfound else ""
        made.append(
            f'<section class="fn-page" id="page-{number + 1}" aria-label="{name} {number + 1}">'
            f'<p class="fn-page-name">{name} {number + 1}</p>{picture}'
            f'<div class="fn-page-text" dir="auto">{note}{_parts(inside, setter)}</div></section>'
        )
    return "".join(made)


def cited_pages(article: Article, quote: Span) -> range:
    """Return the pages, from 0, that contain the quote."""
    if quote[0] >= quote[1] or not article.pages:
        return range(0)
    return range((article.page(quote[0]) or 1) - 1, article.page(quote[1] - 1) or 1)


def page_span(article: Article, number: int) -> Span:
    """Return the span of page `number`, from 0, in the text."""
    starts = (*article.pages, len(article.text))
    return starts[number], starts[number + 1]


def _by_page(parts: Sequence[Part], starts: Sequence[int]) -> Iterator[tuple[int, list[Part]]]:
    """Yield (page from 0, its parts) for every page that has parts; a part that crosses a page's end is cut there."""
    left = deque(parts)
    if not left:
        return
    last = left[-1].end
    for number, (start, end) in enumerate(pairwise((*starts, max(last, starts[-1]) + 1))):
        inside: list[Part] = []
        while left and left[0].start < end:
            one = left.popleft()
            if one.end > end:
                one, other = one.cut(end)
                left.appendleft(other)
            inside.append(one)
            if one.end == end:
                break
        if inside or (start == end and start < last):
            yield number, inside


def _picture(article: Article, number: int, sheets: Sheets, boxes: Iterable[Sequence[float]], *, eager: bool) -> str:
    if number >= len(sheets.sizes):
        return ""
    width, height = sheets.sizes[number]
    address = escape(
        f"page-picture?{urlencode({'source': article.source, 'id': article.id, 'page': number + 1}, errors='replace')}"
    )
    spots = "".join(
        f'<rect x="{left * width:.2f}" y="{top * height:.2f}" width="{(right - left) * width:.2f}" '
        f'height="{(bottom - top) * height:.2f}"/>'
        for left, top, right, bottom in boxes
    )
    marked = ", the quoted words marked" if spots else ""
    over = f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{spots}</svg>' if spots else ""
    return (
        f'<figure class="fn-sheet"><img src="{address}" width="{round(width * 2)}" height="{round(height * 2)}" '
        f'loading="{"eager" if eager else "lazy"}" alt="Page {number + 1} as it looks{marked}">{over}'
        "</figure>"
    )


# --- the text ---------------------------------------------------------------------------------------------------------


def _parts(parts: Sequence[Part], setter: _Setter) -> str:
    """Return the markup of all parts; consecutive items form one list."""
    made: list[str] = []
    for are_items, group in groupby(parts, lambda part: part.kind == "item"):
        if are_items:
            made.append(_list(list(group), setter))
        else:
            made += [setter.anchored(part, setter.part(part)) for part in group]
    return "".join(made)


def _list(items: Sequence[Part], setter: _Setter) -> str:
    """A list, each item with the deeper ones that follow it as a list inside."""
    made: list[str] = []
    at = 0
    while at < len(items):
        after = next((n for n in range(at + 1, len(items)) if items[n].level <= items[at].level), len(items))
        item = setter.anchored(items[at], setter.part(items[at]))
        inside = _list(items[at + 1 : after], setter) if after > at + 1 else ""
        made.append(f"{item.removesuffix('</li>')}{inside}</li>")
        at = after
    return f"<ul>{''.join(made)}</ul>"


class _Setter:
    """Renders parts with the quote marked in them; `marked` is True once some of the quote is marked."""

    def __init__(self, text: str, quote: Span, answers: Iterable[Span]) -> None:
        self._text = text
        self.quote = quote
        self._answers = sorted(answer for answer in answers if quote[0] <= answer[0] < answer[1] <= quote[1])
        self.marked = False

    def part(self, part: Part) -> str:
        """Return the element of a part."""
        if part.kind == "table":
            return self._table(part)
        if part.kind == "rule":
            return "<hr>"
        words = self.cell(part.runs)
        if part.is_front_matter:
            top = f'<details class="fn-front"{" open" if "<mark" in words else ""}><summary>Front matter</summary>'
            return f'{top}<p class="fn-lines">{words}</p></details>'
        if part.kind in ("title", "heading"):
            level = min(max(part.level, 2), 6)
            return f'<h{level} id="at-{part.start}" dir="auto">{words}</h{level}>'
        if part.kind == "item":
            name = "" if self._bare(part) else ' class="fn-own"'
            return f'<li{name} dir="auto">{words}</li>'
        if part.kind == "code":
            return f'<pre tabindex="0"><code>{words}</code></pre>'
        name = {"lines": ' class="fn-lines"', "quiet": ' class="fn-lines fn-quiet"'}.get(part.kind, "")
        return f'<p{name} dir="auto">{words}</p>'

    def _bare(self, part: Part) -> bool:
        """True if the page draws the bullet of the item, because the item has no number."""
        return not part.runs or part.runs[0].start > part.start

    def _table(self, part: Part) -> str:
        rows = [[self.cell(cell) for cell in row] for row in part.rows]
        head = "".join(f'<th scope="col" class="fn-name" dir="auto">{escape(name)}</th>' for name in part.names if name)
        if part.level and rows:
            head = "".join(f'<th scope="col" dir="auto">{cell}</th>' for cell in rows.pop(0))
        caption = f"<caption>{escape(part.sheet)}</caption>" if part.sheet else ""
        lines = ("".join(f'<td dir="auto">{cell}</td>' for cell in row) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        top = f"<thead><tr>{head}</tr></thead>" if head else ""
        return (
            '<div class="fn-scroll" role="region" aria-label="Table" tabindex="0">'
            f"<table>{caption}{top}<tbody>{body}</tbody></table></div>"
        )

    def cell(self, runs: CellRuns) -> str:
        """Return the text of the runs, each in its style."""
        made = []
        for run in runs:
            words = self._words(run.start, run.end)
            made.append(f"<{run.style}>{words}</{run.style}>" if run.style else words)
        return "".join(made)

    def anchored(self, part: Part, markup: str) -> str:
        """Return the markup of a part, with an anchor if the quote begins in it.

        The anchor is only needed if no word of the quote is shown in the part.
        """
        if self.marked or self.quote == (0, 0) or not part.start <= self.quote[0] < part.end:
            return markup
        self.marked = True
        opening, _, rest = markup.partition(">")
        return f'{opening}><span id="quote"></span>{rest}'

    def _words(self, start: int, end: int) -> str:
        first, last = max(start, self.quote[0]), min(end, self.quote[1])
        if first >= last or not self._text[first:last].strip():
            return escape(self._text[start:end])
        name = "" if self.marked else ' id="quote"'
        self.marked = True
        inside = "".join(self._answering(first, last))
        return f"{escape(self._text[start:first])}<mark{name}>{inside}</mark>{escape(self._text[last:end])}"

    def _answering(self, start: int, end: int) -> Iterator[str]:
        """Yield the markup of `text[start:end]`, with the answering words in bold."""
        at = start
        for one, other in self._answers:
            first, last = max(one, at), min(other, end)
            if first < last:
                yield escape(self._text[at:first])
                yield f"<strong>{escape(self._text[first:last])}</strong>"
                at = last
        yield escape(self._text[at:end])
