"""Layout marks in a text (code fences, heading signs, line ends), and the text without them. Pure."""

from __future__ import annotations

import re

from index.text.layout import Span
from index.text.sentences import sentences

_FENCE = re.compile(r"\n?[ \t]*(?:`{3,}|~{3,})[^\n`]*(?:\n|\Z)")

_LABEL = re.compile(r"(?:#+\s+)?[^\W\d]\w*(?: [^\W\d][\w’'-]*){0,3}")
_WORD_ENDS = re.compile(r"[\w)\]%€$£”’\"']")
_ANCHOR = re.compile(r"\[[^\]\n]*\]\(#[^)\s]*\)")
_LETTERS = re.compile(r"[^\W\d_]+")
_HEADING = re.compile(r"^#{1,6}(?=\s)", re.MULTILINE)


def inside_fences(text: str, start: int, end: int) -> Span:
    """Return the part of `text[start:end]` inside the code fences at its ends.

    >>> text = "```sh\\nmake chat\\n```"
    >>> text[slice(*inside_fences(text, 0, len(text)))]
    'make chat'
    """
    first, last = start, end
    for fence in _FENCE.finditer(text, start, end):
        first, last = (fence.end(), last) if fence.start() == start else (first, fence.start())
    return (first, last) if first < last else (start, end)


def without_marks(text: str) -> str:
    """Return the text with blanks instead of its marks, so that every offset stays."""
    made = _HEADING.sub(_blank, text) if "#" in text else text
    return _FENCE.sub(_blank, made) if "```" in text or "~~~" in text else made


def as_read(text: str) -> str:
    """Return the text as a reading model sees it, with every offset unchanged.

    Marks are blanked out. A line end without punctuation becomes a colon after a label or short heading, else a full
    stop. The model reads words alone, and would otherwise run a label, its value and the next label together.

    >>> as_read("Opening hours\\n\\nSaturday, 9 to 13\\nSunday: closed.")
    'Opening hours:\\nSaturday, 9 to 13.Sunday: closed.'
    """
    made = list(without_marks(text))
    for start, end in sentences(text)[:-1]:
        if text[end] in "\r\n" and _WORD_ENDS.match(text[end - 1]):
            is_label = text.startswith("\n\n", end) and _LABEL.fullmatch(text, start, end)
            made[end] = ":" if is_label else "."
    return "".join(made)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"\S", " ", match.group())


def is_navigation(line: str) -> bool:
    """True if a line is made of links into its document, and hardly has another word: a table of contents.

    >>> is_navigation("Contents: [Setup](#setup) · [Limits](#limits)"), is_navigation("See [Setup](#setup) first.")
    (True, False)
    """
    rest, links = _ANCHOR.subn("", line)
    words = len(_LETTERS.findall(rest))
    return words <= links if links > 1 else bool(links) and not words
