"""Remove sources from a home, and put them back."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import FootnoteError
from index.sources.roots import (
    find_sources,
    forget_addresses,
    forget_sources,
    forgotten,
    register_addresses,
    register_roots,
    registered_addresses,
    registered_roots,
    remember,
    uploads,
)
from index.sources.web_pages import addresses_of, copy_folder


@dataclass(frozen=True)
class Removal:
    """The sources to remove, by kind.

    The files and folders in `paths` stay where they are. The `uploaded` files and the copies of the pages at
    `addresses` are Footnote's own.
    """

    paths: tuple[Path, ...] = ()
    uploaded: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()


def find_removal(home: Path, roots: Sequence[Path], sources: Sequence[str]) -> Removal:
    """Return the files and addresses of these sources; a folder may be a source.

    Raises FootnoteError with the nearest names if a source does not exist.
    """
    files = dict(find_sources(roots, forgotten(home)).files)
    folders = {str(path): path for path in registered_roots(home)}
    known = registered_addresses(home)
    paths, addresses = list[Path](), list[str]()
    for source in sources:
        path = files.get(source) or folders.get(source) or folders.get(str(Path(source).resolve()))
        at = list(addresses_of(home, source, known))
        if path is None and not at:
            raise FootnoteError(unknown_source(source, [*files, *known]))
        paths += [path] if path else []
        addresses += at
    own = uploads(home).resolve()
    uploaded = tuple(path for path in paths if own in path.resolve().parents)
    return Removal(tuple(path for path in paths if path not in uploaded), uploaded, tuple(addresses))


def take_out(home: Path, removal: Removal, aside: Path | None = None) -> None:
    """Leave these sources out until they are named again.

    Footnote's own copies are deleted, or moved to `aside`.
    """
    forget_sources(home, removal.paths)
    forget_addresses(home, removal.addresses)
    for path in _copies(home, removal):
        if aside and path.exists():
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(aside / path.name)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def put_back(home: Path, removal: Removal, aside: Path) -> None:
    """Move Footnote's own copies back from `aside`, unless there is a newer one."""
    for path in _copies(home, removal):
        if (aside / path.name).exists() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            (aside / path.name).replace(path)


def cancel_removal(home: Path, removal: Removal, aside: Path) -> None:
    """Make the sources of `take_out` sources again, with Footnote's own copies from `aside`."""
    put_back(home, removal, aside)
    if new := remember(home, removal.paths):
        register_roots(home, new)
    if removal.addresses:
        register_addresses(home, removal.addresses)


def _copies(home: Path, removal: Removal) -> list[Path]:
    return [*removal.uploaded, *(copy_folder(home, address) for address in removal.addresses)]


def unknown_source(name: str, sources: Sequence[str]) -> str:
    """Return the message for an unknown source, with the nearest source names."""
    near = difflib.get_close_matches(name, sources, 3, 0.4) or sources[:5]
    names = "".join(f"\n  {one}" for one in near)
    return f"There is no source called {name!r}." + (f" Did you mean one of these?{names}" if names else "")
