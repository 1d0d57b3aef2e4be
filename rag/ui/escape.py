"""The one escaping function of the page, and how it writes dates."""

from __future__ import annotations

import re
import unicodedata

from index.text.published import Published

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ,\n]")


def escape(text: str) -> str:
    """Text -> HTML that shows exactly that text, wherever it is put: in an element, an attribute or a template.

    Every character but letters, digits, marks, spaces and commas becomes a numeric entity, so that neither HTML nor
    the page's templates (`{{`, `${`) find anything to read in it. Characters that HTML can't hold become U+FFFD.
    """
    return _NOT_PLAIN.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    character = match.group()
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    code = ord(character)
    if category == "Cs" or (category == "Cc" and character not in "\t\n\r") or code in (0xFFFE, 0xFFFF):
        code = 0xFFFD
    return f"&#{code};"


def day(published: Published | None) -> str:
    """A date as the page writes it; "" for a source without one."""
    return str(published or "")
