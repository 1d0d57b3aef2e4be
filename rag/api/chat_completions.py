"""Routes in the form of OpenAI's Chat Completions, so that its clients can ask.

The form: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from index.text.layout import Span
from rag.access.visitor import visitor_of
from rag.api.addresses import article_path
from rag.api.bodies import ChatBody, ChatMessage
from rag.api.connection import States, asker, first_answer, last_answer, server_event, while_connected
from rag.api.failures import ApiRoute, BadBody, UnknownModel, needs_models
from rag.api.replies import OpenAiErrorReply
from rag.api.service import AnswerService, AskedQuestion, Memory
from rag.cite import Citation
from rag.conversation.thread import Thread
from rag.printable import one_line
from rag.types import Answer

MODEL_NAME = "footnote"
"""The name under which clients ask Footnote."""
_MOST_KEPT = 500
"""Answers kept in memory, for the questions that refer to them."""
_MOST_TURNS = 8
"""Earlier exchanges of a conversation that are looked up."""
_FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": OpenAiErrorReply, "description": "The question can't be asked, or the body has the wrong form."},
    404: {"model": OpenAiErrorReply, "description": "There is no such model."},
    429: {"model": OpenAiErrorReply, "description": "Too many questions are waiting."},
    503: {"model": OpenAiErrorReply, "description": "The models are loading, or there is no usable index."},
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'A chat completion, or with "stream" its chunks as server-sent events.',
        "content": {"text/event-stream": {}},
    }
}
_CORRECTED = "\n\nThe answer above was withdrawn. Instead:\n\n"


class AnswersGiven:
    """The last answers given, to continue a conversation that a client sends as text. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers = OrderedDict[bytes, Answer]()

    def keep(self, content: str, answer: Answer, user: str = "") -> None:
        """Keep an answer that was sent to a user as `content`."""
        with self._lock:
            self._answers[_key(content, user)] = replace(answer, passages=())
            while len(self._answers) > _MOST_KEPT:
                self._answers.popitem(last=False)

    def thread(self, messages: Sequence[ChatMessage], user: str = "") -> Thread:
        """Return a user's conversation of these messages.

        An answer that is not kept any more counts as refused: its question can still explain a pronoun.
        """
        turns = list[Answer]()
        for before, after in pairwise(messages):
            if (before.role, after.role) == ("user", "assistant") and (question := _text(before).strip()):
                with self._lock:
                    kept = self._answers.get(_key(_text(after), user))
                turns.append(kept or Answer(question, _text(after), refused=True))
        return Thread(tuple(turns[-_MOST_TURNS:]))


def _key(content: str, user: str) -> bytes:
    """Return the digest of a message and its user; clients may change its white space."""
    return hashlib.sha256(f"{user}\n{' '.join(content.split())}".encode("utf-8", "replace")).digest()


def _text(message: ChatMessage) -> str:
    """Return the text of a message. Raises BadBody for a part that is no text."""
    if not isinstance(message.content, list):
        return message.content or ""
    if any(part.type not in ("text", "input_text", "refusal") for part in message.content):
        raise BadBody("Footnote reads text only. Send the question without pictures, files or sound.")
    return "\n".join(part.text for part in message.content)


class _OpenAiRoute(ApiRoute):
    """A route whose errors have the form that OpenAI's clients read."""

    @classmethod
    def error_body(cls, status: int, message: str, request_id: str) -> dict[str, Any]:
        """Return the JSON of an error."""
        kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}, "id": request_id}


