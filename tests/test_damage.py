"""Damage to the index: reported in one sentence and repaired from the sources, never a crash or a changed quote."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from fastapi.testclient import TestClient
from filelock import FileLock

from benchmarks import corruption
from index.build import reader_marks
from index.build.checkpoint import Embedded
from index.build.generation import Generation, faults, open_current
from index.build.lock import hold_lock, writer
from index.build.manifest import Manifest
from index.build.write import Builder
from index.encoder.embedder import Embedder
from index.errors import FootnoteError, IndexDamaged
from index.home import current_folder, index_folder
from index.sources.fetch import FetchLimits
from index.sources.roots import forget_sources, forgotten, mend_lists, register_roots, registered_roots
from index.sources.seen import Seen
from index.sources.web_pages import refresh, saved_pages
from index.store.bm25 import LexicalIndex
from index.store.digests import digests, stamps_of, trust, verify_files
from index.sync import damaged_files, last_failures, sync
from rag.engine import Engine, recipe
from rag.evaluation.run import BadRun, read_run
from rag.settings import Settings
from rag.ui.server import make_server
from tests.conftest import ROOT, Run

pytestmark = pytest.mark.slow

SENTENCE = "The index is damaged: "


def test_twenty_random_damages_change_no_answer_and_crash_no_process(tmp_path: Path) -> None:
    assert sum(corruption.run(tmp_path, range(20)).values()) == 20


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Return a folder with two articles in docs/ and an index of them in home/."""
    folder = tmp_path_factory.mktemp("damage")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "otters.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather. There are 4711.")
    (docs / "mill.txt").write_text("The mill at Farley was built in 1823.")
    sync(Builder(folder / "home", recipe(Settings()), embedder, 20_000_000), [docs])
    return folder


@pytest.fixture
def docs(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original / "docs", tmp_path / "docs"))


@pytest.fixture
def home(original: Path, builder: Builder, docs: Path) -> Path:
    """Return the builder's home with a copy of the index."""
    shutil.copytree(original / "home", builder.home)
    register_roots(builder.home, [docs])
    return builder.home


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert data.count(old) >= 1
    path.write_bytes(data.replace(old, new))


# Files of a generation


