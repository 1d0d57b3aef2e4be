"""The roots (files and folders that are indexed), and the sources below them by name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from index.article import READABLE
from index.errors import FootnoteError
from index.home import index_folder
from index.program import command
from index.state import DamagedState, mend, read_either, write_twice

ROOTS_LIST = "roots.json"
FORGOTTEN_LIST = "forgotten.json"
KEPT_TWICE = (ROOTS_LIST, FORGOTTEN_LIST)
"""State files whose content a sync can't find out again."""
QUESTION_SET = "questions.jsonl"
"""A file in a root folder with questions about its articles; it is no article itself."""
IGNORE_FILE = ".footnoteignore"
"""A file in a root folder, in the syntax of .gitignore, that says which files to leave out."""


@dataclass(frozen=True)
class SourceScan:
    """The sources below the roots.

    `files` holds (source name, file) to read, `skipped` (name, reason), `notes` (name, remark), and `other_formats` the
    names of files in formats that are not read.
    """

    files: list[tuple[str, Path]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    other_formats: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def uploads(home: Path) -> Path:
    """Return the folder of files that were uploaded on the page."""
    return home / "sources"


def registered_roots(home: Path) -> list[Path]:
    """Return the files and folders that were named to `index`, in order."""
    return [Path(root) for root in _registered(home)["roots"]]


def is_any_registered(home: Path) -> bool:
    """True if anything was ever registered, even if it was forgotten since."""
    try:
        read_either(index_folder(home) / ROOTS_LIST)
    except FileNotFoundError:
        return False
    except (OSError, DamagedState):
        pass  # reported where the list is read
    return True


def registered_addresses(home: Path) -> list[str]:
    """Return the web addresses that were named to `index`, in order."""
    return _registered(home)["addresses"]


def register_addresses(home: Path, addresses: Iterable[str]) -> None:
    """Add web addresses to the registered ones."""
    known = _registered(home)
    _write_registered(home, known["roots"], [*known["addresses"], *addresses])


def forget_addresses(home: Path, addresses: Iterable[str]) -> None:
    """Remove web addresses from the registered ones."""
    known, gone = _registered(home), set(addresses)
    _write_registered(home, known["roots"], [one for one in known["addresses"] if one not in gone])


def _registered(home: Path) -> dict[str, list[str]]:
    try:
        value = read_either(index_folder(home) / ROOTS_LIST)
        return {"roots": list(map(str, value["roots"])), "addresses": list(map(str, value.get("addresses", [])))}
    except FileNotFoundError:
        return {"roots": [], "addresses": []}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FootnoteError(
            f"The list of indexed folders, {ROOTS_LIST} in {index_folder(home)}, is damaged, and so is its copy. "
            f"Delete both and name the folders again: `{command('index PATH ...')}`."
        ) from error


def _write_registered(home: Path, roots: Iterable[str], addresses: Iterable[str]) -> None:
    index_folder(home).mkdir(parents=True, exist_ok=True)
    value = {"roots": list(roots), "addresses": list(dict.fromkeys(addresses))}
    write_twice(index_folder(home) / ROOTS_LIST, value)


def mend_lists(home: Path) -> list[tuple[str, str]]:
    """Repair the lists of roots and of forgotten files from their copies.

    Returns (file, what was done). Raises FootnoteError if a list and its copy are both damaged.
    """
    registered_roots(home), forgotten(home)
    names = [name for name in KEPT_TWICE if mend(index_folder(home) / name)]
    return [(name, "was damaged, or its copy was: restored from the intact one") for name in names]


def register_roots(home: Path, paths: Sequence[Path]) -> list[Path]:
    """Add roots to the registered ones and return them all.

    Raises FootnoteError for a path that does not exist.
    """
    roots = registered_roots(home)
    check_there(paths)
    roots += [path for path in dict.fromkeys(path.resolve() for path in paths) if path not in roots]
    _write_roots(home, roots)
    return roots


def check_there(paths: Iterable[Path]) -> None:
    """Raise FootnoteError for a path that does not exist."""
    for path in paths:
        if not path.exists():
            raise FootnoteError(f"{path} does not exist. Name an existing file or folder.")


def forgotten(home: Path) -> frozenset[Path]:
    """Return the files below the roots that are left out because they were forgotten."""
    try:
        return frozenset(Path(path) for path in read_either(index_folder(home) / FORGOTTEN_LIST)["list"])
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FootnoteError(
            f"The list of forgotten sources, {FORGOTTEN_LIST} in {index_folder(home)}, is damaged, and so is its copy. "
            "Delete both and forget the sources again."
        ) from error


def forget_sources(home: Path, paths: Iterable[Path]) -> None:
    """Leave these files out from now on; a root among them stops being a root."""
    real = {path.resolve() for path in paths}
    roots = registered_roots(home)
    if real & set(roots):
        _write_roots(home, [root for root in roots if root not in real])
    _write_forgotten(home, forgotten(home) | {path for path in real if not path.is_dir()})


def named_again(home: Path, paths: Iterable[Path]) -> tuple[frozenset[Path], list[Path]]:
    """Return what stays forgotten once `paths` are named, and the paths to make roots.

    A forgotten file below a registered root returns through that root, so it is made no root.
    """
    real, known, roots = [path.resolve() for path in paths], forgotten(home), registered_roots(home)
    new = [path for path in real if not (path in known and any(root in path.parents for root in roots))]
    return known - set(real), new


def remember(home: Path, paths: Iterable[Path]) -> list[Path]:
    """Take back forgotten files that are named again; return the paths to make roots."""
    left, new = named_again(home, paths)
    if left != forgotten(home):
        _write_forgotten(home, left)
    return new


def _write_forgotten(home: Path, paths: Iterable[Path]) -> None:
    index_folder(home).mkdir(parents=True, exist_ok=True)
    write_twice(index_folder(home) / FORGOTTEN_LIST, {"list": sorted(map(str, paths))})


def _write_roots(home: Path, roots: Sequence[Path]) -> None:
    _write_registered(home, map(str, roots), _registered(home)["addresses"])


def find_sources(roots: Iterable[Path], forgotten: frozenset[Path] = frozenset()) -> SourceScan:
    """Find every readable source below the roots, root by root.

    A source is named by its path below its root ("notes/a.txt"), a root that is a file by its own name. If two roots
    hold the same name, the later root's folder name goes before it, then with ~2, ~3. Hidden files, links that lead out
    of their root, files that its .footnoteignore names, and `forgotten` files are left out.
    """
    found = SourceScan()
    taken: set[str] = set()
    seen: set[Path] = set()
    for root in roots:
        if not root.exists():
            found.skipped.append((root.name, f"{root} is gone"))
            continue
        named = [(root.name, root)] if root.is_file() else list(_walk(root, found))
        for name, path in named:
            real = path.resolve()
            if real in seen or real in forgotten:
                continue
            seen.add(real)
            if not _is_text(name):
                found.skipped.append((ascii(name)[1:-1], "has a name that is not UTF-8: rename it"))
                continue
            if path.suffix.lower() not in READABLE and path != root:
                found.other_formats.append(name)
                continue
            source = _free_name(name, root, taken)
            taken.add(source)
            found.files.append((source, path))
    return found


def _is_text(name: str) -> bool:
    """True for a file name that is valid text, as every name is on most systems."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def left_out(root: Path, name: str) -> str:
    """Return why a file `name` put into `root` would be no source; "" if it would be."""
    if name.startswith("."):
        return "is hidden because its name begins with a dot: rename it"
    if name == QUESTION_SET:
        return "has the name of a question set: add it under Evaluation, or rename it"
    if Path(name).suffix.lower() not in READABLE:
        return "has an unsupported format"
    return f"is left out by {IGNORE_FILE}" if _ignored(root, SourceScan()).match_file(name) else ""


def _walk(root: Path, found: SourceScan) -> Iterator[tuple[str, Path]]:
    """Yield (name, file) for the regular files below a folder that are neither hidden nor ignored."""
    inside = root.resolve()
    ignored = _ignored(root, found)

    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix()
        found.skipped.append((name, f"can't be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        below = Path(folder).relative_to(root)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not ignored.match_file(f"{(below / name).as_posix()}/")
        )
        for name in sorted(names):
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            if name.startswith(".") or relative == QUESTION_SET or ignored.match_file(relative):
                continue
            try:
                mode = path.stat().st_mode
            except OSError as error:
                found.skipped.append((relative, f"can't be read: {error.strerror}"))
                continue
            if not stat.S_ISREG(mode):
                found.skipped.append((relative, "is not a regular file"))
            elif path.is_symlink() and inside not in path.resolve().parents:
                found.skipped.append((relative, "is a link that leads out of the folder"))
            else:
                yield relative, path


def _ignored(root: Path, found: SourceScan) -> GitIgnoreSpec:
    """Return the patterns of a root's .footnoteignore; none if it is missing, or can't be read, which is reported."""
    try:
        return GitIgnoreSpec.from_lines((root / IGNORE_FILE).read_text("utf-8-sig").splitlines())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        found.skipped.append((IGNORE_FILE, f"can't be used, so nothing is ignored: {error}"))
    return GitIgnoreSpec.from_lines([])


def _free_name(name: str, root: Path, taken: set[str]) -> str:
    if name not in taken:
        return name
    folder = root.parent.name if root.is_file() else root.name
    candidate = f"{folder}/{name}"
    number = 2
    while candidate in taken:
        candidate = f"{folder}~{number}/{name}"
        number += 1
    return candidate
