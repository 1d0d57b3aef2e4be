"""The gate before the page: host names, other sites, the paths of Gradio that the page needs, and safety headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.hosts import split_authority

UPLOAD = "/gradio_api/upload"
"""Where files are sent; their limits are those of uploads.py."""
VISIT = "footnote_visit"
"""The cookie, and the key in an ASGI scope, that tells one browser's uploads from another's."""
NOT_FRAMED = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For the policy of a document that is no form and stands in no frame."""

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
_DOCUMENTS = ("/", "/article", "/report")
"""What a link on another site may open."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_LARGEST_BODY = 5_000_000
"""Bytes of a request that is no upload; a conversation that is taken over from a browser is the largest."""
_VISIT_FORM = re.compile(r"[0-9a-f]{32}")
_NEEDED = {
    "GET": re.compile(
        r"/|/(assets|static)/.+|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/config"
        r"|/gradio_api/(app_id|queue/data|heartbeat/[^/]+)"
    ),
    "POST": re.compile(r"/gradio_api/(queue/join|cancel|reset)"),
}
"""The paths of Gradio that the page asks for. All others are shut, those of later versions too."""


class Gate:
    """Answer requests for the meant host names, and no request that another site makes; add safety headers to all.

    A link from another site may open a document. Programs without an Origin (curl, scripts) pass: only a browser
    can be led by another site.
    """

    def __init__(self, app: ASGIApp, host: str, names: Iterable[str]) -> None:
        """`host` is the address that is served, `names` are further names that the server goes by."""
        self._app = app
        self._every_address = host in _WILDCARDS
        self._names = frozenset((*_LOOPBACK, host.lower(), *names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
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
            await refusal(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        name = split_authority(hosts[0], 80)[0] if len(hosts) == 1 else ""
        if not self._is_meant(name, scope):
            return PlainTextResponse(
                "This server does not go by the name in the request. Open the address that it printed at its start, "
                "or add the name to FOOTNOTE_ALLOWED_HOSTS and start it again.",
                421,
            )
        if _is_foreign(headers) and not _opens_a_document(scope, headers):
            return PlainTextResponse(
                "Another site made this request, so it was not answered. Open Footnote itself and repeat it there.", 403
            )
        if scope["method"] not in _SAFE and scope["path"] != UPLOAD:
            return _too_large(headers)
        return None

    def _is_meant(self, name: str, scope: Scope) -> bool:
        # An address as the name can't be the work of another site's DNS. On "::" IPv4 ones are seen inside of IPv6.
        reached = str((scope.get("server") or ("",))[0]).removeprefix("::ffff:")
        return bool(name) and (name in self._names or (self._every_address and name == reached))


def _too_large(headers: Headers) -> PlainTextResponse | None:
    """A refusal of a body that is larger than any the page sends, or does not say how large it is."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        return PlainTextResponse("A request has to say the length of its body.", 411)
    if int(length) > _LARGEST_BODY:
        return PlainTextResponse(f"A request may have up to {_LARGEST_BODY / 1e6:g} MB.", 413)
    return None


def _is_foreign(headers: Headers) -> bool:
    """True if a browser says that another site is behind the request."""
    if any(not _is_own(origin, headers["host"]) for origin in headers.getlist("origin")):
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _is_own(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # A proxy before us may speak https where we speak http: the scheme only gives the port.
    port = {"http": 80, "https": 443}.get(parts.scheme)
    return port is not None and split_authority(parts.netloc, port) == split_authority(host, port)


def _opens_a_document(scope: Scope, headers: Headers) -> bool:
    return (
        scope["method"] in _SAFE
        and scope["path"] in _DOCUMENTS
        and "origin" not in headers
        and (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    )


def _visit(headers: Headers) -> str | None:
    """Return the browser's number from its cookie, None if it has none."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == VISIT and _VISIT_FORM.fullmatch(value):
            return value
    return None


class GatedApp(FastAPI):
    """An application behind a Gate, which also sees the replies to errors."""

    def __init__(self, host: str, names: Iterable[str], **options: object) -> None:
        """`host` and `names` are the Gate's, `options` FastAPI's."""
        self._gate = (host, tuple(names))
        super().__init__(**options)  # type: ignore[arg-type]

    def build_middleware_stack(self) -> ASGIApp:
        """Put the gate before everything, the handler of errors included."""
        return Gate(super().build_middleware_stack(), *self._gate)


class NeededOnly:
    """Gradio's own application, shut to what the page needs, its document under a strict policy.

    Scripts run if they are files of this server, carry the document's nonce, or are one of `script_hashes` (the
    scripts that Gradio puts into the document's head later). Gradio makes functions of text, hence 'unsafe-eval'.
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
        # The scripts are marked in the text, so it must not come packed. Deep links read stored states: not needed.
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
            headers = MutableHeaders(scope=begun)
            headers["Content-Length"] = str(len(marked))
            headers["Content-Security-Policy"] = self._policy(nonce)
            if not scope.get(VISIT):
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                headers.append("Set-Cookie", f"{VISIT}={secrets.token_hex(16)}; HttpOnly; SameSite=Lax; Path=/{secure}")
            await send(begun)
            await send({"type": "http.response.body", "body": marked})

        await self._app({**scope, "headers": plain, "query_string": b""}, receive, collect)

    def _policy(self, nonce: str) -> str:
        return (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}' {self._hashes} 'unsafe-eval'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
            "manifest-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
        )
