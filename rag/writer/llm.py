"""Messages -> text from a language model server with OpenAI's chat completions. The only module that uses openai.

Ollama, llama.cpp, vLLM, LM Studio and hosted services all offer these, so requests use only what they share. A request
runs in its own event loop, where it can be cancelled at any moment: while it connects, while the model reads, and
between two words.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from index.errors import FootnoteError
from rag.settings import Settings
from rag.writer.guarded_http import TooLong, make_client, seconds_to_wait

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

Message = dict[str, str]
"""{"role": "system" | "user", "content": ...}"""

_RETRIES = 2
_CONNECT = 10.0
"""Seconds to establish a connection."""
_LOOK = 0.1
"""Seconds between checks of `stop`."""
_WHOLE = 10
"""A complete answer may take this many times the time-out."""
_TAIL = 2.0
"""Seconds to wait for the token counts after the last word."""
_ENDS = frozenset(("stop", "eos", "eos_token", "end_turn", "stop_sequence"))
"""Finish reasons that the model chooses. Any other reason means that the answer was cut off."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields in which servers send the reasoning of a model before its answer."""
_CONTEXT = re.compile(
    r"context.{0,12}(length|window|size)|maximum context|exceed_context|too many tokens|too long", re.I
)


class ModelServerError(FootnoteError):
    """A failure of the language model server; the message says what to do.

    The message never contains the key.
    """


@dataclass(frozen=True)
class Usage:
    """Token counts of one completion as the server reports them (None if it does not).

    `cut` is True if the answer was cut off, for example at its token limit.
    """

    prompt: int | None = None
    completion: int | None = None
    cut: bool = False


class _Received:
    """The state of one completion. `finished` is the server's finish reason, "" before it. `spoke` is True if the last
    chunk held words, of the answer or of a thought before it, or ended the answer. `called` is True if the model asked
    for a tool."""

    def __init__(self) -> None:
        self.begun = self.spoke = self.called = False
        self.finished = ""
        self.usage = Usage()

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Take a chunk and return the answer's text in it, fit to print and store."""
        self.begun, self.spoke = True, False
        if chunk.usage:
            self.usage = Usage(_count(chunk.usage.prompt_tokens), _count(chunk.usage.completion_tokens))
        text = ""
        for choice in chunk.choices[:1] if not self.finished else ():
            text = _text(choice.delta.content)
            thought = "".join(_text(getattr(choice.delta, name, "")) for name in _THOUGHTS)
            self.finished = str(choice.finish_reason or "")
            self.called |= bool(getattr(choice.delta, "tool_calls", None))
            self.spoke = bool(self.finished or text.strip() or thought.strip())
        return text


def _count(number: object) -> int | None:
    return number if isinstance(number, int) and number >= 0 else None


