"""Which block of a document answers a question as a whole: a list, steps, a small table, a section, or a reply.

Each block near the passages gets a probability by a logistic regression over its place, its likeness to the question,
and what the reading model found inside. `benchmarks/fit_blocks.py` fits the weights in blocks.json on questions about
everyday documents that the reading model has not learned.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from index.encoder.embedder import Embedder
from index.mentions import mentions
from index.text.calendar_names import held_name, is_calendar_name
from index.text.layout import Span
from index.text.structure import Structure, columns
from index.text.words import content_terms
from rag.cite import Statement
from rag.forms.along_blocks import MOST_ITEMS, entries, leads_into, listed, of_reply, reply_parts, statements
from rag.forms.question_form import asks_what_is_not, denies, word_forms
from rag.places import Places
from rag.reader import Evidence, Reading
from rag.reader.names import asks_for_several
from rag.reader.ranking import FeatureArray, Linear
from rag.retrieve import Query
from rag.types import Form

BLOCK_WEIGHTS = Path(__file__).parent / "blocks.json"
FORMS: tuple[Form, ...] = ("list", "steps", "words", "sentence")
"""Forms of questions that a block may answer."""
BLOCK_FEATURES = (
    "like_above",
    "like_whole",
    "like_own",
    "less_than_likest",
    "words_above",
    "words_inside",
    "evidence",
    "has_best",
    "odds",
    "slices",
    "items",
    "share_of_items",
    "place",
    "fused",
    "is_list",
    "is_steps",
    "is_rows",
    "is_reply",
    "log_items",
    "log_length",
    "asks_list",
    "asks_steps",
    "asks_words",
    "asks_several",
    "list_for_list",
    "steps_for_steps",
    "score",
    "best_score",
    "best_odds",
    "opens",
    "asks_value",
    "value_opens",
)
ASKS_VALUE = re.compile(
    r"(?:^|[.!?,;:]\s)\W*(?:(?:by|since|until|till|from|to|for|at|with) )?"
    r"(?:who|whom|whose|when|where|how (?:much|many|long|old|far|often|big))\b",
    re.IGNORECASE,
)
"""Opens a question that mostly a few words answer."""
_SHOW, _SHOW_ASKED = 0.5, 0.25
"""Least probability of a block that is shown, and of one for a question that asks for a list or steps and is answered
anyway."""
_SHOW_STEPS = 0.1
"""The same of steps, for a question that says that it wants steps, and of those in the section that it names."""
_SAYS_STEPS = re.compile(r"\bstep[- ]by[- ]step\b|\b(?:steps|instructions|procedure)\b", re.IGNORECASE)
_MOST_BLOCKS = 32
_LONGEST_SECTION = 1000
"""Longest section or reply, in characters, that is quoted whole."""
_COMPARED = 700
"""Characters of a block that are compared; the encoder reads no more."""
_FEWEST_WORDS = 3
"""A question with fewer words counts as having this many."""
_MOST_ODDS, _NO_ODDS = 6.0, -9.0


@dataclass(frozen=True)
class WholeBlock:
    """A block that may answer: block `number` of an article, or the text below it if it is a heading or a question.

    `kind` is "list", "steps", "rows", "section" or "reply". `start` and `end` are offsets into the article, `items` the
    slices of its items (none in a section or reply). `place` is the rank of its passage, from 0, with the fused score
    `fused`. `own` are the headings and lines above it, `above` the same with the document's title, and `whole` adds the
    block itself, cut.
    """

    article_id: str
    number: int
    kind: str
    start: int
    end: int
    items: tuple[Span, ...]
    place: int
    fused: float
    own: str
    above: str
    whole: str

    def contains(self, one: Evidence) -> bool:
        """True if evidence touches the block."""
        return one.hit.chunk.article_id == self.article_id and one.start < self.end and self.start < one.end


def whole_blocks(places: Places) -> list[WholeBlock]:
    """Return the blocks near the passages, those of the best passages first."""
    return list(islice(_blocks_of(places), _MOST_BLOCKS))


def _blocks_of(places: Places) -> Iterator[WholeBlock]:
    """Yield all blocks near the passages, those of the best passages first."""
    seen = set[tuple[str, int]]()
    for place, hit in enumerate(list(places.hits)):
        article = hit.chunk.article_id
        held = places.structure(article)
        for number, block in enumerate(held.blocks):
            touches = block.start < hit.chunk.end and hit.chunk.start < block.end
            if not touches or (article, number) in seen or not (found := _extent(held, number)):
                continue
            seen.add((article, number))
            kind, start, end, items = found
            own, above = _above(held, number, kind, places, article)
            whole = f"{above}\n{_inside(held, start, end, items)}"[:_COMPARED]
            yield WholeBlock(article, number, kind, start, end, items, place, hit.score, own, above, whole)


def _extent(held: Structure, number: int) -> tuple[str, int, int, tuple[Span, ...]] | None:
    """Return (kind, start, end, items) of what a block offers as an answer; None if nothing."""
    block = held.blocks[number]
    if block.kind in ("list", "steps", "rows"):
        items = tuple(entries(held, number))
        return (block.kind, block.start, block.end, items) if 2 <= len(items) <= MOST_ITEMS else None
    if block.kind == "pair":
        kind, start, end = "reply", block.inner, block.end
    elif block.kind == "heading" and (below := _below(held, number)):
        kind, start, end = "section", held.blocks[below[0]].start, held.blocks[below[-1]].end
    else:
        return None
    return (kind, start, end, ()) if end - start <= _LONGEST_SECTION else None


def _below(held: Structure, number: int) -> list[int]:
    """Return the paragraphs below a heading, if it is not the document's and has nothing else below it."""
    below = [n for n, one in enumerate(held.blocks) if one.parent == number]
    return below if number and all(held.blocks[n].kind == "paragraph" for n in below) else []


