"""The vectors already on disk, by the digest of the embedded text: only new text is embedded."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from index.build.checkpoint import Embedded
from index.build.manifest import Manifest, Recipe
from index.encoder.embedder import Vectors
from index.errors import BrokenIndexError, VectorServerError
from index.home import index_folder
from index.store.catalog import Catalog
from index.store.chroma_server import Server
from index.store.collections import where
from index.store.digests import verify_files
from index.store.exact import EXACT
from index.store.vectors import VectorStore


class KnownVectors:
    """Vectors by digest: from a stopped build, then from every generation of `home` with the same recipe.

    The newest generation comes first. With `anew` no old vectors are used. `new_count` counts the new ones.
    """

    def __init__(self, home: Path, recipe: Recipe, server: Server | None = None, *, anew: bool = False) -> None:
        self.new_count = 0
        self._server = server
        self._saved = Embedded(home, recipe, empty=anew)
        self._folders = list[Path]()
        for folder in [] if anew else sorted((index_folder(home) / "generations").glob("*"), reverse=True):
            with contextlib.suppress(BrokenIndexError):
                if Manifest.read(folder).recipe == recipe:
                    self._folders.append(folder)
        self._catalogs: dict[Path, Catalog] = {}
        self._stores: dict[Path, VectorStore] = {}

    def of(self, digests: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return digest -> vector for the digests that are known."""
        known = self._saved.of(digests)
        for folder in list(self._folders):
            missing = [one for one in digests if one not in known]
            if not missing:
                break
            try:
                known.update(self._stored_vectors(folder, missing))
            except (BrokenIndexError, VectorServerError):
                # A damaged generation, or one whose server is gone, gives nothing: skip it from now on.
                self._folders.remove(folder)
        return known

    def keep(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Save vectors that were just made, in case this build is stopped."""
        self.new_count += len(vectors)
        self._saved.keep(vectors)

    def delete_saved(self) -> None:
        """Delete the saved vectors, which a generation now holds."""
        self._saved.remove()

    def close(self) -> None:
        """Close all files."""
        self._saved.close()
        for catalog in self._catalogs.values():
            catalog.close()
        for store in self._stores.values():
            store.close()

    def _stored_vectors(self, folder: Path, digests: Sequence[bytes]) -> dict[bytes, Vectors]:
        if folder not in self._catalogs:
            verify_files(
                folder, {name: one for name, one in Manifest.read(folder).files.items() if name[:6] != "words/"}
            )
            self._catalogs[folder] = Catalog(folder / "catalog.sqlite")
        ids = self._catalogs[folder].with_digests(digests)
        if ids and folder not in self._stores:
            # Opened only when needed, because a large index takes time and memory.
            self._stores[folder] = VectorStore(where(folder, Manifest.read(folder).place, self._server), folder / EXACT)
        held = self._stores[folder].vectors(list(ids.values())) if ids else {}
        return {digest: held[id_] for digest, id_ in ids.items() if id_ in held}
