"""How many right answers the rules of rag/reader/plausible.py speak against: `python -m benchmarks.plausible
../shared/data`. Seconds.

Over the answerable questions of the training sets: those whose answer is left out because it repeats the question, and
of the questions for a name those whose answer names who reports, or has no capital letter. Nothing is read by a model.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from benchmarks.corpora import read_squad
from rag.reader.plausible import NO_NAME, REPORTS, asks_for_a_name, rules

_SETS = ("squad/train", "squadshifts/new_wiki_v1.0", "squadshifts/reddit_v1.0", "squadshifts/amazon_reviews_v1.0")


def main() -> None:
    """Count, and print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    print("| set | questions | answer left out | for a name | who reports | without a capital |")
    print("|---|---|---|---|---|---|")
    for name in _SETS:
        asked = [
            (asks_for_a_name(question.text), sum(rule(one.text, *question.spans[0]) for rule in rules(question.text)))
            for one in read_squad(arguments.data / f"{name}.json.gz")
            for question in one.questions
            if question.spans
        ]
        names = [loss for named, loss in asked if named]
        left_out = sum(loss == math.inf for _, loss in asked)
        reports, small = (sum(loss in (one, REPORTS + NO_NAME) for loss in names) for one in (REPORTS, NO_NAME))
        print(f"| {name} | {len(asked):,} | {left_out} | {len(names):,} | {reports} | {small} |")


if __name__ == "__main__":
    main()
