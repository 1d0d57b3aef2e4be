"""Write a new generation from the sources of a sync: cut, embed, write, check it and put it in use."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from index.build.disk import naming_full_disk
from index.build.generation import Generation, lost_vectors, switch_to, verify_in_fresh_process
from index.build.incremental import IndexChange, copy, plan
from index.build.known_vectors import KnownVectors
from index.build.leftovers import BUILDING
from index.build.manifest import Manifest, Recipe
from index.build.spool import Spool
from index.chunk import Chunk, ChunkLimits, chunk
from index.duplicates import Group, Record, originals
from index.encoder.embedder import Embedder, Vectors
from index.errors import FootnoteError, IndexDamaged, VectorServerError, VectorsLost
from index.home import index_folder
from index.mentions import chunk_mentions
from index.program import command
from index.report import Progress
from index.store.bm25 import LexicalIndex
from index.store.catalog import Catalog
from index.store.chroma_server import Server
from index.store.collections import VectorCollection, is_own, new_place, sweep, where
from index.store.digests import digests, stamps_of, trust
from index.store.exact import EXACT
from index.store.vectors import Metadata, VectorStore
from index.text.aliases import find_aliases
from index.text.tokens import token_counter

_PAGE = 1_024
"""Chunks in memory at a time; they are embedded in order of length, so that little is padded."""
_BATCH = 128
"""Texts that are embedded between two reports of progress."""
_MOST_LOST = 0.25
"""Share of all vectors; a graph that loses more is damaged."""


@dataclass(frozen=True)
class Builder:
    """Everything that a sync needs besides the sources; `server` receives the vectors (None: the index folder does).

    An index in the folder with at least `derive_from` chunks is changed in a copy, until more than the share
    `most_churn` of its chunks was deleted. Then, and for smaller indexes, everything is written again.
    """

    home: Path
    recipe: Recipe
    embedder: Embedder
    max_source_bytes: int
    fetch_seconds: float = 20
    allow_private: bool = False
    server: Server | None = None
    derive_from: int = 5_000
    most_churn: float = 0.25


@dataclass(frozen=True)
class BuildTools:
    """What every step of a build needs: the spool with the texts, the vectors that need no embedding, the progress."""

    builder: Builder
    spool: Spool
    known: KnownVectors
    tell: Progress


@dataclass(frozen=True)
class BuiltGeneration:
    """A generation that was written: its name, how many articles and chunks it holds, remarks by source, and the
    sources left out because their text can't be cut or embedded, with the reason."""

    name: str
    articles: int
    chunks: int
    notes: Sequence[tuple[str, str]]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class _Target:
    """Where a generation is written: its folder, and the collection on a server if its vectors go there."""

    folder: Path
    place: VectorCollection | None


def write_generation(tools: BuildTools, records: Sequence[Record], old: Path | None) -> BuiltGeneration:
    """Write a new generation of the sources in `records` and switch to it; `old` is the folder of the generation in
    use, if it is whole.

    A large one begins as a copy of the one in use, in which what changed is changed; else all is written anew.
    Raises IndexDamaged when the check finds a fault, or the generation in use has one.
    """
    builder, tell = tools.builder, tools.tell
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}-{corpus_sha256(records)[:8]}"
    generations = index_folder(builder.home) / "generations"
    generations.mkdir(exist_ok=True)
    folder = index_folder(builder.home) / f"{BUILDING}{name}"
    folder.mkdir()
    place = new_place(index_folder(builder.home), builder.server, name) if builder.server else None
    try:
        with naming_full_disk(builder.home):
            groups = originals(records)
            limits = (builder.derive_from, builder.most_churn)
            change = plan(None if builder.server else old, groups, *limits)
            chunks, notes, bad = _write(tools, _Target(folder, place), change, groups)
            held = [one for one in records if one.source not in bad]
            made = f"{now:%Y-%m-%dT%H:%M:%SZ}"
            counts = (builder.embedder.dimension, len(held), chunks)
            manifest = Manifest(name, made, builder.recipe, *counts, corpus_sha256(held), place, change.churn)
            tell("checking", 0, 1)
            _check(manifest, folder, builder.server, change.new_ids if change.start else None)
            folder.replace(generations / name)
            notes += _clear_servers(builder, switch_to(builder.home, name))
            tell("checking", 1, 1)
            return BuiltGeneration(name, len(held), chunks, notes, bad)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if place and builder.server and not (generations / name).exists():
            # If even this fails, the next sync deletes it.
            with contextlib.suppress(VectorServerError):
                builder.server.drop(place.collection)


