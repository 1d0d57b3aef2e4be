"""The home folder: where the index lies in it, whether it can be written, and how it is read where it can't."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from index.errors import FootnoteError, IndexDamaged, IndexMissing
from index.program import command


def index_folder(home: Path) -> Path:
    """Where the generations of a home lie."""
    return home / "index"


def current_folder(home: Path) -> Path:
    """The folder of the generation in use. Raises IndexMissing when there is none."""
    pointer = index_folder(home) / "current"
    try:
        name = pointer.read_text("utf-8").strip()
    except OSError as error:
        raise IndexMissing(f"There is no index in {home} yet. Run `{command('index')}`.") from error
    except UnicodeDecodeError:
        name = ""
    folder = index_folder(home) / "generations" / name
    if not name.isprintable() or not name or Path(name).name != name or not folder.is_dir():
        raise IndexDamaged.because("the file that names the generation in use names none that is there")
    return folder


def existing(home: Path) -> Path:
    """Return `home`, or the nearest folder above it that exists."""
    return next(path for path in (home, *home.absolute().parents) if path.exists())


def unwritable(home: Path) -> str:
    """Return why nothing can be written in `home`, or in the nearest folder above that exists; "" when it can be."""
    try:
        with tempfile.TemporaryFile(dir=existing(home)):
            return ""
    except OSError as error:
        return error.strerror or "it is refused"


def explained(error: FootnoteError, home: Path) -> str:
    """Return the message of an error, without advice to run a command that would have to write where it can't."""
    return error.cause() if unwritable(home) else str(error)


def linked(folder: Path, *left_out: str) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder that can be written and shows the files of `folder`.

    It is gone when the object is. Files that match a pattern in `left_out` are not in it; the others are links where
    links are allowed, else copies.
    """
    made = tempfile.TemporaryDirectory(prefix="footnote-")
    shutil.copytree(
        folder.resolve(), made.name, copy_function=_link, ignore=shutil.ignore_patterns(*left_out), dirs_exist_ok=True
    )
    return made


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in and below a folder; 0 for one that does not exist."""
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
