"""A question's turn on the page: it waits in the queue, is answered in a thread, and its markup is updated."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
from functools import partial

from index.errors import FootnoteError
from index.home import explained
from rag.answer import BadQuestion, check_question, stream
from rag.choice import Choice
from rag.conversation.thread import NO_TURNS, Thread
from rag.engine import Engine
from rag.queue import QueueFull, RequestQueue, Stopped, Ticket
from rag.settings import Writer
from rag.types import Answer
from rag.ui import html
from rag.ui.plain import plain_message

_LOG = logging.getLogger("footnote")
_PAUSE = 0.25
"""Least seconds between two updates of an answer that is being written."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Memory:
    """A question's conversation: `earlier` returns its turns so far, `keep` adds one."""

    earlier: Callable[[], Thread]
    keep: Callable[[Answer], None]


class Turns:
    """Answers questions in the order of the queue, and yields the markup of each turn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        workers = engine.workers
        self.queue = RequestQueue(workers, workers + engine.settings.max_waiting)
        # A question has a thread only while it is being answered; so at most `most` threads run.
        self._threads = ThreadPoolExecutor(self.queue.most, "answer")

    async def states(
        self, question: str, session: str, turn_id: str, writer: Writer, choice: Choice, memory: Memory | None = None
    ) -> AsyncGenerator[str]:
        """Yield a turn's markup: waiting, in progress, then answered, refused or failed.

        The final answer is stored in `memory` before it is shown; if that fails, a note below the answer says so. After
        a stop nothing more is yielded. Closing the iterator stops the question too.
        """
        try:
            question_text = check_question(question, self._engine.settings.max_question)
            ticket = self.queue.join(session, turn_id)
        except (BadQuestion, QueueFull) as error:
            yield html.failure(turn_id, question[:200], str(error))
            return
        try:
            async with aclosing(self._waiting(ticket)) as waiting:
                async for words in waiting:
                    yield html.pending_turn(turn_id, question_text, words)
            answer = partial(self._answer, ticket, question_text, writer, choice, memory)
            async with aclosing(self._answering(ticket, answer)) as answering:
                async for markup in answering:
                    yield markup
        except Exception as error:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while answering %r", number, question)
            message = "Something went wrong while answering. Ask again; the log has the details."
            if isinstance(error, FootnoteError):
                message = plain_message(explained(error, self._engine.home), self._engine.home)
            yield html.failure(turn_id, question_text, f"{message} (Error {number})")
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
        return "" if self._engine.warm.is_set() else f"{self._engine.status()[0]}. The answer comes in a moment ..."

    async def _answering(self, ticket: Ticket, answer: Callable[[Tell], None]) -> AsyncGenerator[str]:
        """Run `answer` in a thread; yield the markup that it passes on."""
        loop = asyncio.get_running_loop()
        came = asyncio.Queue[str]()

        def tell(markup: str) -> None:
            loop.call_soon_threadsafe(came.put_nowait, markup)

        def end(done: asyncio.Future[None]) -> None:
            # Reading the exception keeps asyncio from logging it if the question was stopped.
            done.cancelled() or done.exception()
            came.put_nowait("")

        working = loop.run_in_executor(self._threads, answer, tell)
        working.add_done_callback(end)
        while (markup := await came.get()) and not ticket.stopped.is_set():
            yield markup
        if not ticket.stopped.is_set():
            await working

    def _answer(
        self, ticket: Ticket, question_text: str, writer: Writer, choice: Choice, memory: Memory | None, tell: Tell
    ) -> None:
        """Compute the answer and pass its markup to `tell`.

        The turn in the queue ends once the answer is passed on, or when a language model starts to write.
        """
        turn = self.queue.turn(ticket)
        thread = memory.earlier() if memory else NO_TURNS
        answers = stream(
            self._engine, question_text, writer=writer, choice=choice, stop=ticket.stopped, models=turn, thread=thread
        )
        quoted, shown = None, 0.0
        with suppress(Stopped), closing(answers):
            for found in answers:
                if ticket.stopped.is_set():
                    return
                if not found.is_draft:
                    tell(html.turn(ticket.name, self._store(found, memory)))
                elif found.writer == "quote":
                    quoted = found
                    tell(html.writing_turn(ticket.name, None, quoted))
                elif time.monotonic() - shown >= _PAUSE:
                    shown = time.monotonic()
                    tell(html.writing_turn(ticket.name, found, quoted))

    def _store(self, answer: Answer, memory: Memory | None) -> Answer:
        """Store an answer and return it; if storing fails, add a note that says so."""
        try:
            if memory:
                memory.keep(answer)
        except FootnoteError as error:
            return replace(answer, notes=(*answer.notes, plain_message(error, self._engine.home)))
        return answer


def _ahead(number: int) -> str:
    return f"{'1 question is' if number == 1 else f'{number} questions are'} ahead of this one ..."
