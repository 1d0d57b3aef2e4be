"""The Evaluation tab: choose or upload a question set, run it, read the results, compare them with an earlier run."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import gradio as gr

from index.errors import FootnoteError
from rag.access.visitor import Role, needs, visitor_of
from rag.engine import Engine
from rag.evaluation import run
from rag.evaluation.compare import compare
from rag.evaluation.questions import Problem
from rag.evaluation.read import read_questions
from rag.evaluation_runs import EvaluationBusy, EvaluationOrder, EvaluationRuns, RunState, question_sets, read_set
from rag.plain import plain_message
from rag.ui import charts, report
from rag.ui.escape import escape
from rag.ui.html import line, problem
from rag.uploads import Uploads, question_sets_folder

_LOG = logging.getLogger("footnote")
_ENDINGS = [".jsonl", ".json", ".csv", ".tsv", ".txt", ".xlsx", ".gz"]
_NOTHING = ""
_SHOWN = 200
"""Most questions that the tab lists; the report lists all."""
_TICK = 0.25
"""Seconds between two updates of the progress line."""
_INTRO = (
    '<p class="fn-lead">Ask a whole set of questions and measure the answers: how often they are right, cited to the '
    "right place, or rightly refused. Run it again after a change and compare.</p>"
)


class _Events:
    """The event handlers of the tab. Only the page that started a run can stop it."""

    def __init__(self, engine: Engine, files: Uploads, runs: EvaluationRuns) -> None:
        self._engine = engine
        self._files = files
        self._runs = runs
        self._orders: dict[str, EvaluationOrder] = {}

    @needs(Role.EDITOR)
    def arrive(self) -> tuple[gr.Dropdown, gr.Radio, gr.Dropdown]:
        """Return the three lists, with the last run selected."""
        sets = list(question_sets(self._engine))
        return gr.Dropdown(choices=sets, value=sets[0] if sets else None), *_lists(self._engine.home)

    @needs(Role.EDITOR)
    def can_run(self, chosen: str | None, request: gr.Request) -> gr.Button:
        """Enable the Run button if a set is chosen and this page has no run in progress."""
        return _button(bool(chosen) and (request.session_hash or "") not in self._orders)

    @needs(Role.EDITOR)
    def upload(self, path: str) -> tuple[gr.Dropdown, str]:
        """Check an uploaded question set and store it."""
        sent = Path(path)
        try:
            if sent.name.startswith("."):
                raise FootnoteError(f"{sent.name} is hidden, because its name begins with a dot. Rename it.")
            questions = read_questions(sent, self._engine.settings.max_question)
            kept = _keep_set(sent, question_sets_folder(self._engine.home))
        except OSError as error:
            return gr.Dropdown(), problem(plain_message(error, self._engine.home))
        except FootnoteError as error:
            return gr.Dropdown(), problem(plain_message(str(error).replace(path, sent.name), self._engine.home))
        finally:
            self._files.discard([sent])
        message = line(f"{kept.name}: {len(questions.questions):,} questions.") + "".join(map(line, questions.notes))
        choices = gr.Dropdown(choices=list(question_sets(self._engine)), value=kept.name)
        return choices, message + _problems(questions.problems)

    @needs(Role.EDITOR)
    def evaluate(self, chosen: str | None, never_refuse: bool, request: gr.Request) -> Iterator[tuple[object, ...]]:
        """Run the chosen set; yield (progress, list of runs, Run button, Stop button).

        The last list of runs contains the new run.
        """
        session, label = request.session_hash or "", chosen or ""
        read = partial(read_set, self._engine, label)
        order = EvaluationOrder(label, read, visitor_of(request.request).name, session, never_refuse)
        last: tuple[object, object] = ("", gr.skip())
        said = 0.0
        try:
            for state in self._runs.run(order):
                if state.stage == "reading":
                    self._orders[session] = order
                    yield line("Reading the questions ..."), gr.skip(), _button(False), _button(True)
                elif state.stage != "asking" or time.monotonic() - said >= _TICK:
                    said = time.monotonic()
                    last = _progress(state), _lists(self._engine.home)[0] if state.stage == "done" else gr.skip()
                    yield *last, gr.skip(), gr.skip()
        except EvaluationBusy as error:
            yield problem(str(error)), gr.skip(), gr.skip(), gr.skip()
            return
        except (FootnoteError, OSError) as error:
            _LOG.warning("the evaluation ended: %s", error)
            last = problem(plain_message(error, self._engine.home)), gr.skip()
        except Exception:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while evaluating %r", number, chosen)
            last = problem(f"Something went wrong. Press Run to continue where it stopped. (Error {number})"), gr.skip()
        finally:
            if self._orders.get(session) is order:
                del self._orders[session]
        yield *last, _button(True), _button(False)

    @needs(Role.EDITOR)
    def stop(self, request: gr.Request) -> None:
        """Stop the run of this page."""
        if order := self._orders.get(request.session_hash or ""):
            self._runs.stop(order)

    @needs(Role.EDITOR)
    def show(self, name: str | None, against: str | None) -> str:
        """Return the results of a run, compared with the run `against` if it is set."""
        try:
            return _results(self._engine.home, name, against) if name else _INTRO
        except (FootnoteError, OSError) as error:
            return problem(plain_message(error, self._engine.home))


def make_tab(engine: Engine, page: gr.Blocks, files: Uploads, runs: EvaluationRuns) -> None:
    """Add the tab to the page, with its events."""
    events = _Events(engine, files, runs)
    with gr.Column(elem_id="fn-evaluation", elem_classes=["fn-away"]):
        with gr.Row(elem_id="fn-choose", equal_height=False):
            chosen = gr.Dropdown(choices=[], label="Question set", scale=4, min_width=220, elem_id="fn-set")
            up = gr.UploadButton("Upload a set", file_types=_ENDINGS, scale=1, min_width=140, elem_id="fn-upload")
            never = gr.Checkbox(label="Never refuse", scale=1, min_width=150, elem_id="fn-never")
            start = gr.Button("Run", variant="primary", interactive=False, scale=1, min_width=90, elem_id="fn-run")
            halt = gr.Button("Stop", interactive=False, scale=1, min_width=90, elem_id="fn-halt")
        progress = gr.HTML("", js_on_load=None, elem_id="fn-progress")
        with gr.Row(elem_id="fn-runs"):
            shown = gr.Radio(choices=[], label="Runs, the newest first", scale=2, elem_id="fn-shown", visible="hidden")
            against = gr.Dropdown(
                choices=[("Nothing", _NOTHING)],
                value=_NOTHING,
                label="Compare with",
                scale=1,
                min_width=220,
                elem_id="fn-against",
                visible="hidden",
            )
        results = gr.HTML(_INTRO, js_on_load=None, elem_id="fn-results")

    private = dict(show_progress="hidden", api_visibility="private")
    page.load(events.arrive, None, [chosen, shown, against], **private)
    chosen.change(events.can_run, chosen, start, **private)
    up.upload(events.upload, up, [chosen, progress], **private)
    running = start.click(
        events.evaluate,
        [chosen, never],
        [progress, shown, start, halt],
        concurrency_limit=None,
        concurrency_id="evaluate",
        **private,
    )
    newest = needs(Role.EDITOR)(lambda against: _lists(engine.home, against)[1])
    running.then(newest, against, against, **private)
    halt.click(events.stop, None, None, concurrency_limit=None, **private)
    gr.on([shown.change, against.change], events.show, [shown, against], results, **private)
    page.unload(events.stop)


def _progress(state: RunState) -> str:
    """Return the markup of the progress line, with the notes and problems below it."""
    counts = f"{state.done:,} of {state.total:,}"
    words = {
        "stopped": f"Stopped at {counts}. The answers so far are kept. Press Run to continue.",
        "measuring": "Measuring ...",
        "done": f"Done: {state.total:,} questions.",
    }
    head = line(words[state.stage]) if state.stage in words else _bar(state)
    return head + "".join(map(line, state.notes)) + _problems(state.problems)


def _button(can_act: bool) -> gr.Button:
    return gr.Button(interactive=can_act)


def _lists(home: Path, against: str | None = None) -> tuple[gr.Radio, gr.Dropdown]:
    """Return the list of finished runs, newest selected, and the list to compare with; each is hidden while useless."""
    runs = [(run_title(one), one.name) for one in run.list_runs(home)]
    earlier = [("Nothing", _NOTHING), *runs]
    kept = against if against in dict(runs).values() else _NOTHING
    return (
        gr.Radio(choices=runs, value=runs[0][1] if runs else None, visible=bool(runs) or "hidden"),
        gr.Dropdown(choices=earlier, value=kept, visible=len(runs) > 1 or "hidden"),
    )


def run_title(one: run.Finished) -> str:
    """Return a run's line in the list: time, question set, size, options."""
    how = ", never refusing" if one.never_refuse else ""
    when = f"{one.finished.day} {one.finished:%b %Y, %H:%M}"
    return f"{when} · {one.question_set}, {one.questions:,} questions{how}"


