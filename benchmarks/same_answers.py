"""Compare the answers of two checkouts: `python -m benchmarks.same_answers OTHER ../shared/data/squad/dev.json.gz`.

Both checkouts answer all of seeds/questions.jsonl, and 200 questions drawn from the SQuAD file with all its paragraphs
as sources, each with its own code, models and a new index. Answers are equal if their JSON is: same text, ids, offsets
and order, numbers within 1e-6. Timings and what made an answer (version, models, index) may differ. Prints every
question that is answered otherwise, with the first difference. Some ten minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.program import PROJECT

TOLERANCE = 1e-6
_FREE = frozenset(("timings", "made_by"))
"""Keys of an answer that say how it was made, not what it is."""


def draw(data: dict[str, Any], count: int, seed: int = 0) -> dict[str, Any]:
    """Return a SQuAD file with all its paragraphs and `count` of its questions, drawn at random."""
    ids = [qa["id"] for article in data["data"] for paragraph in article["paragraphs"] for qa in paragraph["qas"]]
    kept = set(random.Random(seed).sample(ids, min(count, len(ids))))
    articles = [
        {
            "title": article["title"],
            "paragraphs": [
                {"context": paragraph["context"], "qas": [qa for qa in paragraph["qas"] if qa["id"] in kept]}
                for paragraph in article["paragraphs"]
            ],
        }
        for article in data["data"]
    ]
    return {"version": data.get("version", ""), "data": articles}


def first_difference(old: Any, new: Any, path: str = "") -> str | None:
    """Return where two JSON values differ, with both values; None if they are equal within the tolerance."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = (old.keys() | new.keys()) - _FREE
        found = (first_difference(old.get(key), new.get(key), f"{path}.{key}") for key in sorted(keys))
        return next((one for one in found if one), None)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        found = (first_difference(a, b, f"{path}[{place}]") for place, (a, b) in enumerate(zip(old, new, strict=True)))
        return next((one for one in found if one), None)
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    if old == new or (numbers and math.isclose(old, new, rel_tol=0, abs_tol=TOLERANCE)):
        return None
    return f"{path or 'answer'}: {str(old)[:100]!r} became {str(new)[:100]!r}"


def answers(checkout: Path, questions: Path, corpus: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Ask a question set with the code of a checkout, in a new home. Yield the answers in order."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(folder / "home"), "PYTHONPATH": str(checkout)}
    command = ["app.py", "evaluate", str(questions), "--corpus", corpus, "--out", str(folder / "run")]
    subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with (folder / "run" / "results.jsonl").open(encoding="utf-8") as lines:
        yield from (json.loads(line)["answer"] for line in lines)


def main() -> None:
    """Answer both sets with both checkouts and print the differences. Exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other checkout, a folder with app.py")
    parser.add_argument("squad", type=Path, help="a SQuAD file, plain or .gz")
    parser.add_argument("--questions", type=int, default=200, help="how many are drawn from it (default: 200)")
    arguments = parser.parse_args()
    read = gzip.open if arguments.squad.suffix == ".gz" else open
    with read(arguments.squad, "rt", encoding="utf-8") as stream:
        drawn = draw(json.load(stream), arguments.questions)
    differ = 0
    with tempfile.TemporaryDirectory() as name:
        sample = Path(name) / "squad.json"
        sample.write_text(json.dumps(drawn), "utf-8")
        seeds = PROJECT / "seeds"
        for label, questions, corpus in (("seeds", seeds / "questions.jsonl", str(seeds)), ("squad", sample, "same")):
            old, new = (
                list(answers(checkout.resolve(), questions, corpus, Path(name) / f"{label}-{which}"))
                for which, checkout in (("old", arguments.other), ("new", PROJECT))
            )
            found = [(a["question"], first_difference(a, b)) for a, b in zip(old, new, strict=True)]
            changed = [(question, where) for question, where in found if where]
            print(f"{label}: {len(found) - len(changed)} of {len(found)} answers are identical")
            for question, where in changed:
                print(f"  {question}\n    {where}")
            differ += len(changed)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
