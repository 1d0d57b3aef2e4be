"""The vectors of a generation: a Chroma collection (cosine) in a folder or on a server, and exact vectors beyond it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedder import Vectors
from index.store.chroma_server import PAGE as _SERVER_PAGE
from index.store.chroma_server import Remote
from index.store.digests import failing_as_damage
from index.store.exact import ExactVectors

if TYPE_CHECKING:
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection

_COLLECTION = "chunks"
_PART = "vectors"
_HNSW: CreateHNSWConfiguration = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
_IN_FOLDER: CreateHNSWConfiguration = {**_HNSW, "batch_size": 10, "sync_threshold": 10}
"""Write the graph to disk with each page. Chroma links unwritten vectors again at each opening, in another order: that
takes seconds, and two processes would not reach the same vectors."""
_PAGE = 1000
_ASKED_AT_ONCE = 100
"""Vectors in one query: most of the time of a query with a single vector is overhead."""
_SAME = 1 - 1e-6
"""The least cosine of two vectors that are equal except for rounding."""
_ROOM_TO_OPEN = 1_000_000
"""Bytes that Chroma may need to write when it opens a folder."""
Metadata = Mapping[str, str | int]


class VectorStore:
    """The vectors of chunks, by chunk id.

    One process writes them before they are in use; then any number of processes read them. Chroma gets no text and no
    embedding function: the catalog holds the text, and `index.encoder.embedder` makes the vectors. Chroma holds each
    vector once; copies, and vectors that its graph loses, are in `index.store.exact`.
    """

    def __init__(self, where: Path | Remote, exact: Path | None = None, *, create: bool = False) -> None:
        """Open a folder or a collection on a server, or `create` it, empty.

        `exact` is the folder of the vectors outside the graph (None: all vectors go to Chroma). Raises IndexDamaged if
        it can't be opened, VectorServerError if the server does not answer.
        """
        self._client: Any = None
        self._exact = ExactVectors(exact)
        self._set_apart = exact is not None
        self._opened = not create
        self._added: set[int] = set()
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._generation = None if isinstance(where, Remote) else where.parent
        if isinstance(where, Remote):
            self._page = _SERVER_PAGE
            server, name = where.server, where.collection
            self._collection = server.create(name, _HNSW) if create else server.open(name)
        else:
            self._page = _PAGE
            self._collection = self._open_folder(where, create)

    def _open_folder(self, folder: Path, create: bool) -> Collection:
        # Imported here: the page is served before an index is opened.
        import chromadb
        from chromadb.config import Settings

        settings = Settings(
            anonymized_telemetry=False, is_persistent=True, persist_directory=str(folder), allow_reset=False
        )
        with failing_as_damage(folder.parent, _PART):
            if not create and not (folder / "chroma.sqlite3").is_file():
                raise FileNotFoundError(folder / "chroma.sqlite3")
            if not create and not _can_be_written(folder):
                # Chroma writes into a folder even to read it.
                self._copy = tempfile.TemporaryDirectory(prefix="footnote-vectors-")
                folder = Path(shutil.copytree(folder, Path(self._copy.name) / "vectors"))
                settings = settings.model_copy(update={"persist_directory": str(folder)})
            client = self._client = chromadb.PersistentClient(str(folder), settings=settings)
            if create:
                made = client.create_collection(
                    _COLLECTION, configuration={"hnsw": _IN_FOLDER}, embedding_function=None
                )
            else:
                made = client.get_collection(_COLLECTION, embedding_function=None)
        return made

    def add(self, ids: Sequence[str], vectors: Vectors, metadata: Sequence[Metadata]) -> None:
        """Add chunks: (n,) new ids, (n, d) unit vectors, n metadata with "article_id"."""
        copies = self._copies(vectors)
        self._exact.add(
            [id_ for id_, copy in zip(ids, copies, strict=True) if copy],
            vectors[copies],
            [str(one["article_id"]) for one, copy in zip(metadata, copies, strict=True) if copy],
        )
        first = np.flatnonzero(~copies)
        for at in range(0, len(first), self._page):
            page = first[at : at + self._page]
            self._collection.add(
                ids=[ids[number] for number in page],
                embeddings=vectors[page],
                metadatas=[dict(metadata[number]) for number in page],
            )

    def _copies(self, vectors: Vectors) -> NDArray[np.bool_]:
        """Return which of the vectors equal a stored one, or one before them."""
        copies = np.zeros(len(vectors), dtype=np.bool_)
        if not self._set_apart:
            return copies
        if self._opened and self._collection.count():
            # Only the graph knows what another process added.
            copies = np.array(self._nearest_in_graph(list(vectors))) >= _SAME
        for number, vector in enumerate(vectors):
            key = hash(vector.tobytes())
            copies[number] |= key in self._added
            self._added.add(key)
        return copies

    def remove(self, ids: Sequence[str]) -> None:
        """Remove chunks."""
        self._exact.remove(ids)
        for at in range(0, len(ids), self._page):
            self._collection.delete(ids=list(ids[at : at + self._page]))

    def set_apart(self, ids: Sequence[str]) -> None:
        """Compare these chunks one by one from now on: the graph does not lead to them."""
        for at in range(0, len(ids), self._page):
            held = self._collection.get(ids=list(ids[at : at + self._page]), include=["embeddings", "metadatas"])
            metadata: Any = held["metadatas"]
            vectors: Any = held["embeddings"]
            # They stay in the graph: without them the graph would change, and might lose others.
            self._exact.add(held["ids"], np.asarray(vectors, dtype=np.float32), [one["article_id"] for one in metadata])

    def query(self, vector: Vectors, limit: int, article_ids: Sequence[str] | None = None) -> list[tuple[str, float]]:
        """Return the `limit` chunks nearest to a (d,) unit vector, nearest first.

        A result is (id, cosine in [-1, 1]). With `article_ids`, only chunks of these articles are compared: others take
        no place among the nearest. A server returns at most 300. Of chunks with equal vectors only some are returned.
        """
        exact = self._exact.query(vector, limit, article_ids)
        if self._in_graph == 0:
            return exact
        scope: Any = None if article_ids is None else {"article_id": {"$in": list(article_ids)}}
        with failing_as_damage(self._generation, _PART):
            found = self._collection.query(
                query_embeddings=[vector],  # type: ignore[arg-type]
                n_results=min(limit, self._in_graph, self._page),
                where=scope,
                include=["distances"],
            )
        distances: Any = found["distances"]
        by_graph = [(id_, 1.0 - float(d)) for id_, d in zip(found["ids"][0], distances[0], strict=True)]
        return sorted(dict(by_graph + exact).items(), key=lambda one: -one[1])[:limit] if exact else by_graph

    def nearest(self, vectors: Sequence[Vectors]) -> list[float]:
        """Return the cosine of each (d,) unit vector with its nearest chunk, -1 for none."""
        exact = self._exact.nearest(vectors)
        return [max(pair) for pair in zip(self._nearest_in_graph(vectors), exact, strict=True)]

    def _nearest_in_graph(self, vectors: Sequence[Vectors]) -> list[float]:
        found: list[float] = []
        for at in range(0, len(vectors), _ASKED_AT_ONCE):
            batch: Any = list(vectors[at : at + _ASKED_AT_ONCE])
            with failing_as_damage(self._generation, _PART):
                reply: Any = self._collection.query(query_embeddings=batch, n_results=1, include=["distances"])
            distances = reply["distances"]
            found += [1.0 - float(row[0]) if row else -1.0 for row in distances]
        return found

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the stored vectors of those `ids` that exist."""
        held = self._exact.vectors(ids)
        for at in range(0, len(ids), self._page):
            with failing_as_damage(self._generation, _PART):
                found = self._collection.get(ids=list(ids[at : at + self._page]), include=["embeddings"])
            rows: Any = found["embeddings"]
            held.update(zip(found["ids"], np.asarray(rows, dtype=np.float32), strict=True))
        return held

    def missing(self, ids: Iterable[str]) -> int:
        """Return how many of `ids` are not stored."""
        return self._not_in_graph(id_ for id_ in ids if id_ not in self._exact)

    def _not_in_graph(self, ids: Iterable[str]) -> int:
        # Looked up by id: the time of paging by offset grows with the square of the number of vectors.
        wanted, lost = iter(ids), 0
        while page := list(islice(wanted, self._page)):
            with failing_as_damage(self._generation, _PART):
                lost += len(page) - len(self._collection.get(ids=page, include=[])["ids"])
        return lost

    def count(self) -> int:
        """Return the number of stored vectors."""
        return self._collection.count() + self._not_in_graph(self._exact)

    @cached_property
    def _in_graph(self) -> int:
        # A store that is queried no longer changes; caching saves a request to the server per query.
        return self._collection.count()

    def close(self) -> None:
        """Close the folder; what was added is on disk then.

        The connection to a server stays open for other stores.
        """
        self._exact.save()
        if self._client:
            self._client.close()
        if self._copy:
            self._copy.cleanup()


def _can_be_written(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM_TO_OPEN
