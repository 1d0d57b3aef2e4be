"""Effect of the sentence cosines on the quotes: `python -m benchmarks.meaning FILE [--limit N]`.

FILE is a question set in SQuAD form, for example ../shared/data/natural/choose.json.gz. Every question is read twice,
with and without the cosines of sentences (rag/reader/meaning.py), and never refused. Prints the share of questions with
an acceptable answer in a quote, the number of quotes, and the share of quotes with an answer, with 95% intervals.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.reader import interval
from rag.evaluation.corpus import SAME, engine_for
from rag.evaluation.measures import contains
from rag.evaluation.questions import Question
from rag.evaluation.read import read_questions
from rag.reader.evidence import Reader
from rag.scope import Scope
from rag.settings import Settings
from rag.writer.quote import choose


def measure(scope: Scope, questions: list[Question], most: int) -> NDArray[np.float64]:
    """Return (quotes with an answer, quotes) of each question: (n, 2).

    A question has at most `most` quotes.
    """
    rows = []
    for one in tqdm(questions, leave=False):
        query, hits = scope.search(one.text)
        quotes = choose(scope.reader.read(query, hits).evidence, most)
        rows.append((sum(any(contains(quote.text, answer) for answer in one.answers) for quote in quotes), len(quotes)))
    return np.array(rows, dtype=float)


def main() -> None:
    """Measure both readers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a question set in SQuAD form")
    parser.add_argument("--limit", type=int, default=400, help="answerable questions that are asked (default: 400)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        questions = read_questions(arguments.file, settings.max_question)
        engine, _ = engine_for(settings, questions, SAME)
        generation, retriever, with_meaning = engine.parts()
        answerable = [one for one in questions.questions if one.answerable][: arguments.limit]
        print(
            f"{len(answerable)} questions\n\n"
            "| | a quote holds an answer | quotes | of these hold one |\n|---|---|---|---|"
        )
        without = Reader(generation, engine.spans)
        for name, reader in (("reading model alone", without), ("and what sentences mean", with_meaning)):
            scope = Scope(generation, retriever, reader, None, max(settings.passages, reader.depth))
            rows = measure(scope, answerable, settings.max_quotes)
            print(f"| {name} | {_cells(rows)} |", flush=True)


def _cells(rows: NDArray[np.float64]) -> str:
    held = interval(len(rows), lambda chosen: float((rows[chosen, 0] > 0).mean()))
    share = interval(len(rows), lambda chosen: float(rows[chosen, 0].sum() / rows[chosen, 1].sum()))
    return f"{held} | {rows[:, 1].mean():.2f} | {share}"


if __name__ == "__main__":
    main()
