"""Checks everything that an answer needs, and says how to repair what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from index.build.generation import faults
from index.build.leftovers import has_leftovers
from index.build.lock import writer
from index.build.manifest import Manifest
from index.encoder.embedder import find_model
from index.errors import FootnoteError
from index.home import current_folder, existing, explained, index_folder, unwritable
from index.program import command
from index.sources.roots import registered_addresses, registered_roots
from index.store.collections import misplaced
from index.sync import changes, damaged_files
from index.text.tokens import token_counter
from rag.engine import recipe, roots, server
from rag.reader.models import check_files
from rag.reader.spans import MODEL, STRONG
from rag.settings import SEEDS, Settings
from rag.variables import unknown_variables

_ROOM = 200_000_000
"""Fewest bytes that should be free: enough for a small index and its successor."""


@dataclass(frozen=True)
class Check:
    """The result of one check.

    `message` says what the check found and, unless it is `ok`, how to repair it.
    """

    name: str
    ok: bool
    message: str

    def to_json(self) -> dict[str, object]:
        """Return the result as JSON values, for other programs."""
        return {"name": self.name, "ok": self.ok, "told": self.message}


def examine(settings: Settings) -> Iterator[Check]:
    """Run every check, one after another; none writes into the index."""
    home = settings.index_home()
    looks: list[tuple[str, Callable[[], str]]] = [
        ("settings", _settings),
        ("home folder", lambda: _home(home)),
        ("disk space", lambda: _space(home)),
        ("embedding model", lambda: find_model(settings.embedding_model, settings.embedding_revision).name),
        ("reading model", lambda: f"{check_files(MODEL)}, the shipped one"),
        ("strong reading model", lambda: f"{check_files(STRONG)}, the shipped one"),
        ("token table", lambda: f"{token_counter(settings.encoding).count('one two three')} tokens in three words"),
        ("state files", lambda: _state(home)),
        ("sources", lambda: _sources(home)),
        ("writer", lambda: _writer(home)),
        ("vectors", lambda: _vectors(settings)),
        ("index", lambda: _index(settings, home)),
        ("up to date", lambda: _up_to_date(home)),
    ]
    for name, look in looks:
        try:
            yield Check(name, True, look())
        except FootnoteError as error:
            yield Check(name, False, explained(error, home))
        except OSError as error:
            yield Check(name, False, str(error))


def _settings() -> str:
    return " ".join(unknown_variables()) or "every variable that begins with FOOTNOTE_ is a setting"


def _home(home: Path) -> str:
    if why := unwritable(home):
        raise FootnoteError(f"{home} can't be written ({why}). Set FOOTNOTE_HOME to a folder that can.")
    return f"{home} can be written"


def _space(home: Path) -> str:
    free = shutil.disk_usage(existing(home)).free
    used = sum(path.stat().st_size for path in index_folder(home).rglob("*") if path.is_file())
    usage = f"{free / 1e9:.1f} GB free, the index takes {used / 1e6:.0f} MB"
    if free < max(_ROOM, 2 * used):
        raise FootnoteError(
            f"{usage}. A new index needs space next to the old one: make room, or set FOOTNOTE_HOME to another disk."
        )
    return usage


def _state(home: Path) -> str:
    if found := damaged_files(home):
        raise FootnoteError(f"{'; '.join(found)}. To repair what can be repaired, run `{command('index')}`.")
    return "unchanged"


def _sources(home: Path) -> str:
    named = registered_roots(home)
    if gone := [str(root) for root in named if not root.exists()]:
        raise FootnoteError(
            f"{', '.join(gone)} no longer exists. Restore it, or remove it with `{command('forget')} {gone[0]!r}`."
        )
    return ", ".join([*map(str, named), *registered_addresses(home)]) or f"{SEEDS} (none is registered)"


def _writer(home: Path) -> str:
    if owner := writer(home):
        return f"{owner}, is writing a new index"
    if unwritable(home):
        return "none: nothing can be written here"
    return f"a write was interrupted; the next `{command('index')}` cleans up" if has_leftovers(home) else "none"


def _vectors(settings: Settings) -> str:
    at = server(settings)
    if at is None:
        return "in the index folder"
    at.check()
    plain = at.token and not at.url.startswith("https:")
    place = f"on the Chroma server at {at.url}, which answers"
    return f"{place}; the token is sent unencrypted: use https" if plain else place


def _index(settings: Settings, home: Path) -> str:
    folder = current_folder(home)
    manifest = Manifest.read(folder)
    if manifest.recipe != recipe(settings):
        raise FootnoteError(f"The index was made with other settings. Run `{command('index')}` to make it again.")
    if elsewhere := misplaced(folder, manifest.place, server(settings)):
        raise FootnoteError(f"{elsewhere[0].upper()}{elsewhere[1:]}. Run `{command('index')}` to put them there.")
    if found := faults(folder, server(settings)):
        raise FootnoteError(f"{'; '.join(found)}. Run `{command('index --rebuild')}` to make it again.")
    sizes = f"{manifest.articles} sources in {manifest.chunks} chunks"
    return f"{sizes}, all files are unchanged, all parts agree, all vectors are found"


def _up_to_date(home: Path) -> str:
    current_folder(home)
    if stale := changes(home, roots(home)):
        raise FootnoteError(
            f"{len(stale)} sources changed since ({stale[0]}). Run `{command('index')}` to bring it up to date."
        )
    return "the index matches the sources"
