"""Opens what a question needs (index, models, reader) once and keeps it for the next one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Event, Lock

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
from index.sources.removal import Removal, find_removal, put_back, take_out
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

_PATIENCE = 3600
"""Seconds that a question waits for another process that is making the index it needs."""

_FORGET_WAITS = 60
"""Seconds that forgetting waits for another writer."""

_LOOK_EVERY = 5.0
"""Seconds between two looks whether a server for the vectors is there."""


def recipe(settings: Settings, files: ModelFiles | None = None) -> Recipe:
    """What the settings say an index is made with."""
    model = files or find_model(settings.embedding_model, settings.embedding_revision)
    return Recipe(model.name, model.sha256, settings.encoding, settings.chunk_tokens, settings.chunk_overlap)


def server(settings: Settings) -> Server | None:
    """The Chroma server for the vectors, if the settings name one."""
    if not settings.chroma_url:
        return None
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else ""
    return Server(settings.chroma_url, settings.chroma_tenant, settings.chroma_database, token)


def roots(home: Path) -> list[Path]:
    """The registered files and folders of a home; the sample articles until something is registered."""
    return registered_roots(home) if is_any_registered(home) else [SEEDS]


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
        self._server = server(settings)
        self._looked: tuple[float, str] = (-_LOOK_EVERY, "")
        self._lock = Lock()
        self.reader_note = ""
        self.state = "cold"
        self.warm = Event()
        self._open: tuple[str, Generation, Retriever, Reader] | None = None
        self._speller: Speller | None = None
        self.suggestions = Suggestions(self.home, self.roots)

    @cached_property
    def spans(self) -> SpanReader:
        """The small reading model. Raises ModelError when its files are missing or damaged."""
        return open_reader(MODEL, self.settings.threads)

    @cached_property
    def strong(self) -> SpanReader | None:
        """The strong reading model; None when the setting wants the small one alone, or it can't be opened:
        `reader_note` says so then."""
        if self.settings.reader == "small":
            return None
        try:
            return open_reader(STRONG, self.settings.threads)
        except ModelError as error:
            self.reader_note = f"The small reading model answers alone. {error}"
            return None

    @property
    def reader_fingerprint(self) -> str:
        """What tells the reading models in use from others."""
        return fingerprint(MODEL, STRONG) if self.strong else fingerprint(MODEL)

    @cached_property
    def language_model(self) -> LanguageModel:
        """The language model that the settings name. Raises ModelServerError when they name none."""
        return LanguageModel(self.settings)

    def change(self, settings: Settings) -> None:
        """Take other settings for the questions to come: those that the page may change."""
        self.settings = settings
        self.__dict__.pop("language_model", None)

    @property
    def workers(self) -> int:
        """Return how many questions are read at once: the setting, else one for every four threads of the models."""
        return self.settings.workers or max(1, (self.settings.threads or cores()) // 4)

    def roots(self) -> list[Path]:
        """The registered files and folders; the sample articles until something is registered."""
        return roots(self.home)

    def files(self) -> dict[str, Path]:
        """Source -> file, of all that the registered files and folders hold now."""
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
        """Register `paths` and web `addresses`, if any, and make the index equal to all that is registered.

        All sources are read anew with `rebuild`, those named in `anew` in any case, others if they look changed.

        Waits up to `wait` seconds for another process that is at it. Raises HomeReadOnly when the home can't be
        written; then nothing is registered.
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
        """What `index` would do with `paths` and `addresses`; nothing is written, and no page is fetched."""
        check_there(paths)
        named = [*registered_addresses(self.home), *addresses]
        left_out, new = named_again(self.home, paths)
        at = [*registered_roots(self.home), *self._sample(paths, addresses), *new]
        return preview(self._builder(), at, left_out, named, progress)

    def _sample(self, paths: Sequence[Path], addresses: Sequence[str]) -> list[Path]:
        """The sample articles where they are to be registered: they are the first source of a home in which nothing
        was named yet, and stay when others are added to them."""
        if is_any_registered(self.home):
            return []
        indexed = Seen.last(self.home).stamps
        is_wanted = not (paths or addresses) or any(source in indexed for source, _ in find_sources([SEEDS]).files)
        return [SEEDS] if is_wanted else []

    def find_removal(self, sources: Sequence[str]) -> Removal:
        """Return what these sources are. Raises FootnoteError that names the nearest when one is not there."""
        return find_removal(self.home, self.roots(), sources)

    def forget(self, sources: Sequence[str], progress: Progress | None = None, aside: Path | None = None) -> Report:
        """Take sources out of the index, and leave them out until they are named again; also a registered folder.

        Files that were uploaded are copies of our own: they are deleted, or moved to `aside`. Others stay where they
        are. Raises FootnoteError when a source is not there, HomeReadOnly when the home can't be written; then nothing
        is forgotten.
        """
        self._needs_writing()
        removal = self.find_removal(sources)
        if sample := self._sample((), ()):
            register_roots(self.home, sample)
        take_out(self.home, removal, aside)
        return self.index(progress=progress, wait=_FORGET_WAITS)

    def bring_back(self, removal: Removal, aside: Path, progress: Progress | None = None) -> Report:
        """Take in again what was forgotten, our own copies from `aside`. Raises as `index` does."""
        self._needs_writing()
        put_back(self.home, removal, aside)
        paths = [*removal.paths, *([uploads(self.home)] if removal.uploaded else [])]
        return self.index(paths, addresses=removal.addresses, progress=progress, wait=_FORGET_WAITS)

    def _builder(self) -> Builder:
        largest = int(self.settings.max_source_mb * 1_000_000)
        web = (self.settings.fetch_seconds, self.settings.allow_private_addresses)
        return Builder(self.home, self._recipe, self.embedder, largest, *web, self._server)

    def ensure_index(self, progress: Progress | None = None) -> tuple[Report | None, str]:
        """Make the index when there is none that can be used. Returns what was done, and a line that says why.

        Raises HomeReadOnly, with what is wrong with the index, when the home can't be written.
        """
        try:
            self.parts()
            return None, ""
        except (IndexMissing, IndexMismatch, IndexDamaged) as error:
            self._needs_writing(f"{error.cause()} It can't be made here: ")
            why = "There was no index yet" if isinstance(error, IndexMissing) else error.cause().rstrip(". ")
            # What is whole of a damaged index is used again: the sync looks as closely as the opening did.
            return self.index(progress=progress, wait=_PATIENCE), why

    def _needs_writing(self, before: str = "") -> None:
        if why := unwritable(self.home):
            raise HomeReadOnly(
                f"{before}{self.home} can't be written ({why}). Set FOOTNOTE_HOME to a folder that can be."
            )

    def parts(self) -> tuple[Generation, Retriever, Reader]:
        """The index in use with its retriever and reader. Raises IndexMissing, IndexMismatch or IndexDamaged, and
        VectorServerError when the server for the vectors does not answer."""
        with self._lock:
            try:
                name = current_folder(self.home).name
            except IndexMissing:
                if self._server:
                    # Perhaps that is why: then it is what has to be said.
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
        """The speller over a generation; the last one is kept."""
        with self._lock:
            if self._speller is None or self._speller.generation is not generation:
                self._speller = Speller(generation)
            return self._speller

    def warm_up(self, progress: Progress | None = None) -> None:
        """Make the index if need be, load the models and run them once, and what a language model that is set needs.
        `state` says how far it is.

        While the server for the vectors does not answer, it is tried again and again.
        """
        try:
            self.state = "starting"
            while not self._has_index(progress):
                time.sleep(_LOOK_EVERY)
            self.state = "starting"
            self.embedder.warm_up()
            self.state = "ready"
            if self.settings.llm_url:
                with suppress(ModelServerError):  # told with the answer
                    self.language_model.warm_up()
        except FootnoteError as error:
            self.state = f"failed: {error}"
        finally:
            self.warm.set()

    def _has_index(self, progress: Progress | None) -> bool:
        try:
            self.ensure_index(lambda stage, done, total: self._indexing(progress, stage, done, total))
        except VectorServerError as error:
            self.state = f"failed: {error}"
            # Whoever asks meanwhile is told, and need not wait.
            self.warm.set()
            return False
        return True

    def _indexing(self, progress: Progress | None, stage: str, done: int, total: int) -> None:
        self.state = f"indexing: {stage} {done} of {total}"
        if progress:
            progress(stage, done, total)

    def close(self) -> None:
        """Say that this process has done with the index: it ends cleanly."""
        self.suggestions.end()
        with self._lock:
            if self._open:
                self._open[1].release()

    def status(self) -> tuple[str, str]:
        """A line that says how things stand, and its kind: "busy", "ready" or "failed"."""
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
        """What is wrong with the server for the vectors, by a look that is at most some seconds old."""
        looked, told = self._looked
        if self._server and time.monotonic() - looked >= _LOOK_EVERY:
            try:
                self._server.look()
                told = ""
            except VectorServerError as error:
                told = str(error)
            self._looked = (time.monotonic(), told)
        return told

    def stale(self) -> list[str]:
        """Sources that changed since the last sync."""
        try:
            return changes(self.home, self.roots())
        except FootnoteError:
            return []

    def changed_note(self) -> str:
        """Return a line that says that sources changed since the index was made, and what to do; "" if none did."""
        if not (stale := self.stale()):
            return ""
        changed = f"{len(stale):,} source{'' if len(stale) == 1 else 's'} changed since the index was made"
        if why := unwritable(self.home):
            return f"{changed}; FOOTNOTE_HOME can't be written ({why}), so the index is not brought up to date."
        return f"{changed}: {command('index')}"
