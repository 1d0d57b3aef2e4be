"""Makes the index say what the sources say: reads, cuts, embeds and writes a new generation, checks it, switches."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from index.article import Article, read_article
from index.catalog import Catalog
from index.chunk import Chunk, Limits, chunk
from index.duplicates import originals, repeated
from index.embed import Embedder, Vectors
from index.errors import FootnoteError, IndexError_, UnreadableSource, VectorServerError
from index.formats.worker import Worker
from index.generation import (
    Generation,
    Manifest,
    Recipe,
    current_folder,
    index_folder,
    switch_to,
    verify_in_fresh_process,
    write_atomically,
)
from index.lexical import LexicalIndex
from index.pages import KINDS, Pages, kept_pages, refresh
from index.place import Place, is_own, misplaced, new_place, sweep, where
from index.reuse import KnownVectors
from index.roots import Found, find_sources, forgotten, registered_addresses
from index.seen import Seen
from index.server import Remote, Server
from index.store import Metadata, VectorStore
from index.tokens import token_counter
from index.web import Limits as WebLimits
from index.writer import writing

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are "reading", "embedding" and "checking"."""
_BATCH = 128
_FAILED = "failed.json"
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


def sync(
    builder: Builder,
    roots: Sequence[Path],
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
    wait: float = 0,
) -> Report:
    """Make the index equal to the sources below `roots`.

    Nothing is built when nothing changed, unless `rebuild`, which also reads and embeds everything anew. Else files
    that look as they did at the last sync (size, times, inode) are taken as the index in use has them, and the vectors
    of texts that some generation on disk holds, made by the same recipe, from there. What changed is told by content.
    A source that can't be read is in the report and stops nothing else.
    Raises IndexBusy when another process is writing and does not end within `wait` seconds, VectorServerError when the
    server for the vectors does not answer; then nothing is changed.
    """
    started = time.monotonic()
    try:
        with writing(builder.home, wait):
            report = _sync_all(builder, roots, rebuild, progress or _quiet)
    except OSError as error:
        raise _unwritten(builder.home, error.strerror or str(error)) from error
    report.seconds = time.monotonic() - started
    return report


def _unwritten(home: Path, why: str) -> FootnoteError:
    return FootnoteError(
        f"The new index could not be written to {home} ({why}). The old one stays in use. Make room or set "
        "FOOTNOTE_HOME to a folder that can be written, then run `python app.py index`."
    )


def _sync_all(builder: Builder, roots: Sequence[Path], rebuild: bool, tell: Progress) -> Report:
    if builder.server:
        builder.server.check()
        sweep(index_folder(builder.home), builder.server)
    found = find_sources(roots, forgotten(builder.home))
    seen = Seen.look(found.files)
    limits = WebLimits(
        builder.max_source_bytes, builder.fetch_seconds, frozenset(KINDS), allow_private=builder.allow_private
    )
    _add_pages(found, refresh(builder.home, registered_addresses(builder.home), limits))
    report, notes = _sync(builder, found, seen, rebuild, tell)
    seen.keep(builder.home, notes)
    write_atomically(index_folder(builder.home) / _FAILED, json.dumps(report.failed))
    return report


def preview(
    builder: Builder, roots: Sequence[Path], addresses: Sequence[str] = (), progress: Progress | None = None
) -> Report:
    """What a sync of `roots` and web `addresses` would do: every source is read and compared, nothing is written.

    No page is fetched: of one that was, the kept copy is compared; any other counts as added.
    """
    started = time.monotonic()
    found = find_sources(roots, forgotten(builder.home))
    pages, unknown = kept_pages(builder.home, addresses)
    _add_pages(found, pages)
    report = _report(found)
    before, manifest = _before(builder)
    articles, _ = _read(builder, found, Seen.look(found.files), manifest, report, progress or _quiet)
    report.notes += repeated(articles)
    _compare(report, articles, before or {})
    report.added += unknown
    report.articles = len(articles) + len(unknown)
    report.seconds = time.monotonic() - started
    return report


def _add_pages(found: Found, pages: Pages) -> None:
    found.files.extend(pages.files)
    found.skipped.extend(pages.failed)
    found.notes.extend(pages.notes)


def _report(found: Found) -> Report:
    return Report(failed=list(found.skipped), notes=list(found.notes), other_formats=found.other_formats)


def _quiet(stage: str, done: int, total: int) -> None:
    del stage, done, total


