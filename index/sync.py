"""Update the index from its sources: read, cut, embed, write a new generation, check it, switch to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.article import Article, read_article
from index.build.disk import naming_full_disk, unwritten
from index.build.generation import Generation
from index.build.known_vectors import KnownVectors
from index.build.leftovers import clear_leftovers, spool_folder
from index.build.lock import hold_lock
from index.build.manifest import Manifest
from index.build.spool import Spool
from index.build.write import Builder, BuildTools, write_generation
from index.duplicates import Record, record, repeated
from index.errors import BrokenIndexError, IndexDamaged, IndexMismatch, IndexMissing, UnreadableSource
from index.formats.worker import Worker
from index.home import current_folder, index_folder
from index.report import Progress, Report
from index.sources.fetch import FetchLimits as WebLimits
from index.sources.roots import KEPT_TWICE, SourceScan, find_sources, forgotten, mend_lists, registered_addresses
from index.sources.seen import SEEN, Remarks, Seen
from index.sources.web_pages import MEDIA_TYPES, Pages, refresh, saved_pages
from index.state import damage, read_sealed, write_sealed
from index.store.catalog import Catalog
from index.store.collections import is_own, misplaced, sweep
from index.store.digests import verify_files

_FAILED = "failed.json"
_IN_USE = "the index in use"
_REBUILT = "was damaged, so everything was read and written again"


@dataclass(frozen=True)
class _Look:
    """The sources as they are now: what the roots hold, and how its files look."""

    found: SourceScan
    seen: Seen


@dataclass(frozen=True)
class _InUse:
    """The index in use: the id of each source's article, and its manifest if the index is whole."""

    articles: dict[str, str]
    manifest: Manifest | None


@dataclass(frozen=True)
class _Reading:
    """All sources as they were read: a record of each, remarks to keep for the next sync, and for the report the
    (source, reason) of failures, the (source, note) of notes, and how many files were opened."""

    records: list[Record]
    remarks: Remarks
    failed: list[tuple[str, str]]
    notes: list[tuple[str, str]]
    files_read: int


def sync(
    builder: Builder,
    roots: Sequence[Path],
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
    wait: float = 0,
) -> Report:
    """Make the index equal to the sources below `roots`.

    Nothing is built if nothing changed, unless `rebuild` is set, which also reads and embeds everything again.
    Otherwise a file that looks as it did at the last sync (size, times, inode) is taken from the index in use, and the
    vector of a known text from any generation on disk with the same recipe. Articles are compared by content. A source
    that can't be read is reported and stops nothing else.

    Raises IndexBusy if another process is still writing after `wait` seconds, VectorServerError if the server for the
    vectors does not answer; the index is unchanged then.
    """
    started = time.monotonic()
    try:
        with hold_lock(builder.home, wait):
            report = _sync_all(builder, roots, rebuild, progress or _quiet)
    except OSError as error:
        raise unwritten(builder.home, error.strerror or str(error)) from error
    report.seconds = time.monotonic() - started
    return report


def _sync_all(builder: Builder, roots: Sequence[Path], rebuild: bool, tell: Progress) -> Report:
    if builder.server:
        builder.server.check()
        sweep(index_folder(builder.home), builder.server)
    mended = mend_lists(builder.home)
    found = find_sources(roots, forgotten(builder.home))
    found.notes.extend(mended)
    seen = Seen.look(found.files)
    limits = WebLimits(
        builder.max_source_bytes, builder.fetch_seconds, frozenset(MEDIA_TYPES), allow_private=builder.allow_private
    )
    _add_pages(found, refresh(builder.home, registered_addresses(builder.home), limits, tell))
    report, remarks = _sync(builder, _Look(found, seen), rebuild, tell)
    seen.keep(builder.home, remarks)
    write_sealed(index_folder(builder.home) / _FAILED, {"list": report.failed})
    return report


