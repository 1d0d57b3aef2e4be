"""The address of a source's page, with the quoted words marked."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from index.text.layout import Span

FILES_PATH = "/api/sources"
"""The path to which programs send files; their sizes have other limits than those of other requests."""


def article_path(source: str, article_id: str = "", quote: Span = (0, 0), answers: Sequence[Span] = ()) -> str:
    """Return the relative address of a source's page.

    A `quote` [start, end) scrolls the page to these words; `answers` are the spans to mark in it.
    """
    parameters = {"source": source}
    if quote[1]:
        parameters |= {"id": article_id, "start": str(quote[0]), "end": str(quote[1])}
    if answers:
        parameters["answers"] = ",".join(f"{start}-{end}" for start, end in answers)
    return f"article?{urlencode(parameters, errors='replace')}{'#quote' if quote[1] else ''}"