def _keep_set(path: Path, folder: Path) -> Path:
    """Move an uploaded file into `folder`; add a number if the name is taken by other content."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        kept = folder / (path.name if number == 1 else f"{number}-{path.name}")
        if not kept.exists() or kept.read_bytes() == path.read_bytes():
            break
    path.replace(kept)
    return kept


def _results(home: Path, name: str, against: str | None) -> str:
    # `open_run` accepts any folder, so the page may only pass names of finished runs.
    if not {name, against or name} <= set(run.finished_runs(home)):
        raise FootnoteError("This run no longer exists. Load the page again.")
    shown = run.open_run(name, home)
    summary = run.read_summary(shown.folder)
    compared = compare(run.open_run(against, home), shown) if against and against != name else None
    address = f"report?{urlencode({'run': name, **({'against': against} if compared else {})})}"
    link = f'<a class="fn-action" href="{escape(address)}'
    links = (
        f'<p class="fn-foot">{link}" target="_blank" rel="noopener">Open the report</a> '
        f'{link}&#38;download=1" download>Download it</a></p>'
    )
    parts = [
        report.overview(shown, summary),
        links,
        report.comparison(compared) if compared else "",
        report.questions(shown, _SHOWN, chat=True),
        report.question_details(shown, summary),
    ]
    return f'<div class="fn-report">{"".join(parts)}</div>'


def _bar(state: RunState) -> str:
    message = f"{state.done:,} of {state.total:,} questions"
    if state.seconds_left is not None:
        minutes, seconds = divmod(round(state.seconds_left), 60)
        message += f", {f'{minutes} min ' if minutes else ''}{seconds} s left"
    return charts.progress("questions asked", state.done, state.total) + line(message)


def _problems(problems: Sequence[Problem], most: int = 10) -> str:
    if not problems:
        return ""
    rows = "".join(f"<li>{escape(str(one))}</li>" for one in problems[:most])
    more = f"<li>and {len(problems) - most:,} more</li>" if len(problems) > most else ""
    title = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'} in the set"
    return f'<details class="fn-note" open><summary>{title}</summary><ul>{rows}{more}</ul></details>'
