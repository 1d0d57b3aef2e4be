"""Evidence -> an answer along the blocks it stands in: the whole list, all steps, the whole reply to a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.layout import Span
from index.sentences import sentences
from index.text.marks import inside_fences
from index.text.structure import Structure
from rag.cite import BlockKind, Statement
from rag.forms.asked import Form
from rag.forms.places import Places, with_answers
from rag.reader import Evidence
from rag.write import shown

MOST_ITEMS = 20
_LINE = re.compile(r"[^\s][^\n]*(?<=\S)")
_RULE = re.compile(r"[|\s:-]+")
_KINDS: dict[str, BlockKind] = {"list": "item", "steps": "step", "rows": "row", "code": "item"}
_REPLY = 600
"""Characters after a question in which its reply begins."""
_SHORT_CODE = 8
"""Lines of code up to which it is quoted whole."""
_LONGEST = 450
"""Characters up to which a paragraph is quoted whole."""
_WHOLE_LISTS: tuple[Form, ...] = ("list", "steps", "summary")
_WHOLE_PARAGRAPHS: tuple[Form, ...] = ("steps", "sentence", "yes_no")


def along_blocks(form: Form, evidence: Sequence[Evidence], places: Places) -> list[Statement]:
    """Return the best evidence in the form of its block; nothing where a sentence of it is the answer."""
    if not evidence:
        return []
    best = evidence[0]
    article = best.hit.chunk.article_id
    held = places.structure(article)
    marked = [span for one in evidence if one.hit.chunk.article_id == article for span in one.answers]
    inside = held.at(best.start, best.end)
    if form in _WHOLE_LISTS:
        for number in inside:
            if held.blocks[number].kind in ("list", "steps"):
                return listed(held, number, places, article, best.score, marked)
    for number in inside:
        block = held.blocks[number]
        if block.kind == "code" and len(entries(held, number)) <= _SHORT_CODE:
            return listed(held, number, places, article, best.score, marked)
        below = leads_into(held, number) if block.kind == "paragraph" else None
        if below is not None and (form != "words" or held.blocks[below].kind == "code"):
            return listed(held, below, places, article, best.score, marked)
        if block.kind == "pair" and form in _WHOLE_PARAGRAPHS:
            return whole(held.text, best, (block.inner, block.end), places, marked)
        if block.kind in ("paragraph", "item") and form in _WHOLE_PARAGRAPHS:
            return whole(held.text, best, (block.inner, block.end), places, marked)
    return []


def settled(evidence: Sequence[Evidence], places: Places) -> list[Evidence]:
    """Return the evidence, best first, each slice once. What stands in a question is moved to the reply below it: that
    of its pair, else the sentence that follows."""
    made = list[Evidence]()
    for one in evidence:
        held = places.structure(one.hit.chunk.article_id)
        pair = next((held.blocks[n] for n in held.at(one.start, one.end) if held.blocks[n].kind == "pair"), None)
        if pair and one.start < pair.inner:
            first = one.end if pair.inner < one.end else sentences(held.text, pair.inner, pair.end)[0][1]
            found = places.evidence(one.hit.chunk.article_id, pair.inner, first, one.score)
            one = replace(with_answers(found[0], one.answers), stands=one.stands) if found else one
        elif one.text.rstrip().endswith("?"):
            following = sentences(held.text, one.end, min(len(held.text), one.end + _REPLY))[:1]
            found = [e for span in following for e in places.evidence(one.hit.chunk.article_id, *span, one.score)]
            one = replace(found[0], stands=one.stands) if found else one
        if not any(one.overlaps(other) for other in made):
            made.append(one)
    return made


def listed(
    held: Structure, number: int, places: Places, article: str, score: float, marked: Sequence[Span] = ()
) -> list[Statement]:
    """Return a list as statements: the line that leads into it, if there is one, and its items."""
    block = held.blocks[number]
    kind: BlockKind = _KINDS[block.kind]
    made = list[Statement]()
    before = held.blocks[number - 1] if number else None
    if before and before.kind == "paragraph" and leads_into(held, number - 1) == number:
        line = sentences(held.text, before.inner, before.end)[-1]
        made += statements(held.text, line, places, article, score, marked, "lead")
    for item in entries(held, number)[:MOST_ITEMS]:
        made += statements(held.text, item, places, article, score, marked, kind)
    return made if any(one.block == kind for one in made) else []


def whole(text: str, best: Evidence, block: Span, places: Places, marked: Sequence[Span]) -> list[Statement]:
    """Return a block if it is short, else its sentences from the best evidence on, as far as there is room."""
    start, end = block
    if end - start > _LONGEST:
        start = end = best.start
        for _, stop in sentences(text, best.start, block[1]):
            if stop - start > _LONGEST and end > start:
                break
            end = stop
    return statements(text, (start, end), places, best.hit.chunk.article_id, best.score, marked, "quote")


def leads_into(held: Structure, number: int) -> int | None:
    """Return the number of the list or code that a paragraph leads into ("The tools:"), None if it leads into none."""
    block = held.blocks[number]
    following = held.blocks[number + 1] if number + 1 < len(held.blocks) else None
    leads = held.text[block.start : block.end].rstrip().endswith(":")
    return number + 1 if leads and following and following.kind in ("list", "steps", "code") else None


def statements(
    text: str, span: Span, places: Places, article: str, score: float, marked: Sequence[Span], kind: BlockKind
) -> list[Statement]:
    """Return a slice of an article as one statement; nothing if no passage holds it."""
    pieces = [with_answers(one, marked) for one in places.evidence(article, *span, score)]
    if not pieces:
        return []
    said = " ".join(shown(one.text) for one in pieces)
    words = f"“{said}”" if kind == "quote" else said
    return [Statement(words, pieces[0], also=tuple(pieces[1:]), block=kind)]


def entries(held: Structure, number: int) -> list[Span]:
    """Return the slices of the items of a list, of the lines of code, or of the rows of a table below its header."""
    block = held.blocks[number]
    if block.kind == "code":
        inner = inside_fences(held.text, block.start, block.end)
        return [match.span() for match in _LINE.finditer(held.text, *inner)]
    if block.kind != "rows":
        return [(item.inner, item.end) for item in held.items(number)]
    lines = [match.span() for match in _LINE.finditer(held.text, block.start, block.end)]
    if held.text[block.start] != "|":
        return lines
    below = next((n for n, (a, b) in enumerate(lines) if _RULE.fullmatch(held.text, a, b)), -1)
    return [(a + 1, b - 1) for a, b in lines[below + 1 :] if b - a > 2]
