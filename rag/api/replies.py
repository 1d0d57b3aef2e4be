"""The replies as types, for the OpenAPI description and the tools; docs/answer.md explains the keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from index.report import Report
from rag.cite import AnswerBlockKind, SentenceKind
from rag.engine import Engine
from rag.plain import plain_message
from rag.settings import Writer
from rag.source_changes import SourceOutcome
from rag.sources import list_sources
from rag.types import Answer, AnswerForm, RefusalKind


class PlaceReply(BaseModel):
    """A slice of a source: `start` and `end` count Unicode code points of its text, `end` exclusive."""

    source: str
    article_id: str
    title: str
    published: str | None
    published_from: str | None
    heading: str | None
    page: int | None
    also_in: list[str]
    start: int
    end: int


class WordsReply(BaseModel):
    """Answering words inside a quote."""

    text: str
    start: int
    end: int


class CitationReply(PlaceReply):
    """A numbered quote: the source's text from `start` to `end`."""

    number: int
    quote: str
    answers: list[WordsReply]


class PassageReply(PlaceReply):
    """A retrieved passage. `score` is in [0, 1]."""

    rank: int
    text: str
    score: float
    cited: bool


class SentenceReply(BaseModel):
    """A sentence of the answer with the verdict on it."""

    text: str
    citations: list[int]
    verdict: SentenceKind
    why: str
    words: bool
    block: AnswerBlockKind
    shown: bool


class BlockReply(BaseModel):
    """A part of the answer."""

    type: AnswerBlockKind
    text: str
    citations: list[int]
    cells: list[str] | None = None
    verdict: SentenceKind | None = None
    why: str | None = None


class RefusalReply(BaseModel):
    """The reason why a question has no answer."""

    kind: RefusalKind
    missing: list[str]
    language: str | None


class AnswerReply(BaseModel):
    """An answer. Later versions may add keys."""

    model_config = ConfigDict(extra="allow", title="Answer")

    schema_: int = Field(alias="schema")
    question: str
    searched: str
    answer: str
    refused: bool
    refusal: RefusalReply | None
    form: AnswerForm
    blocks: list[BlockReply]
    evidence_score: float | None
    sentences: list[SentenceReply]
    citations: list[CitationReply]
    passages: list[PassageReply]
    timings: dict[str, float]
    notes: list[str]
    writer: Writer
    tokens: dict[str, int] | None
    asked: dict[str, Any] | None
    suggestions: list[str]
    made_by: dict[str, str]
    conversation: str | None = Field(None, description="The id of the stored conversation; null outside one.")
    id: str = Field(description="The id of the request, as in the log and the header X-Request-ID.")


class ErrorReply(BaseModel):
    """An error. The log has the same `id`, and so has the header X-Request-ID."""

    error: str
    id: str


class OpenAiError(BaseModel):
    """An error in the form that OpenAI's clients read."""

    message: str
    type: str
    param: None = None
    code: None = None


class OpenAiErrorReply(BaseModel):
    """An error below /v1, with the id of its request."""

    error: OpenAiError
    id: str


class SourceReply(BaseModel):
    """A source. The figures are null for a source that is not in the index; `state` says why."""

    source: str
    title: str
    published: str | None
    published_from: str | None
    format: str
    author: str
    language: str
    characters: int | None
    words: int | None
    pages: int | None
    chunks: int | None
    state: str
    failed: bool
    sample: bool


class SourcesReply(BaseModel):
    """All sources."""

    sources: list[SourceReply]


class OutcomeReply(BaseModel):
    """What became of a file or page that was sent: added, replaced, unchanged or failed, with the reason."""

    name: str
    source: str
    state: Literal["added", "replaced", "unchanged", "failed"]
    why: str = ""


class ChangeReply(BaseModel):
    """What became of each file or page, and the index in use now."""

    sources: list[OutcomeReply]
    generation: str

    @classmethod
    def of_files(cls, outcomes: Sequence[SourceOutcome], report: Report) -> ChangeReply:
        """Return the reply to files."""
        sources = [OutcomeReply(**vars(one)) for one in outcomes]
        return cls(sources=sources, generation=report.generation)

    @classmethod
    def of_page(cls, url: str, report: Report) -> ChangeReply:
        """Return the reply to a web page."""
        state = "added" if url in report.added else "replaced" if url in report.changed else "unchanged"
        return cls(sources=[OutcomeReply(name=url, source=url, state=state)], generation=report.generation)


class RemovalReply(BaseModel):
    """The source that was removed, and the index in use now."""

    removed: str
    generation: str


class ListedRunReply(BaseModel):
    """A finished evaluation run."""

    name: str
    finished: datetime
    question_set: str
    questions: int
    never_refuse: bool


class RunsReply(BaseModel):
    """All finished runs, newest first."""

    runs: list[ListedRunReply]


class RunReply(BaseModel):
    """A finished run with its measures; docs/evaluation.md explains the keys of the summary."""

    run: str
    summary: dict[str, Any]


class EvaluationReply(RunReply):
    """A run that has just ended, with the rows that can't be used and the labels that are not in the sources."""

    problems: list[str]
    notes: list[str]


class ToolAnswer(BaseModel):
    """An answer with [1] markers, and the quotes that they stand for."""

    answer: str
    refused: bool = Field(description="True if the sources do not answer the question.")
    citations: list[CitationReply]
    notes: list[str]
    suggestions: list[str]


class ToolPassages(BaseModel):
    """Passages, best first."""

    passages: list[PassageReply]


class ToolText(BaseModel):
    """The text of a source from `start` to `end`, of `length` code points in all."""

    source: str
    title: str
    published: str | None
    start: int
    end: int
    length: int
    text: str


def listed_sources(engine: Engine) -> SourcesReply:
    """Return all sources, without paths of this machine."""
    rows = [one.to_json() for one in list_sources(engine)]
    return SourcesReply.model_validate(
        {"sources": [{**row, "state": plain_message(str(row["state"]), engine.home)} for row in rows]}
    )


def tool_answer(answer: Answer) -> ToolAnswer:
    """Return the parts of an answer that a tool's caller needs."""
    value = answer.to_json()
    return ToolAnswer.model_validate({key: value[key] for key in ToolAnswer.model_fields})
