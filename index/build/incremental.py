"""A large generation begins as a copy of the one in use, in which only changes are deleted and added.

The one in use may be open in other processes and is never written. SQLite copies its databases, and waits for processes
that write to them (Chroma does when it opens a folder); the other files do not change once in use.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index.build.manifest import Manifest
from index.duplicates import Group
from index.errors import IndexDamaged
from index.program import command
from index.store.catalog import Catalog
from index.store.digests import verify_files

_PAGES = 4_096
"""Pages of SQLite that are copied at a time."""


@dataclass(frozen=True)
class IndexChange:
    """The changes in the folder of a new generation, which begins empty or as a copy of the folder `start`.

    `new` holds the groups whose article is added, `gone` and `gone_chunks` the ids that are deleted. `churn` counts the
    chunks that were deleted since the index was written in full.
    """

    new: Sequence[Group]
    start: Path | None = None
    gone: Sequence[str] = field(default=())
    gone_chunks: Sequence[str] = field(default=())
    churn: int = 0

    @property
    def new_ids(self) -> list[str]:
        """The ids of the added articles."""
        return [group.original.id for group in self.new]


def plan(old: Path | None, groups: Sequence[Group], smallest: int, most_churn: float) -> IndexChange:
    """Return the changes from the generation in the folder `old` to these groups.

    The index is written in full if there is no old one, it has fewer than `smallest` chunks or is on a server, or more
    than the share `most_churn` of its chunks would have been deleted since the last full write: deleted chunks keep
    their space in Chroma and tantivy. Raises IndexDamaged.
    """
    if old is None:
        return IndexChange(groups)
    manifest = Manifest.read(old)
    if manifest.place or manifest.chunks < smallest:
        return IndexChange(groups)
    with contextlib.closing(Catalog(old / "catalog.sqlite")) as catalog:
        sizes = catalog.sizes()
        wanted = {group.original.id for group in groups}
        gone = [id_ for id_ in sizes if id_ not in wanted]
        churn = manifest.churn + sum(sizes[id_] for id_ in gone)
        if churn > most_churn * manifest.chunks:
            return IndexChange(groups)
        new = [group for group in groups if group.original.id not in sizes]
        return IndexChange(new, old, gone, list(catalog.chunk_ids_of(gone)), churn)


def copy(start: Path, folder: Path) -> None:
    """Copy the parts of a generation into an empty folder. Raises IndexDamaged, OSError."""
    # Everything is read here anyway, and damaged files must not get valid digests.
    verify_files(start, Manifest.read(start).files, whole=True)
    for part in sorted(start.rglob("*")):
        to = folder / part.relative_to(start)
        if part.is_dir():
            to.mkdir(exist_ok=True)
        elif part.suffix in (".sqlite", ".sqlite3"):
            _copy_database(part, to)
        elif part.parent != start and not part.name.endswith(("-wal", "-shm", "-journal")):
            shutil.copyfile(part, to)


def _copy_database(start: Path, to: Path) -> None:
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{start.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target, pages=_PAGES)
    except sqlite3.Error as error:
        raise IndexDamaged(f"{start} can't be copied ({error}). Run `{command('index')}`.") from error
