"""The readers of file formats, one module each: path in, `Content` out. They run in a separate process."""

from __future__ import annotations

from pathlib import PurePosixPath

READERS = {
    ".csv": "sheet",
    ".docm": "word",
    ".docx": "word",
    ".eml": "mail",
    ".epub": "book",
    ".htm": "webpage",
    ".html": "webpage",
    ".json": "records",
    ".jsonl": "records",
    ".ndjson": "records",
    ".odt": "opendocument",
    ".ott": "opendocument",
    ".pdf": "pdf",
    ".ppsx": "slides",
    ".pptm": "slides",
    ".pptx": "slides",
    ".rtf": "richtext",
    ".srt": "subtitles",
    ".tab": "sheet",
    ".tsv": "sheet",
    ".vtt": "subtitles",
    ".xhtml": "webpage",
    ".xlsm": "workbook",
    ".xlsx": "workbook",
}
"""Lower-case suffix of a file name -> the module in this package that reads it."""


def page_word(source: str) -> str:
    """Return the word for a page of a source: "slide" or "page"."""
    return "slide" if READERS.get(PurePosixPath(source).suffix.lower()) == "slides" else "page"


def page_name(source: str, page: int) -> str:
    """Return the short name of a page: "p. 3" or "slide 3"."""
    return f"slide {page}" if page_word(source) == "slide" else f"p. {page}"
