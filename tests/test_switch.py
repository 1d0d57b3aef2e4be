"""The switch to a new index: a generation with a fault is never put in use, and the old one stays as it was."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import coverage
import numpy as np
import pytest

from index.build import reader_marks, write
from index.build.generation import Generation, faults, open_current, switch_to, verify_in_fresh_process
from index.build.manifest import Manifest
from index.build.write import Builder
from index.encoder.embedder import Embedder
from index.errors import IndexDamaged, IndexMismatch, VectorsLost
from index.home import current_folder, index_folder
from index.store.chroma_server import Server
from index.store.collections import VectorCollection
from index.store.exact import EXACT
from index.store.vectors import VectorStore
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings
from tests.conftest import ROOT

ELSEWHERE = Server("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Return a home with an index of three articles."""
    folder = tmp_path_factory.mktemp("switch")
    (folder / "docs").mkdir()
    for name, text in (
        ("otters", "The otters of the river Alm are counted by Dr. Quillfeather."),
        ("mill", "The mill at Farley was built in 1823."),
        ("pier", "The pier of Oxlund is closed in winter."),
    ):
        (folder / f"docs/{name}.txt").write_text(text)
    sync(Builder(folder / "home", recipe(Settings()), embedder, 20_000_000), [folder / "docs"])
    return folder / "home"


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the home."""
    return Path(shutil.copytree(original, tmp_path / "home"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where coverage measures the tests, let it measure the processes that they start too."""
    if coverage.Coverage.current():
        monkeypatch.setenv("COVERAGE_PROCESS_START", str(ROOT / "pyproject.toml"))


def article_ids(folder: Path) -> list[str]:
    """Return the ids of the articles in a generation."""
    with contextlib.closing(Generation(folder)) as generation:
        return sorted(generation.catalog.homes().values())


@contextlib.contextmanager
def changed_vectors(folder: Path) -> Iterator[tuple[VectorStore, str]]:
    """Yield the vectors of a generation and the id of a chunk; then seal the generation again."""
    with contextlib.closing(Generation(folder)) as generation:
        first = next(iter(generation.catalog.chunk_ids()))
    with contextlib.closing(VectorStore(folder / "vectors", folder / EXACT)) as store:
        yield store, first
    write._seal(Manifest.read(folder), folder)


def lose_a_vector(folder: Path) -> None:
    """Store a vector of zeros, which no query finds, in place of the first."""
    with changed_vectors(folder) as (store, first):
        size = len(store.vectors([first])[first])
        store.remove([first])
        store.add([first], np.zeros((1, size), np.float32), [{"article_id": "a", "ordinal": 0}])


# Faults


def test_a_whole_generation_has_no_fault_and_passes_in_a_fresh_process(home: Path, measured: None) -> None:
    folder = current_folder(home)
    assert faults(folder) == []
    verify_in_fresh_process(folder)
    verify_in_fresh_process(folder, None, article_ids(folder)[:1])


def test_parts_that_hold_different_numbers_of_chunks_or_articles_are_a_fault(home: Path) -> None:
    folder = current_folder(home)
    manifest = Manifest.read(folder)
    replace(manifest, chunks=4).write(folder)
    assert faults(folder) == ["chunks differ: manifest has 4, catalog has 3, vectors has 3, words has 3"]
    replace(manifest, articles=2).write(folder)
    assert faults(folder) == ["articles differ: manifest has 2, catalog has 3"]


def test_a_chunk_without_a_vector_is_a_fault_if_it_was_added_or_is_old(home: Path) -> None:
    folder = current_folder(home)
    with changed_vectors(folder) as (store, first):
        store.remove([first])
    for added in (None, article_ids(folder), []):
        counts, missing = faults(folder, None, added)
        assert "vectors has 2" in counts and missing == "1 chunks have no vector"


def test_a_vector_that_no_query_reaches_is_a_fault_of_its_kind(home: Path, measured: None) -> None:
    folder = current_folder(home)
    lose_a_vector(folder)
    assert faults(folder) == ["1 of 3 vectors are not reached by a query"]
    with pytest.raises(VectorsLost, match="was not put in use: 1 of 3 vectors are not reached by a query"):
        verify_in_fresh_process(folder)


def test_two_faults_are_damage_even_if_one_is_a_lost_vector(home: Path, measured: None) -> None:
    folder = current_folder(home)
    lose_a_vector(folder)
    replace(Manifest.read(folder), articles=2).write(folder)
    with pytest.raises(IndexDamaged, match=r"articles differ: .*; 1 of 3 vectors are not reached") as caught:
        verify_in_fresh_process(folder)
    assert not isinstance(caught.value, VectorsLost)


def test_a_generation_that_cannot_be_opened_fails_its_check_with_the_reason(home: Path, measured: None) -> None:
    folder = current_folder(home)
    (folder / "words" / "meta.json").write_text("{}")
    with pytest.raises(IndexDamaged, match=r"was not put in use: The index is damaged: words/meta\.json changed"):
        verify_in_fresh_process(folder)


