"""How many right answers the rules of rag/reader/plausible.py speak against: `python -m benchmarks.plausible
../shared/data`. Seconds.

Over the answerable questions of the training sets: those whose answer is left out (it repeats the question, or names
who reports), and, of the questions for a name, those whose answer has no capital letter. Nothing is read by a model.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from benchmarks.corpora import read_squad
from rag.reader.plausible import asks_for_a_name, rules

_SETS = ("squad/train", "squadshifts/new_wiki_v1.0", "squadshifts/reddit_v1.0", "squadshifts/amazon_reviews_v1.0")


def main() -> None:
    """Count, and print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    print("| set | questions | answer left out | for a name | answer left out | without a capital |")
    print("|---|---|---|---|---|---|")
    for name in _SETS:
        asked = [
            (asks_for_a_name(question.text), sum(rule(one.text, *question.spans[0]) for rule in rules(question.text)))
            for one in read_squad(arguments.data / f"{name}.json.gz")
            for question in one.questions
            if question.spans
        ]
        names = [loss for named, loss in asked if named]
        left_out = [sum(loss == math.inf for loss in losses) for losses in ([loss for _, loss in asked], names)]
        small = sum(0 < loss < math.inf for loss in names)
        print(f"| {name} | {len(asked):,} | {left_out[0]} | {len(names):,} | {left_out[1]} | {small} |")


if __name__ == "__main__":
    main()
