"""What determines an answer besides the question and the sources."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import version

from index.build.generation import Generation
from index.program import IS_CHECKOUT, PROJECT
from rag.settings import Settings

_NO_MATTER = frozenset(
    """home host port allowed_hosts max_waiting threads workers look_every max_uploads_mb max_source_mb max_question
    fetch_seconds allow_private_addresses chroma_url chroma_tenant chroma_database log_format log_questions""".split()
)
"""Settings that affect no answer."""


def provenance(settings: Settings, generation: Generation, reader: str) -> dict[str, str]:
    """Return what determines an answer besides the question and the sources.

    That is the version, index, models, and settings that differ from the default. The key of a setting is its
    variable's name. `reader` is the fingerprint of the reading models.
    """
    recipe = generation.manifest.recipe
    open_ = [name for name, field in Settings.model_fields.items() if "Secret" not in str(field.annotation)]
    changed = {
        name: str(value)
        for name in open_
        if name not in _NO_MATTER and (value := getattr(settings, name)) != Settings.model_fields[name].default
    }
    return {
        "footnote": program_version(),
        "generation": generation.manifest.name,
        "corpus": generation.manifest.corpus_sha256,
        "encoder": recipe.weights_sha256,
        "reader": reader,
        "recipe": f"{recipe.chunk_tokens} tokens, {recipe.chunk_overlap} shared, {recipe.encoding}",
        **{f"FOOTNOTE_{name.upper()}": value for name, value in changed.items()},
    }


@cache
def program_version() -> str:
    """Return the version of Footnote: of the checkout, else of the package."""
    if not IS_CHECKOUT:
        return version("footnote")
    return str(tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"])
