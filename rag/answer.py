"""The path of a question to its answer: retrieve, read, then refuse, quote, or write and check; then cite."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import TypedDict, Unpack

from index.build.generation import Generation
from index.errors import FootnoteError
from rag.answer_builder import AnswerBuilder, Clock
from rag.choice import ALL_SOURCES, Choice, NothingChosen, dated, resolve_scope
from rag.conversation.compound import join_answers, question_alone, single_questions
from rag.conversation.resolve import Resolved, resolve_question
from rag.conversation.thread import NO_TURNS, Thread, refers
from rag.engine import Engine
from rag.forms.draft import NOTHING, draft
from rag.forms.holders import sources_that_mention
from rag.forms.question_form import requested_form, requested_topic, topic_mentioned, without_brevity
from rag.forms.summary import find_targets, named_by_title, summarise
from rag.reader import Reading
from rag.retrieve import Query
from rag.scope import Scope
from rag.settings import Settings, Writer
from rag.small_talk import asks_where, foreign_language, reply_to_talk, reply_where, talk_kind
from rag.spelling import Speller
from rag.types import Answer, AnswerForm, Form, Refusal, as_typed
from rag.writer.generate import GeneratedDraft, generate
from rag.writer.llm import LanguageModel, ModelServerError
from rag.writer.quote import refuse

_RELATED = 0.08
"""Evidence score from which a language model is asked, though quotes would not answer (benchmarks/README.md)."""


class BadQuestion(FootnoteError):
    """A question that can't be asked: it is empty or too long."""


class AnswerOptions(TypedDict, total=False):
    """Options for answering a question.

    `never_refuse` answers whenever anything was retrieved, however low the score. `writer` overrides the setting.
    `choice` restricts the sources. `as_typed` skips the spelling correction. `thread` holds the earlier turns that the
    question may refer to.
    """

    never_refuse: bool
    writer: Writer | None
    choice: Choice
    as_typed: bool
    thread: Thread


def answer(
    engine: Engine,
    question: str,
    *,
    models: AbstractContextManager[object] | None = None,
    **options: Unpack[AnswerOptions],
) -> Answer:
    """Answer `question` from the index in use.

    Holds `models` until the answer is complete, or until a language model starts to write it. Raises BadQuestion if the
    question is empty or longer than the setting allows, FootnoteError if the choice names an unknown source, and
    IndexMissing, IndexMismatch or IndexDamaged if there is no usable index.
    """
    *_, last = stream(engine, question, models=models, **options)
    return last


def stream(
    engine: Engine,
    question: str,
    *,
    stop: Event | None = None,
    models: AbstractContextManager[object] | None = None,
    **options: Unpack[AnswerOptions],
) -> Generator[Answer]:
    """Yield the answer as it grows; the last Answer is complete.

    Before a language model writes, yields the answer in the sources' words, then one after each checked sentence. All
    but the last have `is_draft` set. Setting `stop` or closing the iterator closes the connection to the model's server
    at once, and the sentences received so far make the last Answer. Raises the same errors as `answer`.
    """
    never_refuse, literal = options.get("never_refuse", False), options.get("as_typed", False)
    choice, thread = options.get("choice", ALL_SOURCES), options.get("thread", NO_TURNS)
    settings = engine.settings
    question = check_question(question, settings.max_question)
    generation, retriever, reader = engine.parts()
    clock = Clock()
    if kind := talk_kind(question):
        with models or nullcontext():
            talk = _talk(engine, generation, question, kind, clock)
        yield talk
        return
    if (cited := thread.citations()) and asks_where(question):
        said = reply_where(cited)
        yield Answer(question, said, False, timings=clock.done(), searched=question, form="about")
        return
    searched, exact = as_typed(question)
    if not (exact or literal):
        searched, choice = dated(searched, choice)
    try:
        source_scope = resolve_scope(generation.catalog, choice)
    except NothingChosen:
        yield _refused_unread(engine, question, Refusal("nothing_chosen"), clock)
        return
    if not generation.manifest.chunks:
        yield _refused_unread(engine, question, Refusal("no_sources"), clock)
        return
    language = foreign_language(searched)
    if language and engine.speller(generation).knows_short(searched):
        language = None  # a few words that all occur in the sources are names, not another language
    with ExitStack() as turn:
        turn.enter_context(models or nullcontext())
        scope = Scope(generation, retriever, reader, source_scope, max(settings.passages, reader.depth))
        asking = _Asking(engine, scope, clock, question)
        quotes = (options.get("writer") or settings.writer) == "quote"
        may_change = not (exact or literal or language)
        parts: AnswerOptions = {**options, "choice": choice}
        if quotes and may_change and (joined := _one_by_one(asking, searched, parts)):
            yield joined
            return
        if not language and (builder := _overview(asking, searched)):
            if quotes or builder.form != "summary":
                yield builder.quoted()
                return
            turn.close()
            yield from _written(settings, builder, thread, _Wish(True, never_refuse), stop)
            return
        with clock.stage("read"):
            if may_change:
                searched = engine.speller(generation).correct(without_brevity(searched))
            form = requested_form(searched)
            found = resolve_question(thread, searched, form, scope)
        builder, answers = _drafted(asking, form, found, language)
        if not builder.hits or not (answers or never_refuse or (not quotes and _is_related(builder))):
            yield (quotes and may_change and _without_story(asking, parts)) or builder.refused()
        elif quotes or builder.computed:
            yield builder.quoted()
        else:
            turn.close()
            yield from _written(settings, builder, thread, _Wish(answers, never_refuse), stop)


