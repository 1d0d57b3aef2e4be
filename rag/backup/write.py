"""Write a backup: one .zip file with what can't be made again, and a list of its files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from index.build.lock import hold_lock
from index.errors import FootnoteError
from index.home import unwritable
from rag.backup.contents import LIST, Contents, Member, files_to_keep, is_empty_home
from rag.provenance import program_version
from rag.settings import SEEDS

BLOCK = 1 << 20
"""Bytes that are copied at once."""
_WAIT = 60.0
"""Seconds to wait for another process that writes the index."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LATEST = (2107, 12, 31, 23, 59, 58)
"""No file in a .zip is older."""


def write_backup(home: Path, target: Path, *, with_index: bool = False) -> Contents:
    """Write a backup of `home` to the file `target`, which must not be there yet; return the list of its files.

    Raises FootnoteError when there is nothing to back up or the target is there, IndexBusy when another process goes
    on writing the index.
    """
    if is_empty_home(home):
        raise FootnoteError(f"There is nothing to back up in {home}.")
    if target.exists():
        raise FootnoteError(f"{target} exists. Name another file for the backup.")
    if target.resolve().is_relative_to(home.resolve()):
        raise FootnoteError(f"{target} is inside {home}, which is backed up. Name a file elsewhere.")
    contents = Contents(
        version=program_version(),
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        home=str(home.resolve()),
        sample=str(SEEDS),
        separator=os.sep,
        with_index=with_index,
    )
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        # Where nothing can be written, no other process writes either.
        with contextlib.nullcontext() if unwritable(home) else hold_lock(home, _WAIT):
            contents = _write(home, partial, contents)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return contents


def _write(home: Path, partial: Path, contents: Contents) -> Contents:
    files = {}
    partial.touch(0o600, exist_ok=False)  # it holds users and conversations
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in files_to_keep(home, with_index=contents.with_index):
            with _open(path) as source:
                files[name] = _add(archive, name, path, source)
        contents = replace(contents, files=files)
        archive.writestr(LIST, contents.to_bytes())
    return contents


def _changed(path: Path) -> tuple[int, int, int, int, int, int]:
    """Return when a file was changed, within the dates that a zip file can hold."""
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime)
    except (OverflowError, ValueError):
        return _EARLIEST
    date = (changed.year, changed.month, changed.day, changed.hour, changed.minute, changed.second)
    return min(max(date, _EARLIEST), _LATEST)


def _add(archive: zipfile.ZipFile, name: str, path: Path, source: BinaryIO) -> Member:
    """Copy one file into the archive; return its size and digest."""
    about = zipfile.ZipInfo(name, _changed(path))
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o600 << 16
    digest, size = hashlib.sha256(), 0
    with archive.open(about, "w", force_zip64=True) as target:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return Member(size, digest.hexdigest())


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file of a home; of a database that others may write, a copy that is whole."""
    if path.name not in ("conversations.sqlite", "users.sqlite"):
        with path.open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryDirectory(prefix="footnote-") as folder:
        copy = Path(folder, path.name)
        try:
            with (
                contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        except sqlite3.Error as error:
            raise FootnoteError(
                f"{path} can't be read ({error}). Repair it or move it away, then repeat the backup."
            ) from error
        with copy.open("rb") as stream:
            yield stream
