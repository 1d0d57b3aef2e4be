"""An HTTP client for a language model server: it sends little, follows no redirect and limits the response."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

MOST_BYTES = 16_000_000
"""Size limit of a response; a long answer after a long thought has a tenth of that."""
_SENT = frozenset(("host", "accept", "content-type", "content-length", "connection", "user-agent", "authorization"))
"""Headers that a request keeps. Others identify this machine, or come from variables for another service."""
_PATIENT = 10
"""Longest wait in seconds that a server may ask for before a request is repeated."""


class TooLong(Exception):
    """A response exceeds MOST_BYTES."""


def make_client(url: str, key: str) -> httpx2.AsyncClient:
    """Return a client for the server at `url` that sends `key` and little else.

    It follows no redirect, decodes no compressed body, and raises TooLong while it reads an endless response. It
    reaches a server on this machine or in a private network directly, even if the environment names a proxy.
    """

    async def reveal_little(request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _SENT:
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {key}"
        request.headers["Accept-Encoding"] = "identity"

    async def bound(response: httpx2.Response) -> None:
        # A body that is compressed anyway is not decoded, so that a small one can't grow.
        response.headers.pop("Content-Encoding", None)
        if seconds_to_wait(response.headers.get("Retry-After", "")) > _PATIENT:
            response.headers["X-Should-Retry"] = "false"  # the openai package then reports the error at once
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream)

    return httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport() if is_near(url) else None,
        follow_redirects=False,
        event_hooks={"request": [reveal_little], "response": [bound]},
    )


def seconds_to_wait(retry_after: str) -> float:
    """Return the seconds in a Retry-After header, which has a number or a date; 0 for anything else.

    >>> seconds_to_wait("30"), seconds_to_wait("soon")
    (30.0, 0.0)
    """
    if retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def is_near(url: str) -> bool:
    """True for a URL on this machine or in a private network.

    It looks at the host in the URL alone, and asks no name server.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return False


class _Bounded(httpx2.AsyncByteStream):
    """A stream that raises TooLong after MOST_BYTES."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for piece in self._stream:
            length += len(piece)
            if length > MOST_BYTES:
                raise TooLong
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