def _one_by_one(asking: _Asking, searched: str, options: AnswerOptions) -> Answer | None:
    """Answer the questions of a message one by one, each as a follow-up of the one before.

    None if there is only one, if the sources answer none of them, or if one refers to another that they don't answer.
    """
    parts = single_questions(searched)
    if len(parts) == 1:
        return None
    own, answers = options.copy(), list[Answer]()
    for part in parts:
        if answers and not answers[-1].citations and refers(part):
            return None
        answers.append(answer(asking.engine, part, **own))
        own["thread"] = own.get("thread", NO_TURNS).then(answers[-1])
    # A refused message is searched as a whole, so that the refusal is about all of it.
    return asking.timed(join_answers(asking.question, answers)) if any(one.citations for one in answers) else None


def _without_story(asking: _Asking, options: AnswerOptions) -> Answer | None:
    """Answer the question of a message without the statements before it; None if there are none, or no answer."""
    alone = question_alone(asking.question)
    found = answer(asking.engine, alone, **options) if alone != asking.question else None
    return asking.timed(replace(found, question=asking.question)) if found and found.citations else None


@dataclass(frozen=True)
class _Wish:
    """Whether quotes would answer (`answers`), and whether an answer is wanted in any case (`never_refuse`)."""

    answers: bool
    never_refuse: bool


@dataclass(frozen=True)
class _Asking:
    """A question in progress, with the scope it searches and its clock."""

    engine: Engine
    scope: Scope
    clock: Clock
    question: str

    def timed(self, found: Answer) -> Answer:
        """Return an answer to a part of the question with the time of the whole."""
        return replace(found, timings={**found.timings, **self.clock.done()})


def _drafted(asking: _Asking, form: Form, found: Resolved, language: str | None) -> tuple[AnswerBuilder, bool]:
    """Return the state after reading, and whether it answers the question: by its score, or in a drafted form."""
    engine, scope, clock = asking.engine, asking.scope, asking.clock
    reading, settings = found.reading, engine.settings
    places = scope.places(reading.hits[: settings.passages])
    least = settings.refuse_below
    if least is None:
        closed = form in ("yes_no", "comparison") and not reading.missing
        least = scope.reader.refuse_below(closed=closed)
    # The score means nothing if the question has only common words.
    understood = language is None and bool(found.query.terms) and reading.score is not None
    is_answerable = understood and reading.score is not None and reading.score >= least
    with clock.stage("form"):
        drafted, notes = (
            NOTHING
            if language
            else draft(found.query, form, reading, places, engine.embedder, is_answerable=is_answerable)
        )
    why = _why_refused(engine.speller(scope.generation), found.query, reading, language)
    parts = (places, engine, scope.generation, clock, scope.source_scope, why, form, drafted, notes)
    return AnswerBuilder(asking.question, found.query.text, reading, *parts), understood and (
        is_answerable or bool(drafted)
    )


