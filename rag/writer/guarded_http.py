"""An HTTP client for a language model server. It reveals little, follows nothing, and takes in no flood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

MOST_BYTES = 16_000_000
"""Of one response; a long answer with a long thought before it has a tenth of that."""
_SENT = frozenset(("host", "accept", "content-type", "content-length", "connection", "user-agent", "authorization"))
"""Headers that a request keeps. Others name this machine, or come from variables that are meant for another service."""


class TooLong(Exception):
    """A response has more than MOST_BYTES."""


def make_client(url: str, key: str) -> httpx2.AsyncClient:
    """Return a client for the server at `url`, to which it sends `key` and nothing that is not needed.

    It follows no redirect, decodes no compressed body, and raises TooLong while it reads a response without end. A
    server on this machine or the private network is reached directly, whatever proxy the environment names.
    """

    async def reveal_little(request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _SENT:
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {key}"
        request.headers["Accept-Encoding"] = "identity"

    async def bound(response: httpx2.Response) -> None:
        # A body that is compressed all the same is read as it is, so a small one can't grow.
        response.headers.pop("Content-Encoding", None)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream)

    return httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport() if is_near(url) else None,
        follow_redirects=False,
        event_hooks={"request": [reveal_little], "response": [bound]},
    )


def is_near(url: str) -> bool:
    """True for a URL on this machine or in a private network, as far as its host tells without asking a name server."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return False


class _Bounded(httpx2.AsyncByteStream):
    """A stream that ends in TooLong after MOST_BYTES."""

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
