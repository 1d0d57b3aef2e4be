"""The vectors of a running build, saved so that the build after a stop embeds only the remaining texts.

Trouble with the file never stops a build: it is deleted if it is damaged, from another recipe or unwritable.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.build.manifest import Recipe
from index.encoder.embedder import Vectors
from index.home import index_folder

_FILE = "embedded.sqlite"
_SCHEMA = """
create table if not exists made_by (recipe text not null);
create table if not exists sealed (digest blob primary key, vector blob not null, seal blob not null) without rowid;
"""
_PAGE = 500
_T = TypeVar("_T")


class Embedded:
    """Vectors of one recipe, saved under the digest of the embedded text. Used only by the writer of the index."""

    def __init__(self, home: Path, recipe: Recipe, *, empty: bool = False) -> None:
        """Open the file of a stopped build; with `empty` delete it instead."""
        self._path = index_folder(home) / _FILE
        self._recipe = json.dumps(asdict(recipe), sort_keys=True)
        self._db: sqlite3.Connection | None = None
        self._given_up = False
        if empty:
            self.remove()

    def of(self, digests: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return the saved vectors among `digests`, by digest."""
        return self._guarded(lambda: self._read(digests), {}) if self._db or self._path.exists() else {}

    def keep(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Save vectors to disk."""
        self._guarded(lambda: self._write(vectors), None)

    def close(self) -> None:
        """Close the file, so that the next build can continue from it."""
        if self._db:
            self._db.close()
            self._db = None

    def remove(self) -> None:
        """Delete the file, because a generation holds its vectors or because it is unusable."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._path.with_name(f"{_FILE}-journal").unlink(missing_ok=True)

    def _guarded(self, act: Callable[[], _T], default: _T) -> _T:
        """Return the result of `act`; if the file causes an error, delete it, stop using it, and return `default`."""
        if self._given_up:
            return default
        try:
            return act()
        except (sqlite3.Error, OSError, ValueError, TypeError):
            self._given_up = True
            self.remove()
            return default

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(self._path)
            self._db.executescript(_SCHEMA)
            recipes = [str(recipe) for (recipe,) in self._db.execute("select recipe from made_by")]
            if recipes != [self._recipe]:
                self._db.executescript("delete from made_by; delete from sealed;")
                self._db.execute("insert into made_by values (?)", (self._recipe,))
                self._db.commit()
        return self._db

    def _read(self, digests: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        for at in range(0, len(digests), _PAGE):
            page = list(digests[at : at + _PAGE])
            marks = ",".join("?" * len(page))
            rows = self._opened().execute(f"select digest, vector, seal from sealed where digest in ({marks})", page)
            for digest, vector, seal in rows:
                if seal != _seal(digest, vector):
                    raise ValueError("a vector is damaged")
                found[digest] = np.frombuffer(vector, dtype=np.float32)
        return found

    def _write(self, vectors: Mapping[bytes, Vectors]) -> None:
        db = self._opened()
        rows = [(digest, np.asarray(one, dtype=np.float32).tobytes()) for digest, one in vectors.items()]
        sealed = [(digest, vector, _seal(digest, vector)) for digest, vector in rows]
        db.executemany("insert or replace into sealed values (?, ?, ?)", sealed)
        db.commit()


def _seal(digest: bytes, vector: bytes) -> bytes:
    return hashlib.blake2b(digest + vector, digest_size=8).digest()
