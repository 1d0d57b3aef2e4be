"""Reads presentations (PPTX): slides in order, with titles, lists, tables, chart data and speaker notes."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from index.errors import UnreadableSource
from index.formats.archive import attribute, find_text, open_archive, read_part
from index.formats.content import MAX_CHARACTERS, Content, normalized_title
from index.formats.numbering import number_as
from index.formats.outline import Outline
from index.formats.tables import repeated_cell
from index.formats.webpage import with_title

_DECK = "ppt/presentation.xml"
_CORE = "docProps/core.xml"
_NOTES = "Speaker notes"
_TITLES = frozenset({"title", "ctrTitle"})
_BOILERPLATE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
"""Placeholders of dates, footers and slide numbers."""
_BULLETS = frozenset({"buNone", "buChar", "buAutoNum", "buBlip"})
_KINDS = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}  # fmt: skip
_LONGEST_TITLE = 12
"""Maximum words of a line that counts as a title because of its font size."""
_PARAGRAPHS = "{*}txBody/{*}p"
_CONNECTORS = frozenset({"pres", "parTrans", "sibTrans"})
"""Points of a diagram without text by the author."""


def read(path: Path) -> Content:
    """Return the text of a PPTX file.

    Raises:
        UnreadableSource: The file is not a PPTX, is damaged, has a password, has no text or too much.
    """
    with open_archive(path, _DECK) as archive:
        title = author = language = ""
        if _CORE in archive.namelist():
            core = read_part(archive, _CORE)
            title, author, language = (find_text(core, name) for name in ("title", "creator", "language"))
        title = normalized_title(title)
        deck = _Deck(archive)
        slides, length = list[str](), 0
        for number, name in enumerate(deck.slides(), 1):
            slides.append(_slide_text(deck, name, number, title))
            length += len(slides[-1])
            if length > MAX_CHARACTERS:
                raise UnreadableSource(f"holds more than {MAX_CHARACTERS:,} characters of text: split it")
    text = "\n\n".join(slide for slide in slides if slide)
    if not text:
        raise UnreadableSource("holds no text")
    whole = with_title(title, text)
    starts, at = list[int](), len(whole) - len(text)
    for slide in slides:
        starts.append(min(at, len(whole)))
        at += len(slide) + 2 if slide else 0
    # No date: the file's creation date is not the publication date of its text.
    return Content(whole, title, author, None, language, pages=(0, *starts[1:]))


class _Deck:
    """The parts of a presentation. External links are not followed."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())
        self._shared = dict[str, Any]()  # layouts and masters
        self._deck = read_part(archive, _DECK)
        self.defaults = self._deck.find("{*}defaultTextStyle")

    def slides(self) -> Iterator[str]:
        """Yield the part names of the slides in order, without duplicates."""
        related = self.related(_DECK)
        names = [related.get(_relation(one), ("", ""))[1] for one in self._deck.iter("{*}sldId")]
        yield from dict.fromkeys(name for name in names if name)

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """Map the relationship ids of a part to the (kind, name) of the related parts."""
        folder, file = posixpath.split(name)
        relations = f"{folder}/_rels/{file}.rels"
        found = dict[str, tuple[str, str]]()
        if relations in self._names:
            for one in read_part(self._archive, relations).iter("{*}Relationship"):
                target = posixpath.normpath(posixpath.join("/", folder, one.get("Target") or ""))[1:]
                if one.get("TargetMode") != "External" and target in self._names:
                    found[one.get("Id") or ""] = (posixpath.basename(one.get("Type") or ""), target)
        return found

    def part(self, name: str) -> Any:
        """Return the tree of a part, without fallbacks for older programs."""
        root = read_part(self._archive, name)
        for fallback in list(root.iter("{*}Fallback")):
            fallback.getparent().remove(fallback)
        return root

    def above(self, name: str, kind: str) -> tuple[Any, str]:
        """Return the layout of a slide, or the master of a layout, with its part name.

        Returns (None, "") if there is none.
        """
        target = next((part for found, part in self.related(name).values() if found == kind), "")
        if target and target not in self._shared:
            self._shared[target] = self.part(target)
        return self._shared.get(target), target


