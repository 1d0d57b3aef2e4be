"""Opens the shipped reading models, and checks their files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from index.errors import ModelError
from rag.reader.spans import SpanReader

CHECKSUMS = "checksums.sha256"
"""File next to those of a model: a line for each, with its sha256 and its name."""


@cache
def open_reader(folder: Path, threads: int = 0) -> SpanReader:
    """Open the model in `folder`, once in a process.

    `threads` windows are read at once; 0 means one per core.

    Raises:
        ModelError: a file is missing or damaged; the message says which model, and how to get it again.
    """
    try:
        return SpanReader(folder, threads)
    except Exception as error:  # onnxruntime and tokenizers raise different kinds
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"The reading model in {folder} can't be opened ({reason}). {_remedy(folder)}") from error


def check_files(folder: Path) -> str:
    """Read every file of the model in `folder`, and return their size in a line.

    Raises:
        ModelError: a file is not the one that was shipped.
    """
    size, listed = 0, folder / CHECKSUMS
    if not listed.is_file():
        raise ModelError(f"{listed} is not there. {_remedy(folder)}")
    for line in listed.read_text("utf-8").splitlines():
        expected, name = line.split()
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != expected:
            raise ModelError(f"{path} is not the file that was shipped. {_remedy(path)}")
        size += len(content)
    return f"{size / 1e6:.0f} MB"


@cache
def fingerprint(*folders: Path) -> str:
    """Return the sha256 of the models' checksums: the same for the same files."""
    return hashlib.sha256(b"".join((folder / CHECKSUMS).read_bytes() for folder in folders)).hexdigest()


def _remedy(path: Path) -> str:
    return f"Get it again: git checkout -- {path}"