def checked_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a generation that are checked on opening."""
    yield from (folder / name for name in Manifest.read(folder).files)


def test_a_changed_byte_in_any_file_is_noticed_before_a_library_opens_it(home: Path) -> None:
    folder = current_folder(home)
    files = [path for path in checked_files(folder) if path.stat().st_size]
    assert {path.parent.name for path in files} == {folder.name, "vectors", "words", "exact"}
    for path in files:
        if path.name == "chroma.sqlite3":
            continue  # Its free pages hold no data; another test checks its rows.
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(IndexDamaged, match=f"{SENTENCE}.*{path.name}.* Run `python app.py index`"):
            open_current(home)
        path.write_bytes(data)
    open_current(home).close()


def test_chromas_rows_are_compared_but_not_its_count_of_openings(home: Path) -> None:
    folder = current_folder(home)
    with contextlib.closing(sqlite3.connect(folder / "vectors" / "chroma.sqlite3")) as database:
        # As many rows as hundreds of openings leave, so that they fill new pages of the file.
        database.executemany("insert into acquire_write (lock_status) values (?)", [(1,)] * 2_000)
        database.commit()
        open_current(home).close()
        database.execute("update embedding_metadata set string_value = 'x' where key = 'article_id' and id = 1")
        database.commit()
    with pytest.raises(IndexDamaged, match=r"vectors/chroma\.sqlite3 changed"):
        open_current(home)


def test_a_vector_whose_sign_was_flipped_is_noticed(home: Path) -> None:
    path = current_folder(home) / "vectors" / "chroma.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        ((vector,),) = database.execute("select vector from embeddings_queue limit 1").fetchall()
    change(path, vector[:40], vector[:3] + bytes([vector[3] ^ 0x80]) + vector[4:40])
    with pytest.raises(IndexDamaged):
        open_current(home)


def test_an_unreadable_manifest_is_reported_and_rebuilt(builder: Builder, home: Path, docs: Path) -> None:
    for content in (b"", b"\xff\xfe\x00", b"{}", b'{"name": 7, "recipe": []}', b"[" * 100_000, b"null", b"[]"):
        (current_folder(home) / "manifest.json").write_bytes(content)
        with pytest.raises(IndexDamaged, match=r"manifest\.json is missing or was changed"):
            open_current(home, builder.recipe)
    report = sync(builder, [docs])
    assert report.built and faults(current_folder(home)) == []
    assert [name for name, why in report.notes if "written again" in why] == ["the index in use"]


def test_a_changed_figure_in_the_manifest_is_noticed(builder: Builder, home: Path) -> None:
    change(current_folder(home) / "manifest.json", b'"chunks": 2', b'"chunks": 3')
    with pytest.raises(IndexDamaged):
        open_current(home, builder.recipe)


def test_an_invalid_pointer_to_the_current_generation_is_reported_and_rebuilt(
    builder: Builder, home: Path, docs: Path
) -> None:
    for content in (b"", b"../..", b"no-such-name", b"a\0b", b"\n", b"\xff\xfe\x80"):
        (index_folder(home) / "current").write_bytes(content)
        with pytest.raises(IndexDamaged, match=SENTENCE):
            open_current(home)
    assert sync(builder, [docs]).built and faults(current_folder(home)) == []


def test_a_generation_without_digests_is_rebuilt_and_not_called_damaged(builder: Builder, home: Path) -> None:
    path = current_folder(home) / "manifest.json"
    value = json.loads(path.read_text())
    for key in ("seal", "files"):
        del value[key]
    value["recipe"]["format"] = 5
    path.write_text(json.dumps(value))
    report, why = Engine(Settings(home=home)).ensure_index()
    assert report and report.built and "format is 5" in why


# Large files


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, Path, dict[str, str]]:
    """Return (folder, a trusted file of 1.2 MB in it, digests); its digest is wrong."""
    folder = tmp_path / "generation"
    (folder / "words").mkdir(parents=True)
    path = folder / "words" / "large.store"
    path.write_bytes(bytes(1_200_000))
    files = {name: "0" * 64 for name in digests(folder)}
    trust(folder, stamps_of(folder, files))
    return folder, path, files


def test_a_large_unchanged_file_is_not_read_again(large: tuple[Path, Path, dict[str, str]]) -> None:
    folder, path, files = large
    verify_files(folder, files)
    with pytest.raises(IndexDamaged):
        verify_files(folder, files, whole=True)
    # After damage is detected, the next opening compares all files.
    with pytest.raises(IndexDamaged):
        verify_files(folder, files)
    trust(folder, stamps_of(folder, files))
    verify_files(folder, files)
    path.touch()
    with pytest.raises(IndexDamaged):
        verify_files(folder, files)


@pytest.mark.parametrize("content", [b"\xff", b"[]", b'{"words/large.store": 3}', b'{"words/large.store": [1]}'])
def test_a_damaged_list_of_trusted_files_means_that_all_are_compared(
    large: tuple[Path, Path, dict[str, str]], content: bytes
) -> None:
    folder, _, files = large
    (folder / "checked.json").write_bytes(content)
    with pytest.raises(IndexDamaged):
        verify_files(folder, files)


_DYING = """
import os, signal, sys
from pathlib import Path
from index.build.generation import open_current
generation = open_current(Path(sys.argv[1]))
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def corrupt_unseen(folder: Path) -> None:
    """Make the catalog large, trusted and corrupt, as after a silent disk error."""
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        catalog.execute("create table filling as select zeroblob(1500000)")
        catalog.commit()
    manifest = Manifest.read(folder)
    replace(manifest, files={**digests(folder), "catalog.sqlite": "0" * 64}).write(folder)
    trust(folder, stamps_of(folder, Manifest.read(folder).files))


@pytest.mark.parametrize(("end", "code"), [("killed", -signal.SIGKILL), ("clean", 0)])
def test_after_a_killed_reader_all_files_are_compared(home: Path, end: str, code: int) -> None:
    corrupt_unseen(current_folder(home))
    open_current(home).close()
    done = subprocess.run([sys.executable, "-c", _DYING, str(home), end], cwd=ROOT, check=False)
    assert done.returncode == code
    if end == "clean":
        open_current(home).close()
    else:
        with pytest.raises(IndexDamaged, match=r"catalog\.sqlite"):
            open_current(home)
    assert not list((index_folder(home) / "readers").iterdir())


