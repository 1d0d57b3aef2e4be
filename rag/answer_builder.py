"""The state of a question after reading, and the answers built from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from index.article import Article
from index.build.generation import Generation
from index.text.words import content_terms
from rag.choice import SourceScope
from rag.cite import AnswerBlockKind, Citation, CitedSentence, Statement, cite
from rag.conversation.thread import Thread
from rag.disagreement import sources_differ
from rag.engine import Engine
from rag.forms.along_blocks import along_blocks, settled, stands_alone
from rag.forms.arithmetic import requested_operation
from rag.forms.periods import period_named
from rag.places import Places
from rag.provenance import provenance
from rag.reader import Evidence, Reading
from rag.reader.names import asks_for_several
from rag.retrieve import Hit
from rag.settings import Settings, Writer
from rag.types import Answer, AnswerForm, Form, Passage, Refusal
from rag.writer.generate import GeneratedDraft
from rag.writer.prompt import Task
from rag.writer.quote import as_text, newest_first, quote, refuse

_AS_GOOD = 0.3
"""A yes-or-no answer quotes further evidence only if its score is at least this share of the best."""
_OF_THE_PERIOD = 0.05
"""Evidence from the period that the question names comes first if its score is at least this share of the best."""
_EARLIER_TURNS = 2
"""Turns of the conversation that a language model sees."""
_FIRST_PASSAGES, _AS_USEFUL = 3, 0.1
"""A language model sees this many passages, and others whose evidence has at least this share of the best score."""
_NO_WORDS: tuple[Form, ...] = ("comparison", "yes_no")
"""Forms of question that a few words alone don't answer."""
_FORMS: tuple[tuple[AnswerBlockKind, AnswerForm], ...] = (("row", "table"), ("step", "steps"), ("item", "list"))


