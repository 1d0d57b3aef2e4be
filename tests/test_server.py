"""The connection to a Chroma server: quotas, token, TLS, retries, and clear messages about what is wrong."""

from __future__ import annotations

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from benchmarks.chroma import Chroma, running
from index.encoder.embedder import Vectors
from index.errors import FootnoteError, VectorServerError
from index.store.chroma_server import Remote, Server
from index.store.vectors import VectorStore
from rag.settings import make_settings
from tests.chroma import proxied

pytestmark = pytest.mark.slow

_TOKEN = "tok-footnote-0123456789abcdef"
_CERTIFICATE = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"


def unit(count: int) -> Vectors:
    """Return random unit vectors."""
    rows = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    made: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made


def test_quotas_are_respected_and_a_busy_server_is_retried(chroma: Chroma) -> None:
    with proxied(chroma, quotas=True) as proxy:
        server = Server(proxy.url)
        name = "footnote-test-quotas"
        store = VectorStore(Remote(server, name), create=True)
        vectors, ids = unit(650), [f"{n:03d}" for n in range(650)]
        with pytest.raises(VectorServerError, match="Quota exceeded: 'Number of records'"):
            server.open(name).add(ids=ids[:301], embeddings=vectors[:301])
        proxy.refuse += [429, 503, 429]
        store.add(ids, vectors, [{"article_id": "a", "ordinal": n} for n in range(650)])
        assert (
            store.count() == 650
            and store.missing(ids) == 0
            and store.missing(["nobody", ids[0]]) == 1
            and proxy.most_writing == 1
        )
        read = store.vectors(ids)
        assert all(np.allclose(read[id_], vector, atol=1e-6) for id_, vector in zip(ids, vectors, strict=True))
        found = store.query(vectors[7], 1000)
        assert len(found) == 300 and found[0][0] == "007" and abs(found[0][1] - 1) < 1e-5
        server.drop(name)
        proxy.seen.clear()
        proxy.refuse += [503] * 100
        with pytest.raises(VectorServerError, match="is overloaded"):
            server.check()
        assert len(proxy.seen) == 6


def test_a_closed_connection_is_opened_again(tmp_path: Path) -> None:
    with running(tmp_path / "chroma") as chroma:
        server = Server(chroma.url)
        server.check()
        chroma.stop()
        chroma.start()
        server.check()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made with openssl")
def test_a_server_with_tls_is_reached_if_its_certificate_is_trusted(
    chroma: Chroma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, key, certificate = (tmp_path / name for name in ("whole.pem", "key.pem", "certificate.pem"))
    subprocess.run(
        ["openssl", *_CERTIFICATE.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    whole.write_bytes(key.read_bytes() + certificate.read_bytes())
    with proxied(chroma, certificate=whole) as proxy:
        with pytest.raises(VectorServerError, match="is not trusted"):
            Server(proxy.url).check()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Server(proxy.url, token="a-token-makes-it-another-connection").check()


def test_a_wrong_address_or_a_missing_database_is_reported(chroma: Chroma) -> None:
    with pytest.raises(VectorServerError, match="no database 'elsewhere' of a tenant 'default_tenant'"):
        Server(chroma.url, database="elsewhere").check()
    with pytest.raises(VectorServerError, match="Check FOOTNOTE_CHROMA_URL"):
        Server(f"{chroma.url}/nowhere").check()
    with proxied(chroma) as proxy:
        proxy.target = 9
        with pytest.raises(VectorServerError, match=r"does not reach its Chroma server \(502\)"):
            Server(proxy.url).check()


@pytest.mark.parametrize(
    ("name", "value"), [("url", f"http://{_TOKEN}@host:8000"), ("url", "host:8000"), ("token", f"{_TOKEN}\n—")]
)
def test_an_invalid_setting_is_reported_without_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FOOTNOTE_CHROMA_{name.upper()}", value)
    with pytest.raises(FootnoteError, match=f"FOOTNOTE_CHROMA_{name.upper()} is not usable") as raised:
        make_settings()
    assert _TOKEN not in str(raised.value)


def test_a_reply_that_repeats_the_token_is_not_shown() -> None:
    class Gossip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(500)
            self.end_headers()
            self.wfile.write(f"you sent {self.headers['X-Chroma-Token']}".encode())

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    gossip = HTTPServer(("127.0.0.1", 0), Gossip)
    threading.Thread(target=gossip.serve_forever, daemon=True).start()
    with pytest.raises(VectorServerError) as raised:
        Server(f"http://127.0.0.1:{gossip.server_address[1]}", token=_TOKEN).look()
    gossip.shutdown()
    assert _TOKEN[:8] not in str(raised.value) and raised.value.__suppress_context__
