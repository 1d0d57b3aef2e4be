"""The vectors that generations on disk hold already, found by what was embedded: only new text is embedded."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from index.embed import Vectors
from index.errors import IndexError_, VectorServerError
from index.generation import Generation, Manifest, Recipe, index_folder
from index.server import Server


class KnownVectors:
    """Vectors by digest, from every generation of `home` that was made by the same recipe; the newest one first."""

    def __init__(self, home: Path, recipe: Recipe, server: Server | None = None) -> None:
        self._server = server
        self._folders = []
        for folder in sorted((index_folder(home) / "generations").glob("*"), reverse=True):
            with contextlib.suppress(IndexError_):
                if Manifest.read(folder).recipe == recipe:
                    self._folders.append(folder)
        self._open: dict[Path, Generation] = {}

    def of(self, digests: Sequence[bytes]) -> dict[bytes, Vectors]:
        """The vectors of those digests that some generation holds."""
        known: dict[bytes, Vectors] = {}
        for folder in list(self._folders):
            missing = [one for one in digests if one not in known]
            if not missing:
                break
            try:
                generation = self._open.get(folder) or self._open.setdefault(folder, Generation(folder, self._server))
                ids = generation.catalog.with_digests(missing)
                held = generation.vectors.vectors(list(ids.values()))
                known.update((digest, held[id_]) for digest, id_ in ids.items() if id_ in held)
            except (IndexError_, VectorServerError):
                # A generation that was damaged, or whose server is gone, has nothing to give: it is not asked again.
                self._folders.remove(folder)
        return known

    def close(self) -> None:
        """Let go of the generations."""
        for generation in self._open.values():
            generation.close()
