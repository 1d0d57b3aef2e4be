"""The whole journey of a question, on one screen: ask -> retrieve -> read -> refuse or quote -> cite."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from index.errors import FootnoteError
from rag import converse, examples, write
from rag.cite import Citation, CitedSentence, cite
from rag.engine import Engine
from rag.reader.names import asks_for_several
from rag.retrieve import Hit

SCHEMA = 1


class BadQuestion(FootnoteError):
    """A question that can't be asked: empty or overlong."""


@dataclass(frozen=True)
class Passage:
    """A retrieved passage as it is shown. `score` is the fused retrieval score in [0, 1]."""

    rank: int
    article_id: str
    source: str
    title: str
    published: date | None
    heading: str
    start: int
    end: int
    text: str
    score: float
    cited: bool
    page: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a question comes back with.

    `text` is the `sentences` joined, or a reply that cites nothing. `evidence_score` in [0, 1] estimates that the
    answer is not wrong (None when nothing was read), `timings` are milliseconds per stage.
    """

    question: str
    text: str
    refused: bool
    evidence_score: float | None = None
    sentences: tuple[CitedSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer in the form that other programs rely on (docs/answer.md)."""
        return {
            "schema": SCHEMA,
            "question": self.question,
            "answer": self.text,
            "refused": self.refused,
            "evidence_score": self.evidence_score,
            "citations": [_citation_json(one) for one in self.citations],
            "passages": [_passage_json(one) for one in self.passages],
            "timings": self.timings,
            "notes": list(self.notes),
        }


def answer(engine: Engine, question: str, *, never_refuse: bool = False) -> Answer:
    """Answer `question` from the index in use; with `never_refuse` whenever anything was found, however unlikely.

    Raises BadQuestion when it is empty or longer than the setting allows, and IndexMissing, IndexMismatch or
    IndexDamaged when there is no index that can be used.
    """
    settings = engine.settings
    question = check(question, settings.max_question)
    generation, retriever, reader = engine.parts()
    clock = _Clock()
    if kind := converse.small_talk(question):
        titles = generation.catalog.titles()
        return Answer(question, converse.reply(kind, titles, examples.questions(engine)), False, timings=clock.done())
    with clock.stage("retrieve"):
        query = retriever.query(question)
        hits = retriever.retrieve(query, max(settings.passages, reader.depth))
    with clock.stage("read"):
        reading = reader.read(query, hits)
        language = converse.foreign_language(question)
    shown = reading.hits[: settings.passages]
    articles = {id_: generation.catalog.article_by_id(id_) for id_ in {hit.chunk.article_id for hit in shown}}
    cited, citations, notes = list[CitedSentence](), list[Citation](), list[str]()
    least = reader.refuse_below if settings.refuse_below is None else settings.refuse_below
    with clock.stage("write"):
        likely = language is None and reading.score is not None and reading.score >= least
        if likely or never_refuse:
            # What is quoted stands in a passage that is shown.
            evidence = [one for one in reading.evidence if one.hit in shown]
            draft = write.quote(evidence, articles, settings.max_quotes, several=asks_for_several(question))
            cited, citations, dropped = cite(draft, articles)
            if dropped:
                notes.append(f"{dropped} quoted sentences did not match their source and were left out")
        refused = not citations
        text = "\n\n".join(map(str, cited))
        if refused:
            text = write.refuse(reading, language, empty=not generation.manifest.chunks)
    return Answer(
        question=question,
        text=text,
        refused=refused,
        evidence_score=None if reading.score is None else round(reading.score, 4),
        sentences=tuple(cited),
        citations=tuple(citations),
        passages=tuple(_passages(shown, citations, articles)),
        timings=clock.done(),
        notes=tuple(notes),
    )


def check(question: str, longest: int) -> str:
    """The question, white space tidied and half characters (lone surrogates) replaced by "?".

    Raises BadQuestion when nothing is left or it is too long.
    """
    stripped = " ".join(question.encode("utf-8", "replace").decode().split())
    if not any(character.isalnum() for character in stripped):
        raise BadQuestion("The question is empty. Ask in a full sentence, for example: what is in the sources?")
    if len(stripped) > longest:
        raise BadQuestion(
            f"The question has {len(stripped):,} characters, the limit is {longest:,}. Ask in fewer words, or raise "
            "FOOTNOTE_MAX_QUESTION."
        )
    return stripped


def _passages(hits: Sequence[Hit], citations: Sequence[Citation], articles: dict[str, Any]) -> Iterator[Passage]:
    for rank, hit in enumerate(hits, 1):
        chunk, article = hit.chunk, articles[hit.chunk.article_id]
        cited = any(
            one.article_id == article.id and chunk.start <= one.start and one.end <= chunk.end for one in citations
        )
        place = (article.id, article.source, article.title, article.published, chunk.heading)
        rest = (chunk.text, round(hit.score, 4), cited, article.page(chunk.start))
        yield Passage(rank, *place, chunk.start, chunk.end, *rest)


def _citation_json(one: Citation) -> dict[str, Any]:
    offset = one.start
    return {
        "number": one.number,
        "source": one.source,
        "title": one.title,
        "published": one.published.isoformat() if one.published else None,
        "heading": one.heading or None,
        "page": one.page,
        "start": one.start,
        "end": one.end,
        "quote": one.quote,
        "answers": [{"text": one.quote[a - offset : b - offset], "start": a, "end": b} for a, b in one.answers],
    }


def _passage_json(one: Passage) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "source": one.source,
        "title": one.title,
        "published": one.published.isoformat() if one.published else None,
        "heading": one.heading or None,
        "page": one.page,
        "start": one.start,
        "end": one.end,
        "text": one.text,
        "score": one.score,
        "cited": one.cited,
    }


class _Clock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._stages[name] = round(1000 * (time.perf_counter() - started), 2)

    def done(self) -> dict[str, float]:
        return {**self._stages, "total": round(1000 * (time.perf_counter() - self._started), 2)}
