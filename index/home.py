"""The home folder: find its index, test whether it can be written, and read it where it can't."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from index.errors import FootnoteError, IndexDamaged, IndexMissing
from index.program import command


def index_folder(home: Path) -> Path:
    """Return the folder of a home's index, which holds the generations."""
    return home / "index"


def current_folder(home: Path) -> Path:
    """Return the folder of the generation in use.

    Raises IndexMissing if there is no index, IndexDamaged if the pointer names no existing generation.
    """
    pointer = index_folder(home) / "current"
    try:
        name = pointer.read_text("utf-8").strip()
    except OSError as error:
        raise IndexMissing(f"There is no index in {home} yet. Run `{command('index')}`.") from error
    except UnicodeDecodeError:
        name = ""
    folder = index_folder(home) / "generations" / name
    if not name.isprintable() or not name or Path(name).name != name or not folder.is_dir():
        raise IndexDamaged.because("the file that names the generation in use names a missing one")
    return folder


def existing(home: Path) -> Path:
    """Return `home`, or the nearest folder above it that exists."""
    return next(path for path in (home, *home.absolute().parents) if path.exists())


def unwritable(home: Path) -> str:
    """Return why `home` can't be written, or "" if it can.

    Where `home` does not exist, the nearest existing folder above it is tested.
    """
    try:
        with tempfile.TemporaryFile(dir=existing(home)):
            return ""
    except OSError as error:
        return error.strerror or "it is refused"


def explained(error: FootnoteError, home: Path) -> str:
    """Return an error's message, without advice to write where that is not possible."""
    return error.cause() if unwritable(home) else str(error)


def linked(folder: Path, *left_out: str) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder that can be written and shows the files of `folder`.

    The folder is deleted with the returned object. Files that match a pattern in `left_out` are left out; the others
    are links where links are allowed, else copies.
    """
    made = tempfile.TemporaryDirectory(prefix="footnote-")
    shutil.copytree(
        folder.resolve(), made.name, copy_function=_link, ignore=shutil.ignore_patterns(*left_out), dirs_exist_ok=True
    )
    return made


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in and below a folder; 0 if it does not exist."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            # A file that was deleted during the walk has no size.
            with suppress(OSError):
                total += Path(at, name).lstat().st_size
    return total


def _link(source: str, target: str) -> None:
    try:
        Path(target).symlink_to(source)
    except OSError:
        shutil.copy2(source, target)
