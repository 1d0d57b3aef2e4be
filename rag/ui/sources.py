"""The Sources view: the list of sources, and adding and removing them while the chat is in use."""

from __future__ import annotations

import json
import logging
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from index.errors import FootnoteError
from index.program import command
from index.report import Progress, Report
from index.sources.roots import uploads
from index.state import write_atomically
from rag.access.users import UserStore
from rag.access.visitor import Role, Visitor, needs, visitor_of
from rag.engine import Engine
from rag.groups import drop_group, groups, keep_group
from rag.plain import plain_message
from rag.settings import SEEDS
from rag.source_changes import SourceChanges
from rag.sources import list_sources
from rag.ui import charts, rail, source_list
from rag.ui.html import line, problem
from rag.uploads import Uploads, file_name

_LOG = logging.getLogger("footnote")
_TICK = 0.25
"""Seconds between two updates of the progress line."""
_STAGES = {
    "reading": "Reading sources",
    "cutting": "Cutting passages",
    "embedding": "Embedding passages",
    "checking": "Checking the new index",
}
_TITLE_LENGTH = 60
"""Most characters of a pasted text's first line that become its name."""
Update = tuple[str, object, object]
"""(progress, table of sources, checkboxes in the rail)"""
_SAME = (gr.skip(), gr.skip())


