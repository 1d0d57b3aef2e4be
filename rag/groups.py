"""Named groups of sources that users select together, stored in FOOTNOTE_HOME."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from index.errors import FootnoteError
from index.state import DamagedState, read_sealed, write_sealed

GROUPS_FILE = "groups.json"
LONGEST_NAME = 60
_MOST = 100


def groups(home: Path) -> dict[str, list[str]]:
    """Return the sources of each group, sorted by name; none if the file is damaged."""
    try:
        kept = read_sealed(home / GROUPS_FILE).get("groups", {})
        return {str(name): list(map(str, sources)) for name, sources in sorted(kept.items())}
    except (OSError, DamagedState, AttributeError, TypeError):
        return {}


def keep_group(home: Path, name: str, sources: Iterable[str]) -> None:
    """Save a group, in place of a group with the same name.

    Raises FootnoteError for no name, no source, or too many groups.
    """
    name, kept, chosen = " ".join(name.split()), groups(home), sorted(set(sources))
    if not name or len(name) > LONGEST_NAME:
        raise FootnoteError(f"Give the group a name of up to {LONGEST_NAME} characters.")
    if not chosen:
        raise FootnoteError("Tick the sources of the group first.")
    if name not in kept and len(kept) >= _MOST:
        raise FootnoteError(f"There are {_MOST} groups. Delete one first.")
    _write(home, {**kept, name: chosen})


def drop_group(home: Path, name: str) -> None:
    """Delete a group; its sources stay."""
    _write(home, {one: sources for one, sources in groups(home).items() if one != name})


def folders(sources: Iterable[str]) -> dict[str, list[str]]:
    """Return the sources in each top-level folder that holds two or more."""
    found: dict[str, list[str]] = {}
    for source in sources:
        folder, slash, _ = source.partition("/")
        if slash and "://" not in source:
            found.setdefault(folder, []).append(source)
    return {folder: of for folder, of in sorted(found.items()) if len(of) > 1}


def _write(home: Path, kept: dict[str, list[str]]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    write_sealed(home / GROUPS_FILE, {"groups": kept})
