"""The fences of code in Markdown, which are part of a text and none of what it says. Pure."""

from __future__ import annotations

import re

from index.layout import Span

_FENCE = re.compile(r"\n?[ \t]*(?:`{3,}|~{3,})[^\n`]*(?:\n|\Z)")


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


def without_fences(text: str) -> str:
    """The text with blanks in the place of its fences, so that every offset stays."""
    return _FENCE.sub(lambda match: re.sub(r"\S", " ", match.group()), text) if "```" in text or "~~~" in text else text
