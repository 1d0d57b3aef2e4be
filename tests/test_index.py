"""The index: built whole, checked, switched to at once. With a real Chroma and the real model."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from index.build.generation import Generation, faults, open_current
from index.build.write import Builder
from index.errors import IndexBusy, IndexDamaged, IndexMismatch, IndexMissing
from index.home import current_folder, index_folder
from index.sources.roots import find_sources, register_roots, registered_roots
from index.sync import changes, sync
from index.text.words import content_terms
from rag.settings import SEEDS


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, "utf-8")
    return folder


def test_the_seeds_are_indexed_whole(seeds: Generation) -> None:
    assert [source for source, _, _ in seeds.catalog.titles()] == [
        "000_fee8f80bb4d154f2.txt",
        "002_892b5bec6cb22725.txt",
    ]
    assert faults(seeds.folder) == []
    for source, _, _ in seeds.catalog.titles():
        article = seeds.catalog.article(source)
        assert article is not None
        assert article.text.encode() == (SEEDS / source).read_bytes()
        for one in seeds.catalog.chunks_of(article.id):
            assert article.text[one.start : one.end] == one.text
    supplier = seeds.words.query(content_terms("Samsung SDI"), 5)
    assert len(supplier) == 1


def test_every_chunk_is_found_by_its_vector(seeds: Generation) -> None:
    ids = list(seeds.catalog.chunk_ids())
    for id_, vector in seeds.vectors.vectors(ids).items():
        nearest, cosine = seeds.vectors.query(vector, 1)[0]
        assert nearest == id_ and cosine == pytest.approx(1, abs=1e-4)
    assert seeds.vectors.query(np.ones(384, dtype=np.float32), 1000)


def test_a_second_sync_builds_nothing_and_a_change_embeds_only_new_text(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha is the first letter of all.", b="Beta comes after it.")
    first = sync(builder, [root])
    assert first.built and first.added == ["a.txt", "b.txt"] and first.embedded == 2
    again = sync(builder, [root])
    assert not again.built and again.unchanged == ["a.txt", "b.txt"] and again.generation == first.generation
    write(root, b="Beta was changed.", c="Gamma is new here.")
    (root / "a.txt").rename(root / "z.txt")
    third = sync(builder, [root])
    assert (third.added, third.changed, third.removed) == (["c.txt", "z.txt"], ["b.txt"], ["a.txt"])
    assert third.embedded == 2  # The text of the renamed file has a vector.
    write(root, d="Delta.", b="Beta comes after it.")
    assert sync(builder, [root]).embedded == 1  # An earlier generation has the vector of b.txt.
    generation = open_current(builder.home, builder.recipe)
    assert faults(generation.folder) == []
    generation.close()


def test_bad_files_are_reported_and_the_others_are_indexed(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", good="The good one is indexed.", empty="")
    (root / "binary.txt").write_bytes(b"\0\1\2\3" * 100)
    (root / "latin.txt").write_bytes("Das Caf\xe9 ist offen.".encode("cp1252"))
    (root / "huge.txt").write_bytes(b"x" * 50_000_000)
    (root / "picture.png").write_bytes(b"\x89PNG")
    (root / "outside.txt").symlink_to("/etc/hostname")
    (root / "loop").symlink_to(root)
    (root / "gone.txt").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe.txt")
    report = sync(builder, [root])
    reasons = dict(report.failed)
    assert report.added == ["good.txt", "latin.txt"]
    assert report.notes == [("latin.txt", "is not UTF-8: read as Windows-1252")]
    assert "empty" in reasons["empty.txt"] and "binary" in reasons["binary.txt"]
    assert "50.0 MB" in reasons["huge.txt"] and "link" in reasons["outside.txt"]
    assert "regular" in reasons["pipe.txt"] and "can't be read" in reasons["gone.txt"]
    assert report.other_formats == ["picture.png"]


def test_a_very_long_line_is_indexed(builder: Builder, tmp_path: Path) -> None:
    line = "".join(f"word {number} and word again " for number in range(2_000))
    report = sync(builder, [write(tmp_path / "docs", line=line)])
    assert report.added == ["line.txt"] and report.chunks > 30


def test_an_empty_folder_gives_an_empty_index(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs")
    assert sync(builder, [root]).chunks == 0
    generation = open_current(builder.home)
    assert generation.vectors.query(np.ones(384, dtype=np.float32), 5) == []
    assert generation.words.query(["anything"], 5) == []
    generation.close()


def test_sources_are_named_by_their_path_below_the_root_and_clashes_by_the_folder_of_the_root(tmp_path: Path) -> None:
    roots = [write(tmp_path / name / "notes", a=name) for name in ("one", "two", "three")]
    write(tmp_path / "one" / "notes" / "deep", b="b")
    found = find_sources([*roots, roots[0] / "a.txt"])
    assert [source for source, _ in found.files] == ["a.txt", "deep/b.txt", "notes/a.txt", "notes~2/a.txt"]
    single = write(tmp_path / "single", x="x") / "x.txt"
    assert [source for source, _ in find_sources([single]).files] == ["x.txt"]


def test_roots_are_registered(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert registered_roots(home) == []
    root = write(tmp_path / "docs")
    register_roots(home, [root])
    register_roots(home, [root])
    assert registered_roots(home) == [root]


def test_changes_are_detected_without_reading(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha.", empty="")
    sync(builder, [root])
    assert changes(builder.home, [root]) == []
    write(root, a="Alpha was changed.", b="Beta.")
    assert changes(builder.home, [root]) == ["a.txt", "b.txt"]
    sync(builder, [root])
    assert changes(builder.home, [root]) == []


@pytest.mark.slow
def test_a_file_with_an_unchanged_stamp_is_not_read_again(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha.", b="Beta.")
    (root / "latin.txt").write_bytes("Das Caf\xe9 ist offen.".encode("cp1252"))
    time.sleep(2.2)  # Files changed just before a sync are read again by the next.
    assert sync(builder, [root]).read == 3
    again = sync(builder, [root])
    assert (again.read, again.notes) == (0, [("latin.txt", "is not UTF-8: read as Windows-1252")])
    stamp = (root / "a.txt").stat()
    (root / "a.txt").write_text("Omega.")
    os.utime(root / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    changed = sync(builder, [root])
    assert (changed.read, changed.changed) == (1, ["a.txt"])  # Same size and time, but the change is noticed.
    assert sync(builder, [root]).read <= 1  # Its stamp may still be too recent to trust.
    generation = open_current(builder.home)
    article = generation.catalog.article("a.txt")
    assert article and article.text == "Omega." and generation.catalog.article("latin.txt")
    generation.close()
    assert sync(builder, [root], rebuild=True).read == 3
    (current_folder(builder.home) / "catalog.sqlite").write_bytes(b"damaged")
    mended = sync(builder, [root])
    assert mended.built and mended.read == 3 and faults(current_folder(builder.home)) == []


def test_an_index_with_other_settings_is_refused_and_rebuilt(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha is here.")
    with pytest.raises(IndexMissing):
        open_current(builder.home)
    sync(builder, [root])
    other = replace(builder.recipe, chunk_tokens=100)
    with pytest.raises(IndexMismatch, match="chunk_tokens is 200, the settings say 100"):
        open_current(builder.home, other)
    assert sync(replace(builder, recipe=other), [root]).built
    open_current(builder.home, other).close()


def test_only_one_process_writes_at_a_time(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha.")
    sync(builder, [root])
    with FileLock(index_folder(builder.home) / "lock"), pytest.raises(IndexBusy):
        sync(builder, [root], rebuild=True)


def test_a_truncated_index_is_detected_and_never_used(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha is here.", b="Beta is there.")
    sync(builder, [root])
    folder = current_folder(builder.home)
    segment = next(path for path in (folder / "words").iterdir() if path.suffix == ".term")
    segment.write_bytes(b"")
    with pytest.raises((IndexDamaged, ValueError)):
        assert faults(folder) == []
        raise IndexDamaged("the fault was not seen")
    assert sync(builder, [root], rebuild=True).built
    assert faults(current_folder(builder.home)) == []


def test_leftovers_of_a_killed_builder_are_deleted(builder: Builder, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", a="Alpha.")
    sync(builder, [root])
    before = current_folder(builder.home)
    leftover = index_folder(builder.home) / "building-dead"
    leftover.mkdir()
    (leftover / "catalog.sqlite").write_bytes(b"half")
    assert current_folder(builder.home) == before
    write(root, b="Beta.")
    sync(builder, [root])
    assert not leftover.exists()
    assert faults(current_folder(builder.home)) == []
