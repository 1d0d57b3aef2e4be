"""Report a full disk as such, whichever library failed because of it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from index.errors import FootnoteError
from index.home import index_folder
from index.program import command

_FULL = 1_000_000
"""A disk with fewer free bytes counts as full."""


@contextlib.contextmanager
def naming_full_disk(home: Path) -> Iterator[None]:
    """Report any error of the block as FootnoteError if the disk is full."""
    try:
        yield
    except Exception as error:
        # SQLite, Chroma and tantivy each raise different errors for a full disk.
        if shutil.disk_usage(home).free < _FULL:
            raise unwritten(home, "the disk is full") from error
        raise


def unwritten(home: Path, why: str) -> FootnoteError:
    """Return the error of an index that could not be written."""
    kept = " The old one stays in use." if (index_folder(home) / "current").exists() else ""
    return FootnoteError(
        f"The new index could not be written to {home} ({why}).{kept} Make room or set FOOTNOTE_HOME to a folder that "
        f"can be written, then run `{command('index')}`."
    )
