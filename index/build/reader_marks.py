"""Marks of the processes that read an index: a leftover mark shows that one ended uncleanly.

Damage that no stamp shows can end a process that reads. The next process finds the mark and checks every file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


def begin(index: Path) -> Callable[[], None]:
    """Mark this process as a reader of the index; return a function to unmark it.

    A folder that can't be written gets no mark.
    """
    path = index / "readers" / f"{os.getpid()}-{secrets.token_hex(4)}"
    # The operating system releases the lock however the process ends.
    lock = FileLock(path, thread_local=False)
    with contextlib.suppress(OSError, NotImplementedError):
        path.parent.mkdir(exist_ok=True)
        lock.acquire(timeout=0)

    def end() -> None:
        lock.release(force=True)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    return end


def ended_uncleanly(index: Path) -> bool:
    """True if a process that read the index left its mark; the mark is removed."""
    left = False
    for path in (index / "readers").glob("*"):
        try:
            with FileLock(path).acquire(timeout=0):
                path.unlink(missing_ok=True)
            left = True
        except (Timeout, OSError, NotImplementedError):
            continue
    return left
