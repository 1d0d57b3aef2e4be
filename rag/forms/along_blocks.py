"""Extends evidence to the block that contains it: a whole list, all steps, the whole answer to a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.text.aligned import aligned_table
from index.text.layout import Span
from index.text.marks import inside_fences
from index.text.sentences import sentences
from index.text.structure import Block, Structure, structure
from rag.cite import AnswerBlockKind, Statement
from rag.forms.question_form import denies
from rag.places import Places, with_answers
from rag.reader import Evidence
from rag.reader.evidence import strip_marks
from rag.types import Form
from rag.writer.quote import display_text

MOST_ITEMS = 20
_LINE = re.compile(r"[^\s][^\n]*(?<=\S)")
_RULE = re.compile(r"[|\s:-]+")
_KINDS: dict[str, AnswerBlockKind] = {"list": "item", "steps": "step", "rows": "row", "code": "item"}
MARKED = re.compile(
    r"^(?P<indent>[ \t]*)(?P<words>(?P<mark>\d+(?:\.\d+)+\.?|\(?(?:\d+|[a-z]|[ivx]+)[.)])[ \t]+\S.*)$", re.MULTILINE
)
"""A line that begins with the mark of an item or clause."""
REFERS = re.compile(
    r"\W*(?:this|that|these|those|it|they|he|she|such|so|thus|therefore|hence|then|otherwise|instead|however|but|and|also|else"
    r"|both|for this|if so|if not|in that case)\b",
    re.IGNORECASE,
)
"""Begins a sentence that refers to the sentence before."""
_CORRECTS = re.compile(r"\W*(?:corrections?|corrigend(?:um|a)|errat(?:um|a))\b[^.]{0,40}", re.IGNORECASE)
"""Heading of a correction, which repeats a mistake and gives the correct text."""
_REPLY = 600
"""Maximum characters between a question and the start of its reply."""
_WORTH = 0.2
"""Minimum score of further quoted list items, as a share of the best score."""
_SHORT_CODE = 8
"""Maximum lines of a code block that is quoted whole."""
_MOST_BEFORE = 80
"""Maximum characters of a paragraph quoted before the sentence with the answer."""
_LONGEST = 450
"""Maximum characters of a paragraph that is quoted whole."""
_WHOLE_LISTS: tuple[Form, ...] = ("list", "steps", "summary")
_OPEN: tuple[Form, ...] = ("words", "sentence")
"""Forms of questions that do not say if they ask for one thing or several."""
_MANY = 3
"""A list is quoted whole if one in so many of its items answers."""
_WHOLE_PARAGRAPHS: tuple[Form, ...] = ("steps", "sentence", "yes_no")


def along_blocks(form: Form, evidence: Sequence[Evidence], places: Places) -> list[Statement]:
    """Return the best evidence extended to its block; [] to quote its sentence only."""
    if not evidence:
        return []
    best = evidence[0]
    article = best.hit.chunk.article_id
    held = places.structure(article)
    marked = [span for one in evidence if one.hit.chunk.article_id == article for span in one.answers]
    inside = held.at(best.start, best.end)
    if correction := _correction(held, inside):
        return statements(correction, places, article, best.score, marked, "quote")
    # Answering words that reach over several items name the list, not one of its items.
    named = held.at(*best.answers[0]) if best.answers else inside
    if form in (*_WHOLE_LISTS, *_OPEN):
        for number in inside:
            below = leads_into(held, number) if held.blocks[number].kind == "item" else None
            if below is not None:  # the last clause of a list leads into the list below
                return listed(held, below, places, article, best.score, marked)
    if form in _WHOLE_LISTS or _item_of(held, named) is None:
        for number in inside:
            if held.blocks[number].kind in ("list", "steps"):
                return listed(held, number, places, article, best.score, marked)
    if form in _OPEN and (several := _several_items(held, inside, evidence, places, marked)):
        return several
    if (lead := _lead_of(held, inside, best)) and (form != "words" or denies(held.text[slice(*lead)])):
        item = _item_of(held, inside)
        if item and item.inner <= lead[0]:
            part = part_of(held.text, item, best.start)
            if part[0] <= lead[0] and part[1] - part[0] <= _LONGEST:
                return statements(part, places, article, best.score, marked, "quote")
        made = statements(lead, places, article, best.score, marked, "lead")
        for one in _in_the_list(held, item.parent if item else None, evidence, article):
            made += statements((one.start, one.end), places, article, one.score, marked, "item")
        if len(made) > 1:
            return made
    for number in inside:
        block = held.blocks[number]
        if block.kind == "code" and len(entries(held, number)) <= _SHORT_CODE:
            return listed(held, number, places, article, best.score, marked)
        below = leads_into(held, number) if block.kind == "paragraph" else None
        if below is not None and (form != "words" or held.blocks[below].kind == "code"):
            return listed(held, below, places, article, best.score, marked)
        if block.kind == "pair" and form in _WHOLE_PARAGRAPHS:
            return whole(held.text, best, (block.inner, block.end), places, marked)
        if block.kind in ("paragraph", "item") and not block.level and form in _WHOLE_PARAGRAPHS:
            return whole(held.text, best, part_of(held.text, block, best.start), places, marked)
    return []


def _several_items(
    held: Structure, inside: Sequence[int], evidence: Sequence[Evidence], places: Places, marked: Sequence[Span]
) -> list[Statement]:
    """Return the items of a list if the reading model finds answers in several: all if in many, else these."""
    article, score = evidence[0].hit.chunk.article_id, evidence[0].score
    for number in inside:
        if held.blocks[number].kind not in ("list", "steps"):
            continue
        found = _in_the_list(held, number, evidence, article)
        items = [item for item in entries(held, number) if any(item[0] <= one.start < item[1] for one in found)]
        if len(items) * _MANY >= len(entries(held, number)):
            return listed(held, number, places, article, score, marked) if len(items) > 1 else []
        if len(items) > 1:
            return [made for item in items for made in statements(item, places, article, score, marked, "item")]
    return []


def _correction(held: Structure, inside: Sequence[int]) -> Span | None:
    """Return the correction that contains the evidence, or None.

    It is quoted whole: a single sentence of it may be the mistake.
    """
    outer = [held.blocks[n] for n in inside if held.blocks[n].kind in ("paragraph", "item")]
    block = next((one for one in outer if not one.level), None)
    parent = block.parent if block else None
    while parent is not None and held.blocks[parent].kind != "heading":
        parent = held.blocks[parent].parent
    if block is None or parent is None or block.end - block.start > 2 * _LONGEST:
        return None
    above = held.blocks[parent]
    return (block.inner, block.end) if _CORRECTS.fullmatch(held.text, above.inner, above.end) else None


def _item_of(held: Structure, inside: Sequence[int]) -> Block | None:
    """Return the outermost item among blocks, or None.

    An item is quoted with its nested items and its lead-in.
    """
    return next((held.blocks[n] for n in inside if held.blocks[n].kind == "item" and not held.blocks[n].level), None)


def _lead_of(held: Structure, inside: Sequence[int], best: Evidence) -> Span | None:
    """Return the lead-in of the item that contains the evidence ("The tenant shall not:").

    Without its lead-in an item may say the opposite. None if there is no lead-in before the evidence.
    """
    item = _item_of(held, inside)
    if item is None:
        return None
    before = [line for line in sentences(held.text, item.inner, item.end) if line[1] <= best.start]
    leads = [line for line in before if held.text[line[1] - 1] == ":"]
    if leads:
        return strip_marks(held.text, *leads[-1])
    if item.parent and leads_into(held, item.parent - 1) == item.parent:
        above = held.blocks[item.parent - 1]
        return sentences(held.text, above.inner, above.end)[-1]
    return None


def settled(evidence: Sequence[Evidence], places: Places) -> list[Evidence]:
    """Return the evidence, best first, without overlaps.

    Evidence in a question or heading is moved to the text that follows: the answer of its pair, or the next sentence.
    """
    made = list[Evidence]()
    for one in evidence:
        held = places.structure(one.hit.chunk.article_id)
        pair = next((held.blocks[n] for n in held.at(one.start, one.end) if held.blocks[n].kind == "pair"), None)
        if pair and one.start < pair.inner:
            first = one.end if pair.inner < one.end else sentences(held.text, pair.inner, pair.end)[0][1]
            found = places.evidence(one.hit.chunk.article_id, pair.inner, first, one.score)
            one = replace(with_answers(found[0], one.answers), odds=one.odds) if found else one
        elif heading := _heading_at(held, one):
            # A heading only names the subject of its section: move on to the section.
            below = sentences(held.text, heading.end, min(len(held.text), heading.end + _REPLY))[:1]
            if made and below and held.text[below[0][1] - 1] == "?":
                continue
            is_statement = one.answers and not one.text.rstrip().endswith("?")
            start = heading.inner if is_statement or not below else below[0][0]
            found = places.evidence(one.hit.chunk.article_id, start, below[0][1], one.score) if below else []
            one = replace(with_answers(found[0], one.answers), odds=one.odds) if len(found) == 1 else one
        elif one.text.rstrip().endswith("?"):
            following = sentences(held.text, one.end, min(len(held.text), one.end + _REPLY))[:1]
            found = [e for span in following for e in places.evidence(one.hit.chunk.article_id, *span, one.score)]
            one = replace(found[0], odds=one.odds) if found else one
        if not any(one.overlaps(other) for other in made):
            made.append(one)
    return made


def part_of(text: str, block: Block, place: int) -> Span:
    """Return the part of an item that contains an offset.

    Marked lines ("2.1", "(a)") begin parts. A part ends before the next marked line; below a lead-in it is the lead-in
    with all lines nested below. An item without marked lines is one part.
    """
    marks = [
        (m.start("words"), len(m["indent"]))
        for m in MARKED.finditer(text, text.rfind("\n", 0, block.start) + 1, block.end)
    ]
    above = [(start, indent) for start, indent in marks if start <= place]
    if not above:
        return block.inner, marks[0][0] if marks else block.end
    start, indent = above[-1]
    leads = [one for one in above if one[1] < indent and text[one[0] : start].partition("\n")[0].rstrip().endswith(":")]
    start, indent = leads[-1] if leads else (start, indent)
    after = [other for other, depth in marks if other > start and (depth <= indent or not leads)]
    end = after[0] if after else block.end
    return max(start, block.inner), start + len(text[start:end].rstrip())


def _in_the_list(held: Structure, number: int | None, evidence: Sequence[Evidence], article: str) -> list[Evidence]:
    """Return the evidence in a list's items that scores high enough, in text order."""
    found = [
        one
        for one in evidence
        if one.hit.chunk.article_id == article
        and one.score >= _WORTH * evidence[0].score
        and any(held.blocks[n].kind == "item" and held.blocks[n].parent == number for n in held.at(one.start, one.end))
    ]
    return sorted(found, key=lambda one: one.start)


