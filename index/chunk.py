"""Cut an article into chunks: passages of whole sentences under one heading, verbatim slices of its text. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from index.article import Article
from index.text.aligned import aligned_table
from index.text.bars import is_rule
from index.text.layout import Span, blocks, heading_level, strip
from index.text.sentences import sentences
from index.text.structure import Block, structure
from index.text.titles import title_in_name
from index.text.words import words

CountTokens = Callable[[str], int]

_DATA = re.compile(r"[A-Za-z0-9+/=_-]{1000,}+|(?:[A-Za-z0-9+/=_-]{60,}+\s++){16,}+(?:[A-Za-z0-9+/=_-]{24,}+)?")
"""Encoded data (base64, hexadecimal) or an endless word: an unknown word to the encoder, nothing to BM25."""


@dataclass(frozen=True)
class Chunk:
    """A passage of an article, with the context that is searched with it.

    `article.text[start:end] == text`. `id` is a hash of the article's id and the offsets. `heading` holds the headings
    above the text ("Warranty > What is not covered"), or the rows or the time of speech that it covers, or "".
    `context` is embedded and indexed above the text but is no part of the slice. It holds the article's title with the
    words that only the file name has, the headings that are not in the text, and the header row if the text begins
    inside a table drawn with bars or blanks, with bars; it is clipped to fit the encoder.
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
        """Return the text that is embedded and indexed: context, then passage."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def columns(self) -> str:
        """Return the header row, with bars, if the text begins inside a table drawn with bars or blanks, else ""."""
        last = self.context.rpartition("\n")[2]
        return last if last.startswith("|") and last.endswith("|") else ""

    @property
    def digest(self) -> bytes:
        """Return a hash of what is embedded: chunks with equal digests share a vector."""
        return hashlib.blake2b(self.searchable.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True)
class ChunkLimits:
    """The largest size and overlap of a chunk.

    `tokens` limits the text, counted by `count_tokens` (tiktoken). `pieces` is the encoder's limit for context and text
    together, counted by `count_pieces` with the encoder's tokenizer, special pieces included. `overlap` limits the
    tokens of whole sentences that a chunk shares with the chunk before, so that a sentence keeps its neighbours.
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
    """Cut an article into chunks, without boilerplate and encoded data.

    Chunks end at sentence ends and lie under one heading each. Together they hold every sentence and every heading of
    the article except the title, which is in every context; of chunks with the same searchable text only the first is
    kept. A chunk begins with the headings right above it. A list, a procedure, a table and a question with its reply
    stay whole if they fit. A sentence too long for a chunk is cut at white space, or between characters if there is
    none.
    """
    text = article.text
    made: dict[bytes, Chunk] = {}
    blocks_ = [] if article.rows else structure(text).blocks
    together, tables = _unsplit_spans(blocks_), list(_columns(text, blocks_))
    for section in _readable(article):
        path = [_words(text, one) for one in section.above]
        heading = section.sheet or " > ".join(path)
        below = _context(article, section.sheet or "\n".join(path), limits)
        # Headings inside the passage are not repeated in its context.
        outer = [_words(text, one) for one in section.above if one not in section.spans]
        at_top = below if section.sheet else _context(article, "\n".join(outer), limits)
        within = [(place, names) for place, names in tables if section.spans[0][0] <= place[0] < section.spans[-1][1]]
        within = [(place, names) for place, names in within if limits.count_pieces(names) <= limits.pieces // 4]
        widest = max((names for _, names in within), key=len, default="")
        # The shorter context may have been clipped less.
        longer = max(below, at_top, key=limits.count_pieces) if at_top != below else below
        for start, end in _pack(text, section.spans, _joined(longer, widest), limits, together):
            digest = hashlib.blake2b(f"{article.id} {start} {end}".encode(), digest_size=12).hexdigest()
            passage = text[start:end]
            tokens = limits.count_tokens(passage)
            place = article.place(start, end) or heading
            context = _joined(
                at_top if start == section.spans[0][0] else below,
                next((names for (a, b), names in within if a <= start < b), ""),
            )
            one = Chunk(digest, article.id, len(made), place, context, start, end, passage, tokens)
            made.setdefault(one.digest, one)
    return list(made.values())


def _unsplit_spans(blocks_: Sequence[Block]) -> list[Span]:
    """Return the spans that should stay in one chunk, in order; none lies inside another."""
    return [(one.start, one.end) for one in blocks_ if one.kind in ("list", "steps", "rows", "pair")]


def _columns(text: str, blocks_: Sequence[Block]) -> Iterator[tuple[Span, str]]:
    """Yield the span of the rows of each table drawn with bars or blanks, and its header row, with bars."""
    for one in blocks_:
        drawn = aligned_table(text, one.start, one.end) if one.kind == "rows" else None
        if drawn and drawn.names:
            yield (drawn.rows[0].start, drawn.end), f"| {' | '.join(drawn.names)} |"
        elif one.kind == "rows" and text[one.start] == "|":
            names, rule, rows = (*text[one.start : one.end].split("\n", 2), "", "")[:3]
            if is_rule(rule) and rows:
                yield (one.end - len(rows), one.end), names.strip()


def _joined(context: str, names: str) -> str:
    return "\n".join(filter(None, (context, names)))


@dataclass(frozen=True)
class _Section:
    """Sentences (or rows of a sheet) between two headings, preceded by the headings right above them.

    `above` lists all headings over them, the outermost first.
    """

    spans: list[Span]
    above: tuple[Span, ...] = ()
    sheet: str = ""


def _readable(article: Article) -> Iterator[_Section]:
    """Yield the sections without encoded data; data splits a section."""
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
    """Yield each stretch of text between headings with the headings right above it, or the rows of each sheet."""
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
            # No chunk reaches across a heading that follows text, nor across boilerplate.
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
    """Yield the rows of each sheet. Rows stay whole, with their column names."""
    ends = [row.start for row in article.rows[1:]] + [len(article.text)]
    for sheet, rows in groupby(zip(article.rows, ends, strict=True), key=lambda pair: pair[0].sheet):
        yield _Section([strip(article.text, row.start, end) for row, end in rows], sheet=sheet)


def _context(article: Article, headings: str, limits: ChunkLimits) -> str:
    """Return title and headings, cut from the end to at most a third of the encoder's pieces."""
    lines = dict.fromkeys(line for line in (_called(article), *headings.split("\n")) if line)
    context = "\n".join(lines)[:600]
    while context and limits.count_pieces(context) > limits.pieces // 3:
        context = context[: len(context) * 2 // 3].rstrip()
    return context


def _called(article: Article) -> str:
    """Return the title with the words that only the file name has, "Travel policy (2025)"; empty without a title."""
    if not article.named:
        return ""
    known = set(words(article.title))
    more = [word for word in title_in_name(article.source).split() if not known.issuperset(words(word))]
    return f"{article.title} ({' '.join(more)})" if more else article.title


def _pack(text: str, spans: list[Span], context: str, limits: ChunkLimits, together: Sequence[Span]) -> Iterator[Span]:
    """Yield chunks of as many whole sentences as fit; each repeats the last sentences of the chunk before.

    A span in `together` is not cut if it fits into one chunk.
    """

    def fits(start: int, end: int) -> bool:
        # Text of more than 40 characters for each allowed token is too long without counting.
        if end - start > 40 * limits.tokens:
            return False
        passage = text[start:end]
        whole = f"{context}\n{passage}" if context else passage
        return limits.count_tokens(passage) <= limits.tokens and limits.count_pieces(whole) <= limits.pieces

    # A token or word piece takes at least a byte (a few signs split into more pieces, hence the quarter): text of at
    # most `room` bytes fits without counting.
    room = min(limits.tokens, limits.pieces * 3 // 4 - len(context.encode("utf-8", "replace")))

    def is_short(start: int, end: int) -> bool:
        return len(text[start:end].encode("utf-8", "replace")) <= room

    units = [unit for span in spans for unit in ([span] if is_short(*span) or fits(*span) else _cut(text, span, fits))]
    # Counting the passage again for each added sentence would dominate indexing time: estimate where the chunk is
    # full from the tokens of its sentences, and count only around there.
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
    """Return the span in `together` that holds `text[start:end]`, or None."""
    number = bisect_right(together, start, key=lambda place: place[0]) - 1
    return together[number] if number >= 0 and end <= together[number][1] else None


def _overlap_start(text: str, units: list[Span], first: int, limits: ChunkLimits) -> int:
    """Return the number of the earliest unit before `first` from which the overlap keeps its limit."""
    start = first
    while start > 0 and units[first - 1][1] - units[start - 1][0] <= 40 * limits.overlap:
        if limits.count_tokens(text[units[start - 1][0] : units[first - 1][1]]) > limits.overlap:
            break
        start -= 1
    return start


def _cut(text: str, span: Span, fits: Callable[[int, int], bool]) -> Iterator[Span]:
    """Yield pieces of a long sentence that each fit, cut at white space if there is any."""
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
    # A flood of combining characters has no good place to cut, and cutting at each would take very long.
    return stop
