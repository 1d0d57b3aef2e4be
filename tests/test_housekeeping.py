"""Maintenance commands: dry runs, lists of sources, forget, watch and doctor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from index.build.lock import hold_lock, writer
from index.errors import IndexBusy
from index.home import current_folder, index_folder
from rag.cli import codes
from rag.cli.main import main
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

Out = pytest.CaptureFixture[str]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return a folder of three sources."""
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("Otters live in the river Alm. They eat fish.")
    (folder / "b.txt").write_text("Badgers live in the wood of Brill.")
    (folder / "sub/c.txt").write_text("Cranes come to the lake of Corm in May.")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the folder for the index."""
    return tmp_path / "home"


def do(home: Path, *words: str) -> int:
    """Run a command of app.py in this process."""
    return main([*words, "--home", str(home)])


def listed(home: Path, capsys: Out) -> dict[str, str]:
    """Return the state of each source, as `sources --json` reports it."""
    capsys.readouterr()
    assert do(home, "sources", "--json") == 0
    return {row["source"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def test_a_dry_run_reports_the_changes_and_writes_nothing(docs: Path, home: Path, capsys: Out) -> None:
    assert do(home, "index", str(docs)) == 0
    before = sorted(path.relative_to(home) for path in home.rglob("*"))
    (docs / "a.txt").write_text("Otters left the river Alm.")
    (docs / "b.txt").unlink()
    (docs / "d.txt").write_text("Ducks live on the pond of Dunn.")
    capsys.readouterr()
    assert do(home, "index", "--dry-run", "--json") == 0
    message = json.loads(capsys.readouterr().out)
    assert (message["added"], message["changed"], message["removed"]) == (["d.txt"], ["a.txt"], ["b.txt"]) and message[
        "dry_run"
    ]
    assert do(home, "index", "--dry-run") == 0
    assert "Nothing was written" in capsys.readouterr().out
    assert sorted(path.relative_to(home) for path in home.rglob("*")) == before
    assert do(home, "index", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert {name: done[name] for name in ("added", "changed", "removed", "unchanged")} == {
        name: message[name] for name in ("added", "changed", "removed", "unchanged")
    }


def test_a_dry_run_reports_what_it_would_do_with_an_address(home: Path, capsys: Out) -> None:
    assert do(home, "index", "--dry-run", "https://127.0.0.1:9/page") == 0
    message = capsys.readouterr().out
    assert "add     'https://127.0.0.1:9/page'" in message and "would be fetched" in message and "1 added" in message
    assert not home.exists()


def test_sources_are_listed_with_their_changes_since_the_last_sync(docs: Path, home: Path, capsys: Out) -> None:
    do(home, "index", str(docs))
    (docs / "a.txt").write_text("Otters left.")
    (docs / "empty.txt").write_text("")
    do(home, "index", "--dry-run")
    assert listed(home, capsys)["empty.txt"] == "not indexed yet"
    (docs / "empty.txt").unlink()
    assert listed(home, capsys) == {"a.txt": "changed since", "b.txt": "indexed", "sub/c.txt": "indexed"}
    assert do(home, "sources") == 0
    assert "3 sources in the index" in capsys.readouterr().out


def test_a_forgotten_source_is_excluded_until_it_is_named_again(docs: Path, home: Path, capsys: Out) -> None:
    do(home, "index", str(docs))
    assert do(home, "forget", "sub/c.txt") == 0
    do(home, "index")
    capsys.readouterr()
    do(home, "index", str(docs), "--rebuild")
    assert f"index {docs / 'sub/c.txt'}` adds it" in capsys.readouterr().out
    assert set(listed(home, capsys)) == {"a.txt", "b.txt"} and (docs / "sub/c.txt").exists()
    for words in ([str(docs / "sub/c.txt"), "--dry-run"], [str(docs / "sub/c.txt")]):
        capsys.readouterr()
        assert do(home, "index", *words, "--json") == 0
        assert json.loads(capsys.readouterr().out)["added"] == ["sub/c.txt"]
    assert set(listed(home, capsys)) == {"a.txt", "b.txt", "sub/c.txt"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--watch", "--dry-run"], codes.MISUSED, "combined with --dry-run"),
        (["--watch", "--rebuild"], codes.MISUSED, "combined with --dry-run or --rebuild"),
        ([""], codes.FAILED, "A path is empty"),
        (["ftp://example.org/a"], codes.FAILED, "only addresses with http:// or https://"),
    ],
)
def test_invalid_names_and_flags_change_nothing(
    home: Path, capsys: Out, words: list[str], code: int, message: str
) -> None:
    assert do(home, "index", *words) == code
    assert message in capsys.readouterr().err and not home.exists()


def test_the_command_fails_if_it_cannot_read_a_named_file(docs: Path, home: Path, capsys: Out) -> None:
    (docs / "empty.txt").write_text("")
    (docs / "photo.jpg").write_bytes(b"\xff\xd8")
    assert do(home, "index", str(docs)) == 0
    for name in ("empty.txt", "photo.jpg"):
        assert do(home, "index", str(docs / name)) == codes.FAILED
    assert do(home, "index", "http://127.0.0.1:9/") == codes.FAILED
    assert do(home, "index") == 0
    assert set(listed(home, capsys)) >= {"a.txt", "b.txt", "sub/c.txt"}


def test_forgetting_an_unknown_source_forgets_nothing_and_names_the_nearest(
    docs: Path, home: Path, capsys: Out
) -> None:
    do(home, "index", str(docs))
    assert do(home, "forget", "a.txt", "sub/d.txt") == 1
    assert "sub/c.txt" in capsys.readouterr().err
    assert set(listed(home, capsys)) == {"a.txt", "b.txt", "sub/c.txt"}


def test_a_deleted_folder_can_be_forgotten(docs: Path, home: Path, tmp_path: Path, capsys: Out) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.txt").write_text("Zebras live in the park of Zell.")
    do(home, "index", str(docs), str(other))
    shutil.rmtree(other)
    assert do(home, "doctor") == 1
    assert "app.py forget" in capsys.readouterr().out
    assert do(home, "forget", str(other)) == 0
    assert set(listed(home, capsys)) == {"a.txt", "b.txt", "sub/c.txt"}
    assert do(home, "doctor") == 0


def test_the_doctor_finds_damage_and_says_how_to_repair_it(docs: Path, home: Path, capsys: Out) -> None:
    do(home, "index", str(docs))
    assert do(home, "doctor") == 0
    (docs / "new.txt").write_text("News.")
    words = current_folder(home) / "words"
    shutil.rmtree(words)
    words.mkdir()
    capsys.readouterr()
    assert do(home, "doctor", "--json") == 1
    checks = {one["name"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert not checks["index"]["ok"] and "Run `python app.py index`" in checks["index"]["told"]
    assert not checks["up to date"]["ok"] and "new.txt" in checks["up to date"]["told"]
    assert checks["reading model"]["ok"] and checks["embedding model"]["ok"] and checks["disk space"]["ok"]
    assert do(home, "index", "--rebuild") == 0 and do(home, "doctor") == 0


def test_a_second_writer_is_refused_and_the_message_names_the_first(docs: Path, home: Path, capsys: Out) -> None:
    with hold_lock(home):
        with pytest.raises(IndexBusy, match=f"process {os.getpid()} on "), hold_lock(home):
            pass
        assert do(home, "index", str(docs)) == 1
        assert f"process {os.getpid()}" in capsys.readouterr().err
        owner = writer(home)
        assert owner and owner.pid == os.getpid()
    assert writer(home) is None and not (index_folder(home) / "owner.json").exists()


@pytest.mark.slow
def test_watching_indexes_changes_until_it_is_stopped(docs: Path, home: Path) -> None:
    command = [sys.executable, "app.py", "index", str(docs), "--watch", "--json", "--home", str(home)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # A shell in the background starts processes that ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["added"] == ["a.txt", "b.txt", "sub/c.txt"]
            (docs / "d.txt").write_text("Ducks live on the pond of Dunn.")
            (docs / "b.txt").unlink()
            second = json.loads(process.stdout.readline())
            assert (second["added"], second["removed"]) == (["d.txt"], ["b.txt"])
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == codes.INTERRUPTED
        finally:
            process.kill()