def stands_alone(one: Evidence, places: Places) -> bool:
    """False if the evidence lacks a negating lead-in ("The tenant shall not:")."""
    held = places.structure(one.hit.chunk.article_id)
    lead = _lead_of(held, held.at(one.start, one.end), one)
    return lead is None or not denies(held.text[slice(*lead)])


def _heading_at(held: Structure, one: Evidence) -> Block | None:
    return next((held.blocks[n] for n in held.at(one.start, one.end) if held.blocks[n].kind == "heading"), None)


def listed(
    held: Structure, number: int, places: Places, article: str, score: float, marked: Sequence[Span] = ()
) -> list[Statement]:
    """Return a list as statements: its lead-in, if any, and its items."""
    block = held.blocks[number]
    kind: AnswerBlockKind = _KINDS[block.kind]
    made = list[Statement]()
    before = held.blocks[number - 1] if number else None
    if before and before.kind in ("paragraph", "item") and leads_into(held, number - 1) == number:
        line = sentences(held.text, before.inner, before.end)[-1]
        made += statements(line, places, article, score, marked, "lead")
    for item in entries(held, number)[:MOST_ITEMS]:
        made += statements(item, places, article, score, marked, kind)
    if block.kind in ("list", "steps") and (below := _below_last_item(held, number)) is not None:
        for item in entries(held, below)[:MOST_ITEMS]:
            made += statements(item, places, article, score, marked, "item")
    return made if any(one.block == kind for one in made) else []


