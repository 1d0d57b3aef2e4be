"""Rewrite questions as people type them: lower case, no question mark, keywords, a misspelling. Pure."""

from __future__ import annotations

import random
import re

from index.text.terms import FUNCTION_WORDS

_KEPT = frozenset(
    """who whom whose what which when where why how not no never before after above below between into under over most
    many much more long often old tall far other another only""".split()
)
"""Function words that a keyword question keeps, because they say what it asks for."""
_DROPPED = FUNCTION_WORDS - _KEPT
_CLIPPED, _MISSPELT = 0.25, 0.1


def retype(question: str, rng: random.Random) -> str:
    """Return the question as people type it.

    It is in lower case and has no question mark; a quarter of the questions become keywords, and a tenth get a misspelt
    word.
    """
    text = " ".join(question.rstrip(" ?.").lower().split())
    if rng.random() < _CLIPPED:
        text = _keywords(text)
    if rng.random() < _MISSPELT:
        text = _misspelt(text, rng)
    return text or question


def _keywords(text: str) -> str:
    keywords = [word for word in text.split() if word not in _DROPPED]
    return " ".join(keywords) if len(keywords) > 2 else text


def _misspelt(text: str, rng: random.Random) -> str:
    """Swap, drop or double a letter inside a long word."""
    words = [match for match in re.finditer(r"[a-z]{5,}", text)]
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    pair = text[at : at + 2]
    return text[:at] + rng.choice((pair[::-1], pair[1], pair[0] + pair)) + text[at + 2 :]
