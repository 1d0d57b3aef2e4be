"""Fetching web pages from real servers on loopback: limits, redirects, no access to private networks."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from index.build.write import Builder
from index.sources.fetch import FetchLimits, Unfetched, fetch, is_address, is_public
from index.sources.roots import registered_addresses
from index.sources.web_pages import canonical, web_folder
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.ui import html

pytestmark = pytest.mark.slow

KINDS = frozenset({"text/html", "text/plain"})
CANONICAL = b"""<html><head><title>The lake of Corm</title><link rel="canonical" href="/lake"></head><body><article>
<h1>The lake of Corm</h1><p>The lake of Corm is 43 metres deep and was measured by
 Dr. Quillfeather with a line of silk.</p>
<p>Cranes come to it in May, and the village on its shore keeps a feast for them which lasts three days and nights.</p>
</article></body></html>"""
PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, "Grüße <b>here</b>".encode()),
    "/lake?from=mail": (200, {"Content-Type": "text/html"}, CANONICAL),
    "/elsewhere": (200, {"Content-Type": "text/html"}, b'<link rel=canonical href="https://example.org/x">'),
    "/moved": (302, {"Location": "/page?x=1#part"}, b""),
    "/page?x=1": (200, {"Content-Type": "text/html"}, b"moved"),
    "/nowhere": (302, {"Location": "http://[::1"}, b""),
    "/unnamed": (200, {"Content-Type": "text/html"}, b'<link rel=canonical href="http://[::1">'),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/out": (302, {"Location": "file:///etc/passwd"}, b""),
    "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    "/untyped": (200, {}, b"x"),
    "/gone": (404, {"Content-Type": "text/html"}, b"no"),
    "/large": (200, {"Content-Type": "text/plain"}, b"x" * 200_000),
    "/packed": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(b"unpacked")),
    "/bomb": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, gzip.compress(bytes(50_000_000))),
    "/torn": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, b"not gzip"),
    "/br": (200, {"Content-Type": "text/plain", "Content-Encoding": "br"}, b"x"),
    "/gr%C3%BC%C3%9Fe": (200, {"Content-Type": "text/plain"}, b"umlauts"),
}


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
            return
        status, headers, body = PAGES.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect, as some tests do."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def limits(*, private: bool = True, seconds: float = 10) -> FetchLimits:
    return FetchLimits(100_000, seconds, KINDS, private)


def test_a_page_is_fetched_with_its_type_and_final_address(site: str) -> None:
    found = fetch(f"{site}/page", limits())
    assert (found.data.decode(), found.kind, found.charset) == ("Grüße <b>here</b>", "text/html", "utf-8")
    moved = fetch(f"{site}/moved", limits())
    assert moved.data == b"moved" and moved.address == f"{site}/page?x=1"
    assert fetch(f"{site}/packed", limits()).data == b"unpacked"
    assert fetch(f"{site}/grüße", limits()).data == b"umlauts"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/loop", "redirects more than 5 times"),
        ("/out", "is not a web address"),
        ("/nowhere", "not a web address"),
        ("/picture", "is image/png, not one of"),
        ("/untyped", "is of unknown type"),
        ("/gone", "status 404"),
        ("/large", "larger than the limit of 0.1 MB"),
        ("/bomb", "larger than the limit of 0.1 MB"),
        ("/torn", "can't be unpacked"),
        ("/br", "is compressed as 'br'"),
    ],
)
def test_an_unfetched_page_has_a_reason(site: str, path: str, why: str) -> None:
    with pytest.raises(Unfetched, match=why):
        fetch(f"{site}{path}", limits())


def test_a_slow_page_is_abandoned_at_the_time_limit(site: str) -> None:
    with pytest.raises(Unfetched, match="took longer than"):
        fetch(f"{site}/slow", limits(seconds=0.5))


def test_an_unreachable_server_is_reported() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unfetched, match="can't be reached: nothing answers there") as raised:
        fetch(f"http://127.0.0.1:{port}/", limits())
    assert "rrno" not in str(raised.value)
    with pytest.raises(Unfetched, match="can't be reached: the host is unknown") as raised:
        fetch("http://nowhere.invalid/", limits())
    assert "rrno" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::1]", "0.0.0.0"])
def test_no_spelling_of_the_local_address_is_fetched(site: str, host: str) -> None:
    port = site.rsplit(":", 1)[1]
    with pytest.raises(Unfetched, match=r"not a public address|can't be reached"):
        fetch(f"http://{host}:{port}/page", limits(private=False))


@pytest.mark.parametrize(
    "address", ["ftp://example.org/x", "http://", "http:///x", "http://[::1/", "http://me:secret@example.org/"]
)
def test_an_invalid_address_is_reported(address: str) -> None:
    with pytest.raises(Unfetched, match=r"not a web address|name or password"):
        fetch(address, limits())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b:1::5db8:d70e", False),
        ("::127.0.0.1", False),
        ("::93.184.215.14", False),
        ("fec0::1", False),
        ("192.0.0.8", False),
        ("192.0.0.9", False),
        ("192.0.2.1", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("2001::5db8:d70e", False),
        ("2001:2::1", False),
        ("2001:db8::1", False),
        ("2002:5db8:d70e::1", False),
        ("3fff::1", False),
        ("4000::1", False),
        ("100::1", False),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c%eth0", False),
        ("2002:a00:1::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::", False),
        ("nonsense", False),
    ],
)
def test_private_addresses_are_distinguished_from_public_ones(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_addresses_are_distinguished_from_paths() -> None:
    assert is_address("https://example.org") and is_address("HTTP://example.org/a")
    assert not is_address("notes/http://x") and not is_address("C:\\notes") and not is_address("ftp://x")


def test_a_page_is_named_by_its_canonical_address_on_the_same_site(site: str) -> None:
    assert canonical(fetch(f"{site}/lake?from=mail", limits())) == f"{site}/lake"
    assert canonical(fetch(f"{site}/elsewhere", limits())) == f"{site}/elsewhere"
    assert canonical(fetch(f"{site}/page", limits())) == f"{site}/page"
    assert canonical(fetch(f"{site}/unnamed", limits())) == f"{site}/unnamed"


def test_a_page_stays_a_source_while_its_site_is_down_and_can_be_forgotten(site: str, builder: Builder) -> None:
    home, port = builder.home, site.rsplit(":", 1)[1]
    engine = Engine(Settings(home=home, allow_private_addresses=True))
    report = engine.index(addresses=[f"{site}/lake?from=mail", f"{site}/gone"])
    assert report.added == [f"{site}/lake"] and dict(report.failed) == {f"{site}/gone": "answers with status 404"}
    found = answer(engine, "How deep is the lake of Corm?")
    assert found.citations[0].source == f"{site}/lake" and "43 metres" in found.text
    assert f"http&#58;&#47;&#47;127&#46;0&#46;0&#46;1&#58;{port}&#47;lake&#35;&#58;&#126;&#58;text&#61;" in html.turn(
        "t", found
    )
    closed = Engine(Settings(home=home))
    report = closed.index()
    assert report.unchanged == [f"{site}/lake"] and "not a public address" in dict(report.notes)[f"{site}/lake"]
    before = sorted(home.rglob("*"))
    would = engine.preview(addresses=[f"{site}/lake?from=mail", f"{site}/page"])
    assert (would.unchanged, would.added) == ([f"{site}/lake"], [f"{site}/gone", f"{site}/page"])
    assert dict(would.notes)[f"{site}/page"] == "would be fetched"
    assert dict(would.notes)[f"{site}/lake"].startswith("would be fetched again")
    assert sorted(home.rglob("*")) == before and f"{site}/page" not in registered_addresses(home)
    assert engine.forget([f"{site}/lake"]).removed == [f"{site}/lake"] and not any(
        web_folder(home).glob("*/about.json")
    )
    assert registered_addresses(home) == [f"{site}/gone"]
