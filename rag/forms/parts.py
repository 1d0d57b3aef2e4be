"""The part of a document that a question names by its number: "clause 2.1", "step 3 of booking a parcel"."""

from __future__ import annotations

from collections.abc import Iterator

from index.text.identifiers import without
from index.text.layout import Span
from index.text.structure import Block, Structure
from index.text.terms import normal_form
from index.text.words import content_terms
from rag.cite import Statement
from rag.forms.along_blocks import MARKED, leads_into, listed, statements
from rag.places import Places
from rag.retrieve import Query

_ASKS = frozenset(
    content_terms("say says state states read reads cover contain deal regulate require mean tell about text wording")
)
"""Words of a question that ask for nothing but the part itself."""
_LONGEST = 900
"""Longest section, in characters, that is quoted whole."""


def numbered_part(query: Query, places: Places) -> list[Statement]:
    """Return the part that a question asks for by number, the first in the passages.

    There is none if no part has the number, or the question asks for something in it.
    """
    numbers = {key[1:] for one in query.identifiers for key in one.keys if key.startswith("§")}
    question_terms = set(content_terms(without(query.identifiers, query.text))) - _ASKS
    question_terms -= {term for one in query.identifiers for term in content_terms(one.noun)}
    seen = set[str]()
    for hit in list(places.hits) if numbers else ():
        article = hit.chunk.article_id
        if article in seen:
            continue
        seen.add(article)
        held = places.structure(article)
        title = places.articles[article].title
        for number, label in _labelled(held):
            if label in numbers and question_terms <= set(content_terms(f"{title}\n{_above(held, number)}")):
                return _quoted(held, number, places, article)
        for number, part, label in _nested(held):
            if label in numbers and question_terms <= set(content_terms(f"{title}\n{_above(held, number)}")):
                return statements(part, places, article, 1.0, (), "quote")
    return []


def _labelled(held: Structure) -> Iterator[tuple[int, str]]:
    """Yield (number of a block, its label in standard form) for the blocks that begin with a label."""
    for number, block in enumerate(held.blocks):
        words = held.text[block.start : block.end].lstrip("# \t")
        mark = words.split(maxsplit=1)[0].strip("().:") if block.kind in ("heading", "item", "paragraph") else ""
        if mark and any(map(str.isdigit, mark)):
            yield number, normal_form(mark)


def _nested(held: Structure) -> Iterator[tuple[int, Span, str]]:
    """Yield (number of the item, place, label) for labelled lines inside items, each with the lines nested below it."""
    for number, block in enumerate(held.blocks):
        if block.kind != "item" or block.level:
            continue
        lines = [
            (match.start("words"), len(match["indent"]), normal_form(match["mark"].strip("().:")))
            for match in MARKED.finditer(held.text, held.text.rfind("\n", 0, block.start) + 1, block.end)
        ]
        for at, (start, indent, label) in enumerate(lines):
            after = (other for other, depth, _ in lines[at + 1 :] if depth <= indent)
            end = next(after, block.end)
            yield number, (start, start + len(held.text[start:end].rstrip())), label


def _above(held: Structure, number: int) -> str:
    """Return the headings above a block, and the line that introduces its list."""
    lines = [held.text[one.start : one.end] for one in held.path(number)]
    parent = held.blocks[number].parent
    while parent is not None and held.blocks[parent].kind == "item":
        parent = held.blocks[parent].parent
    if parent and leads_into(held, parent - 1) == parent:
        lines.append(held.text[held.blocks[parent - 1].start : held.blocks[parent - 1].end])
    return "\n".join(lines)


def _quoted(held: Structure, number: int, places: Places, article: str) -> list[Statement]:
    block = held.blocks[number]
    made = statements((block.start, block.end), places, article, 1.0, (), "quote")
    following = next((n for n in range(number, len(held.blocks)) if held.blocks[n].start >= block.end), None)
    if following and held.text[block.end - 1] == ":" and held.blocks[following].kind in ("list", "steps"):
        below = listed(held, following, places, article, 1.0)
        made = below if any(one.block == "lead" for one in below) else made + below
    for one in _below(held, block, number):
        made += statements(one, places, article, 1.0, (), "quote")
    return made


def _below(held: Structure, block: Block, number: int) -> Iterator[Span]:
    """Yield the outermost blocks under a heading, as many as fit into _LONGEST."""
    if block.kind != "heading":
        return
    for one in held.under(number):
        below = held.blocks[one]
        if below.kind == "item":
            continue
        if below.end - block.start > _LONGEST:
            return
        yield below.start, below.end
