"""The folders of builds: those in progress, and those that a killed builder left."""

from __future__ import annotations

import shutil
from pathlib import Path

from index.build.lock import writer
from index.home import index_folder

BUILDING = "building-"


def clear_leftovers(home: Path) -> None:
    """Delete what a killed builder left. Only the writer of the index may call this."""
    for leftover in index_folder(home).glob(f"{BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def spool_folder(home: Path) -> Path:
    """Return the folder of articles that were read and are in no generation yet."""
    return index_folder(home) / f"{BUILDING}articles"


def has_leftovers(home: Path) -> bool:
    """True while a process builds a generation, and after one was killed doing so."""
    return any(index_folder(home).glob(f"{BUILDING}*"))


def is_building(home: Path) -> bool:
    """True while a living process builds a generation."""
    return has_leftovers(home) and writer(home) is not None
