"""What a backup holds: the files of a home that can't be made again, and a list of them with their digests."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from index.errors import FootnoteError, IndexMissing
from index.home import current_folder

LIST = "footnote-backup.json"
"""The member that lists all others."""
BACKUP_FORMAT = 1
"""Raised whenever a backup can't be restored by an older program any more."""
FILES = ("settings.json", "groups.json", "suggestions.json", "conversations.sqlite", "users.sqlite")
"""In the home: what was chosen on the page, groups of sources, questions to ask next, conversations, users."""
FOLDERS = ("sources", "sets", "feedback", "web", "whatsnew", "runs")
"""In the home: uploads, question sets, judged answers, copies of web pages, answers to compare with, evaluations."""
LISTS = ("index/roots.json", "index/roots.json.copy", "index/forgotten.json", "index/forgotten.json.copy")
"""The lists of the registered folders and of the forgotten sources."""
INDEX = ("index/current", "index/seen.json", "index/failed.json")
"""What belongs to the index itself, besides the folder of the generation in use."""


class BadBackup(FootnoteError):
    """A file that is no whole backup, or holds what no backup holds."""


@dataclass(frozen=True)
class Member:
    """A file in a backup: its size in bytes and its SHA-256 digest."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """The list in a backup: who made it, when and from which home, and every file by its path below the home.

    `sample` is where the sample articles were, and `separator` parts the names of paths on that machine.
    """

    version: str
    created: str
    home: str
    sample: str
    separator: str
    with_index: bool
    files: Mapping[str, Member] = field(default_factory=dict)
    footnote_backup: int = BACKUP_FORMAT

    def to_bytes(self) -> bytes:
        """Return the list as JSON."""
        return _CONTENTS.dump_json(self, indent=1)

    @staticmethod
    def from_bytes(data: bytes) -> Contents:
        """Return the list that `to_bytes` gave, every path checked. Raises BadBackup."""
        try:
            contents = _CONTENTS.validate_json(data)
        except ValueError as error:
            raise BadBackup("its list of files can't be read") from error
        if contents.footnote_backup > BACKUP_FORMAT:
            raise BadBackup(f"it was made by Footnote {contents.version[:20]}, which is newer than this version")
        for name in contents.files:
            if not may_be_in_backup(name):
                raise BadBackup(f"it contains {name[:100]!r}, which is not a file of a home")
        return contents


_CONTENTS = TypeAdapter(Contents)


def may_be_in_backup(name: str) -> bool:
    """True if a name is the path of a file below a home, and one of those that a backup takes.

    >>> may_be_in_backup("sources/a.txt"), may_be_in_backup("sources/../../a.txt"), may_be_in_backup("/etc/passwd")
    (True, False, False)
    """
    parts = name.split("/")
    # Windows gives a backslash and a colon a meaning in paths.
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or not part.isprintable() for part in parts):
        return False
    if len(parts) == 1:
        return name in FILES
    return name in (*LISTS, *INDEX) or parts[0] in FOLDERS or parts[:2] == ["index", "generations"]


def files_to_keep(home: Path, *, with_index: bool) -> Iterator[tuple[str, Path]]:
    """Yield (path below the home, file) of what a backup of a home holds. Links are left out."""
    names = [*FILES, *LISTS, *(INDEX if with_index else ())]
    for name in names:
        if _is_file(home / name):
            yield name, home / name
    folders = [home / name for name in FOLDERS]
    if with_index:
        try:
            folders.append(current_folder(home))
        except IndexMissing as error:
            raise FootnoteError(f"There is no index in {home} to back up. Leave --with-index out.") from error
    yield from ((name, path) for name, path in _files_below(home, folders) if may_be_in_backup(name))


def names_left_out(home: Path) -> list[str]:
    """Return the files of a home that a backup leaves out because other systems can't have their names."""
    folders = [home / name for name in FOLDERS]
    return [name for name, _ in _files_below(home, folders) if not may_be_in_backup(name)]


def _files_below(home: Path, folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield (path below the home, file) of the files in folders; locks and links are left out."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if _is_file(path) and path.name != "lock" and path.suffix != ".lock":
                yield path.relative_to(home).as_posix(), path


def is_empty_home(home: Path) -> bool:
    """True if a home is not there, or holds nothing but its logs and its `.env`."""
    if not home.exists():
        return True
    return all(path.name in ("logs", ".env") for path in home.iterdir())


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
