"""Texts as a terminal may print them: what it would obey instead of showing becomes an escape."""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t\u00ad\u200c\u200d")
"""Controls that stay: a new line, a tab, a soft hyphen, and the joiners that some scripts and emoji need."""
_OBEYED = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Categories of characters that are not seen but obeyed: controls, marks of direction, half characters, breaks."""


def safe(text: str) -> str:
    r"""Return a text with an escape for each character that a terminal would obey or could not write.

    >>> safe("red: \x1b[31m, turned: \u202e, caf\u00e9")
    'red: \\x1b[31m, turned: \\u202e, café'
    """
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _OBEYED else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Return a name as it is shown in a line: the same, and line breaks and tabs as escapes."""
    return "".join(_escaped(c) if c in "\n\t" else c for c in safe(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
