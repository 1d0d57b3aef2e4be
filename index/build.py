"""Writes a new generation of the sources of a sync: cuts, embeds, writes, checks it and puts it in use."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from index.catalog import Catalog
from index.chunk import Chunk, Limits, chunk
from index.derive import Change, copy, plan
from index.digests import digests, stamps_of, trust
from index.duplicates import Group, Record, originals
from index.embed import Embedder, Vectors
from index.errors import FootnoteError, IndexDamaged, VectorServerError
from index.generation import Manifest, Recipe, index_folder, switch_to, verify_in_fresh_process
from index.lexical import LexicalIndex
from index.place import Place, is_own, new_place, sweep, where
from index.reuse import KnownVectors
from index.server import Remote, Server
from index.spool import Spool
from index.store import Metadata, VectorStore
from index.tokens import token_counter

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are "fetching", "reading", "cutting", "embedding" and "checking"."""
_PAGE = 1_024
"""Chunks in memory at once; these are embedded in order of length, so that little is padded."""
_BATCH = 128
"""Texts that are embedded between two signs of life."""
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
    """What a sync needs besides the sources; `server` is where vectors go (None: into the index folder).

    An index in the folder with at least `derive_from` chunks is changed in a copy, until more than the share
    `most_churn` of its chunks was taken out; then, and below that, all is written anew.
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


def build(
    builder: Builder,
    records: Sequence[Record],
    spool: Spool,
    old: Path | None,
    known: KnownVectors,
    report: Report,
    tell: Progress,
) -> None:
    """Write a new generation of the sources in `records` and switch to it. The spool gives their texts, `known` the
    vectors that need no embedding; `old` is the folder of the generation in use, if it is whole.

    A large one begins as a copy of the one in use, in which what changed is changed; else all is written anew.
    Adds to the report. Raises IndexDamaged when the check finds a fault, or the generation in use has one.
    """
    now = datetime.now(UTC)
    corpus = corpus_sha256(records)
    name = f"{now:%Y%m%dT%H%M%S%f}-{corpus[:8]}"
    generations = index_folder(builder.home) / "generations"
    generations.mkdir(exist_ok=True)
    folder = index_folder(builder.home) / f"{_BUILDING}{name}"
    folder.mkdir()
    place = new_place(index_folder(builder.home), builder.server, name) if builder.server else None
    try:
        with room(builder.home):
            groups = originals(records)
            limits = (builder.derive_from, builder.most_churn)
            change = plan(None if builder.server else old, groups, *limits)
            chunks = _write(builder, folder, place, change, groups, spool, known, report, tell)
            report.articles, report.chunks, report.generation, report.built = len(records), chunks, name, True
            made = f"{now:%Y-%m-%dT%H:%M:%SZ}"
            counts = (builder.embedder.dimension, len(records), chunks)
            files = digests(folder)
            trust(folder, stamps_of(folder, files))
            Manifest(name, made, builder.recipe, *counts, corpus, place, change.churn, files).write(folder)
            tell("checking", 0, 1)
            verify_in_fresh_process(folder, builder.server, change.new_ids if change.start else None)
            folder.replace(generations / name)
            _clear_servers(builder, switch_to(builder.home, name), report)
            tell("checking", 1, 1)
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


def _write(
    builder: Builder,
    folder: Path,
    place: Place | None,
    change: Change,
    groups: Sequence[Group],
    spool: Spool,
    known: KnownVectors,
    report: Report,
    tell: Progress,
) -> int:
    """Make the change in the folder; returns how many chunks it holds then."""
    try:
        if change.start:
            copy(change.start, folder)
        with contextlib.closing(
            Catalog(folder / "catalog.sqlite", create=not change.start, change=bool(change.start))
        ) as catalog:
            _write_articles(builder, catalog, change, spool, report, tell)
            _write_copies(catalog, groups, spool)
            catalog.commit()
            _write_vectors(builder, where(folder, place, builder.server), catalog, change, known, report, tell)
            words = LexicalIndex(folder / "words", create=not change.start)
            words.change(change.gone, ((one.id, one.article_id, one.searchable) for one in _added(catalog, change)))
            return catalog.counts()[1]
    except (FootnoteError, OSError):
        raise
    except Exception as error:
        if change.start:
            # Chroma, tantivy and SQLite each have errors of their own for what is damaged.
            raise IndexDamaged(
                f"The index in {change.start} can't be changed ({error}). Run `python app.py index`."
            ) from error
        raise


def _write_articles(
    builder: Builder, catalog: Catalog, change: Change, spool: Spool, report: Report, tell: Progress
) -> None:
    limits = Limits(
        count_tokens=token_counter(builder.recipe.encoding).count,
        count_pieces=builder.embedder.count_pieces,
        pieces=builder.embedder.max_pieces,
        tokens=builder.recipe.chunk_tokens,
        overlap=builder.recipe.chunk_overlap,
    )
    catalog.remove(change.gone)
    for number, group in enumerate(change.new):
        tell("cutting", number, len(change.new))
        article = spool.article(group.original.source)
        catalog.add(article, group.original, chunk(article, limits))
    tell("cutting", len(change.new), len(change.new))
    why = "holds nothing to search: only a title, headings or boilerplate"
    report.notes += [(source, why) for source in catalog.without_chunks()]


def _write_copies(catalog: Catalog, groups: Sequence[Group], spool: Spool) -> None:
    held = catalog.copies()
    wanted = {copy.source: (copy.id, group.original.id) for group in groups for copy in group.copies}
    catalog.remove_copies(source for source, ids in held.items() if wanted.get(source) != ids)
    for source, ids in wanted.items():
        if held.get(source) != ids:
            catalog.add_copy(spool.article(source), ids[1])


def _added(catalog: Catalog, change: Change) -> Iterator[Chunk]:
    """The chunks that are added, an article at a time."""
    for id_ in change.new_ids:
        yield from catalog.chunks_of(id_)


def _write_vectors(
    builder: Builder,
    target: Path | Remote,
    catalog: Catalog,
    change: Change,
    known: KnownVectors,
    report: Report,
    tell: Progress,
) -> None:
    sizes = catalog.sizes()
    done, total = 0, sum(sizes[id_] for id_ in change.new_ids)
    added = _added(catalog, change)
    with contextlib.closing(VectorStore(target, create=not change.start)) as store:
        store.remove(change.gone_chunks)
        while page := list(islice(added, _PAGE)):
            texts = {one.digest: one.searchable for one in page}
            held = known.of(list(texts))
            fresh = sorted(texts.keys() - held.keys(), key=lambda digest: (len(texts[digest]), digest))
            for at in range(0, len(fresh), _BATCH):
                tell("embedding", done + len(page) - len(fresh) + at, total)
                some = fresh[at : at + _BATCH]
                made = builder.embedder.encode_documents([texts[digest] for digest in some])
                held.update(zip(some, made, strict=True))
                known.keep({digest: held[digest] for digest in some})
                report.embedded = known.made
            vectors: Vectors = np.stack([held[one.digest] for one in page])
            metadata: list[Metadata] = [{"article_id": one.article_id, "ordinal": one.ordinal} for one in page]
            store.add([one.id for one in page], vectors, metadata)
            done += len(page)
    tell("embedding", total, total)


def clear_leftovers(home: Path) -> None:
    """Remove what a killed builder left. Only the writer of the index may."""
    for leftover in index_folder(home).glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def spool_folder(home: Path) -> Path:
    """Where articles are that were read and are in no generation yet."""
    return index_folder(home) / f"{_BUILDING}articles"


def is_building(home: Path) -> bool:
    """True while some process makes a new generation (or one was killed while it did)."""
    return any(index_folder(home).glob(f"{_BUILDING}*"))


@contextlib.contextmanager
def room(home: Path) -> Iterator[None]:
    """Whatever goes wrong in the block while the disk is full is told as that, in a FootnoteError."""
    try:
        yield
    except Exception as error:
        # SQLite, Chroma and tantivy each have an error of their own for a full disk.
        if shutil.disk_usage(home).free < _FULL:
            raise unwritten(home, "the disk is full") from error
        raise


def corpus_sha256(records: Sequence[Record]) -> str:
    """One hash over sources and texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(one.id for one in records)).encode()).hexdigest()


def unwritten(home: Path, why: str) -> FootnoteError:
    """The error of an index that could not be written."""
    return FootnoteError(
        f"The new index could not be written to {home} ({why}). The old one stays in use. Make room or set "
        "FOOTNOTE_HOME to a folder that can be written, then run `python app.py index`."
    )
