"""Request filter: host names, requests of other sites, Gradio's paths that the page needs, and security headers."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.access.middleware import PAGES, SubPath, cookie_path
from rag.access.visitor import Role, Visitor, visitor_of
from rag.api.addresses import FILES_PATH
from rag.api.request_log import RequestLog
from rag.hosts import split_authority
from rag.printable import one_line
from rag.ui.escape import escape

_LOG = logging.getLogger("footnote")
UPLOAD = "/gradio_api/upload"
"""The path of uploads; uploads.py limits their size."""
VISIT = "footnote_visit"
"""Name of the cookie and of the ASGI scope key that identify the browser of an upload."""
NOT_FRAMED = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Policy parts for a document without forms that no frame may show."""

_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; {NOT_FRAMED}",
    "Cross-Origin-Resource-Policy": "same-origin",
    # subtle: "no-referrer" would make browsers send "Origin: null" with some requests of our own page.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WILDCARDS = ("0.0.0.0", "::")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LARGEST_BODY = 5_000_000
"""Most bytes of a request that is no upload; the largest one imports a conversation from a browser."""
_VISIT_FORM = re.compile(r"[0-9a-f]{32}")
_NEEDED = {
    "GET": re.compile(
        r"/|/(assets|static)/.+|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/config"
        r"|/gradio_api/(app_id|queue/data|heartbeat/[^/]+)"
    ),
    "POST": re.compile(r"/gradio_api/queue/join"),
}
"""Gradio's paths that the page requests. All others are blocked, also those that later versions add."""


