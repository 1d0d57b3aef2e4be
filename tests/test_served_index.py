"""Vectors on a Chroma server give the same answers as in the folder, are shared by processes, and are cleaned up."""

from __future__ import annotations

import asyncio
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.chroma import Chroma, running
from index.build.generation import faults, open_current
from index.build.write import Builder
from index.errors import IndexDamaged, IndexMismatch, VectorServerError
from index.home import current_folder, index_folder
from index.store.chroma_server import Server
from index.store.collections import prefix
from index.sync import preview, sync
from rag import engine as engines
from rag.answer import answer
from rag.api.service import AnswerService
from rag.choice import ALL_SOURCES
from rag.cli import codes
from rag.cli.main import main
from rag.engine import Engine
from rag.settings import Settings, make_settings
from rag.ui.turns import Turns
from tests.chroma import proxied
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

Out = pytest.CaptureFixture[str]
_TOKEN = "tok-footnote-0123456789abcdef"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return a folder of two sources."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "otters.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather in March.")
    (folder / "badgers.txt").write_text("Badgers live in the wood of Brill.")
    return folder


def with_server(builder: Builder, server: Server, home: Path | None = None) -> Builder:
    """Return the builder with its vectors on a server."""
    return replace(builder, server=server, home=home or builder.home)


def remote_generations(server: Server, home: Path) -> list[str]:
    """Return the generations of the index in this home that are on the server."""
    own = prefix(index_folder(home))
    return sorted(name.removeprefix(own) for name in server.collections() if name.startswith(own))


def generations(home: Path) -> list[str]:
    """Return the generations on disk."""
    return sorted(path.name for path in (index_folder(home) / "generations").iterdir())


