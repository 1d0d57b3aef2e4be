"""Scores of foreign questions over the corpus of squad/dev: `python -m benchmarks.foreign ../shared/data --run RUN`.

The 300 questions about reviews and comments in `benchmarks/foreign.txt` search the paragraphs of squad/dev, which
answer none of them. The program compares their evidence scores with those of the answerable questions in RUN, the
folder of `python app.py evaluate ../shared/data/squad/dev.json.gz --corpus same`. 95% intervals are bootstrapped over
questions.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from benchmarks.reader import interval
from rag.answer import answer
from rag.evaluation.corpus import SAME, engine_for
from rag.evaluation.read import read_questions
from rag.evaluation.run import read_run
from rag.settings import Settings
from rag.types import Answer
from training.reader.data import FOREIGN, read_ids, read_json


def foreign_questions(data: Path) -> Iterator[str]:
    """Yield the texts of the held-out foreign questions."""
    wanted = read_ids(FOREIGN)
    for name in ("reddit", "amazon_reviews"):
        for article in read_json(data / f"squadshifts/{name}_v1.0.json.gz"):
            for paragraph in article["paragraphs"]:
                yield from (item["question"] for item in paragraph["qas"] if item["id"] in wanted)


def ask(data: Path, texts: list[str]) -> list[Answer]:
    """Answer the questions from the paragraphs of squad/dev."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        engine, _ = engine_for(settings, read_questions(data / "squad/dev.json.gz"), SAME)
        return [answer(engine, text) for text in tqdm(texts, unit="question")]


def main() -> None:
    """Read the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    arguments = parser.parse_args()
    own = [row for row in read_run(arguments.run).rows if row["scores"]["answerable"]]
    found = ask(arguments.data, list(foreign_questions(arguments.data)))
    score = np.array([row["scores"]["evidence_score"] or 0 for row in own] + [one.evidence_score or 0 for one in found])
    refused = np.array([bool(row["scores"]["refused"]) for row in own] + [one.refused for one in found])
    is_own = np.arange(len(score)) < len(own)
    print(f"{len(own)} answerable questions of squad/dev, {len(found)} foreign questions")
    print(f"AUROC {interval(len(score), lambda n: float(roc_auc_score(is_own[n], score[n])))}")
    print(f"foreign answered {interval(len(found), lambda n: float(1 - refused[~is_own][n].mean()))}")
    print(f"answerable refused {interval(len(own), lambda n: float(refused[is_own][n].mean()))}")


if __name__ == "__main__":
    main()
