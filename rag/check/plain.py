"""Which words are ordinary English, and so not a name. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "data" / "plain_terms.txt"
"""Stems that `benchmarks/plain_words.py` counted in its training texts."""
_PREFIXES = ("anti", "counter", "inter", "mis", "non", "on", "out", "over", "pre", "re", "sub", "un", "under", "up")
_SUFFIXES = ("able", "er", "ful", "hood", "ical", "ish", "less", "like", "ous", "ship", "wise")
_SHORTEST = 3
"""Fewest letters that a stem keeps without its prefix or suffix."""


def is_plain(term: str) -> bool:
    """True if a stem is an ordinary English word, or derived from one.

    >>> is_plain("suppli"), is_plain("onlook"), is_plain("tesla"), is_plain("china")
    (True, True, False, False)
    """
    held = _table()
    if term in held:
        return True
    bases = [term.removeprefix(one) for one in _PREFIXES if term.startswith(one)]
    bases += [term.removesuffix(one) for one in _SUFFIXES if term.endswith(one)]
    return any(len(base) >= _SHORTEST and base in held for base in bases)


@cache
def _table() -> frozenset[str]:
    return frozenset(TABLE.read_text("utf-8").split())
