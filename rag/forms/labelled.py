"""The lines of minutes that have a label: "DECISION: ...", "Action: ..."."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.text.layout import Span
from index.text.words import content_terms, words
from rag.cite import Statement
from rag.forms.along_blocks import statements
from rag.places import Places
from rag.types import Form

_LABELS = (
    (
        r"decid\w*|decisions?|resolv\w*|resolutions?|agreed?(?: (?:up)?on)?",
        r"decisions?|decided|resolved|resolutions?|agreed",
    ),
    (r"actions?(?: (?:items?|points?))?|to-?dos?|tasks?|jobs?|duties", r"actions?|to-?do|tasks?"),
)
"""What a question calls such lines, and the labels of the lines."""
_ASKS = re.compile(r"\W*(?:what|which|list|show|name|tell|all|decisions?|actions?)\b", re.IGNORECASE)
_LINE = r"^[ \t]*(?:[-*•][ \t]+)?[*_]{{0,2}}(?:{})(?:[ \t]+[\w.-]{{1,5}})?[*_]{{0,2}}[ \t]*:[*_]{{0,2}}[ \t]+\S.*$"
_NOT_ASKED = frozenset(
    content_terms("list show name tell make take get give hand everything thing meeting meet minute item point")
)
_NAME = re.compile(r"(?<=[a-z:,] )[A-Z][^\W\d_]+")
_FEWEST = 2
_MOST = 20
_TOP = 400
"""Characters from the start of a document that name it, in addition to its title."""


def labelled_lines(question: str, form: Form, places: Places) -> list[Statement]:
    """Return the lines with the label that a question asks for.

    They come from the nearest source that has several. Each line must contain the names in the question; its other
    words may also be in the text since the line before, except those that name the document.
    """
    if form not in ("list", "words", "sentence", "summary") or not _ASKS.match(question):
        return []
    for wording, label in _LABELS:
        named = re.compile(rf"\b(?:{wording})\b", re.IGNORECASE)
        if not named.search(question):
            continue
        line = re.compile(_LINE.format(label), re.IGNORECASE | re.MULTILINE)
        rest = {term for term in content_terms(named.sub(" ", question)) if term not in _NOT_ASKED}
        for article_id in dict.fromkeys(hit.chunk.article_id for hit in places.hits):
            found = [match.span() for match in line.finditer(places.articles[article_id].text)]
            if _FEWEST <= len(found) <= _MOST:
                return _about(rest, found, article_id, places)
    return []


def _about(rest: set[str], found: Sequence[Span], article_id: str, places: Places) -> list[Statement]:
    article = places.articles[article_id]
    said = [set(content_terms(article.text[start:end])) for start, end in found]
    inside = rest & {
        term for span in found for name in _NAME.findall(article.text[slice(*span)]) for term in content_terms(name)
    }
    rest -= set(
        content_terms(" ".join([article.title, *words(article.source), article.text[: min(_TOP, found[0][0])]]))
    )
    before = [0, *(end for _, end in found)]  # the text before a decision is its subject
    chosen = [
        (start, end)
        for (start, end), own, since in zip(found, said, before, strict=False)
        if inside <= own and rest - inside <= set(content_terms(article.text[since:end]))
    ]
    return [one for span in chosen for one in statements(span, places, article_id, 1.0, (), "item")]
