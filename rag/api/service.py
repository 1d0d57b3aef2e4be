"""Answers the questions of the page and of programs, in the order of one queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from index.errors import FootnoteError
from rag.answer import BadQuestion, check_question, stream
from rag.api.failures import status_and_message
from rag.api.metrics import AnswerMetrics
from rag.api.request_log import RequestRecord, current_request
from rag.choice import ALL_SOURCES, Choice, UnknownSource
from rag.conversation.store import ConversationStore
from rag.conversation.thread import NO_TURNS, Thread
from rag.engine import Engine
from rag.plain import plain_message
from rag.queue import RequestQueue, Stopped, Ticket
from rag.settings import Writer
from rag.types import Answer

_PAUSE = 0.25
"""Least seconds between two states of an answer that a language model writes."""

_Tell = Callable[[Answer], None]


def _keep_nothing(_: Answer) -> None:
    """Store no answer."""


@dataclass(frozen=True)
class Memory:
    """A question's conversation: `earlier` returns its turns so far, `keep` adds one."""

    earlier: Callable[[], Thread]
    keep: Callable[[Answer], None] = _keep_nothing


@dataclass(frozen=True)
class AskedQuestion:
    """A question with its options.

    `session` and `name` identify it in the queue, where each `asker` ("": the session) has one place at a time; `name`
    and `route` in the log, outside of a program's request.
    `writer` overrides the setting. `memory` is None outside a conversation.
    """

    text: str
    session: str
    name: str
    asker: str = ""
    writer: Writer | None = None
    choice: Choice = ALL_SOURCES
    as_typed: bool = False
    memory: Memory | None = field(default=None)
    route: str = "page"


def stored_memory(store: ConversationStore, conversation: str, turn: str) -> Memory:
    """Return the memory of a stored conversation; a conversation that can't be read has no turns."""

    def earlier() -> Thread:
        try:
            turns = store.get(conversation).turns
        except FootnoteError:
            return NO_TURNS
        return Thread(tuple(one.answer for one in turns if one.answer and one.id != turn))

    return Memory(earlier, partial(store.add, conversation, turn))


class AnswerService:
    """Answers questions in the order of the queue, and counts the answers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        workers = engine.workers
        self.queue = RequestQueue(workers, workers + engine.settings.max_waiting)
        self.metrics = AnswerMetrics()
        # A question has a thread only while it is being answered; so at most `most` threads run.
        self._threads = ThreadPoolExecutor(self.queue.most, "answer")

    def check(self, question: str) -> str:
        """Return the question with tidy white space. Raises BadQuestion if it can't be asked."""
        return check_question(question, self.engine.settings.max_question)

    async def states(self, asked: AskedQuestion) -> AsyncGenerator[str | Answer]:
        """Yield why the question waits, in words, then the answer as it grows; the last Answer is complete.

        The last answer is stored before it is yielded; if that fails, a note in the answer says so. After a stop
        nothing more is yielded. Closing the iterator stops the question. Raises BadQuestion, QueueFull, and the errors
        of `rag.answer.stream`.
        """
        program = current_request.get()
        record = program or RequestRecord(asked.name, asked.route, 200)
        record.outcome = "stopped"  # unless it ends otherwise
        record.question = asked.text if self.engine.settings.log_questions else ""
        try:
            async with aclosing(self._states(asked, record)) as states:
                async for state in states:
                    yield state
        except Exception as error:
            record.status, record.outcome = status_and_message(error, self.engine.home)[0], "failed"
            raise
        finally:
            if record is not program:
                record.log()

    async def _states(self, asked: AskedQuestion, record: RequestRecord) -> AsyncGenerator[str | Answer]:
        question = self.check(asked.text)
        ticket = self.queue.join(asked.session, asked.name, asked.asker)
        try:
            async with aclosing(self._waiting(ticket)) as waiting:
                async for words in waiting:
                    yield words
            work = partial(self._answer, ticket, replace(asked, text=question))
            async with aclosing(self._answering(ticket, work)) as answering:
                async for answer in answering:
                    if not answer.is_draft:
                        self.metrics.count(answer)
                        record.count(answer)
                    yield answer
        except (BadQuestion, UnknownSource, Stopped):
            raise
        except Exception:
            self.metrics.count_failure()
            raise
        finally:
            self.queue.leave(ticket)

    async def _waiting(self, ticket: Ticket) -> AsyncGenerator[str]:
        """Yield why the question has to wait, until it is first in the queue and the models are loaded."""
        waited = False
        async for ahead in self.queue.waiting(ticket):
            waited = True
            yield self._loading() or _ahead(ahead)
        while (words := self._loading()) and not ticket.stopped.is_set():
            waited = True
            yield words
            await asyncio.sleep(_PAUSE)
        if waited and not ticket.stopped.is_set():
            # If the client has left, the generator is closed here, before the models start to work.
            yield "Searching and reading ..."

    def _loading(self) -> str:
        if self.engine.warm.is_set():
            return ""
        return f"{self.engine.status()[0]}. The answer comes in a moment ..."

    async def _answering(self, ticket: Ticket, work: Callable[[_Tell], None]) -> AsyncGenerator[Answer]:
        """Run `work` in a thread; yield the answers that it passes on."""
        loop = asyncio.get_running_loop()
        came = asyncio.Queue[Answer | None]()

        def tell(answer: Answer) -> None:
            loop.call_soon_threadsafe(came.put_nowait, answer)

        def end(done: asyncio.Future[None]) -> None:
            # Reading the exception keeps asyncio from logging it if the question was stopped.
            done.cancelled() or done.exception()
            came.put_nowait(None)

        working = loop.run_in_executor(self._threads, work, tell)
        working.add_done_callback(end)
        while (answer := await came.get()) and not ticket.stopped.is_set():
            yield answer
        if not ticket.stopped.is_set():
            await working

    def _answer(self, ticket: Ticket, asked: AskedQuestion, tell: _Tell) -> None:
        """Compute the answer and pass its states to `tell`.

        The turn in the queue ends once the answer is passed on, or when a language model starts to write.
        """
        turn = self.queue.turn(ticket)
        answers = stream(
            self.engine,
            asked.text,
            writer=asked.writer,
            choice=asked.choice,
            as_typed=asked.as_typed,
            stop=ticket.stopped,
            models=turn,
            thread=asked.memory.earlier() if asked.memory else NO_TURNS,
        )
        shown = 0.0
        with suppress(Stopped), closing(answers):
            for found in answers:
                if ticket.stopped.is_set():
                    return
                if not found.is_draft:
                    tell(self._store(found, asked.memory))
                elif found.writer == "quote":
                    tell(found)
                elif time.monotonic() - shown >= _PAUSE:
                    shown = time.monotonic()
                    tell(found)

    def _store(self, answer: Answer, memory: Memory | None) -> Answer:
        """Store an answer and return it; if storing fails, add a note that says so."""
        try:
            if memory:
                memory.keep(answer)
        except FootnoteError as error:
            return replace(answer, notes=(*answer.notes, plain_message(error, self.engine.home)))
        return answer


def _ahead(number: int) -> str:
    return f"{'1 question is' if number == 1 else f'{number} questions are'} ahead of this one ..."
