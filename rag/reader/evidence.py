"""Hits -> Evidence by the reading model: passages in their final order, sentences with the answering words marked.

Two small models sit on top of it, fitted by `benchmarks/fit_ranking.py` on articles that training left out: one orders
the passages by reading and retrieval together, the other says how likely the answer is to be right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.embed import Embedder
from index.generation import Generation
from index.layout import Span
from index.sentences import sentences
from rag.reader import Evidence, Reading
from rag.reader.identity import of_what_is_asked, read_about
from rag.reader.lists import joined
from rag.reader.meaning import with_meaning
from rag.reader.plausible import plausible
from rag.reader.ranking import PASSAGE_FEATURES, QUESTION_FEATURES, Array, Linear, ask, passage_rows, question_row
from rag.reader.spans import Answer, Found, SpanReader
from rag.reader.tables import in_cells
from rag.retrieve import Hit, Query

WEIGHTS = Path(__file__).parent / "ranking.json"
READ = 10
"""Passages that are read for a question."""
ANSWERS = 6
"""Answers looked at in each passage."""
_KEEP = 0.3
"""Further answers in a sentence are marked when they weigh at least this share of its best one."""
_OPENING, _CLOSING = '“"«', '”"»'
_QUOTES = re.compile('[“”"«»]')
_BULLET = re.compile(r"(?:[•◦▪‣·*+–—-]|\d{1,3}[.)])\s+")
_Place = tuple[str, int, int]


@dataclass(frozen=True)
class Weights:
    """The fitted models of passages and of questions, the score to refuse below, and the least share of its best
    answer's odds with which another member of a list is named too."""

    passage: Linear
    question: Linear
    refuse_below: float
    list_share: float


@cache
def load_weights() -> Weights:
    """What is shipped in ranking.json."""
    value: Any = json.loads(WEIGHTS.read_text("utf-8"))
    passage, question = (
        Linear(np.array([value[part]["weights"][name] for name in names]), value[part]["bias"])
        for part, names in (("passage", PASSAGE_FEATURES), ("question", QUESTION_FEATURES))
    )
    return Weights(passage, question, value["refuse_below"], value["list_share"])


class Reader:
    """Reads every hit with the model, orders them by reading and retrieval together, and quotes whole sentences."""

    depth = READ
    """How many passages it reads."""

    def __init__(self, generation: Generation, spans: SpanReader, embedder: Embedder | None = None) -> None:
        """Read for one generation; with an `embedder` sentences are also weighed by what they mean."""
        self._weights = load_weights()
        self.refuse_below = self._weights.refuse_below
        self._generation = generation
        self._spans = spans
        self._embedder = embedder

    def read(self, query: Query, hits: Sequence[Hit]) -> Reading:
        """The hits in their final order, sentences with answers, best first, and how likely they are to be right."""
        asked = ask(query, self._generation.words.within(query.article_ids), self._years(query))
        texts = [hit.chunk.text for hit in hits]
        found = in_cells(query.text, texts, read_about(self._spans, query, hits, ANSWERS))
        found = of_what_is_asked(
            query.identifiers, hits, plausible(query.text, texts, found), self._sources(query, hits)
        )
        if not any(one.answers for one in found):
            return Reading(tuple(hits), (), None, asked.named)
        weights = self._weights
        hits, found, odds = rank(hits, found, weights.passage)
        row = question_row(asked, hits, found, odds, self._generation.aliases)
        score = float(1 / (1 + np.exp(-weights.question.log_odds(np.array([row]))[0])))
        if asked.unknown or (asked.missing and asked.unseen >= 1):
            score = 0.0  # a thing that no source has, or not a word of the question stands in any
        read = evidence(hits, found, odds, weights.list_share)
        if self._embedder:
            read = with_meaning(read, hits, query, self._embedder)
        return Reading(tuple(hits), tuple(read), score, asked.named)

    def _years(self, query: Query) -> Callable[[], Set[str]]:
        """What gives the years in which the articles that are asked were published."""
        catalog, asked = self._generation.catalog, query.article_ids
        return cache(lambda: catalog.years(asked))

    def _sources(self, query: Query, hits: Sequence[Hit]) -> dict[str, str]:
        """The source of each article among the hits, where the question has identifiers that its name may mention."""
        ids = {hit.chunk.article_id for hit in hits} if query.identifiers else ()
        return {id_: self._generation.catalog.article_by_id(id_).source for id_ in ids}


def rank(hits: Sequence[Hit], found: Sequence[Found], of_passage: Linear) -> tuple[list[Hit], list[Found], Array]:
    """Hits, what was found there and their log-odds, best first."""
    odds = of_passage.log_odds(passage_rows(hits, found))
    order = [int(n) for n in np.argsort(-odds, kind="stable")]
    return [hits[n] for n in order], [found[n] for n in order], odds[order]


def evidence(hits: Sequence[Hit], found: Sequence[Found], odds: Array, list_share: float) -> list[Evidence]:
    """The sentences around the answers, each place of an article once, best first; members of a list are one answer.

    An answer weighs as much as its passage, times its share of all answers there; a sentence as much as its answers
    together, and the scores are shares of all.
    """
    marks: dict[_Place, list[tuple[float, Span]]] = {}
    homes: dict[_Place, Hit] = {}
    for hit, one, passage in zip(hits, found, odds, strict=True):
        lines = [bare(hit.chunk.text, *line) for line in sentences(hit.chunk.text)]
        for answer in joined(hit.chunk.text, one.answers, list_share):
            start, end = _around(answer, lines)
            place = (hit.chunk.article_id, hit.chunk.start + start, hit.chunk.start + end)
            span = (hit.chunk.start + answer.start, hit.chunk.start + answer.end)
            weight = math.exp(passage - odds.max() + min(0.0, answer.score - one.score))
            if homes.setdefault(place, hit) is hit:  # a passage that overlaps a better one says the same again
                marks.setdefault(place, []).append((weight, span))
    weights = {place: sum(weight for weight, _ in of_place) for place, of_place in marks.items()}
    total = sum(weights.values())
    made = []
    for place in sorted(weights, key=lambda place: -weights[place]):
        spans = sorted(marks[place], key=lambda mark: -mark[0])
        kept = tuple(span for weight, span in spans if weight >= _KEEP * spans[0][0])
        made.append(Evidence(homes[place], place[1], place[2], weights[place] / total, kept))
    return made


def _around(answer: Answer, lines: Sequence[Span]) -> Span:
    """The sentences that an answer stands in, from the start of its first to the end of its last."""
    touched = [line for line in lines if line[0] < answer.end and answer.start < line[1]]
    return min([answer.start, *(line[0] for line in touched)]), max([answer.end, *(line[1] for line in touched)])


def bare(text: str, start: int, end: int) -> Span:
    """A sentence without its list mark, and without quotation marks that only enclose the whole of it."""
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    inner = text[start + 1 : end - 1]
    if text[start : start + 1] in _OPENING and text[end - 1 : end] in _CLOSING and not _QUOTES.search(inner):
        start, end = start + 1, end - 1
    return start, end
