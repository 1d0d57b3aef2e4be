"""Joins pieces of lines on PDF pages into paragraphs, column by column. Pure geometry; y grows upwards.

Drops running heads and page numbers, and joins words hyphenated at line ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from index.formats.pdf_notes import notes_begin, with_notes
from index.formats.pdf_pieces import Grid, Page, Piece
from index.formats.pdf_tables import cell_of, holds_rows, join_rows, same_columns

_EDGE = 0.12
"""Running heads and page numbers lie within this share of the page height, at the top and the bottom."""
_APART = 0.5
"""Minimum gap between a running head and the text, as a share of the letter height."""
_TALL = 0.25
"""A table higher than this share of its page is not a running head, though its first rows may recur on other pages."""
_SAME_PLACE = 4.0
_LARGER, _HIGHER = 1.15, 1.3
_SOFT_HYPHEN = "\u00ad"
_ENDS = re.compile(r"[.!?…:;。！？][\"'”’»)\]]*$")
_ITEM = re.compile(r"(?:[•◦▪‣·*–—-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*|p\.\s*)?[-–—|\s]*1[-–—|\s]*(?:(?:of|/)\s*\d+)?|page\s+\d+\s+of\s+\d+", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT_WORD = re.compile(r"([^\W\d_]+)[-\u00ad]$")
_FEWEST_CELLS, _FEWEST_ROWS = 3, 3
"""Minimum cells in a row, and minimum such rows, of a table."""
_MOST_IN_BLOCK = 8
_TABLE = "the place of a table"
_FEWEST_LINES, _MOST_LINES = 5, 600
"""Minimum lines on each side of a gap between columns; a page with more than the maximum is not prose."""


@dataclass(frozen=True)
class _Line:
    """A line of text with its page (from 0), the edges of its column, and whether it is a table row."""

    piece: Piece
    page: int
    left: float
    right: float
    is_row: bool = False


def join_pages(pages: Sequence[Page]) -> tuple[str, list[int]]:
    """Return the running text of a document, and the offset at which each page starts."""
    pieces = [piece for page in pages for piece in page.pieces]
    size = _usual(pieces)
    heads = _running_heads(pages, size)
    lines: list[_Line] = []
    notes: dict[int, list[list[_Line]]] = {}  # by the number of the line that they precede
    table: tuple[int, Grid, list[str]] | None = (
        None  # page, grid and column names of the last table, while no text follows it
    )
    for number, page in enumerate(pages):
        kept = [piece for piece in page.pieces if (number, piece) not in heads]
        for group, grid in _groups(page, kept):
            left, right = min(piece.left for piece in group), max(piece.right for piece in group)
            if grid:
                goes_on = table is not None and table[0] == number - 1 and same_columns(table[1], grid)
                joined, names = join_rows(group, grid, table[2] if table and goes_on else ())
                table = number, grid, names
            else:
                joined, table = list(_join_lines(group)), None
            own = [_Line(piece, number, left, right, grid is not None) for piece in joined]
            begins = [] if grid else notes_begin(joined, size, page.height)
            lines += own[: begins[0]] if begins else own
            for first, after in pairwise([*begins, len(own)]):
                notes.setdefault(len(lines), []).append(own[first:after])
    paragraphs = list(_paragraphs(lines, _leading(lines)))
    placed = with_notes(paragraphs, notes, lambda paragraph: _is_heading(paragraph, size))
    return _write(placed, len(pages), size)


def in_reading_order(page: Page) -> list[Piece]:
    """Return all pieces of a page, with running heads, in the order of the text."""
    return [piece for group, _ in _groups(page, page.pieces) for piece in group]


def _usual(pieces: Sequence[Piece]) -> float:
    """Return the most frequent letter height, weighted by text length."""
    weights: Counter[float] = Counter()
    for piece in pieces:
        weights[round(piece.size, 1)] += len(piece.text)
    return weights.most_common(1)[0][0] if weights else 1.0


# --- running heads ----------------------------------------------------------------------------------------------------


def _running_heads(pages: Sequence[Page], usual: float) -> set[tuple[int, Piece]]:
    """Return (page, piece) of page numbers and of text repeated at page edges, ignoring digits."""
    places: dict[tuple[bool, str], list[tuple[int, Piece]]] = {}
    found: set[tuple[int, Piece]] = set()
    for number, page in enumerate(pages):
        tall = [grid for grid in page.grids if grid.rows[-1] - grid.rows[0] > _TALL * page.height]
        for at_top, piece in _edges(page):
            if any(grid.cell(piece.left + 1, (piece.bottom + piece.top) / 2) for grid in tall):
                continue
            if number == 0 and piece.size > usual * _LARGER:
                # The following pages may repeat the title as their running head.
                continue
            if _PAGE_NUMBER.fullmatch(piece.text):
                found.add((number, piece))
            key = re.sub(r"\d+|\b[ivxlc]+\b", "#", piece.text.casefold())
            places.setdefault((at_top, key), []).append((number, piece))
    for (_, key), same in places.items():
        height = median(piece.bottom for _, piece in same)
        there = [(number, piece) for number, piece in same if abs(piece.bottom - height) <= _SAME_PLACE]
        numbers = sorted({number for number, _ in there})
        if not re.search(r"[^\W\d_]", key):
            # Bare numbers may be table cells, so page numbers must be on at least half of the pages.
            repeated = 2 <= len(numbers) >= len(pages) / 2
        else:
            repeated = len(numbers) >= 3 or (len(numbers) == 2 and numbers[1] - numbers[0] <= 2)
        if repeated:
            found.update(there)
    return found


def _edges(page: Page) -> Iterator[tuple[bool, Piece]]:
    """Yield (is at the top, piece) for the outermost line at each edge and for lines set apart from the text."""
    for at_top in (True, False):
        lines: list[list[Piece]] = []
        inside = 0
        for piece in sorted(page.pieces, key=lambda piece: -piece.bottom if at_top else piece.bottom):
            if lines and _same_line(lines[-1][0], piece):
                lines[-1].append(piece)
                continue
            lines.append([piece])
            if (piece.bottom < page.height * (1 - _EDGE)) if at_top else (piece.top > page.height * _EDGE):
                break
            inside += 1
        heads = 1
        for number, ((one, *_), (other, *_)) in enumerate(pairwise(lines), 1):
            gap = one.bottom - other.top if at_top else other.bottom - one.top
            if gap > _APART * min(one.size, other.size):
                heads = number
        yield from ((at_top, piece) for line in lines[: min(heads, inside)] for piece in line)


# --- tables with drawn lines ------------------------------------------------------------------------------------------


def _groups(page: Page, pieces: Sequence[Piece]) -> Iterator[tuple[list[Piece], Grid | None]]:
    """Yield groups of pieces in reading order; a table is its own group, row by row, with its grid."""
    inside: dict[Grid, list[Piece]] = {}
    for piece in pieces:
        x, y = (piece.left + piece.right) / 2, (piece.bottom + piece.top) / 2
        if grid := next((grid for grid in page.grids if grid.cell(x, y)), None):
            inside.setdefault(grid, []).append(piece)
    inside = {grid: held for grid, held in inside.items() if holds_rows(grid, held)}
    stands_for = {grid: Piece(_TABLE, *grid.box) for grid in inside}
    of_table = {id(piece): grid for grid, held in inside.items() for piece in held}
    outside = list[Piece]()
    for piece in pieces:
        grid = of_table.get(id(piece))
        if grid is None:
            outside.append(piece)
        elif stands_for[grid] not in outside:
            outside.append(stands_for[grid])
    grids = {id(piece): grid for grid, piece in stands_for.items()}
    for group in _columns(outside, page.width):
        text = list[Piece]()
        for piece in group:
            if id(piece) not in grids:
                text.append(piece)
                continue
            if text:
                yield text, None
            text, grid = [], grids[id(piece)]
            yield sorted(inside[grid], key=lambda one: (*cell_of(grid, one), -one.bottom, one.left)), grid
        if text:
            yield text, None


# --- reading order ----------------------------------------------------------------------------------------------------


def _columns(pieces: Sequence[Piece], width: float) -> Iterator[list[Piece]]:
    """Yield groups of pieces column by column; a piece that spans columns ends the columns above it."""
    gutter = _gutter(pieces, width)
    if gutter is None:
        if pieces:
            yield _in_order(pieces)
        return
    drawn = {id(piece): number for number, piece in enumerate(pieces)}
    across: list[Piece] = []
    sides: tuple[list[Piece], list[Piece]] = ([], [])

    def flush() -> Iterator[list[Piece]]:
        for side in sides:
            yield from _columns(sorted(side, key=lambda piece: drawn[id(piece)]), width)
            side.clear()

    for piece in sorted(pieces, key=lambda piece: (-piece.bottom, piece.left)):
        if piece.left < gutter - 1 and piece.right > gutter + 1:
            yield from flush()
            across.append(piece)
            continue
        if across:
            yield _in_order(sorted(across, key=lambda piece: drawn[id(piece)]))
            across = []
        sides[piece.left >= gutter - 1].append(piece)
    if across:
        yield _in_order(sorted(across, key=lambda piece: drawn[id(piece)]))
    yield from flush()


def _in_order(pieces: Sequence[Piece]) -> list[Piece]:
    """Return one column in drawing order, or from top to bottom if drawing jumps up the page.

    Browsers draw some boxes last. Side-by-side texts keep drawing order, but not table cells, often drawn by column.
    """
    runs = [0]
    for before, piece in pairwise(pieces):
        runs.append(runs[-1] + (piece.bottom > before.bottom + before.size))
    lines: list[list[int]] = []
    for at in sorted(range(len(pieces)), key=lambda at: -pieces[at].bottom - pieces[at].top):
        if lines and _same_line(pieces[lines[-1][0]], pieces[at]):
            lines[-1].append(at)
        else:
            lines.append([at])
    beside = [line for line in lines if len(line) > 1]
    # A small block drawn row by row, after the block next to it, is not part of a table with that block.
    parts = [Counter(runs[at] for at in line) for line in beside]
    whole = Counter(run for own in parts if len(own) > 1 for run, count in own.items() if count > 1)
    blocks = {run for run, count in whole.items() if 1 < count <= _MOST_IN_BLOCK}
    rows = [own for own in parts if own.total() >= _FEWEST_CELLS and (len(own) == 1 or blocks.isdisjoint(own))]
    is_table = len(rows) >= _FEWEST_ROWS and 2 * len(rows) > len(beside)
    if runs[-1] == 0 or (not is_table and any(len({runs[at] for at in line}) > 1 for line in lines)):
        return list(pieces)
    return [pieces[at] for line in lines for at in sorted(line, key=lambda at: pieces[at].left)]


def _same_line(one: Piece, other: Piece) -> bool:
    return min(one.top, other.top) - max(one.bottom, other.bottom) > 0.5 * min(one.size, other.size)


def _gutter(pieces: Sequence[Piece], width: float) -> float | None:
    """Return the x of the gap between two columns of prose, or None. Table cells are too short to count."""
    prose = [piece for piece in pieces if len(piece.text) >= 15 and piece.right - piece.left > width * 0.12]
    if len(prose) > _MOST_LINES:
        return None
    best, fewest = None, _FEWEST_LINES - 1
    for x in {round(piece.left, 1) for piece in prose}:
        left = [piece for piece in prose if piece.right <= x]
        right = [piece for piece in prose if piece.left >= x - 1]
        if min(len(left), len(right)) <= fewest:
            continue
        beside = [one for one in right if any(abs(one.bottom - other.bottom) < 0.6 * one.size for other in left)]
        across = sum(piece.left < x - 1 and piece.right > x + 1 for piece in prose)
        # Lines of two columns are at the same heights, and few lines span both columns.
        if len(beside) >= min(len(left), len(right)) // 2 and across <= len(left) + len(right):
            best, fewest = x, min(len(left), len(right))
    return best


def _join_lines(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Join consecutive pieces on the same line; put " | " between table cells."""
    left, right = min(piece.left for piece in pieces), max(piece.right for piece in pieces)
    line: list[Piece] = []
    above: Piece | None = None
    for piece in [piece for piece in pieces if piece.text]:
        # A piece as high as several lines is next to all of them, not on one of them.
        beside = bool(above and line) and piece.size > _HIGHER * line[-1].size and _same_line(above or piece, piece)
        if line and (beside or not (_same_line(line[-1], piece) and piece.left >= line[-1].right - 1)):
            yield _join_line(line, left, right)
            above, line = line[-1], []
        line.append(piece)
    if line:
        yield _join_line(line, left, right)


