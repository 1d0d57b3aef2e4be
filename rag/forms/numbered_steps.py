"""A procedure whose steps have their own headings: "1. Fill the tank", with a paragraph below each."""

from __future__ import annotations

from collections.abc import Sequence

from index.text.numbered import after_number, number_of
from index.text.structure import Structure
from index.text.words import content_terms
from rag.cite import Statement
from rag.forms.along_blocks import statements
from rag.places import Places
from rag.reader import Evidence
from rag.types import Form

_FEWEST, _MOST = 2, 15
_LONGEST = 600
"""Longest step, in characters."""


def numbered_steps(question: str, form: Form, evidence: Sequence[Evidence], places: Places) -> list[Statement]:
    """Return numbered sections as steps, each with its heading.

    They are the sections around the best evidence. There are none unless the question asks for steps, and the title and
    the heading above the first step have all of its words.
    """
    if form != "steps" or not evidence:
        return []
    best = evidence[0]
    article = best.hit.chunk.article_id
    held = places.structure(article)
    run = _run_around(held, best.start)
    if not _FEWEST <= len(run) <= _MOST:
        return []
    above = next((one for one in reversed(held.blocks[: run[0]]) if one.kind == "heading"), None)
    called = set(content_terms(held.text[above.inner : above.end])) if above else set[str]()
    title = set(content_terms(places.articles[article].title))
    question_terms = set(content_terms(question))
    if not question_terms or not question_terms <= called | title or (called and not question_terms & called):
        return []
    starts = [_words_of(held, number) for number in run]
    ends = [held.blocks[number].start for number in run[1:]] + [_end_of(held, run[-1])]
    spans = [(start, start + len(held.text[start:end].rstrip())) for start, end in zip(starts, ends, strict=True)]
    if any(end - start > _LONGEST for start, end in spans):
        return []
    return [one for span in spans for one in statements(span, places, article, best.score, (), "step")]


def _run_around(held: Structure, place: int) -> list[int]:
    """Return the headings numbered 1, 2, 3 and so on around a place."""
    runs = list[list[int]]()
    expected = 1
    for n, block in enumerate(held.blocks):
        number = number_of(_line(held, n)) if block.kind == "heading" else ()
        if len(number) != 1:
            continue
        if number[0] == 1:
            runs.append([n])
        elif runs and runs[-1] and number[0] == expected:
            runs[-1].append(n)
        else:
            runs.append([])  # a number is missing: the headings that follow belong to no run
            continue
        expected = number[0] + 1
    own = [run for run in runs if run and held.blocks[run[0]].start <= place < _end_of(held, run[-1])]
    return own[-1] if own else []


def _line(held: Structure, number: int) -> str:
    """Return a heading with its number, without Markdown."""
    block = held.blocks[number]
    return held.text[block.start : block.end].lstrip("# ")


def _words_of(held: Structure, number: int) -> int:
    """Return where the words of a numbered heading begin."""
    line = _line(held, number)
    return held.blocks[number].end - len(line) + after_number(line)


def _end_of(held: Structure, number: int) -> int:
    """Return the end of a section: the next heading of any level, or the end of the text."""
    return next((one.start for one in held.blocks[number + 1 :] if one.kind == "heading"), len(held.text))