def _slide_text(deck: _Deck, name: str, number: int, title: str) -> str:
    """Return the text of a slide: title, shapes in screen-reader order, and notes.

    Returns "" for a slide without text.
    """
    root = deck.part(name)
    related = deck.related(name)
    layout, layout_name = deck.above(name, "slideLayout")
    master, _ = deck.above(layout_name, "slideMaster") if layout_name else (None, "")
    shapes = [shape for shape in root.iter("{*}sp", "{*}graphicFrame") if _kind(shape) not in _BOILERPLATE]
    titles = _title(shapes)
    heading = " ".join(" ".join(map(_words, titles)).split())
    body = Outline()
    for shape in shapes:
        if shape.tag.endswith("}sp"):
            _add_paragraphs(body, shape, _styles(shape, layout, master, deck.defaults), titles)
        else:
            _add_graphic(body, shape, deck, related)
    notes = Outline()
    for kind, part in related.values():
        if kind == "notesSlide":
            for shape in deck.part(part).iter("{*}sp"):
                if _kind(shape) == "body":
                    _add_paragraphs(notes, shape)
    # The first slide's title is the document's (level 1) unless the file has another title.
    level = 1 if number == 1 and heading and title.casefold() in ("", heading.casefold()) else 2
    text, said = body.text(), notes.text()
    parts = [f"{'#' * level} {heading or f'Slide {number}'}"] if heading or text or said else []
    parts += [text] if text else []
    parts += [f"### {_NOTES}\n\n{said}"] if said else []
    return "\n\n".join(parts)


def _title(shapes: Sequence[Any]) -> list[Any]:
    """Return the title paragraphs of a slide.

    They come from the title placeholder, else from one short line in the largest font.
    """
    placed = [shape for shape in shapes if _kind(shape) in _TITLES and _words(shape)]
    if placed:
        return [paragraph for shape in placed for paragraph in shape.iterfind(_PARAGRAPHS)]
    lines = [line for shape in shapes for line in shape.iterfind(_PARAGRAPHS) if _words(line)]
    sizes = [max((int(run.get("sz")) for run in line.iter("{*}rPr") if _is_size(run)), default=0) for line in lines]
    size = max(sizes, default=0)
    line = lines[sizes.index(size)] if size and sizes.count(size) == 1 else None
    words = "" if line is None else _words(line)
    return [line] if re.search(r"[^\W\d_]", words) and len(words.split()) <= _LONGEST_TITLE else []


def _is_size(run: Any) -> bool:
    return (run.get("sz") or "").isdecimal() and len(run.get("sz")) < 6


def _kind(shape: Any) -> str:
    """Return the kind of the placeholder that a shape fills, or "" if it fills none."""
    place = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    if place is None:
        place = shape.find("{*}nvGraphicFramePr/{*}nvPr/{*}ph")
    return "" if place is None else place.get("type") or "obj"


def _relation(element: Any) -> str:
    """Return the relationship id of an element, or ""."""
    return next((str(value) for key, value in element.attrib.items() if key.endswith("}id")), "")


def _words(element: Any) -> str:
    """Return the text of an element, with a line break between lines and paragraphs."""
    parts = []
    for inner in element.iter("{*}t", "{*}br", "{*}p"):
        name = inner.tag.rpartition("}")[2]
        parts.append((inner.text or "") if name == "t" else "\n")
    return "".join(parts).strip()


# --- paragraphs -------------------------------------------------------------------------------------------------------


def _add_paragraphs(outline: Outline, shape: Any, styles: Sequence[Any] = (), left_out: Sequence[Any] = ()) -> None:
    counts = dict[int, tuple[str, int]]()  # depth -> numbering scheme and last number
    for paragraph in shape.iterfind(_PARAGRAPHS):
        words = _words(paragraph)
        if not words or paragraph in left_out:
            continue
        own = paragraph.find("{*}pPr")
        level = (own.get("lvl") or "") if own is not None else ""
        depth = int(level) if level in tuple("012345678") else 0
        bullet = _bullet([own, *(style.find(f"{{*}}lvl{depth + 1}pPr") for style in styles)])
        kind = "buNone" if bullet is None else bullet.tag.rpartition("}")[2]
        for deeper in [at for at in counts if at > depth or (at == depth and kind != "buAutoNum")]:
            del counts[deeper]
        if kind == "buNone":
            outline.paragraph(words)
            continue
        label = ""
        if kind == "buAutoNum":
            way = f"{bullet.get('type')} {bullet.get('startAt')}"
            number = counts[depth][1] + 1 if counts.get(depth, ("", 0))[0] == way else _first(bullet)
            counts[depth] = (way, number)
            label = _label(bullet.get("type") or "", number)
        outline.item(depth, label, words)


def _styles(shape: Any, layout: Any, master: Any, defaults: Any) -> list[Any]:
    """Return the list styles that apply to a shape, in order of priority."""
    own = shape.find("{*}txBody/{*}lstStyle")
    place = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    if place is None:
        found = [own, defaults]
    else:
        number = place.get("idx") or "0"
        in_layout = _fitting(layout, lambda other: (other.get("idx") or "0") == number)
        in_master = _fitting(master, lambda other: other.get("type") == "body")
        every = None if master is None else master.find("{*}txStyles/{*}bodyStyle")
        found = [own, in_layout, in_master, every]
    return [style for style in found if style is not None]


