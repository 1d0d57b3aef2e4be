"""Hits -> evidence by the reading model: passages in their final order, sentences with the answering words marked.

Two small models on top of it are fitted by `benchmarks/fit_ranking.py` on articles left out of training. One orders the
passages by reading and retrieval together, the other estimates the probability that the answer is right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.build.generation import Generation
from index.encoder.embedder import Embedder
from index.text.bars import Labelled, labelled
from index.text.dates import read_dateline
from index.text.layout import Span
from index.text.marks import inside_fences, is_navigation
from index.text.published import Published
from index.text.sentences import sentences
from index.text.words import content_terms
from rag.check.instructions import instructs
from rag.reader import Evidence, Reading
from rag.reader.identity import read_about, without_other_things
from rag.reader.lists import join_members, with_enumeration
from rag.reader.meaning import with_meaning
from rag.reader.names import asks_for_several
from rag.reader.ranking import (
    PASSAGE_FEATURES,
    QUESTION_FEATURES,
    FeatureArray,
    Linear,
    ReadPassage,
    names_elsewhere,
    passage_rows,
    question_row,
    question_traits,
)
from rag.reader.spans import AnswerSpan, PassageReading, SpanReader
from rag.reader.tables import in_cells
from rag.retrieve import Hit, Query

WEIGHTS = Path(__file__).parent / "ranking.json"
READ = 10
"""Number of passages to read for a question."""
READ_AGAIN = 6
"""Most passages that the strong model reads too."""
AT_ONCE = 2
"""The strong model reads this many at a time, and stops when one of them answers."""
OTHER_DATES = 2
"""Most passages with other dates that it reads in addition."""
MAY_ANSWER = -2.0
"""Log-odds above which a passage may answer."""
CERTAIN = 1.0
"""Log-odds from which a passage counts as answering."""
ANSWERS = 6
"""Number of answers considered in each passage."""
SEVERAL = 0.05
"""Upper limit of `list_share` for a question that asks for several things: too few examples exist to fit it."""
_KEEP = 0.3
"""Further answers in a sentence are marked if their weight is at least this share of the best one's."""
_OPENING, _CLOSING = '“"«', '”"»'
_QUOTES = re.compile('[“”"«»]')
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|how|when|where|why)\b|^\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will"
    r"|would|shall|should|may|might|must)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"(?:[•◦▪‣·*+–—-]|\d{1,3}[.)]|#{1,6})\s+")
_PARAGRAPH = re.compile(rf"(?:{_BULLET.pattern})?(?P<words>\S(?:.|\n(?!\s*\n))*)(?<!\s)")
_Place = tuple[str, int, int]


@dataclass(frozen=True)
class Weights:
    """The fitted parameters of a reader.

    `passage` ranks the passages. `question` and `words` give the probability that the quotes, and that the first words,
    answer. A question is refused below the score `refuse_below`, a yes-or-no question below `refuse_yes_no_below`. The
    words open the answer from `open_from` on. Another member of a list is named too if it has at least `list_share` of
    the best answer's odds.
    """

    passage: Linear
    question: Linear
    words: Linear
    refuse_below: float
    refuse_yes_no_below: float
    open_from: float
    list_share: float


@cache
def load_weights(reader: str) -> Weights:
    """Return the weights in ranking.json for the "small" or the "strong" reader."""
    value: Any = json.loads(WEIGHTS.read_text("utf-8"))[reader]
    passage, question, words = (
        Linear(np.array([value[part]["weights"].get(name, 0.0) for name in names]), value[part]["bias"])
        for part, names in (
            ("passage", PASSAGE_FEATURES),
            ("question", QUESTION_FEATURES),
            ("words", QUESTION_FEATURES),
        )
    )
    limits = (value[name] for name in ("refuse_below", "refuse_yes_no_below", "open_from", "list_share"))
    return Weights(passage, question, words, *limits)


