"""Small state files of an index, written whole and sealed, so that a changed byte is noticed.

A seal is a digest of the value, stored with the value. A file without a seal comes from an earlier version and is
accepted; a bare list in such a file is returned under "list". State that can't be rebuilt (the list of folders, the
forgotten sources) is kept twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

_SEAL = "seal"
_COPY = ".copy"


class DamagedState(ValueError):
    """A state file that does not hold what was written."""


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that a reader sees either the old or the new content."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with its seal."""
    write_atomically(path, json.dumps({**value, _SEAL: _seal(value)}))


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a JSON object and check its seal, which stays in it under "seal".

    A file of an earlier version has no seal. Raises FileNotFoundError, another OSError, or DamagedState.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedState(f"{path.name} is not readable ({error})") from error
    if isinstance(value, list):
        return {"list": value}
    if not isinstance(value, dict):
        raise DamagedState(f"{path.name} holds no JSON object")
    if _SEAL in value and value[_SEAL] != _seal({key: one for key, one in value.items() if key != _SEAL}):
        raise DamagedState(f"{path.name} has changed since it was written")
    return value


def write_twice(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with its seal, and a copy of the file in the same folder."""
    write_sealed(_copy(path), value)
    write_sealed(path, value)


def read_either(path: Path) -> dict[str, Any]:
    """Read what `write_twice` wrote, from the copy if the file is damaged or missing.

    Raises FileNotFoundError if both are missing, DamagedState if no undamaged file is left.
    """
    copy = _copy(path)
    try:
        value = read_sealed(path)
        if _SEAL in value or not copy.exists():
            return value
        raise DamagedState(f"{path.name} has no seal")
    except (FileNotFoundError, DamagedState):
        with contextlib.suppress(OSError, DamagedState):
            return read_sealed(copy)
        if not path.exists() and copy.exists():
            raise DamagedState(f"{path.name} is gone, and its copy is damaged") from None
        raise


def mend(path: Path) -> bool:
    """Repair a file and its copy from the undamaged one; True if one was damaged.

    Raises OSError, and DamagedState like `read_either`.
    """
    if not damage(path, twice=True):
        return False
    value = read_either(path)
    value.pop(_SEAL, None)
    write_twice(path, value)
    return True


def damage(path: Path, *, twice: bool) -> str:
    """Describe the damage to a state file, or return "".

    `twice` says that the file is kept with a copy, which is checked too.
    """
    files = [path, _copy(path)] if twice else [path]
    problems = []
    for one in files:
        try:
            if twice and one == path and _SEAL not in read_sealed(path) and not _copy(path).exists():
                return ""
            read_sealed(one)
        except FileNotFoundError:
            problems.append(f"{one.name} is gone")
        except (OSError, DamagedState) as error:
            problems.append(str(error))
    # A file that was never written is not damaged.
    return "" if not any(one.exists() for one in files) else "; ".join(problems)


def _copy(path: Path) -> Path:
    return path.with_name(f"{path.name}{_COPY}")


def _seal(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
