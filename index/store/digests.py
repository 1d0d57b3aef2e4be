"""Whether the files of a generation are as they were written: compared before any library opens them.

Damage makes Chroma end the whole process and tantivy panic, so nothing is opened that was not compared. Small files are
compared at every opening; larger ones when something touched them since they were last compared (size, times and inode
differ), when a process that read the index ended uncleanly, and in `doctor`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from index.errors import FootnoteError, IndexDamaged

_SMALL = 1_000_000
"""Bytes up to which a file is compared at every opening: a millisecond."""
_CHECKED = "checked.json"
_CHROMA = "chroma.sqlite3"
_GRAPH_IDS = "index_metadata.pickle"
_COUNTS_OPENINGS = b"acquire_write"
"""The table that Chroma adds a row to when it opens a folder. All else in its file stays as it is."""
_ROWS = 1_000
FileStamp = list[int]
"""Size in bytes, time of change in ns, time that anything about the file changed in ns, inode; empty without a file."""
Stamps = Mapping[str, FileStamp]


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file in the parts of a generation, by its path in `folder`, and see them on disk."""
    for path in _files(folder):
        # A power cut after the switch must not leave files whose content was still in memory.
        with contextlib.suppress(OSError), path.open("rb") as stream:
            os.fsync(stream.fileno())
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}


def verify_files(folder: Path, files: Mapping[str, str], *, whole: bool = False) -> Stamps:
    """Compare the files of a generation with the digests in `files`; with `whole` also those that nothing touched.

    Returns how the files looked before they were compared. Raises IndexDamaged that names those that differ.
    """
    trusted = {} if whole else _trusted(folder)
    stamps, differ = stamps_of(folder, files), []
    for name, digest in files.items():
        path, stamp = folder / name, stamps[name]
        known = bool(stamp) and stamp[0] > _SMALL and trusted.get(name) == stamp
        if not known and (not stamp or _digest(path) != digest):
            differ.append(name)
    if differ:
        shown = ", ".join(differ[:3]) + (f" and {len(differ) - 3} more" if differ[3:] else "")
        raise damaged(
            folder, f"{shown} changed or went missing since {'they were' if differ[1:] else 'it was'} written"
        )
    return stamps


def stamps_of(folder: Path, names: Iterable[str]) -> Stamps:
    """Return how files of a generation look now, by their paths in `folder`."""
    return {name: _stamp(folder / name) for name in names}


def trust(folder: Path, stamps: Stamps) -> None:
    """Note how files looked that were compared, for the next opening; Chroma's database as the opening left it."""
    stamps = {name: _stamp(folder / name) if name.endswith(_CHROMA) else stamp for name, stamp in stamps.items()}
    if stamps == _trusted(folder):
        return
    beside = folder / f"{_CHECKED}.{os.getpid()}.tmp"
    # A folder that can't be written is compared anew each time.
    with contextlib.suppress(OSError):
        beside.write_text(json.dumps(stamps), "utf-8")
        beside.replace(folder / _CHECKED)


def distrust(folder: Path) -> None:
    """Have every file of a generation compared at its next opening."""
    with contextlib.suppress(OSError):
        (folder / _CHECKED).unlink(missing_ok=True)


def damaged(folder: Path | None, what: str) -> IndexDamaged:
    """Return the error of a generation of which something is not as it was written; it is compared whole next time."""
    if folder:
        distrust(folder)
    return IndexDamaged.because(what)


@contextlib.contextmanager
def failing_as_damage(folder: Path | None, part: str) -> Iterator[None]:
    """Raise IndexDamaged that names the `part` of a generation for any failure of its library in the block."""
    try:
        yield
    except FootnoteError:
        raise
    except BaseException as error:
        # The panic of a library in Rust is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise damaged(folder, f"its {part} can't be read") from error


def _files(folder: Path) -> Iterator[Path]:
    """The files in the parts of a generation: not what stands beside its catalog, nor locks and journals.

    Chroma has written no graph yet where its list of ids is missing: what lies there it writes anew at each opening.
    """
    for path in sorted(folder.rglob("*")):
        passing = path.name.endswith((".lock", "-journal", "-wal", "-shm"))
        passing |= path.suffix == ".bin" and not (path.parent / _GRAPH_IDS).exists()
        if path.is_file() and not passing and (path.parent != folder or path.suffix == ".sqlite"):
            yield path


def _trusted(folder: Path) -> dict[str, FileStamp]:
    try:
        value = json.loads((folder / _CHECKED).read_text("utf-8"))
        return {str(name): list(map(int, stamp)) for name, stamp in value.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _stamp(path: Path) -> FileStamp:
    """How a file looks from outside."""
    if not path.is_file():
        return []
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _digest(path: Path) -> str:
    """Return the digest of a file; "" when it can't be read."""
    try:
        if path.name == _CHROMA:
            return _rows_digest(path)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, sqlite3.Error, UnicodeError):
        return ""


def _rows_digest(path: Path) -> str:
    """Return a digest of all rows of Chroma's database, but for those that count openings.

    Raises sqlite3.Error for a file whose tables and indexes are not sound.
    """
    # Opened to be written where that can be, so that SQLite first takes back what a killed process left half-done.
    mode = "mode=rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as database:
        database.text_factory = bytes
        if (found := database.execute("pragma integrity_check(1)").fetchone()) != (b"ok",):
            raise sqlite3.DatabaseError(str(found))
        digest = hashlib.sha256()
        tables = database.execute("select name, sql from sqlite_master where rootpage > 0 order by name").fetchall()
        for name, sql in tables:
            digest.update(repr((name, sql)).encode())
            if name == _COUNTS_OPENINGS or not sql or not sql.upper().startswith(b"CREATE TABLE"):
                continue
            cursor = database.execute(f'select * from "{name.decode()}"')
            while rows := cursor.fetchmany(_ROWS):
                digest.update(repr(rows).encode())
        return digest.hexdigest()
