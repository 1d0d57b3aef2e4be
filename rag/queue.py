"""The line of questions: first come, first served, so many at once, and only so many may stand in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from index.errors import FootnoteError


class QueueFull(FootnoteError):
    """The line is as long as it may be."""


class Stopped(FootnoteError):
    """The question was stopped before its turn came."""


@dataclass(eq=False)
class Ticket:
    """A question's place in the line; `session` and `name` say whose it is.

    `called` is done when the turn has come, and cancelled when the question leaves before that. `stopped` is set when
    the question is to end. `number` counts the calls from 1; 0 before the call.
    """

    session: str
    name: str
    gives_way: bool
    called: Future[None] = field(default_factory=Future)
    stopped: Event = field(default_factory=Event)
    number: int = 0
    works: bool = False


class RequestQueue:
    """Calls questions in the order in which they came, at most `workers` at once.

    While one question is at work, at most `workers` that came later are called: so no question is overtaken by more
    than that, however long its own turn takes. Safe to share between threads and event loops. No thread waits for a
    question of a person: `waiting` is a coroutine.
    """

    def __init__(self, workers: int, most: int) -> None:
        """Let `workers` questions work at once, and `most` be under way: waiting, at work, or past their turn."""
        self.workers = workers
        self.most = most
        self._lock = Lock()
        self._line: list[Ticket] = []
        self._present: set[Ticket] = set()
        self._calls = 0

    def join(self, session: str, name: str, *, gives_way: bool = False) -> Ticket:
        """Take the last place in the line.

        A ticket that gives way lets all others pass until its turn has come, and counts in no limit. Raises QueueFull
        when `most` questions are under way.
        """
        ticket = Ticket(session, name, gives_way)
        with self._lock:
            if not gives_way:
                if len(self._present) >= self.most:
                    raise QueueFull("Too many questions are waiting here. Ask again in a moment.")
                self._present.add(ticket)
            behind = (at for at, one in enumerate(self._line) if one.gives_way and not one.number)
            self._line.insert(len(self._line) if gives_way else next(behind, len(self._line)), ticket)
            self._call()
        return ticket

    def ahead(self, ticket: Ticket) -> int:
        """Return how many questions before this one wait for their turn or have it."""
        with self._lock:
            return self._line.index(ticket) if ticket in self._line else 0

    async def waiting(self, ticket: Ticket) -> AsyncGenerator[int]:
        """Yield how many questions are ahead, at once and then every 1 to 5 seconds, until called or stopped.

        The nearer the turn, the more often: a long line does not keep the server busy with telling it.
        """
        called = asyncio.wrap_future(ticket.called)
        while not ticket.called.done():
            yield (ahead := self.ahead(ticket))
            await asyncio.wait([called], timeout=min(5.0, 1 + ahead / 20))

    @contextmanager
    def turn(self, ticket: Ticket) -> Iterator[None]:
        """Hold the ticket's turn while the block lasts; wait for it first.

        The next question is called at the end of the block, and not before, even if this one is stopped meanwhile.
        Raises Stopped when the ticket has left the line.
        """
        try:
            ticket.called.result()
        except CancelledError:
            raise Stopped("The question was stopped.") from None
        with self._lock:
            if ticket not in self._line:
                raise Stopped("The question was stopped.")
            ticket.works = True
        try:
            yield
        finally:
            with self._lock:
                self._remove(ticket)

    @contextmanager
    def last_turn(self, session: str, name: str, ending: Event) -> Iterator[None]:
        """Hold a turn that comes when no other question waits. Raises Stopped, also when `ending` is set by then."""
        ticket = self.join(session, name, gives_way=True)
        try:
            if ending.is_set():
                raise Stopped("The question was stopped.")
            with self.turn(ticket):
                yield
        finally:
            self.leave(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Give the place up: at once, or at the end of the turn if the question is at work."""
        with self._lock:
            self._leave(ticket)

    def stop(self, session: str, names: Sequence[str] | None = None) -> None:
        """Let the questions of a session leave that have these `names` (None: all of them)."""
        with self._lock:
            for ticket in [*self._present, *self._line]:
                if ticket.session == session and (names is None or ticket.name in names):
                    self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        self._present.discard(ticket)
        ticket.stopped.set()
        ticket.called.cancel()  # changes nothing once it is done
        if not ticket.works:
            self._remove(ticket)

    def _remove(self, ticket: Ticket) -> None:
        if ticket in self._line:
            self._line.remove(ticket)
            self._call()

    def _call(self) -> None:
        """Call the next ones; those that are called stand at the front, in the order of their numbers."""
        at_work = [one for one in self._line if one.number]
        for ticket in self._line[len(at_work) :]:
            passed = self._calls - at_work[0].number if at_work else 0
            if len(at_work) >= self.workers or passed >= self.workers:
                return
            self._calls += 1
            ticket.number = self._calls
            at_work.append(ticket)
            ticket.called.set_result(None)
