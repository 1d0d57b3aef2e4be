"""Vectors that are compared one by one, outside Chroma's graph: copies of a vector, and those that the graph loses.

HNSW (Malkov & Yashunin 2018) links each vector to its nearest ones. Hundreds of equal vectors link only to each other:
they crowd out the links to everything around them, and make the graph slow to build.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedder import Vectors
from index.errors import IndexDamaged
from index.program import command

EXACT = "exact"
"""The folder of these vectors in a generation."""
_FILE = "vectors.npz"


class ExactVectors:
    """Chunk ids with their articles and vectors, in a folder.

    Equal vectors are stored once.
    """

    def __init__(self, folder: Path | None) -> None:
        """Open the folder, which may be missing.

        Raises IndexDamaged if its file can't be read.
        """
        self._path = folder / _FILE if folder else None
        self._articles: dict[str, str] = {}
        self._rows: dict[str, int] = {}
        self._row_of: dict[bytes, int] = {}
        if self._path and self._path.is_file():
            try:
                with np.load(self._path, allow_pickle=False) as held:
                    vectors = held["vectors"][held["rows"]]
                    self.add(held["ids"].tolist(), vectors, held["articles"].tolist())
            except Exception as error:
                # zipfile, zlib and NumPy each raise other errors for a damaged file.
                raise IndexDamaged(
                    f"The vectors in {self._path} can't be read ({error}). Run `{command('index --rebuild')}`."
                ) from error
        self._changed = False

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._rows

    def add(self, ids: Sequence[str], vectors: Vectors, article_ids: Sequence[str]) -> None:
        """Add (n,) new ids with (n, d) unit vectors and the article of each."""
        for id_, vector, article_id in zip(ids, vectors, article_ids, strict=True):
            self._articles[id_] = article_id
            self._rows[id_] = self._row_of.setdefault(vector.tobytes(), len(self._row_of))
        self._forget_columns()

    def remove(self, ids: Iterable[str]) -> None:
        """Remove those of the ids that are stored here."""
        for id_ in [one for one in ids if one in self._rows]:
            del self._rows[id_], self._articles[id_]
            self._forget_columns()

    def _forget_columns(self) -> None:
        self._changed = True
        self.__dict__.pop("_columns", None)

    @cached_property
    def _columns(self) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.int64], Vectors]:
        """Return id, article and row of each chunk, and the vectors of the rows."""
        vectors = np.frombuffer(b"".join(self._row_of), dtype=np.float32).reshape(max(1, len(self._row_of)), -1)
        rows = np.fromiter(self._rows.values(), dtype=np.int64)
        return np.array(list(self._rows)), np.array(list(self._articles.values())), rows, vectors

    def query(self, vector: Vectors, limit: int, article_ids: Sequence[str] | None = None) -> list[tuple[str, float]]:
        """Return the `limit` nearest to a (d,) unit vector: (id, cosine), nearest first.

        Of equal vectors only one is returned. With `article_ids`, only chunks of these articles are compared.
        """
        if not self._rows:
            return []
        ids, articles, rows, vectors = self._columns
        if article_ids is not None:
            wanted = np.isin(articles, list(article_ids))
            ids, rows = ids[wanted], rows[wanted]
        rows, first = np.unique(rows, return_index=True)
        cosines = vectors[rows] @ vector
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [(str(ids[first[number]]), float(cosines[number])) for number in best]

    def nearest(self, vectors: Sequence[Vectors]) -> list[float]:
        """Return the cosine of each (d,) unit vector with its nearest vector, -1 for none."""
        if not self._rows or not vectors:
            return [-1.0] * len(vectors)
        *_, rows, held = self._columns
        return [float(one) for one in (np.stack(vectors) @ held[np.unique(rows)].T).max(axis=1)]

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of those `ids` that are stored here."""
        return {id_: self._columns[-1][self._rows[id_]] for id_ in ids if id_ in self._rows}

    def save(self) -> None:
        """Write the file if anything changed."""
        if self._path and self._changed:
            self._path.parent.mkdir(exist_ok=True)
            ids, articles, rows, vectors = self._columns
            np.savez(self._path, ids=ids, articles=articles, rows=rows, vectors=vectors)
            self._changed = False