def _is_related(builder: AnswerBuilder) -> bool:
    """True if the passages may concern the question, and the sources know its names."""
    score = builder.reading.score
    if score is None or score < _RELATED:
        return False
    refusal = builder.why_refused()
    return refusal.kind == "not_in_sources" and not refusal.missing


def _talk(engine: Engine, generation: Generation, question: str, kind: str, clock: Clock) -> Answer:
    """Return a reply to small talk; it cites nothing."""
    text = reply_to_talk(kind, generation.catalog.titles(), _examples(engine, generation, kind))
    form: AnswerForm = "about" if kind == "sources" else "talk"
    return Answer(question, text, False, timings=clock.done(), searched=question, form=form)


def _overview(asking: _Asking, searched: str) -> AnswerBuilder | None:
    """Return the summary that a question asks for, or the sources that mention its topic.

    None if the question asks for neither, or names nothing that the sources contain.
    """
    engine, scope, clock = asking.engine, asking.scope, asking.clock
    form: Form = "summary"
    about, mentioned = requested_topic(searched), topic_mentioned(searched)
    if not about and not mentioned and requested_form(searched) != "summary":
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
        asking.question,
        searched,
        nothing,
        places,
        engine,
        generation,
        clock,
        scope.source_scope,
        why,
        form,
        drafted,
        (note,),
    )


def _examples(engine: Engine, generation: Generation, kind: str) -> list[str]:
    """Return example questions for a reply to small talk; "help" waits until some are made."""
    if kind == "help":
        # Candidates bypass the queue here: this question already has its turn.
        return engine.suggestions.make_first(generation, lambda question: answer(engine, question, writer="quote"))
    return engine.suggestions.first(generation)


def _why_refused(speller: Speller, query: Query, reading: Reading, language: str | None) -> Callable[[], Refusal]:
    """Return a function that explains the refusal, so that words are looked up only if it is needed."""

    def why() -> Refusal:
        if language:
            return Refusal("language", language=language)
        if not query.terms or speller.is_gibberish(query.text):
            return Refusal("not_understood")
        exact = {one.text for one in query.identifiers}
        # A word may be missing from the selected sources though others have it.
        narrowed = query.article_ids is not None
        missing = [word for word in reading.missing if narrowed or word in exact or speller.names_nothing(word)]
        return Refusal("not_in_sources", tuple(missing))

    return why


def _refused_unread(engine: Engine, question: str, refusal: Refusal, clock: Clock) -> Answer:
    """Return a refusal without searching anything."""
    return Answer(
        question, refuse(refusal), True, timings=clock.done(), refusal=refusal, searched=question, form="refusal"
    )


def _written(
    settings: Settings, builder: AnswerBuilder, thread: Thread, wish: _Wish, stop: Event | None
) -> Iterator[Answer]:
    """Yield answers by the language model; quote if it fails, or if what it wrote falls short."""
    draft = GeneratedDraft()
    quoted = wish.answers or wish.never_refuse
    try:
        model = LanguageModel(settings)
    except ModelServerError as error:
        draft = GeneratedDraft(failed=str(error))
    else:
        if quoted:
            yield replace(builder.quoted(), is_draft=True)
        drafts = generate(
            model, builder.task(thread, doubted=not wish.answers), builder.reading, builder.places, settings, stop
        )
        with closing(drafts):
            for draft in drafts:
                if draft.shows:
                    yield replace(builder.written(draft), is_draft=True)
    draft = replace(draft, rejected=builder.shortfall(draft, quoted=quoted) if draft.shows else "")
    if draft.shows and not (draft.declined or draft.rejected):
        yield builder.written(draft)
    elif quoted and not (draft.declined and not wish.never_refuse):
        yield builder.quoted(draft)
    else:
        yield builder.refused(draft)


def check_question(question: str, longest: int) -> str:
    """Return the question with tidy white space and lone surrogates replaced by "?".

    Raises BadQuestion if it has no letter or digit, or more than `longest` characters.
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
