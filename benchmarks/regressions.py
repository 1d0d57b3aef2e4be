"""Detection of planted regressions by the evaluation: `python -m benchmarks.regressions SQUAD.json[.gz]`.

Asks 300 questions of a SQuAD file (seeded) of all its articles four times: as shipped, the same again, with retrieval
of one passage, and never refusing. Prints the comparisons with the first run. Exits with 1 if the identical rerun
differs, or if the verdicts and causes miss a planted regression.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from rag.evaluation.compare import Comparison, compare
from rag.evaluation.corpus import SAME, engine_for
from rag.evaluation.questions import QuestionSet
from rag.evaluation.read import read_questions
from rag.evaluation.run import Options, Run, ask_all, describe_run, finish, read_run
from rag.evaluation.table import comparison_text
from rag.settings import Settings

QUESTIONS = 300
_FINDING = {"success@5", "success@10", "recall@5", "recall@10", "mrr", "ndcg@10"}


def run(settings: Settings, questions: QuestionSet, folder: Path, *, never_refuse: bool = False) -> Run:
    """Ask all questions and measure the answers."""
    engine, _ = engine_for(settings, questions, SAME)
    making = describe_run(engine, questions, Options(never_refuse, (), SAME))
    for _ in tqdm(ask_all(engine, questions, folder, making), total=len(questions.questions), leave=False):
        pass
    finish(folder)
    return read_run(folder)


def more_of(compared: Comparison) -> Counter[str]:
    """Return the increase in failures by cause."""
    causes = [Counter(row["cause"] for row in one.rows if row["cause"]) for one in (compared.old, compared.new)]
    return causes[1] - causes[0]


def main() -> None:
    """Make the four runs, compare them, and check the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("squad", type=Path)
    arguments = parser.parse_args()
    questions = read_questions(arguments.squad)
    chosen = sorted(random.Random(0).sample(range(len(questions.questions)), QUESTIONS))
    questions = replace(questions, questions=tuple(questions.questions[n] for n in chosen))
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(home=home)
        first = run(settings, questions, home / "as-shipped")
        again = compare(first, run(settings, questions, home / "once-more"))
        narrow = settings.model_copy(update={"candidates": 1, "passages": 1})
        cut = compare(first, run(narrow, questions, home / "one-passage"))
        rash = compare(first, run(settings, questions, home / "never-refusing", never_refuse=True))
    for compared in (again, cut, rash):
        print(f"{comparison_text(compared)}\nmore of: {dict(more_of(compared))}\n")
    if again.changes or any(one.verdict in ("better", "worse") for one in again.measures):
        wrong.append("an identical rerun differs")
    if not set(cut.worse) >= _FINDING or not more_of(cut)["not_retrieved"]:
        wrong.append(f"one passage: expected {sorted(_FINDING)} to be worse, got {cut.worse}")
    if not {"risk", "refusal_recall", "refusal_f1"} <= set(rash.worse) or not more_of(rash)["answered_unanswerable"]:
        wrong.append(f"never refusing: expected risk and refusing to be worse, got {rash.worse}")
    print("\n".join(wrong) or "Every planted regression was found, and the rerun shows no difference.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