def _below_last_item(held: Structure, number: int) -> int | None:
    """Return the list that the last item of a list leads into ("We may end it at once for:"), or None."""
    items = [n for n in range(number, len(held.blocks)) if held.blocks[n].parent == number]
    return leads_into(held, items[-1]) if items else None


def whole(text: str, best: Evidence, block: Span, places: Places, marked: Sequence[Span]) -> list[Statement]:
    """Return a block, cut to a maximum length.

    A long text before the sentence with the answer is left out, except a sentence that it refers to ("This is why").
    """
    start, end = block
    if best.start - start > _MOST_BEFORE:
        lines = [line for line in sentences(text, start, end) if line[0] <= best.start] or [block]
        refers = len(lines) > 1 and REFERS.match(text, lines[-1][0])
        start = lines[-2 if refers else -1][0]
    if end - start > _LONGEST:
        start = end = best.start
        for _, stop in sentences(text, best.start, block[1]):
            if stop - start > _LONGEST and end > start:
                break
            end = stop
    return statements((start, end), places, best.hit.chunk.article_id, best.score, marked, "quote")


def leads_into(held: Structure, number: int) -> int | None:
    """Return the number of the list or code after a lead-in ("The tools:"), or None."""
    block = held.blocks[number]
    following = held.blocks[number + 1] if number + 1 < len(held.blocks) else None
    leads = held.text[block.start : block.end].rstrip().endswith(":")
    return number + 1 if leads and following and following.kind in ("list", "steps", "code") else None