def _sync(
    builder: Builder, found: Found, seen: Seen, rebuild: bool, tell: Progress
) -> tuple[Report, dict[str, list[str]]]:
    report = _report(found)
    before, manifest = (None, None) if rebuild else _before(builder)
    articles, notes = _read(builder, found, seen, manifest, report, tell)
    report.notes += repeated(articles)
    _compare(report, articles, before or {})
    if manifest and not (report.added or report.changed or report.removed):
        report.generation, report.articles, report.chunks = manifest.name, manifest.articles, manifest.chunks
        return report, notes
    known = None if rebuild else KnownVectors(builder.home, builder.recipe, builder.server)
    try:
        _build(builder, articles, known, report, tell)
    finally:
        if known:
            known.close()
    return report, notes


def _read(
    builder: Builder, found: Found, seen: Seen, manifest: Manifest | None, report: Report, tell: Progress
) -> tuple[list[Article], dict[str, list[str]]]:
    """The articles of all files, and the notes on them. What looks unchanged comes from the generation in use."""
    articles, notes = list[Article](), dict[str, list[str]]()
    last = Seen.last(builder.home)
    unchanged = seen.unchanged(last) if manifest else frozenset[str]()
    with Worker() as worker, _catalog(builder, manifest) as catalog:
        for number, (source, path) in enumerate(found.files):
            tell("reading", number, len(found.files))
            fits = seen.stamps.get(source, (0,))[0] <= builder.max_source_bytes
            article, remarks = None, last.notes.get(source, [])
            if catalog and fits and source in unchanged:
                with contextlib.suppress(IndexError_):  # what is damaged is read again
                    article = catalog.article(source)
            if article is None:
                report.read += 1
                try:
                    article, remarks = read_article(path, source, max_bytes=builder.max_source_bytes, worker=worker)
                except UnreadableSource as error:
                    report.failed.append((source, str(error)))
                    continue
            if remarks:
                notes[source] = remarks
                report.notes += [(source, remark) for remark in remarks]
            articles.append(article)
    tell("reading", len(found.files), len(found.files))
    return articles, notes


@contextlib.contextmanager
def _catalog(builder: Builder, manifest: Manifest | None) -> Iterator[Catalog | None]:
    """The catalog of a generation, while the block lasts; None for none, or for a damaged one: then all is read."""
    catalog = None
    if manifest:
        with contextlib.suppress(IndexError_):
            catalog = Catalog(index_folder(builder.home) / "generations" / manifest.name / "catalog.sqlite")
    try:
        yield catalog
    finally:
        if catalog:
            catalog.close()


def _before(builder: Builder) -> tuple[dict[str, str] | None, Manifest | None]:
    """(source -> article id, manifest) of the generation in use, if it is whole and was made by the same recipe.

    Without the manifest when its vectors are not where they should be.
    """
    try:
        folder = current_folder(builder.home)
        manifest = Manifest.read(folder)
        if manifest.recipe != builder.recipe:
            return None, None
        index = index_folder(builder.home)
        if misplaced(folder, manifest.place, builder.server) or not is_own(index, manifest.place):
            catalog = Catalog(folder / "catalog.sqlite")
            try:
                return catalog.article_ids(), None
            finally:
                catalog.close()
        generation = Generation(folder, builder.server)
    except IndexError_:
        return None, None
    try:
        return generation.catalog.article_ids(), manifest
    finally:
        generation.close()


def _compare(report: Report, articles: list[Article], before: dict[str, str]) -> None:
    for article in articles:
        if article.source not in before:
            report.added.append(article.source)
        elif before[article.source] != article.id:
            report.changed.append(article.source)
        else:
            report.unchanged.append(article.source)
    report.removed = sorted(before.keys() - {article.source for article in articles})


def _build(
    builder: Builder,
    articles: list[Article],
    known: KnownVectors | None,
    report: Report,
    tell: Progress,
) -> None:
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
            raise _unwritten(builder.home, "the disk is full") from error
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


def last_failures(home: Path) -> list[tuple[str, str]]:
    """(source, reason) of what the last sync could not read."""
    try:
        return [
            (str(source), str(why)) for source, why in json.loads((index_folder(home) / _FAILED).read_text("utf-8"))
        ]
    except (OSError, ValueError, TypeError):
        return []


def is_building(home: Path) -> bool:
    """True while some process makes a new generation (or one was killed while it did)."""
    return any(index_folder(home).glob(f"{_BUILDING}*"))


def corpus_sha256(articles: Sequence[Article]) -> str:
    """One hash over sources and texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(article.id for article in articles)).encode()).hexdigest()


def changes(home: Path, roots: Sequence[Path]) -> list[str]:
    """Sources that were added, removed or touched since the last sync, judged by size and time alone.

    Cheap (no file is read), so it can run at every start.
    """
    return Seen.look(find_sources(roots, forgotten(home)).files).differs(Seen.last(home))
