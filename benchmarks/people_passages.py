"""Measure how often an answering passage is among the first five of people's questions.

    python -m benchmarks.people_passages ../shared/data/people

Asks the questions that one passage can answer. A passage answers if it comes from a source that must be cited and
matches all that a good answer needs. Prints the share of questions by kind, with 95% bootstrap intervals.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import interval
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer

_KINDS = ("fact", "table", "why", "definition", "typo", "date")
_FIRST = 5


def holds_all(text: str, need: Sequence[Sequence[str]]) -> bool:
    """True if the text matches an expression of each group."""
    return all(any(re.search(one, text, re.IGNORECASE) for one in group) for group in need)


def _is_retrieved(found: Answer, row: dict[str, Any]) -> bool:
    wanted = row.get("must_cite") or [""]
    first = [one for one in found.passages[:_FIRST] if any(part in Path(one.source).name for part in wanted)]
    return any(holds_all(f"{one.heading}\n{one.text}", row["need"]) for one in first)


def main() -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="the folder with docs/ and questions.jsonl")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in (arguments.set / "questions.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] in _KINDS and row.get("need")]
    found = list[bool]()
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(Settings(home=Path(home)))
        engine.index([arguments.set / "docs"])
        for row in rows:
            found.append(_is_retrieved(answer(engine, row["question"]), row))
            if not found[-1]:
                print(f"{row['id']}: {row['question']}")
    print("\n| kind | questions | among the first five |\n|---|---|---|")
    for kind in (*_KINDS, "all"):
        of = np.array([hit for row, hit in zip(rows, found, strict=True) if kind in ("all", row["kind"])], dtype=float)
        print(f"| {kind} | {len(of)} | {interval(of)} |")


if __name__ == "__main__":
    main()
