"""Text made safe for a terminal: characters that control it become escapes."""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t\u00ad\u200c\u200d")
"""Control characters that stay: new line, tab, soft hyphen, and the joiners that some scripts and emoji need."""
_OBEYED = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories that a terminal acts on instead of showing: controls, direction marks, surrogates, breaks."""


def safe(text: str) -> str:
    r"""Escape each character that a terminal would act on or could not write.

    >>> safe("red: \x1b[31m, turned: \u202e, caf\u00e9")
    'red: \\x1b[31m, turned: \\u202e, café'
    """
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _OBEYED else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Return a text safe for one line: line breaks and tabs become escapes too."""
    return "".join(_escaped(c) if c in "\n\t" else c for c in safe(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