def _check(manifest: Manifest, folder: Path, server: Server | None, added: Sequence[str] | None) -> None:
    """Write the manifest and check the generation in a fresh process. Lost vectors are then set apart.

    Raises IndexDamaged for any other fault, or when the graph loses too many vectors.
    """
    _seal(manifest, folder)
    try:
        verify_in_fresh_process(folder, server, added)
    except VectorsLost:
        with contextlib.closing(Generation(folder, server)) as generation:
            lost = lost_vectors(generation, generation.catalog.chunk_ids())
            if len(lost) > _MOST_LOST * manifest.chunks:
                raise
            generation.vectors.set_apart(lost)
        _seal(manifest, folder)
        verify_in_fresh_process(folder, server, added)


def _seal(manifest: Manifest, folder: Path) -> None:
    """Write the manifest with the current digest of every file."""
    files = digests(folder)
    trust(folder, stamps_of(folder, files))
    replace(manifest, files=files).write(folder)


def _clear_servers(builder: Builder, gone: Sequence[VectorCollection]) -> list[tuple[str, str]]:
    """Remove the collections of generations that are gone; return (server, what it does not let go of)."""
    index, notes = index_folder(builder.home), list[tuple[str, str]]()
    elsewhere = [one for one in gone if is_own(index, one) and not one.on(builder.server)]
    for place in elsewhere:
        try:
            place.server.drop(place.collection)
        except VectorServerError as error:
            why = f"keeps the collection {place.collection}, which is no longer needed: delete it there. {error}"
            notes.append((place.url, why))
    if builder.server:
        try:
            sweep(index, builder.server)
        except VectorServerError as error:
            notes.append((builder.server.url, f"keeps old vectors until the next sync. {error}"))
    return notes


def _write(
    tools: BuildTools, target: _Target, change: IndexChange, groups: Sequence[Group]
) -> tuple[int, list[tuple[str, str]], dict[str, str]]:
    """Make the change in the folder. Returns (chunks it holds then, remarks by source, why sources are left out)."""
    folder = target.folder
    try:
        if change.start:
            copy(change.start, folder)
        with contextlib.closing(
            Catalog(folder / "catalog.sqlite", create=not change.start, change=bool(change.start))
        ) as catalog:
            bad = _write_articles(tools, catalog, change)
            catalog.commit()
            with contextlib.closing(
                VectorStore(where(folder, target.place, tools.builder.server), folder / EXACT, create=not change.start)
            ) as store:
                bad |= _write_vectors(tools, store, catalog, change)
                store.remove(list(catalog.chunk_ids_of(bad)))
            catalog.remove(bad)
            held = [group for group in groups if group.original.id not in bad]
            _write_copies(catalog, held, tools.spool)
            catalog.commit()
            words = LexicalIndex(folder / "words", create=not change.start)
            words.change(change.gone, _for_words(catalog, change))
            why = "holds nothing to search: only a title, headings, boilerplate or data"
            notes = [(source, why) for source in catalog.without_chunks()]
            left_out = {
                one.source: bad[group.original.id]
                for group in groups
                if group.original.id in bad
                for one in (group.original, *group.copies)
            }
            return catalog.counts()[1], notes, left_out
    except (FootnoteError, OSError):
        raise
    except Exception as error:
        if change.start:
            # Chroma, tantivy and SQLite each raise different errors for damage.
            raise IndexDamaged(
                f"The index in {change.start} can't be changed ({error}). Run `{command('index')}`."
            ) from error
        raise