class Reader:
    """Reads all hits with the small model, and the best again with the strong one.

    It orders them by reading and retrieval together, and quotes whole sentences.
    """

    depth = READ
    """Number of passages it reads."""

    def __init__(
        self,
        generation: Generation,
        spans: SpanReader,
        embedder: Embedder | None = None,
        strong: SpanReader | None = None,
    ) -> None:
        """Read for one generation.

        With an `embedder` the meaning of sentences counts too.
        """
        self._weights = load_weights("strong" if strong else "small")
        self._generation = generation
        self._spans = spans
        self._strong = strong
        self._embedder = embedder

    def refuse_below(self, *, closed: bool = False) -> float:
        """Return the score below which a question is refused.

        A `closed` question asks for yes or no, or for one of two things.
        """
        return self._weights.refuse_yes_no_below if closed else self._weights.refuse_below

    def read(self, query: Query, hits: Sequence[Hit]) -> Reading:
        """Return the hits in their final order, the evidence, best first, and its score."""
        traits = question_traits(query, self._generation.words.within(query.article_ids), self._years(query))
        names = self._sources(query, hits)
        passages = read_first(self._spans, query, hits, names)
        if self._strong:
            passages = read_again(self._strong, query, passages, names, self._dates(hits))
        if not any(one.found.answers for one in passages):
            return Reading(tuple(hits), (), None, traits.named)
        weights = self._weights
        passages, odds = rank(passages, weights.passage)
        article = passages[0].hit.chunk.article_id
        words_held = self._generation.words
        elsewhere = {article: names_elsewhere(traits, words_held, words_held.within((article,)))}
        rows = np.array([question_row(traits, passages, self._generation.aliases, elsewhere)])
        score, words = (
            float(1 / (1 + np.exp(-model.log_odds(rows)[0]))) for model in (weights.question, weights.words)
        )
        unheard = traits.unseen >= 1 and (traits.missing or not _ASKS.search(query.text))
        if traits.unknown or unheard:
            score = 0.0  # a thing that no source has, or unknown words that ask nothing
        share = min(weights.list_share, SEVERAL) if asks_for_several(query.text) else weights.list_share
        read = with_enumeration(_sound_first(evidence(passages, odds, share)))
        ordered = [one.hit for one in passages]
        if self._embedder:
            read = with_meaning(read, ordered, query, self._embedder)
        return Reading(tuple(ordered), tuple(read), score, traits.named, words >= weights.open_from)

    def finds_answer(self, question: str, text: str) -> bool:
        """True if a text without a source more likely answers the question than not."""
        return (self._strong or self._spans).read(question, [text])[0].score >= 0

    def _years(self, query: Query) -> Callable[[], Set[str]]:
        """Return a function that gives the years in which the searched articles were published."""
        catalog, article_ids = self._generation.catalog, query.article_ids
        return cache(lambda: catalog.years(article_ids))

    def _dates(self, hits: Sequence[Hit]) -> dict[str, Published]:
        """Return the publication dates of the hits' articles, as far as known; nothing for a single article."""
        ids = {hit.chunk.article_id for hit in hits}
        return self._generation.catalog.dates(ids) if len(ids) > 1 else {}

    def _sources(self, query: Query, hits: Sequence[Hit]) -> dict[str, str]:
        """Return the source of each hit's article, if the question has identifiers that its name may mention."""
        ids = {hit.chunk.article_id for hit in hits} if query.identifiers else ()
        return {id_: self._generation.catalog.article_by_id(id_).source for id_ in ids}


def read_first(spans: SpanReader, query: Query, hits: Sequence[Hit], sources: Mapping[str, str]) -> list[ReadPassage]:
    """Read all hits with the small model.

    `sources` has the source of each article, if the question has identifiers.
    """
    found = _read(spans, query, hits, sources)
    return [ReadPassage(hit, one, one.score) for hit, one in zip(hits, found, strict=True)]


