"""A procedure whose steps have headings of their own: "1. Fill the tank", with a paragraph below each."""

from __future__ import annotations

from collections.abc import Sequence

from index.lexical import content_terms
from index.text.numbered import number_of
from index.text.structure import Structure
from rag.cite import Statement
from rag.forms.along_blocks import statements
from rag.forms.asked import Form
from rag.forms.places import Places
from rag.reader import Evidence

_FEWEST, _MOST = 2, 15
_LONGEST = 600
"""Characters of a step."""


def numbered_steps(question: str, form: Form, evidence: Sequence[Evidence], places: Places) -> list[Statement]:
    """Return the numbered sections among which the best evidence stands as steps, each with its heading; nothing unless
    steps are asked for, and what stands above the first one, or the title, has half of the question's words."""
    if form != "steps" or not evidence:
        return []
    best = evidence[0]
    article = best.hit.chunk.article_id
    held = places.structure(article)
    run = _run_around(held, best.start)
    if not _FEWEST <= len(run) <= _MOST:
        return []
    above = next((one for one in reversed(held.blocks[: run[0]]) if one.kind == "heading"), None)
    called = held.text[above.inner : above.end] if above else places.articles[article].title
    asked = set(content_terms(question))
    if 2 * len(asked & set(content_terms(called))) < len(asked):
        return []
    ends = [held.blocks[number].start for number in run[1:]] + [_end_of(held, run[-1])]
    spans = [
        (
            held.blocks[number].inner,
            held.blocks[number].inner + len(held.text[held.blocks[number].inner : end].rstrip()),
        )
        for number, end in zip(run, ends, strict=True)
    ]
    if any(end - start > _LONGEST for start, end in spans):
        return []
    return [one for span in spans for one in statements(held.text, span, places, article, best.score, (), "step")]


def _run_around(held: Structure, place: int) -> list[int]:
    """The headings numbered 1, 2, 3 and so on of which one is the last before a place."""
    numbered = [
        (n, parts[0])
        for n, block in enumerate(held.blocks)
        if block.kind == "heading" and len(parts := number_of(held.text[block.start : block.end])) == 1
    ]
    runs = list[list[int]]()
    before = 0
    for n, number in numbered:
        if number == 1:
            runs.append([n])
        elif runs and number == before + 1:
            runs[-1].append(n)
        before = number
    own = [run for run in runs if held.blocks[run[0]].start <= place < _end_of(held, run[-1])]
    return own[-1] if own else []


def _end_of(held: Structure, number: int) -> int:
    """Where a section ends: where the next heading begins, whatever its level, or the text ends."""
    return next((one.start for one in held.blocks[number + 1 :] if one.kind == "heading"), len(held.text))
