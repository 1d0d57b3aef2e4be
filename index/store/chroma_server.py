"""A Chroma server that holds vectors: connect to it, limit and retry requests, put its failures into words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from index.errors import IndexDamaged, VectorServerError
from index.program import command

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ServerAPI
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection

PAGE = 300
"""The most records that distributed Chroma takes in one write, and the most that it returns in one answer."""
_TOKEN_HEADER = "X-Chroma-Token"
_CONNECT, _ANSWER, _LOOK = 5.0, 60.0, 3.0
"""Seconds to wait for a connection, for an answer, and for a heartbeat."""
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two tries while the server is busy."""
_LONGEST_PAUSE = 10.0
_BUSY = (429, 503)
_REFUSED = (401, 403, 407, 502, 504)
"""Statuses that a proxy returns before Chroma is reached."""


@dataclass(frozen=True)
class Server:
    """A Chroma server, with a tenant and a database on it.

    `token` is what a proxy before the server requires, "" for none.
    """

    url: str
    tenant: str = "default_tenant"
    database: str = "default_database"
    token: str = field(default="", repr=False)

    def check(self) -> None:
        """Raise VectorServerError if the server does not answer or has no such database."""
        api = _connect(self)
        self.look()
        try:
            api.get_database(self.database, tenant=self.tenant)
        except IndexDamaged:
            raise VectorServerError(
                f"The Chroma server at {self.url} has no database {self.database!r} of a tenant {self.tenant!r}. Make "
                "it there, or set FOOTNOTE_CHROMA_DATABASE and FOOTNOTE_CHROMA_TENANT to what it has."
            ) from None

    def look(self) -> None:
        """Raise VectorServerError if there is no heartbeat within a few seconds."""
        send: Any = _connect(self)
        send._make_request("get", "/heartbeat", timeout=_LOOK)

    def collections(self) -> Iterator[str]:
        """Yield the names of all collections in the database, of any index."""
        at = 0
        while page := _connect(self).list_collections(
            limit=PAGE, offset=at, tenant=self.tenant, database=self.database
        ):
            yield from (one.name for one in page)
            at += len(page)

    def has(self, collection: str) -> bool:
        """True if the server answers and has the collection."""
        try:
            self.open(collection)
        except (IndexDamaged, VectorServerError):
            return False
        return True

    def open(self, collection: str) -> Collection:
        """Open an existing collection.

        Raises IndexDamaged if it does not exist, VectorServerError for any other failure.
        """
        api = _connect(self)
        return self._handle(api, api.get_collection(collection, tenant=self.tenant, database=self.database))

    def create(self, collection: str, hnsw: CreateHNSWConfiguration) -> Collection:
        """Create an empty collection.

        Raises VectorServerError, also if a collection has that name.
        """
        api = _connect(self)
        made = api.create_collection(
            collection, configuration={"hnsw": hnsw}, tenant=self.tenant, database=self.database
        )
        return self._handle(api, made)

    def drop(self, collection: str) -> None:
        """Delete a collection if it exists. Raises VectorServerError."""
        try:
            _connect(self).delete_collection(collection, tenant=self.tenant, database=self.database)
        except IndexDamaged:
            return

    def _handle(self, api: ServerAPI, model: Any) -> Collection:
        from chromadb.api.models.Collection import Collection

        return Collection(client=api, model=model, embedding_function=None)


@dataclass(frozen=True)
class Remote:
    """A collection on a server."""

    server: Server
    collection: str


@cache
def _connect(server: Server) -> ServerAPI:
    """Return the connection of this process to a server; nothing is sent yet.

    Not `chromadb.HttpClient`: it sends three requests before any time limit can be set, and waits for ever.
    """
    from chromadb.api import ServerAPI
    from chromadb.config import Settings, System

    settings = Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        # Given an address with its scheme, Chroma ignores the port.
        chroma_server_host=server.url,
        chroma_server_http_port=0,
        chroma_server_ssl_enabled=server.url.startswith("https:"),
    )
    system = System(settings)
    api: Any = system.instance(ServerAPI)  # type: ignore[type-abstract]
    system.start()
    _limit(api._session, server)
    # Every request of the client goes through this method.
    api._make_request = _with_retries(api._make_request, server)
    return api  # type: ignore[no-any-return]


