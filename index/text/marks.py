"""The fences of code and the signs of headings in Markdown, parts of a text and none of what it says. Pure."""

from __future__ import annotations

import re

from index.layout import Span

_FENCE = re.compile(r"\n?[ \t]*(?:`{3,}|~{3,})[^\n`]*(?:\n|\Z)")

_HEADING = re.compile(r"^#{1,6}(?=\s)", re.MULTILINE)


def inside_fences(text: str, start: int, end: int) -> Span:
    """The part of `text[start:end]` inside of the fences at its ends.

    >>> text = "```sh\\nmake chat\\n```"
    >>> text[slice(*inside_fences(text, 0, len(text)))]
    'make chat'
    """
    first, last = start, end
    for fence in _FENCE.finditer(text, start, end):
        first, last = (fence.end(), last) if fence.start() == start else (first, fence.start())
    return (first, last) if first < last else (start, end)


def without_marks(text: str) -> str:
    """The text with blanks in the place of its marks, so that every offset stays."""
    return without_fences(_HEADING.sub(_blank, text) if "#" in text else text)


def without_fences(text: str) -> str:
    """The text with blanks in the place of the fences of code."""
    return _FENCE.sub(_blank, text) if "```" in text or "~~~" in text else text


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"\S", " ", match.group())