def _above(held: Structure, number: int, kind: str, places: Places, article_id: str) -> tuple[str, str]:
    """Return the headings and lines above a block, without and with the document's title."""
    article, block = places.articles[article_id], held.blocks[number]
    title = article.title if article.named else ""
    lines = [held.text[one.inner : one.end] for one in held.path(number)]
    if kind == "section":
        lines.append(held.text[block.inner : block.end])
    elif kind == "reply":
        lines.append(held.text[block.start : block.inner])
    elif number and leads_into(held, number - 1) == number:
        lines.append(held.text[held.blocks[number - 1].start : held.blocks[number - 1].end])
    if kind == "rows":
        lines.append(" ".join(columns(held.text, block.start)))
    own = "\n".join(line for line in lines if line != title)
    return own, "\n".join(dict.fromkeys(filter(None, (title, *lines))))


def _inside(held: Structure, start: int, end: int, items: Sequence[Span]) -> str:
    return "\n".join(held.text[a:b] for a, b in items) if items else held.text[start:end]


def block_rows(
    query: Query, form: Form, reading: Reading, found: Sequence[WholeBlock], embedder: Embedder
) -> FeatureArray:
    """Return the features (n, f) of blocks, in the order of BLOCK_FEATURES."""
    texts = [text for one in found for text in (one.above, one.whole, one.own or one.above)]
    cosines = (embedder.encode_documents(texts) @ query.vector).reshape(-1, 3)
    question_terms = word_forms(query.text)
    most = max(_FEWEST_WORDS, len(question_terms))
    best = reading.evidence[0] if reading.evidence else None
    of_question = (form == "list", form == "steps", form == "words", asks_for_several(query.text))
    for_value, opens = ASKS_VALUE.search(query.text) is not None, bool(best) and reading.opens
    of_reading = (
        reading.score or 0.0,
        best.score if best else 0.0,
        _clipped(best.odds) if best else _NO_ODDS,
        *map(float, (opens, for_value, opens and for_value)),
    )
    rows = []
    for one, likeness in zip(found, cosines, strict=True):
        inside = [slice_ for slice_ in reading.evidence if one.contains(slice_)]
        items = sum(any(e.start < end and start < e.end for e in inside) for start, end in one.items)
        rows.append(
            [
                *map(float, likeness),
                float(likeness[1] - cosines[:, 1].max()),
                len(question_terms & word_forms(one.own)) / most,
                len(question_terms & word_forms(one.whole)) / most,
                sum(slice_.score for slice_ in inside),
                float(bool(inside) and inside[0] is best),
                max((_clipped(slice_.odds) for slice_ in inside), default=_NO_ODDS),
                float(len(inside)),
                float(items),
                items / max(1, len(one.items)),
                math.log1p(one.place),
                one.fused,
                *(float(one.kind == kind) for kind in ("list", "steps", "rows", "reply")),
                math.log1p(len(one.items)),
                math.log(max(1, one.end - one.start)),
                *map(float, of_question),
                float(form == "list" and bool(one.items)),
                float(form == "steps" and one.kind == "steps"),
                *of_reading,
            ]
        )
    return np.array(rows, dtype=np.float64)


def _clipped(odds: float) -> float:
    return max(-_MOST_ODDS, min(_MOST_ODDS, odds))