def _limit(session: httpx.Client, server: Server) -> None:
    import httpx

    session.timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
    if server.token:
        session.headers[_TOKEN_HEADER] = server.token
    session.event_hooks = {"response": [_refuse]}


class _Refused(Exception):
    """An answer that does not come from Chroma, or that asks to wait."""

    def __init__(self, status: int, pause: float) -> None:
        self.status, self.pause = status, pause


def _refuse(response: httpx.Response) -> None:
    if response.status_code in (*_BUSY, *_REFUSED):
        try:
            pause = float(response.headers.get("Retry-After", 0))
        except ValueError:
            pause = 0.0
        raise _Refused(response.status_code, min(max(0.0, pause), _LONGEST_PAUSE))


def _with_retries(send: Callable[..., Any], server: Server) -> Callable[..., Any]:
    """Return `send` with retries while the server is busy, and with every failure in words.

    A request can be sent twice: adding an id that exists changes nothing.
    """
    import httpx
    from chromadb.errors import ChromaError, NotFoundError

    def ask(method: str, path: str, **options: Any) -> Any:
        broken = False
        pauses = list(_PAUSES)
        while True:
            try:
                return send(method, path, **options)
            except _Refused as refused:
                if refused.status not in _BUSY or not pauses:
                    raise VectorServerError(_turned_away(server, refused.status)) from None
                time.sleep(max(refused.pause, pauses.pop(0) * random.uniform(0.75, 1.25)))
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                # The server had closed a connection that was kept open.
                if broken:
                    raise VectorServerError(_silent(server)) from None
                broken = True
            except httpx.TimeoutException:
                raise VectorServerError(_silent(server, "does not answer in time")) from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise VectorServerError(_unreached(server, str(error))) from None
            except NotFoundError:
                raise IndexDamaged(
                    f"The Chroma server at {server.url} does not have the vectors of the index any more. "
                    f"Run `{command('index')}`, which puts them there again."
                ) from None
            except (ChromaError, ValueError, KeyError, TypeError) as error:
                raise VectorServerError(_odd(server, error)) from None
            except Exception as error:
                if type(error) is not Exception:
                    raise
                # Chroma's client turns any other answer into a bare Exception with the answer's text.
                raise VectorServerError(_odd(server, error)) from None

    return ask


def _silent(server: Server, what: str = "does not answer") -> str:
    return (
        f"The Chroma server at {server.url} {what}. Start it there (`chroma run`), or set FOOTNOTE_CHROMA_URL to where "
        "it is; then ask again."
    )


def _unreached(server: Server, reason: str) -> str:
    if "CERTIFICATE" in reason.upper():
        return (
            f"The certificate of the Chroma server at {server.url} is not trusted. If its authority is your own, set "
            "SSL_CERT_FILE to the authority's certificate."
        )
    return _silent(server)


def _turned_away(server: Server, status: int) -> str:
    if status in (401, 403, 407):
        what = "does not accept the token in FOOTNOTE_CHROMA_TOKEN" if server.token else "wants a token"
        return (
            f"The Chroma server at {server.url} {what} ({status}). Set FOOTNOTE_CHROMA_TOKEN to a valid one; it is "
            f"sent as {_TOKEN_HEADER}."
        )
    if status in _BUSY:
        return (
            f"The Chroma server at {server.url} is overloaded ({status}; {len(_PAUSES) + 1} attempts). Try again "
            "in a minute."
        )
    return f"The proxy at {server.url} does not reach its Chroma server ({status}). Check that it is running."


def _odd(server: Server, error: Exception) -> str:
    """Return the message for an answer that is not Chroma's, with the server's own words in one short line.

    They are left out if they repeat even a part of the token.
    """
    text = " ".join(str(error).split())[:300]
    part = max(4, min(8, len(server.token)))
    parts = (server.token[n : n + part] for n in range(len(server.token) - part + 1))
    detail = "" if not text or any(one in text for one in parts) else f" It says: {text}"
    return (
        f"The server at {server.url} did not behave like a Chroma server. Check FOOTNOTE_CHROMA_URL, and see the "
        f"server's log.{detail}"
    )
