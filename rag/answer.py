"""The whole journey of a question: ask -> retrieve -> read -> refuse, quote, or have it written and check -> cite."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from threading import Event
from typing import Any

from index.build.generation import Generation
from index.errors import FootnoteError
from rag import small_talk as converse
from rag import types
from rag.answer_builder import AnswerBuilder, Clock
from rag.choice import ALL_SOURCES, Choice, NothingChosen, dated, resolve_scope
from rag.conversation.resolve import Resolved, resolve_question
from rag.conversation.thread import NO_TURNS, Thread
from rag.engine import Engine
from rag.forms.asked import Form, form_asked_for, topic_mentioned, topic_told_about
from rag.forms.draft import NOTHING, draft
from rag.forms.holders import sources_that_mention
from rag.forms.summary import find_targets, named_by_title, summarise
from rag.reader import Reading
from rag.retrieve import Query
from rag.scope import Scope
from rag.settings import Writer
from rag.spelling import Speller
from rag.types import Answer, AnswerForm, Refusal
from rag.writer import generate as compose
from rag.writer import quote as write
from rag.writer.llm import ModelServerError


class BadQuestion(FootnoteError):
    """A question that can't be asked: empty or overlong."""


def answer(
    engine: Engine,
    question: str,
    *,
    never_refuse: bool = False,
    writer: Writer | None = None,
    choice: Choice = ALL_SOURCES,
    models: AbstractContextManager[object] | None = None,
    as_typed: bool = False,
    thread: Thread = NO_TURNS,
) -> Answer:
    """Answer `question` from the index in use; with `never_refuse` whenever anything was found, however unlikely.

    `writer` is who writes, the setting's unless it is given; `choice` says which sources are asked; `models` is held
    until the answer is there, or a language model begins to write it. `thread` is what was said before, which the
    question may refer to. Misspelt words are corrected for the search, unless it is `as_typed`. Raises BadQuestion
    when the question is empty or longer than the setting allows, FootnoteError when the choice names what is not there,
    and IndexMissing, IndexMismatch or IndexDamaged when there is no index that can be used.
    """
    options = dict[str, Any](never_refuse=never_refuse, writer=writer, choice=choice, models=models, as_typed=as_typed)
    options["thread"] = thread
    *_, last = stream(engine, question, **options)
    return last


def stream(
    engine: Engine,
    question: str,
    *,
    never_refuse: bool = False,
    writer: Writer | None = None,
    choice: Choice = ALL_SOURCES,
    stop: Event | None = None,
    models: AbstractContextManager[object] | None = None,
    as_typed: bool = False,
    thread: Thread = NO_TURNS,
) -> Generator[Answer]:
    """The same as `answer`, as it grows: an Answer with each sentence that was checked; the last one is whole.

    Only a language model writes slowly enough for there to be more than one. When `stop` is set, or the iterator
    closed, the model's server is let go at once; what came by then is the last Answer. `models` is held until the
    answer is taken, or a language model begins to write it, so that questions can take turns.
    """
    settings = engine.settings
    question = check_question(question, settings.max_question)
    generation, retriever, reader = engine.parts()
    clock = Clock()
    if kind := converse.small_talk(question):
        with models or nullcontext():
            talk = _talk(engine, generation, question, kind, clock)
        yield talk
        return
    if (cited := thread.citations()) and converse.asks_where(question):
        said = converse.reply_where(cited)
        yield Answer(question, said, False, timings=clock.done(), searched=question, form="about")
        return
    searched, exact = types.as_typed(question)
    if not (exact or as_typed):
        searched, choice = dated(searched, choice)
    try:
        asked = resolve_scope(generation.catalog, choice)
    except NothingChosen:
        yield _refused_unread(engine, question, Refusal("nothing_chosen"), clock)
        return
    if not generation.manifest.chunks:
        yield _refused_unread(engine, question, Refusal("no_sources"), clock)
        return
    language = converse.foreign_language(searched)
    if language and engine.speller(generation).knows_short(searched):
        language = None  # names, as the sources write them
    with ExitStack() as turn:
        turn.enter_context(models or nullcontext())
        scope = Scope(generation, retriever, reader, asked, max(settings.passages, reader.depth))
        quotes = (writer or settings.writer) == "quote"
        if quotes and not language and (builder := _overview(engine, scope, clock, question, searched)):
            yield builder.quoted()
            return
        with clock.stage("read"):
            if not (exact or as_typed or language):
                searched = engine.speller(generation).correct(searched)
            form = form_asked_for(searched)
            found = resolve_question(thread, searched, form, scope)
        builder, answers = _drafted(engine, scope, clock, question, form, found, language)
        if not builder.hits or not (answers or never_refuse):
            yield builder.refused()
        elif quotes:
            yield builder.quoted()
        else:
            turn.close()
            yield from _written(engine, builder, never_refuse, stop)


