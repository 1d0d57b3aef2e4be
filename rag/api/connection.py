"""The connection of a program: who asks, whether it is still there, and answers as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from fastapi import Request

from index.errors import FootnoteError
from rag.access.visitor import visitor_of
from rag.types import Answer

_LOOK_EVERY = 0.5
"""Seconds between two checks of whether the client is still connected."""
_Result = TypeVar("_Result")

States = AsyncGenerator[str | Answer]
"""What `AnswerService.states` yields."""


class ClientGone(FootnoteError):
    """A client that closed the connection before the reply."""


def asker(request: Request) -> str:
    """Return who asks, for the turns in the queue: a user, or without log-in all programs at one address."""
    if name := visitor_of(request).name:
        return f"user {name}"
    return f"address {request.client.host}" if request.client else ""


async def while_connected(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of `work`; cancel it and raise ClientGone if the client leaves."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_LOOK_EVERY)
            if not task.done() and await request.is_disconnected():
                raise ClientGone("The client closed the connection.")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def last_answer(states: States) -> Answer:
    """Return the complete answer. Raises ClientGone if the question was stopped."""
    async with aclosing(states):
        async for state in states:
            if isinstance(state, Answer) and not state.is_draft:
                return state
    raise ClientGone("The question was stopped.")


async def first_answer(states: States) -> Answer:
    """Return the first state of the answer, which may be a draft; leave `states` open unless there is an error."""
    async for state in states:
        if isinstance(state, Answer):
            return state
    raise ClientGone("The question was stopped.")


def server_event(value: object, name: str = "") -> bytes:
    """Return a server-sent event with a value as JSON."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
