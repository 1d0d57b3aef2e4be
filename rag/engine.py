"""Opens what a question needs (index, models, reader) once, and keeps it for the next question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from index.build.generation import Generation, open_current
from index.build.leftovers import is_building
from index.build.manifest import Recipe
from index.build.write import Builder
from index.encoder.embedder import Embedder, ModelFiles, find_model
from index.encoder.onnx_session import cores
from index.errors import (
    FootnoteError,
    HomeReadOnly,
    IndexDamaged,
    IndexMismatch,
    IndexMissing,
    ModelError,
    VectorServerError,
)
from index.home import current_folder, explained, unwritable
from index.program import command
from index.report import Progress, Report
from index.sources.removal import Removal, cancel_removal, find_removal, put_back, take_out
from index.sources.roots import (
    check_there,
    find_sources,
    forgotten,
    is_any_registered,
    named_again,
    register_addresses,
    register_roots,
    registered_addresses,
    registered_roots,
    remember,
    uploads,
)
from index.sources.seen import Seen
from index.store.chroma_server import Server
from index.sync import changes, preview, sync
from rag.reader.evidence import Reader
from rag.reader.models import fingerprint, open_reader
from rag.reader.spans import MODEL, STRONG, SpanReader
from rag.retrieve import Retriever
from rag.settings import SEEDS, Settings
from rag.spelling import Speller
from rag.suggestions import Suggestions
from rag.writer.llm import LanguageModel, ModelServerError

if TYPE_CHECKING:
    from rag.writer.servers import ModelServer

_PATIENCE = 3600
"""Seconds that a question waits while another process builds the index it needs."""

_FORGET_WAITS = 60
"""Seconds that `forget` waits for another writer."""

_LOOK_EVERY = 5.0
"""Seconds between checks of the Chroma server."""


def recipe(settings: Settings, files: ModelFiles | None = None) -> Recipe:
    """Return the recipe for an index that the settings describe."""
    model = files or find_model(settings.embedding_model, settings.embedding_revision)
    return Recipe(model.name, model.sha256, settings.encoding, settings.chunk_tokens, settings.chunk_overlap)


def server(settings: Settings) -> Server | None:
    """Return the Chroma server for the vectors; None if the settings name none."""
    if not settings.chroma_url:
        return None
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else ""
    return Server(settings.chroma_url, settings.chroma_tenant, settings.chroma_database, token)


def roots(home: Path) -> list[Path]:
    """Return the registered files and folders; the sample articles if there are none."""
    return registered_roots(home) if is_any_registered(home) else [SEEDS]


class Engine:
    """The models, the index in use, and the reader over both, each loaded once.

    Safe to share between threads. The next question after a sync uses the new generation; the old one stays open for
    the questions in progress.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.index_home()
        self._files = find_model(settings.embedding_model, settings.embedding_revision)
        self.embedder = Embedder(self._files, settings.threads)
        self._recipe = recipe(settings, self._files)
        self._server = server(settings)
        self._looked: tuple[float, str] = (-_LOOK_EVERY, "")
        self._lock = Lock()
        self.reader_note = ""
        self.state = "cold"
        self.warm = Event()
        self._open: tuple[str, Generation, Retriever, Reader] | None = None
        self._speller: Speller | None = None
        self._servers: list[ModelServer] | None = None
        self.suggestions = Suggestions(self.home, self.roots)

    @cached_property
    def spans(self) -> SpanReader:
        """The small reading model. Raises ModelError if a file is missing or damaged."""
        return open_reader(MODEL, self.settings.threads)

    @cached_property
    def strong(self) -> SpanReader | None:
        """The strong reading model, or None.

        None if the setting asks for the small one alone, or if the model can't be opened; `reader_note` then says why.
        """
        if self.settings.reader == "small":
            return None
        try:
            return open_reader(STRONG, self.settings.threads)
        except ModelError as error:
            self.reader_note = f"The small reading model answers alone. {error}"
            return None

    @property
    def reader_fingerprint(self) -> str:
        """The fingerprint of the reading models in use."""
        return fingerprint(MODEL, STRONG) if self.strong else fingerprint(MODEL)

    def model_servers(self, *, again: bool = False) -> list[ModelServer]:
        """Return the language model servers on this machine: those of the last search, or of a new one.

        None if the setting `find_models` is off, or if others than this machine can reach the page.
        """
        if not self.settings.find_models or not self.settings.is_for_this_machine:
            return []
        if again or self._servers is None:
            from rag.writer.servers import find_servers  # imports an HTTP client, which only this needs

            self._servers = find_servers()
        return self._servers

    def change(self, settings: Settings) -> None:
        """Use other settings for the next questions: those that the page may change."""
        self.settings = settings

    @property
    def workers(self) -> int:
        """Number of questions read at once: the setting, else one per four model threads."""
        return self.settings.workers or max(1, (self.settings.threads or cores()) // 4)

    def roots(self) -> list[Path]:
        """Return the registered files and folders; the sample articles if there are none."""
        return roots(self.home)

    def files(self) -> dict[str, Path]:
        """Return the file of each source in the registered files and folders."""
        return dict(find_sources(self.roots(), forgotten(self.home)).files)

    def index(
        self,
        paths: Sequence[Path] = (),
        *,
        addresses: Sequence[str] = (),
        rebuild: bool = False,
        anew: Sequence[str] = (),
        progress: Progress | None = None,
        wait: float = 0,
    ) -> Report:
        """Register `paths` and web `addresses`, if any, and bring the index up to date.

        `rebuild` reads every source again, `anew` the named ones; other sources are read only if they look changed.

        Waits up to `wait` seconds for another writer. Raises HomeReadOnly if the home can't be written; then nothing is
        registered.
        """
        self._needs_writing()
        if new := [*self._sample(paths, addresses), *remember(self.home, paths)]:
            register_roots(self.home, new)
        if addresses:
            register_addresses(self.home, addresses)
        Seen.overlook(self.home, anew)
        return sync(self._builder(), self.roots(), rebuild=rebuild, progress=progress, wait=wait)

    def preview(
        self, paths: Sequence[Path] = (), progress: Progress | None = None, *, addresses: Sequence[str] = ()
    ) -> Report:
        """Report what `index` would do; write nothing, and fetch no page."""
        check_there(paths)
        named = [*registered_addresses(self.home), *addresses]
        left_out, new = named_again(self.home, paths)
        at = [*registered_roots(self.home), *self._sample(paths, addresses), *new]
        return preview(self._builder(), at, left_out, named, progress)

    def _sample(self, paths: Sequence[Path], addresses: Sequence[str]) -> list[Path]:
        """Return the sample articles if they should be registered, else nothing.

        They are the first source of a home without registered sources, and stay when other sources are added.
        """
        if is_any_registered(self.home):
            return []
        indexed = Seen.last(self.home).stamps
        is_wanted = not (paths or addresses) or any(source in indexed for source, _ in find_sources([SEEDS]).files)
        return [SEEDS] if is_wanted else []

    def find_removal(self, sources: Sequence[str]) -> Removal:
        """Return what forgetting these sources removes.

        Raises FootnoteError that suggests the nearest name if a source does not exist.
        """
        return find_removal(self.home, self.roots(), sources)

    def forget(self, sources: Sequence[str], progress: Progress | None = None, aside: Path | None = None) -> Report:
        """Remove sources or registered folders from the index until they are named again.

        Uploaded files are our own copies: they are deleted, or moved to `aside`. Other files stay in place. Raises
        FootnoteError if a source does not exist and HomeReadOnly if the home can't be written; then nothing is
        forgotten. With `aside`, nothing is forgotten either if indexing raises.
        """
        self._needs_writing()
        removal = self.find_removal(sources)
        if sample := self._sample((), ()):
            register_roots(self.home, sample)
        take_out(self.home, removal, aside)
        try:
            return self.index(progress=progress, wait=_FORGET_WAITS)
        except BaseException:
            if aside:
                cancel_removal(self.home, removal, aside)
            raise

    def bring_back(self, removal: Removal, aside: Path, progress: Progress | None = None) -> Report:
        """Add forgotten sources again, our own copies from `aside`.

        Raises the same errors as `index`.
        """
        self._needs_writing()
        put_back(self.home, removal, aside)
        paths = [*removal.paths, *([uploads(self.home)] if removal.uploaded else [])]
        return self.index(paths, addresses=removal.addresses, progress=progress, wait=_FORGET_WAITS)

    def _builder(self) -> Builder:
        largest = int(self.settings.max_source_mb * 1_000_000)
        web = (self.settings.fetch_seconds, self.settings.allow_private_addresses)
        return Builder(self.home, self._recipe, self.embedder, largest, *web, self._server)

    def ensure_index(self, progress: Progress | None = None) -> tuple[Report | None, str]:
        """Build the index if there is no usable one.

        Returns the report (None if nothing was done), and the reason in one line. Raises HomeReadOnly, with what is
        wrong with the index, if the home can't be written.
        """
        try:
            self.parts()
            return None, ""
        except (IndexMissing, IndexMismatch, IndexDamaged) as error:
            self._needs_writing(f"{error.cause()} It can't be made here: ")
            why = "There was no index yet" if isinstance(error, IndexMissing) else error.cause().rstrip(". ")
            # The sync checks as closely as the opening did, so it reuses only undamaged parts.
            return self.index(progress=progress, wait=_PATIENCE), why

    def _needs_writing(self, before: str = "") -> None:
        if why := unwritable(self.home):
            raise HomeReadOnly(
                f"{before}{self.home} can't be written ({why}). Set FOOTNOTE_HOME to a folder that can be."
            )

    def parts(self) -> tuple[Generation, Retriever, Reader]:
        """Return the index in use with its retriever and reader.

        Raises IndexMissing, IndexMismatch or IndexDamaged, and VectorServerError if the Chroma server does not answer.
        """
        with self._lock:
            try:
                name = current_folder(self.home).name
            except IndexMissing:
                if self._server:
                    # A server that does not answer may be the cause, so report it instead.
                    self._server.look()
                raise
            if self._open is None or self._open[0] != name:
                generation = open_current(self.home, self._recipe, self._server)
                retriever = Retriever(
                    generation,
                    self.embedder,
                    candidates=self.settings.candidates,
                    dense_weight=self.settings.dense_weight,
                )
                self._open = (name, generation, retriever, Reader(generation, self.spans, self.embedder, self.strong))
            return self._open[1:]

    def speller(self, generation: Generation) -> Speller:
        """Return the speller of a generation; the last speller is cached."""
        with self._lock:
            if self._speller is None or self._speller.generation is not generation:
                self._speller = Speller(generation)
            return self._speller

    def warm_up(self, progress: Progress | None = None) -> None:
        """Build the index if needed, load the models and run them once.

        Prepares a configured language model too. `state` reports the progress. Retries while the Chroma server does not
        answer.
        """
        try:
            self.state = "starting"
            while not self._has_index(progress):
                time.sleep(_LOOK_EVERY)
            self.state = "starting"
            self.embedder.warm_up()
            self.state = "ready"
            if self.settings.llm_url:
                with suppress(ModelServerError):  # each answer reports it
                    LanguageModel(self.settings).warm_up()
        except FootnoteError as error:
            self.state = f"failed: {error}"
        finally:
            self.warm.set()

    def _has_index(self, progress: Progress | None) -> bool:
        try:
            self.ensure_index(lambda stage, done, total: self._indexing(progress, stage, done, total))
        except VectorServerError as error:
            self.state = f"failed: {error}"
            # Questions don't wait for the server: they report the error.
            self.warm.set()
            return False
        return True

    def _indexing(self, progress: Progress | None, stage: str, done: int, total: int) -> None:
        self.state = f"indexing: {stage} {done} of {total}"
        if progress:
            progress(stage, done, total)

    def close(self) -> None:
        """Release the index, so that this process ends cleanly."""
        self.suggestions.end()
        with self._lock:
            if self._open:
                self._open[1].release()

    def status(self) -> tuple[str, str]:
        """Return a status line and its kind: "busy", "ready" or "failed"."""
        if not self.warm.is_set():
            words = self.state.capitalize() if self.state.startswith("indexing") else "Models are warming up"
            return words, "busy"
        if self.state.startswith("failed"):
            return self.state.removeprefix("failed: "), "failed"
        if trouble := self._server_trouble():
            return trouble, "failed"
        try:
            articles = self.parts()[0].manifest.articles
        except FootnoteError as error:
            return explained(error, self.home), "failed"
        if not articles:
            return "No sources yet", "failed"
        ready = f"{articles:,} source{'' if articles == 1 else 's'}, ready"
        return (f"{ready}; the index is being updated" if is_building(self.home) else ready), "ready"

    def _server_trouble(self) -> str:
        """Return what is wrong with the Chroma server; cached for five seconds."""
        looked, trouble = self._looked
        if self._server and time.monotonic() - looked >= _LOOK_EVERY:
            try:
                self._server.look()
                trouble = ""
            except VectorServerError as error:
                trouble = str(error)
            self._looked = (time.monotonic(), trouble)
        return trouble

    def stale(self) -> list[str]:
        """Return the sources that changed since the last sync."""
        try:
            return changes(self.home, self.roots())
        except FootnoteError:
            return []

    def changed_note(self) -> str:
        """Return a line about sources that changed since the last sync; "" if none did.

        The line says what to do.
        """
        if not (stale := self.stale()):
            return ""
        changed = f"{len(stale):,} source{'' if len(stale) == 1 else 's'} changed since the index was made"
        if why := unwritable(self.home):
            return f"{changed}; FOOTNOTE_HOME can't be written ({why}), so the index is not brought up to date."
        return f"{changed}: {command('index')}"