def _drafted(
    engine: Engine, scope: Scope, clock: Clock, question: str, form: Form, found: Resolved, language: str | None
) -> tuple[AnswerBuilder, bool]:
    """What was read as a state that answers are built from, and whether it answers: by its score, or in a form of its
    own."""
    reading, settings = found.reading, engine.settings
    places = scope.places(reading.hits[: settings.passages])
    least = settings.refuse_below
    if least is None:
        closed = form in ("yes_no", "comparison") and not reading.missing
        least = scope.reader.refuse_below(closed=closed)
    # Common words alone ask for nothing, whatever they are near to.
    understood = language is None and bool(found.query.terms) and reading.score is not None
    likely = understood and reading.score is not None and reading.score >= least
    with clock.stage("form"):
        drafted, notes = (
            NOTHING if language else draft(found.query, form, reading, places, engine.embedder, likely=likely)
        )
    why = _why_refused(engine.speller(scope.generation), found.query, reading, language)
    parts = (places, engine, scope.generation, clock, scope.asked, why, form, drafted, notes)
    return AnswerBuilder(question, found.query.text, reading, *parts), understood and (likely or bool(drafted))


def _talk(engine: Engine, generation: Generation, question: str, kind: str, clock: Clock) -> Answer:
    """A reply to small talk, which cites nothing."""
    text = converse.reply(kind, generation.catalog.titles(), _examples(engine, generation, kind))
    form: AnswerForm = "about" if kind == "sources" else "talk"
    return Answer(question, text, False, timings=clock.done(), searched=question, form=form)


def _overview(engine: Engine, scope: Scope, clock: Clock, question: str, searched: str) -> AnswerBuilder | None:
    """The summary that a question asks for, or the sources that mention something; None if it asks for neither, or
    names nothing that the sources have."""
    form: Form = "summary"
    about, mentioned = topic_told_about(searched), topic_mentioned(searched)
    if not about and not mentioned and form_asked_for(searched) != "summary":
        return None
    with clock.stage("summarise"):
        if mentioned:
            form = "list"
            places, drafted, note = sources_that_mention(mentioned, scope)
        else:
            targets = named_by_title(about, scope) if about else find_targets(searched, scope)
            places = scope.places((), {one.article_id for one in targets})
            drafted, note = summarise(about or searched, targets, places, engine.embedder)
    if not drafted:
        return None
    generation = scope.generation
    nothing = Reading((), (), None)
    why = partial(Refusal, "not_in_sources")
    return AnswerBuilder(
        question, searched, nothing, places, engine, generation, clock, scope.asked, why, form, drafted, (note,)
    )


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
        # What other sources have may be missing in those that are asked.
        narrowed = query.article_ids is not None
        missing = [word for word in reading.missing if narrowed or word in exact or speller.names_nothing(word)]
        return Refusal("not_in_sources", tuple(missing))

    return why


def _refused_unread(engine: Engine, question: str, refusal: Refusal, clock: Clock) -> Answer:
    """A refusal before anything is searched."""
    return Answer(
        question, write.refuse(refusal), True, timings=clock.done(), refusal=refusal, searched=question, form="refusal"
    )


def _written(engine: Engine, builder: AnswerBuilder, never_refuse: bool, stop: Event | None) -> Iterator[Answer]:
    """Answers by the language model; by quoting when it fails, or when nothing it wrote stands."""
    draft = compose.GeneratedDraft()
    try:
        model = engine.language_model
    except ModelServerError as error:
        draft = compose.GeneratedDraft(failed=str(error))
    else:
        drafts = compose.generate(
            model, builder.searched, builder.reading, builder.hits, builder.articles, builder.settings, stop
        )
        with closing(drafts):
            for draft in drafts:
                if any(one.verdict != "unsupported" for one in draft.statements):
                    yield builder.written(draft)
    if draft.declined and not never_refuse:
        yield builder.refused(draft)
    elif all(one.verdict == "unsupported" for one in draft.statements):
        yield builder.quoted(draft)


def check_question(question: str, longest: int) -> str:
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
