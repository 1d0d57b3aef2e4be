"""Time that the check adds to a language model: python -m benchmarks.written [--pace 50]

A scripted server on loopback writes answers of five sentences with citations at a constant pace. Measures per question:
the time until the quotes are there, the time when the server had sent the first sentence, the time when the page could
show it, the time of the check, and the time of the whole answer. All ratios are within one run, so a busy machine
hardly changes them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.scripted import Server, serving
from rag.answer import stream
from rag.engine import Engine
from rag.evaluation.read import read_questions
from rag.evaluation.statistics import SAMPLES, SEED, bounds
from rag.settings import SEEDS, Settings


@dataclass(frozen=True)
class Timed:
    """The times of an answer in milliseconds: `quoted` since it was asked, the others since its first token was sent.

    The first sentence was `sent` with its citation and `shown`; then came the `last` token and the `whole` answer.
    `checked` is the number of checked sentences, `check` the milliseconds of their check.
    """

    quoted: float
    sent: float
    shown: float
    last: float
    whole: float
    checked: int
    check: float


def ask(engine: Engine, server: Server, question: str) -> Timed | None:
    """Time a question; None if no text of the language model was shown."""
    server.sent = []
    asked = time.perf_counter()
    quoted = shown = 0.0
    for state in stream(engine, question):
        quoted = quoted or time.perf_counter()
        if state.writer == "llm":
            shown = shown or time.perf_counter()
            found = state
    whole = time.perf_counter()
    if not shown:
        return None
    began, times = server.sent[0][0], [1000 * (at - server.sent[0][0]) for at, _ in server.sent]
    sent = next(n for n, (_, text) in enumerate(server.sent) if text.endswith("]"))
    return Timed(
        1000 * (quoted - asked),
        times[sent],
        1000 * (shown - began),
        times[-1],
        1000 * (whole - began),
        len(found.all_sentences),
        found.timings["check"],
    )


def table(timed: Sequence[Timed], pace: float) -> Iterator[str]:
    """Yield the lines of the tables."""
    sentences = sum(one.checked for one in timed)
    yield f"{len(timed)} answers of {sentences} sentences, {pace:g} tokens a second.\n"
    yield "| | median | 95% |\n|---|---|---|"
    rows = {
        "quotes there, since asked": [one.quoted for one in timed],
        "first sentence sent, since the first token (so are those below)": [one.sent for one in timed],
        "first sentence shown, checked": [one.shown for one in timed],
        "between the two": [one.shown - one.sent for one in timed],
        "check of a sentence": [one.check / one.checked for one in timed],
        "last token sent": [one.last for one in timed],
        "whole answer there": [one.whole for one in timed],
    }
    for name, values in rows.items():
        middle, high = np.quantile(values, [0.5, 0.95])
        yield f"| {name} | {middle:,.0f} ms | {high:,.0f} ms |"
    yield "\n| share of the time of generation | (95% interval over answers) |\n|---|---|"
    for name, part in (
        ("all checks", [one.check for one in timed]),
        ("what the answer takes beyond its last token", [one.whole - one.last for one in timed]),
    ):
        yield f"| {name} | {_share(part, [one.last for one in timed])} |"


def _share(part: Sequence[float], of: Sequence[float]) -> str:
    parts, whole = np.array(part), np.array(of)
    rng = np.random.default_rng(SEED)
    taken = (rng.integers(0, len(parts), len(parts)) for _ in range(SAMPLES))
    low, high = bounds(np.array([parts[rows].sum() / whole[rows].sum() for rows in taken]))
    return f"{parts.sum() / whole.sum():.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Index the seeds, ask the questions, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pace", type=float, default=50, help="tokens a second")
    parser.add_argument("--questions", type=int, default=12, help="about how many of the seeds' questions are asked")
    arguments = parser.parse_args()
    questions = [one.text for one in read_questions(SEEDS / "questions.jsonl").questions if one.answerable]
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        home = Path(folder) / "home"
        engine = Engine(Settings(home=home, writer="llm", llm_url=server.url, llm_model="five"))
        engine.warm_up()
        list(stream(engine, questions[0]))  # warms up everything that the first question loads
        server.pace = arguments.pace
        timed = [
            one
            for question in questions[:: max(1, len(questions) // arguments.questions)]
            if (one := ask(engine, server, question))
        ]
    print("\n".join(table(timed, arguments.pace)))


if __name__ == "__main__":
    main()
