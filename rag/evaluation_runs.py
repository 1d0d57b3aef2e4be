"""Running question sets for the page and for programs, one at a time, behind people's questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Literal

from index.errors import FootnoteError
from rag.access.users import UserStore
from rag.engine import Engine
from rag.evaluation import run
from rag.evaluation.corpus import question_corpus
from rag.evaluation.feedback import feedback_file
from rag.evaluation.labels import missing_labels
from rag.evaluation.questions import Problem, QuestionSet
from rag.evaluation.read import read_questions
from rag.queue import RequestQueue, Stopped
from rag.uploads import question_sets_folder

_TICKET = "evaluation"
"""The name of a run's questions in the request queue."""


class EvaluationBusy(FootnoteError):
    """An evaluation is running already."""


class UnknownSet(FootnoteError):
    """A label that no question set has."""


@dataclass(frozen=True)
class EvaluationOrder:
    """A question set to run: its `label`, how to `read` it, and who runs it.

    `session` identifies the run in the queue. `ending` is set when the run should stop.
    """

    label: str
    read: Callable[[], QuestionSet]
    by: str
    session: str
    never_refuse: bool = False
    ending: Event = field(default_factory=Event, repr=False)


@dataclass(frozen=True)
class RunState:
    """How far a run is: `done` of `total` questions.

    `seconds_left` is None until a question is answered. `problems` are rows that can't be used and labels that are not
    in the sources. `name` is the name of the run, "" while the questions are read.
    """

    stage: Literal["reading", "asking", "measuring", "stopped", "done"]
    name: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def question_sets(engine: Engine) -> dict[str, Path]:
    """Return all question sets by label: from source folders, feedback and uploads.

    Visitors see only the labels, never the paths.
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


def read_set(engine: Engine, label: str) -> QuestionSet:
    """Read the question set with this label. Raises UnknownSet and BadQuestionSet."""
    sets = question_sets(engine)
    if label not in sets:
        known = ", ".join(map(repr, sets)) or "none yet"
        raise UnknownSet(
            f"There is no question set {label!r}. Choose one, or upload one on the page. There are: {known}."
        )
    return read_questions(sets[label], engine.settings.max_question)


class EvaluationRuns:
    """Runs question sets, one at a time, and notes in the audit log who did."""

    def __init__(self, engine: Engine, queue: RequestQueue, write_report: Callable[[Path], object]) -> None:
        """Questions wait in the `queue`; `write_report` writes the report of a finished run's folder."""
        self._engine = engine
        self._queue = queue
        self._write_report = write_report
        self._free = Lock()

    def run(self, order: EvaluationOrder) -> Generator[RunState]:
        """Run a question set, or continue its unfinished run; yield a state after each question.

        The last state is "done", or "stopped" if the order's `ending` is set before. Raises EvaluationBusy if another
        evaluation runs here, or another program works on this run, and the errors of `read` and `ask_all`.
        """
        if not self._free.acquire(blocking=False):
            raise EvaluationBusy("Another evaluation is running here. Wait for it to end, then run this one.")
        try:
            yield RunState("reading")
            yield from self._run(order)
        finally:
            self._free.release()

    def stop(self, order: EvaluationOrder) -> None:
        """Stop a run after the current question; its next question may still wait in the queue."""
        order.ending.set()
        self._queue.stop(order.session, [_TICKET])

    def _run(self, order: EvaluationOrder) -> Iterator[RunState]:
        engine = self._engine
        questions = order.read()
        engine.warm.wait()
        problems = (*questions.problems, *missing_labels(questions, question_corpus(engine, questions)))
        notes = (*questions.notes, *filter(None, [engine.changed_note()]))
        making = run.describe_run(engine, questions, run.Options(order.never_refuse))
        folder = run.choose_folder(engine.home, questions, making)
        UserStore(engine.home).note(order.by, "evaluation run", order.label)
        state = RunState("asking", folder.name, total=len(questions.questions), problems=problems, notes=notes)
        turn = partial(self._queue.last_turn, order.session, _TICKET, order.ending)
        started, before = time.monotonic(), None
        try:
            with closing(run.ask_all(engine, questions, folder, making, turn=turn)) as asking:
                for done, total in asking:
                    before = done if before is None else before
                    each = (time.monotonic() - started) / (done - before) if done > before else None
                    state = replace(state, done=done, seconds_left=None if each is None else each * (total - done))
                    if order.ending.is_set():
                        raise Stopped("The evaluation was stopped.")
                    yield state
        except Stopped:
            yield replace(state, stage="stopped")
            return
        except run.RunTaken as error:
            raise EvaluationBusy("Another program is running this evaluation. Wait for it to end.") from error
        yield replace(state, stage="measuring")
        run.finish(folder)
        self._write_report(folder)
        yield replace(state, stage="done")
