"""The commands that manage the index: index, sources, forget, doctor, show."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from index.errors import FootnoteError, IndexBusy
from index.program import command
from index.sources.fetch import is_address
from index.sources.roots import forgotten
from index.text.structure import structure
from rag.cli.codes import ANSWERED, FAILED, MISUSED
from rag.cli.doctor import examine
from rag.cli.doctor_url import examine_server
from rag.cli.terminal import (
    print_blocks,
    print_check,
    print_json,
    print_preview,
    print_report,
    print_sources,
    print_stored,
    print_trouble,
    progress_bar,
)
from rag.engine import Engine
from rag.settings import SEEDS, make_settings
from rag.sources import list_sources, stored_article
from rag.watch import changes_at_rest

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOOK_EVERY = 2.0
"""Seconds between checks of the sources while watching."""


def index_command(arguments: argparse.Namespace) -> int:
    """Bring the index up to date with the sources and print what was done."""
    if arguments.watch and (arguments.dry_run or arguments.rebuild):
        print_trouble("--watch keeps the index up to date, so it can't be combined with --dry-run or --rebuild.")
        return MISUSED
    engine = _open_engine(arguments)
    if arguments.watch:
        _watch(engine, arguments)
        return ANSWERED
    return ANSWERED if _index(engine, arguments) else FAILED


def _index(engine: Engine, arguments: argparse.Namespace) -> bool:
    """Bring the index up to date, including the named sources; with --dry-run only print what would be done.

    Returns False if a named source can't be read. Raises FootnoteError for a name that is neither a path nor an
    address.
    """
    named: Sequence[str] = arguments.paths
    for name in named:
        if not name.strip():
            raise FootnoteError("A path is empty. Name a file, a folder or a web address, or nothing at all.")
        if _SCHEME.match(name) and not is_address(name):
            raise FootnoteError(f"{name!r} can't be fetched: only addresses with http:// or https:// can.")
    addresses = [name for name in named if is_address(name)]
    paths = [Path(name) for name in named if name not in addresses]
    with progress_bar() as progress:
        if arguments.dry_run:
            report = engine.preview(paths, progress, addresses=addresses)
        else:
            report = engine.index(paths, addresses=addresses, rebuild=arguments.rebuild, progress=progress)
    for path in sorted(forgotten(engine.home)):
        if path.is_file() and any(path.is_relative_to(folder.resolve()) for folder in paths):
            again = f"`{command('index')} {shlex.quote(str(path))}`"
            report.notes.append((path.name, f"left out, because it was forgotten; {again} adds it"))
    if arguments.json:
        print_json({"dry_run": arguments.dry_run, **report.to_json()})
    elif arguments.dry_run:
        print_preview(report)
    else:
        print_report(report)
    unread = {name for name, _ in report.failed} | {Path(name).name for name in report.other_formats}
    return unread.isdisjoint([*addresses, *(path.name for path in paths if path.is_file())])


def _watch(engine: Engine, arguments: argparse.Namespace) -> None:
    """Bring the index up to date now, and whenever sources have changed. Ctrl-C ends it."""
    _index(engine, arguments)
    trouble = ""
    for _ in changes_at_rest(engine, _LOOK_EVERY, Event()):
        try:
            report = engine.index()
        except IndexBusy:
            continue
        except FootnoteError as error:
            # Print the same error once only: a server may come back, a full disk be cleared.
            if str(error) != trouble:
                print_trouble(str(error))
            trouble = str(error)
            continue
        trouble = ""
        if arguments.json:
            print_json({"dry_run": False, **report.to_json()})
        else:
            print_report(report)


def sources_command(arguments: argparse.Namespace) -> int:
    """List the sources in the index."""
    engine = _open_engine(arguments)
    engine.ensure_index()
    rows = list_sources(engine)
    if arguments.json:
        print_json([row.to_json() for row in rows])
    else:
        print_sources(rows)
    return ANSWERED


def forget_command(arguments: argparse.Namespace) -> int:
    """Remove sources from the index, until they are named again."""
    names = [*arguments.sources, *([str(SEEDS)] if arguments.sample else [])]
    if not names:
        print_trouble(f"Name a source to forget, as `{command('sources')}` gives it, or use --sample.")
        return MISUSED
    engine = _open_engine(arguments)
    with progress_bar() as progress:
        report = engine.forget(names, progress)
    print_report(report)
    return ANSWERED


def doctor_command(arguments: argparse.Namespace) -> int:
    """Print every check as it is made.

    The exit code says whether all checks passed.
    """
    settings = make_settings(home=arguments.home)
    token = settings.token.get_secret_value() if settings.token else ""
    fine = True
    for check in examine_server(arguments.url, token) if arguments.url else examine(settings):
        fine = fine and check.ok
        if arguments.json:
            print_json(check.to_json())
        else:
            print_check(check)
    return ANSWERED if fine else FAILED


def show_command(arguments: argparse.Namespace) -> int:
    """Print the stored text of a source, a part of it by offsets, or its blocks."""
    text = _stored(_open_engine(arguments), arguments.source)
    if arguments.blocks:
        print_blocks(structure(text))
        return ANSWERED
    first = 0 if arguments.start is None else arguments.start
    last = len(text) if arguments.end is None else arguments.end
    if not 0 <= first <= last <= len(text):
        raise FootnoteError(f"--from {first} --to {last} is outside the text: it has {len(text)} characters, from 0.")
    print_stored(text[first:last], whole=arguments.start is None and arguments.end is None)
    return ANSWERED


def _open_engine(arguments: argparse.Namespace) -> Engine:
    """Open the index of --home, else that of the settings."""
    return Engine(make_settings(home=arguments.home))


def _stored(engine: Engine, source: str) -> str:
    engine.ensure_index()
    return stored_article(engine, source).text
