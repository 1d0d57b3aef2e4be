"""The stamp of a file, which tells cheaply whether it is the file that was looked at; and opening it only if it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

Stamp = tuple[int, int, int, int]
"""Size in bytes, time of change in ns, time that anything about the file changed in ns, inode."""


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of the file with this status."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def open_at_once(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open whatever is at `path` to read, without waiting: a file may be a pipe by now. Raises OSError, and for a link
    unless `follow`."""
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, os.O_RDONLY | flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0))), "rb")


def open_stamped(path: Path, stamp: Stamp) -> BinaryIO:
    """Open the regular file at `path` if it still has this stamp. Raises OSError if it has not, or is a link by now."""
    stream = open_at_once(path, follow=False)
    status = os.fstat(stream.fileno())
    if stat.S_ISREG(status.st_mode) and stamp_of(status) == stamp:
        return stream
    stream.close()
    raise OSError(f"{path.name} is not the file that was looked at")
