"""Responses of a hostile or broken language model server: floods, silence, invalid bytes, redirects.

Each response is a function of the URL of another server; `scripted.py` sends it for the model with its name.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi.responses import RedirectResponse, Response, StreamingResponse

_FLOOD_BYTES = 100_000_000
"""Most bytes of a flood, in case the client does not stop it."""
_BOMB = gzip.compress(b"data: " + b"a" * 50_000_000)


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """Return an event of a chat completion stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()


async def _every(seconds: float, piece: bytes) -> AsyncIterator[bytes]:
    while True:
        yield piece
        await asyncio.sleep(seconds)


async def _flood(first: bytes, piece: bytes) -> AsyncIterator[bytes]:
    yield first
    for _ in range(_FLOOD_BYTES // len(piece)):
        yield piece
        await asyncio.sleep(0)


async def _once(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _never_closed(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    await asyncio.sleep(60)


def _events(stream: AsyncIterator[bytes], status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return StreamingResponse(stream, status, named, media_type="text/event-stream")


RESPONSES: dict[str, Callable[[str], Response]] = {
    "keep-alive": lambda _: _events(_every(0.1, b": ping\n\n")),
    "empty-deltas": lambda _: _events(_every(0.1, chunk({"content": " "}))),
    "drip": lambda _: _events(_every(0.1, chunk({"content": "Word "}))),
    "thinks-for-ever": lambda _: _events(_every(0.1, chunk({"reasoning_content": "Hm. "}))),
    "endless-line": lambda _: _events(_flood(b"data: ", b"a" * 100_000)),
    "endless-thought": lambda _: _events(_flood(b"", chunk({"reasoning_content": "a" * 100_000}))),
    "endless-error": lambda _: _events(_flood(b"{", b"a" * 100_000), 400),
    "one-huge-piece": lambda _: _events(_once(chunk({"content": "a" * 10_000_000}), chunk({}, "stop"))),
    "bomb": lambda _: _events(_once(_BOMB), content_encoding="gzip"),
    "bomb-error": lambda _: _events(_once(_BOMB), 400, content_encoding="gzip"),
    "no-utf-8": lambda _: _events(_once(b"data: {\xff\xfe}\n\n", chunk({}, "stop"))),
    "no-json": lambda _: _events(_once(b"data: [oops\n\n", chunk({}, "stop"))),
    "no-strings": lambda _: _events(_once(chunk({"content": [5]}), chunk({"content": 7}), chunk({}, "stop"))),
    "no-choices": lambda _: _events(_once(b'data: {"choices": null}\n\n')),
    "half-characters": lambda _: _events(
        _once(chunk({"content": "It rains \ud83d. \x1b[31m\u202e"}), chunk({}, "stop"))
    ),
    "never-closed": lambda _: _events(
        _never_closed(chunk({"content": "It rains on Sundays."}), chunk({}, "stop"), b"data: [DONE]\n\n")
    ),
    **{
        f"redirect-{status}": lambda elsewhere, status=status: RedirectResponse(  # type: ignore[misc]
            f"{elsewhere}/chat/completions", status
        )
        for status in (301, 302, 303, 307, 308)
    },
}
