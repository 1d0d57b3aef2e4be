"""Time to read and check a large question set: `python -m benchmarks.question_sets [--rows 100000]`.

Writes valid rows (answers, a labelled quote of a seed article, tags) as JSONL, JSON and CSV, reads each file and looks
up every label in the index of the seeds.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path

from rag.engine import Engine
from rag.evaluation.labels import Corpus, missing_labels
from rag.evaluation.read import read_questions
from rag.settings import SEEDS, Settings


def main() -> None:
    """Write and read the question sets, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    seeds = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    rows = [{**seeds[n % len(seeds)], "id": f"q{n}"} for n in range(arguments.rows)]
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Settings(home=Path(folder) / "home"))
        engine.index()
        corpus = Corpus(engine.parts()[0])
        print("| format | rows | MB | read | labels found |\n|---|---|---|---|---|")
        for path in _written(Path(folder), rows):
            started = time.perf_counter()
            questions = read_questions(path)
            read = time.perf_counter()
            problems = [*questions.problems, *missing_labels(questions, corpus)]
            found = time.perf_counter()
            if problems or len(questions.questions) != len(rows):
                raise SystemExit(f"{path.name}: expected {len(rows)} sound rows, got {problems[:3]}")
            size = path.stat().st_size / 1e6
            print(f"| {path.suffix} | {len(rows):,} | {size:.0f} | {read - started:.1f} s | {found - read:.1f} s |")


def _written(folder: Path, rows: list[dict[str, object]]) -> list[Path]:
    lines, whole, table = folder / "q.jsonl", folder / "q.json", folder / "q.csv"
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    whole.write_text(json.dumps(rows, indent=1), "utf-8")
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "question", "answers", "relevant", "tags"])
        for row in rows:
            cells = [json.dumps(row[name]) for name in ("answers", "relevant", "tags")]
            writer.writerow([row["id"], row["question"], *cells])
    return [lines, whole, table]


if __name__ == "__main__":
    main()
