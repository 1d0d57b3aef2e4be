"""Folders for the temporary files of one running server, among other servers on the same home."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout


class ServerFolder:
    """A folder below `root` that belongs to one running server. Thread-safe.

    The server deletes it when it ends; the next server deletes the folders of killed ones.
    """

    def __init__(self, root: Path) -> None:
        """Delete the folders of killed servers; the own one does not exist yet."""
        self.root = root
        self.path = root / secrets.token_hex(8)
        self._held = FileLock(self.path.with_suffix(".lock"), thread_local=False)
        self._lock = Lock()
        self._clear_leftovers()

    def make(self) -> Path:
        """Create the folder if it does not exist, and return it."""
        with self._lock:
            if not self._held.is_locked:
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._held.acquire(timeout=0)
                self.path.mkdir(mode=0o700, exist_ok=True)
        return self.path

    def close(self) -> None:
        """Delete the folder."""
        with self._lock:
            shutil.rmtree(self.path, ignore_errors=True)
            if self._held.is_locked:
                self._held.release()
                Path(self._held.lock_file).unlink(missing_ok=True)

    def _clear_leftovers(self) -> None:
        for folder in {path.with_suffix("") for path in self.root.glob("*")}:
            # A running server holds its lock; the system releases that of a killed one.
            with suppress(OSError, Timeout):
                with FileLock(folder.with_suffix(".lock")).acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)
