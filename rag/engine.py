"""Opens what a question needs (index, models, reader) once and keeps it for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Event, Lock

from index.embed import Embedder, ModelFiles, find_model
from index.errors import FootnoteError, IndexDamaged, IndexMismatch, IndexMissing
from index.generation import Generation, Recipe, current_folder, open_current
from index.roots import register_roots, registered_roots
from index.sync import Builder, Progress, Report, changes, is_building, sync
from rag.llm import LanguageModel
from rag.reader.evidence import Reader
from rag.reader.spans import SpanReader
from rag.retrieve import Retriever
from rag.settings import SEEDS, Settings

_PATIENCE = 3600
"""Seconds that a question waits for another process that is making the index it needs."""


def recipe(settings: Settings, files: ModelFiles | None = None) -> Recipe:
    """What the settings say an index is made with."""
    model = files or find_model(settings.embedding_model, settings.embedding_revision)
    return Recipe(model.name, model.sha256, settings.encoding, settings.chunk_tokens, settings.chunk_overlap)


class Engine:
    """Everything that is loaded once: the model, the index in use, and the reader over both.

    Safe to share between threads. A new generation is taken up at the next question; the old one stays open for the
    questions that are still being answered from it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.index_home()
        self._files = find_model(settings.embedding_model, settings.embedding_revision)
        self.embedder = Embedder(self._files, settings.threads)
        self._recipe = recipe(settings, self._files)
        self._lock = Lock()
        self.state = "cold"
        self.warm = Event()
        self._open: tuple[str, Generation, Retriever, Reader] | None = None

    @cached_property
    def _spans(self) -> SpanReader:
        return SpanReader(threads=self.settings.threads)

    @cached_property
    def language_model(self) -> LanguageModel:
        """The language model that the settings name. Raises ModelServerError when they name none."""
        return LanguageModel(self.settings)

    def roots(self) -> list[Path]:
        """The registered roots; the seeds while there is none."""
        return registered_roots(self.home) or [SEEDS]

    def index(
        self,
        paths: Sequence[Path] = (),
        *,
        rebuild: bool = False,
        progress: Progress | None = None,
        wait: float = 0,
    ) -> Report:
        """Register `paths` as roots, if any, and make the index equal to all roots.

        Waits up to `wait` seconds for another process that is at it.
        """
        if paths:
            register_roots(self.home, paths)
        builder = Builder(self.home, self._recipe, self.embedder, int(self.settings.max_source_mb * 1_000_000))
        return sync(builder, self.roots(), rebuild=rebuild, progress=progress, wait=wait)

    def ensure_index(self, progress: Progress | None = None) -> tuple[Report | None, str]:
        """Make the index when there is none that can be used. Returns what was done, and a line that says why."""
        try:
            self.parts()
            return None, ""
        except IndexMissing:
            return self.index(progress=progress, wait=_PATIENCE), "There was no index yet"
        except (IndexMismatch, IndexDamaged) as error:
            return self.index(rebuild=True, progress=progress, wait=_PATIENCE), str(error)

    def parts(self) -> tuple[Generation, Retriever, Reader]:
        """The index in use with its retriever and reader. Raises IndexMissing, IndexMismatch or IndexDamaged."""
        with self._lock:
            name = current_folder(self.home).name
            if self._open is None or self._open[0] != name:
                generation = open_current(self.home, self._recipe)
                retriever = Retriever(
                    generation,
                    self.embedder,
                    candidates=self.settings.candidates,
                    dense_weight=self.settings.dense_weight,
                )
                self._open = (name, generation, retriever, Reader(generation, self._spans))
            return self._open[1:]

    def warm_up(self, progress: Progress | None = None) -> None:
        """Make the index if need be, load the models and run them once. `state` says how far it is."""
        try:
            self.state = "starting"
            self.ensure_index(lambda stage, done, total: self._indexing(progress, stage, done, total))
            self.state = "starting"
            self.embedder.warm_up()
            self.state = "ready"
        except FootnoteError as error:
            self.state = f"failed: {error}"
        finally:
            self.warm.set()

    def _indexing(self, progress: Progress | None, stage: str, done: int, total: int) -> None:
        self.state = f"indexing: {stage} {done} of {total}"
        if progress:
            progress(stage, done, total)

    def status(self) -> tuple[str, str]:
        """A line that says how things stand, and its kind: "busy", "ready" or "failed"."""
        if not self.warm.is_set():
            words = self.state.capitalize() if self.state.startswith("indexing") else "Models are warming up"
            return words, "busy"
        if self.state.startswith("failed"):
            return self.state.removeprefix("failed: "), "failed"
        try:
            articles = self.parts()[0].manifest.articles
        except FootnoteError as error:
            return str(error), "failed"
        if not articles:
            return "No sources yet", "failed"
        ready = f"{articles:,} source{'' if articles == 1 else 's'}, ready"
        return (f"{ready}; the index is being updated" if is_building(self.home) else ready), "ready"

    def stale(self) -> list[str]:
        """Sources that changed since the last sync."""
        try:
            return changes(self.home, self.roots())
        except FootnoteError:
            return []
