"""Reads files in a separate process with limits of time and memory, so that no file can crash the main process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any

from index.errors import UnreadableSource
from index.formats import READERS
from index.formats.content import Content

SECONDS = 50.0
"""Maximum time to read one file."""


class Worker:
    """A process that reads files.

    It starts with the first file, and again after a file that crashed it.

    >>> with Worker() as worker:
    ...     content = worker.read(Path("paper.pdf"))  # doctest: +SKIP
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._answers: SimpleQueue[str] = SimpleQueue()

    @property
    def process_id(self) -> int | None:
        """The id of the process, or None if there is no process."""
        return self._process.pid if self._process else None

    def read(self, path: Path) -> Content:
        """Return the content of a file with a suffix in `READERS`.

        Raises:
            UnreadableSource: The file can't be read; the message is one line.
        """
        return Content.from_json(self._answer(path, {"reader": READERS[path.suffix.lower()]})["content"])

    def view(self, path: Path, viewer: str, function: str, **given: Any) -> Any:
        """Call a function of a viewer module on a file, and return its result.

        Args:
            path: The file.
            viewer: Name of a module in this package.
            function: Name of the function.
            given: Its further arguments; like the result, JSON values.

        Raises:
            UnreadableSource: The file can't be read; the message is one line.
        """
        return self._answer(path, {"viewer": viewer, "function": function, "given": given})["found"]

    def _answer(self, path: Path, what: dict[str, Any]) -> dict[str, Any]:
        request = json.dumps({"path": str(path.absolute()), **what})
        process = self._running()
        try:
            assert process.stdin is not None
            process.stdin.write(request + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=self._seconds)
        except Empty:
            self.close()
            raise UnreadableSource(
                f"takes more than {self._seconds:g} s to be read: split it or leave it out"
            ) from None
        except OSError:
            line = ""
        if not line:
            self.close()
            raise UnreadableSource("can't be read: it crashed the reader, so it is damaged or needs too much memory")
        answer: dict[str, Any] = json.loads(line)
        if answer["ends"]:
            self.close()
        if "error" in answer:
            raise UnreadableSource(answer["error"])
        return answer

    def _running(self) -> subprocess.Popen[str]:
        """Return the process; start it if it is not running."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        process = subprocess.Popen(
            [sys.executable, "-m", "index.formats.child"],
            cwd=Path(__file__).resolve().parent.parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
        )
        answers: SimpleQueue[str] = SimpleQueue()
        # Read in a thread: Windows can't wait for a pipe with a time limit.
        Thread(target=_gather, args=(process, answers), daemon=True).start()
        self._process, self._answers = process, answers
        return process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _gather(process: subprocess.Popen[str], answers: SimpleQueue[str]) -> None:
    """Put each line of output into the queue, then "" when the output ends."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put("")
