"""Finds out who makes a request, and refuses what they may not do."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections import OrderedDict
from threading import Lock
from urllib.parse import quote

from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rag.access.permissions import is_for_anybody, listed_role
from rag.access.throttle import Throttle
from rag.access.users import AccessError, UserStore
from rag.access.visitor import EVERYBODY, Role, Visitor, set_visitor
from rag.printable import one_line
from rag.settings import Settings

SESSION_COOKIE = "footnote_session"
_LOG = logging.getLogger("footnote")
_PEER = "footnote_peer"
"""Key of the ASGI scope with the address that connected, before a proxy's headers count."""
_SESSION_IN_PATH = re.compile(r"/gradio_api/heartbeat/([^/]+)")
_MOST_SESSIONS = 20_000
_LONGEST_SESSION = 64
_SAFE = ("GET", "HEAD", "OPTIONS")
_FOR_PEOPLE = ("/account", "/users")
"""Addresses that no token may change: whoever copied a token could make themselves another."""
PAGES = ("/", "/article", "/report", "/login", "/account", "/users", "/api")
"""The addresses that a browser shows as a document, and that a link on another site may open."""
_SHARED = ("/assets/", "/static/", "/theme.css", "/article.css")
"""What is the same for all users; browsers may store it."""


class PageSessions:
    """Whose each session of the page is, so that nobody reads or stops the questions of another user."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._names: OrderedDict[str, str] = OrderedDict()

    def belongs(self, session: str, visitor: Visitor) -> bool:
        """True if a session belongs to the visitor; a new one does from now on, unless its name is too long."""
        if len(session) > _LONGEST_SESSION:
            return False
        with self._lock:
            owner = self._names.setdefault(session, visitor.name)
            self._names.move_to_end(session)
            if len(self._names) > _MOST_SESSIONS:
                self._names.popitem(last=False)
        return owner == visitor.name


class Proxies:
    """ASGI middleware that believes the X-Forwarded headers of the named proxies, and remembers who connected."""

    def __init__(self, app: ASGIApp, proxies: str) -> None:
        """Take addresses and networks, separated by commas."""
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=proxies)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its client's own address."""
        scope[_PEER] = (scope.get("client") or ("",))[0]
        await self._app(scope, receive, send)  # type: ignore[arg-type]


class SubPath:
    """ASGI middleware for a server below a path of its proxy, such as /footnote.

    Requests may come with the path or, from a proxy that removes it, without.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        """`root` is "" for a server without such a path."""
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without the path."""
        if not self._root or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"])
        if path == self._root and scope["method"] in _SAFE:
            # The page's links are relative, so its address must end with a slash.
            query = scope["query_string"].decode("latin-1")
            location = f"{self._root}/{f'?{query}' if query else ''}"
            await RedirectResponse(location, 307)(scope, receive, send)
            return
        below = path.removeprefix(self._root) if path.startswith(f"{self._root}/") else path
        # subtle: with the key root_path, the routes would remove the path once more than the checks of paths know.
        await self._app({**scope, "path": below, "app_root_path": self._root}, receive, send)


def cookie_path(scope: Scope) -> str:
    """Return the path of this server's cookies."""
    return f"{scope.get('app_root_path', '')}/"


