"""The whole journey of a question: ask -> retrieve -> read -> refuse, quote, or have it written and check -> cite."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from threading import Event

from index.article import Article
from index.errors import FootnoteError
from rag import compose, converse, examples, write
from rag.choice import EVERYTHING, Asked, Choice, among
from rag.cite import Citation, CitedSentence, Statement, cite
from rag.conversation.resolve import resolve
from rag.conversation.thread import NO_TURNS, Thread
from rag.engine import Engine
from rag.forms.along_blocks import along_blocks, settled
from rag.forms.comparison import beside, sides
from rag.forms.asked import Form, form_asked_for
from rag.forms.lists import as_statements, find_list
from rag.forms.places import Places
from rag.forms.table import from_table
from rag.forms.summary import Summary, summarised
from rag.llm import ModelServerError
from rag.reader import Reading
from rag.reader.names import asks_for_several
from rag.retrieve import Hit
from rag.settings import Settings, Writer
from rag.types import Answer, Passage


class BadQuestion(FootnoteError):
    """A question that can't be asked: empty or overlong."""


def answer(
    engine: Engine,
    question: str,
    *,
    never_refuse: bool = False,
    writer: Writer | None = None,
    choice: Choice = EVERYTHING,
    models: AbstractContextManager[object] | None = None,
    thread: Thread = NO_TURNS,
) -> Answer:
    """Answer `question` from the index in use; with `never_refuse` whenever anything was found, however unlikely.

    `writer` is who writes, the setting's unless it is given; `choice` says which sources are asked; `models` is held
    until the answer is there, or a language model begins to write it. Raises BadQuestion when the question is empty or
    longer than the setting allows, FootnoteError when the choice names what is not there, and IndexMissing,
    IndexMismatch or IndexDamaged when there is no index that can be used.
    """
    *_, last = stream(engine, question, never_refuse=never_refuse, writer=writer, choice=choice, models=models, thread=thread)
    return last


def stream(
    engine: Engine,
    question: str,
    *,
    never_refuse: bool = False,
    writer: Writer | None = None,
    choice: Choice = EVERYTHING,
    stop: Event | None = None,
    models: AbstractContextManager[object] | None = None,
    thread: Thread = NO_TURNS,
) -> Generator[Answer]:
    """The same as `answer`, as it grows: an Answer with each sentence that was checked; the last one is whole.

    Only a language model writes slowly enough for there to be more than one. When `stop` is set, or the iterator
    closed, the model's server is let go at once; what came by then is the last Answer. `models` is held until the
    answer is taken, or a language model begins to write it, so that questions can take turns.
    """
    settings = engine.settings
    question = check(question, settings.max_question)
    generation, retriever, reader = engine.parts()
    clock = _Clock()
    if kind := converse.small_talk(question):
        titles = generation.catalog.titles()
        yield Answer(question, converse.reply(kind, titles, examples.questions(engine)), False, timings=clock.done())
        return
    asked = among(generation.catalog, choice)
    with ExitStack() as turn:
        turn.enter_context(models or nullcontext())
        if form_asked_for(question) == "summary" and (writer or settings.writer) == "quote":
            with clock.stage("summarise"):
                ids = asked.article_ids if asked else None
                summary = summarised(question, retriever, generation.catalog, engine.embedder, ids)
            if summary:
                reading = Reading(tuple(summary.places.hits), (), None)
                articles = {id_: _as_asked(article, asked) for id_, article in summary.places.articles.items()}
                room = _Room(question, question, reading, reading.hits, articles, settings, clock, asked, summary.places, "summary", [])
                yield room.summarised(summary)
                return
        with clock.stage("retrieve"):
            found = resolve(
                thread,
                question,
                retriever,
                reader,
                article_ids=asked.article_ids if asked else None,
                limit=max(settings.passages, reader.depth),
            )
            reading = found.reading
            if form_asked_for(found.query.text) == "comparison" and (two := sides(found.query.text)):
                limit, only = max(settings.passages, reader.depth), asked.article_ids if asked else None
                one, other = (
                    resolve(NO_TURNS, text, retriever, reader, article_ids=only, limit=limit).reading for text in two
                )
                both = beside(one, other)
                if (both.score or 0.0) >= 0.5 * (reading.score or 0.0):
                    reading = both
        with clock.stage("read"):
            language = converse.foreign_language(question)
        shown = reading.hits[: settings.passages]
        known = {id_: generation.catalog.article_by_id(id_) for id_ in {hit.chunk.article_id for hit in shown}}
        articles = {id_: _as_asked(article, asked) for id_, article in known.items()}
        # What is cited stands in a passage that is shown.
        places = Places(shown, articles, generation.catalog.chunks_of)
        form = form_asked_for(found.query.text)
        with clock.stage("form"):
            drafted = from_table(found.query.text, form, places) if shown else []
            if shown and not drafted and (whole := find_list(found.query, form, places, engine.embedder)):
                drafted = as_statements(whole, places)
        room = _Room(question, found.query.text, reading, shown, articles, settings, clock, asked, places, form, drafted)
        least = reader.refuse_below if settings.refuse_below is None else settings.refuse_below
        likely = language is None and reading.score is not None and (bool(drafted) or reading.score >= least)
        if not shown or not (likely or never_refuse):
            with clock.stage("write"):
                text = write.refuse(reading, language, empty=not generation.manifest.chunks, asked=str(asked or ""))
            yield room.refused(text)
        elif (writer or settings.writer) == "llm":
            turn.close()
            yield from _written(engine, room, never_refuse, stop)
        else:
            yield room.quoted()


