"""The bodies of requests, with limits on every length."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from index.text.published import read_period
from rag.choice import Choice

NEW = "new"
"""In place of a conversation's id: begin a conversation."""

SourceName = Annotated[str, Field(min_length=1, max_length=1000)]
"""The name of a source, or a pattern such as "notes/*.pdf"."""
QuestionText = Annotated[str, Field(max_length=100_000)]
DateText = Annotated[str, Field(max_length=40)]
"""A day, month or year: "2024-12-31", "2024-12", "2024"."""


def make_choice(sources: list[str], as_of: str | None, since: str | None, left_out: tuple[str, ...] = ()) -> Choice:
    """Return the choice of a request; named `sources` override those that its conversation leaves out.

    Raises ValueError for a date that can't be read.
    """
    out = frozenset() if sources else frozenset(left_out)
    return Choice(
        tuple(sources), out, *(read_period(_checked_period(when)) if when else None for when in (as_of, since))
    )


def _checked_period(words: str) -> str:
    """Return the words if they name a day, month or year; else raise ValueError."""
    if read_period(words) is None:
        raise ValueError("expected a date such as 2024-12-31, 2024-12 or 2024")
    return words


class PageBody(BaseModel):
    """A web page to add."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=4000)


class SearchBody(BaseModel):
    """Words or a question to `/api/search`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": "battery plant"}]})

    query: QuestionText
    limit: int = Field(10, ge=1, le=50, description="Most passages to return.")
    sources: list[SourceName] = Field([], max_length=1000, description="Names or patterns of sources (default: all).")
    as_of: DateText | None = Field(None, description="Search no source published after this day, month or year.")
    since: DateText | None = Field(None, description="Search no source published before this day, month or year.")

    @field_validator("as_of", "since")
    @classmethod
    def _is_period(cls, words: str | None) -> str | None:
        return None if words is None else _checked_period(words)


class AskBody(BaseModel):
    """A question to `/api/ask`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"question": "Who is the CEO of GM?"}]})

    question: QuestionText
    conversation: str | None = Field(
        None,
        pattern=rf"^(?:{NEW}|[a-z0-9]{{8,32}})$",
        description='The id of a stored conversation that the question continues, or "new" to begin one.',
    )
    sources: list[SourceName] = Field([], max_length=1000, description="Names or patterns of sources (default: all).")
    as_of: DateText | None = Field(None, description="Ask no source published after this day, month or year.")
    since: DateText | None = Field(None, description="Ask no source published before this day, month or year.")
    as_typed: bool = Field(False, description="Search what is typed, without spelling correction.")
    stream: bool = Field(False, description="Reply with server-sent events, one for each state of the answer.")

    @field_validator("as_of", "since")
    @classmethod
    def _is_period(cls, words: str | None) -> str | None:
        return None if words is None else _checked_period(words)


class EvaluateBody(BaseModel):
    """A question set to `/api/evaluate`: either its rows or its label."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"questions": [{"question": "Who is the CEO of GM?", "answers": ["Mary Barra"]}]}]
        },
    )

    questions: list[dict[str, Any]] | None = Field(
        None, min_length=1, description="Rows as in the file of a question set."
    )
    set_: str | None = Field(
        None, alias="set", min_length=1, max_length=1000, description="The label of a question set, as on the page."
    )
    never_refuse: bool = Field(False, description="Answer each question, even if the sources seem not to.")
    stream: bool = Field(False, description="Reply with server-sent events, one for each question.")


class ContentPart(BaseModel):
    """A part of a message's content. Only text is read."""

    type: str = Field(max_length=40)
    text: str = Field("", max_length=100_000)


class ChatMessage(BaseModel):
    """A message of a conversation. Those of the system are not read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=100_000)] | Annotated[list[ContentPart], Field(max_length=100)] | None = (
        None
    )


class StreamOptions(BaseModel):
    """Options of a streamed reply."""

    include_usage: bool = False


class ChatBody(BaseModel):
    """A request to `/v1/chat/completions`. Other keys, such as temperature, have no effect."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "footnote", "messages": [{"role": "user", "content": "Who is the CEO of GM?"}]}]
        }
    )

    model: str = Field(max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions | None = None
