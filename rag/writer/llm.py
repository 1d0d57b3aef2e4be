"""Messages -> text from a language model server that speaks OpenAI's chat completions. The only room that knows openai.

Ollama, llama.cpp, vLLM, LM Studio and hosted services all do, so only what they share is asked for. The request runs
in an event loop of its own, because there a request can be cut at any moment: while it connects, while the model
reads, and between two words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from index.errors import FootnoteError
from rag.settings import Settings
from rag.writer.guarded_http import TooLong, make_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

Message = dict[str, str]
"""{"role": "system" | "user", "content": ...}"""

_RETRIES = 2
_CONNECT = 10.0
"""Seconds for a connection to be made."""
_LOOK = 0.1
"""Seconds between two looks at whether to stop."""
_WHOLE = 10
"""Times the time-out that a whole answer may take."""
_TAIL = 2.0
"""Seconds that the token counts may take after the last word."""
_ENDS = frozenset(("stop", "eos", "eos_token", "end_turn", "stop_sequence"))
"""Reasons for an end that the model chose. Any other cut the answer off."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Where servers put what a model thinks before it answers."""
_CONTEXT = re.compile(
    r"context.{0,12}(length|window|size)|maximum context|exceed_context|too many tokens|too long", re.I
)


class ModelServerError(FootnoteError):
    """The language model server did not answer as it should; the message says what to do. It never holds the key."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one completion as the server counted them (None where it does not say); `cut` tells that the
    answer was cut off, for example at the most tokens it may have."""

    prompt: int | None = None
    completion: int | None = None
    cut: bool = False


class _Heard:
    """What has come of one completion. `finished` is the server's reason for the end, "" before it; `spoke` tells that
    the last chunk held words, of the answer or of a thought before it, or ended the answer."""

    def __init__(self) -> None:
        self.begun = self.spoke = False
        self.finished = ""
        self.usage = Usage()

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Take in a chunk and return the text of the answer in it, fit to be printed and stored."""
        self.begun, self.spoke = True, False
        if chunk.usage:
            self.usage = Usage(_count(chunk.usage.prompt_tokens), _count(chunk.usage.completion_tokens))
        text = ""
        for choice in chunk.choices[:1] if not self.finished else ():
            text = _text(choice.delta.content)
            thought = "".join(_text(getattr(choice.delta, name, "")) for name in _THOUGHTS)
            self.finished = str(choice.finish_reason or "")
            self.spoke = bool(self.finished or text.strip() or thought.strip())
        return text


def _count(number: object) -> int | None:
    return number if isinstance(number, int) and number >= 0 else None


def _text(value: object) -> str:
    """Return a string that every encoding takes; "" for what is no string."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


