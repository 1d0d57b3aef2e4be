"""The Evaluation tab: choose or upload a question set, run it, read the results, compare them with an earlier run."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urlencode

import gradio as gr

from index.errors import FootnoteError
from rag.access.visitor import Role, needs
from rag.engine import Engine
from rag.evaluation import labels, run
from rag.evaluation.compare import compare
from rag.evaluation.corpus import question_corpus
from rag.evaluation.feedback import feedback_file
from rag.evaluation.questions import Problem
from rag.evaluation.read import read_questions
from rag.plain import plain_message
from rag.queue import RequestQueue, Stopped
from rag.ui import charts, report
from rag.ui.escape import escape
from rag.ui.html import line, problem
from rag.uploads import Uploads, question_sets_folder

_LOG = logging.getLogger("footnote")
_ENDINGS = [".jsonl", ".json", ".csv", ".tsv", ".txt", ".xlsx", ".gz"]
_NOTHING = ""
_TICKET = "evaluation"
"""The name of a run's questions in the request queue."""
_SHOWN = 200
"""Most questions that the tab lists; the report lists all."""
_TICK = 0.25
"""Seconds between two updates of the progress line."""
_INTRO = (
    '<p class="fn-lead">Ask a whole set of questions and measure the answers: how often they are right, cited to the '
    "right place, or rightly refused. Run it again after a change and compare.</p>"
)


class _RunLock:
    """A lock for one evaluation at a time; only the session that started a run can stop it."""

    def __init__(self) -> None:
        self.free = Lock()
        self._stops: dict[str, Event] = {}

    def begin(self, session: str) -> Event:
        """Return the event that stops this session's run."""
        return self._stops.setdefault(session, Event())

    def stop(self, session: str) -> None:
        """Stop this session's run after the current question."""
        if session in self._stops:
            self._stops[session].set()

    def runs(self, session: str) -> bool:
        """True while a run of this session is in progress."""
        return session in self._stops

    def end(self, session: str) -> None:
        """Forget a run that has ended."""
        self._stops.pop(session, None)


def question_sets(engine: Engine) -> dict[str, Path]:
    """Return all question sets by label: from source folders, feedback and uploads.

    The page sees only the labels, never the paths.
    """
    found = [(f"{root.name}/questions.jsonl", root / "questions.jsonl") for root in engine.roots()]
    found.append(("Judged answers (thumbs)", feedback_file(engine.home)))
    found += [(path.name, path) for path in sorted(question_sets_folder(engine.home).glob("*"))]
    sets = dict[str, Path]()
    for label, path in found:
        if path.is_file():
            same = sum(one.partition(" (")[0] == label for one in sets)
            sets[f"{label} ({same + 1})" if label in sets else label] = path
    return sets


class _Events:
    """The event handlers of the tab. A run's questions wait in the `queue` too, behind people's questions."""

    def __init__(self, engine: Engine, files: Uploads, queue: RequestQueue) -> None:
        self._engine = engine
        self._files = files
        self._queue = queue
        self._bench = _RunLock()

    @needs(Role.EDITOR)
    def arrive(self) -> tuple[gr.Dropdown, gr.Radio, gr.Dropdown]:
        """Return the three lists, with the last run selected."""
        sets = list(question_sets(self._engine))
        return gr.Dropdown(choices=sets, value=sets[0] if sets else None), *_lists(self._engine.home)

    @needs(Role.EDITOR)
    def can_run(self, chosen: str | None, request: gr.Request) -> gr.Button:
        """Enable the Run button if a set is chosen and this page has no run in progress."""
        return _button(bool(chosen) and not self._bench.runs(request.session_hash or ""))

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
        return choices, message + _problems(list(questions.problems))

    @needs(Role.EDITOR)
    def evaluate(self, chosen: str | None, never_refuse: bool, request: gr.Request) -> Iterator[tuple[object, ...]]:
        """Run the chosen set; yield (progress, list of runs, Run button, Stop button).

        The last list of runs contains the new run.
        """
        session = request.session_hash or ""
        if not self._bench.free.acquire(blocking=False):
            message = problem("Another evaluation is running here. Wait for it to end, then run this one.")
            yield message, gr.skip(), gr.skip(), gr.skip()
            return
        last: tuple[object, object] = ("", gr.skip())
        ending = self._bench.begin(session)
        try:
            yield line("Reading the questions ..."), gr.skip(), _button(False), _button(True)
            turn = partial(self._queue.last_turn, session, _TICKET, ending)
            path = question_sets(self._engine).get(chosen or "")
            for last in evaluation(self._engine, path, never_refuse, ending, turn):
                yield *last, gr.skip(), gr.skip()
        except (FootnoteError, OSError) as error:
            _LOG.warning("the evaluation ended: %s", error)
            last = problem(plain_message(error, self._engine.home)), gr.skip()
        except Exception:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while evaluating %r", number, chosen)
            last = problem(f"Something went wrong. Press Run to continue where it stopped. (Error {number})"), gr.skip()
        finally:
            self._bench.end(session)
            self._bench.free.release()
        yield *last, _button(True), _button(False)

    @needs(Role.EDITOR)
    def stop(self, request: gr.Request) -> None:
        """Stop the run of this page; its question may still wait in the queue."""
        self._bench.stop(request.session_hash or "")
        self._queue.stop(request.session_hash or "", [_TICKET])

    @needs(Role.EDITOR)
    def show(self, name: str | None, against: str | None) -> str:
        """Return the results of a run, compared with the run `against` if it is set."""
        try:
            return _results(self._engine.home, name, against) if name else _INTRO
        except (FootnoteError, OSError) as error:
            return problem(plain_message(error, self._engine.home))


