"""The lines of minutes that have a label, "DECISION: ...", or stand below one: a table of action items."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.article import Article
from index.text.calendar_names import is_calendar_name
from index.text.layout import Span
from index.text.structure import Structure
from index.text.words import content_terms, words
from rag.cite import AnswerBlockKind, Statement
from rag.forms.along_blocks import entries, statements
from rag.places import Places
from rag.types import Form

_TO_DO = re.compile(r"(?:has|have|had|needs?|got|supposed|meant) to do", re.IGNORECASE)
"""Asks for the actions of somebody whom the question names."""
_LABELS = (
    (
        r"decid\w*|decisions?|resolv\w*|resolutions?|agreed?(?: (?:up)?on)?",
        r"decisions?|decided|resolved|resolutions?|agreed",
    ),
    (
        rf"actions?(?: (?:items?|points?))?|to-?dos?|tasks?|jobs?|duties|{_TO_DO.pattern}",
        r"actions?|to-?do|tasks?",
    ),
)
"""What a question calls such lines, and the labels of the lines."""
_ASKS = re.compile(
    r"\W*(?:what|which|list|show|name|tell|all|(?:the )?(?:decisions?|actions?|tasks?|jobs?|to-?dos?|duties))\b",
    re.IGNORECASE,
)
_LINE = r"^[ \t]*(?:[-*•][ \t]+)?[*_]{{0,2}}(?:{})(?:[ \t]+[\w.-]{{1,5}})?[*_]{{0,2}}[ \t]*:[*_]{{0,2}}[ \t]+\S.*$"
_NOT_ASKED = frozenset(
    content_terms(
        "list show name tell make take took taken get got give gave given hand everything thing do meeting meet minute"
        " item point"
    )
)
_NAME = re.compile(r"\b[A-Z][^\W\d_]+")
_NAMES = re.compile(r"\b(?=([A-Z][^\W\d_]+)((?: [A-Z][^\W\d_]+){1,2}))")
_FEWEST = 2
_MOST = 20
_TOP = 400
"""Characters from the start of a document that name it, in addition to its title."""


def labelled_lines(question: str, form: Form, places: Places) -> list[Statement]:
    """Return the lines with the label that a question asks for.

    They come from the nearest source that has several. Each line must contain the names in the question; its other
    words may also be in the text since the line before, except those that name the document. Lines are those with the
    label, or the entries below it if it is a heading.
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
            kind: AnswerBlockKind = "item"
            if not found:
                kind, found = _below_heading(places.structure(article_id), label)
            if _FEWEST <= len(found) <= _MOST:
                chosen = _about(rest, found, places.articles[article_id], of_somebody=bool(_TO_DO.search(question)))
                return [one for span in chosen for one in statements(span, places, article_id, 1.0, (), kind)]
    return []


def _below_heading(held: Structure, label: str) -> tuple[AnswerBlockKind, list[Span]]:
    """Return (kind, entries) of the table or list below the heading with a label."""
    heading = re.compile(rf"(?:\d+[.)]?\s+)?(?:{label})(?:\s+(?:items?|points?|list))?\s*:?", re.IGNORECASE)
    for number, block in enumerate(held.blocks):
        if block.kind == "heading" and heading.fullmatch(held.text[block.inner : block.end].strip(" *_")):
            below = [n for n in held.under(number) if held.blocks[n].kind in ("rows", "list", "steps")]
            for n in below[:1]:
                return "row" if held.blocks[n].kind == "rows" else "item", entries(held, n)
    return "item", []


def _about(rest: set[str], found: Sequence[Span], article: Article, *, of_somebody: bool) -> list[Span]:
    """Return the lines with the names in a question, and its other words."""
    said = [set(content_terms(article.text[start:end])) for start, end in found]
    named = {
        term for span in found for name in _NAME.findall(article.text[slice(*span)]) for term in content_terms(name)
    }
    named = {term for term in named if not is_calendar_name(term)}
    inside = rest & named
    if not inside and (found_name := _called(rest, article.text, named)):
        asked, inside = found_name
        rest -= asked
    if of_somebody and not inside:
        return []
    rest -= set(
        content_terms(" ".join([article.title, *words(article.source), article.text[: min(_TOP, found[0][0])]]))
    )
    before = [0, *(end for _, end in found)]  # the text before a decision is its subject
    return [
        (start, end)
        for (start, end), own, since in zip(found, said, before, strict=False)
        if inside <= own and rest - inside <= set(content_terms(article.text[since:end]))
    ]


def _called(rest: set[str], text: str, named: set[str]) -> tuple[set[str], set[str]] | None:
    """Return (words of the question, the name that follows them in a text): "the major" is Major Tufnell.

    None if no name follows, or several do.
    """
    pairs = [({*content_terms(one)} & rest, {*content_terms(other)} & named) for one, other in _NAMES.findall(text)]
    pairs = [(asked, names) for asked, names in pairs if asked and names]
    return pairs[0] if pairs and all(names == pairs[0][1] for _, names in pairs) else None