def _join_line(line: Sequence[Piece], left: float, right: float) -> Piece:
    """Join the pieces of one line in a column with the edges `left` and `right`."""
    tallest = max(line, key=lambda piece: piece.size)
    gaps = [after.left - before.right for before, after in pairwise(line)]
    # A justified line of long words has gaps as wide as a table's, but all of one width.
    reaches = line[0].left < left + tallest.size and line[-1].right > right - tallest.size
    alike = bool(gaps) and max(gaps) - min(gaps) < 0.5 * tallest.size and not any(" " in piece.text for piece in line)
    cells = any(gap > 2 * tallest.size for gap in gaps) and not (reaches and alike)
    is_labelled = len(line) == 2 and line[0].text.endswith(":")
    text = (" | " if cells and not is_labelled else " ").join(piece.text for piece in line)
    # A bullet or number may be larger than the words of its item.
    main = max(line, key=lambda piece: len(piece.text))
    return Piece(text, line[0].left, line[-1].right, main.bottom, main.top)


# --- paragraphs -------------------------------------------------------------------------------------------------------


def _leading(lines: Sequence[_Line]) -> float:
    """Return the median distance between consecutive lines, in points."""
    steps = [a.piece.bottom - b.piece.bottom for a, b in pairwise(lines) if a.page == b.page]
    return median([step for step in steps if step > 1] or [1.0])


