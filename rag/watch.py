"""Notices that sources changed, and keeps the index of a running server up to date."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event, Thread

from index.errors import FootnoteError, IndexBusy
from rag.engine import Engine

_LOG = logging.getLogger("footnote")


def changes_at_rest(engine: Engine, seconds: float, ended: Event) -> Iterator[None]:
    """Look every so many `seconds` until `ended` is set; yield when sources changed and then stood still for a look.

    What is being copied in changes from look to look.
    """
    before: list[str] = []
    while not ended.wait(seconds):
        stale = engine.stale()
        if stale and stale == before:
            yield
        before = stale


class Watcher:
    """Brings the index up to date in the background whenever sources changed."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        """Look every so many `seconds`; never for 0."""
        self._engine = engine
        self._seconds = seconds
        self._ended = Event()

    def start(self) -> None:
        """Begin, once the engine is warm."""
        if self._seconds:
            Thread(target=self._watch, name="watch", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
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
                # A server that is down will be back, a full disk be cleared; until then this is said once.
                if str(error) != trouble:
                    _LOG.warning("the index was not brought up to date: %s", error)
                trouble = str(error)
