"""The sample articles: ordinary sources next to the user's, removable and restorable; removal, undo and groups."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from index.errors import FootnoteError
from index.home import folder_size
from index.sources.roots import uploads
from index.state import write_sealed
from rag.answer import answer
from rag.engine import Engine
from rag.groups import GROUPS_FILE, drop_group, folders, groups, keep_group
from rag.removed import Removed
from rag.settings import SEEDS, Settings
from rag.sources import list_sources
from rag.uploads import Uploads
from tests.conftest import Run

pytestmark = pytest.mark.slow

ARTICLES = {"000_fee8f80bb4d154f2.txt", "002_892b5bec6cb22725.txt"}


@pytest.fixture
def started(tmp_path: Path, seeds_home: Path) -> Engine:
    """Return an engine over a home as the first start leaves it, with the sample only."""
    return Engine(Settings(home=Path(shutil.copytree(seeds_home, tmp_path / "home"))))


def upload(engine: Engine, name: str, text: str) -> None:
    folder = uploads(engine.home)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    engine.index([folder])


def names(engine: Engine) -> set[str]:
    return {row.source for row in list_sources(engine)}


def test_a_first_source_is_added_to_the_sample(started: Engine) -> None:
    upload(started, "otters.txt", "The otters of the river Alm are counted by Dr. Quillfeather.")
    assert names(started) == {*ARTICLES, "otters.txt"}
    assert {row.source for row in list_sources(started) if row.sample} == ARTICLES
    assert not answer(started, "How many jobs will the TDK deal create?").refused


def test_the_sample_is_not_indexed_if_other_sources_are_named_first(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/mill.txt").write_text("The mill at Farley was built in 1823.")
    engine = Engine(Settings(home=tmp_path / "home"))
    assert engine.preview([tmp_path / "docs"]).added == ["mill.txt"]
    engine.index([tmp_path / "docs"])
    assert names(engine) == {"mill.txt"}
    engine.forget([str(tmp_path / "docs")])
    assert names(engine) == set()


def test_the_sample_stays_removed_until_its_folder_is_named(started: Engine, run: Run) -> None:
    upload(started, "otters.txt", "The otters of the river Alm are counted by Dr. Quillfeather.")
    assert run("forget", home=started.home).returncode == 2
    assert run("forget", "--sample", home=started.home).returncode == 0
    started.index()
    assert names(started) == {"otters.txt"}
    assert answer(started, "How many jobs will the TDK deal create?").refused
    started.index([SEEDS])
    assert names(started) == {*ARTICLES, "otters.txt"}


def test_undo_restores_all_removed_sources(started: Engine) -> None:
    upload(started, "otters.txt", "The otters of the river Alm are counted by Dr. Quillfeather.")
    removed = Removed(started)
    report, token = removed.remove(["otters.txt", "000_fee8f80bb4d154f2.txt"], _quiet)
    assert sorted(report.removed) == ["000_fee8f80bb4d154f2.txt", "otters.txt"]
    assert not (uploads(started.home) / "otters.txt").exists()
    removed.undo(token, _quiet)
    assert names(started) == {*ARTICLES, "otters.txt"}
    with pytest.raises(FootnoteError, match="too late"):
        removed.undo(token, _quiet)
    assert folder_size(started.home / "removed") == 0


def test_undo_does_not_overwrite_a_newer_upload(started: Engine) -> None:
    upload(started, "note.txt", "The old well is dry.")
    removed = Removed(started)
    _, token = removed.remove(["note.txt"], _quiet)
    upload(started, "note.txt", "The new well is deep.")
    removed.undo(token, _quiet)
    assert (uploads(started.home) / "note.txt").read_text() == "The new well is deep."


def test_removed_files_are_deleted_when_the_server_ends(started: Engine) -> None:
    upload(started, "note.txt", "The old well is dry.")
    removed = Removed(started)
    _, token = removed.remove(["note.txt"], _quiet)
    removed.close()
    assert list((started.home / "removed").iterdir()) == []
    with pytest.raises(FootnoteError, match="too late"):
        removed.undo(token, _quiet)


def test_removed_files_count_as_uploaded_until_an_upload_needs_their_space(started: Engine) -> None:
    limit = started.settings.model_copy(update={"max_uploads_mb": 0.003})
    removed = Removed(started)
    files = Uploads(started.home, limit, removed)
    tokens = []
    for name in ("first.txt", "second.txt"):
        upload(started, name, f"The {name} well is dry. " * 40)
        tokens.append(removed.remove([name], _quiet)[1])
    held = folder_size(started.home / "removed")
    assert held > 1500 and not files.has_room(3001)
    assert files.has_room(3000 - held) and folder_size(started.home / "removed") == held
    assert files.has_room(3001 - held)  # Only the older removal must be deleted.
    with pytest.raises(FootnoteError, match="too late"):
        removed.undo(tokens[0], _quiet)
    removed.undo(tokens[1], _quiet)
    assert names(started) == {*ARTICLES, "second.txt"}
    assert not files.has_room(2900)


def test_a_source_with_an_unchanged_stamp_can_be_read_again(started: Engine) -> None:
    started.index()
    assert started.index().read == 0
    assert started.index(anew=["000_fee8f80bb4d154f2.txt"]).read == 1
    assert started.index().read == 0


def test_the_list_of_sources_shows_their_length(started: Engine) -> None:
    upload(started, "note.txt", "The old  well\nis dry.")
    row = next(row for row in list_sources(started) if row.source == "note.txt")
    assert (row.words, row.pages, row.sample) == (5, 0, False)


def test_groups_can_be_stored_replaced_and_deleted(tmp_path: Path) -> None:
    assert groups(tmp_path) == {}
    keep_group(tmp_path, " Our  team ", ["b.txt", "a.txt", "a.txt"])
    keep_group(tmp_path, "Other", ["c.txt"])
    keep_group(tmp_path, "Other", ["d.txt"])
    assert groups(tmp_path) == {"Other": ["d.txt"], "Our team": ["a.txt", "b.txt"]}
    drop_group(tmp_path, "Other")
    assert list(groups(tmp_path)) == ["Our team"]
    for name, sources in (("", ["a"]), ("x" * 61, ["a"]), ("none", [])):
        with pytest.raises(FootnoteError):
            keep_group(tmp_path, name, sources)
    write_sealed(tmp_path / GROUPS_FILE, {"groups": [1]})
    assert groups(tmp_path) == {}


def test_folders_with_several_sources_are_groups() -> None:
    names = ["a/1.txt", "a/b/2.txt", "c/3.txt", "4.txt", "https://example.org/x", "https://example.org/y"]
    assert folders(names) == {"a": ["a/1.txt", "a/b/2.txt"]}


def _quiet(stage: str, done: int, total: int) -> None:
    del stage, done, total
