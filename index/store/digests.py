"""The digests of a generation's files, which are compared before any library opens the files.

Damage makes Chroma end the whole process and tantivy panic, so no file is opened without a comparison. Small files are
compared at every opening; larger files if they were touched since the last comparison (size, times or inode differ), if
a process that read the index ended uncleanly, and in `doctor`.
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
"""Up to this many bytes, a file is compared at every opening, which takes a millisecond."""
_CHECKED = "checked.json"
_CHROMA = "chroma.sqlite3"
_GRAPH_IDS = "index_metadata.pickle"
_COUNTS_OPENINGS = b"acquire_write"
"""The table to which Chroma adds a row when it opens a folder. The rest of its file stays unchanged."""
_ROWS = 1_000
FileStamp = list[int]
"""Size in bytes, modification time in ns, status change time in ns, inode; empty without a file."""
Stamps = Mapping[str, FileStamp]


def digests(folder: Path) -> dict[str, str]:
    """Return path in `folder` -> digest, for every file in a generation's parts.

    The files are flushed to disk first.
    """
    for path in _files(folder):
        # A power cut after the switch must not leave files whose content was still in memory.
        with contextlib.suppress(OSError), path.open("rb") as stream:
            os.fsync(stream.fileno())
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}


def verify_files(folder: Path, files: Mapping[str, str], *, whole: bool = False) -> Stamps:
    """Compare the files of a generation with the digests in `files`.

    With `whole`, files that were not touched are compared too. Returns the stamps that the files had before. Raises
    IndexDamaged with the names of the files that differ.
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
    """Return the present stamps of files of a generation, by path in `folder`."""
    return {name: _stamp(folder / name) for name in names}


def trust(folder: Path, stamps: Stamps) -> None:
    """Store the stamps of compared files for the next opening.

    Opening changes Chroma's database, so its stamp is taken now.
    """
    stamps = {name: _stamp(folder / name) if name.endswith(_CHROMA) else stamp for name, stamp in stamps.items()}
    if stamps == _trusted(folder):
        return
    temporary = folder / f"{_CHECKED}.{os.getpid()}.tmp"
    # The files of a read-only folder are compared each time.
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(stamps), "utf-8")
        temporary.replace(folder / _CHECKED)


def distrust(folder: Path) -> None:
    """Make the next opening compare every file of a generation."""
    with contextlib.suppress(OSError):
        (folder / _CHECKED).unlink(missing_ok=True)


def damaged(folder: Path | None, what: str) -> IndexDamaged:
    """Return the error for a damaged generation; the next opening compares it whole."""
    if folder:
        distrust(folder)
    return IndexDamaged.because(what)


@contextlib.contextmanager
def failing_as_damage(folder: Path | None, part: str) -> Iterator[None]:
    """Report any failure of a library in the block as IndexDamaged.

    `part` names the part of the generation that the library reads.
    """
    try:
        yield
    except FootnoteError:
        raise
    except BaseException as error:
        # A panic in a Rust library is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise damaged(folder, f"its {part} can't be read") from error


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in the parts of a generation, without locks, journals and the files next to its catalog.

    Where Chroma's list of ids is missing, Chroma has written no graph yet: it writes such files again at each opening.
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
    """Return the stamp of a file, [] if there is none."""
    if not path.is_file():
        return []
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _digest(path: Path) -> str:
    """Return the digest of a file; "" if it can't be read."""
    try:
        if path.name == _CHROMA:
            return _rows_digest(path)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, sqlite3.Error, UnicodeError):
        return ""


def _rows_digest(path: Path) -> str:
    """Return a digest of all rows of Chroma's database except those that count openings.

    Raises sqlite3.Error if tables or indexes are corrupt.
    """
    # Opened for writing if possible, so that SQLite first rolls back what a killed process left unfinished.
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
