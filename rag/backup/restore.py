"""Restore a backup: read it into a folder of its own, check every file, and only then put it in place."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath

from index.build.lock import writer
from index.errors import FootnoteError, IndexBusy
from index.sources.roots import FORGOTTEN_LIST, ROOTS_LIST, registered_roots
from index.state import read_either, write_twice
from rag.backup.contents import LIST, BadBackup, Contents, Member, is_empty_home
from rag.backup.write import BLOCK
from rag.settings import SEEDS

_LIST_BYTES = 200_000_000
"""Most bytes that the list of files may have."""
_RATIO, _SMALL = 200, 100_000_000
"""A backup of more bytes than _SMALL that unpacks to more than _RATIO times its size is no backup."""
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises for a damaged or encrypted archive."""


@dataclass(frozen=True)
class Restored:
    """What was restored: the list of the backup, the registered folders that are not here, and where the home went
    that was there before (None: there was none)."""

    contents: Contents
    missing: tuple[Path, ...]
    moved_to: Path | None


def restore_backup(backup: Path, home: Path, *, replace: bool = False) -> Restored:
    """Make `home` from a backup; with `replace` also where there is one, which is moved aside.

    Everything is read and checked first, in a folder inside an empty home, else next to it: a backup that is damaged
    changes nothing. An empty home keeps its owner and mode, and may be a volume.

    Raises BadBackup for a file that is no whole backup, IndexBusy while another process writes the index, and
    FootnoteError when the home has content, or the disk no room.
    """
    home = home.resolve()
    inside = home.is_dir() and is_empty_home(home)
    if not is_empty_home(home) and not replace:
        raise FootnoteError(
            f"{home} is not empty. Use --replace to move it aside first, or choose another home with --home."
        )
    _refuse_writer(home)
    name = f".{home.name}.restoring-{secrets.token_hex(4)}"
    made = home / name if inside else home.with_name(name)
    made.mkdir(parents=True)
    try:
        contents = _unpack(backup, made)
        _move_paths(made, home, contents)
        _refuse_writer(home)  # unpacking may take minutes
        moved_to = None
        if inside:
            _move_in(made, home)
        else:
            moved_to = _put_in_place(made, home)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    missing = tuple(root for root in registered_roots(home) if not root.exists())
    return Restored(contents, missing, moved_to)


def _refuse_writer(home: Path) -> None:
    if owner := writer(home):
        raise IndexBusy(f"{owner} is writing the index in {home}. Try again when it is done.")


def _unpack(backup: Path, folder: Path) -> Contents:
    try:
        with zipfile.ZipFile(backup) as archive:
            contents = _checked(archive, backup.stat().st_size)
            needed = sum(member.size for member in contents.files.values())
            if needed > shutil.disk_usage(folder).free:
                raise FootnoteError(
                    f"There is no room for the {needed / 1e6:,.0f} MB of {backup}. Make room, or name a home on "
                    "another disk with --home."
                )
            for name, member in contents.files.items():
                _extract(archive, name, member, folder / name)
            return contents
    except BadBackup as error:
        raise BadBackup(f"{backup} can't be restored: {error}. Nothing was changed.") from error
    except _BROKEN as error:
        raise BadBackup(f"{backup} is not a backup, or is damaged ({error}). Nothing was changed.") from error


def _checked(archive: zipfile.ZipFile, size: int) -> Contents:
    """Read the list of a backup and compare it with what the archive says of its members, before any is unpacked."""
    members = archive.infolist()
    if LIST not in archive.namelist():
        raise BadBackup("it has no list of files, so Footnote did not make it")
    if any(stat.S_IFMT(one.external_attr >> 16) not in (0, stat.S_IFREG) or one.is_dir() for one in members):
        raise BadBackup("it holds a link or a folder")
    if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in members):
        raise BadBackup("its compression is not the one of a backup")
    if any(not 0 <= one.header_offset < size for one in members):
        raise BadBackup("its directory points outside the file")
    if archive.getinfo(LIST).file_size > _LIST_BYTES:
        raise BadBackup("its list of files is too long")
    contents = Contents.from_bytes(archive.read(LIST))
    held = {one.filename: one.file_size for one in members if one.filename != LIST}
    if len(members) != len(held) + 1 or held != {name: one.size for name, one in contents.files.items()}:
        raise BadBackup("its files do not match its list")
    # Members that share their bytes are a way to unpack more than there is.
    unpacked = sum(held.values())
    if sum(one.compress_size for one in members) > size or (unpacked > _SMALL and unpacked > _RATIO * size):
        raise BadBackup("it would unpack to far more than its size allows")
    return contents


def _extract(archive: zipfile.ZipFile, name: str, member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(0o600 if name == "users.sqlite" else 0o666, exist_ok=False)
    digest, left = hashlib.sha256(), member.size
    with archive.open(name) as source, target.open("wb") as stream:
        while block := source.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                break
            digest.update(block)
            stream.write(block)
    if left or digest.hexdigest() != member.sha256:
        raise BadBackup(f"{name} in it is damaged")


def _move_paths(made: Path, home: Path, contents: Contents) -> None:
    """Let the registered paths in the old home, and those of the sample articles, lead to where these are now."""

    def moved(path: str) -> str:
        for old, new in ((contents.home, home), (contents.sample, SEEDS)):
            if path == old:
                return str(new)
            if path.startswith(old + contents.separator):
                below = path[len(old) + 1 :]
                # A backslash parts names on Windows only.
                return str(new.joinpath(*(PureWindowsPath(below).parts if contents.separator == "\\" else [below])))
        return path

    _rewrite(made / "index" / ROOTS_LIST, "roots", moved)
    _rewrite(made / "index" / FORGOTTEN_LIST, "list", moved)


def _rewrite(path: Path, key: str, moved: Callable[[str], str]) -> None:
    try:
        value = read_either(path)
        value[key] = [moved(str(one)) for one in value[key]]
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        raise BadBackup(f"its list {path.name} can't be read") from error
    value.pop("seal", None)
    write_twice(path, value)


def _move_in(made: Path, home: Path) -> None:
    """Move what was restored from a folder inside the home into the home, all of it or nothing."""
    moved: list[Path] = []
    try:
        for path in sorted(made.iterdir()):
            moved.append(path.rename(home / path.name))
    except OSError:
        for path in moved:
            path.rename(made / path.name)
        raise


def _put_in_place(made: Path, home: Path) -> Path | None:
    """Rename the restored folder to the home, the old one moved aside first; return where the old one is."""
    if not home.exists():
        made.rename(home)
        return None
    if (home / ".env").is_file():
        shutil.copy2(home / ".env", made / ".env")
    aside = _free_name(home)
    home.rename(aside)
    try:
        made.rename(home)
    except OSError:
        aside.rename(home)
        raise
    return aside


def _free_name(home: Path) -> Path:
    base = f"{home.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, 1000))
    return next(home.with_name(name) for name in names if not home.with_name(name).exists())
