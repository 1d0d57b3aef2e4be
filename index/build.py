"""Writes a new generation from the articles of a sync: cuts, embeds, writes, checks it and puts it in use."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from index.article import Article
from index.catalog import Catalog
from index.chunk import Chunk, Limits, chunk
from index.duplicates import originals
from index.embed import Embedder, Vectors
from index.errors import FootnoteError, VectorServerError
from index.generation import Manifest, Recipe, index_folder, switch_to, verify_in_fresh_process
from index.lexical import LexicalIndex
from index.place import Place, is_own, new_place, sweep, where
from index.reuse import KnownVectors
from index.server import Remote, Server
from index.store import Metadata, VectorStore
from index.tokens import token_counter

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are "reading", "embedding" and "checking"."""
_BATCH = 128
_BUILDING = "building-"
_FULL = 1_000_000
"""A disk with fewer free bytes counts as full."""


@dataclass
class Report:
    """What a sync did. Lists hold source names; `failed` and `notes` say why beside each. `read` counts the files that
    were read, `embedded` the texts that were embedded."""

    generation: str = ""
    built: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    other_formats: list[str] = field(default_factory=list)
    read: int = 0
    articles: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The report for other programs; every failure and note beside its source."""
        told = {
            name: [{"source": source, "why": why} for source, why in getattr(self, name)]
            for name in ("failed", "notes")
        }
        return {**asdict(self), **told, "seconds": round(self.seconds, 2)}


@dataclass(frozen=True)
class Builder:
    """What a sync needs besides the sources; `server` is where vectors go (None: into the index folder)."""

    home: Path
    recipe: Recipe
    embedder: Embedder
    max_source_bytes: int
    fetch_seconds: float = 20
    allow_private: bool = False
    server: Server | None = None


def build(
    builder: Builder,
    articles: list[Article],
    known: KnownVectors | None,
    report: Report,
    tell: Progress,
) -> None:
    """Write the articles as a new generation and switch to it; `known` gives vectors that need no embedding.

    Adds to the report. Raises FootnoteError when there is no room, IndexDamaged when the check finds a fault.
    """
    now = datetime.now(UTC)
    corpus = corpus_sha256(articles)
    name = f"{now:%Y%m%dT%H%M%S%f}-{corpus[:8]}"
    generations = index_folder(builder.home) / "generations"
    generations.mkdir(exist_ok=True)
    for leftover in index_folder(builder.home).glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = index_folder(builder.home) / f"{_BUILDING}{name}"
    folder.mkdir()
    place = new_place(index_folder(builder.home), builder.server, name) if builder.server else None
    try:
        chunks = _cut_all(builder, folder, articles, report)
        _write_vectors(builder, where(folder, place, builder.server), chunks, known, report, tell)
        words = LexicalIndex(folder / "words", create=True)
        words.add((one.id, one.article_id, one.searchable) for one in chunks)
        report.articles, report.chunks, report.generation, report.built = len(articles), len(chunks), name, True
        made = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        counts = (builder.embedder.dimension, len(articles), len(chunks))
        Manifest(name, made, builder.recipe, *counts, corpus, place).write(folder)
        tell("checking", 0, 1)
        verify_in_fresh_process(folder, builder.server)
        folder.replace(generations / name)
        _clear_servers(builder, switch_to(builder.home, name), report)
        tell("checking", 1, 1)
    except Exception as error:
        # SQLite, Chroma and tantivy each have an error of their own for a full disk.
        if shutil.disk_usage(builder.home).free < _FULL:
            raise unwritten(builder.home, "the disk is full") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if place and builder.server and not (generations / name).exists():
            # Where even this fails, the next sync clears it away.
            with contextlib.suppress(VectorServerError):
                builder.server.drop(place.collection)


def _clear_servers(builder: Builder, gone: Sequence[Place], report: Report) -> None:
    """Remove the collections of generations that are gone; what a server does not let go of is in the report."""
    index = index_folder(builder.home)
    elsewhere = [one for one in gone if is_own(index, one) and not one.on(builder.server)]
    for place in elsewhere:
        try:
            place.server.drop(place.collection)
        except VectorServerError as error:
            why = f"keeps the collection {place.collection}, which nothing needs any more: remove it there. {error}"
            report.notes.append((place.url, why))
    if builder.server:
        try:
            sweep(index, builder.server)
        except VectorServerError as error:
            report.notes.append((builder.server.url, f"keeps old vectors until the next sync. {error}"))


def _cut_all(builder: Builder, folder: Path, articles: list[Article], report: Report) -> list[Chunk]:
    limits = Limits(
        count_tokens=token_counter(builder.recipe.encoding).count,
        count_pieces=builder.embedder.count_pieces,
        pieces=builder.embedder.max_pieces,
        tokens=builder.recipe.chunk_tokens,
        overlap=builder.recipe.chunk_overlap,
    )
    catalog = Catalog(folder / "catalog.sqlite", create=True)
    everything: list[Chunk] = []
    by_source = {article.source: article for article in articles}
    for article in originals(articles):
        chunks = chunk(article, limits)
        if not chunks:
            report.notes.append((article.source, "holds nothing to search: only a title, headings or boilerplate"))
        catalog.add(article, chunks)
        for name in article.copies:
            catalog.add_copy(by_source[name], article)
        everything += chunks
    catalog.commit()
    catalog.close()
    return everything


def _write_vectors(
    builder: Builder,
    target: Path | Remote,
    chunks: list[Chunk],
    known: KnownVectors | None,
    report: Report,
    tell: Progress,
) -> None:
    store = VectorStore(target, create=True)
    try:
        for at in range(0, len(chunks), _BATCH):
            tell("embedding", at, len(chunks))
            batch = {one.id: one for one in chunks[at : at + _BATCH]}
            texts = {one.digest: one.searchable for one in batch.values()}
            held = known.of(list(texts)) if known else {}
            fresh = [digest for digest in texts if digest not in held]
            made = builder.embedder.encode_documents([texts[digest] for digest in fresh])
            held.update(zip(fresh, made, strict=True))
            report.embedded += len(fresh)
            vectors: Vectors = np.stack([held[one.digest] for one in batch.values()])
            metadata: list[Metadata] = [
                {"article_id": one.article_id, "ordinal": one.ordinal} for one in batch.values()
            ]
            store.add(list(batch), vectors, metadata)
        tell("embedding", len(chunks), len(chunks))
    finally:
        store.close()


def is_building(home: Path) -> bool:
    """True while some process makes a new generation (or one was killed while it did)."""
    return any(index_folder(home).glob(f"{_BUILDING}*"))


def corpus_sha256(articles: Sequence[Article]) -> str:
    """One hash over sources and texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(article.id for article in articles)).encode()).hexdigest()


def unwritten(home: Path, why: str) -> FootnoteError:
    """The error of an index that could not be written."""
    return FootnoteError(
        f"The new index could not be written to {home} ({why}). The old one stays in use. Make room or set "
        "FOOTNOTE_HOME to a folder that can be written, then run `python app.py index`."
    )
