"""The Sources tab: what is in the index, and adding and taking out files while the chat goes on."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import gradio as gr

from index.build import Progress, Report
from index.errors import FootnoteError
from index.roots import left_out, uploads
from index.web import is_address
from rag.engine import Engine
from rag.sources import Source, listing
from rag.ui import cards, charts, rail
from rag.ui.escape import day, escape
from rag.ui.html import line, problem
from rag.ui.plain import plain
from rag.ui.uploads import Uploads

_LOG = logging.getLogger("footnote")
_TICK = 0.25
"""Seconds between two updates of the progress line."""
_STAGES = {
    "reading": "Reading sources",
    "cutting": "Cutting passages",
    "embedding": "Embedding passages",
    "checking": "Checking the new index",
}
Update = tuple[str, object, object, object]
"""(progress, table, ticks in the rail, names that can be taken out)"""
_SAME = (gr.skip(), gr.skip(), gr.skip())


class _Changes:
    """What the tab's controls do: each yields how far it is, and at last the list anew."""

    def __init__(self, engine: Engine, files: Uploads) -> None:
        self._engine = engine
        self._files = files

    def show(self) -> Iterator[tuple[object, object, object]]:
        """The list when the page is opened; until there is an index, that it will come."""
        if not self._engine.warm.is_set():
            yield line("The list comes in a moment ..."), gr.skip(), gr.skip()
            self._engine.warm.wait()
        yield self._now()

    def _now(self) -> tuple[object, object, object]:
        """The list as it is now."""
        try:
            rows = listing(self._engine)
        except FootnoteError as error:
            return problem(plain(error, self._engine.home)), "", gr.Dropdown(choices=[], value=[])
        rows = [replace(row, state=plain(row.state, self._engine.home)) for row in rows]
        return _table(rows), rail.ticks(rows), gr.Dropdown(choices=[row.source for row in rows], value=[])

    def add(self, paths: Sequence[str] | None) -> Iterator[Update]:
        """Keep uploaded files and index them."""
        folder, sent = uploads(self._engine.home), [Path(path) for path in paths or ()]
        refused = {path.name: why for path in sent if (why := left_out(folder, path.name))}

        def job(progress: Progress) -> Report:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sent:
                if path.name not in refused:
                    path.replace(folder / path.name)
            return self._engine.index([folder], progress=progress, wait=60)

        try:
            if len(refused) < len({path.name for path in sent}):
                yield from self.work(job, lambda report: _told(report, [path.name for path in sent], refused))
            else:
                yield _told(Report(), list(refused), refused), *_SAME
        finally:
            self._files.discard(sent)

    def add_page(self, address: str) -> Iterator[Update]:
        """Fetch a web page and index it."""
        address = (address or "").strip()
        if not is_address(address):
            yield problem("Type a whole web address, with http:// or https:// before it."), *_SAME
            return

        def tell(report: Report) -> str:
            failed = dict(report.failed)
            if address in failed:
                self._engine.forget([address])
                return problem(f"{address} {failed[address]}")
            return self._summary(report)

        yield from self.work(lambda progress: self._engine.index(addresses=[address], progress=progress, wait=60), tell)

    def take_out(self, names: list[str] | None) -> Iterator[Update]:
        """Take the chosen sources out; uploaded files are deleted, others stay where they are."""
        if not names:
            yield problem("Choose the sources to take out first."), *_SAME
            return
        yield from self.work(lambda progress: self._engine.forget(names, progress), _removed)

    def refresh(self) -> Iterator[Update]:
        """Bring the index up to date with all folders."""
        yield from self.work(lambda progress: self._engine.index(progress=progress, wait=60), self._summary)

    def work(self, job: Callable[[Progress], Report], tell: Callable[[Report], str]) -> Iterator[Update]:
        """Run a job beside the page's own work and say how far it is; then the list anew."""
        stage: list[tuple[str, int, int]] = [("reading", 0, 1)]
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(job, lambda *now: stage.__setitem__(0, now))
            while not running.done():
                yield _progress(*stage[0]), *_SAME
                time.sleep(_TICK)
        try:
            told = tell(running.result())
        except (FootnoteError, OSError) as error:
            _LOG.warning("the sources were not changed: %s", error)
            told = problem(plain(error, self._engine.home))
        except Exception:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while changing the sources", number)
            told = problem(f"Something went wrong; the index in use is unchanged. The log tells more. (Error {number})")
        yield told, *self._now()

    def _summary(self, report: Report) -> str:
        done = [f"{len(of):,} {words}" for words, of in _counts(report) if of]
        failed = [problem(plain(f"{source}: {why}", self._engine.home)) for source, why in report.failed[:20]]
        return line(f"{', '.join(done) or 'Nothing changed'}. " + _holds(report)) + "".join(failed)


