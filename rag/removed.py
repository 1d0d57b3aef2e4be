"""Undo for sources that were removed on the page."""

from __future__ import annotations

import secrets
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from index.errors import FootnoteError
from index.home import folder_size
from index.report import Progress, Report
from index.sources.removal import Removal
from rag.engine import Engine
from rag.server_folder import ServerFolder

_KEPT = 10
"""Removals that can be undone."""


class Removed:
    """The last removals, each with a token to undo it.

    Removed uploads are kept in FOOTNOTE_HOME/removed/<server> until the server ends. They count towards the upload
    limit; when a new upload needs their space, the oldest are deleted earlier.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = ServerFolder(engine.home / "removed")
        self._folder = self._own.path
        self._lock = Lock()
        self._kept: OrderedDict[str, Removal] = OrderedDict()

    def remove(self, sources: Sequence[str], progress: Progress | None) -> tuple[Report, str]:
        """Remove sources; return the report and the undo token.

        Raises what Engine.forget raises.
        """
        token = secrets.token_hex(8)
        removal = self._engine.find_removal(sources)
        report = self._engine.forget(sources, progress, aside=self._own.make() / token)
        with self._lock:
            self._kept[token] = removal
            while len(self._kept) > _KEPT:
                self._clear(self._kept.popitem(last=False)[0])
        return report, token

    def undo(self, token: str, progress: Progress | None) -> Report:
        """Restore the sources of a removal.

        Raises FootnoteError if it is too late, and what Engine.index raises.
        """
        # A removal that is not in the list can't be cleared by another thread.
        with self._lock:
            removal = self._kept.pop(token, None)
        gone = removal and (removal.uploaded or removal.addresses) and not (self._folder / token).exists()
        if removal is None or gone:
            raise FootnoteError("It is too late to undo this. Add the source again.")
        try:
            report = self._engine.bring_back(removal, self._folder / token, progress)
        except BaseException:
            with self._lock:
                self._kept[token] = removal
            raise
        self._clear(token)
        return report

    def shrink(self, most: int) -> None:
        """Delete the oldest removals until all copies have at most `most` bytes."""
        with self._lock:
            while self._kept and folder_size(self._folder) > most:
                self._clear(self._kept.popitem(last=False)[0])

    def close(self) -> None:
        """Delete all copies."""
        self._own.close()

    def _clear(self, token: str) -> None:
        shutil.rmtree(self._folder / token, ignore_errors=True)