def read_again(
    spans: SpanReader,
    query: Query,
    passages: Sequence[ReadPassage],
    sources: Mapping[str, str],
    dates: Mapping[str, Published] | None = None,
) -> list[ReadPassage]:
    """Read the best passages with the strong model, until one of them answers.

    The other passages stay as they are. Then it reads the best passages of articles with other dates too, if the small
    model found something in them (`dates` has them by article id): an answer that was right once may have changed.
    """
    read = list(passages)
    odds = load_weights("small").passage.log_odds(passage_rows(passages)) if passages else ()
    order = sorted(range(len(passages)), key=lambda n: -odds[n])

    def read_them(numbers: Sequence[int]) -> float:
        found = _read(spans, query, [passages[n].hit for n in numbers], sources, [one.hit for one in passages])
        for n, one in zip(numbers, found, strict=True):
            read[n] = replace(passages[n], found=one, strong=True)
        return max(one.score for one in found)

    for at in range(0, min(READ_AGAIN, len(order)), AT_ONCE):
        if read_them(order[at : at + AT_ONCE]) >= CERTAIN:
            break
    best = max((one for one in read if one.strong), key=lambda one: one.found.score, default=None)
    if best and dates:
        of_date = {dates.get(best.hit.chunk.article_id): -1}
        for n in order:
            when = dates.get(passages[n].hit.chunk.article_id)
            if when and passages[n].found.score > MAY_ANSWER:
                of_date.setdefault(when, n)
        if others := [n for n in of_date.values() if n >= 0 and not read[n].strong][:OTHER_DATES]:
            read_them(others)
    return read


def _read(
    spans: SpanReader, query: Query, hits: Sequence[Hit], sources: Mapping[str, str], neighbours: Sequence[Hit] = ()
) -> list[PassageReading]:
    """Return a model's reading of each hit; table rows are compared with the rows in `neighbours` too."""
    seen = {hit.chunk.id: labelled(hit.chunk.text, hit.chunk.columns) for hit in (*hits, *neighbours)}
    texts = [seen[hit.chunk.id].text for hit in hits]
    found = read_about(spans, query, hits, texts, ANSWERS)
    found = in_cells(query.text, texts, found, [seen[hit.chunk.id].text for hit in neighbours])
    found = [_unlabelled(seen[hit.chunk.id], one) for hit, one in zip(hits, found, strict=True)]
    found = [_sound(query.text, hit, one) for hit, one in zip(hits, found, strict=True)]
    return without_other_things(query.identifiers, hits, found, sources)


def _unlabelled(seen: Labelled, one: PassageReading) -> PassageReading:
    """Map a reading of a passage with column names before its cells back to the passage itself."""
    places = [seen.original(answer.start, answer.end) for answer in one.answers]
    return one.revised([(place, 0.0 if place[0] < place[1] else math.inf) for place in places]) if places else one


def _sound(question: str, hit: Hit, one: PassageReading) -> PassageReading:
    """Remove answers in a table of contents and in headings that only repeat the question, and keep each answer inside
    one paragraph.

    An answer that reaches from one paragraph into another keeps its longest part.
    """
    text, question_terms = hit.chunk.text, set(content_terms(question))
    headings = set(hit.chunk.heading.split(" > "))

    def is_none(start: int, end: int) -> bool:
        first = text.rfind("\n", 0, start) + 1
        line = text[first : (text.find("\n", end) + 1 or len(text) + 1) - 1].strip("# \t")
        if is_navigation(line):
            return True
        return line in headings and question_terms.issuperset(content_terms(text[start:end]))

    places = [_in_one_paragraph(text, answer) for answer in one.answers]
    losses = [math.inf if is_none(*place) else 0.0 for place in places]
    if not any(losses) and all(place == (a.start, a.end) for place, a in zip(places, one.answers, strict=True)):
        return one
    return one.revised(list(zip(places, losses, strict=True)))