def _paragraphs(lines: Sequence[_Line], leading: float) -> Iterator[list[_Line]]:
    paragraph: list[_Line] = []
    for line in lines:
        if paragraph and _begins(line, paragraph, leading):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield paragraph


def _begins(line: _Line, paragraph: Sequence[_Line], leading: float) -> bool:
    """True if `line` begins a new paragraph instead of continuing `paragraph`."""
    before = paragraph[-1]
    if line.is_row or before.is_row:
        return True
    one, last = line.piece, before.piece
    ratio = max(one.size, last.size) / min(one.size, last.size)
    if ratio > _LARGER or _ITEM.match(one.text):
        return True
    ends = bool(_ENDS.search(last.text))
    room = before.right - last.right
    full = room < max(0.12 * (before.right - before.left), _first_word(one))
    step = last.bottom - one.bottom
    if line.page != before.page or step < 0:
        # A sentence continues in a new column or page, unless the last line is short.
        return ends or not (full or _CUT_WORD.search(last.text) or one.text[:1].islower())
    if step > 1.3 * max(leading, 1.05 * last.size):
        return True
    if " | " in one.text or " | " in last.text:
        return True
    item = paragraph[0].piece
    if _ITEM.match(item.text) and one.left - item.left > 0.5 * one.size:
        return False  # a hanging indent: the line belongs to the list item
    indented = one.left - line.left > 0.7 * one.size and one.left - last.left > 0.7 * one.size
    if indented and not _ITEM.match(paragraph[0].piece.text):
        return True
    return not (full or _CUT_WORD.search(last.text)) and (ends or not one.text[:1].islower())


