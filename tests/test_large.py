"""Large indexes: they are changed in a copy, hold no texts in memory and resume after a stop."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from index.article import Article
from index.build.checkpoint import Embedded
from index.build.generation import faults, open_current
from index.build.manifest import Manifest
from index.build.write import Builder
from index.home import current_folder, index_folder
from index.store.catalog import Catalog
from index.store.vectors import VectorStore
from index.sync import sync
from index.text.words import content_terms
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

PLACES = ("Alm", "Brill", "Corm", "Dunn", "Eyre", "Farley", "Gower", "Hale")


@pytest.fixture
def large(builder: Builder) -> Builder:
    """Return a builder that treats every index as large."""
    return replace(builder, derive_from=1, most_churn=0.5)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return a folder of eight sources with one chunk each."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number, place in enumerate(PLACES):
        (folder / f"{place}.txt").write_text(f"The lake of {place} is {number + 40} metres deep.")
    return folder


def manifest(builder: Builder) -> Manifest:
    return Manifest.read(current_folder(builder.home))


def test_an_index_is_changed_in_a_copy_until_half_of_it_was_removed(large: Builder, docs: Path) -> None:
    sync(large, [docs])
    assert manifest(large).churn == 0
    for number in range(4):
        (docs / f"{PLACES[number]}.txt").write_text(f"Cranes were seen {number + 7} times at {PLACES[number]}.")
        report = sync(large, [docs])
        assert (report.embedded, report.chunks, manifest(large).churn) == (1, 8, number + 1)
        assert faults(current_folder(large.home)) == []
    generation = open_current(large.home)
    assert [id_ for id_, _ in generation.words.query(content_terms("cranes"), 9)]
    assert generation.words.count() == 8 and generation.words.idf("lake") > 0
    generation.close()
    (docs / "new.txt").write_text("Nothing is taken out for this one.")
    assert sync(large, [docs]).notes == [] and manifest(large).churn == 4
    (docs / "Hale.txt").unlink()
    assert sync(large, [docs]).embedded == 0 and manifest(large).churn == 0
    assert sync(replace(large, derive_from=9), [docs]).built is False


def test_a_copy_replaces_its_deleted_original_in_a_derived_index(large: Builder, docs: Path) -> None:
    page = (
        '<html><head><meta name="author" content="{0}"></head><body><p>The mill at Farley is of 1823.</p></body></html>'
    )
    for name, author in (("m1", "Tom Hale"), ("m2", "Ann Hale"), ("m3", "Joe Hale")):
        (docs / f"{name}.html").write_text(page.format(author))
    sync(large, [docs])
    (docs / "m1.html").unlink()
    report = sync(large, [docs])
    assert (report.removed, report.embedded, manifest(large).churn) == (["m1.html"], 0, 1)
    generation = open_current(large.home)
    assert generation.catalog.home("m3.html") == ("m2.html", generation.catalog.article_ids()["m2.html"])
    authors = [(one.source, one.author) for one in generation.catalog.listing() if one.source.startswith("m")]
    assert authors == [("m2.html", "Ann Hale"), ("m3.html", "Joe Hale")]
    generation.close()
    (docs / "m0.html").write_text(page.format("Kim Hale"))
    (docs / "m3.html").write_text("<p>The mill at Farley is gone.</p>")
    assert sync(large, [docs]).embedded == 1
    generation = open_current(large.home)
    assert generation.catalog.copies().keys() == {"m2.html"} and faults(generation.folder) == []
    generation.close()


def test_a_damaged_index_is_not_derived_from(large: Builder, docs: Path) -> None:
    sync(large, [docs])
    with contextlib.closing(VectorStore(current_folder(large.home) / "vectors")) as store:
        store.remove([next(Catalog(current_folder(large.home) / "catalog.sqlite").chunk_ids())])
    (docs / "new.txt").write_text("Badgers live in the wood.")
    report = sync(large, [docs])
    assert report.built and report.chunks == 9 and report.embedded == 9 and faults(current_folder(large.home)) == []
    assert any("written again" in why for _, why in report.notes)


_READER = """
import sys
from pathlib import Path
from index.build.checkpoint import Embedded
from index.build.generation import Generation
generation = Generation(Path(sys.argv[1]))
ids = list(generation.catalog.chunk_ids())
vectors = generation.vectors.vectors(ids)
for _ in sys.stdin:
    found = [generation.vectors.query(vectors[id_], 1)[0][0] for id_ in ids] == ids
    print(found, len(generation.words.query(["lake"], 9)), len(generation.catalog.chunks(ids)), flush=True)