class Access:
    """ASGI middleware that identifies the visitor of a request, and checks their role and their number of requests.

    Users come by the cookie of a session, a token, or the header of a proxy that logs people in. As long as there are
    no users and no such proxy, every request is everybody's.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: PageSessions, *, login: bool) -> None:
        """`login` False lets everybody do everything."""
        self._app = app
        self._users = UserStore(settings.index_home())
        self._open = not login
        self._locked = login and bool(settings.login_header)
        self._header = settings.login_header
        self._proxies = _networks(settings.proxies)
        self._requests = Throttle(settings.max_requests_a_minute, 60) if settings.max_requests_a_minute else None
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            visitor = await run_in_threadpool(self._visitor, scope)
        except AccessError as error:
            _LOG.error("%s", one_line(str(error)))
            await _refusal(scope, 503, str(error))(scope, receive, send)
            return
        set_visitor(scope, visitor or Visitor("", Role.READER))

        async def unstored(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A browser must not show what it stored to the next person who uses it.
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        if refusal := self._refused(scope, visitor):
            await refusal(scope, receive, send)
        else:
            is_own = visitor and visitor.name and not scope["path"].startswith(_SHARED)
            await self._app(scope, receive, unstored if is_own else send)

    def _visitor(self, scope: Scope) -> Visitor | None:
        """Return who makes a request; None if nobody known does."""
        headers = Headers(scope=scope)
        # subtle: once there are users, a users file that is lost or replaced opens nothing.
        self._locked = self._locked or (not self._open and self._users.exists())
        if not self._locked:
            return EVERYBODY
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._users.of_token(token.strip())
        if self._header and (names := headers.getlist(self._header)):
            # subtle: anybody may send the header, so only that of a named proxy counts, and only if it is the only one.
            if len(names) == 1 and _is_in(scope.get(_PEER), self._proxies):
                return self._users.of_name(names[0].strip(), "proxy")
            return None
        cookie = _cookie(headers, SESSION_COOKIE)
        return self._users.of_session(cookie) if cookie else None

    def _refused(self, scope: Scope, visitor: Visitor | None) -> Response | None:
        method, path = scope["method"], scope["path"]
        if is_for_anybody(method, path):
            return None
        if visitor is None:
            return _log_in(scope)
        least = listed_role(method, path) or Role.ADMIN
        if visitor.role < least:
            words = f"This needs the role {least}; {visitor.name} has the role {visitor.role}. Ask an admin."
            return _refusal(scope, 403, words)
        if not visitor.name:
            return None
        if method not in _SAFE and path in _FOR_PEOPLE and "authorization" in Headers(scope=scope):
            return _refusal(scope, 403, "A token can't change accounts. Log in on the page.")
        sessions = QueryParams(scope.get("query_string", b"")).getlist("session_hash")
        if found := _SESSION_IN_PATH.fullmatch(path):
            sessions.append(found[1])
        if not all(self._sessions.belongs(session, visitor) for session in sessions):
            return _refusal(scope, 403, "This session of the page belongs to another user. Load the page again.")
        if self._requests and method not in _SAFE:
            if wait := self._requests.wait(visitor.name):
                return _refusal(scope, 429, f"Too many requests in a minute. Try again in {wait} seconds.", wait)
            self._requests.count(visitor.name)
        return None


def _log_in(scope: Scope) -> Response:
    """Return the reply to a visitor whom nobody knows: the log-in page for a document, an error for all else."""
    headers = Headers(scope=scope)
    if scope["method"] in _SAFE and scope["path"] in PAGES and "authorization" not in headers:
        wanted = scope["path"].lstrip("/")
        if query := scope.get("query_string", b"").decode("latin-1"):
            wanted += f"?{query}"
        return RedirectResponse(f"login?next={quote(wanted, safe='')}" if wanted else "login", 303)
    refusal = _refusal(scope, 401, "Log in first, or send a valid token in the header Authorization: Bearer.")
    refusal.headers["WWW-Authenticate"] = "Bearer"
    return refusal


def _refusal(scope: Scope, status: int, message: str, wait: int = 0) -> Response:
    """Return an error in the form of the other errors below this path."""
    path, id_ = scope["path"], scope.get("state", {}).get("id")
    if path.startswith("/v1/"):
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        body: dict[str, object] = {"error": {"message": message, "type": kind, "param": None, "code": None}, "id": id_}
    elif path.startswith(("/api", "/mcp", "/metrics")):
        body = {"error": message, "id": id_}
    else:
        body = {"problem": message}
    return JSONResponse(body, status, {"Retry-After": str(wait)} if wait else None)


def _cookie(headers: Headers, name: str) -> str:
    for part in headers.get("cookie", "").split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value
    return ""


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> list[_Network]:
    return [ipaddress.ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()]


def _is_in(address: object, networks: list[_Network]) -> bool:
    try:
        found = ipaddress.ip_address(str(address).removeprefix("::ffff:"))
    except ValueError:
        return False
    return any(found in network for network in networks)
