"""The lock of an index, which allows one writer at a time, with its owner and start time."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import IndexBusy
from index.home import index_folder
from index.state import read_sealed, write_sealed
from index.store.digests import distrust

_GLANCE = 0.2
"""Shortest wait of a writer in seconds, because `writer` holds the lock for a moment to check it."""


@dataclass(frozen=True)
class Owner:
    """The process that writes: its id, its machine, and its start time (seconds since 1970)."""

    pid: int
    host: str
    since: float

    def __str__(self) -> str:
        minutes, seconds = divmod(max(0, round(time.time() - self.since)), 60)
        return f"process {self.pid} on {self.host}, for {f'{minutes} min' if minutes else f'{seconds} s'}"


@contextlib.contextmanager
def hold_lock(home: Path, wait: float = 0) -> Iterator[None]:
    """Hold the lock of the index in `home`, waiting up to `wait` seconds.

    Raises IndexBusy with its owner. The operating system releases the lock of a killed process, so no stale file is
    left.
    """
    folder = index_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock").acquire(timeout=max(wait, _GLANCE)):
            if (folder / "owner.json").exists():
                # The last writer ended uncleanly, perhaps because of damage in what it read.
                for generation in (folder / "generations").glob("*"):
                    distrust(generation)
            write_sealed(folder / "owner.json", asdict(Owner(os.getpid(), _host(), time.time())))
            try:
                yield
            finally:
                (folder / "owner.json").unlink(missing_ok=True)
    except Timeout as error:
        owner = _owner(home)
        by = f" ({owner})" if owner else ""
        raise IndexBusy(f"Another process{by} is writing the index in {home}. Try again when it is done.") from error


def writer(home: Path) -> Owner | None:
    """Return the process that is writing the index in `home`, or None."""
    lock = FileLock(index_folder(home) / "lock")
    if not index_folder(home).is_dir():
        return None
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _owner(home) or Owner(0, "?", time.time())
    except OSError:
        return None  # no lock can be taken in this folder, so nothing is written from here
    lock.release()
    return None


def _owner(home: Path) -> Owner | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        value = read_sealed(index_folder(home) / "owner.json")
        return Owner(int(value["pid"]), str(value["host"]), float(value["since"]))
    return None


def _host() -> str:
    return socket.gethostname()