def test_a_running_reader_does_not_count_as_killed(home: Path) -> None:
    generation = open_current(home)
    assert not reader_marks.ended_uncleanly(index_folder(home))
    assert len(list((index_folder(home) / "readers").iterdir())) == 1
    generation.close()
    assert not list((index_folder(home) / "readers").iterdir())


def test_after_a_killed_writer_all_files_are_compared(home: Path) -> None:
    corrupt_unseen(current_folder(home))
    with hold_lock(home):
        pass
    open_current(home).close()
    (index_folder(home) / "owner.json").write_text("{}")
    with hold_lock(home):
        pass
    with pytest.raises(IndexDamaged, match=r"catalog\.sqlite"):
        open_current(home)


# Quotes


def test_a_digit_that_changes_while_the_index_is_open_is_never_quoted(home: Path, run: Run) -> None:
    engine = Engine(Settings(home=home))
    catalog = engine.parts()[0].catalog
    path = current_folder(home) / "catalog.sqlite"
    change(path, b"There are 4711", b"There are 4712")
    for look in (
        lambda: catalog.article("otters.txt"),
        lambda: catalog.article_by_id(catalog.article_ids()["otters.txt"]),
        lambda: catalog.chunks(list(catalog.chunk_ids())),
    ):
        with pytest.raises(IndexDamaged, match=r"is damaged.* Run `python app.py index`"):
            look()
    page = TestClient(make_server(engine), "http://127.0.0.1").get("/article", params={"source": "otters.txt"})
    assert page.status_code == 503 and "4712" not in page.text and "Traceback" not in page.text
    output = run("doctor", home=home)
    assert output.returncode == 1 and "catalog.sqlite changed" in output.stdout
    assert run("index", home=home).returncode == 0
    reply = run("ask", "How many otters are there?", home=home)
    assert "4711" in reply.stdout and not reply.stderr


def test_ask_repairs_a_damaged_index_and_answers(home: Path, run: Run) -> None:
    change(current_folder(home) / "catalog.sqlite", b"There are 4711", b"There are 4712")
    reply = run("ask", "How many otters are there?", home=home)
    assert reply.returncode == 0 and "4711" in reply.stdout and "4712" not in reply.stdout
    assert reply.stderr.startswith(SENTENCE) and reply.stderr.count("\n") == 1


def test_a_copy_of_an_article_is_compared_too(builder: Builder, docs: Path) -> None:
    for name in ("one", "two"):
        (docs / f"{name}.html").write_text(f'<meta name="author" content="{name}"><p>The mill at Farley is old.</p>')
    sync(builder, [docs])
    generation = open_current(builder.home)
    assert generation.catalog.copies().keys() == {"two.html"}
    change(current_folder(builder.home) / "catalog.sqlite", b"Farley is old", b"Farley is new")
    with pytest.raises(IndexDamaged):
        generation.catalog.article("two.html")
    generation.close()