def make_sources_tab(engine: Engine, page: gr.Blocks, files: Uploads, ticks: gr.HTML) -> None:
    """Lay the room out and wire it; `ticks` is the list in the rail."""
    changes = _Changes(engine, files)
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
                placeholder="https://... and Enter",
                max_lines=1,
                scale=3,
                min_width=220,
                elem_id="fn-address",
            )
            again = gr.Button("Look for changes", scale=1, min_width=120)
        progress = gr.HTML("", js_on_load=None, elem_id="fn-syncing")
        table = gr.HTML("", js_on_load=None, elem_id="fn-listing")
        with gr.Row(elem_id="fn-out", equal_height=False):
            chosen = gr.Dropdown(choices=[], multiselect=True, label="Take out", scale=4, min_width=220)
            out = gr.Button("Take out", scale=1, min_width=120)

    private = dict(show_progress="hidden", api_visibility="private")
    serial = dict(concurrency_limit=1, concurrency_id="sources", **private)
    outputs = [progress, table, ticks, chosen]
    page.load(changes.show, None, [table, ticks, chosen], concurrency_limit=None, **private)
    up.upload(changes.add, up, outputs, **serial)
    address.submit(changes.add_page, address, outputs, **serial).then(lambda: "", None, address, **private)
    again.click(changes.refresh, None, outputs, **serial)
    out.click(changes.take_out, chosen, outputs, **serial)


def _intro(engine: Engine) -> str:
    limit = f"{engine.settings.max_source_mb:g} MB"
    return (
        '<p class="fn-lead">What answers come from. Files and web pages that you add here are kept with the index; '
        f"folders are named with python app.py index. A file or page may have up to {limit}. The chat asks "
        "what is ticked; each conversation keeps its ticks.</p>"
    )


def _progress(stage: str, done: int, total: int) -> str:
    words = f"{_STAGES.get(stage, stage)}: {done:,} of {total:,} ..."
    return charts.progress("index", done, total) + line(f"{words} You can go on asking.")


def _told(report: Report, names: Sequence[str], refused: Mapping[str, str]) -> str:
    """What became of each uploaded file; `refused` gives the reason of those that were not kept."""
    failed = {**dict(report.failed), **refused}
    states = [("added", report.added), ("replaced", report.changed), ("was there already", report.unchanged)]
    rows = []
    for name in dict.fromkeys(names):
        # A file's source name has the folder before it when another root holds the name too.
        source = next((one for one in [*failed, *(s for _, of in states for s in of)] if Path(one).name == name), name)
        state = next((words for words, of in states if source in of), "")
        kind = "fn-status" if state else "fn-problem"
        rows.append(f'<li class="{kind}">{escape(name)}: {escape(state or failed.get(source, "was not added"))}</li>')
    return f'<ul class="fn-told" role="status">{"".join(rows)}</ul>'


def _removed(report: Report) -> str:
    return line(f"{len(report.removed):,} taken out. " + _holds(report))


def _counts(report: Report) -> list[tuple[str, Sequence[object]]]:
    return [
        ("added", report.added),
        ("changed", report.changed),
        ("removed", report.removed),
        ("failed", report.failed),
    ]


def _holds(report: Report) -> str:
    return f"The index holds {report.articles:,} sources in {report.chunks:,} passages."


def _table(rows: Sequence[Source]) -> str:
    if not rows:
        return line("There are no sources yet. Add some files.")
    ask = '<input type="checkbox" class="fn-tick-all" checked aria-label="Ask all sources">'
    names = (f"<label>{ask} Ask</label>", "Title", "Date", "Format", "Characters", "Passages", "State")
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(map(_row, rows))
    return (
        f'<div class="fn-report fn-scroll" tabindex="0" role="region" aria-label="Sources in the index"><table '
        f'class="fn-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(row: Source) -> str:
    title = escape(row.title)
    if row.chunks is not None:
        title = (
            f'<a class="fn-open" href="{cards.article_address(row.source)}" target="_blank" rel="noopener">{title}</a>'
        )
    counts = ((row.characters, "character"), (row.chunks, "passage"))
    figures = "".join(
        "<td></td>" if n is None else f'<td data-unit="{unit}{"" if n == 1 else "s"}">{n:,}</td>' for n, unit in counts
    )
    published = "" if row.chunks is None else day(row.published)
    state = f'<td class="{"fn-worse" if row.failed else ""}">{escape(row.state)}</td>'
    about = [row.source] if row.title != row.source else []
    about += [f"by {row.author}"] if row.author else []
    about += [f"language {row.language}"] if row.language else []
    name = f'<br><span class="fn-meta">{escape(" · ".join(about))}</span>' if about else ""
    return (
        f"<tr>{_tick(row)}<th>{title}{name}</th><td>{escape(published)}</td><td>{escape(row.format)}</td>"
        f"{figures}{state}</tr>"
    )


def _tick(row: Source) -> str:
    """The box that says whether the source is asked, where there is something to ask."""
    if row.chunks is None:
        return "<td></td>"
    return (
        f'<td><input type="checkbox" class="fn-tick" checked data-source="{escape(row.source)}" '
        f'aria-label="Ask {escape(row.title)}"></td>'
    )