class Gate:
    """ASGI middleware that rejects requests of other sites and adds security headers.

    A request must name a host that the server is meant to be reached by. A link on another site may open a document.
    Programs that send no Origin (curl, scripts) pass, because another site can only misuse a browser.
    """

    def __init__(self, app: ASGIApp, host: str, names: Iterable[str]) -> None:
        """Allow the served address `host`, loopback names, and the further `names`."""
        self._app = app
        self._every_address = host in _WILDCARDS
        self._names = frozenset((*_LOOPBACK, host.lower(), *names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # The page uses no web socket.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        scope[VISIT] = _visit(headers)
        if refusal := self._refusal(scope, headers):
            why = bytes(refusal.body).decode()
            path = one_line(scope["path"][:200])
            _LOG.warning("request %s: %s: %d %s", scope["state"]["id"], path, refusal.status_code, why)
            await refusal(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        name = split_authority(hosts[0], 80)[0] if len(hosts) == 1 else ""
        if not self._is_meant(name, scope):
            return PlainTextResponse(
                "The host name in the request is not allowed. Open the address that the server printed at its start, "
                "or add the name to FOOTNOTE_ALLOWED_HOSTS and restart the server.",
                421,
            )
        if _is_foreign(headers) and not _opens_a_document(scope, headers):
            return PlainTextResponse(
                "Another site made this request, so it was not answered. Open Footnote itself and repeat it there.", 403
            )
        if scope["method"] not in _SAFE and not _sends_files(scope, headers):
            return _too_large(headers)
        return None

    def _is_meant(self, name: str, scope: Scope) -> bool:
        # Another site's DNS can't set the host to an IP address. A server on "::" sees IPv4 addresses as ::ffff:IPv4.
        reached = str((scope.get("server") or ("",))[0]).removeprefix("::ffff:")
        return bool(name) and (name in self._names or (self._every_address and name == reached))


def _sends_files(scope: Scope, headers: Headers) -> bool:
    """True for an upload, which has limits of its own."""
    form = headers.get("content-type", "").startswith("multipart/form-data")
    return scope["path"] == UPLOAD or (scope["path"] == FILES_PATH and form)


def _too_large(headers: Headers) -> PlainTextResponse | None:
    """Return a rejection if the body is larger than the page sends, or has no stated length; else None."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        return PlainTextResponse("A request must state the length of its body.", 411)
    if int(length) > _LARGEST_BODY:
        return PlainTextResponse(f"A request may have up to {_LARGEST_BODY / 1e6:g} MB.", 413)
    return None


def _is_foreign(headers: Headers) -> bool:
    """True if the headers say that another site made the request."""
    if any(not _is_own(origin, headers["host"]) for origin in headers.getlist("origin")):
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _is_own(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # A proxy may use https in front of our http, so the scheme only gives the default port.
    port = {"http": 80, "https": 443}.get(parts.scheme)
    return port is not None and split_authority(parts.netloc, port) == split_authority(host, port)


def _opens_a_document(scope: Scope, headers: Headers) -> bool:
    return (
        scope["method"] in _SAFE
        and scope["path"] in PAGES
        and "origin" not in headers
        and (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    )


def _visit(headers: Headers) -> str | None:
    """Return the browser's id from its cookie; None without a cookie."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == VISIT and _VISIT_FORM.fullmatch(value):
            return value
    return None


class GatedApp(FastAPI):
    """A FastAPI application behind a Gate that also handles error responses."""

    def __init__(
        self, host: str, names: Iterable[str], access: Callable[[ASGIApp], ASGIApp], root: str, **options: object
    ) -> None:
        """Pass `host` and `names` to the Gate, `options` to FastAPI.

        `access` wraps what is behind the Gate; `root` is the path below which a proxy serves it, or "".
        """
        self._gate = (host, tuple(names))
        self._root = root
        self._access = access
        super().__init__(**options)  # type: ignore[arg-type]

    def build_middleware_stack(self) -> ASGIApp:
        """Put the gate before all other middleware, including the error handler; give each request its id before."""
        gate = Gate(self._access(super().build_middleware_stack()), *self._gate)
        return SubPath(RequestLog(gate), self._root)


_NOT_FOR = {
    Role.READER: "#fn-add,#fn-forms,#fn-attach,[data-do=add],[data-do=good],[data-do=bad],"
    "#fn-listing [data-order],.fn-offer,.fn-first,"
    "a[href='#evaluation'],a[href='#settings'],#fn-evaluation,#fn-settings",
    Role.EDITOR: "a[href='#settings'],#fn-settings,details:has([data-order=folder])",
}
"""What the page does not show to a role; the server refuses it anyway."""


_FOR_USERS = (
    "#fn-account{display:block!important}.fn-rail-foot{flex-wrap:wrap}"
    "#fn-out{position:fixed;inset:0 0 auto;z-index:60;margin:0;padding:.8rem;text-align:center;background:#b3261e}"
    "#fn-out,#fn-out a{color:#fff}body:has(#fn-out) .toast-wrap{display:none}"
)
"""The style of what only a page with log-in has."""


def _fitted(visitor: Visitor) -> str:
    """Return the part of the document's head that fits the page to its visitor."""
    if not visitor.name:
        return ""
    hidden = f"{found}{{display:none!important}}" if (found := _NOT_FOR.get(visitor.role)) else ""
    name = f'<meta name="fn-user" content="{escape(visitor.name)}">'
    return f"{name}<style>{_FOR_USERS}{hidden}</style>"


class NeededOnly:
    """Gradio's application, limited to the paths that the page needs.

    Its document has a strict security policy. Scripts run if they are files of this server, have the document's nonce,
    or are one of `script_hashes` (scripts that Gradio adds to the document's head later). Gradio compiles functions
    from text, hence 'unsafe-eval'.
    """

    def __init__(self, app: ASGIApp, script_hashes: Iterable[str]) -> None:
        """Wrap `app`; a hash looks like "sha256-..."."""
        self._app = app
        self._hashes = " ".join(f"'{one}'" for one in script_hashes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if the page needs it."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        needed = _NEEDED.get(method)
        if not needed or not needed.fullmatch(scope["path"]):
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
        elif scope["path"] == "/":
            await self._document(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _document(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = secrets.token_urlsafe(16)
        # We edit the document's text, so it must not be compressed. The query string would load stored states: drop it.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        begun: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            marked = bytes(body).replace(b"<script", f'<script nonce="{nonce}"'.encode())
            marked = marked.replace(b"<head>", f"<head>{_fitted(visitor_of(scope))}".encode(), 1)
            headers = MutableHeaders(scope=begun)
            headers["Content-Length"] = str(len(marked))
            headers["Content-Security-Policy"] = self._policy(nonce)
            if not scope.get(VISIT):
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                value = f"{VISIT}={secrets.token_hex(16)}; HttpOnly; SameSite=Lax; Path={cookie_path(scope)}{secure}"
                headers.append("Set-Cookie", value)
            await send(begun)
            await send({"type": "http.response.body", "body": marked})

        await self._app({**scope, "headers": plain, "query_string": b""}, receive, collect)

    def _policy(self, nonce: str) -> str:
        return (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}' {self._hashes} 'unsafe-eval'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
            "manifest-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
        )