class LanguageModel:
    """One model on one server. Safe to share between threads: each completion has a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        """Raises ModelServerError when the settings name no server or model, or hold a key that can't be sent."""
        if not settings.llm_url or not settings.llm_model:
            missing = "FOOTNOTE_LLM_MODEL" if settings.llm_url else "FOOTNOTE_LLM_URL"
            raise ModelServerError(
                f"No language model is set: {missing} is empty. Set FOOTNOTE_LLM_URL (Ollama: "
                "http://127.0.0.1:11434/v1) and FOOTNOTE_LLM_MODEL."
            )
        self.url = settings.llm_url.rstrip("/")
        self.model = settings.llm_model
        self._key = settings.llm_key.get_secret_value().strip() if settings.llm_key else ""
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelServerError(
                "FOOTNOTE_LLM_KEY holds characters that no key has (a line break, a typographic dash?). Copy it again."
            )
        self._patience = settings.llm_timeout
        self._longest = settings.llm_answer_tokens

    def warm_up(self) -> None:
        """Import what the first request would wait for (about a second). No server is asked."""
        import openai  # noqa: F401

    def complete(self, messages: Sequence[Message], stop: Event | None = None) -> Generator[str | Usage]:
        """Yield the text as it comes, and at the end of it what the server says of its tokens.

        The time-out counts from the last word, and a whole answer may take ten times that. Closing the generator, or
        setting `stop`, cuts the connection. Raises ModelServerError for every failure.
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

        heard = _Heard()
        now = asyncio.get_running_loop().time
        # "none" where there is no key: otherwise the library takes OPENAI_API_KEY, which is meant for another server.
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
                    if text := heard.take(chunk):
                        box.put(text)
                    # Only words count: a server can keep a connection alive for ever and say nothing.
                    if heard.spoke:
                        quiet.reschedule(now() + (_TAIL if heard.finished else self._patience))
        except (APIError, TimeoutError, TooLong) as error:
            if not heard.finished:
                box.put(ModelServerError(self._explain(error, heard.begun, whole=whole.expired())))
                return
        if heard.finished:
            box.put(replace(heard.usage, cut=heard.finished not in _ENDS))
        else:
            box.put(ModelServerError(self._broken() if heard.begun else self._unreadable()))

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
            # Not every server, nor every model, takes each of the extras.
            opened = await create(**wanted)
        return opened  # type: ignore[no-any-return]

    def _broken(self) -> str:
        return (
            f"The answer of the language model at {self.url} broke off. Ask again; if it goes on, look at the "
            "server's own log."
        )

    def _unreadable(self) -> str:
        return (
            f"What answers at {self.url} is no language model server. Check FOOTNOTE_LLM_URL: it ends as the server's "
            "manual says, mostly in /v1."
        )

    def _explain(self, error: Exception, begun: bool, *, whole: bool) -> str:
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if whole:
            return (
                f"The language model at {self.url} did not end its answer within {_WHOLE * self._patience:g} seconds. "
                "Take a faster model, lower FOOTNOTE_LLM_ANSWER_TOKENS, or raise FOOTNOTE_LLM_TIMEOUT."
            )
        if isinstance(error, TooLong):
            return f"The language model at {self.url} sent more than any answer has. See the server's own log."
        if isinstance(error, (TimeoutError, APITimeoutError)):
            return (
                f"The language model at {self.url} said nothing for {self._patience:g} seconds. Wait until it has "
                "loaded, take a smaller model, or raise FOOTNOTE_LLM_TIMEOUT."
            )
        if _CONTEXT.search(str(error)):
            return (
                f"The question with its passages is too long for the model {self.model!r}. Lower "
                "FOOTNOTE_LLM_PROMPT_TOKENS, or give the model a longer context on its server."
            )
        if isinstance(error, APIStatusError):
            return self._refused(error.status_code, self._said(error))
        if isinstance(error, APIConnectionError) and not begun:
            return (
                f"Nothing answers at {self.url}. Start the language model server there, or set FOOTNOTE_LLM_URL to "
                "where it is."
            )
        return self._broken()

    def _refused(self, status: int, said: str) -> str:
        if status in (401, 403):
            what = "does not accept the key in FOOTNOTE_LLM_KEY" if self._key else "wants a key"
            return f"The language model server at {self.url} {what} ({status}). Set FOOTNOTE_LLM_KEY to a valid one."
        if 300 <= status < 400:
            return (
                f"The server at {self.url} sends requests to another address ({status}). Your question does not "
                "follow. Set FOOTNOTE_LLM_URL to that address yourself if you trust it."
            )
        if status == 404:
            return (
                f"The server at {self.url} has no model called {self.model!r} (404). Set FOOTNOTE_LLM_MODEL to one it "
                "has (Ollama: `ollama list`), and check that FOOTNOTE_LLM_URL ends as its manual says, mostly in /v1."
            )
        if status == 429:
            return (
                f"The language model server at {self.url} takes no more requests for now (429; asked {_RETRIES + 1} "
                "times). Wait a minute, or look at the account's limits."
            )
        return f"The language model server at {self.url} answered with an error ({status}{said}). See its own log."

    def _said(self, error: Exception) -> str:
        """What the server says of an error, in one short line; nothing when it repeats as little as a part of the
        key."""
        body = getattr(error, "body", None)
        told = body.get("message") if isinstance(body, dict) else body
        text = " ".join(str(told or "").split())[:200]
        part = max(4, min(8, len(self._key)))
        if any(self._key[n : n + part] in text for n in range(max(0, len(self._key) - part + 1))):
            return ""
        return f": {text}" if text else ""


class _Work:
    """A coroutine in a thread of its own, which can be cut."""

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
            # An answer that is no protocol at all, or a defect. Its words may hold anything, so they are left out.
            self._box.put(
                ModelServerError(
                    "The language model server gave no readable answer. Check FOOTNOTE_LLM_URL and its log."
                )
            )
        finally:
            with suppress(Exception):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def cut(self) -> None:
        """End it, wherever it is."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(1)
