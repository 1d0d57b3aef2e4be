"""Article -> Chunks: passages of whole sentences under one heading, each a verbatim slice of the article. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from index.article import Article
from index.text.bars import is_rule
from index.text.layout import Span, blocks, heading_level, strip
from index.text.sentences import sentences
from index.text.structure import Block, structure
from index.text.titles import title_in_name
from index.text.words import words

CountTokens = Callable[[str], int]

_DATA = re.compile(r"[A-Za-z0-9+/=_-]{1000,}+|(?:[A-Za-z0-9+/=_-]{60,}+\s++){16,}+(?:[A-Za-z0-9+/=_-]{24,}+)?")
"""Encoded data (base64, hexadecimal) or one endless word: the encoder reads it as one unknown word, BM25 not at all."""


@dataclass(frozen=True)
class Chunk:
    """One passage. `article.text[start:end] == text`; ids are hashes of article and offsets.

    `heading` are the headings above the text ("Warranty > What is not covered"), or the rows it holds ("" when there
    is neither). `context` is what is embedded and indexed above the text and is no part of the slice, clipped to fit
    the encoder: the article's own title with what its file's name adds, those headings that do not stand in the text,
    and the names of the columns where it begins inside of a table that bars draw.
    """

    id: str
    article_id: str
    ordinal: int
    heading: str
    context: str
    start: int
    end: int
    text: str
    token_count: int

    @property
    def searchable(self) -> str:
        """The text that is embedded and indexed: context, then the passage."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def columns(self) -> str:
        """The row with the names of the columns where the text begins inside of a table that bars draw, else ""."""
        last = self.context.rpartition("\n")[2]
        return last if last.startswith("|") and last.endswith("|") else ""

    @property
    def digest(self) -> bytes:
        """A hash of what is embedded: chunks with the same one have the same vector."""
        return hashlib.blake2b(self.searchable.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True)
class ChunkLimits:
    """How large a chunk may be.

    `tokens` is the aim, counted by `count_tokens` (tiktoken); `pieces` is the encoder's hard limit for context and
    text together, counted by `count_pieces` with the encoder's own tokenizer, special pieces included. `overlap` is
    the largest overlap with the chunk before, in tokens: whole sentences, so that none loses its neighbour.
    """

    count_tokens: CountTokens
    count_pieces: CountTokens
    pieces: int = 256
    tokens: int = 200
    overlap: int = 40

    def __post_init__(self) -> None:
        if self.tokens < 16 or self.pieces < 16 or not 0 <= self.overlap <= self.tokens // 2:
            raise ValueError(
                f"chunks of {self.tokens} tokens with overlap {self.overlap} and {self.pieces} word pieces: expected "
                "at least 16 tokens and pieces and an overlap of at most half the tokens"
            )


