"""Waiting times and fairness when many people ask one server at the same time.

Starts `app.py serve` over an index of the seeds. Each person asks a question, waits for the answer and asks the next
one. Prints a row of a Markdown table for each crowd.

    python -m benchmarks.people_at_once [--crowd PEOPLExQUESTIONS ...]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import json
import re
import secrets
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.served import run_app, served
from rag.settings import SEEDS

_AHEAD = re.compile(r"(\d+) questions? (?:is|are) ahead")
_BUSY = "Too many questions"
_CROWDS = ("10x20", "50x4")


@dataclass
class TimedRequest:
    """A question, the times (s) of its sending, acceptance and answer, and its outcome.

    `ahead` lists the numbers of waiting questions that the server reported, in order. `outcome` is "answered",
    "refused", "busy" or "failed".
    """

    sent: float
    accepted: float = 0.0
    ended: float = 0.0
    ahead: list[int] = field(default_factory=list)
    outcome: str = "failed"

    @property
    def seconds(self) -> float:
        """Seconds from sending to the end of the answer."""
        return self.ended - self.sent


@dataclass(frozen=True)
class Summary:
    """The results of a crowd: outcomes, seconds, and violations of the order.

    `overtaken` is the largest number of questions that were sent after a question was accepted, but answered before it.
    `counted_up` counts the questions that reported a growing number of questions ahead.
    """

    outcomes: Counter[str]
    median: float
    p95: float
    longest: float
    slowest_busy: float
    overtaken: int
    counted_up: int
    a_second: float

    def row(self, name: str) -> str:
        """Return the summary as a row of a Markdown table."""
        count = self.outcomes
        done = f"{count['answered'] + count['refused']} | {count['busy']} | {count['failed']}"
        times = f"{self.median:.1f} | {self.p95:.1f} | {self.longest:.1f} | {self.slowest_busy:.1f}"
        return f"| {name} | {done} | {times} | {self.overtaken} | {self.counted_up} | {self.a_second:.1f} |"


HEADER = (
    "| people x questions | answered or refused | busy | failed | median s | p95 s | longest s | slowest busy s "
    "| overtaken at most | counted up | answers/s |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def client(address: str) -> httpx.AsyncClient:
    """Return a client without a limit of connections."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=address, timeout=300, limits=limits)


async def ask(session: httpx.AsyncClient, question: str) -> TimedRequest:
    """Ask a question with the page's event `ask`, and wait for the end of the answer."""
    visit, number = secrets.token_hex(6), await _event(session)
    one = TimedRequest(time.perf_counter())
    body = {"fn_index": number, "session_hash": visit, "data": [question, "", "quote", "", ""]}
    (await session.post("/gradio_api/queue/join", json=body)).raise_for_status()
    one.accepted = time.perf_counter()
    last = ""
    async with session.stream("GET", "/gradio_api/queue/data", params={"session_hash": visit}) as stream:
        async for last in _states(stream):
            if found := _AHEAD.search(last):
                one.ahead.append(int(found[1]))
    one.ended = time.perf_counter()
    kinds = {"fn-answered": "answered", "fn-refused": "refused", _BUSY: "busy"}
    one.outcome = next((kind for mark, kind in kinds.items() if mark in last), "failed")
    return one


_EVENTS: dict[str, int] = {}


async def _event(session: httpx.AsyncClient) -> int:
    """Return the number of the event `ask` at this address."""
    address = str(session.base_url)
    if address not in _EVENTS:
        events = (await session.get("/config")).json()["dependencies"]
        _EVENTS[address] = next(one["id"] for one in events if one["api_name"] == "ask")
    return _EVENTS[address]


async def _states(stream: httpx.Response) -> AsyncIterator[str]:
    """Yield the markup of each state of the turn; Gradio sends the first one whole, then only changes."""
    text = ""
    async for line in stream.aiter_lines():
        message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
        if message.get("msg") == "process_completed":
            return
        if message.get("msg") == "process_generating" and message["output"].get("data"):
            (value,) = message["output"]["data"]
            changes: list[Any] = [["replace", [], value]] if isinstance(value, str) else value
            for change in changes:
                text = f"{text}{change[2]}" if change[0] == "append" else change[2]
            # The turn travels as an attribute of an element.
            yield html.unescape(html.unescape(text))


async def crowd(address: str, people: int, questions: int) -> list[TimedRequest]:
    """Let `people` start together and ask `questions` each; return all requests."""
    texts = [json.loads(line)["question"] for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    async with client(address) as session:

        async def person(number: int) -> list[TimedRequest]:
            return [await ask(session, texts[(number * questions + n) % len(texts)]) for n in range(questions)]

        requests = await asyncio.gather(*map(person, range(people)))
    return [one for of_person in requests for one in of_person]


def overtakes(requests: Sequence[TimedRequest]) -> int:
    """Return the largest number of later questions answered before a question."""
    served_ones = [one for one in requests if one.outcome != "busy"]
    return max(
        sum(later.sent > one.accepted and later.ended < one.ended for later in served_ones) for one in served_ones
    )


def summary(requests: Sequence[TimedRequest]) -> Summary:
    """Summarise the questions of a crowd."""
    done = sorted(one.seconds for one in requests if one.outcome != "busy")
    busy = [one.seconds for one in requests if one.outcome == "busy"]
    took = max(one.ended for one in requests) - min(one.sent for one in requests)
    return Summary(
        outcomes=Counter(one.outcome for one in requests),
        median=statistics.median(done),
        p95=done[int(0.95 * (len(done) - 1))],
        longest=done[-1],
        slowest_busy=max(busy, default=0.0),
        overtaken=overtakes(requests),
        counted_up=sum(any(a < b for a, b in zip(one.ahead, one.ahead[1:], strict=False)) for one in requests),
        a_second=len(done) / took,
    )


async def started(address: str) -> None:
    """Wait until the server is ready. Raises TimeoutError after five minutes."""
    async with asyncio.timeout(300), client(address) as session:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await session.get("/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.2)


def main() -> None:
    """Run each crowd against one server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--crowd", nargs="+", default=_CROWDS, metavar="PEOPLExQUESTIONS")
    crowds = parser.parse_args().crowd
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if run_app(home, "index", log=Path(folder) / "index.log").wait():
            raise SystemExit((Path(folder) / "index.log").read_text())
        print(HEADER)
        with served(home, Path(folder) / "serve.log") as address:
            asyncio.run(started(address))
            for name in crowds:
                people, questions = map(int, name.split("x"))
                print(summary(asyncio.run(crowd(address, people, questions))).row(name), flush=True)


if __name__ == "__main__":
    main()