@dataclass(frozen=True)
class Order:
    """A command of the page's script: `do` is its kind, the others are arguments."""

    do: str
    sources: tuple[str, ...] = ()
    name: str = ""
    text: str = ""

    @staticmethod
    def read(text: object) -> Order:
        """Parse a command; return one without effect if it can't be parsed."""
        try:
            value = json.loads(str(text or "{}"))
            sources = tuple(map(str, value.get("sources") or ()))
            return Order(str(value["do"]), sources, str(value.get("name") or ""), str(value.get("text") or ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Order("")


class _Changes:
    """The event handlers of the view: each yields its progress and, at the end, the new list."""

    def __init__(self, engine: Engine, files: Uploads, changes: SourceChanges) -> None:
        self._engine = engine
        self._files = files
        self._changes = changes

    @needs(Role.READER)
    def show(self) -> Iterator[tuple[object, object]]:
        """Yield the list when the page opens, after a note while the models load."""
        if not self._engine.warm.is_set():
            yield line("Loading the list ..."), gr.skip()
            self._engine.warm.wait()
        yield self._now()

    def _now(self) -> tuple[object, object]:
        """Return the current list."""
        try:
            rows = list_sources(self._engine)
        except FootnoteError as error:
            return self._problem(error), ""
        rows = [replace(row, state=plain_message(row.state, self._engine.home)) for row in rows]
        return source_list.table(rows, groups(self._engine.home)), rail.ticks(rows)

    @needs(Role.EDITOR)
    def add(self, paths: Sequence[str] | None, request: gr.Request) -> Iterator[Update]:
        """Store uploaded files and index them."""
        sent, by = [Path(path) for path in paths or ()], visitor_of(request.request).name
        try:
            yield from self._work(
                lambda progress: source_list.upload_results(self._changes.add_files(sent, by, progress)[1])
            )
        finally:
            self._files.discard(sent)

    @needs(Role.EDITOR)
    def add_page(self, address: str, request: gr.Request) -> Iterator[Update]:
        """Fetch a web page and index it."""
        by = visitor_of(request.request).name
        yield from self._work(lambda progress: self._summary(self._changes.add_page(address or "", by, progress)))

    @needs(Role.EDITOR)
    def refresh(self, request: gr.Request) -> Iterator[Update]:
        """Update the index from all folders."""
        by = visitor_of(request.request).name
        yield from self._work(lambda progress: self._summary(self._changes.look(by, progress)))

    @needs(Role.EDITOR)
    def obey(self, text: object, request: gr.Request) -> Iterator[Update]:
        """Execute a command of the page's script."""
        order, visitor = Order.read(text), visitor_of(request.request)
        by = visitor.name
        jobs: dict[str, Callable[[Order, Progress], str]] = {
            "remove": lambda order, progress: self._remove(order, by, progress),
            "sample": lambda _, progress: self._remove(Order("remove", (str(SEEDS),)), by, progress),
            "sample-back": lambda _, progress: self._summary(self._changes.add_folder(SEEDS, by, progress)),
            "undo": lambda order, progress: self._summary(self._changes.undo(order.name, by, progress)),
            "anew": lambda order, progress: self._read_again(order, by, progress),
            "paste": lambda order, progress: self._paste(order, by, progress),
            "folder": lambda order, progress: self._add_folder(order, visitor, progress),
            "group": lambda order, _: self._group(order, by),
            "ungroup": lambda order, _: self._ungroup(order, by),
        }
        if order.do in jobs:
            yield from self._work(lambda progress: jobs[order.do](order, progress))

    def _remove(self, order: Order, by: str, progress: Progress) -> str:
        if not order.sources:
            raise FootnoteError("Choose a source to remove.")
        report, token = self._changes.remove(order.sources, by, progress)
        if order.sources == (str(SEEDS),):
            return source_list.undo("The sample was removed.", token)
        what = order.sources[0] if len(order.sources) == 1 else f"{len(order.sources):,} sources"
        return source_list.undo(f"{what} was removed. {source_list.contents_line(report)}", token)

    def _read_again(self, order: Order, by: str, progress: Progress) -> str:
        report = self._changes.look(by, progress, anew=order.sources)
        failed = dict(report.failed)
        if trouble := [f"{name}: {failed[name]}" for name in order.sources if name in failed]:
            return "".join(map(self._problem, trouble))
        changed = {*report.changed, *report.added} & {*order.sources}
        return line(f"{', '.join(order.sources)}: {'changed' if changed else 'read again, nothing changed'}.")

    def _paste(self, order: Order, by: str, progress: Progress) -> str:
        """Store pasted text as a new source."""
        if not order.text.strip():
            raise FootnoteError("Paste some text first.")
        size = len(order.text.encode("utf-8", "replace"))
        if size > self._engine.settings.max_source_mb * 1_000_000:
            raise FootnoteError(f"A text may have up to {self._engine.settings.max_source_mb:g} MB.")
        if not self._files.has_room(size):
            raise FootnoteError(
                "There is no room for this text. Remove some sources, or raise FOOTNOTE_MAX_UPLOADS_MB."
            )
        name = _free(uploads(self._engine.home), order.name or order.text.strip().splitlines()[0][:_TITLE_LENGTH]).name
        with tempfile.TemporaryDirectory(dir=self._engine.home) as folder:
            path = Path(folder, name)
            write_atomically(path, order.text.encode("utf-8", "replace").decode())
            return source_list.upload_results(self._changes.add_files([path], by, progress)[1])

    def _add_folder(self, order: Order, visitor: Visitor, progress: Progress) -> str:
        """Add a local folder as a source folder. With users only an admin may: the server can read more than they."""
        if visitor.role < Role.ADMIN:
            raise FootnoteError("Only an admin can add folders of this machine.")
        if not self._engine.settings.is_for_this_machine:
            raise FootnoteError(f"Only a user of this machine can add folders: run `{command('index FOLDER')}`.")
        path = Path(order.name.strip()).expanduser()
        if not order.name.strip() or not path.is_absolute() or not path.is_dir():
            raise FootnoteError("This folder is not on this machine. Give its full path, such as /home/me/Documents.")
        return self._summary(self._changes.add_folder(path, visitor.name, progress))

    def _group(self, order: Order, by: str) -> str:
        keep_group(self._engine.home, order.name, order.sources)
        UserStore(self._engine.home).note(by, "group saved", order.name)
        return line(f"The group {order.name} was saved.")

    def _ungroup(self, order: Order, by: str) -> str:
        drop_group(self._engine.home, order.name)
        UserStore(self._engine.home).note(by, "group deleted", order.name)
        return line(f"The group {order.name} was deleted. Its sources are still there.")

    def _work(self, job: Callable[[Progress], str]) -> Iterator[Update]:
        """Run a job in a thread; yield its progress, and at the end its message and the new list."""
        stage: list[tuple[str, int, int]] = [("reading", 0, 1)]
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(job, lambda *now: stage.__setitem__(0, now))
            while not running.done():
                yield _progress(*stage[0]), *_SAME
                time.sleep(_TICK)
        try:
            message = running.result()
        except (FootnoteError, OSError) as error:
            _LOG.warning("the sources were not changed: %s", error)
            message = self._problem(error)
        except Exception:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while changing the sources", number)
            message = problem(
                f"Something went wrong; the index is unchanged. The log has the details. (Error {number})"
            )
        yield message, *self._now()

    def _summary(self, report: Report) -> str:
        failures = [plain_message(f"{source}: {why}", self._engine.home) for source, why in report.failed[:20]]
        return source_list.summary(report, failures)

    def _problem(self, error: Exception | str) -> str:
        return problem(plain_message(error, self._engine.home))


def make_sources_tab(
    engine: Engine, page: gr.Blocks, files: Uploads, changing: SourceChanges, ticks: gr.HTML
) -> list[gr.events.Dependency]:
    """Add the Sources view to the page; return the events that change the sources.

    `changing` changes the sources; `ticks` is the list of checkboxes in the rail.
    """
    changes = _Changes(engine, files, changing)
    with gr.Column(elem_id="fn-sources", elem_classes=["fn-away"]):
        gr.HTML(_intro(engine), js_on_load=None)
        with gr.Row(elem_id="fn-add", equal_height=False):
            up = gr.UploadButton(
                "Add files", file_count="multiple", variant="primary", scale=1, min_width=120, elem_id="fn-files"
            )
            address = gr.Textbox(
                label="Web address",
                show_label=False,
                container=False,
                placeholder="A web address, then Enter",
                max_lines=1,
                scale=3,
                min_width=220,
                elem_id="fn-address",
            )
            again = gr.Button("Look for changes", scale=1, min_width=120)
        gr.HTML(source_list.forms(folder=engine.settings.is_for_this_machine), js_on_load=None, elem_id="fn-forms")
        progress = gr.HTML("", js_on_load=None, elem_id="fn-syncing")
        table = gr.HTML("", js_on_load=None, elem_id="fn-listing")
        order = gr.Textbox(visible="hidden")
        obey = gr.Button("Do it", elem_id="fn-obey", elem_classes=["fn-away"])

    private = dict(show_progress="hidden", api_visibility="private")
    serial = dict(concurrency_limit=1, concurrency_id="sources", **private)
    outputs = [progress, table, ticks]
    page.load(changes.show, None, [table, ticks], concurrency_limit=None, **private)
    added = up.upload(changes.add, up, outputs, **serial)
    fetched = address.submit(changes.add_page, address, outputs, **serial)
    fetched.then(needs(Role.EDITOR)(lambda: ""), None, address, **private)
    synced = again.click(changes.refresh, None, outputs, **serial)
    obeyed = obey.click(changes.obey, order, outputs, js="() => window.footnoteSources.order()", **serial)
    return [added, fetched, synced, obeyed]


def _intro(engine: Engine) -> str:
    limit = f"{engine.settings.max_source_mb:g} MB"
    return (
        '<p class="fn-lead">The sources of the answers. Files, pages and texts that you add are kept with the index. '
        f"A file or page may have up to {limit}. The chat searches ticked sources; a conversation keeps its ticks.</p>"
    )


def _progress(stage: str, done: int, total: int) -> str:
    words = f"{_STAGES.get(stage, stage)}: {done:,} of {total:,} ..."
    return charts.progress("index", done, total) + line(f"{words} You can go on asking.")


def _free(folder: Path, title: str) -> Path:
    """Return an unused path for a text with this title."""
    words = " ".join(re.sub(r"[^\w ,()'-]+", " ", title).split()) or "Pasted text"
    number, path = 1, folder / f"{words}.txt"
    while path.exists():
        number += 1
        path = folder / f"{words} ({number}).txt"
    return folder / file_name(path.name)
