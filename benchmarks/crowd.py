"""People who ask one server at the same time: half of them on the page, half as programs.

Each person has a page or an address of its own, sends a question, waits for the answer and sends the next one. After
"busy" it waits as long as the server says.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import itertools
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

BUSY = "Busy: "
"""How a message begins that says the queue is full."""
_AHEAD = re.compile(r"(\d+) questions? (?:is|are) ahead")
_PAGE_RETRIES_AFTER = 5.0
"""Seconds until somebody on the page asks again after "busy"."""


@dataclass
class TimedRequest:
    """A question, the times (s) of its sending, acceptance and answer, and its outcome.

    `ahead` lists the numbers of waiting questions that the server reported, in order. `outcome` is "answered",
    "refused", "busy" or "failed"; `words` are the answer or the message, on the page with its markup.
    """

    sent: float
    accepted: float = 0.0
    ended: float = 0.0
    ahead: list[int] = field(default_factory=list)
    outcome: str = "failed"
    words: str = ""
    retry_after: float = _PAGE_RETRIES_AFTER

    @property
    def seconds(self) -> float:
        """Seconds from sending to the end of the answer."""
        return self.ended - self.sent


def client(address: str, local_address: str | None = None) -> httpx.AsyncClient:
    """Return a client without a limit of connections; `local_address` is where its requests come from."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    transport = httpx.AsyncHTTPTransport(verify=False, limits=limits, local_address=local_address)
    return httpx.AsyncClient(base_url=address, timeout=600, transport=transport)


async def ask_page(session: httpx.AsyncClient, question: str, visit: str = "") -> TimedRequest:
    """Ask with the page's event `ask`, and wait for the end of the answer; `visit` names the open page."""
    visit, event = visit or secrets.token_hex(6), await _event(session)
    one = TimedRequest(time.perf_counter())
    body = {"fn_index": event, "session_hash": visit, "data": [question, "", "quote", "", ""]}
    (await session.post("/gradio_api/queue/join", json=body)).raise_for_status()
    one.accepted = time.perf_counter()
    async with session.stream("GET", "/gradio_api/queue/data", params={"session_hash": visit}) as stream:
        async for one.words in _states(stream):
            if found := _AHEAD.search(one.words):
                one.ahead.append(int(found[1]))
    one.ended = time.perf_counter()
    kinds = {"fn-answered": "answered", "fn-refused": "refused", BUSY: "busy"}
    one.outcome = next((kind for mark, kind in kinds.items() if mark in one.words), "failed")
    return one


async def ask_api(session: httpx.AsyncClient, question: str) -> TimedRequest:
    """Ask with POST /api/ask; "busy" is a reply 429 that says when to try again."""
    one = TimedRequest(time.perf_counter())
    reply = await session.post("/api/ask", json={"question": question})
    one.accepted = one.ended = time.perf_counter()
    value = reply.json()
    if reply.status_code == 200:
        one.outcome, one.words = "refused" if value["refused"] else "answered", value["answer"]
    else:
        one.words = value["error"]
        if reply.status_code == 429 and one.words.startswith(BUSY):
            one.outcome, one.retry_after = "busy", float(reply.headers["Retry-After"])
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


async def person(address: str, number: int, questions: Iterator[str]) -> list[TimedRequest]:
    """Ask the questions one after another: on the page if `number` is even, else as a program.

    A lost connection or a reply of the wrong form is a request that failed.
    """
    visit, requests = secrets.token_hex(6), list[TimedRequest]()
    async with client(address, f"127.1.{number // 250}.{number % 250 + 1}") as session:
        for question in questions:
            begun = time.perf_counter()
            try:
                one = await (ask_api(session, question) if number % 2 else ask_page(session, question, visit))
            except (httpx.HTTPError, ValueError, KeyError) as error:
                one = TimedRequest(begun, begun, time.perf_counter(), words=repr(error))
            requests.append(one)
            if one.outcome == "busy":
                await asyncio.sleep(one.retry_after)
    return requests


async def crowd(
    address: str, people: int, questions: Iterator[str], each: int | None = None
) -> list[list[TimedRequest]]:
    """Let `people` start together; return the requests of each.

    Each takes its next question from `questions`, `each` times, or until there are none.
    """
    return await asyncio.gather(
        *(person(address, number, itertools.islice(questions, each)) for number in range(people))
    )


async def started(address: str) -> None:
    """Wait until the server is ready. Raises TimeoutError after five minutes."""
    async with asyncio.timeout(300), client(address) as session:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await session.get("/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