def test_errors_of_the_word_index_are_reported_as_damage(home: Path, tmp_path: Path) -> None:
    words = current_folder(home) / "words"
    changes = [
        (path.name, content)
        for path in sorted(path for path in words.iterdir() if path.stat().st_size)
        for content in (b"", b"\xff" * path.stat().st_size, path.read_bytes()[: path.stat().st_size // 2])
    ]
    assert count_damage(words, tmp_path, changes) > 10


def test_panics_of_the_word_index_are_reported_as_damage(home: Path, tmp_path: Path) -> None:
    """Flip single bits that make tantivy panic, which is not an Exception in Python."""
    words = current_folder(home) / "words"
    changes = []
    for path in sorted(path for path in words.iterdir() if path.suffix in (".idx", ".term")):
        data = path.read_bytes()
        for at in range(0, len(data), 3):
            changes.append((path.name, data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]))
    assert count_damage(words, tmp_path, changes) > 10


def count_damage(words: Path, tmp_path: Path, changes: list[tuple[str, bytes]]) -> int:
    """Query a copy of the word index after each change; count the IndexDamaged errors."""
    reports = 0
    for number, (name, content) in enumerate(changes):
        copy = shutil.copytree(words, tmp_path / str(number))
        (copy / name).write_bytes(content)
        try:
            damaged = LexicalIndex(copy)
            damaged.query(["otter", "alm"], 5)
            damaged.document_frequency("otter")
        except IndexDamaged:
            reports += 1
    return reports


def test_a_closed_page_removes_its_reader_mark(home: Path) -> None:
    engine = Engine(Settings(home=home))
    with TestClient(make_server(engine)):
        engine.parts()
        assert len(list((index_folder(home) / "readers").iterdir())) == 1
    assert not list((index_folder(home) / "readers").iterdir())


# Reuse of vectors


def test_vectors_of_a_damaged_generation_are_not_reused(builder: Builder, home: Path, docs: Path) -> None:
    (docs / "lake.txt").write_text("The lake of Corm is 43 metres deep.")
    sync(builder, [docs])
    path = current_folder(home) / "vectors" / "chroma.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        vectors = [vector for (vector,) in database.execute("select vector from embeddings_queue")]
    for vector in vectors:
        change(path, vector[:40], vector[:3] + bytes([vector[3] ^ 0x80]) + vector[4:40])
    assert sync(builder, [docs]).embedded == 1  # The older generation has the other two.


def test_vectors_are_reused_if_only_the_word_index_is_damaged(builder: Builder, home: Path, docs: Path) -> None:
    next((current_folder(home) / "words").glob("*.term")).write_bytes(b"")
    report = sync(builder, [docs])
    assert report.built and report.embedded == 0 and faults(current_folder(home)) == []


def test_damage_is_not_copied_into_the_next_generation(builder: Builder, home: Path, docs: Path) -> None:
    derived = replace(builder, derive_from=0, most_churn=1.0)
    folder = current_folder(home)
    # Trusted, so that opening does not notice the damage.
    manifest = Manifest.read(folder)
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        catalog.execute("create table filling as select zeroblob(1500000)")
        catalog.commit()
    replace(manifest, files={**digests(folder), "catalog.sqlite": "0" * 64}).write(folder)
    trust(folder, stamps_of(folder, Manifest.read(folder).files))
    (docs / "lake.txt").write_text("The lake of Corm is 43 metres deep.")
    report = sync(derived, [docs])
    assert report.built and any("written again" in why for _, why in report.notes)
    assert Manifest.read(current_folder(home)).churn == 0 and faults(current_folder(home)) == []


def test_a_changed_vector_in_the_store_is_discarded(builder: Builder) -> None:
    index_folder(builder.home).mkdir(parents=True)
    vector = np.eye(1, 384, dtype=np.float32)[0]
    kept = Embedded(builder.home, builder.recipe)
    kept.keep({b"digest": vector})
    assert kept.of([b"digest"])[b"digest"].tolist() == vector.tolist()
    kept.close()
    # Still of length 1, so only the checksum can tell.
    with contextlib.closing(sqlite3.connect(index_folder(builder.home) / "embedded.sqlite")) as database:
        database.execute("update sealed set vector = ?", ((-vector).tobytes(),))
        database.commit()
    assert Embedded(builder.home, builder.recipe).of([b"digest"]) == {}


# The small files of an index


def _flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])


DAMAGES: list[Callable[[Path], object]] = [
    _flip,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"\xff\xfe\x00\x80"),
    lambda path: path.write_bytes(b"null"),
    lambda path: path.unlink(),
]


@pytest.mark.parametrize("which", ["roots.json", "roots.json.copy", "forgotten.json", "forgotten.json.copy"])
def test_damage_of_one_file_loses_no_list(tmp_path: Path, which: str) -> None:
    home, docs = tmp_path / "home", tmp_path / "docs"
    (docs / "mill.txt").parent.mkdir()
    (docs / "mill.txt").touch()
    register_roots(home, [docs])
    forget_sources(home, [docs / "mill.txt"])
    name = which.removesuffix(".copy")
    for damaging in DAMAGES:
        damaging(index_folder(home) / which)
        assert registered_roots(home) == [docs] and forgotten(home) == {docs / "mill.txt"}
        assert name in damaged_files(home)[0]
        assert [one for one, _ in mend_lists(home)] == [name]
        assert damaged_files(home) == [] and mend_lists(home) == []
        assert registered_roots(home) == [docs] and forgotten(home) == {docs / "mill.txt"}


