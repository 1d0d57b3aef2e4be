"""A reverse proxy with TLS that serves a server below a path, and keeps or strips that path."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_CERTIFICATE = (
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {key} -out {certificate}"
)
_HOP = ("connection", "keep-alive", "transfer-encoding")
"""Headers between two neighbours, which a proxy does not pass on."""


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for this machine; return its file and the file with its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = _CERTIFICATE.format(key=key, certificate=certificate).split()
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    return certificate, key


HAS_OPENSSL = shutil.which("openssl") is not None


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, target: str, root: str, *, strips: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.root, self.strips = urlsplit(target).netloc, root, strips
        self.outside: list[str] = []
        """Paths of requests that were not below the root."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    server: _Proxy

    def do_GET(self) -> None:
        """Pass a request below the root on, whatever its method, and its reply back as it comes."""
        root = self.server.root
        if not self.path.startswith((f"{root}/", f"{root}?")) and self.path != root:
            self.server.outside.append(self.path)
            self.send_error(404)
            return
        path = self.path
        if self.server.strips:
            if not path.startswith(f"{root}/"):
                self.send_response(301)
                self.send_header("Location", f"{root}/{path.removeprefix(root)}")
                self.end_headers()
                return
            path = path.removeprefix(root)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection(self.server.target)
        connection.request(self.command, path, body or None, headers)
        reply = connection.getresponse()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.end_headers()
        while part := reply.read1():
            self.wfile.write(part)
            self.wfile.flush()
        connection.close()

    do_POST = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def behind_tls(target: str, root: str, folder: Path, *, strips: bool) -> Iterator[tuple[str, list[str]]]:
    """Serve `target` below `root` during a with block.

    Yields the address with the root, and a list that collects the paths of requests outside the root.
    """
    proxy = _Proxy(target, root, strips=strips)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder))
    # The handshake runs in the request's thread, so that a browser's spare connection holds up no other.
    proxy.socket = context.wrap_socket(proxy.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{proxy.server_address[1]}{root}", proxy.outside
    finally:
        proxy.shutdown()
        proxy.server_close()
