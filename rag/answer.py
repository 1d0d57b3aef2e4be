"""The whole journey of a question: ask -> retrieve -> read -> refuse, quote, or have it written and check -> cite."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from index.article import Article
from index.errors import FootnoteError
from index.generation import Generation
from rag import compose, converse, types, write
from rag.choice import EVERYTHING, Asked, Choice, NothingChosen, among
from rag.cite import Citation, CitedSentence, cite
from rag.engine import Engine
from rag.llm import ModelServerError
from rag.reader import Reading
from rag.reader.names import asks_for_several
from rag.retrieve import Hit, Query
from rag.settings import Settings, Writer
from rag.spelling import Speller
from rag.types import Answer, Passage, Refusal


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
    as_typed: bool = False,
) -> Answer:
    """Answer `question` from the index in use; with `never_refuse` whenever anything was found, however unlikely.

    `writer` is who writes, the setting's unless it is given; `choice` says which sources are asked; `models` is held
    until the answer is there, or a language model begins to write it. Misspelt words are corrected for the search,
    unless it is to be `as_typed`. Raises BadQuestion when the question is empty or longer than the setting allows,
    FootnoteError when the choice names what is not there, and IndexMissing, IndexMismatch or IndexDamaged when there is
    no index that can be used.
    """
    options = dict[str, Any](never_refuse=never_refuse, writer=writer, choice=choice, models=models, as_typed=as_typed)
    *_, last = stream(engine, question, **options)
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
    as_typed: bool = False,
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
        with models or nullcontext():
            examples = _examples(engine, generation, kind)
        text = converse.reply(kind, generation.catalog.titles(), examples)
        yield Answer(question, text, False, timings=clock.done(), searched=question)
        return
    try:
        asked = among(generation.catalog, choice)
    except NothingChosen:
        yield _refused_unread(engine, question, Refusal("nothing_chosen"), clock)
        return
    if not generation.manifest.chunks:
        yield _refused_unread(engine, question, Refusal("no_sources"), clock)
        return
    searched, exact = types.as_typed(question)
    language = converse.foreign_language(searched)
    with ExitStack() as turn:
        turn.enter_context(models or nullcontext())
        with clock.stage("retrieve"):
            if not (exact or as_typed or language):
                searched = engine.speller(generation).correct(searched)
            query = retriever.query(searched, asked.article_ids if asked else None)
            hits = retriever.retrieve(query, max(settings.passages, reader.depth))
        with clock.stage("read"):
            reading = reader.read(query, hits)
        shown = reading.hits[: settings.passages]
        found = {id_: generation.catalog.article_by_id(id_) for id_ in {hit.chunk.article_id for hit in shown}}
        articles = {id_: _as_asked(article, asked) for id_, article in found.items()}
        # What is cited stands in a passage that is shown.
        why = _why_refused(engine.speller(generation), query, reading, language)
        room = _Room(question, searched, reading, shown, articles, engine, generation, clock, asked, why)
        least = reader.refuse_below if settings.refuse_below is None else settings.refuse_below
        # Common words alone ask for nothing, whatever they are near to.
        understood = language is None and bool(query.terms)
        likely = understood and reading.score is not None and reading.score >= least
        if not shown or not (likely or never_refuse):
            yield room.refused()
        elif (writer or settings.writer) == "llm":
            turn.close()
            yield from _written(engine, room, never_refuse, stop)
        else:
            yield room.quoted()


def _examples(engine: Engine, generation: Generation, kind: str) -> list[str]:
    """Questions for a reply to small talk; "help" is worth the time to find some."""
    if kind == "help":
        # Asked one by one here: this question has its turn already.
        return engine.suggestions.make_first(generation, lambda question: answer(engine, question, writer="quote"))
    return engine.suggestions.first(generation)


def _why_refused(speller: Speller, query: Query, reading: Reading, language: str | None) -> Callable[[], Refusal]:
    """What says why a question that was read is refused. Its words are looked up only when it is."""

    def why() -> Refusal:
        if language:
            return Refusal("language", language=language)
        if not query.terms or speller.is_gibberish(query.text):
            return Refusal("not_understood")
        exact = {one.text for one in query.identifiers}
        missing = [word for word in reading.missing if word in exact or speller.names_nothing(word)]
        return Refusal("not_in_sources", tuple(missing))

    return why


def _refused_unread(engine: Engine, question: str, refusal: Refusal, clock: _Clock) -> Answer:
    """A refusal before anything is searched."""
    return Answer(question, write.refuse(refusal), True, timings=clock.done(), refusal=refusal, searched=question)


def _written(engine: Engine, room: _Room, never_refuse: bool, stop: Event | None) -> Iterator[Answer]:
    """Answers by the language model; by quoting when it fails, or when nothing it wrote stands."""
    draft = compose.Draft()
    try:
        model = engine.language_model
    except ModelServerError as error:
        draft = compose.Draft(failed=str(error))
    else:
        drafts = compose.write(model, room.searched, room.reading, room.hits, room.articles, room.settings, stop)
        with closing(drafts):
            for draft in drafts:
                if any(one.verdict != "unsupported" for one in draft.statements):
                    yield room.written(draft)
    if draft.declined and not never_refuse:
        yield room.refused(draft)
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
    engine: Engine
    generation: Generation
    clock: _Clock
    asked: Asked | None
    why_refused: Callable[[], Refusal]

    @property
    def settings(self) -> Settings:
        """The settings of the engine."""
        return self.engine.settings

    def quoted(self, draft: compose.Draft | None = None) -> Answer:
        """The sources' own words; `draft` is what a language model did before, to no avail."""
        with self.clock.stage("write"):
            evidence = [one for one in self.reading.evidence if one.hit in self.hits]
            several = asks_for_several(self.searched)
            statements = write.quote(evidence, self.articles, self.settings.max_quotes, several=several)
            cited, citations, dropped = cite(statements, self.articles)
        notes = [f"{dropped} quoted sentences did not match their source and were left out"] if dropped else []
        if not citations:
            return self._answer("", [], [], notes, draft)
        return self._answer("\n\n".join(map(str, cited)), cited, citations, notes, draft)

    def written(self, draft: compose.Draft) -> Answer:
        """What a language model wrote, without what failed the check unless a setting shows that too."""
        cited, citations, _ = cite(draft.statements, self.articles)
        shown = [one for one in cited if one.verdict != "unsupported" or self.settings.show_unsupported]
        return self._answer(" ".join(map(str, shown)), shown, citations, [], draft, "llm")

    def refused(self, draft: compose.Draft | None = None) -> Answer:
        """A refusal; `draft` is that of a model that found no answer."""
        return self._answer("", [], [], [], draft)

    def _suggestions(self, citations: Sequence[Citation]) -> list[str]:
        """Questions about what is cited; after a refusal what can be asked at all."""
        kept, generation = self.engine.suggestions, self.generation
        if not citations:
            return kept.first(generation, self.asked.names if self.asked else None)
        return kept.after(generation, self.searched, [(one.source, one.start, one.end) for one in citations])

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
        score, refusal = self.reading.score, None
        if not citations:
            with self.clock.stage("write"):
                refusal = self.why_refused()
                text = write.refuse(refusal, asked=str(self.asked or ""), nearest=bool(self.hits))
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
            refusal=refusal,
            searched=self.searched,
            suggestions=tuple(self._suggestions(citations)),
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
