"""A home that version 0.2.0 made is taken over: its sources are read, and its index is made again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from index.build.manifest import FORMAT, Manifest
from index.home import current_folder
from index.sources.roots import registered_roots
from rag.cli.main import main

pytestmark = pytest.mark.slow
Out = pytest.CaptureFixture[str]
NAME = "20261127T203009409103-517913c8"


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, Path]:
    """A home as 0.2.0 wrote it, and its folder of sources: no file has a seal, and there are no copies of lists."""
    docs, home = tmp_path / "docs", tmp_path / "home"
    docs.mkdir()
    (docs / "otters.txt").write_text("Otters live in the river Alm. They eat fish.\n")
    index = home / "index"
    generation = index / "generations" / NAME
    (generation / "vectors").mkdir(parents=True)
    (generation / "words").mkdir()
    sqlite3.connect(generation / "catalog.sqlite").close()
    (index / "current").write_text(NAME)
    (index / "lock").write_text("")
    (index / "roots.json").write_text(json.dumps({"roots": [str(docs)]}, indent=1))
    (index / "seen.json").write_text(json.dumps({"otters.txt": [45, 1795811408220932230]}))
    recipe = {
        "model": "all-MiniLM-L6-v2",
        "weights_sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "encoding": "footnote-32k",
        "chunk_tokens": 200,
        "chunk_overlap": 40,
        "format": 2,
    }
    manifest = {
        "name": NAME,
        "created": "2026-11-27T20:30:09Z",
        "recipe": recipe,
        "dimension": 384,
        "articles": 1,
        "chunks": 1,
        "corpus_sha256": "517913c889479b5ebfdc284b914a0ba018d38306e3a9fc9f2cedf447f6b79e5f",
    }
    (generation / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return home, docs


def test_the_first_question_makes_the_index_again_and_says_why(old: tuple[Path, Path], capsys: Out) -> None:
    home, docs = old
    assert main(["ask", "Where do otters live?", "--home", str(home)]) == 0
    said = capsys.readouterr()
    assert "river Alm" in said.out and f"format is 2, the settings say {FORMAT}" in said.err
    assert "it was made from 1 source" in said.err
    assert registered_roots(home) == [docs]
    assert Manifest.read(current_folder(home)).recipe.format == FORMAT
    assert main(["doctor", "--home", str(home)]) == 0


def test_an_old_home_is_looked_at_without_being_changed(old: tuple[Path, Path], capsys: Out) -> None:
    home, _ = old
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert main(["doctor", "--home", str(home)]) == 1
    output = capsys.readouterr().out
    assert "BAD  index: The index was made with other settings. Run `python app.py index`" in output
    assert "ok   state files" in output
    assert all(path.read_bytes() == data for path, data in before.items())
    assert main(["index", "--dry-run", "--home", str(home)]) == 0


def test_an_old_home_can_be_backed_up_and_restored(old: tuple[Path, Path], tmp_path: Path) -> None:
    home, docs = old
    assert main(["backup", str(tmp_path / "old.zip"), "--home", str(home)]) == 0
    assert main(["restore", str(tmp_path / "old.zip"), "--home", str(tmp_path / "new")]) == 0
    assert registered_roots(tmp_path / "new") == [docs]