def _in_one_paragraph(text: str, answer: AnswerSpan) -> Span:
    """Return the longest part of an answer inside a paragraph, without an item's mark; a single part stays whole."""
    parts = [part.span("words") for part in _PARAGRAPH.finditer(text, answer.start, answer.end)]
    if len(parts) < 2:
        return answer.start, answer.end
    return max(parts, key=lambda part: part[1] - part[0])


def rank(passages: Sequence[ReadPassage], of_passage: Linear) -> tuple[list[ReadPassage], FeatureArray]:
    """Return the passages and their log-odds, best first."""
    odds = of_passage.log_odds(passage_rows(passages))
    order = [int(n) for n in np.argsort(-odds, kind="stable")]
    return [passages[n] for n in order], odds[order]


def evidence(passages: Sequence[ReadPassage], odds: FeatureArray, list_share: float) -> list[Evidence]:
    """Return the sentences around the answers, best first.

    Each place of an article appears once, and members of a list are one answer. An answer weighs as much as its
    passage, times its share of all answers there. A sentence weighs as much as its answers together, and the scores are
    shares of all.
    """
    marks: dict[_Place, list[tuple[float, Span]]] = {}
    alone: dict[_Place, float] = {}
    homes: dict[_Place, Hit] = {}
    any_strong = any(one.strong for one in passages)  # the small model's scores are rougher
    for read, passage in zip(passages, odds, strict=True):
        hit, one = read.hit, read.found
        lines = [strip_marks(hit.chunk.text, *line) for line in sentences(hit.chunk.text)]
        for answer in join_members(hit.chunk.text, one.answers, list_share):
            start, end = _around(answer, lines)
            place = (hit.chunk.article_id, hit.chunk.start + start, hit.chunk.start + end)
            span = (hit.chunk.start + answer.start, hit.chunk.start + answer.end)
            weight = math.exp(passage - odds.max() + min(0.0, answer.score - one.score))
            if homes.setdefault(place, hit) is hit:  # an overlapping passage repeats the better one
                marks.setdefault(place, []).append((weight, span))
                if read.strong or not any_strong:
                    alone[place] = max(answer.score, alone.get(place, -math.inf))
    weights = {place: sum(weight for weight, _ in of_place) for place, of_place in marks.items()}
    total = sum(weights.values())
    made = []
    for place in sorted(weights, key=lambda place: -weights[place]):
        spans = sorted(marks[place], key=lambda mark: -mark[0])
        kept = tuple(span for weight, span in spans if weight >= _KEEP * spans[0][0])
        odds_alone = alone.get(place, -math.inf)
        made.append(Evidence(homes[place], place[1], place[2], weights[place] / total, kept, odds_alone))
    return made


def _sound_first(read: Sequence[Evidence]) -> list[Evidence]:
    """Move evidence that answers nothing to the end: instructions to a model, and datelines if others answer."""
    dated = any(one.stands and not read_dateline(one.text) for one in read)
    return sorted(read, key=lambda one: instructs(one.text) or (dated and read_dateline(one.text) is not None))


def _around(answer: AnswerSpan, lines: Sequence[Span]) -> Span:
    """Return the sentences around an answer, from the start of the first to the end of the last."""
    touched = [line for line in lines if line[0] < answer.end and answer.start < line[1]]
    return min([answer.start, *(line[0] for line in touched)]), max([answer.end, *(line[1] for line in touched)])


def strip_marks(text: str, start: int, end: int) -> Span:
    """Return a sentence without item and heading marks, code fences and outer quotes.

    Quotation marks go only if they enclose the whole sentence and nothing else is quoted in it.
    """
    start, end = inside_fences(text, start, end)
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    inner = text[start + 1 : end - 1]
    if text[start : start + 1] in _OPENING and text[end - 1 : end] in _CLOSING and not _QUOTES.search(inner):
        start, end = start + 1, end - 1
    return start, end