def _text(value: object) -> str:
    """Return a string that every encoding accepts; "" for any other value."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def sendable_key(settings: Settings) -> str:
    """Return the key for requests to the language model; "" for none.

    Raises ModelServerError if it holds characters that can't be sent.
    """
    key = settings.model_key
    if not (key.isascii() and key.isprintable()):
        raise ModelServerError(
            "FOOTNOTE_LLM_KEY contains characters that no key has (a line break, a typographic dash?). Copy it again."
        )
    return key


class LanguageModel:
    """One model on one server. Safe to share between threads.

    Each completion has its own connection.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the server, the model and the key from the settings.

        Raises ModelServerError if the settings name no server or model, or hold a key that can't be sent.
        """
        if not settings.llm_url or not settings.llm_model:
            missing = "FOOTNOTE_LLM_MODEL" if settings.llm_url else "FOOTNOTE_LLM_URL"
            raise ModelServerError(
                f"No language model is set: {missing} is empty. Set FOOTNOTE_LLM_URL (Ollama: "
                "http://127.0.0.1:11434/v1) and FOOTNOTE_LLM_MODEL."
            )
        self.url = settings.llm_url.rstrip("/")
        self.model = settings.llm_model
        self._key = sendable_key(settings)
        self._patience = settings.llm_timeout
        self._longest = settings.llm_answer_tokens

    def warm_up(self) -> None:
        """Import what the first request would wait for (about a second).

        It contacts no server.
        """
        import openai  # noqa: F401

    def complete(self, messages: Sequence[Message], stop: Event | None = None) -> Generator[str | Usage]:
        """Yield the text as it arrives, and last the server's token counts.

        The time-out counts from the last word, and a complete answer may take ten times that. Closing the generator or
        setting `stop` cuts the connection. Raises ModelServerError for every failure.
        """
        box: Queue[str | ModelServerError | Usage] = Queue()
        work = _Work(self._request(messages, box), box)
        try:
            while not (stop and stop.is_set()):
                try:
                    got = box.get(timeout=_LOOK)
                except Empty:
                    continue
                if isinstance(got, ModelServerError):
                    raise got
                yield got
                if isinstance(got, Usage):
                    return
        finally:
            work.cut()

    async def _request(self, messages: Sequence[Message], box: Queue[Any]) -> None:
        from openai import APIError, AsyncOpenAI, Timeout

        received = _Received()
        now = asyncio.get_running_loop().time
        # Without a key send "none": otherwise the library takes OPENAI_API_KEY, which is for another server.
        key = self._key or "none"
        client = AsyncOpenAI(
            base_url=self.url,
            api_key=key,
            timeout=Timeout(self._patience, connect=min(_CONNECT, self._patience)),
            max_retries=_RETRIES,
            http_client=make_client(self.url, key),
        )
        try:
            async with (
                client,
                asyncio.timeout(_WHOLE * self._patience) as whole,
                asyncio.timeout(self._patience) as quiet,
                await self._open(client, messages) as stream,
            ):
                async for chunk in stream:
                    if text := received.take(chunk):
                        box.put(text)
                    # Only words restart the time-out: a server can keep a silent connection alive for ever.
                    if received.spoke:
                        quiet.reschedule(now() + (_TAIL if received.finished else self._patience))
        except (APIError, TimeoutError, TooLong) as error:
            if not received.finished:
                box.put(ModelServerError(self._explain(error, received.begun, whole=whole.expired())))
                return
        if received.called:
            box.put(ModelServerError(self._wants_tools()))
        elif received.finished:
            box.put(replace(received.usage, cut=received.finished not in _ENDS))
        else:
            box.put(ModelServerError(self._broken() if received.begun else self._unreadable()))

    async def _open(self, client: AsyncOpenAI, messages: Sequence[Message]) -> AsyncStream[ChatCompletionChunk]:
        from openai import BadRequestError, UnprocessableEntityError

        wanted: dict[str, Any] = {"model": self.model, "messages": list(messages), "stream": True}
        extras = {"temperature": 0, "max_tokens": self._longest, "stream_options": {"include_usage": True}}
        create: Any = client.chat.completions.create
        try:
            opened = await create(**wanted, **extras)
        except (BadRequestError, UnprocessableEntityError) as error:
            if _CONTEXT.search(str(error)):
                raise
            # Some servers and models reject some of the extras.
            opened = await create(**wanted)
        return opened  # type: ignore[no-any-return]

    def _broken(self) -> str:
        return (
            f"The answer of the language model at {self.url} was cut off. Ask again; if this happens again, see "
            "the server's log."
        )

    def _wants_tools(self) -> str:
        return (
            f"The model {self.model!r} asked for a tool instead of answering, and Footnote gives it none. Take another "
            "model, or switch tools off on its server."
        )

    def _unreadable(self) -> str:
        return (
            f"The server at {self.url} is not a language model server. Check FOOTNOTE_LLM_URL: it usually ends in /v1; "
            "see the server's manual."
        )

    def _explain(self, error: Exception, begun: bool, *, whole: bool) -> str:
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if whole:
            return (
                f"The language model at {self.url} did not end its answer within {_WHOLE * self._patience:g} seconds. "
                "Take a faster model, lower FOOTNOTE_LLM_ANSWER_TOKENS, or raise FOOTNOTE_LLM_TIMEOUT."
            )
        if isinstance(error, TooLong):
            return f"The language model at {self.url} sent more text than an answer can have. See the server's own log."
        if isinstance(error, (TimeoutError, APITimeoutError)):
            return (
                f"The language model at {self.url} sent nothing for {self._patience:g} seconds. Wait until it has "
                "loaded, take a smaller model, or raise FOOTNOTE_LLM_TIMEOUT."
            )
        if _CONTEXT.search(str(error)):
            return (
                f"The question with its passages is too long for the model {self.model!r}. Lower "
                "FOOTNOTE_LLM_PROMPT_TOKENS, or give the model a longer context on its server."
            )
        if isinstance(error, APIStatusError):
            wait = seconds_to_wait(error.response.headers.get("Retry-After", ""))
            return self._refused(error.status_code, self._server_message(error), wait)
        if isinstance(error, APIConnectionError) and not begun:
            return (
                f"Nothing answers at {self.url}. Start the language model server there, or set FOOTNOTE_LLM_URL to "
                "where it is."
            )
        return self._broken()

    def _refused(self, status: int, said: str, wait: float) -> str:
        if status in (401, 403):
            what = "does not accept the key in FOOTNOTE_LLM_KEY" if self._key else "wants a key"
            return f"The language model server at {self.url} {what} ({status}). Set FOOTNOTE_LLM_KEY to a valid one."
        if 300 <= status < 400:
            return (
                f"The server at {self.url} redirects to another address ({status}), and Footnote does not send your "
                "question there. Set FOOTNOTE_LLM_URL to that address if you trust it."
            )
        if status == 404:
            return (
                f"The server at {self.url} has no model called {self.model!r} (404). Set FOOTNOTE_LLM_MODEL to one it "
                "has (Ollama: `ollama list`), and check FOOTNOTE_LLM_URL, which usually ends in /v1."
            )
        if status == 429 and wait > 1:
            return (
                f"The language model server at {self.url} accepts no more requests for now (429). Ask again in "
                f"{math.ceil(wait):,} seconds, or look at the account's limits."
            )
        if status == 429:
            return (
                f"The language model server at {self.url} accepts no more requests for now (429; {_RETRIES + 1} "
                "attempts). Wait a minute, or check the account's limits."
            )
        return f"The language model server at {self.url} answered with an error ({status}{said}). See its own log."

    def _server_message(self, error: Exception) -> str:
        """Return the server's error message in one short line; "" if it repeats even a part of the key."""
        body = getattr(error, "body", None)
        message = body.get("message") if isinstance(body, dict) else body
        text = " ".join(str(message or "").split())[:200]
        part = max(4, min(8, len(self._key)))
        if any(self._key[n : n + part] in text for n in range(max(0, len(self._key) - part + 1))):
            return ""
        return f": {text}" if text else ""


class _Work:
    """A coroutine on its own thread, which can be cancelled."""

    def __init__(self, request: Any, box: Queue[Any]) -> None:
        self._box = box
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] = self._loop.create_task(request)
        self._thread = Thread(target=self._run, name="language-model", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except Exception:
            # Not a valid response, or a defect. Its text may contain anything, so it is left out.
            self._box.put(
                ModelServerError(
                    "The language model server sent an unreadable answer. Check FOOTNOTE_LLM_URL and its log."
                )
            )
        finally:
            with suppress(Exception):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def cut(self) -> None:
        """Cancel the coroutine, wherever it is."""
        with suppress(RuntimeError):  # it has already ended
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(1)
