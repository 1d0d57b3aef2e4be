"""Marks of the processes that read an index: a mark that is left over tells of one that ended uncleanly.

Damage that no stamp shows can end a process that reads. The next one finds its mark and compares every file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


def begin(index: Path) -> Callable[[], None]:
    """Leave a mark that this process reads the index in the folder `index`; returns what takes the mark away.

    Where the folder can't be written there is no mark.
    """
    path = index / "readers" / f"{os.getpid()}-{secrets.token_hex(4)}"
    # The system lets go of the lock when the process ends, however it ends.
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
    """True when a process that read the index left its mark; the mark is taken away."""
    left = False
    for path in (index / "readers").glob("*"):
        try:
            with FileLock(path).acquire(timeout=0):
                path.unlink(missing_ok=True)
            left = True
        except Timeout:
            continue
        except (OSError, NotImplementedError):
            return False
    return left