def _first_word(piece: Piece) -> float:
    """Estimate the width of the first word of a line plus a space, in points."""
    word = len(piece.text.split(" ", 1)[0]) + 1
    return word * (piece.right - piece.left) / max(1, len(piece.text))


def _write(paragraphs: Iterable[list[_Line]], pages: int, usual: float) -> tuple[str, list[int]]:
    everything = list(paragraphs)
    words = Counter(
        word.casefold() for lines in everything for line in lines for word in _WORD.findall(line.piece.text)
    )
    starts: dict[int, int] = {}
    parts: list[str] = []
    at = 0

    def put(text: str) -> None:
        nonlocal at
        parts.append(text)
        at += len(text)

    for number, lines in enumerate(everything):
        put("\n\n" if number else "")
        starts.setdefault(lines[0].page, at)
        if _is_heading(lines, usual):
            put("## " if number else "# ")
        for place, line in enumerate(lines):
            text = line.piece.text
            following = lines[place + 1].piece.text if place + 1 < len(lines) else ""
            starts.setdefault(line.page, at)
            put(_joined(text, following, words) if following else text.replace(_SOFT_HYPHEN, ""))
    found: list[int] = []
    for page in reversed(range(pages)):
        found.append(starts.get(page, found[-1] if found else at))
    return "".join(parts), found[::-1]


def _is_heading(lines: Sequence[_Line], usual: float) -> bool:
    words = " ".join(line.piece.text for line in lines).split()
    larger = all(line.piece.size >= usual * _LARGER for line in lines)
    return larger and len(words) <= 25 and not words[-1].endswith(".") and bool(re.search(r"[^\W\d_]", "".join(words)))


def _joined(text: str, following: str, words: Counter[str]) -> str:
    """Return a line with a space at the end, or without a hyphen that only splits a word."""
    cut = _CUT_WORD.search(text)
    plain = text.replace(_SOFT_HYPHEN, "")
    rest = _WORD.match(following)
    if not cut or not rest:
        return f"{plain} "
    whole = f"{cut.group(1)}{rest.group()}".casefold()
    hyphened = f"{cut.group(1)}-{rest.group()}".casefold()
    if not following[:1].islower() or (hyphened in words and whole not in words):
        return f"{plain.rstrip('-')}-"
    return plain.rstrip("-")
