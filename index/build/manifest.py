"""The manifest of a generation (manifest.json): how it was made and what it contains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from index.state import read_sealed, write_sealed
from index.store.collections import VectorCollection
from index.store.digests import damaged

FORMAT = 14
"""Raised whenever the code makes other chunks, vectors or files of the same sources."""


@dataclass(frozen=True)
class Recipe:
    """Everything except the sources that decides what an index contains. Compared at every start."""

    model: str
    weights_sha256: str
    encoding: str
    chunk_tokens: int
    chunk_overlap: int
    format: int = FORMAT


@dataclass(frozen=True)
class Manifest:
    """How a generation was made, what it contains, and where its vectors are (None: in its folder).

    `churn` counts the chunks that were deleted since it was written in full; `files` maps its files to digests, by
    path.
    """

    name: str
    created: str
    recipe: Recipe
    dimension: int
    articles: int
    chunks: int
    corpus_sha256: str
    place: VectorCollection | None = None
    churn: int = 0
    files: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write manifest.json."""
        write_sealed(folder / "manifest.json", asdict(self))

    @staticmethod
    def read(folder: Path) -> Manifest:
        """Return the stored manifest.

        Raises IndexDamaged when it is missing or not as it was written.
        """
        try:
            value = read_sealed(folder / "manifest.json")
            manifest = _MANIFEST.validate_python(value)
            if "seal" not in value and manifest.recipe.format == FORMAT:
                raise ValueError("it has no seal")
            return manifest
        except (OSError, ValueError) as error:
            raise damaged(folder, "its manifest.json is missing or was changed") from error


_MANIFEST = TypeAdapter(Manifest)