def test_a_check_that_its_process_does_not_survive_is_a_failed_check(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    for _ in range(20):  # some of them end before their input is written, others after it
        with pytest.raises(IndexDamaged, match="was not put in use: exit code -9"):
            verify_in_fresh_process(current_folder(home))


def test_a_check_ends_with_the_process_that_started_it(tmp_path: Path, measured: None) -> None:
    os.mkfifo(tmp_path / "manifest.json")  # reading it waits for ever
    with subprocess.Popen(
        [sys.executable, "-m", "index.build.generation", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as checking:
        assert checking.stdin and checking.stdout
        checking.stdin.write(json.dumps({"server": None, "added": None}) + "\n")
        checking.stdin.flush()
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                checking.wait(0.5)
            checking.stdin.close()
            assert checking.wait(60) == 1 and checking.stdout.read() == ""
        finally:
            checking.kill()


# The switch


def test_a_new_generation_that_fails_its_check_is_not_put_in_use(home: Path, embedder: Embedder) -> None:
    before, docs = current_folder(home), home.parent / "docs"
    docs.mkdir()
    (docs / "barn.txt").write_text("The barn at Brill was burnt down in 1911.")
    other = replace(recipe(Settings()), chunk_tokens=100)
    builder = Builder(home, other, embedder, 20_000_000)
    before_files = sorted(path.name for path in (index_folder(home) / "generations").iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", shutil.which("false"))
        with pytest.raises(IndexDamaged, match="was not put in use: exit code 1"):
            sync(builder, [docs])
    assert current_folder(home) == before and faults(before) == []
    assert sorted(path.name for path in (index_folder(home) / "generations").iterdir()) == before_files
    assert not list(index_folder(home).glob("building-*"))


def test_the_switch_keeps_the_last_generation_and_deletes_older_ones(home: Path) -> None:
    newest = current_folder(home)
    place = VectorCollection("http://127.0.0.1:9", "t", "d", "footnote-x")
    for name in ("0001", "0002", "0003"):
        shutil.copytree(newest, newest.parent / name)
    replace(Manifest.read(newest.parent / "0002"), place=place).write(newest.parent / "0002")
    (newest.parent / "0001" / "manifest.json").write_text("damaged")
    assert switch_to(home, newest.name) == [place]
    assert current_folder(home) == newest
    assert sorted(path.name for path in newest.parent.iterdir()) == ["0003", newest.name]


# Opening what is in use


def test_an_index_whose_vectors_are_not_where_the_settings_say_is_not_opened(home: Path) -> None:
    made_by = Manifest.read(current_folder(home)).recipe
    with pytest.raises(IndexMismatch, match="in the index folder and FOOTNOTE_CHROMA_URL says http://127"):
        open_current(home, made_by, ELSEWHERE)
    open_current(home, made_by).close()


def test_after_a_reader_that_ended_uncleanly_every_file_is_compared(home: Path) -> None:
    folder = current_folder(home)
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        catalog.execute("create table filling as select zeroblob(1500000)")
        catalog.commit()
    write._seal(Manifest.read(folder), folder)
    replace(Manifest.read(folder), files={**Manifest.read(folder).files, "catalog.sqlite": "0" * 64}).write(folder)
    # The catalog now differs from its digest, but is large and was not touched since it was last trusted.
    open_current(home).close()
    (index_folder(home) / "readers" / "1-dead").touch()
    with pytest.raises(IndexDamaged, match=r"catalog\.sqlite"):
        open_current(home)
    assert not list((index_folder(home) / "readers").iterdir())


def test_a_mark_that_cannot_be_removed_hides_no_other(home: Path) -> None:
    marks = index_folder(home) / "readers"
    for name in ("0-folder", "2-folder"):
        (marks / name).mkdir(parents=True)
    assert not reader_marks.ended_uncleanly(index_folder(home))
    (marks / "1-dead").touch()
    assert reader_marks.ended_uncleanly(index_folder(home))
    assert sorted(path.name for path in marks.iterdir()) == ["0-folder", "2-folder"]


def test_a_manifest_without_its_seal_is_damaged_unless_an_earlier_version_wrote_it(home: Path) -> None:
    folder = current_folder(home)
    value = json.loads((folder / "manifest.json").read_text())
    del value["seal"]
    (folder / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(IndexDamaged, match=r"manifest\.json is missing or was changed"):
        open_current(home)
    value["recipe"]["format"] -= 1
    (folder / "manifest.json").write_text(json.dumps(value))
    assert Manifest.read(folder).recipe.format == value["recipe"]["format"]


def test_a_reader_that_still_runs_does_not_count_as_ended(home: Path) -> None:
    with contextlib.closing(open_current(home)), contextlib.closing(open_current(home)):
        assert len(list((index_folder(home) / "readers").iterdir())) == 2
    assert not list((index_folder(home) / "readers").iterdir())
