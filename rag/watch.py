"""Keeps the index of a running server up to date as sources change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event, Thread

from index.errors import FootnoteError, IndexBusy
from rag.engine import Engine

_LOG = logging.getLogger("footnote")


def changes_at_rest(engine: Engine, seconds: float, ended: Event) -> Iterator[None]:
    """Yield when sources have changed and then stayed the same for one check.

    Checks every `seconds` until `ended` is set. A file that is still being copied differs from check to check.
    """
    before: list[str] = []
    while not ended.wait(seconds):
        stale = engine.stale()
        if stale and stale == before:
            yield
        before = stale


class Watcher:
    """Updates the index in the background when sources change."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        """Check every `seconds`; never for 0."""
        self._engine = engine
        self._seconds = seconds
        self._ended = Event()

    def start(self) -> None:
        """Start watching, once the engine is warm."""
        if self._seconds:
            Thread(target=self._watch, name="watch", daemon=True).start()

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()

    def _watch(self) -> None:
        self._engine.warm.wait()
        trouble = ""
        for _ in changes_at_rest(self._engine, self._seconds, self._ended):
            try:
                self._engine.index()
                trouble = ""
            except IndexBusy:
                continue
            except FootnoteError as error:
                # Log the same error once only: a server may come back, a full disk be cleared.
                if str(error) != trouble:
                    _LOG.warning("the index was not brought up to date: %s", error)
                trouble = str(error)
