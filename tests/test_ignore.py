""".footnoteignore: files are left out by the rules of .gitignore."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build.write import Builder
from index.sources.roots import find_sources
from index.sync import changes, sync


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"This is the note {name}.")


def names(root: Path) -> list[str]:
    return [source for source, _ in find_sources([root]).files]


def test_patterns_exclude_files_and_folders_and_include_exceptions(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.md", "drafts/c.txt", "notes/drafts/d.txt", "notes/keep.log", "notes/x.log", "top/e.txt")
    (tmp_path / ".footnoteignore").write_text("# drafts and logs\ndrafts/\n*.log\n!keep.log\n/top/*.txt\n")
    assert names(tmp_path) == ["a.txt", "b.md", "notes/keep.log"]


def test_only_the_ignore_file_of_the_root_counts_and_a_named_file_is_never_ignored(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "sub/b.txt")
    (tmp_path / "sub" / ".footnoteignore").write_text("*.txt\n")
    assert names(tmp_path) == ["a.txt", "sub/b.txt"]
    assert names(tmp_path / "sub") == []
    assert names(tmp_path / "sub" / "b.txt") == ["b.txt"]


def test_an_unreadable_ignore_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (tmp_path / ".footnoteignore").write_bytes(b"caf\xe9\n")
    found = find_sources([tmp_path])
    assert [source for source, _ in found.files] == ["a.txt"]
    assert found.skipped[0][0] == ".footnoteignore" and "nothing is ignored" in found.skipped[0][1]


@pytest.mark.slow
def test_a_source_that_is_ignored_later_is_removed_from_the_index(builder: Builder, tmp_path: Path) -> None:
    root = tmp_path / "docs"
    write(root, "a.txt", "b.txt")
    sync(builder, [root])
    (root / ".footnoteignore").write_text("b.txt\n")
    assert changes(builder.home, [root]) == ["b.txt"]
    assert sync(builder, [root]).removed == ["b.txt"]