def make_tab(engine: Engine, page: gr.Blocks, files: Uploads, queue: RequestQueue) -> None:
    """Add the tab to the page, with its events."""
    events = _Events(engine, files, queue)
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


def evaluation(
    engine: Engine, chosen: Path | None, never_refuse: bool, stop: Event, turn: run.HoldTurn
) -> Iterator[tuple[str, object]]:
    """Run the question set in `chosen`; yield (progress markup, list of runs).

    Ends after the current question once `stop` is set. Each question waits for its `turn`.
    """
    if not chosen:
        yield problem("Choose a question set, or upload one."), gr.skip()
        return
    yield line("Reading the questions ..."), gr.skip()
    questions = read_questions(chosen, engine.settings.max_question)
    engine.warm.wait()
    problems = [*questions.problems, *labels.missing_labels(questions, question_corpus(engine, questions))]
    notes = _problems(problems)
    if changed := engine.changed_note():
        notes = line(changed) + notes
    making = run.describe_run(engine, questions, run.Options(never_refuse))
    folder = run.choose_folder(engine.home, questions, making)
    started = said = time.monotonic()
    before, stopped = None, False
    try:
        with closing(run.ask_all(engine, questions, folder, making, turn=turn)) as asking:
            for done, total in asking:
                before = done if before is None else before
                if stopped := stop.is_set():
                    break
                if time.monotonic() - said >= _TICK:
                    said = time.monotonic()
                    left = (said - started) / max(1, done - before) * (total - done)
                    yield _bar(done, total, left) + notes, gr.skip()
    except Stopped:
        stopped = True
    if stopped:
        kept = f"Stopped at {done:,} of {total:,}. The answers so far are kept. Press Run to continue."
        yield line(kept) + notes, gr.skip()
        return
    yield line("Measuring ...") + notes, gr.skip()
    run.finish(folder)
    report.write_report(folder)
    yield line(f"Done: {total:,} questions.") + notes, _lists(engine.home)[0]


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


def _bar(done: int, total: int, left: float) -> str:
    minutes, seconds = divmod(round(left), 60)
    message = f"{done:,} of {total:,} questions, {f'{minutes} min ' if minutes else ''}{seconds} s left"
    return charts.progress("questions asked", done, total) + line(message)


def _problems(problems: list[Problem], most: int = 10) -> str:
    if not problems:
        return ""
    rows = "".join(f"<li>{escape(str(one))}</li>" for one in problems[:most])
    more = f"<li>and {len(problems) - most:,} more</li>" if len(problems) > most else ""
    title = f"{len(problems):,} problem{'' if len(problems) == 1 else 's'} in the set"
    return f'<details class="fn-note" open><summary>{title}</summary><ul>{rows}{more}</ul></details>'
