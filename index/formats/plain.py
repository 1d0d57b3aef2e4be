"""Decodes text files: UTF-16 or UTF-8 by the byte-order mark, else UTF-8, else Windows-1252."""

from __future__ import annotations

import codecs

from index.errors import UnreadableSource

_CONTROL = frozenset(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27}


def decode(data: bytes) -> tuple[str, list[str]]:
    """Return the text of a file, with newlines unchanged, and notes.

    A byte-order mark selects UTF-16 or UTF-8 and is removed. Other bytes that are not UTF-8 are read as Windows-1252,
    with undefined bytes as U+FFFD.

    Raises:
        UnreadableSource: The data is empty or not text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise UnreadableSource("starts like UTF-16 but can't be decoded: it is damaged, or not text") from error
    head = data[:65536]
    if b"\0" in data or sum(byte in _CONTROL for byte in head) > len(head) // 50:
        raise UnreadableSource("is binary, not text")
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        notes.append("is not UTF-8: read as Windows-1252")
    if not text.strip():
        raise UnreadableSource("is empty")
    return text, notes
