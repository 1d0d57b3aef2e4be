"""Checks a running server over HTTP, and says what is wrong and what to do next."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from index.errors import FootnoteError
from index.program import command
from rag.cli.doctor import Check
from rag.provenance import program_version
from rag.writer.guarded_http import is_near

_SECONDS = 10.0
"""Most time for each response."""
_MOST_BYTES = 5_000_000
_LONGEST = 300
"""Most characters shown of what a server says."""
_SAMPLE = re.compile(r'^footnote_(\w+)(?:\{generation="([\w-]+)"\})? (\d+)$', re.MULTILINE)
"""A line of /metrics: its name, the generation of an index, its value."""


@dataclass(frozen=True)
class _Reply:
    """A response: `text` is the body, `location` the target of a redirect."""

    status: int
    text: str
    location: str

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object in the body; {} for anything else."""
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def words(self, *keys: str) -> str:
        """Return the first of these values of the JSON that is a text; "" if none is."""
        return next((_short(value) for key in keys if isinstance(value := self.json.get(key), str)), "")


class _Server:
    """The server at a URL. It gets the token; no server to which it redirects does."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        # A compressed body is not asked for, so that a small one can't grow.
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}
        # A proxy of the environment does not reach this machine or a private network.
        transport = httpx2.HTTPTransport() if is_near(url) else None
        self.client = httpx2.Client(transport=transport, headers=headers, timeout=_SECONDS)

    def get(self, path: str) -> _Reply:
        """Return the response at a path of the server. Raises FootnoteError if there is none."""
        url = f"{self.url}{path}"
        until = time.monotonic() + _SECONDS
        body = b""
        try:
            with self.client.stream("GET", url) as response:
                for piece in response.iter_raw():
                    body += piece
                    if time.monotonic() > until:
                        raise FootnoteError(_slow(url))
                    if len(body) > _MOST_BYTES:
                        raise FootnoteError(f"{url} sends more than Footnote does. Check the address and the port.")
                location = response.headers.get("Location", "")
                return _Reply(response.status_code, body.decode("utf-8", "replace"), _short(location))
        except httpx2.TimeoutException as error:
            raise FootnoteError(_slow(url)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FootnoteError(_unreachable(self.url, error)) from error


def examine_server(url: str, token: str) -> Iterator[Check]:
    """Check the server at `url`, which has no slash at its end; send it `token`, unless that is empty.

    Nothing follows a failed first check.
    """
    server = _Server(url, token)
    looks: list[tuple[str, Callable[[_Server], str]]] = [
        ("server", _alive),
        ("ready", _ready),
        ("version", _version),
        ("metrics", _metrics),
    ]
    with server.client:
        for name, look in looks:
            try:
                yield Check(name, True, look(server))
            except FootnoteError as error:
                yield Check(name, False, str(error))
                if look is _alive:
                    return


def _alive(server: _Server) -> str:
    reply = server.get("/health")
    status, url = reply.status, server.url
    if status == 200 and reply.json.get("status") == "alive":
        open_token = server.token and url.startswith("http:") and not is_near(url)
        return f"{url} answers{'; the token is sent unencrypted: use https' if open_token else ''}"
    if 300 <= status < 400:
        raise FootnoteError(f"{url} redirects to {reply.location or 'nowhere'}. Give --url the address that answers.")
    if status == 421:
        name = urlsplit(url).hostname
        raise FootnoteError(f"The server is not meant for the name {name}. Add it to FOOTNOTE_ALLOWED_HOSTS there.")
    if status in (502, 503, 504):
        raise FootnoteError(
            f"A proxy answers at {url} with status {status}, not Footnote behind it. Start `{command('serve')}` there, "
            "and check the address to which the proxy passes requests."
        )
    if status in (401, 403, 407):
        raise FootnoteError(f"{url}/health is refused with status {status}. Let the proxy pass it without a log-in.")
    if status >= 500:
        raise _unexpected(server, "/health", reply)
    raise FootnoteError(f"{url}/health is not Footnote's (status {status}). Check the address, the port and the path.")


def _ready(server: _Server) -> str:
    reply = server.get("/ready")
    words, kind = reply.words("words"), reply.json.get("kind")
    if reply.status == 200 and kind == "ready":
        return words
    if kind == "busy":
        raise FootnoteError(f"{words}. Wait, and check again.")
    if kind == "failed":
        raise FootnoteError(f"{words.rstrip('.')}. `{command('doctor')}` on that machine says more.")
    raise _unexpected(server, "/ready", reply)


def _version(server: _Server) -> str:
    reply = server.get("/api/openapi.json")
    if why := _hidden(server, reply):
        return why
    info = reply.json.get("info")
    theirs, ours = info.get("version") if isinstance(info, dict) else None, program_version()
    if reply.status != 200 or not isinstance(theirs, str):
        raise _unexpected(server, "/api/openapi.json", reply)
    return theirs if theirs == ours else f"{_short(theirs)}; this program is {ours}. Update the older of them."


def _metrics(server: _Server) -> str:
    reply = server.get("/metrics")
    if why := _hidden(server, reply):
        return why
    values = {name: int(value) for name, _, value in _SAMPLE.findall(reply.text)}
    if reply.status != 200 or not {"ready", "queue_length", "queue_limit"} <= values.keys():
        raise _unexpected(server, "/metrics", reply)
    length, limit = values["queue_length"], values["queue_limit"]
    queue = f"{length} of {limit} places in the queue are taken"
    if length >= limit:
        raise FootnoteError(f"{queue}, so new questions are rejected. Wait, or raise FOOTNOTE_MAX_WAITING there.")
    generation = next((found for name, found, _ in _SAMPLE.findall(reply.text) if name == "index_info"), "")
    if generation:
        sources, chunks = values.get("index_sources", 0), values.get("index_chunks", 0)
        return f"{sources} sources in {chunks} chunks, generation {generation}; {queue}"
    if values["ready"]:
        raise FootnoteError(f"The server has no usable index. Run `{command('doctor')}` on that machine.")
    return f"no index is open yet; {queue}"


def _hidden(server: _Server, reply: _Reply) -> str:
    """Return why the server does not show this to the user of the token; "" if it does.

    Raises FootnoteError if the server does not accept the token.
    """
    if reply.status == 401 and server.token:
        raise FootnoteError(
            "The server does not accept the token: it is mistyped, expired or revoked, or its user is disabled. Make "
            f"another on that machine with `{command('token new USER')}`, and set FOOTNOTE_TOKEN to it."
        )
    if reply.status == 401:
        return f"not checked without a log-in: set FOOTNOTE_TOKEN to a token of `{command('token new USER')}` there"
    if reply.status == 403:
        return f"not checked: {reply.words('error') or 'the server forbids it'}"
    return ""


def _unexpected(server: _Server, path: str, reply: _Reply) -> FootnoteError:
    words = reply.words("error", "problem", "words")
    said = f", {words.rstrip('.')}" if words else ""
    return FootnoteError(f"{server.url}{path} gave an unexpected reply (status {reply.status}{said}). Read its log.")


def _slow(url: str) -> str:
    return (
        f"{url} does not answer within {_SECONDS:g} seconds. The server is overloaded or halted, or a firewall drops "
        "the request: check the load and the log of that machine."
    )


def _unreachable(url: str, error: Exception) -> str:
    """Return why there is no response from a URL, and what to do."""
    why = _short(str(error)) or type(error).__name__
    causes = list(_causes(error))
    if any(isinstance(one, socket.gaierror) for one in causes):
        return f"No machine has the name {urlsplit(url).hostname} ({why}). Check the spelling and your network."
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return f"{url} does not speak TLS, or its certificate is not valid here ({why}). Repair that, or use http://."
    if isinstance(error, httpx2.ConnectError):
        return (
            f"Nothing listens at {url} ({why}). Start `{command('serve')}` there, or check the address, the port and "
            "the firewall."
        )
    return f"{url} does not answer with HTTP ({why}). Check the address and the port; a server with TLS needs https://."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
