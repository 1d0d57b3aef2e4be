"""Small files that an index keeps about itself, written whole and sealed: a changed byte in one is noticed.

A seal is a digest of the value beside the value. A file without a seal is of an earlier version and is taken as it is;
a bare list of such a version stands under "list".
What can't be made again (the list of folders, what was forgotten) is kept twice.
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
    """Write a small file so that a reader sees the old or the new content and nothing between."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with its seal."""
    write_atomically(path, json.dumps({**value, _SEAL: _seal(value)}))


def read_sealed(path: Path) -> dict[str, Any]:
    """Return a JSON object, its seal checked and still in it under "seal"; without one in a file of earlier versions.

    Raises FileNotFoundError, another OSError, or DamagedState.
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
        raise DamagedState(f"{path.name} is not as it was written")
    return value


def write_twice(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with its seal, and a copy of it beside."""
    write_sealed(_copy(path), value)
    write_sealed(path, value)


def read_either(path: Path) -> dict[str, Any]:
    """Return what `write_twice` wrote, from the copy where the file itself is damaged or gone.

    Raises FileNotFoundError when there is neither, DamagedState when none that is left is whole.
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
    """Write a file and its copy anew from the one that is whole; True when one of them was not.

    Raises OSError and DamagedState as `read_either` does.
    """
    if not damage(path, twice=True):
        return False
    value = read_either(path)
    value.pop(_SEAL, None)
    write_twice(path, value)
    return True


def damage(path: Path, *, twice: bool) -> str:
    """Say in words what is wrong with a state file, or where it is kept `twice` with its copy; "" when all is well."""
    files = [path, _copy(path)] if twice else [path]
    told = []
    for one in files:
        try:
            if twice and one == path and _SEAL not in read_sealed(path) and not _copy(path).exists():
                return ""
            read_sealed(one)
        except FileNotFoundError:
            told.append(f"{one.name} is gone")
        except (OSError, DamagedState) as error:
            told.append(str(error))
    # One that was never written is no damage.
    return "" if not any(one.exists() for one in files) else "; ".join(told)


def _copy(path: Path) -> Path:
    return path.with_name(f"{path.name}{_COPY}")


def _seal(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