def _written(engine: Engine, room: _Room, never_refuse: bool, stop: Event | None) -> Iterator[Answer]:
    """Answers by the language model; by quoting when it fails, or when nothing it wrote stands."""
    draft = compose.Draft()
    try:
        model = engine.language_model
    except ModelServerError as error:
        draft = compose.Draft(failed=str(error))
    else:
        drafts = compose.write(model, room.question, room.reading, room.hits, room.articles, room.settings, stop)
        with closing(drafts):
            for draft in drafts:
                if any(one.verdict != "unsupported" for one in draft.statements):
                    yield room.written(draft)
    if draft.declined and not never_refuse:
        yield room.refused(write.refuse(room.reading, None, empty=False, asked=str(room.asked or "")), draft)
    elif all(one.verdict == "unsupported" for one in draft.statements):
        yield room.quoted(draft)


@dataclass(frozen=True)
class _Room:
    """What is at hand once the passages are read, and the answers that can be made of it."""

    question: str
    searched: str
    reading: Reading
    hits: Sequence[Hit]
    articles: Mapping[str, Article]
    settings: Settings
    clock: _Clock
    asked: Asked | None
    places: Places
    form: Form
    drafted: list[Statement]

    def quoted(self, draft: compose.Draft | None = None) -> Answer:
        """The sources' own words; `draft` is what a language model did before, to no avail."""
        with self.clock.stage("write"):
            places = self.places
            evidence = settled([one for one in self.reading.evidence if one.hit in self.hits], places)
            statements = list(self.drafted)
            if statements:
                evidence = []
            else:
                statements = along_blocks(self.form, evidence, places)
            taken = [one for statement in statements for one in (statement.evidence, *statement.also) if one]
            others = [one for one in evidence if not any(map(one.overlaps, taken))] if statements else evidence
            limit = self.settings.max_quotes - (1 if statements else 0)
            several = asks_for_several(self.question)
            statements += write.quote(others, self.articles, limit, several=several, opens=not statements and self.form != "comparison")
            cited, citations, dropped = cite(statements, self.articles)
        notes = [f"{dropped} quoted sentences did not match their source and were left out"] if dropped else []
        nothing = write.refuse(self.reading, None, empty=False, asked=str(self.asked or ""))
        text = write.as_text(cited) if citations else nothing
        room = replace(self, hits=places.hits)
        return room._answer(text, cited, citations, notes, draft)

    def summarised(self, summary: Summary) -> Answer:
        """The sentences that carry most of what is summarised."""
        cited, citations, _ = cite(summary.statements, self.articles)
        return self._answer(write.as_text(cited), cited, citations, summary.notes, None)

    def written(self, draft: compose.Draft) -> Answer:
        """What a language model wrote, without what failed the check unless a setting shows that too."""
        cited, citations, _ = cite(draft.statements, self.articles)
        shown = [one for one in cited if one.verdict != "unsupported" or self.settings.show_unsupported]
        return self._answer(" ".join(map(str, shown)), shown, citations, [], draft, "llm")

    def refused(self, text: str, draft: compose.Draft | None = None) -> Answer:
        """A refusal; `draft` is that of a model that found no answer."""
        return self._answer(text, [], [], [], draft)

    def _answer(
        self,
        text: str,
        sentences: Sequence[CitedSentence],
        citations: Sequence[Citation],
        notes: Sequence[str],
        draft: compose.Draft | None,
        writer: Writer = "quote",
    ) -> Answer:
        checked = list(sentences)
        if draft and writer == "llm":
            checked = cite(draft.statements, self.articles)[0]
        elif draft:
            failed = [CitedSentence(one.text, (), verdict=one.verdict, why=one.why) for one in draft.statements]
            checked = [*failed, *sentences]
        score = self.reading.score
        # A refusal says it itself.
        narrowed = [f"Only {self.asked}."] if self.asked and citations else []
        return Answer(
            question=self.question,
            text=text,
            refused=not citations,
            evidence_score=None if score is None else round(score, 4),
            sentences=tuple(sentences),
            citations=tuple(citations),
            passages=tuple(_passages(self.hits, citations, self.articles)),
            timings={**self.clock.done(), **(draft.timings if draft else {})},
            notes=(*narrowed, *notes, *(draft.told() if draft else ())),
            checked=tuple(checked) if checked != list(sentences) else (),
            writer=writer,
            tokens=draft.tokens if draft else {},
            asked=self.asked,
            searched=self.searched,
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


def _as_asked(article: Article, asked: Asked | None) -> Article:
    """An article under the names that it is asked by: a copy's name stands for the source it is a copy of."""
    if asked is None:
        return article
    first, *others = asked.named([article.source, *article.copies])
    return replace(article, source=first, copies=tuple(others))


def _passages(hits: Sequence[Hit], citations: Sequence[Citation], articles: Mapping[str, Article]) -> Iterator[Passage]:
    for rank, hit in enumerate(hits, 1):
        chunk, article = hit.chunk, articles[hit.chunk.article_id]
        cited = any(
            one.article_id == article.id and chunk.start <= one.start and one.end <= chunk.end for one in citations
        )
        place = (article.id, article.source, article.title, article.published, chunk.heading)
        rest = (chunk.text, round(hit.score, 4), cited, article.page(chunk.start), article.copies)
        yield Passage(rank, *place, chunk.start, chunk.end, *rest)


class _Clock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - started)
        self._stages[name] = round(self._stages.get(name, 0.0) + spent, 2)

    def done(self) -> dict[str, float]:
        return {**self._stages, "total": round(1000 * (time.perf_counter() - self._started), 2)}
