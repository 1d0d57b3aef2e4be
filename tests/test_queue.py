"""The queue of questions: askers take turns, true positions, immediate cancelling; with many people at once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import chain, pairwise, repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import crowd
from benchmarks.load import questions
from benchmarks.served import served
from rag.api.service import AnswerService
from rag.choice import ALL_SOURCES
from rag.engine import Engine
from rag.queue import QueueFull, RequestQueue, Stopped, Ticket
from rag.ui.turns import Turns

pytestmark = pytest.mark.slow

CEO = "Who is the CEO of GM?"


def finish(queue: RequestQueue, ticket: Ticket) -> None:
    with queue.turn(ticket):
        pass
    queue.leave(ticket)


def called(tickets: list[Ticket]) -> list[str]:
    return [one.name for one in tickets if one.called.done() and not one.called.cancelled()]


def test_questions_are_called_in_order_and_their_positions_count_down() -> None:
    queue = RequestQueue(1, 10)
    tickets = [queue.join("s", name) for name in "abcd"]
    seen = []
    for ticket in tickets:
        seen.append([queue.ahead(one) for one in tickets])
        assert called(tickets)[-1] == ticket.name
        finish(queue, ticket)
    assert seen == [[0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 0, 1], [0, 0, 0, 0]]


@given(st.integers(1, 4), st.lists(st.integers(0, 9), max_size=60))
def test_a_question_is_overtaken_by_at_most_as_many_as_there_are_workers(workers: int, choices: list[int]) -> None:
    queue = RequestQueue(workers, 1_000)
    tickets = [queue.join("s", str(n)) for n in range(40)]
    ended: list[int] = []
    for choice in choices:  # The running questions may end in any order.
        at_work = [n for n, one in enumerate(tickets) if one.called.done() and n not in ended]
        if not at_work:
            break
        assert len(at_work) <= workers
        ended.append(at_work[choice % len(at_work)])
        finish(queue, tickets[ended[-1]])
    for n in range(40):
        before = ended.index(n) if n in ended else len(ended)
        assert sum(later > n for later in ended[:before]) <= workers


def test_askers_take_turns_and_keep_the_order_of_their_own_questions() -> None:
    queue = RequestQueue(1, 10)
    tickets = [queue.join(name, name, name[0]) for name in "a1 a2 a3 a4 b1 c1 c2".split()]
    last = queue.join("evaluation", "e1", gives_way=True)
    tickets.append(queue.join("d1", "d1", "d"))
    order = "a1 a2 b1 c1 d1 a3 c2 a4 e1".split()
    by_name = {one.name: one for one in (*tickets, last)}
    assert [queue.ahead(by_name[name]) for name in order] == list(range(9))
    for at, name in enumerate(order):
        assert called([by_name[one] for one in order]) == order[: at + 1]
        finish(queue, by_name[name])


@given(st.lists(st.one_of(st.none(), st.sampled_from("abcd")), max_size=80))
def test_every_other_asker_passes_a_first_question_at_most_once(steps: list[str | None]) -> None:
    queue, order = RequestQueue(1, 1_000), list[Ticket]()
    tickets, joined = list[Ticket](), dict[Ticket, int]()
    for step in (*steps, *repeat(None, len(steps))):  # None ends the running question.
        if step:
            tickets.append(queue.join("s", str(len(tickets)), step))
            joined[tickets[-1]] = len(order)
        elif order and order[-1] in queue._line:
            finish(queue, order[-1])
        order += [one for one in tickets if one.number > len(order)]
    assert len(order) == len(tickets)
    for asker in "abcd":
        own = [one for one in tickets if one.asker == asker]
        places = [order.index(one) for one in own]
        assert places == sorted(places)
        for at, (one, place) in enumerate(zip(own, places, strict=True)):
            first_since = max(joined[one], places[at - 1] + 1 if at else 0)
            passed = Counter(other.asker for other in order[first_since:place])
            assert not passed or max(passed.values()) == 1


def test_a_stopped_question_leaves_at_once_and_a_running_one_keeps_its_turn() -> None:
    queue = RequestQueue(1, 3)
    tickets = [queue.join("one", "a"), queue.join("two", "b"), queue.join("one", "c")]
    with pytest.raises(QueueFull, match=r"^Busy: 3 questions are waiting .* Ask again in a moment"):
        queue.join("one", "d")
    queue.stop("two", ["a", "c"])  # A session can stop its own questions only.
    assert not tickets[0].stopped.is_set() and not tickets[2].stopped.is_set()
    with queue.turn(tickets[0]):
        queue.stop("two")
        assert tickets[1].stopped.is_set() and queue.ahead(tickets[2]) == 1
        queue.stop("one", ["a"])
        assert tickets[0].stopped.is_set() and called(tickets) == ["a"]
    assert called(tickets) == ["a", "c"]
    with pytest.raises(Stopped), queue.turn(tickets[1]):
        raise AssertionError("a stopped question had a turn")
    queue.join("one", "d"), queue.join("one", "e")
    with pytest.raises(QueueFull):
        queue.join("one", "f")


def test_a_question_cancelled_after_its_call_has_no_turn_and_blocks_nobody() -> None:
    queue = RequestQueue(1, 3)
    first, second = queue.join("s", "a"), queue.join("s", "b")
    queue.leave(first)
    assert second.called.done()
    with pytest.raises(Stopped), queue.turn(first):
        raise AssertionError("a stopped question had a turn")


def test_an_evaluation_yields_to_every_question_and_can_be_stopped() -> None:
    queue, ending, order = RequestQueue(1, 10), threading.Event(), list[str]()

    def evaluate() -> None:
        try:
            with queue.last_turn("judge", "evaluation", ending):
                order.append("evaluation")
        except Stopped:
            order.append("stopped")

    first = queue.join("s", "a")
    judging = threading.Thread(target=evaluate)
    judging.start()
    while not queue._line[-1].gives_way:
        pass
    second = queue.join("s", "b")
    assert queue.ahead(second) == 1
    for ticket in (first, second):
        with queue.turn(ticket):
            order.append(ticket.name)
        queue.leave(ticket)
    judging.join()
    assert order == ["a", "b", "evaluation"]
    waits = queue.join("s", "c")
    judging = threading.Thread(target=evaluate)
    judging.start()
    while not queue._line[-1].gives_way:
        pass
    queue.stop("judge", ["evaluation"])
    judging.join()
    assert order[-1] == "stopped" and queue.ahead(waits) == 0
    ending.set()
    evaluate()
    assert order[-1] == "stopped" and order.count("evaluation") == 1


def test_a_waiting_question_has_no_thread_shows_its_position_and_leaves_when_closed(
    engine: Engine,
) -> None:
    turns = Turns(AnswerService(engine))
    before = threading.active_count()

    async def story() -> None:
        held = turns.queue.join("other", "held")
        waiting = [turns.states(CEO, "s", f"turn{n}", "quote", ALL_SOURCES) for n in range(30)]
        said = [await anext(states) for states in waiting]
        assert "1 question is ahead" in said[0] and "30 questions are ahead" in said[29]
        assert threading.active_count() == before
        for states in waiting[1:29]:
            await states.aclose()
        assert "2 questions are ahead" in [markup async for markup in _until(waiting[29], "2 questions")][-1]
        turns.queue.stop("s", ["turn0"])
        assert [markup async for markup in waiting[0]] == []
        turns.queue.leave(held)
        answered = [markup async for markup in waiting[29]]
        assert "Searching and reading" in answered[0] and "Mary Barra" in answered[-1]
        assert turns.queue._line == [] and not turns.queue._present

    asyncio.run(story())


async def _until(states: AsyncGenerator[str], words: str) -> AsyncGenerator[str]:
    async for markup in states:
        yield markup
        if words in markup:
            return


@pytest.fixture(scope="module")
def address(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with served(seeds_home, log, FOOTNOTE_WORKERS="1") as address:
        asyncio.run(crowd.started(address))
        yield address


def counts_up(request: crowd.TimedRequest) -> bool:
    return any(before < after for before, after in pairwise(request.ahead))


def overtaken(requests: Sequence[crowd.TimedRequest]) -> int:
    """Return the largest number of later questions answered before a question."""
    return max(sum(later.sent > one.accepted and later.ended < one.ended for later in requests) for one in requests)


def test_several_people_are_answered_in_order_with_positions_that_count_down(address: str) -> None:
    requests = [*chain(*asyncio.run(crowd.crowd(address, 5, questions(), 3)))]
    assert {one.outcome for one in requests} <= {"answered", "refused"} and len(requests) == 15
    on_page = [one for one in requests if one.ahead]
    assert on_page, "no place in the queue was reported"
    assert overtaken(on_page) <= 1 and not any(map(counts_up, on_page))


def test_a_program_with_many_questions_does_not_keep_a_visitor_waiting(address: str) -> None:
    async def story() -> tuple[crowd.TimedRequest, list[crowd.TimedRequest]]:
        async with crowd.client(address, "127.1.0.9") as program, crowd.client(address) as page:
            many = [asyncio.create_task(crowd.ask_api(program, CEO)) for _ in range(12)]
            while f"footnote_queue_length {len(many)}\n" not in (await page.get("/metrics")).text:
                assert not any(one.done() for one in many[6:]), "the questions were answered too early"
            return await crowd.ask_page(page, CEO), await asyncio.gather(*many)

    visitor, many = asyncio.run(story())
    assert visitor.outcome == "answered" and {one.outcome for one in many} == {"answered"}
    assert max(visitor.ahead) <= 2  # the one at work, and the one that was next
    assert sum(one.ended < visitor.ended for one in many) < len(many) - 1


def test_a_full_queue_says_how_many_wait(seeds_home: Path, tmp_path: Path) -> None:
    async def story(address: str) -> list[crowd.TimedRequest]:
        await crowd.started(address)
        return [*chain(*await crowd.crowd(address, 30, questions(), 1))]

    with served(seeds_home, tmp_path / "serve.log", FOOTNOTE_WORKERS="1", FOOTNOTE_MAX_WAITING="5") as address:
        requests = asyncio.run(story(address))
    outcomes = Counter(one.outcome for one in requests)
    assert outcomes.keys() <= {"answered", "refused", "busy"} and outcomes.total() == 30
    assert outcomes["busy"] and outcomes["answered"] + outcomes["refused"] >= 6
    assert all("Busy: 6 questions are waiting" in one.words for one in requests if one.outcome == "busy")
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


def test_cancelled_and_rejected_questions_block_nobody(seeds_home: Path, tmp_path: Path) -> None:
    async def story(address: str) -> None:
        await crowd.started(address)
        async with crowd.client(address) as session:
            assert (await session.post("/gradio_api/run/ask", json={"data": [CEO, "", "", ""]})).status_code == 404
            for nonsense in (None, 5, ["x"], {"a": "b"}):
                assert (await crowd.ask_page(session, nonsense)).outcome in ("failed", "refused")  # type: ignore[arg-type]
            many = [asyncio.create_task(crowd.ask_page(session, CEO)) for _ in range(40)]
            outcomes = [one.outcome for one in await asyncio.gather(*many)]
            assert set(outcomes) == {"answered", "busy"} and outcomes.count("answered") >= 4
            many = [asyncio.create_task(crowd.ask_page(session, CEO)) for _ in range(40)]
            await asyncio.sleep(0.5)
            for one in many:
                one.cancel()
            await asyncio.gather(*many, return_exceptions=True)
            async with asyncio.timeout(60):  # Cancelled questions free their places at once.
                while (await crowd.ask_page(session, CEO)).outcome == "busy":
                    pass

    with served(seeds_home, tmp_path / "serve.log", FOOTNOTE_WORKERS="1", FOOTNOTE_MAX_WAITING="3") as address:
        asyncio.run(story(address))
    assert "Traceback" not in (tmp_path / "serve.log").read_text()