def same(one: Any, other: Any) -> bool:
    """True if two JSON values are equal, numbers within 1e-4."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return abs(one - other) <= 1e-4 if isinstance(one, float) else bool(one == other)


def test_a_folder_and_a_server_give_the_same_answers(engine: Engine, chroma: Chroma, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(engine.home, home)
    served = Engine(Settings(home=home, chroma_url=chroma.url))
    with pytest.raises(IndexMismatch, match=f"in the index folder and FOOTNOTE_CHROMA_URL says {chroma.url}"):
        served.parts()
    report = served.index()
    assert report.built and report.embedded == 0 and len(report.unchanged) == 2
    assert not (current_folder(home) / "vectors").exists()
    for question in ("Who supplies GM's cells?", "How many jobs will the TDK deal create?", "Who wrote Hamlet?"):
        one, other = (answer(one_engine, question).to_json() for one_engine in (engine, served))
        # Suggestions depend on how long an engine has run, and the two generations have different names.
        passing = {"timings": None, "suggestions": None, "made_by": {**other["made_by"], "generation": ""}}
        assert same({**one, **passing}, {**other, **passing})
        assert {**one["made_by"], "generation": ""} == passing["made_by"]
    back = Engine(Settings(home=home))
    with pytest.raises(IndexMismatch, match="FOOTNOTE_CHROMA_URL is not set"):
        back.parts()
    assert back.index().embedded == 0 and (current_folder(home) / "vectors").exists()


class Chat:
    """A chat in a separate process."""

    def __init__(self, home: Path, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.asker"],
            cwd=ROOT,
            env={**os.environ, "FOOTNOTE_HOME": str(home), "FOOTNOTE_CHROMA_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def ask(self, question: str) -> Any:
        assert self.process.stdin
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return self.read()


def test_two_chat_processes_agree_while_a_third_process_syncs(builder: Builder, chroma: Chroma, docs: Path) -> None:
    served = with_server(builder, Server(chroma.url))
    sync(served, [docs])
    chats = [Chat(served.home, chroma.url) for _ in range(2)]
    try:
        assert [chat.read() for chat in chats] == ["ready", "ready"]
        question = "Who counts the otters of the river Alm?"
        (old,) = {json.dumps(chat.ask(question)) for chat in chats}
        assert "Quillfeather" in old
        (docs / "otters.txt").write_text("The otters of the river Alm are counted by Mrs. Underhill in June.")
        writer = threading.Thread(target=sync, args=(served, [docs]))
        writer.start()
        during = set()
        while writer.is_alive():
            during |= {json.dumps(chat.ask(question)) for chat in chats}
        (new,) = {json.dumps(chat.ask(question)) for chat in chats}
        assert "Underhill" in new and during <= {old, new}
    finally:
        for chat in chats:
            chat.process.kill()
            chat.process.wait()


def test_a_server_that_is_down_is_reported_and_used_again_without_a_restart(
    builder: Builder, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    question = "Who counts the otters of the river Alm?"
    with running(tmp_path / "chroma") as chroma:
        sync(with_server(builder, Server(chroma.url)), [docs])
        chroma.stop()
        engine = Engine(Settings(home=builder.home, chroma_url=chroma.url))
        starting = threading.Thread(target=engine.warm_up)
        starting.start()
        assert engine.warm.wait(60)
        words, kind = engine.status()
        assert kind == "failed" and chroma.url in words and "chroma run" in words
        with pytest.raises(VectorServerError, match=chroma.url):
            answer(engine, question)
        monkeypatch.setenv("FOOTNOTE_CHROMA_URL", chroma.url)
        for command in (["ask", question], ["index"]):
            assert main([*command, "--home", str(builder.home)]) == codes.FAILED
            output = capsys.readouterr().err
            assert len(output.splitlines()) == 1 and chroma.url in output and "chroma run" in output
        chroma.start()
        starting.join(120)
        assert engine.state == "ready"
        before = answer(engine, question).to_json()["answer"]
        assert "Quillfeather" in before
        chroma.stop()
        with pytest.raises(VectorServerError, match=chroma.url):
            answer(engine, question)
        shown = asyncio.run(last_state(Turns(AnswerService(engine)), question))
        assert chroma.url in html.unescape(shown) and "Traceback" not in shown
        chroma.start()
        assert answer(engine, question).to_json()["answer"] == before


async def last_state(turns: Turns, question: str) -> str:
    return [markup async for markup in turns.states(question, "session", "turn", "quote", ALL_SOURCES)][-1]


def test_watching_continues_while_the_server_is_down(docs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "app.py", "index", str(docs), "--watch", "--json", "--home", str(tmp_path / "home")]
    with (
        running(tmp_path / "chroma") as chroma,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "FOOTNOTE_CHROMA_URL": chroma.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout and process.stderr
        try:
            assert json.loads(process.stdout.readline())["added"] == ["badgers.txt", "otters.txt"]
            chroma.stop()
            (docs / "otters.txt").write_text("The otters of the river Alm are counted by Mrs. Underhill in June.")
            assert chroma.url in process.stderr.readline()
            chroma.start()
            assert json.loads(process.stdout.readline())["changed"] == ["otters.txt"]
        finally:
            process.kill()


def test_a_server_that_is_down_is_not_reported_as_a_missing_index(tmp_path: Path) -> None:
    engine = Engine(Settings(home=tmp_path / "home", chroma_url="http://127.0.0.1:9"))
    for ask in (engine.parts, engine.ensure_index):
        with pytest.raises(VectorServerError, match=r":9 does not answer"):
            ask()


def test_the_token_is_sent_to_the_proxy_and_never_shown(
    chroma: Chroma, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with proxied(chroma, token=_TOKEN, quotas=True) as proxy:
        with pytest.raises(VectorServerError, match=r"wants a token \(401\)"):
            Server(proxy.url).check()
        monkeypatch.setenv("FOOTNOTE_CHROMA_URL", proxy.url)
        monkeypatch.setenv("FOOTNOTE_CHROMA_TOKEN", f"{_TOKEN}-not")
        assert main(["index", str(docs), "--home", str(home)]) == codes.FAILED
        monkeypatch.setenv("FOOTNOTE_CHROMA_TOKEN", _TOKEN)
        for words in (["index"], ["index", "--dry-run"], ["sources"], ["doctor"], ["forget", "badgers.txt"]):
            assert main([*words, "--home", str(home)]) == codes.ANSWERED
        assert main(["settings", "--home", str(home)]) == codes.ANSWERED
        out, err = capfd.readouterr()
        assert "does not accept the token in FOOTNOTE_CHROMA_TOKEN (401)" in err and "all parts agree" in out
        assert "unencrypted" in out and _TOKEN not in out + err
        assert _TOKEN not in repr(make_settings()) + repr(engines.server(make_settings()))
        assert not any(_TOKEN.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
        assert not any(_TOKEN in line for line in proxy.seen)


def test_collections_are_deleted_with_their_generations_and_others_are_kept(
    builder: Builder, chroma: Chroma, docs: Path, tmp_path: Path
) -> None:
    server = Server(chroma.url)
    one, other = with_server(builder, server), with_server(builder, server, tmp_path / "other")
    sync(one, [docs])
    sync(other, [docs])
    for text in ("Owls live in the mill.", "Owls left the mill."):
        (docs / "owls.txt").write_text(text)
        sync(one, [docs])
    assert remote_generations(server, one.home) == generations(one.home) and len(generations(one.home)) == 2
    assert (
        remote_generations(server, other.home) == generations(other.home)
        and faults(current_folder(other.home), server) == []
    )

    own = prefix(index_folder(one.home))
    theirs = ["footnote-0123456789ab-20200101T000000000000-dead", "somebody-elses"]
    for name in [f"{own}20200101T000000000000-dead", *theirs]:
        server.create(name, {"space": "cosine"})
    assert not sync(one, [docs]).built
    assert remote_generations(server, one.home) == generations(one.home)
    assert set(theirs) <= set(server.collections())


def test_a_copied_index_never_changes_the_collections_of_the_original(
    builder: Builder, chroma: Chroma, docs: Path, tmp_path: Path
) -> None:
    server = Server(chroma.url)
    first = with_server(builder, server)
    sync(first, [docs])
    copy = with_server(builder, server, tmp_path / "copy")
    shutil.copytree(first.home, copy.home)
    report = sync(copy, [docs])
    assert report.built and report.embedded == 0
    (docs / "owls.txt").write_text("Owls live in the mill.")
    sync(copy, [docs])
    assert remote_generations(server, first.home) == generations(first.home)
    assert faults(current_folder(first.home), server) == faults(current_folder(copy.home), server) == []


def test_collections_of_a_killed_sync_are_deleted_by_the_next(builder: Builder, chroma: Chroma, docs: Path) -> None:
    server = Server(chroma.url)
    served = with_server(builder, server)
    sync(served, [docs])
    (docs / "owls.txt").write_text("Owls live in the mill.")
    environment = {**os.environ, "FOOTNOTE_HOME": str(served.home), "FOOTNOTE_CHROMA_URL": chroma.url}
    command = [sys.executable, "app.py", "index", str(docs)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        while len(remote_generations(server, served.home)) < 2 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert faults(current_folder(served.home), server) == []
    sync(served, [docs])
    assert remote_generations(server, served.home) == generations(served.home)
    assert faults(current_folder(served.home), server) == []


def test_vectors_that_a_server_lost_are_uploaded_again(builder: Builder, chroma: Chroma, docs: Path) -> None:
    server = Server(chroma.url)
    served = with_server(builder, server)
    sync(served, [docs])
    generation = open_current(served.home, served.recipe, server)
    server.drop(f"{prefix(index_folder(served.home))}{generation.manifest.name}")
    with pytest.raises(IndexDamaged, match="does not have the vectors of the index any more"):
        generation.vectors.query(np.ones(384, np.float32), 1)
    assert preview(served, [docs]).added == ["badgers.txt", "otters.txt"]
    assert sync(served, [docs]).built and faults(current_folder(served.home), server) == []


def test_an_index_can_be_moved_off_a_server_that_no_longer_exists(builder: Builder, docs: Path, tmp_path: Path) -> None:
    with running(tmp_path / "chroma") as gone:
        sync(with_server(builder, Server(gone.url)), [docs])
    report = sync(builder, [docs])
    assert report.built and report.embedded == 2 and report.unchanged == ["badgers.txt", "otters.txt"]
    (docs / "owls.txt").write_text("Owls live in the mill.")
    report = sync(builder, [docs])
    ((where, why),) = report.notes
    assert report.embedded == 1 and where == gone.url and "which is no longer needed: delete it there" in why