def test_a_sync_reports_that_it_repaired_a_list(builder: Builder, home: Path, docs: Path) -> None:
    _flip(index_folder(home) / "roots.json")
    assert "roots.json" in dict(sync(builder, registered_roots(home)).notes)
    assert damaged_files(home) == [] and registered_roots(home) == [docs]


def test_a_list_lost_with_its_copy_is_reported_and_no_source_is_removed(home: Path, run: Run) -> None:
    for name in ("roots.json", "roots.json.copy"):
        (index_folder(home) / name).write_bytes(b"\xff\xfe")
    for words in (["index"], ["doctor"]):
        done = run(*words, home=home)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and "Traceback" not in said
        assert "list of indexed folders" in said and "name the folders again" in said
    assert Generation(current_folder(home)).manifest.articles == 2


def test_lists_of_earlier_versions_are_read_without_a_report_of_damage(
    builder: Builder, home: Path, docs: Path
) -> None:
    index = index_folder(home)
    for path in index.glob("*.json*"):
        path.unlink()
    (index / "roots.json").write_text(json.dumps({"roots": [str(docs)], "addresses": []}))
    (index / "forgotten.json").write_text(json.dumps([str(docs / "mill.txt")]))
    (index / "failed.json").write_text(json.dumps([["a.txt", "is empty"]]))
    assert registered_roots(home) == [docs] and forgotten(home) == {docs / "mill.txt"}
    assert last_failures(home) == [("a.txt", "is empty")] and damaged_files(home) == []
    assert sync(builder, [docs]).notes == []


def test_damaged_files_that_can_be_recomputed_are_ignored(builder: Builder, home: Path, docs: Path) -> None:
    index = index_folder(home)
    for damaging in DAMAGES:
        for name in ("seen.json", "failed.json", "owner.json"):
            (index / name).write_text('{"pid": 1, "host": "there", "since": 0.0, "stamps": {}, "taken": 1}')
            damaging(index / name)
        assert last_failures(home) == [] and not Seen.last(home).stamps
    with FileLock(index / "lock"):
        assert "process 0" in str(writer(home))
    report = sync(builder, [docs])
    assert report.unchanged == ["mill.txt", "otters.txt"] and damaged_files(home) == []


def test_stamps_count_only_for_the_generation_that_they_belong_to(builder: Builder, home: Path, docs: Path) -> None:
    before = current_folder(home).name
    (docs / "mill.txt").write_text("The mill at Farley was torn down in 1900.")
    sync(builder, [docs])
    assert Seen.last(home).stamps
    (index_folder(home) / "current").write_text(before)
    assert not Seen.last(home).stamps
    report = sync(builder, [docs])
    assert report.changed == ["mill.txt"] and report.built


def test_a_changed_copy_of_a_web_page_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "lake.txt").write_text("The lake of Corm is 43 metres deep.")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    limits = FetchLimits(1_000, 5, frozenset({"text/plain"}), allow_private=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{site.server_port}/lake.txt"
        ((name, copy),) = refresh(tmp_path, [address], limits, lambda *_: None).files
        site.shutdown()
    assert name == address and saved_pages(tmp_path, [address])[0].files == [(address, copy)]
    change(copy, b"43 metres", b"44 metres")
    assert saved_pages(tmp_path, [address])[1] == [address]
    again = refresh(tmp_path, [address], limits, lambda *_: None)
    assert again.files == [] and again.failed[0][0] == address


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]\n", b"7\n", b'{"n": 1}\n'])
def test_a_damaged_run_is_reported(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text('{"made_by": {}}')
    (folder / "results.jsonl").write_bytes(content)
    with pytest.raises(BadRun):
        read_run(folder)
    (folder / "results.jsonl").write_bytes(b"")
    (folder / "run.json").write_bytes(b'{"made_by": [1]}')
    with pytest.raises(FootnoteError):
        read_run(folder)
