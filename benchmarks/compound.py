"""Two questions in one message: `python -m benchmarks.compound ../shared/data/people [--seed 0] [--pairs 60]`.

Joins single questions of the folder (docs/ and questions.jsonl, as its README says) whose own answers are good, two
about the same document at a time, by "and". Prints how many messages get all that both questions need: searched as one
(with `as_typed`), and answered one by one.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.real_models import Turn, ask_all
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings

_OPENS = re.compile(r"(?:how|what|who|where|when|why|which|is|are|do|does|did|can|may)\b", re.IGNORECASE)
_KINDS = frozenset(("fact", "table", "why", "definition", "date", "howto", "list", "yesno"))


def is_single(row: Mapping[str, Any]) -> bool:
    """True for a question of its own that needs something of one document, and begins as a question."""
    alone = row["thread"] == row["id"] and row["kind"] in _KINDS and row["question"].count("?") <= 1
    return bool(alone and row.get("need") and len(row.get("must_cite", ())) == 1 and _OPENS.match(row["question"]))


def joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a message that asks both."""
    return {
        "question": f"{first['question'].rstrip(' ?')} and {second['question']}",
        "need": [*first["need"], *second["need"]],
        "must_cite": first["must_cite"],
    }


def main() -> None:
    """Ask the questions alone, then pairs of them, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=60)
    given = parser.parse_args()
    rows = [json.loads(line) for line in (given.folder / "questions.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(Settings(home=Path(home)))
        engine.index([given.folder / "docs"])
        engine.warm_up()
        good = [turn.row for turn in ask_all(engine, [*filter(is_single, rows)], "quote") if turn.verdict == "good"]
        of = defaultdict(list)
        for row in good:
            of[row["must_cite"][0]].append(row)
        pairs = [pair for ones in of.values() for pair in permutations(ones, 2)]
        chosen = Random(given.seed).sample(pairs, min(given.pairs, len(pairs)))
        counts = dict.fromkeys((True, False), 0)
        for pair in chosen:
            row = joined(*pair)
            for whole in counts:
                turn = Turn(row, answer(engine, row["question"], writer="quote", as_typed=whole))
                counts[whole] += turn.verdict == "good"
        engine.close()
    print(f"{len(good)} questions with good answers; {len(chosen)} messages of two.")
    print(f"searched as one: {counts[True]} good; one by one: {counts[False]} good")


if __name__ == "__main__":
    main()