def _write_articles(tools: BuildTools, catalog: Catalog, change: IndexChange) -> dict[str, str]:
    """Write the articles with their chunks. Returns the id of each that can't be cut, with the reason."""
    builder, tell = tools.builder, tools.tell
    limits = ChunkLimits(
        count_tokens=token_counter(builder.recipe.encoding).count,
        count_pieces=builder.embedder.count_pieces,
        pieces=builder.embedder.max_pieces,
        tokens=builder.recipe.chunk_tokens,
        overlap=builder.recipe.chunk_overlap,
    )
    catalog.remove(change.gone)
    bad = dict[str, str]()
    for number, group in enumerate(change.new):
        tell("cutting", number, len(change.new))
        article = tools.spool.article(group.original.source)
        try:
            chunks, aliases = chunk(article, limits), find_aliases(article.text)
        except FootnoteError:
            raise
        except Exception as error:
            bad[group.original.id] = f"can't be cut into passages ({_in_words(error)})"
            continue
        catalog.add(article, group.original, chunks, aliases)
    tell("cutting", len(change.new), len(change.new))
    return bad


def _write_copies(catalog: Catalog, groups: Sequence[Group], spool: Spool) -> None:
    held = catalog.copies()
    wanted = {copy.source: (copy.id, group.original.id) for group in groups for copy in group.copies}
    catalog.remove_copies(source for source, ids in held.items() if wanted.get(source) != ids)
    for source, ids in wanted.items():
        if held.get(source) != ids:
            catalog.add_copy(spool.article(source), ids[1])


def _added(catalog: Catalog, change: IndexChange) -> Iterator[Chunk]:
    """Yield the added chunks, an article at a time."""
    for id_ in change.new_ids:
        yield from catalog.chunks_of(id_)


def _for_words(catalog: Catalog, change: IndexChange) -> Iterator[tuple[str, str, str, set[str]]]:
    """Yield (id, article id, text, mentions) of each added chunk, an article at a time."""
    for id_ in change.new_ids:
        if chunks := list(catalog.chunks_of(id_)):
            for one, held in zip(chunks, chunk_mentions(catalog.article_by_id(id_), chunks), strict=True):
                yield one.id, one.article_id, one.searchable, held


def _write_vectors(tools: BuildTools, store: VectorStore, catalog: Catalog, change: IndexChange) -> dict[str, str]:
    """Write the vectors. Returns the id of each article with a passage that can't be embedded, with the reason."""
    known, tell = tools.known, tools.tell
    sizes = catalog.sizes()
    done, total = 0, sum(sizes.get(id_, 0) for id_ in change.new_ids)
    added = _added(catalog, change)
    bad = dict[str, str]()
    store.remove(change.gone_chunks)
    while page := list(islice(added, _PAGE)):
        texts = {one.digest: one.searchable for one in page}
        held = known.of(list(texts))
        fresh = sorted(texts.keys() - held.keys(), key=lambda digest: (len(texts[digest]), digest))
        reasons = dict[bytes, str]()
        for at in range(0, len(fresh), _BATCH):
            tell("embedding", done + len(page) - len(fresh) + at, total)
            some = {digest: texts[digest] for digest in fresh[at : at + _BATCH]}
            made, failed = _embed(tools.builder.embedder, some)
            held.update(made)
            reasons |= failed
            known.keep(made)
        bad |= {one.article_id: reasons[one.digest] for one in page if one.digest in reasons}
        whole = [one for one in page if one.digest in held]
        metadata: list[Metadata] = [{"article_id": one.article_id, "ordinal": one.ordinal} for one in whole]
        if whole:
            store.add([one.id for one in whole], np.stack([held[one.digest] for one in whole]), metadata)
        done += len(page)
    tell("embedding", total, total)
    return bad


def _embed(embedder: Embedder, texts: Mapping[bytes, str]) -> tuple[dict[bytes, Vectors], dict[bytes, str]]:
    """Return digest -> vector, and digest -> reason for the texts that can't be embedded.

    Raises ModelError when the model itself fails.
    """
    try:
        return dict(zip(texts, embedder.encode_documents(list(texts.values())), strict=True)), {}
    except Exception as error:
        # This raises if the model itself fails; otherwise one of the texts is the cause.
        embedder.warm_up()
        if len(texts) == 1:
            return {}, dict.fromkeys(texts, f"has a passage that can't be embedded ({_in_words(error)})")
        made, failed = dict[bytes, Vectors](), dict[bytes, str]()
        for digest, text in texts.items():
            some, why = _embed(embedder, {digest: text})
            made |= some
            failed |= why
        return made, failed


def _in_words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def corpus_sha256(records: Sequence[Record]) -> str:
    """Return one hash over sources and texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(one.id for one in records)).encode()).hexdigest()
