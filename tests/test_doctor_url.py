"""`doctor --url`: what it says of servers that are well, loading, empty, guarded, broken, hostile or no Footnote."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.served import free_port, served, silent_source
from rag.access.users import UserStore
from rag.access.visitor import Role
from rag.cli.doctor import Check
from rag.cli.doctor_url import examine_server
from rag.cli.main import main
from rag.provenance import program_version
from tests.conftest import Run
from tests.programs import ready_server

ALIVE = (200, '{"status": "alive"}')
READY = (200, '{"status": "ready", "words": "2 sources, ready", "kind": "ready"}')
DESCRIPTION = (200, json.dumps({"info": {"version": program_version()}}))
METRICS = (
    'footnote_queue_length 0\nfootnote_queue_limit 101\nfootnote_ready 1\nfootnote_index_info{generation="g-1"} 1\n'
)
WELL = {"/health": ALIVE, "/ready": READY, "/api/openapi.json": DESCRIPTION, "/metrics": (200, METRICS)}


@dataclass
class Fake:
    """A server that sends what it is given: path -> (status, body), and remembers the requests."""

    replies: dict[str, tuple[int, str]]
    address: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def fake(changed: dict[str, tuple[int, str]]) -> Iterator[Fake]:
    """Serve what a server that is well sends, with `changed` replies; a body of a redirect is its location."""
    made = Fake({**WELL, **changed})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.seen.append((self.path, self.headers.get("Authorization", "")))
            status, body = made.replies.get(self.path, (404, ""))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield made
        server.shutdown()


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a program on a port that does `talk` with its first client; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                talk(client)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def examined(url: str, token: str = "") -> list[Check]:
    return list(examine_server(url, token))


def bad(url: str, token: str = "") -> str:
    """Return the message of the only check that failed."""
    (found,) = (check for check in examined(url, token) if not check.ok)
    return found.message


def test_a_server_that_is_well_passes_every_check_and_gets_the_token() -> None:
    with fake({}) as server:
        checks = examined(server.address, "secret")
    assert [check.name for check in checks if check.ok] == ["server", "ready", "version", "metrics"]
    assert checks[2].message == program_version() and "generation g-1" in checks[3].message
    assert server.seen == [(path, "Bearer secret") for path in WELL]


@pytest.mark.parametrize(
    ("path", "status", "body", "said"),
    [
        ("/health", 421, "", "FOOTNOTE_ALLOWED_HOSTS"),
        ("/health", 502, "", "A proxy answers"),
        ("/health", 401, "", "Let the proxy pass it"),
        ("/health", 500, "", "unexpected reply (status 500). Read its log"),
        ("/health", 404, "", "is not Footnote's (status 404)"),
        ("/health", 200, "<html>Welcome</html>", "is not Footnote's"),
        ("/health", 200, "[" * 100_000, "is not Footnote's"),
        ("/health", 200, "x" * 6_000_000, "sends more than Footnote does"),
        ("/ready", 503, '{"words": "Models are warming up", "kind": "busy"}', "Models are warming up. Wait"),
        ("/ready", 200, '{"words": "No sources yet", "kind": "failed"}', "No sources yet. `python app.py doctor` on"),
        ("/ready", 500, '{"words": 7, "kind": "ready"}', "unexpected reply (status 500)"),
        ("/api/openapi.json", 503, '{"error": "users.db is damaged"}', "status 503, users.db is damaged"),
        ("/api/openapi.json", 200, '{"info": []}', "unexpected reply"),
        ("/metrics", 200, "footnote_ready 1\n", "unexpected reply"),
        ("/metrics", 200, METRICS.replace("length 0", "length 101"), "raise FOOTNOTE_MAX_WAITING"),
        ("/metrics", 200, METRICS.partition("footnote_index_info")[0], "no usable index"),
    ],
)
def test_a_fault_is_named_with_what_to_do(path: str, status: int, body: str, said: str) -> None:
    with fake({path: (status, body)}) as server:
        assert said in bad(server.address)
        assert path != "/health" or len(server.seen) == 1


def test_a_redirect_is_reported_and_not_followed() -> None:
    with fake({}) as target, fake({"/health": (302, f"{target.address}/health")}) as server:
        assert f"redirects to {target.address}/health" in bad(server.address, "secret")
    assert target.seen == []


def test_another_version_is_mentioned() -> None:
    with fake({"/api/openapi.json": (200, '{"info": {"version": "0.0.1"}}')}) as server:
        assert f"0.0.1; this program is {program_version()}" in examined(server.address)[2].message


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{port}", "Nothing listens at http://127.0.0.1:"),
        ("http://nowhere.invalid", "No machine has the name nowhere.invalid"),
    ],
)
def test_a_server_that_does_not_run_is_reported(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (check,) = examined(url.format(port=free_port()))
    assert not check.ok and said in check.message


def test_a_server_of_another_protocol_is_reported() -> None:
    with fake({}) as server:
        assert "does not speak TLS" in bad(server.address.replace("http:", "https:"))
    with listening(lambda client: client.sendall(b"220 mail.example ESMTP\r\n")) as address:
        assert "does not answer with HTTP" in bad(address)


def test_a_silent_and_an_endless_server_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.cli.doctor_url._SECONDS", 0.3)
    gone = threading.Event()

    def drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):  # the client leaves
            while not gone.wait(0.05):
                client.sendall(b" ")

    def say_nothing(_: socket.socket) -> None:
        gone.wait()

    for talk in (drip, say_nothing):
        with listening(talk) as address:
            assert "does not answer within" in bad(address)
    gone.set()


def test_words_of_a_server_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    words = json.dumps({"words": "\x1b]0;owned\x07\u202e\nok   all: well", "kind": "failed"})
    with fake({"/ready": (503, words)}) as server:
        assert main(["doctor", "--url", f"{server.address}/"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[1].startswith(r"BAD  ready: \x1b]0;owned\x07\u202e\nok   all: well.")


@pytest.mark.parametrize(
    "url", ["", "localhost:7860", "ftp://a.example", "http://", "http://a:99999", "http://u:p@a.example", "http://a/?b"]
)
def test_what_is_no_url_is_misused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--url", url])
    assert ended.value.code == 2 and "expected a URL" in capsys.readouterr().err


# --- the real server --------------------------------------------------------------------------------------------------


def checks_of(run: Run, address: str, code: int, token: str = "") -> dict[str, tuple[bool, str]]:
    """Run the command with --json; return name -> (ok, message)."""
    done = run("doctor", "--url", address, "--json", FOOTNOTE_TOKEN=token)
    assert done.returncode == code and done.stderr == "" and (not token or token not in done.stdout), done
    return {one["name"]: (one["ok"], one["told"]) for one in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
def test_a_running_server_is_examined_as_far_as_it_lets_a_user(run: Run, seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with ready_server(home) as address:
        open_ = checks_of(run, address, 0)
        assert open_["ready"] == (True, "2 sources, ready") and open_["version"] == (True, program_version())
        assert open_["metrics"][1].startswith("2 sources in ") and "generation" in open_["metrics"][1]
        users = UserStore(home)
        for name, role in (("anna", Role.ADMIN), ("rita", Role.READER)):
            users.add(name, None, role, "test")
        tokens = {name: users.new_token(name, Role.ADMIN, "", None, "test") for name in ("anna", "rita")}
        assert checks_of(run, address, 0, tokens["anna"]) == open_
        read = checks_of(run, address, 0, tokens["rita"])
        assert read["version"] == open_["version"] and "needs the role admin" in read["metrics"][1]
        unknown = checks_of(run, address, 0)
        assert unknown["ready"] == open_["ready"] and "set FOOTNOTE_TOKEN" in unknown["version"][1]
        wrong = checks_of(run, address, 1, "wrong-token")
        assert not wrong["version"][0] and "does not accept the token" in wrong["version"][1]
    assert "Nothing listens" in checks_of(run, address, 1)["server"][1]


@pytest.mark.slow
def test_a_server_that_loads_or_has_no_sources_is_not_well(run: Run, tmp_path: Path) -> None:
    with silent_source(tmp_path / "home") as env, served(tmp_path / "home", tmp_path / "log", **env) as address:
        loading = checks_of(run, address, 1)
        assert not loading["ready"][0] and loading["ready"][1].endswith("Wait, and check again.")
        assert loading["metrics"][0] and loading["version"][0]
    home, docs = tmp_path / "empty", tmp_path / "docs"
    docs.mkdir()
    (docs / "otters.txt").write_text("The otters of the river Alm are counted in March.\n", "utf-8")
    assert run("index", str(docs), home=home).returncode == 0
    assert run("forget", "otters.txt", home=home).returncode == 0
    with ready_server(home) as address:
        assert "No sources yet" in checks_of(run, address, 1)["ready"][1]
