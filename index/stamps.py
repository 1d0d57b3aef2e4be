"""File stamps: a cheap test whether a file has changed, and opening a file only if it has not."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

Stamp = tuple[int, int, int, int]
"""Size in bytes, modification time in ns, status change time in ns, inode."""


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of the file with this status."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def open_at_once(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open the file at `path` to read, without blocking: it may be a pipe by now.

    Raises OSError, also for a symbolic link unless `follow`.
    """
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, os.O_RDONLY | flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0))), "rb")


def open_stamped(path: Path, stamp: Stamp) -> BinaryIO:
    """Open the regular file at `path` if it still has this stamp.

    Raises OSError if it has another stamp or is a symbolic link by now.
    """
    stream = open_at_once(path, follow=False)
    status = os.fstat(stream.fileno())
    if stat.S_ISREG(status.st_mode) and stamp_of(status) == stamp:
        return stream
    stream.close()
    raise OSError(f"{path.name} was replaced after it was checked")