def _fitting(root: Any, fits: Any) -> Any:
    """Return the list style of the first shape whose placeholder satisfies `fits`, or None."""
    for shape in () if root is None else root.iter("{*}sp"):
        place = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
        if place is not None and fits(place):
            return shape.find("{*}txBody/{*}lstStyle")
    return None


def _bullet(properties: Iterable[Any]) -> Any:
    """Return the first bullet in the properties, or None."""
    for one in properties:
        for child in () if one is None else one.iterchildren("{*}*"):
            if child.tag.rpartition("}")[2] in _BULLETS:
                return child
    return None


def _first(bullet: Any) -> int:
    start = bullet.get("startAt") or ""
    return int(start) if start.isdecimal() and len(start) < 6 else 1


def _label(way: str, number: int) -> str:
    """Format a number in a PowerPoint numbering scheme.

    >>> _label("romanUcPeriod", 4), _label("alphaLcParenBoth", 2), _label("arabicParenR", 3)
    ('IV.', '(b)', '3)')
    """
    kind = next((ours for theirs, ours in _KINDS.items() if way.startswith(theirs)), "decimal")
    written = number_as(kind, number)
    return f"({written})" if way.endswith("ParenBoth") else f"{written})" if way.endswith("ParenR") else f"{written}."


# --- tables, diagrams, charts -----------------------------------------------------------------------------------------


def _add_graphic(outline: Outline, frame: Any, deck: _Deck, related: dict[str, tuple[str, str]]) -> None:
    data = frame.find("{*}graphic/{*}graphicData")
    for child in () if data is None else data.iterchildren("{*}*"):
        name = child.tag.rpartition("}")[2]
        if name == "tbl":
            _add_table(outline, child)
        elif name == "relIds" and (part := related.get(attribute(child, "dm"), ("", ""))[1]):
            for point in deck.part(part).iter("{*}pt"):
                if point.get("type") not in _CONNECTORS and (words := _words(point)):
                    outline.item(0, "", words)
        elif name == "chart" and (part := related.get(_relation(child), ("", ""))[1]):
            _add_chart(outline, deck.part(part))


def _add_table(outline: Outline, table: Any) -> None:
    """Add a table.

    Repeat the text of a cell that spans rows in each row; of one that spans columns, only in the header.
    """
    properties = table.find("{*}tblPr")
    first = properties is not None and properties.get("firstRow") in ("1", "true")
    rows = list[list[str]]()
    for row in table.iterfind("{*}tr"):
        cells = list[str]()
        for cell in row.iterfind("{*}tc"):
            if cell.get("vMerge") in ("1", "true") and rows and len(cells) < len(rows[-1]):
                cells.append(repeated_cell(rows[-1][len(cells)]))
            elif cell.get("hMerge") in ("1", "true"):
                cells.append(cells[-1] if cells and first and not rows else "")
            else:
                cells.append(_words(cell))
        rows.append(cells)
    filled = sum(map(bool, rows[0])) if rows else 0
    outline.table(rows, True if first and filled > 1 and len(rows) > 1 else None)


def _add_chart(outline: Outline, root: Any) -> None:
    """Add the title of a chart, and its data as a table.

    Each row is a category, each column a series.
    """
    title = root.find("{*}chart/{*}title")
    if title is not None and (words := _words(title)):
        outline.paragraph(words)
    series = list(root.iter("{*}ser"))
    names = [next((value.text or "" for value in one.iterfind("{*}tx//{*}v")), "") for one in series]
    categories = dict[str, str]()
    for one in series:
        categories = {**_points(one, "cat", "xVal"), **categories}
    values = [_points(one, "val", "yVal") for one in series]
    numbers = dict.fromkeys(number for points in (categories, *values) for number in points)
    rows = [[categories.get(number, ""), *(points.get(number, "") for points in values)] for number in numbers]
    if rows:
        outline.table([["", *names], *rows], True)


def _points(series: Any, *names: str) -> dict[str, str]:
    """Map the index of each point of a series to its value."""
    found = dict[str, str]()
    for name in names:
        for point in series.iterfind(f"{{*}}{name}//{{*}}pt"):
            value = " ".join((point.findtext("{*}v") or "").split())
            found.setdefault(point.get("idx") or "", _figure(value))
    return found


def _figure(value: str) -> str:
    """Remove floating-point noise from a value (4.2999999999999998)."""
    try:
        return f"{float(value):.12g}" if "." in value else value
    except ValueError:
        return value
