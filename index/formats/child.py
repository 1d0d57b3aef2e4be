"""The process that reads untrusted files one after another, with a memory limit.

`python -m index.formats.child`: each line of input is {"path", "reader"}, or {"path", "viewer", "function", "given"} to
call a function of a viewer. Each line of output has "content", "found" or "error", and "ends" (the process ends).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from index.errors import UnreadableSource
from index.formats.content import checked

MEMORY = 1_000_000_000
"""Maximum address space of the process, in bytes."""
TOO_LARGE = "needs more than 1 GB of memory to be read: split it"


def main() -> None:
    """Answer requests until the input ends, or until the process runs out of memory."""
    limit_memory()
    # Libraries may print: keep their output out of the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    logging.disable()
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        answer, whole = attempt(request)
        answers.write(json.dumps({**answer, "ends": not whole}) + "\n")
        answers.flush()
        if not whole:
            return


def limit_memory() -> None:
    """Limit the address space of this process. Does nothing on Windows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def attempt(request: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the answer to a request, and whether the process can read more files."""
    path = Path(request["path"])
    try:
        if viewer := request.get("viewer"):
            module = importlib.import_module(f"index.formats.{viewer}")
            return {"found": getattr(module, request["function"])(path, **request["given"])}, True
        content = importlib.import_module(f"index.formats.{request['reader']}").read(path)
        return {"content": checked(content).to_json()}, True
    except UnreadableSource as error:
        return {"error": str(error)}, True
    except MemoryError:
        return {"error": TOO_LARGE}, False
    except RecursionError:
        return {"error": "is nested too deeply"}, False
    except OSError as error:
        return {"error": f"can't be read: {error.strerror or error}"}, True
    except Exception as error:
        # A damaged file can raise any exception in a library; its message is the best reason available.
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return {"error": f"is damaged or of an unknown kind ({words})"}, "memory" not in words.lower()


if __name__ == "__main__":
    main()