def chunk(article: Article, limits: ChunkLimits) -> list[Chunk]:
    """Cut `article` into chunks that end at sentence ends, under one heading each, and leave furniture and data out.

    Together they say every sentence and every heading of the article, the title aside, which is in every context: of
    passages with the same searchable text only the first is kept. A chunk begins with the headings right above it. A
    list, a procedure, a table and a question with its reply stay whole where they fit. A sentence too long for a chunk
    is cut at white space, or where there is none, between characters.
    """
    text = article.text
    made: dict[bytes, Chunk] = {}
    blocks_ = [] if article.rows else structure(text).blocks
    together, tables = _kept_together(blocks_), list(_columns(text, blocks_))
    for section in _readable(article):
        path = [_words(text, one) for one in section.above]
        heading = section.sheet or " > ".join(path)
        below = _context(article, section.sheet or "\n".join(path), limits)
        # What is in the passage itself need not be said above it.
        outer = [_words(text, one) for one in section.above if one not in section.spans]
        beside = below if section.sheet else _context(article, "\n".join(outer), limits)
        within = [(place, names) for place, names in tables if section.spans[0][0] <= place[0] < section.spans[-1][1]]
        within = [(place, names) for place, names in within if limits.count_pieces(names) <= limits.pieces // 4]
        widest = max((names for _, names in within), key=len, default="")
        for start, end in _pack(text, section.spans, _joined(below, widest), limits, together):
            digest = hashlib.blake2b(f"{article.id} {start} {end}".encode(), digest_size=12).hexdigest()
            passage = text[start:end]
            tokens = limits.count_tokens(passage)
            place = article.place(start, end) or heading
            context = _joined(
                beside if start == section.spans[0][0] else below,
                next((names for (a, b), names in within if a <= start < b), ""),
            )
            one = Chunk(digest, article.id, len(made), place, context, start, end, passage, tokens)
            made.setdefault(one.digest, one)
    return list(made.values())


def _kept_together(blocks_: Sequence[Block]) -> list[Span]:
    """The places of what should stay in one chunk, in order, none inside another."""
    return [(one.start, one.end) for one in blocks_ if one.kind in ("list", "steps", "rows", "pair")]


def _columns(text: str, blocks_: Sequence[Block]) -> Iterator[tuple[Span, str]]:
    """The places of the rows of each table that bars draw, and the names of its columns between bars."""
    for one in blocks_:
        if one.kind == "rows" and text[one.start] == "|":
            names, rule, rows = (*text[one.start : one.end].split("\n", 2), "", "")[:3]
            if is_rule(rule) and rows:
                yield (one.end - len(rows), one.end), names.strip()


def _joined(context: str, names: str) -> str:
    return "\n".join(filter(None, (context, names)))


@dataclass(frozen=True)
class _Section:
    """Sentences (or rows of a sheet) that no heading parts, with the headings right above them as sentences too.

    `above` are all headings it stands under, the outermost first.
    """

    spans: list[Span]
    above: tuple[Span, ...] = ()
    sheet: str = ""


def _readable(article: Article) -> Iterator[_Section]:
    """The sections, without the data in them: a new stretch begins after it."""
    data = [match.span() for match in _DATA.finditer(article.text)]
    for section in _sections(article):
        group: list[Span] = []
        for start, end in section.spans:
            for number in range(bisect_right(data, start, key=lambda run: run[1]), len(data)):
                first, last = data[number]
                if first >= end:
                    break
                group += [strip(article.text, start, first)] if article.text[start:first].strip() else []
                if group:
                    yield replace(section, spans=group)
                group, start = [], min(end, last)
            group += [strip(article.text, start, end)] if article.text[start:end].strip() else []
        if group:
            yield replace(section, spans=group)


def _sections(article: Article) -> Iterator[_Section]:
    """Each stretch of text between headings with those that stand right above it, or the rows of each sheet."""
    if article.rows:
        yield from _sheets(article)
        return
    text = article.text
    above: list[tuple[int, Span]] = []
    held: list[Span] = []
    is_bare = True
    for block in blocks(text):
        if block.kind == "text":
            held += sentences(text, block.start, block.end)
            is_bare = False
        elif held and not (is_bare and block.kind == "heading"):
            # No chunk reaches across a heading that stands under text, nor across furniture.
            yield _Section(held, tuple(one for _, one in above))
            held, is_bare = [], True
        if block.kind == "heading":
            level = heading_level(text, block.start)
            while above and above[-1][0] >= level:
                above.pop()
            above.append((level, (block.start, block.end)))
            held.append((block.start, block.end))
    if held:
        yield _Section(held, tuple(one for _, one in above))


def _words(text: str, heading: Span) -> str:
    return text[slice(*heading)].strip("# ")


def _sheets(article: Article) -> Iterator[_Section]:
    """Rows stay whole, each with the names of its columns."""
    ends = [row.start for row in article.rows[1:]] + [len(article.text)]
    for sheet, rows in groupby(zip(article.rows, ends, strict=True), key=lambda pair: pair[0].sheet):
        yield _Section([strip(article.text, row.start, end) for row, end in rows], sheet=sheet)


def _context(article: Article, headings: str, limits: ChunkLimits) -> str:
    """Title, with what the file's name adds to it, and headings, shortened from the end until they take at most a third
    of the encoder's pieces."""
    lines = dict.fromkeys(line for line in (_called(article), *headings.split("\n")) if line)
    context = "\n".join(lines)[:600]
    while context and limits.count_pieces(context) > limits.pieces // 3:
        context = context[: len(context) * 2 // 3].rstrip()
    return context


def _called(article: Article) -> str:
    """The title, with those words of the file's name that it lacks: "Travel policy (2025)"."""
    if not article.named:
        return ""
    known = set(words(article.title))
    more = [word for word in title_in_name(article.source).split() if not known.issuperset(words(word))]
    return f"{article.title} ({' '.join(more)})" if more else article.title


def _pack(text: str, spans: list[Span], context: str, limits: ChunkLimits, together: Sequence[Span]) -> Iterator[Span]:
    """Fill chunks with whole sentences, as many as fit; each begins with the last ones of the chunk before. What should
    stay `together` is not cut where it fits into a chunk of its own."""

    def fits(start: int, end: int) -> bool:
        # A token or a piece is at least a character wide in all but odd scripts, so very long text need not be counted.
        if end - start > 40 * limits.tokens:
            return False
        passage = text[start:end]
        whole = f"{context}\n{passage}" if context else passage
        return limits.count_tokens(passage) <= limits.tokens and limits.count_pieces(whole) <= limits.pieces

    # Neither a token nor a word piece is less than a byte (a few signs come apart into pieces, hence the quarter): most
    # sentences need not be counted.
    room = min(limits.tokens, limits.pieces * 3 // 4 - len(context.encode("utf-8", "replace")))

    def is_short(start: int, end: int) -> bool:
        return len(text[start:end].encode("utf-8", "replace")) <= room

    units = [unit for span in spans for unit in ([span] if is_short(*span) or fits(*span) else _cut(text, span, fits))]
    # Counting a passage again for each sentence that is added would take most of the time of an index: where a chunk
    # is full is guessed from the tokens of its sentences, and only looked up around there.
    filled = list(accumulate((limits.count_tokens(text[a:b]) for a, b in units), initial=0))
    first = 0
    while first < len(units):
        start = _overlap_start(text, units, first, limits)
        ahead = _holding(together, *units[first])
        whole = ahead[1] if ahead and ahead[0] == units[first][0] and fits(*ahead) else units[first][1]
        while start < first and not fits(units[start][0], whole):
            start += 1
        begin = units[start][0]
        last = max(first, bisect_right(filled, filled[start] + limits.tokens) - 2)
        if last > first and not fits(begin, units[last][1]):
            fewer = range(first + 1, last)
            last = first + bisect_left(fewer, True, key=lambda unit: not fits(begin, units[unit][1]))
        while last + 1 < len(units) and fits(begin, units[last + 1][1]):
            last += 1
        cut = _holding(together, units[last][0], units[last + 1][1]) if last + 1 < len(units) else None
        if cut and cut[0] > units[first][0] and fits(*cut):
            last = max(first, bisect_left(units, cut[0], key=lambda unit: unit[0]) - 1)
        yield units[start][0], units[last][1]
        first = last + 1


def _holding(together: Sequence[Span], start: int, end: int) -> Span | None:
    """Which of the places holds `text[start:end]`, if one does."""
    number = bisect_right(together, start, key=lambda place: place[0]) - 1
    return together[number] if number >= 0 and end <= together[number][1] else None


def _overlap_start(text: str, units: list[Span], first: int, limits: ChunkLimits) -> int:
    """The earliest unit before `first` from which on the overlap keeps within its limit."""
    start = first
    while start > 0 and units[first - 1][1] - units[start - 1][0] <= 40 * limits.overlap:
        if limits.count_tokens(text[units[start - 1][0] : units[first - 1][1]]) > limits.overlap:
            break
        start -= 1
    return start


def _cut(text: str, span: Span, fits: Callable[[int, int], bool]) -> Iterator[Span]:
    """Pieces of one sentence that each fit, cut at white space where there is some."""
    start, end = span
    width = 1024
    while start < end:
        stop = min(end, start + width)
        while not fits(start, stop) and stop - start > 1:
            stop = start + (stop - start) // 2
        width = max(16, 2 * (stop - start))
        stop = _good_cut(text, start, stop, end)
        yield start, stop
        start = stop
        while start < end and text[start].isspace():
            start += 1


def _good_cut(text: str, start: int, stop: int, end: int) -> int:
    """Move a cut back to white space, or at least off the middle of a combined character."""
    if stop >= end:
        return end
    for place in range(stop, start + (stop - start) // 2, -1):
        if text[place].isspace():
            while place > start + 1 and text[place - 1].isspace():
                place -= 1
            return place
    for place in range(stop, start + (stop - start) // 2, -1):
        if not (unicodedata.combining(text[place]) or text[place] in "\u200d\ufe0f" or text[place - 1] == "\u200d"):
            return place
    # Such a flood has no good place to cut, and cutting at each character would take very long.
    return stop
