"""Find the title of a source: in its title line, first heading or file name, or else in its first words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from index.text.dates import read_dateline
from index.text.front_matter import read_front_matter
from index.text.layout import blocks, find_title
from index.text.numbered import number_of
from index.text.published import read_name
from index.text.sentences import sentences
from index.text.words import content_terms

TitleOrigin = Literal["metadata", "front matter", "text", "file name", "stand-in"]
_LONGEST = 70
"""The most characters of a sentence that serves as a stand-in title, ellipsis included."""
_LOOKED_AT = 20_000
"""The first heading is looked for in this many characters from the start."""
_MOST_ABOVE = 2
"""The most lines above a title: a letterhead."""
_MARKS = "*_`# \t"
_RULES = f"{_MARKS}:"
_SEPARATOR = re.compile(r"([-–—=~*])\1+\s.*\s\1{2,}")
_NO_NAME = frozenset(
    "untitled document doc scan img dsc image photo file export download screenshot page tmp temp".split()
)


@dataclass(frozen=True)
class Title:
    """A title in one line, and its origin.

    A stand-in is no title given by the source: it is the source's first words, or its file name if there are none.
    """

    text: str
    origin: TitleOrigin


def find_title_of(text: str, source: str, *, inside: bool = True) -> Title:
    """Return the title of a text that has none in its metadata.

    `inside` says whether a line of the text may be the title.
    """
    if inside:
        if title := find_title(text):
            return Title(_tidy(text[slice(*title)]), "text")
        found = blocks(text[:_LOOKED_AT])
        headings = (block for block in found if block.kind == "heading")
        first = next((one for one in headings if _may_be_title(text[one.start : one.end])), None)
        if first and not (_is_below(text, first.start) and title_in_name(source)):
            return Title(_tidy(text[first.start : first.end]), "text")
    if name := title_in_name(source):
        return Title(name, "file name")
    if inside and (opening := _opening(text)):
        return Title(opening, "stand-in")
    return Title(PurePosixPath(source).stem or source, "stand-in")


def _may_be_title(heading: str) -> bool:
    """False for the title of a section ("1. Introduction"), a line between messages, and a heading without content
    words ("BETWEEN" in a contract)."""
    words = heading.strip(_RULES)
    return not (number_of(heading) or _SEPARATOR.fullmatch(heading) or read_dateline(words)) and bool(
        content_terms(words)
    )


def _is_below(text: str, start: int) -> bool:
    """True for a heading of plain text with several lines above it, which names a section: "Summary"."""
    above = [line for line in text[read_front_matter(text).end : start].splitlines() if line.strip()]
    return len(above) > _MOST_ABOVE and text[start] != "#"


def title_in_name(source: str) -> str:
    """Return the name of a file as a title, without its date; "" if it has no words.

    >>> title_in_name("minutes/2024-10-07-team-meeting.md"), title_in_name("002_892b5bec6cb22725.txt")
    ('Team meeting', '')
    """
    _, words = read_name(source)
    letters = [word for word in words if re.fullmatch(r"[^\W\d_][^\W\d_'’&+]*", word)]
    others = [word for word in words if word not in letters]
    if any(len(word) > 4 for word in others) or not any(
        len(word) > 1 and word.lower() not in _NO_NAME for word in letters
    ):
        return ""
    name = " ".join(words)
    return name[:1].upper() + name[1:]


def _opening(text: str) -> str:
    """Return the first sentence of the text, cut between words if it is long."""
    for block in blocks(text[:_LOOKED_AT]):
        if block.kind == "text":
            start, end = sentences(text, block.start, block.end)[0]
            words = _tidy(text[start:end])
            if len(words) <= _LONGEST:
                return words
            cut = words[: _LONGEST - 1].rsplit(" ", 1)[0] if " " in words[: _LONGEST - 1] else words[: _LONGEST - 1]
            return f"{cut.rstrip(' ,;:')}…"
    return ""


def _tidy(words: str) -> str:
    return " ".join(words.split()).strip(_MARKS)