@dataclass(frozen=True)
class AnswerBuilder:
    """State after reading, and the answers built from it."""

    question: str
    searched: str
    reading: Reading
    places: Places
    engine: Engine
    generation: Generation
    clock: Clock
    source_scope: SourceScope | None
    why_refused: Callable[[], Refusal]
    form: Form = "words"
    drafted: Sequence[Statement] = ()
    """The statements of an answer in a special form: rows of a table, a list, a summary."""
    notes: tuple[str, ...] = ()

    @property
    def hits(self) -> Sequence[Hit]:
        """The passages to show: those retrieved, and those added to be cited."""
        return self.places.hits

    @property
    def articles(self) -> Mapping[str, Article]:
        """The articles of the passages, by id."""
        return self.places.articles

    @property
    def settings(self) -> Settings:
        """The settings of the engine."""
        return self.engine.settings

    @property
    def computed(self) -> bool:
        """True if the answer is a figure computed from rows, which no language model knows better."""
        blocks = [one.block for one in self.drafted]
        return blocks[:1] == ["lead"] and "row" in blocks and requested_operation(self.searched) not in (None, "list")

    def quoted(self, draft: GeneratedDraft | None = None) -> Answer:
        """Answer in the sources' own words.

        `draft` is the rejected draft of a language model.
        """
        with self.clock.stage("write"):
            statements = list(self.drafted) or self._along_the_evidence()
            cited, citations, dropped = cite(statements, self.articles)
        notes = [f"{dropped} quoted sentences did not match their source and were left out"] if dropped else []
        quoted = [one.evidence for one in statements if one.evidence and not one.words]
        if sources_differ(quoted, self._rarest_first()):
            dated = any(self.articles[one.hit.chunk.article_id].published for one in quoted)
            notes.append(f"The sources differ here.{' The newest comes first.' if dated else ''}")
        if not citations:
            return self._answer("", [], [], notes, draft)
        return self._answer(as_text(cited), cited, citations, [*self.notes, *notes], draft)

    def _along_the_evidence(self) -> list[Statement]:
        """Return the best evidence in its block, then further quotes."""
        held = [one for one in self.reading.evidence if one.hit in self.hits]
        evidence = settled(self._by_date(held), self.places)
        statements = along_blocks(self.form, evidence, self.places)
        taken = [one for statement in statements for one in statement.all_evidence]
        others = [
            one for one in evidence if not any(map(one.overlaps, taken)) and stands_alone(one, self.places)
        ] or evidence[: not statements]
        if self.form == "yes_no":  # a quote that merely shares a word would read like the opposite answer
            others = [one for one in others if one.score >= _AS_GOOD * evidence[0].score]
        return statements + quote(
            others,
            self.articles,
            self.settings.max_quotes - bool(statements),
            several=asks_for_several(self.searched),
            opens=self.reading.opens and not statements and self.form not in _NO_WORDS and not self._sums_up(others),
        )

    def _rarest_first(self) -> list[str]:
        """Return the terms of the question, rarest first."""
        return sorted(content_terms(self.searched), key=self.generation.words.document_frequency)

    def _by_date(self, evidence: Sequence[Evidence]) -> list[Evidence]:
        """Return the evidence with the period that the question names first, else with the newest of rival answers
        first."""
        period = period_named(self.searched)
        own = [one for one in evidence if period and period.holds(self.articles[one.hit.chunk.article_id].published)]
        if (
            not period
            or not own
            or own[0].score < _OF_THE_PERIOD * evidence[0].score
            or period.stands_in(evidence[0].text)
        ):
            return newest_first(evidence, self.articles, self._rarest_first())
        return [*own, *(one for one in evidence if one not in own)]

    def _sums_up(self, evidence: Sequence[Evidence]) -> bool:
        """True if the question asks for a total or an extreme of several rows, which no words of a single row give."""
        in_a_row = bool(evidence) and " | " in evidence[0].text
        return in_a_row and requested_operation(self.searched) in ("sum", "mean", "max", "min")

    def written(self, draft: GeneratedDraft) -> Answer:
        """Return the language model's sentences without those that failed the check.

        The setting `show_unsupported` keeps them.
        """
        cited, citations, _ = cite(draft.statements, self.articles)
        shown = [one for one in cited if one.verdict != "unsupported" or self.settings.show_unsupported]
        return self._answer(as_text(shown), shown, citations, [], draft, "llm")

    def shortfall(self, draft: GeneratedDraft, *, quoted: bool) -> str:
        """Return what a written answer lacks; "" for one that can be shown.

        If quotes answer, one sentence at least has to be supported; a "Yes" or "No" is weak only because it concludes.
        Where the reading model answers, it has to find an answer in the written words too.
        """
        shown = [one for one in draft.statements if one.verdict != "unsupported"]
        if quoted and self.form != "yes_no" and not any(one.verdict == "supported" for one in shown):
            return "No sentence is supported"
        reader = self.engine.parts()[2]
        if not self.drafted and not reader.finds_answer(self.searched, " ".join(one.text for one in shown)):
            return "The reading model finds no answer"
        return ""

    def task(self, thread: Thread, *, doubted: bool) -> Task:
        """Return what a language model is to write, from the passages that answer best.

        `doubted` is True if quotes would not answer.
        """
        turns = [turn for turn in thread.turns if turn.citations][-_EARLIER_TURNS:]
        earlier = [(turn.searched, " ".join(one.text for one in turn.sentences)) for turn in turns]
        return Task(self.searched, self.form, self._best_passages(), earlier, doubted)

    def _best_passages(self) -> list[Hit]:
        """Return the passages for a language model, best first.

        They are those of the drafted statements, then the first and those with evidence nearly as good as the best. A
        summary of one article has the article from its beginning.
        """
        drafted = [one.hit for statement in self.drafted for one in statement.all_evidence]
        articles = {hit.chunk.article_id for hit in drafted}
        if self.form == "summary" and len(articles) == 1:
            return self.places.whole(articles.pop(), self.settings.llm_prompt_tokens)
        evidence = [one for one in self.reading.evidence if one.hit in self.hits]
        least = _AS_USEFUL * evidence[0].score if evidence else 0.0
        useful = [one.hit for one in evidence if one.score >= least]
        first = [hit for hit in self.reading.hits if hit in self.hits][:_FIRST_PASSAGES]
        return list({hit.chunk.id: hit for hit in (*drafted, *useful, *first)}.values())

    def refused(self, draft: GeneratedDraft | None = None) -> Answer:
        """Return a refusal; `draft` is the draft of a model that found no answer."""
        return self._answer("", [], [], [], draft)

    def _form_of(self, sentences: Sequence[CitedSentence]) -> AnswerForm:
        """Return the form of a finished answer."""
        kinds = {one.block for one in sentences}
        if not any(one.citations for one in sentences):
            return "refusal"
        if self.form == "summary" and self.drafted:
            return "summary"
        for kind, form in _FORMS:
            if kind in kinds:
                return form
        if self.form == "comparison" and len(sentences) > 1:
            return "comparison"
        return "words" if any(one.words for one in sentences) else "sentence"

    def _suggestions(self, citations: Sequence[Citation]) -> list[str]:
        """Return questions about the cited places; after a refusal, general ones."""
        kept, generation = self.engine.suggestions, self.generation
        if not citations:
            return kept.first(generation, self.source_scope.names if self.source_scope else None)
        return kept.after(generation, self.searched, [(one.source, one.start, one.end) for one in citations])

    def _answer(
        self,
        text: str,
        sentences: Sequence[CitedSentence],
        citations: Sequence[Citation],
        notes: Sequence[str],
        draft: GeneratedDraft | None,
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
                text = refuse(refusal, searched=str(self.source_scope or ""), nearest=bool(self.hits))
        # The text of a refusal already names the scope.
        narrowed = [f"Only {self.source_scope}."] if self.source_scope and citations else []
        return Answer(
            question=self.question,
            text=text,
            refused=not citations,
            evidence_score=None if score is None else round(score, 4),
            sentences=tuple(sentences),
            citations=tuple(citations),
            passages=tuple(as_passages(self.hits, citations, self.articles)),
            timings={**self.clock.done(), **(draft.timings if draft else {})},
            notes=(
                *narrowed,
                *notes,
                *filter(None, [self.engine.reader_note]),
                *(draft.notes(quoted=bool(citations)) if draft else ()),
            ),
            checked=tuple(checked) if checked != list(sentences) else (),
            writer=writer,
            tokens=draft.tokens if draft else {},
            asked=self.source_scope,
            refusal=refusal,
            searched=self.searched,
            suggestions=tuple(self._suggestions(citations)),
            form=self._form_of(sentences),
            made_by=provenance(self.settings, self.generation, self.engine.reader_fingerprint),
        )


def as_passages(
    hits: Sequence[Hit], citations: Sequence[Citation], articles: Mapping[str, Article]
) -> Iterator[Passage]:
    """Yield hits as passages to show; `articles` maps ids to articles."""
    for rank, hit in enumerate(hits, 1):
        chunk, article = hit.chunk, articles[hit.chunk.article_id]
        cited = any(
            one.article_id == article.id and chunk.start <= one.start and one.end <= chunk.end for one in citations
        )
        place = (article.id, article.source, article.title, article.published, chunk.heading)
        rest = (chunk.text, round(hit.score, 4), cited, article.page(chunk.start), article.copies)
        yield Passage(rank, *place, chunk.start, chunk.end, *rest)


class Clock:
    """A stopwatch for the stages of an answer, in milliseconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        started = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - started)
        self._stages[name] = round(self._stages.get(name, 0.0) + spent, 2)

    def done(self) -> dict[str, float]:
        """Return the milliseconds of each stage so far, and the total."""
        return {**self._stages, "total": round(1000 * (time.perf_counter() - self._started), 2)}