"""


def test_a_reader_keeps_the_old_generation_while_a_copy_is_changed(large: Builder, docs: Path) -> None:
    sync(large, [docs])
    old = current_folder(large.home)
    command = [sys.executable, "-c", _READER, str(old)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin and reader.stdout

        def ask() -> str:
            assert reader.stdin and reader.stdout
            reader.stdin.write("\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert ask() == "True 8 8"
        before = contents(old)
        (docs / "Alm.txt").write_text("Cranes were seen at Alm.")
        (docs / "Brill.txt").unlink()
        answers = set[str]()
        report = sync(large, [docs], progress=lambda *_: answers.add(ask()))
        assert report.built and manifest(large).churn == 2 and current_folder(large.home) != old
        assert answers | {ask()} == {"True 8 8"} and contents(old) == before
        reader.stdin.close()
    assert faults(old) == faults(current_folder(large.home)) == []


def contents(folder: Path) -> dict[str, str]:
    """Return the digests of a generation's files, except those that opening writes."""
    opened = ("chroma.sqlite3", "checked.json")
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(opened)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


_KILLED = """
import os, signal, sys
from pathlib import Path
from index.build.write import Builder
from index.encoder.embedder import Embedder, find_model
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings

class Dying(Embedder):
    left = 2
    def encode_documents(self, texts):
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return super().encode_documents(texts)

sync(Builder(Path(sys.argv[1]), recipe(Settings()), Dying(find_model()), 20_000_000), [Path(sys.argv[2])])
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a folder with a source of 300 chunks, each under its own heading."""
    folder = tmp_path / "many"
    folder.mkdir()
    sections = [f"## Lake {number}\n\nIt is {number} metres deep and full of fish.\n" for number in range(300)]
    (folder / "lakes.md").write_text("# Lakes\n\n" + "\n".join(sections))
    return folder


def kill(builder: Builder, root: Path) -> None:
    """Run a sync that is killed after embedding two batches of 128."""
    command = [sys.executable, "-c", _KILLED, str(builder.home), str(root)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL


def test_vectors_of_a_killed_build_are_not_embedded_again(builder: Builder, many: Path) -> None:
    kill(builder, many)
    kept = index_folder(builder.home) / "embedded.sqlite"
    assert kept.is_file()
    report = sync(builder, [many])
    assert report.chunks == 300 and report.embedded == 300 - 2 * 128
    assert faults(current_folder(builder.home)) == [] and not kept.exists()


def test_leftover_vectors_are_discarded_if_they_are_of_no_use(builder: Builder, docs: Path) -> None:
    sync(builder, [docs])
    generation = open_current(builder.home)
    chunks = generation.catalog.chunks(list(generation.catalog.chunk_ids()))
    vectors = generation.vectors.vectors(list(chunks))
    generation.close()
    left = Embedded(builder.home, builder.recipe)
    left.keep({one.digest: vectors[id_] for id_, one in chunks.items()})
    left.close()
    kept = index_folder(builder.home) / "embedded.sqlite"
    whole = kept.read_bytes()
    with contextlib.closing(sqlite3.connect(kept)) as database, database:
        database.execute("update sealed set vector = zeroblob(1536)")
    emptied = kept.read_bytes()
    for content, embedded in ((whole, 0), (emptied, 8), (whole[: len(whole) // 2], 8), (b"torn", 8)):
        shutil.rmtree(index_folder(builder.home) / "generations")
        kept.write_bytes(content)
        assert sync(builder, [docs]).embedded == embedded and not kept.exists()
    kept.write_bytes(whole)
    assert sync(builder, [docs], rebuild=True).embedded == 8 and not kept.exists()
    kept.write_bytes(whole)
    other = replace(builder, recipe=replace(builder.recipe, chunk_overlap=0))
    assert sync(other, [docs]).embedded == 8 and not kept.exists()


def test_texts_are_not_held_in_memory(builder: Builder, tmp_path: Path) -> None:
    root, most = tmp_path / "docs", [0]
    root.mkdir()

    def count() -> int:
        return sum(type(one) is Article for one in gc.get_objects())

    def look(stage: str, done: int, total: int) -> None:
        if stage == "embedding" or done == total - 1:
            most[0] = max(most[0], count())

    before = count()
    for first in (0, 40):  # The first sync builds the index, the second changes it in a copy.
        for number in range(first, first + 40):
            (root / f"{number}.txt").write_text(f"The lake of number {number} is deep.")
        sync(replace(builder, derive_from=1), [root], progress=look)
    assert manifest(builder).chunks == 80 and most[0] - before <= 2
