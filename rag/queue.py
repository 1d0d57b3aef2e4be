"""A queue in which askers take turns, limited in length and in questions at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from threading import Event, Lock

from index.errors import FootnoteError

_FULL = (
    "Busy: {} questions are waiting or being answered, the most that this server accepts (FOOTNOTE_MAX_WAITING). "
    "Ask again in a moment."
)


class QueueFull(FootnoteError):
    """The queue has reached its limit."""


class Stopped(FootnoteError):
    """The question was stopped before its turn."""


@dataclass(eq=False)
class Ticket:
    """A question's place in the queue, with its session and name, and who asks it.

    `called` completes at the question's turn, and is cancelled if the question leaves before. `stopped` is set when the
    question should end. `number` counts the calls from 1; 0 before the call.
    """

    session: str
    name: str
    asker: str
    gives_way: bool
    called: Future[None] = field(default_factory=Future)
    stopped: Event = field(default_factory=Event)
    number: int = 0
    works: bool = False


class RequestQueue:
    """Runs questions in turn, at most `workers` at once.

    Each asker has one place in the line: the next question of an asker takes the last place when the one before it is
    called. So one with many questions delays each of the others by only one, the only question of an asker is never
    overtaken by a later one, and the questions of an asker keep their order.

    subtle: while a question is running, at most `workers` later ones are called. So it is overtaken by no more than
    that, however long it runs. Safe to share between threads and event loops. `waiting` is a coroutine, so no thread
    blocks for a user's question.
    """

    def __init__(self, workers: int, most: int) -> None:
        """Run `workers` questions at once, and admit `most`.

        The limit counts questions that wait, run, or have had their turn and not left yet.
        """
        self.workers = workers
        self.most = most
        self._lock = Lock()
        self._line: list[Ticket] = []
        self._present: set[Ticket] = set()
        self._calls = 0

    def join(self, session: str, name: str, asker: str = "", *, gives_way: bool = False) -> Ticket:
        """Take a place in the queue for the `asker` ("": the session).

        A ticket that gives way lets all others pass until it is called, and counts towards no limit. Raises QueueFull
        if `most` questions are admitted already.
        """
        ticket = Ticket(session, name, asker or session, gives_way)
        with self._lock:
            if not gives_way:
                if len(self._present) >= self.most:
                    raise QueueFull(_FULL.format(len(self._present)))
                self._present.add(ticket)
            self._line = _in_turn([*self._line, ticket])
            self._call()
        return ticket

    @property
    def length(self) -> int:
        """How many questions are admitted: they wait, run, or have not left yet."""
        with self._lock:
            return len(self._present)

    def ahead(self, ticket: Ticket) -> int:
        """Return how many questions before this one are waiting or running."""
        with self._lock:
            return self._line.index(ticket) if ticket in self._line else 0

    async def waiting(self, ticket: Ticket) -> AsyncGenerator[int]:
        """Yield how many questions are ahead, until this one is called or stopped.

        Yields at once and then every 1 to 5 seconds: less often far back, so that a long queue does not load the
        server.
        """
        called = asyncio.wrap_future(ticket.called)
        while not ticket.called.done():
            yield (ahead := self.ahead(ticket))
            await asyncio.wait([called], timeout=min(5.0, 1 + ahead / 20))

    @contextmanager
    def turn(self, ticket: Ticket) -> Iterator[None]:
        """Wait for the ticket's turn, and hold it during the block.

        The next question is called only at the end of the block, even if this one is stopped before. Raises Stopped if
        the ticket has left the queue.
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
        """Hold a turn that comes when no other question waits.

        Raises Stopped if `ending` is set by then, or the ticket has left the queue.
        """
        ticket = self.join(session, name, gives_way=True)
        try:
            if ending.is_set():
                raise Stopped("The question was stopped.")
            with self.turn(ticket):
                yield
        finally:
            self.leave(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Give up the place: at once, or at the end of the turn if it is running."""
        with self._lock:
            self._leave(ticket)

    def stop(self, session: str, names: Sequence[str] | None = None) -> None:
        """Remove the questions of a session that have these `names` (None: all)."""
        with self._lock:
            for ticket in [*self._present, *self._line]:
                if ticket.session == session and (names is None or ticket.name in names):
                    self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        self._present.discard(ticket)
        ticket.stopped.set()
        ticket.called.cancel()  # no effect once it is done
        if not ticket.works:
            self._remove(ticket)

    def _remove(self, ticket: Ticket) -> None:
        if ticket in self._line:
            self._line.remove(ticket)
            self._call()

    def _call(self) -> None:
        """Call the next questions; those called stay at the front, in the order of their numbers."""
        at_work = [one for one in self._line if one.number]
        for ticket in self._line[len(at_work) :]:
            passed = self._calls - at_work[0].number if at_work else 0
            if len(at_work) >= self.workers or passed >= self.workers:
                return
            self._calls += 1
            ticket.number = self._calls
            at_work.append(ticket)
            ticket.called.set_result(None)


def _in_turn(line: Sequence[Ticket]) -> list[Ticket]:
    """Return the line with those called first, then one question of each asker at a time, then those that give way."""
    called = [one for one in line if one.number]
    waiting = defaultdict[str, list[Ticket]](list)
    for one in line:
        if not one.number and not one.gives_way:
            waiting[one.asker].append(one)
    rounds = zip_longest(*waiting.values())
    last = [one for one in line if not one.number and one.gives_way]
    return [*called, *(one for round_ in rounds for one in round_ if one), *last]