def preview(
    builder: Builder,
    roots: Sequence[Path],
    left_out: frozenset[Path] = frozenset(),
    addresses: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Report what a sync of `roots` and web `addresses` would do; write nothing.

    Every source is read and compared, except the files in `left_out`. No web page is fetched: a kept copy is compared,
    and an address without a copy counts as added.
    """
    started = time.monotonic()
    found = find_sources(roots, left_out)
    pages, unknown = saved_pages(builder.home, addresses)
    _add_pages(found, pages)
    report = _report(found)
    before, manifest = None, None
    with contextlib.suppress(IndexDamaged):
        before, manifest = _before(builder)
    with _catalog(builder, manifest) as catalog:
        reading = _read(builder, _Look(found, Seen.look(found.files)), catalog, progress or _quiet)
    _add_reading(report, reading)
    records = reading.records
    _compare(report, records, before or {})
    report.added += unknown
    report.articles = len(records) + len(unknown)
    report.seconds = time.monotonic() - started
    return report


def _add_pages(found: SourceScan, pages: Pages) -> None:
    found.files.extend(pages.files)
    found.skipped.extend(pages.failed)
    found.notes.extend(pages.notes)


def _report(found: SourceScan) -> Report:
    return Report(failed=list(found.skipped), notes=list(found.notes), other_formats=found.other_formats)


def _quiet(stage: str, done: int, total: int) -> None:
    del stage, done, total


def _sync(builder: Builder, look: _Look, rebuild: bool, tell: Progress) -> tuple[Report, Remarks]:
    clear_leftovers(builder.home)
    damage: IndexDamaged | None = None
    try:
        before, manifest = (None, None) if rebuild else _before(builder)
    except IndexDamaged as error:
        before, manifest, damage = None, None, error
    known = KnownVectors(builder.home, builder.recipe, builder.server, anew=rebuild)
    try:
        try:
            report, remarks = _make(builder, look, _InUse(before or {}, manifest), known, tell)
            if damage:
                report.notes.append((_IN_USE, f"{_REBUILT}. {damage}"))
            return report, remarks
        except IndexDamaged as error:
            if manifest is None:
                raise
            # The generation in use can't be relied on: everything is read and written anew.
            report, remarks = _make(builder, look, _InUse(before or {}, None), known, tell)
            report.notes.append((_IN_USE, f"{_REBUILT}. {error}"))
            return report, remarks
    finally:
        known.close()


def _make(builder: Builder, look: _Look, in_use: _InUse, known: KnownVectors, tell: Progress) -> tuple[Report, Remarks]:
    """Read the sources, compare them with the index in use and build a new one, if need be."""
    report, manifest = _report(look.found), in_use.manifest
    with (
        _catalog(builder, manifest) as catalog,
        Spool(spool_folder(builder.home), catalog) as spool,
        naming_full_disk(builder.home),
    ):
        reading = _read(builder, look, catalog, tell, spool)
        records, remarks = reading.records, reading.remarks
        _add_reading(report, reading)
        _compare(report, records, in_use.articles)
        if manifest and not (report.added or report.changed or report.removed):
            report.generation, report.articles, report.chunks = manifest.name, manifest.articles, manifest.chunks
        else:
            old = current_folder(builder.home) if catalog else None
            built = write_generation(BuildTools(builder, spool, known, tell), records, old)
            report.generation, report.articles, report.chunks = built.name, built.articles, built.chunks
            report.built, report.embedded = True, known.new_count
            report.notes += built.notes
            report.failed += built.left_out.items()
            remarks.failed.update(built.left_out)
            _compare(report, [one for one in records if one.source not in built.left_out], in_use.articles)
        known.delete_saved()
    return report, remarks


def _read(
    builder: Builder, look: _Look, catalog: Catalog | None, tell: Progress, spool: Spool | None = None
) -> _Reading:
    """Read all files. Of what looks unchanged, the catalog of the generation in use has record and text; texts that it
    does not have go to the spool. What failed and looks unchanged fails again."""
    records, remarks, number_read = list[Record](), Remarks(), 0
    failed, source_notes = list[tuple[str, str]](), list[tuple[str, str]]()
    found, seen = look.found, look.seen
    last = Seen.last(builder.home)
    unchanged = seen.unchanged(last) if catalog else frozenset[str]()
    kept = dict[str, Record]()
    if catalog:
        with contextlib.suppress(BrokenIndexError):  # without its records, every file is read again
            kept = {one.source: one for one in catalog.records()}
    with Worker() as worker:
        for number, (source, path) in enumerate(found.files):
            tell("reading", number, len(found.files))
            fits = seen.stamps.get(source, (0,))[0] <= builder.max_source_bytes
            same = fits and source in unchanged
            one, notes = kept.get(source), last.notes.get(source, [])
            if same and one is None and source in last.failed:
                remarks.failed[source] = last.failed[source]
                failed.append((source, last.failed[source]))
                continue
            if one is None or not same:
                number_read += 1
                try:
                    article, notes = _article(path, source, builder.max_source_bytes, worker)
                except UnreadableSource as error:
                    failed.append((source, str(error)))
                    # A limit may be raised, and a folder or a disk be reached again, while the file stays as it is.
                    if fits and not isinstance(error.__cause__, OSError):
                        remarks.failed[source] = str(error)
                    continue
                if one is None or one.id != article.id:
                    one = record(article)
                    if spool:
                        spool.add(article, one)
            if notes:
                remarks.notes[source] = notes
                source_notes += [(source, note) for note in notes]
            records.append(one)
    tell("reading", len(found.files), len(found.files))
    return _Reading(records, remarks, failed, source_notes, number_read)


def _add_reading(report: Report, reading: _Reading) -> None:
    """Add to the report what reading the files says."""
    report.read = reading.files_read
    report.failed += reading.failed
    report.notes += [*reading.notes, *repeated(reading.records)]


def _article(path: Path, source: str, max_bytes: int, worker: Worker) -> tuple[Article, list[str]]:
    """Read the article of a file. Raises UnreadableSource, whatever is wrong with the file."""
    try:
        return read_article(path, source, max_bytes=max_bytes, worker=worker)
    except UnreadableSource:
        raise
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UnreadableSource(f"can't be laid out ({words})") from error


@contextlib.contextmanager
def _catalog(builder: Builder, manifest: Manifest | None) -> Iterator[Catalog | None]:
    """Open the catalog of a generation for the block; None without a manifest, or if it can't be opened."""
    catalog = None
    if manifest:
        with contextlib.suppress(BrokenIndexError):
            catalog = Catalog(index_folder(builder.home) / "generations" / manifest.name / "catalog.sqlite")
    try:
        yield catalog
    finally:
        if catalog:
            catalog.close()


def _before(builder: Builder) -> tuple[dict[str, str] | None, Manifest | None]:
    """Return (source -> article id, manifest) of the generation in use, if it is undamaged and has the same recipe.

    The manifest is None if the vectors are not where they should be. Raises IndexDamaged.
    """
    try:
        folder = current_folder(builder.home)
        manifest = Manifest.read(folder)
        if manifest.recipe != builder.recipe:
            return None, None
        index = index_folder(builder.home)
        if misplaced(folder, manifest.place, builder.server) or not is_own(index, manifest.place):
            verify_files(folder, manifest.files)
            catalog = Catalog(folder / "catalog.sqlite")
            try:
                return catalog.article_ids(), None
            finally:
                catalog.close()
        generation = Generation(folder, builder.server)
    except (IndexMissing, IndexMismatch):
        return None, None
    try:
        return generation.catalog.article_ids(), manifest
    finally:
        generation.close()


def _compare(report: Report, records: list[Record], before: dict[str, str]) -> None:
    report.added, report.changed, report.unchanged = [], [], []
    for one in records:
        if one.source not in before:
            report.added.append(one.source)
        elif before[one.source] != one.id:
            report.changed.append(one.source)
        else:
            report.unchanged.append(one.source)
    report.removed = sorted(before.keys() - {one.source for one in records})


def damaged_files(home: Path) -> list[str]:
    """Describe the damage to the state files of an index, one line for each file."""
    index = index_folder(home)
    kept_twice = [damage(index / name, twice=True) for name in KEPT_TWICE]
    others = [damage(index / name, twice=False) for name in (SEEN, _FAILED)]
    return [problem for problem in (*kept_twice, *others) if problem]


def last_failures(home: Path) -> list[tuple[str, str]]:
    """Return (source, reason) for each source that the last sync could not read."""
    try:
        failed = read_sealed(index_folder(home) / _FAILED)["list"]
        return [(str(source), str(why)) for source, why in failed]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def changes(home: Path, roots: Sequence[Path]) -> list[str]:
    """Return the sources that were added, removed or touched since the last sync.

    Only sizes and times are compared; no file is read, so this can run at every start.
    """
    return Seen.look(find_sources(roots, forgotten(home)).files).differs(Seen.last(home))
