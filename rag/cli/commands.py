"""The commands that look after the index: index, sources, forget, doctor, show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from index.errors import FootnoteError, IndexBusy
from index.sources.fetch import is_address
from index.sources.removal import unknown_source
from index.text.structure import structure
from rag.cli.doctor import examine
from rag.cli.terminal import (
    print_blocks,
    print_check,
    print_json,
    print_preview,
    print_report,
    print_sources,
    print_trouble,
    progress_bar,
)
from rag.engine import Engine
from rag.settings import Settings, make_settings
from rag.sources import list_sources
from rag.watch import changes_at_rest

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOOK_EVERY = 2.0
"""Seconds between two looks at the sources while watching."""


def open_engine(home: Path | None) -> Engine:
    """The engine over an index, by default the one the settings name."""
    return Engine(make_settings(home=home))


def index(engine: Engine, named: Sequence[str], *, rebuild: bool, dry_run: bool, as_json: bool) -> bool:
    """Bring the index up to date with the files, folders and addresses `named` too, or only say what that would do.

    False when one that was named can't be read. Raises FootnoteError for a name that is no path and no web address.
    """
    for name in named:
        if not name.strip():
            raise FootnoteError("A path is empty. Name a file, a folder or a web address, or nothing at all.")
        if _SCHEME.match(name) and not is_address(name):
            raise FootnoteError(f"{name!r} can't be fetched: only addresses with http:// or https:// can.")
    addresses = [name for name in named if is_address(name)]
    paths = [Path(name) for name in named if name not in addresses]
    with progress_bar() as progress:
        if dry_run:
            report = engine.preview(paths, progress, addresses=addresses)
        else:
            report = engine.index(paths, addresses=addresses, rebuild=rebuild, progress=progress)
    if as_json:
        print_json({"dry_run": dry_run, **report.to_json()})
    elif dry_run:
        print_preview(report)
    else:
        print_report(report)
    unread = {name for name, _ in report.failed} | {Path(name).name for name in report.other_formats}
    return unread.isdisjoint([*addresses, *(path.name for path in paths if path.is_file())])


def watch(engine: Engine, named: Sequence[str], *, as_json: bool) -> None:
    """Bring the index up to date, and again whenever a source changed and has come to rest. Ends by Ctrl-C."""
    index(engine, named, rebuild=False, dry_run=False, as_json=as_json)
    trouble = ""
    for _ in changes_at_rest(engine, _LOOK_EVERY, Event()):
        try:
            report = engine.index()
        except IndexBusy:
            continue
        except FootnoteError as error:
            # A server that is down will be back, a full disk be cleared; until then this is said once.
            if str(error) != trouble:
                print_trouble(str(error))
            trouble = str(error)
            continue
        trouble = ""
        if as_json:
            print_json({"dry_run": False, **report.to_json()})
        else:
            print_report(report)


def sources(engine: Engine, *, as_json: bool) -> None:
    """List what is in the index."""
    engine.ensure_index()
    rows = list_sources(engine)
    if as_json:
        print_json([one.to_json() for one in rows])
    else:
        print_sources(rows)


def forget(engine: Engine, names: Sequence[str]) -> None:
    """Take sources out of the index."""
    with progress_bar() as progress:
        report = engine.forget(names, progress)
    print_report(report)


def doctor(settings: Settings, *, as_json: bool) -> bool:
    """Print every check as it is made; True when all is in order."""
    fine = True
    for check in examine(settings):
        fine = fine and check.ok
        if as_json:
            print_json(check.to_json())
        else:
            print_check(check)
    return fine


def text(engine: Engine, source: str, start: int | None, end: int | None) -> str:
    """The stored text of a source, or the part from `start` to `end`. Raises FootnoteError for what is not there."""
    whole = _stored(engine, source)
    length = len(whole)
    first, last = 0 if start is None else start, length if end is None else end
    if not 0 <= first <= last <= length:
        raise FootnoteError(f"--from {first} --to {last} is outside the text: it has {length} characters, from 0.")
    return whole[first:last]


def show_blocks(engine: Engine, source: str) -> None:
    """Print the blocks of a source. Raises FootnoteError for a source that is not there."""
    print_blocks(structure(_stored(engine, source)))


def _stored(engine: Engine, source: str) -> str:
    engine.ensure_index()
    catalog = engine.parts()[0].catalog
    article = catalog.article(source)
    if article is None:
        raise FootnoteError(unknown_source(source, [name for name, _, _ in catalog.titles()]))
    return article.text
