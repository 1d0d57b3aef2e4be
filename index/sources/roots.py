"""Which files and folders are indexed (the roots), and what sources they hold by name."""

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
"""What a sync can't find out again."""
QUESTION_SET = "questions.jsonl"
"""In the folder that is a root: questions about its articles, which are no article."""
IGNORE_FILE = ".footnoteignore"
"""In the folder that is a root: what below it is left out, in the syntax of .gitignore."""


@dataclass(frozen=True)
class SourceScan:
    """What the roots hold: (source name, file) to read, what is passed over with the reason, and remarks."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    other_formats: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def uploads(home: Path) -> Path:
    """The folder of files that were uploaded on the page."""
    return home / "sources"


def registered_roots(home: Path) -> list[Path]:
    """The files and folders that were named to `index` so far, in order."""
    return [Path(root) for root in _registered(home)["roots"]]


def is_any_registered(home: Path) -> bool:
    """Whether something was ever registered; what was forgotten since counts too."""
    try:
        read_either(index_folder(home) / ROOTS_LIST)
    except FileNotFoundError:
        return False
    except (OSError, DamagedState):
        pass  # told where the list is read
    return True


def registered_addresses(home: Path) -> list[str]:
    """The web addresses that were named to `index` so far, in order."""
    return _registered(home)["addresses"]


def register_addresses(home: Path, addresses: Iterable[str]) -> None:
    """Add web addresses to the registered ones."""
    known = _registered(home)
    _write_registered(home, known["roots"], [*known["addresses"], *addresses])


def forget_addresses(home: Path, addresses: Iterable[str]) -> None:
    """Take web addresses out."""
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
    """Write the lists of roots and of what was forgotten anew from their copies, where one is damaged.

    Returns (file, what was done). Raises FootnoteError when a list and its copy are damaged.
    """
    registered_roots(home), forgotten(home)
    names = [name for name in KEPT_TWICE if mend(index_folder(home) / name)]
    return [(name, "was damaged, or its copy was: written anew from the one that was whole") for name in names]


def register_roots(home: Path, paths: Sequence[Path]) -> list[Path]:
    """Add roots to the registered ones and return them all. Raises FootnoteError for a path that is not there."""
    roots = registered_roots(home)
    check_there(paths)
    roots += [path for path in dict.fromkeys(path.resolve() for path in paths) if path not in roots]
    _write_roots(home, roots)
    return roots


def check_there(paths: Iterable[Path]) -> None:
    """Raises FootnoteError for a path that is not there."""
    for path in paths:
        if not path.exists():
            raise FootnoteError(f"{path} does not exist. Name a file or a folder that does.")


def forgotten(home: Path) -> frozenset[Path]:
    """The files that are left out although they lie below a root, because they were forgotten."""
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
    """Leave these files out from now on; a root among them is no root any more."""
    real = {path.resolve() for path in paths}
    roots = registered_roots(home)
    if real & set(roots):
        _write_roots(home, [root for root in roots if root not in real])
    _write_forgotten(home, forgotten(home) | {path for path in real if not path.is_dir()})


def named_again(home: Path, paths: Iterable[Path]) -> tuple[frozenset[Path], list[Path]]:
    """What stays forgotten once `paths` are named, and those of them that are to be roots: a forgotten file below a
    registered root comes back by that root."""
    real, known, roots = [path.resolve() for path in paths], forgotten(home), registered_roots(home)
    new = [path for path in real if not (path in known and any(root in path.parents for root in roots))]
    return known - set(real), new


def remember(home: Path, paths: Iterable[Path]) -> list[Path]:
    """Take files that are named again back in. Returns those that no registered root holds."""
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
    """Every readable source below the roots, in order of their names.

    A source is named by its path below its root ("notes/a.txt"), a root that is a file by its own name. Where two
    roots hold the same name, the later root's folder name goes before it, then with ~2, ~3. Hidden files, links that
    lead out of their root, what its .footnoteignore names, and `forgotten` files are passed over.
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
    """True for a file's name that is text, as every name is on most systems."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def left_out(root: Path, name: str) -> str:
    """Say why a file called `name`, laid into the folder `root`, would be no source; "" if it would be one."""
    if name.startswith("."):
        return "is hidden, for its name begins with a dot: give it another name"
    if name == QUESTION_SET:
        return "has the name of a question set: add it under Evaluation, or give it another name"
    if Path(name).suffix.lower() not in READABLE:
        return "is of no format that is read"
    return f"is left out by {IGNORE_FILE}" if _ignored(root, SourceScan()).match_file(name) else ""


def _walk(root: Path, found: SourceScan) -> Iterator[tuple[str, Path]]:
    """(name, file) of the regular files below a folder that are neither hidden nor ignored."""
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
    """The patterns of a root's .footnoteignore; none where there is none, or it can't be read, which is told."""
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
