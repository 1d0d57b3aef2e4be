"""Language model servers on this machine: they are found, listed and chosen, and nothing else is sent to them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from benchmarks.scripted import KEY, serving
from benchmarks.served import free_port
from index.errors import FootnoteError
from rag.cli.main import main
from rag.engine import Engine
from rag.settings import SAVED, make_settings
from rag.ui.escape import escape
from rag.ui.preferences import _Events, model_offer, preferences_room
from rag.writer import servers
from rag.writer.llm import LanguageModel, ModelServerError
from rag.writer.servers import ModelServer, find_servers, find_url
from tests.visitor import page_request


@contextmanager
def replying(body: bytes, status: int = 200) -> Iterator[int]:
    """Serve one body at every path, on a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def dripping() -> Iterator[int]:
    """Serve a line that never ends, on a port."""
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not stop.wait(0.1):
                self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    stop.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return usual ports on which nothing listens; a test may change them."""
    ports = {name: free_port() for name in servers.USUAL}
    monkeypatch.setattr(servers, "USUAL", ports)
    return ports


def test_servers_on_the_usual_ports_are_found_in_both_forms(usual: dict[str, int]) -> None:
    assert find_servers() == []
    with (
        serving(usual["Ollama"], "llama3.2:latest", "nomic-embed-text", is_ollama=True) as first,
        serving(usual["vLLM"], "qwen2.5") as second,
    ):
        assert find_servers() == [
            ModelServer("Ollama", first.url, ("llama3.2:latest",)),
            ModelServer("vLLM", second.url, ("qwen2.5",)),
        ]
        assert find_url("llama3.2", first.url) == find_url("llama3.2", first.url.removesuffix("/v1")) == first.url
        with pytest.raises(ModelServerError, match=r"has no model 'mistral'. It has: qwen2.5"):
            find_url("mistral", second.url)
    asked = [one["path"] for one in first.requests]
    assert set(asked) <= {"v1/models", "models"}, "a search asked for more than the models"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome to the router</html>",
        b'{"data": "none"}',
        b'{"data": [5, null, {"id": 7}, {"id": ""}, {"id": "a\\u001b[31m"}]}',
        b"[" * 100_000,
        b'{"data": [' + b'{"id": "m"},' * 200_000,
        b"\xff\xfe",
    ],
)
def test_other_programs_on_a_usual_port_are_ignored(usual: dict[str, int], body: bytes) -> None:
    with replying(body) as port:
        usual["llama.cpp"] = port
        assert find_servers() == []


@pytest.mark.parametrize("status", [301, 302, 404, 500])
def test_a_search_follows_no_redirect_and_ignores_errors(usual: dict[str, int], status: int) -> None:
    with replying(b'{"data": [{"id": "m"}]}', status) as port:
        usual["vLLM"] = port
        assert find_servers() == []


def test_a_list_of_models_names_a_server_that_is_down_and_a_key_that_is_wrong() -> None:
    with pytest.raises(ModelServerError, match="Nothing answers at"):
        find_url("m", f"http://127.0.0.1:{free_port()}/v1")
    with replying(b"", 401) as port, pytest.raises(ModelServerError, match="wants another key"):
        find_url("m", f"http://127.0.0.1:{port}/v1", KEY)


def test_a_server_that_drips_its_answer_does_not_hold_up_the_search(usual: dict[str, int]) -> None:
    with dripping() as usual["vLLM"]:
        started = time.monotonic()
        assert find_servers() == []
        assert time.monotonic() - started < 10, "the search waits for the whole answer"


@pytest.mark.parametrize(
    "url", ["foo", "http://[::1", f"http://{'a' * 70}.x/v1", "http://u:hunter2@127.0.0.1:1/v1", "ftp://127.0.0.1/v1"]
)
def test_a_bad_address_is_reported_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main(["models", "--home", str(tmp_path), "--use", "m", "--at", url]) == 1
    said = capsys.readouterr().err
    assert said.strip() and "Traceback" not in said and "hunter2" not in said
    page = str(
        _Events(Engine(make_settings(home=tmp_path))).save(
            json.dumps({"writer": "llm", "llm_url": url, "llm_model": "m"}), page_request()
        )
    )
    assert "hunter2" not in page and "Saved" not in page


def test_the_key_of_the_environment_goes_to_no_server_that_was_found_here(
    usual: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM_KEY", KEY)
    engine = Engine(make_settings(home=tmp_path))
    events = _Events(engine)
    with serving(0, "perfect") as server:
        chosen = {"writer": "llm", "llm_url": server.url, "llm_model": "perfect"}
        assert "Saved" in str(events.save(json.dumps(chosen), page_request()))
        assert "is set in the environment" in str(events.save(json.dumps({"llm_key": "sk-other"}), page_request()))
        list(LanguageModel(engine.settings).complete([{"role": "user", "content": "Question: x"}]))
        assert KEY not in str(server.headers)
    assert engine.settings.llm_key == SecretStr(KEY)
    monkeypatch.setenv("FOOTNOTE_LLM_URL", "http://127.0.0.1:9/v1")
    assert make_settings(home=tmp_path).model_key == KEY


def test_the_command_lists_models_chooses_one_and_returns_to_quotes(
    usual: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    assert main(["models", *home]) == 1
    assert "No language model server was found" in capsys.readouterr().out
    with serving(usual["Ollama"], "llama3.2", is_ollama=True) as server:
        assert main(["models", *home]) == 0
        said = capsys.readouterr().out
        assert f"Ollama at {server.url}\n  llama3.2" in said and "Answers are quotes" in said
        assert main(["models", *home, "--use", "mistral"]) == 1
        assert "There are: llama3.2." in capsys.readouterr().err
        assert main(["models", *home, "--use", "llama3.2"]) == 0
        assert "written by llama3.2 at" in capsys.readouterr().out
    made = make_settings(home=tmp_path)
    assert (made.writer, made.llm_url, made.llm_model) == ("llm", server.url, "llama3.2")
    assert main(["models", *home, "--quote"]) == 0
    assert (make_settings(home=tmp_path).writer, make_settings(home=tmp_path).llm_model) == ("quote", "llama3.2")


def test_the_page_offers_what_is_found_and_asks_for_it_only_if_the_setting_allows(
    usual: dict[str, int], tmp_path: Path
) -> None:
    with serving(usual["LM Studio"], "<b>qwen</b>") as server:
        engine = Engine(make_settings(home=tmp_path))
        room = preferences_room(engine.settings, engine.model_servers())
        assert escape("<b>qwen</b>") in room and "<b>qwen" not in room and escape(server.url) in room
        assert escape("<b>qwen") in model_offer(engine.model_servers(), engine.settings)
        silent = Engine(make_settings(home=tmp_path, find_models=False))
        before = len(server.requests)
        assert silent.model_servers(again=True) == [] and len(server.requests) == before
        far = make_settings(home=tmp_path, host="0.0.0.0")
        assert model_offer(engine.model_servers(), far) == "" and "Let" not in preferences_room(far, find_servers())


def test_a_key_typed_on_the_page_is_used_for_its_server_alone_and_is_kept_nowhere(tmp_path: Path) -> None:
    engine = Engine(make_settings(home=tmp_path))
    events = _Events(engine)

    def save(**chosen: str) -> str:
        return str(events.save(json.dumps(chosen), page_request()))

    with serving(0, "perfect") as first, serving(0, "perfect") as second:
        said = save(writer="llm", llm_url=first.url, llm_model="perfect", llm_key=KEY)
        assert "Saved" in said and KEY not in said and engine.settings.llm_key == SecretStr(KEY)
        assert "Saved" in save(passages="5") and engine.settings.llm_key == SecretStr(KEY)
        assert "has no model" in save(llm_model="other", writer="llm") and engine.settings.llm_model == "perfect"
        assert "Saved" in save(writer="llm", llm_url=second.url) and engine.settings.llm_key is None
    assert (tmp_path / SAVED).is_file()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_the_environment_can_fix_the_model(
    usual: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM_URL", "http://127.0.0.1:9/v1")
    settings = make_settings(home=tmp_path)
    assert "Let" not in preferences_room(settings, [ModelServer("Ollama", "http://127.0.0.1:11434/v1", ("m",))])
    with serving(usual["Ollama"], "m", is_ollama=True), pytest.raises(FootnoteError, match="can't be changed here"):
        from rag.settings import save

        save(settings, {"llm_url": "http://127.0.0.1:11434/v1"})
