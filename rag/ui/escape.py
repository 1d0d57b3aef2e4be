"""HTML escaping and date formatting for the page."""

from __future__ import annotations

import re
import unicodedata

from index.text.published import Published

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ,\n]")


def escape(text: str) -> str:
    """Escape text for HTML elements, attributes and templates.

    Every character but letters, digits, marks, spaces and commas becomes a numeric entity, so that neither HTML nor
    the page's templates (`{{`, `${`) can interpret it. Characters that HTML can't hold become U+FFFD.
    """
    return _NOT_PLAIN.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    character = match.group()
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    code = ord(character)
    is_noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    if category == "Cs" or (category == "Cc" and character not in "\t\n\r") or is_noncharacter:
        code = 0xFFFD
    return f"&#{code};"


def day(published: Published | None) -> str:
    """Return a date as the page shows it; "" for a source without a date."""
    return str(published or "")