def statements(
    span: Span, places: Places, article: str, score: float, marked: Sequence[Span], kind: AnswerBlockKind
) -> list[Statement]:
    """Return a slice of an article as one statement; [] if no passage contains it."""
    pieces = [with_answers(one, marked) for one in places.evidence(article, *span, score)]
    if not pieces:
        return []
    said = " ".join(map(display_text, pieces))
    words = f"“{said}”" if kind == "quote" else said
    return [Statement(words, pieces[0], also=tuple(pieces[1:]), block=kind)]


def reply_parts(text: str, start: int, end: int) -> list[tuple[AnswerBlockKind, Span]]:
    """Return (kind, slice) of the lead-in, the items and the rest of a reply; the whole if it has no two items."""
    begin = text.rfind("\n", 0, start) + 1
    # Blanks for the mark of the question keep the columns of the items.
    held = structure(" " * (start - begin) + text[start:end])
    parts = list[tuple[AnswerBlockKind, Span]]()
    for block in held.blocks:
        span = (begin + block.inner, begin + block.end)
        above = held.blocks[block.parent].kind if block.kind == "item" and block.parent is not None else ""
        if above in ("list", "steps"):
            parts.append((_KINDS[above], span))
        elif block.kind not in ("list", "steps", "item"):
            parts.append(("lead" if text[span[1] - 1] == ":" else "quote", span))
    has_items = sum(kind in ("item", "step") for kind, _ in parts) > 1
    return parts if has_items else [("quote", (start, end))]


def of_reply(span: Span, places: Places, article: str, score: float) -> list[Statement]:
    """Return a reply as statements: its items with what stands around them, or one quote."""
    parts = reply_parts(places.articles[article].text, *span)
    return [made for kind, part in parts for made in statements(part, places, article, score, (), kind)]


def entries(held: Structure, number: int) -> list[Span]:
    """Return the slices of list items, lines of code, or table rows below the header."""
    block = held.blocks[number]
    if block.kind == "code":
        inner = inside_fences(held.text, block.start, block.end)
        return [match.span() for match in _LINE.finditer(held.text, *inner)]
    if block.kind != "rows":
        return [(item.inner, item.end) for item in held.items(number)]
    if drawn := aligned_table(held.text, block.start, block.end):
        return [(row.start, row.end) for row in drawn.rows]
    lines = [match.span() for match in _LINE.finditer(held.text, block.start, block.end)]
    if held.text[block.start] != "|":
        return lines
    below = next((n for n, (a, b) in enumerate(lines) if _RULE.fullmatch(held.text, a, b)), -1)
    return [(a + 1, b - 1) for a, b in lines[below + 1 :] if b - a > 2]