@cache
def _weights() -> Linear:
    value: Any = json.loads(BLOCK_WEIGHTS.read_text("utf-8"))
    return Linear(np.array([value["weights"].get(name, 0.0) for name in BLOCK_FEATURES]), value["bias"])


def choose_block(
    query: Query, form: Form, reading: Reading, places: Places, embedder: Embedder, *, is_answerable: bool
) -> list[Statement]:
    """Return the block near the passages that most likely answers as a whole; [] if single slices are better.

    A block must contain the question's identifiers, and for a question after what is not, deny something. A table whose
    rows the question tells apart is not quoted whole, nor is a single paragraph that holds the best evidence: it is
    quoted from there on. If a sentence answers alone, only a list that holds it is quoted whole, or a reply with items,
    or, below it, the steps of its section for a question that asks how. A question that says "steps" gets steps,
    whatever else answers.
    """
    if form not in FORMS or (form == "words" and (reading.opens or ASKS_VALUE.search(query.text))):
        return []  # a few words answer
    wants_steps = _SAYS_STEPS.search(query.text) is not None
    alone = next((one for one in reading.evidence[:1] if one.stands and not wants_steps), None)
    found = whole_blocks(places)
    if wants_steps and (steps := [one for one in found if one.kind == "steps"]):
        found = steps
    elif reading.opens or alone:
        # Words or a sentence go before a section.
        found = [one for one in found if one.items or _has_items(one, places)]
    if alone:
        found = [
            one for one in found if one.contains(alone) or (form == "steps" and _are_beside(query, one, alone, places))
        ]
    found = [one for one in found if _may_answer(query, one, places)]
    if not found:
        return []
    odds = _weights().log_odds(block_rows(query, form, reading, found, embedder))
    best = int(np.argmax(odds))
    likely = float(1 / (1 + np.exp(-odds[best])))
    before = alone if alone and not found[best].contains(alone) else None
    are_steps_meant = wants_steps or (is_answerable and before is not None)
    is_asked = is_answerable and form in ("list", "steps")
    if likely < (_SHOW_STEPS if are_steps_meant else _SHOW_ASKED if is_asked else _SHOW):
        return []
    made = _as_statements(found[best], likely, places)
    if before:
        made = statements((before.start, before.end), places, found[best].article_id, before.score, (), "quote") + made
    in_one = len(made) == 1 and reading.evidence and found[best].contains(reading.evidence[0])
    return [] if in_one else made


def _has_items(one: WholeBlock, places: Places) -> bool:
    """True for a reply with two or more items."""
    return one.kind == "reply" and len(reply_parts(places.articles[one.article_id].text, one.start, one.end)) > 1


def _are_beside(query: Query, one: WholeBlock, evidence: Evidence, places: Places) -> bool:
    """True for steps in the section of evidence, if the question names that section."""
    if one.kind != "steps" or one.article_id != evidence.hit.chunk.article_id:
        return False
    held = places.structure(one.article_id)
    inside = held.at(evidence.start, evidence.end)
    headings = held.path(one.number)
    if not inside or not headings or held.path(inside[0])[-1:] != headings[-1:]:
        return False
    return not word_forms(query.text).isdisjoint(word_forms(held.text[headings[-1].inner : headings[-1].end]))


def _may_answer(query: Query, one: WholeBlock, places: Places) -> bool:
    """False for another error's steps, another month's events, for what is included if the question asks for what is
    not, and for a table of which the question selects rows."""
    if query.identifiers and not all(each.stands_in(mentions(one.whole)) for each in query.identifiers):
        return False
    if asks_what_is_not(query.text) and not denies(one.whole):
        return False
    text = places.articles[one.article_id].text
    held = set(content_terms(f"{one.above}\n{text[one.start : one.end]}"))
    days = [term for term in content_terms(query.text) if is_calendar_name(term)]
    if any(held_name(term, lambda form: int(form in held)) not in held for term in days):
        return False
    cells = [word_forms(text[start:end]) for start, end in one.items] if one.kind == "rows" else []
    return not any(0 < sum(term in row for row in cells) < len(cells) for term in word_forms(query.text))


def _as_statements(one: WholeBlock, score: float, places: Places) -> list[Statement]:
    """Return a block as the statements of an answer: its items, or its paragraphs."""
    held = places.structure(one.article_id)
    if one.items:
        return listed(held, one.number, places, one.article_id, score)
    if one.kind == "reply":
        return of_reply((one.start, one.end), places, one.article_id, score)
    spans = [(held.blocks[n].start, held.blocks[n].end) for n in _below(held, one.number)]
    return [made for span in spans for made in statements(span, places, one.article_id, score, (), "quote")]
