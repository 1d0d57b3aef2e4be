"""Deltas of a language model -> its sentences with the ids they cite, each as soon as it is complete. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.text.sentences import sentences
from rag.check.instructions import without_unseen
from rag.cite import AnswerBlockKind

_PREFIX = r"(?:(?:passages?|sources?|ids?)\s*[:=#]?\s*|\^)"
_LIST = rf"\d{{1,3}}(?:\s*(?:[,;–-]|and)\s*{_PREFIX}?\d{{1,3}})*"
_MARKER = re.compile(
    rf"[ \t]*(?:[\[【]\s*(?P<square>{_PREFIX}?{_LIST})\s*[\]】]|\(\s*(?P<round>{_PREFIX}{_LIST})\s*\))"
    r"(?:\(https?:[^)\s]*\))?(?:,(?=[ \t]*[\[【]\s*\d))?",
    re.IGNORECASE,
)
"""Numbers of passages in square brackets; in round ones only after a word like "passage"."""
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_LONGEST_RANGE = 20
_OPEN = re.compile(r"[\[【(][^\]】)]{0,80}$")
"""A possible beginning of a marker."""
_CERTAIN = re.compile(r"\S+\s+\S")
"""A word and the start of the next: by then the sentence before has certainly ended."""
_ORNAMENT = re.compile(r"^(?:#{1,6}\s+|[•◦▪‣·*+–—-]\s+|\d{1,2}[.)]\s+|>\s+|\|\s*)+")
_BLOCKS: tuple[tuple[re.Pattern[str], AnswerBlockKind], ...] = (
    (re.compile(r"\s*(?:step\s+)?\d{1,2}[.)]\s", re.IGNORECASE), "step"),
    (re.compile(r"\s*[•◦▪‣·*+–—-]\s"), "item"),
    (re.compile(r"\s*\|"), "row"),
)
"""Beginning of a line -> the block that it begins."""
_PLAIN: AnswerBlockKind = "lead"
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
"""The line between the header and the rows of a table."""
_IMAGE = re.compile(r"\s*!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_PASSAGE = r"(?:the |this )?(?:passages?|text|sources?)(?: \d+)?"
_REPORTING = re.compile(
    rf"(?:(?:according to|based on|as (?:stated|mentioned|described) in) {_PASSAGE},\s*"
    rf"|{_PASSAGE} (?:says?|states?|mentions?|explains?|notes?|indicates?) that\s+)",
    re.IGNORECASE,
)
"""An opening that reports a passage instead of its content."""
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Drafted:
    """A sentence as the model wrote it, without markers, links and images.

    `ids` are the ids in its markers, in order, each once. `closed` is True if a marker or another sentence follows.
    `block` is "item", "step" or "row" for the first sentence of a line that begins so.
    """

    text: str
    ids: tuple[str, ...]
    closed: bool = True
    block: AnswerBlockKind = "lead"


class Cutter:
    """Cuts a stream into sentences. Numbers in brackets after the full stop belong to the sentence.

    >>> cutter = Cutter()
    >>> drafted = [*cutter.feed("It was built in 18"), *cutter.feed("23. [2] It stands."), *cutter.end()]
    >>> [(one.text, one.ids) for one in drafted]
    [('It was built in 1823.', ('2',)), ('It stands.', ())]
    """

    def __init__(self) -> None:
        self._raw = ""
        self._line_begins = True
        self._columns: list[str] = []

    def feed(self, delta: str) -> Iterator[Drafted]:
        """Add text, and yield the sentences that are complete by now."""
        self._raw += delta
        while one := self._cut(ended=False):
            if one.text:
                yield one

    def end(self) -> Iterator[Drafted]:
        """Yield the rest after the end of the stream."""
        while one := self._cut(ended=True):
            if one.text:
                yield one

    def _cut(self, *, ended: bool) -> Drafted | None:
        """Take the first sentence from the buffer if its end is certain."""
        text, markers = self._without_markers(self._raw)
        spans = sentences(text)
        if not spans:
            return None
        if ended and len(spans) == 1:
            end = len(text)
        elif len(spans) > 1 and (ended or self._certain(text, spans[1][0])):
            end = spans[1][0]
        else:
            return None
        line = text.rfind("\n", 0, spans[0][0]) + 1
        begins = bool(line) or self._line_begins
        block = next((kind for pattern, kind in _BLOCKS if begins and pattern.match(text, line)), _PLAIN)
        self._line_begins = "\n" in text[spans[0][1] : end]
        # subtle: a marker at the very start of the next sentence belongs to this one, so it is cut off with it.
        own = [marker for marker in markers if marker[0] <= end]
        self._raw = self._raw[end + sum(removed for _, _, removed in own) :]
        ids = [id_ for _, of_marker, _ in own for id_ in of_marker]
        closed = len(spans) > 1 or any(marker[0] >= spans[0][1] for marker in own)
        written = self._row(text[slice(*spans[0])]) if block == "row" else _tidy(text[slice(*spans[0])])
        return Drafted(written, tuple(dict.fromkeys(ids)), closed, block)

    def _row(self, text: str) -> str:
        """Return a row with the names of its columns; "" for the names themselves."""
        cells = [one.strip() for one in _tidy(text).split("|")]
        if _RULE.search(text):
            self._columns = cells
            return ""
        if len(cells) != len(self._columns):
            return " | ".join(cells)
        return " | ".join(f"{name}: {cell}" for name, cell in zip(self._columns, cells, strict=True))

    def _certain(self, text: str, start: int) -> bool:
        return bool(_CERTAIN.match(text, start)) and not _OPEN.match(text, start)

    def _without_markers(self, raw: str) -> tuple[str, list[tuple[int, list[str], int]]]:
        """Return the text without markers, and (place in it, ids, number of characters removed) of each marker."""
        kept: list[str] = []
        markers: list[tuple[int, list[str], int]] = []
        last = length = 0
        for match in _MARKER.finditer(raw):
            kept.append(raw[last : match.start()])
            length += match.start() - last
            markers.append((length, list(_numbers(match["square"] or match["round"])), len(match.group())))
            last = match.end()
        return "".join(kept) + raw[last:], markers


def _numbers(text: str) -> Iterator[str]:
    """Yield the numbers in a marker, and all of a range."""
    for first, last in _RANGE.findall(text):
        span = range(int(first), int(last or first) + 1)
        yield from map(str, span[:_LONGEST_RANGE])


def _tidy(text: str) -> str:
    """Return a sentence on one line, without Markdown, links, images, tags and invisible characters.

    >>> _tidy("* The passage states that the **mill** is old.")
    'The mill is old.'
    """
    text = _TAG.sub("", _RULE.sub("", _LINK.sub(r"\1", _IMAGE.sub("", without_unseen(text)))))
    text = _ORNAMENT.sub("", " ".join(text.replace("**", "").replace("__", "").split())).rstrip("| ")
    if report := _REPORTING.match(text):
        text = text[report.end() :]
        text = text[:1].upper() + text[1:]
    return text
