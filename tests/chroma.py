"""A proxy in front of a real Chroma server, with TLS, a token and quotas."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.chroma import Chroma

_QUOTAS = {"records": 300, "results": 300, "document": 16_384, "id": 128, "value": 4_096, "writes": 10}
"""The limits that the documentation of distributed Chroma gives."""


class Proxy(ThreadingHTTPServer):
    """A proxy that rejects requests which break a rule, and records what it receives."""

    daemon_threads = True

    def __init__(self, port: int, *, token: str = "", quotas: bool = False, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.token, self.quotas = port, token, quotas
        self.refuse: list[int] = []
        """Statuses to answer the next requests with, instead of passing them on."""
        self.seen: list[str] = []
        self.writing = self.most_writing = 0
        self.lock = threading.Lock()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""

    def broken_quota(self, path: str, body: dict[str, Any]) -> str:
        """Return the name of the first quota that a request breaks, or ""."""
        records = body.get("ids") or []
        documents = [len(one.encode()) for one in body.get("documents") or [] if one]
        values = [v for one in body.get("metadatas") or [] for v in (one or {}).values() if isinstance(v, str)]
        most_records = max(len(records), body.get("limit") or 0, body.get("n_results") or 0)
        rules = [
            ("Number of records", path.endswith(("/add", "/upsert")) and len(records) > _QUOTAS["records"]),
            ("Number of results", path.endswith(("/get", "/query")) and most_records > _QUOTAS["results"]),
            ("Document size", any(size > _QUOTAS["document"] for size in documents)),
            ("ID size", any(len(one.encode()) > _QUOTAS["id"] for one in records)),
            ("Metadata value size", any(len(one.encode()) > _QUOTAS["value"] for one in values)),
            ("Collection name size", len(body.get("name") or "") > _QUOTAS["id"]),
        ]
        return next((name for name, broken in rules if broken), "")


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Check a request and pass it on, whatever its method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(f"{self.command} {self.path}")
        if self.server.refuse:
            self._send(self.server.refuse.pop(0), b"{}")
        elif self.server.token and self.headers.get("X-Chroma-Token") != self.server.token:
            self._send(401, b"who are you?")
        elif self.server.quotas and (broken := self.server.broken_quota(self.path, json.loads(body or b"{}"))):
            said = f"Quota exceeded: '{broken}' exceeded quota limit"
            self._send(422, json.dumps({"error": "QuotaExceeded", "message": said}).encode())
        else:
            self._pass_on(body)

    do_POST = do_PUT = do_DELETE = do_GET

    def _pass_on(self, body: bytes) -> None:
        writes = self.path.endswith("/add")
        with self.server.lock:
            self.server.writing += writes
            self.server.most_writing = max(self.server.most_writing, self.server.writing)
            too_many = self.server.quotas and self.server.writing > _QUOTAS["writes"]
        try:
            if too_many:
                self._send(429, b'{"error": "RateLimitError", "message": "Too many writes at once"}')
                return
            connection = HTTPConnection("127.0.0.1", self.server.target)
            kept = {name: value for name, value in self.headers.items() if name != "Connection"}
            connection.request(self.command, self.path, body or None, kept)
            answer = connection.getresponse()
            self._send(answer.status, answer.read())
            connection.close()
        except OSError:
            self._send(502, b"the server behind is gone")
        finally:
            with self.server.lock:
                self.server.writing -= writes

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def proxied(chroma: Chroma, **rules: Any) -> Iterator[Proxy]:
    """Run a proxy in front of a server for the length of a `with` block."""
    proxy = Proxy(chroma.port, **rules)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
