"""Adding, reading, searching and removing sources over the API."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from index.build.lock import hold_lock
from index.errors import IndexBusy
from index.sources.roots import registered_addresses, uploads
from rag.access.users import UserStore
from rag.access.visitor import Role
from rag.api.request_log import RequestLog
from rag.api.routes import make_api_router
from rag.api.service import AnswerService
from rag.engine import Engine
from rag.evaluation_runs import EvaluationRuns
from rag.removed import Removed
from rag.settings import Settings
from rag.source_changes import BadAddress, SourceChanges
from rag.ui.report import write_report
from rag.uploads import Uploads
from tests.programs import make_home

HERONS = b"# Herons\n\nDora Pell counts the herons of the river Alm.\n"
OTHERS = b"# Herons\n\nIvo Marsh counts the herons of the river Alm since May.\n"


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def engine(made_home: Path, tmp_path: Path) -> Iterator[Engine]:
    home = Path(shutil.copytree(made_home, tmp_path / "home"))
    engine = Engine(Settings(home=home, max_source_mb=0.01, max_uploads_mb=0.05))
    engine.warm_up()
    yield engine
    engine.close()


@pytest.fixture
def client(engine: Engine) -> TestClient:
    app = FastAPI()
    app.add_middleware(RequestLog)
    removed = Removed(engine)
    files = Uploads(engine.home, engine.settings, removed)
    service = AnswerService(engine)
    runs = EvaluationRuns(engine, service.queue, write_report)
    app.include_router(make_api_router(service, files, SourceChanges(engine, removed), runs))
    return TestClient(app, raise_server_exceptions=False)


def send(client: TestClient, name: str, content: bytes) -> Any:
    return client.post("/api/sources", files={"files": (name, content)})


def who_counts(client: TestClient) -> str:
    return str(client.post("/api/ask", json={"question": "Who counts the herons of the river Alm?"}).json()["answer"])


def test_a_file_is_added_asked_read_replaced_and_removed(client: TestClient, engine: Engine) -> None:
    UserStore(engine.home).add("anna", "four plain words here", Role.ADMIN, "test")
    reply = send(client, "herons.md", HERONS)
    (outcome,) = reply.json()["sources"]
    assert (outcome["name"], outcome["state"]) == ("herons.md", "added") and "Dora Pell" in who_counts(client)
    assert reply.json()["generation"] == engine.parts()[0].manifest.name
    text = client.get("/api/sources/herons.md", params={"start": 2, "end": 8}).json()
    assert (text["text"] == HERONS.decode()[2:8] and text["length"] == len(HERONS)) or "Herons" in text["text"]
    assert send(client, "herons.md", HERONS).json()["sources"][0]["state"] == "unchanged"
    assert send(client, "herons.md", OTHERS).json()["sources"][0]["state"] == "replaced"
    assert "Ivo Marsh" in who_counts(client)
    assert client.delete("/api/sources/herons.md").json()["removed"] == "herons.md"
    assert "The sources do not answer" in who_counts(client) and not (uploads(engine.home) / "herons.md").exists()
    changes = [(one.what, one.about) for one in UserStore(engine.home).audit(10)]
    assert changes[1:] == [("source added", "herons.md")] * 2 + [("source removed", "herons.md")]


def test_a_bad_file_is_refused_with_its_reason_and_a_good_one_beside_it_is_added(client: TestClient) -> None:
    alone = send(client, "data.bin", b"\x00\x01")
    assert alone.status_code == 400 and "data.bin" in alone.json()["error"]
    sent = [("files", (".hidden.md", HERONS)), ("files", ("herons.md", HERONS)), ("files", ("../../up.md", OTHERS))]
    states = {one["name"]: one["state"] for one in client.post("/api/sources", files=sent).json()["sources"]}
    assert states == {".hidden.md": "failed", "herons.md": "added", "up.md": "added"}
    assert client.post("/api/sources", files={"other": ("herons.md", HERONS)}).status_code == 400


def test_too_much_is_refused_whole(client: TestClient, engine: Engine) -> None:
    assert send(client, "large.md", b"x " * 6_000).status_code == 413
    assert send(client, "larger.md", b"x " * 60_000).status_code == 413
    assert not uploads(engine.home).exists() or not any(uploads(engine.home).iterdir())


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"url": ""}', b'{"url": "ftp://x"}', b'{"file": "/etc/passwd"}'])
def test_a_bad_address_is_refused(client: TestClient, body: bytes) -> None:
    reply = client.post("/api/sources", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400 and reply.json()["error"]


def test_unknown_sources_and_offsets_outside_have_their_own_status(client: TestClient) -> None:
    assert client.get("/api/sources/gone.md").status_code == 404
    assert client.delete("/api/sources/gone.md").status_code == 404
    assert client.delete(f"/api/sources/{quote('/etc/passwd', safe='')}").status_code == 404
    assert client.get("/api/sources/ferry.md", params={"start": 10_000}).status_code == 400
    assert client.get("/api/sources/ferry.md", params={"start": -1}).status_code == 400


def test_a_search_gives_passages(client: TestClient) -> None:
    found = client.post("/api/search", json={"query": "ferry to Lundy", "limit": 1}).json()["passages"]
    assert [one["source"] for one in found] == ["ferry.md"]
    assert client.post("/api/search", json={"query": "ferry", "limit": 0}).status_code == 400


def test_files_are_as_before_if_indexing_fails(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing, folder = SourceChanges(engine, Removed(engine)), uploads(engine.home)
    (tmp_path / "herons.md").write_bytes(HERONS)
    changing.add_files([tmp_path / "herons.md"], "")

    for name in ("herons.md", "new.md"):
        (tmp_path / name).write_bytes(OTHERS)
    monkeypatch.setattr("rag.source_changes._WAIT", 0)
    with hold_lock(engine.home), pytest.raises(IndexBusy):
        changing.add_files([tmp_path / "herons.md", tmp_path / "new.md"], "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"herons.md": HERONS}


def test_files_that_were_not_replaced_yet_stay_if_a_file_is_lost_on_the_way(engine: Engine, tmp_path: Path) -> None:
    changing, folder = SourceChanges(engine, Removed(engine)), uploads(engine.home)
    names = ("first.md", "second.md", "third.md")
    for name in names:
        (tmp_path / name).write_bytes(HERONS)
    changing.add_files([tmp_path / name for name in names], "")
    (tmp_path / "first.md").write_bytes(OTHERS)
    (tmp_path / "third.md").write_bytes(OTHERS)
    with pytest.raises(FileNotFoundError):
        changing.add_files([tmp_path / name for name in names], "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict.fromkeys(names, HERONS)


def test_a_source_stays_if_its_removal_fails(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: TestClient
) -> None:
    changing, folder = SourceChanges(engine, Removed(engine)), uploads(engine.home)
    (tmp_path / "herons.md").write_bytes(HERONS)
    changing.add_files([tmp_path / "herons.md"], "")

    monkeypatch.setattr("rag.engine._FORGET_WAITS", 0)
    with hold_lock(engine.home):
        for name in ("herons.md", "ferry.md"):
            reply = client.delete(f"/api/sources/{name}")
            assert reply.status_code == 503 and "writing the index" in reply.json()["error"]
    assert (folder / "herons.md").read_bytes() == HERONS
    engine.index()
    assert {"herons.md", "ferry.md"} <= {one["source"] for one in client.get("/api/sources").json()["sources"]}
    assert "Dora Pell" in who_counts(client)


def test_a_page_that_was_a_source_stays_one_when_it_cannot_be_fetched(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing, address = SourceChanges(engine, Removed(engine)), "http://127.0.0.1:9/page"
    with pytest.raises(BadAddress):
        changing.add_page(address, "")
    assert address not in registered_addresses(engine.home)
    with hold_lock(engine.home), monkeypatch.context() as patch, pytest.raises(IndexBusy):
        patch.setattr("rag.source_changes._WAIT", 0)
        changing.add_page(address, "")
    assert address not in registered_addresses(engine.home)
    engine.index(addresses=[address])
    with pytest.raises(BadAddress):
        changing.add_page(address, "")
    assert address in registered_addresses(engine.home)


def test_a_new_server_leaves_what_another_can_restore(engine: Engine, tmp_path: Path) -> None:
    (path := tmp_path / "herons.md").write_bytes(HERONS)
    here = Removed(engine)
    changing = SourceChanges(engine, here)
    changing.add_files([path], "")
    _, token = changing.remove(["herons.md"], "")
    other = Removed(engine)
    other.close()
    assert changing.undo(token, "").added == ["herons.md"]
    here.close()
    assert not list((engine.home / "removed").iterdir())
