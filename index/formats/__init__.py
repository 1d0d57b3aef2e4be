"""The readers of formats that are not plain text: one file each, a path in, `Content` out, run in a process apart."""

from __future__ import annotations

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
    ".pdf": "pdf",
    ".tab": "sheet",
    ".tsv": "sheet",
    ".xhtml": "webpage",
    ".xlsm": "workbook",
    ".xlsx": "workbook",
}
"""The end of a file's name, in small letters -> the module here that reads it."""