def add_openai_routes(router: APIRouter, service: AnswerService) -> None:
    """Add /v1/models and /v1/chat/completions to a router."""
    engine = service.engine
    given = AnswersGiven()
    begun = int(time.time())

    class Route(_OpenAiRoute):
        home = engine.home

    openai = APIRouter(prefix="/v1", route_class=Route)

    @openai.get("/models", summary="List the models: there is one")
    def models() -> dict[str, Any]:
        model = {"id": MODEL_NAME, "object": "model", "created": begun, "owned_by": MODEL_NAME}
        return {"object": "list", "data": [model]}

    @openai.post(
        "/chat/completions",
        response_model=None,
        responses={**_FAILURES, **_EVENTS},
        summary="Ask the last message of a conversation",
    )
    async def complete(body: ChatBody, request: Request) -> Response:
        if body.model != MODEL_NAME:
            raise UnknownModel(f"There is no model {body.model!r} here. The only one is {MODEL_NAME!r}.")
        needs_models(engine)
        last = next((n for n, one in reversed([*enumerate(body.messages)]) if one.role == "user"), None)
        if last is None:
            raise BadBody("There is no message of the user, so there is no question.")
        user = visitor_of(request).name
        thread = given.thread(body.messages[:last], user)
        text, id_ = _text(body.messages[last]), request.state.id
        asked = AskedQuestion(text, id_, id_, asker(request), memory=Memory(lambda: thread))
        states = service.states(asked)
        if not body.stream:
            answer = await while_connected(request, last_answer(states))
            content = completion_text(answer)
            given.keep(content, answer, user)
            message = {
                "role": "assistant",
                "content": content,
                "refusal": None,
                "annotations": url_citations(answer, str(request.base_url)),
            }
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return JSONResponse(_envelope(request, "chat.completion", [choice]) | {"usage": _usage(answer)})
        first = await while_connected(request, first_answer(states))
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return StreamingResponse(_chunks(first, states, request, with_usage), media_type="text/event-stream")

    async def _chunks(first: Answer, states: States, request: Request, with_usage: bool) -> AsyncGenerator[bytes]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            return server_event(_envelope(request, "chat.completion.chunk", [choice]))

        async with aclosing(states):
            yield chunk({"role": "assistant", "content": ""})
            sent, answer = "", first
            try:
                while answer.is_draft:
                    # The first draft has the sources' words; what a language model writes replaces it.
                    if answer.writer == "llm" and answer.text.startswith(sent):
                        yield chunk({"content": answer.text[len(sent) :]})
                        sent = answer.text
                    answer = await first_answer(states)
            except Exception as error:
                yield server_event(Route.explain(error, request)[1])
                return
            content = completion_text(answer)
            whole = continued(sent, content)
            given.keep(whole, answer, visitor_of(request).name)
            yield chunk({"content": whole[len(sent) :]})
            offset = len(whole) - len(content)
            yield chunk({"annotations": url_citations(answer, str(request.base_url), offset)})
            yield chunk({}, "stop")
            if with_usage:
                yield server_event(_envelope(request, "chat.completion.chunk", []) | {"usage": _usage(answer)})
            yield b"data: [DONE]\n\n"

    router.include_router(openai)


def _envelope(request: Request, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.state.id}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL_NAME,
        "choices": choices,
    }


def _usage(answer: Answer) -> dict[str, int]:
    """Return the tokens of the language model; 0 where none wrote."""
    read, written = answer.tokens.get("prompt", 0), answer.tokens.get("completion", 0)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def completion_text(answer: Answer) -> str:
    """Return the answer as one text: with its markers, then the list of sources, then the notes."""
    sources = [_source_line(one) for one in answer.citations]
    parts = [answer.text, "\n".join(["Sources:", *sources]) if sources else ""]
    return "\n\n".join([*filter(None, parts), *(f"Note: {note}" for note in answer.notes)])


def continued(sent: str, content: str) -> str:
    """Return a text that begins with what was `sent` and ends with the `content`.

    A stream can't take words back, so it says that they no longer count.
    """
    return content if content.startswith(sent) else f"{sent}{_CORRECTED}{content}"


def _source_line(one: Citation) -> str:
    when = f", {one.published}" if one.published else ""
    page = f", page {one.page}" if one.page else ""
    return one_line(f"[{one.number}] {one.title} ({one.source}{when}{page}, characters {one.start} to {one.end})")


def url_citations(answer: Answer, base_url: str, offset: int = 0) -> list[dict[str, Any]]:
    """Return an annotation for each marker in the answer.

    `start_index` and `end_index` are the marker's place in the content, which begins at `offset`; `start` and `end` are
    the quote's place in the source.
    """
    citations = {one.number: one for one in answer.citations}
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": base_url + article_path(one.source, one.article_id, (one.start, one.end), one.answers),
                "title": one.title,
                "start_index": offset + start,
                "end_index": offset + end,
                "number": one.number,
                "source": one.source,
                "start": one.start,
                "end": one.end,
                "quote": one.quote,
            },
        }
        for number, (start, end) in _markers(answer)
        if (one := citations.get(number))
    ]


def _markers(answer: Answer) -> Iterator[tuple[int, Span]]:
    """Yield the number and place of each marker in the text.

    subtle: a quote may have a marker of its own ("[1]" in a web page), so only the places after a sentence count.
    """
    at = 0
    for sentence in answer.sentences:
        written = str(sentence)
        begin = answer.text.find(written, at)
        if begin < 0:
            continue
        at = begin + written.index(sentence.text) + len(sentence.text)
        for number in sentence.citations:
            start = at + 1  # a space comes before each marker
            at = start + len(f"[{number}]")
            yield number, (start, at)
