"""Makes the index say what the sources say: reads, cuts, embeds and writes a new generation, checks it, switches."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from index.article import Article, read_article
from index.build import Builder, Progress, Report, build, unwritten
from index.catalog import Catalog
from index.duplicates import repeated
from index.errors import IndexError_, UnreadableSource
from index.formats.worker import Worker
from index.generation import (
    Generation,
    Manifest,
    current_folder,
    index_folder,
    write_atomically,
)
from index.pages import KINDS, Pages, kept_pages, refresh
from index.place import is_own, misplaced, sweep
from index.reuse import KnownVectors
from index.roots import Found, find_sources, forgotten, registered_addresses
from index.seen import Seen
from index.web import Limits as WebLimits
from index.writer import writing

_FAILED = "failed.json"


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
        raise unwritten(builder.home, error.strerror or str(error)) from error
    report.seconds = time.monotonic() - started
    return report


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
        build(builder, articles, known, report, tell)
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


def last_failures(home: Path) -> list[tuple[str, str]]:
    """(source, reason) of what the last sync could not read."""
    try:
        return [
            (str(source), str(why)) for source, why in json.loads((index_folder(home) / _FAILED).read_text("utf-8"))
        ]
    except (OSError, ValueError, TypeError):
        return []


def changes(home: Path, roots: Sequence[Path]) -> list[str]:
    """Sources that were added, removed or touched since the last sync, judged by size and time alone.

    Cheap (no file is read), so it can run at every start.
    """
    return Seen.look(find_sources(roots, forgotten(home)).files).differs(Seen.last(home))
