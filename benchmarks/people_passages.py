"""Is the right passage among the first five? `python -m benchmarks.people_passages ../shared/data/people`. A minute.

Takes the questions of the kinds fact, table, why, definition, typo and date of a set of people's questions (a folder
with `docs` and `questions.jsonl`). A passage is right if it comes from a source that `must_cite` names and holds all
that `need` expects. Prints the share of questions with a right passage among five, by kind, with 95% bootstrap
intervals, and each question without one.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import interval
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Passage

KINDS = ("fact", "table", "why", "definition", "typo", "date")
"""Kinds of questions that one passage can answer."""
AMONG = 5
"""Passages that are looked at."""


def is_right(passage: Passage, row: Mapping[str, Any]) -> bool:
    """True if the passage comes from a source that must be cited and matches one pattern of every group of `need`."""
    named = row.get("must_cite", [""])
    return any(name in passage.source for name in named) and all(
        any(re.search(pattern, passage.text, re.IGNORECASE) for pattern in group) for group in row["need"]
    )


def measure(folder: Path, kinds: tuple[str, ...] = KINDS) -> dict[str, list[tuple[str, bool]]]:
    """Return for each kind its questions, and whether a right passage is among the first five."""
    found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(Settings(home=Path(home)))
        engine.index([folder / "docs"])
        for line in (folder / "questions.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["kind"] in kinds and row.get("need") and not row.get("refuse"):
                passages = answer(engine, row["question"], never_refuse=True).passages[:AMONG]
                found[row["kind"]].append((row["question"], any(is_right(one, row) for one in passages)))
    return found


def main() -> None:
    """Print the share by kind, and the questions without a right passage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with docs/ and questions.jsonl")
    found = measure(parser.parse_args().folder)
    every = [one for kind in found.values() for one in kind]
    print("| | questions | right passage among five |\n|---|---|---|")
    for name, rows in [*sorted(found.items()), ("all", every)]:
        print(f"| {name} | {len(rows)} | {interval(np.array([right for _, right in rows], dtype=float))} |")
    for question, right in every:
        if not right:
            print(f"\nnot among five: {question}")


if __name__ == "__main__":
    main()
