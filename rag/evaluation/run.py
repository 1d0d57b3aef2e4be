"""A run: all questions of a set asked and judged; each result is written at once, so that a stopped run can go on.

RUN/run.json        configuration: question set, corpus, settings, models, versions
RUN/results.jsonl   one line per question: the question, its whole answer, scores and cause
RUN/summary.json    the measures (docs/evaluation.md); written last, so a run without it is unfinished
RUN/report.html     the report
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from index.errors import FootnoteError
from index.state import write_atomically
from rag.answer import answer
from rag.choice import Choice
from rag.conversation.thread import Thread
from rag.engine import Engine
from rag.evaluation.configuration import differences
from rag.evaluation.corpus import question_corpus
from rag.evaluation.judge import judge_answer
from rag.evaluation.labels import Corpus, find_labels
from rag.evaluation.questions import Question, QuestionSet
from rag.evaluation.statistics import SAMPLES, SEED, Scores, percentiles
from rag.evaluation.threads import Pending, pending_threads
from rag.provenance import program_version
from rag.types import Answer
from rag.variables import list_settings

_SCHEMA = 1
_LIBRARIES = (
    "chromadb",
    "gradio",
    "numpy",
    "onnxruntime",
    "openai",
    "sentence-transformers",
    "tantivy",
    "tiktoken",
    "torch",
)
_IN_A_ROW = {"n", "id", "question", "answers", "labels", "answer", "scores", "cause"}
_NO_MATTER = frozenset(
    f"FOOTNOTE_{name}" for name in "HOME HOST PORT MAX_WAITING THREADS WORKERS LOG_FORMAT LOG_QUESTIONS".split()
)
"""Settings that do not change any answer."""


HoldTurn = Callable[[], contextlib.AbstractContextManager[object]]
"""Returns a context in which a question is answered; it ends when a language model starts to write."""


class BadRun(FootnoteError):
    """A folder that has no run, or not the expected one."""


class RunTaken(BadRun):
    """A run that another process is working on."""


@dataclass(frozen=True)
class Options:
    """Options of a run; `corpus` names the corpus ("" for the user's index)."""

    never_refuse: bool = False
    tags: tuple[str, ...] = ()
    corpus: str = ""


@dataclass(frozen=True)
class _How:
    """How each question of a run is asked."""

    never_refuse: bool
    turn: HoldTurn


@dataclass(frozen=True)
class Run:
    """A run with its rows: the lines of results.jsonl in the order of the questions."""

    folder: Path
    made_by: dict[str, Any]
    rows: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return self.folder.name

    @cached_property
    def scores(self) -> Scores:
        """The scores of all rows."""
        return Scores([row["scores"] for row in self.rows], bool(self.made_by["options"]["never_refuse"]))


def describe_run(engine: Engine, questions: QuestionSet, options: Options) -> dict[str, Any]:
    """Return everything that determines the answers of a run."""
    manifest = engine.parts()[0].manifest
    return {
        "footnote": program_version(),
        "question_set": {"name": questions.name, "sha256": questions.sha256, "asked": len(questions.questions)},
        "options": {**asdict(options), "tags": list(options.tags)},
        "corpus_sha256": manifest.corpus_sha256,
        "generation": manifest.name,
        "index": asdict(manifest.recipe),
        "settings": {name: value for name, value, _ in list_settings(engine.settings) if name not in _NO_MATTER},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
    }


def runs_folder(home: Path) -> Path:
    """Return the default folder of runs."""
    return home / "runs"


def choose_folder(home: Path, questions: QuestionSet, making: dict[str, Any]) -> Path:
    """Return the folder of an unfinished run with this configuration, or a new one."""
    folder = runs_folder(home)
    for old in sorted(folder.glob("*/run.json"), reverse=True):
        with contextlib.suppress(BadRun):
            if not (old.parent / "summary.json").exists() and not differences(_provenance(old.parent), making):
                return old.parent
    stem = re.sub(r"[^\w.-]+", "-", questions.name).strip("-.")[:60] or "questions"
    base = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    free = (base if number == 1 else f"{base}-{number}" for number in range(1, 10_000))
    return folder / next(name for name in free if not (folder / name).exists())


def ask_all(
    engine: Engine,
    questions: QuestionSet,
    folder: Path,
    making: dict[str, Any],
    workers: int = 1,
    turn: HoldTurn = contextlib.nullcontext,
) -> Generator[tuple[int, int]]:
    """Ask all unanswered questions and write the results; yield (done, all) for each.

    The first pair counts the results of earlier calls. Each question is answered in a context of `turn`; a language
    model writes outside of it. Closing the iterator stops after the current questions. Raises BadRun if the folder has
    a run with another configuration, RunTaken if another process is writing it, and what `turn` raises.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRun(f"{folder} can't be used as a run folder ({error.strerror}). Name another --out.") from error
    lock = FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunTaken(
            f"Another process is working on the run in {folder}. Wait for it, or name another --out."
        ) from error
    try:
        done = _take_up(folder, making)
        yield len(done), len(questions.questions)
        how = _How(bool(making["options"]["never_refuse"]), turn)
        ask = partial(_result, engine, question_corpus(engine, questions), how)
        left = pending_threads(questions.questions, done)
        yield from _ask(engine, ask, left, folder, (len(done), len(questions.questions)), workers)
    finally:
        lock.release()


def _take_up(folder: Path, making: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Prepare a folder; return the answers it already has, as JSON, by the index of their question."""
    described, results = folder / "run.json", folder / "results.jsonl"
    if described.exists():
        if differences(was := _provenance(folder), making):
            raise BadRun(f"{folder} holds another run: {'; '.join(differences(was, making)[:4])}. Name another --out.")
    elif any(path.name != "lock" for path in folder.iterdir()):
        raise BadRun(f"{folder} is not empty and has no run. Name another --out.")
    else:
        write_atomically(described, json.dumps({"schema": _SCHEMA, "made_by": making}, indent=1))
    if not results.exists():
        return {}
    # Drop a line that a kill has cut off; its question is asked again.
    data = results.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        with results.open("r+b") as stream:
            stream.truncate(len(whole))
    try:
        rows = map(json.loads, whole.splitlines())
        return {int(row["n"]): row["answer"] for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise BadRun(
            f"{results} has an invalid line ({error}). Take it out (its question is asked again), or name "
            "another --out."
        ) from error


def _ask(
    engine: Engine,
    ask: Callable[[int, Question, Thread], tuple[dict[str, Any], Answer]],
    left: Sequence[Pending],
    folder: Path,
    counts: tuple[int, int],
    workers: int,
) -> Iterator[tuple[int, int]]:
    """Ask the questions `left`, `workers` threads at once; yield (done, all), starting from `counts`."""
    generation = engine.parts()[0]
    done, total = counts
    waiting = deque(left)
    # subtle: a lone surrogate, which UTF-8 can't encode, becomes \\udc00, which is valid JSON.
    with (folder / "results.jsonl").open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="evaluate")
        under_way: dict[Future[tuple[dict[str, Any], Answer]], Pending] = {}
        try:
            while True:
                while len(under_way) < workers and waiting:
                    talk = waiting.popleft()
                    under_way[pool.submit(ask, *talk.left.popleft(), talk.said)] = talk
                if not under_way:
                    return
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                if engine.parts()[0].manifest.corpus_sha256 != generation.manifest.corpus_sha256:
                    raise BadRun("The sources changed while the run was under way. Start a new one.")
                for one in finished:
                    talk, (row, found) = under_way.pop(one), one.result()
                    talk.said = talk.said.then(found)
                    if talk.left:
                        waiting.appendleft(talk)
                    stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                    stream.flush()
                    done += 1
                    yield done, total
        finally:
            pool.shutdown(cancel_futures=True)


def _result(
    engine: Engine, corpus: Corpus, how: _How, n: int, question: Question, said: Thread
) -> tuple[dict[str, Any], Answer]:
    """Return the row of a question, and its answer; `said` has the earlier turns of its thread."""
    try:
        choice = Choice(left_out=corpus.left_out)
        options = dict[str, Any](never_refuse=how.never_refuse, choice=choice, models=how.turn(), thread=said)
        found = answer(engine, question.text, **options)
    except FootnoteError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadRun(
            f"Question {question.id!r} could not be answered ({reason}). Remove it from the set, or correct the cause."
        ) from error
    places = find_labels(question, corpus)
    row = {
        "n": n,
        "id": question.id,
        **({"thread": question.thread} if question.thread else {}),
        "question": question.text,
        "answers": list(question.answers),
        "labels": [{"source": p.label.source, "spans": p.spans, "missing": p.missing} for p in places],
        "answer": found.to_json(),
        **judge_answer(question, found, corpus),
    }
    return row, found


def finish(folder: Path) -> dict[str, Any]:
    """Measure a completed run; write its summary.json and return it."""
    run = read_run(folder)
    summary = {
        "schema": _SCHEMA,
        "questions": len(run.rows),
        "answerable": sum(row["scores"]["answerable"] is True for row in run.rows),
        "measures": {name: run.scores.interval(name).to_json() for name in run.scores.names},
        "causes": dict(Counter(row["cause"] for row in run.rows if row["cause"]).most_common()),
        **_written([row["answer"] for row in run.rows]),
        "timings_ms": percentiles([row["answer"]["timings"] for row in run.rows]),
        "intervals": {"level": 0.95, "method": "percentile bootstrap over questions", "samples": SAMPLES, "seed": SEED},
        "made_by": run.made_by,
    }
    write_atomically(folder / "summary.json", json.dumps(summary, indent=1))
    return summary


def _written(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the number and share of sentences by verdict, and the tokens of a language model.

    A run of an earlier version has neither.
    """
    verdicts = Counter(one["verdict"] for found in answers for one in found.get("sentences", ()))
    tokens = Counter[str]()
    for found in answers:
        tokens.update(found.get("tokens") or {})
    return {
        "sentences": {name: {"n": n, "share": n / verdicts.total()} for name, n in verdicts.most_common()},
        "tokens": dict(tokens),
    }


def open_run(name: str, home: Path) -> Run:
    """Open the finished run in the folder `name`, or with this name in `home`.

    Raises BadRun if there is none.
    """
    for folder in (Path(name), runs_folder(home) / name):
        if (folder / "run.json").is_file():
            if not (folder / "summary.json").is_file():
                raise BadRun(f"The run in {folder} is unfinished. Call evaluate as before to finish it.")
            return read_run(folder)
    known = ", ".join(finished_runs(home)[:5]) or "none yet"
    raise BadRun(f"There is no run called {name!r}. Expected a run's folder, or one of: {known}.")


def finished_runs(home: Path) -> list[str]:
    """Return the names of the finished runs of a home, newest first."""
    made = [(path.stat().st_mtime, path.parent.name) for path in runs_folder(home).glob("*/summary.json")]
    return [name for _, name in sorted(made, reverse=True)]


@dataclass(frozen=True)
class Finished:
    """A finished run in a list; `finished` is local time."""

    name: str
    finished: datetime
    question_set: str
    questions: int
    never_refuse: bool


def list_runs(home: Path) -> list[Finished]:
    """Return the finished runs of a home, newest first; unreadable ones are left out."""
    found = []
    for name in finished_runs(home):
        folder = runs_folder(home) / name
        with contextlib.suppress(BadRun, KeyError, TypeError, OSError):
            summary = read_summary(folder)
            made, at = summary["made_by"], datetime.fromtimestamp((folder / "summary.json").stat().st_mtime)
            never_refuse = bool(made["options"]["never_refuse"])
            found.append(Finished(name, at, str(made["question_set"]["name"]), int(summary["questions"]), never_refuse))
    return found


def read_run(folder: Path) -> Run:
    """Read the run in a folder, finished or not.

    Raises BadRun if it can't be read.
    """
    try:
        lines = (folder / "results.jsonl").read_text("utf-8").split("\n")
        rows = sorted((json.loads(line) for line in lines if line), key=lambda row: int(row["n"]))
        if not all(row.keys() >= _IN_A_ROW for row in rows):
            raise ValueError("results.jsonl has an invalid line")
        return Run(folder, _provenance(folder), rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRun(f"{folder} is not a readable run ({type(error).__name__}: {error}).") from error


def _provenance(folder: Path) -> dict[str, Any]:
    value = _read_json(folder / "run.json").get("made_by")
    if not isinstance(value, dict):
        raise BadRun(f"{folder / 'run.json'} has no configuration of the run.")
    return value


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary.json of a run. Raises BadRun if it can't be read."""
    return _read_json(folder / "summary.json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRun(f"{path} is not readable ({error}).") from error
    if not isinstance(value, dict):
        raise BadRun(f"{path} holds no JSON object.")
    return value
