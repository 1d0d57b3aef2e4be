"""Comparison of two runs: a difference with interval and verdict per measure, and the changed questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rag.evaluation.configuration import differences
from rag.evaluation.run import BadRun, Run
from rag.evaluation.statistics import LOWER_IS_BETTER, NO_DIRECTION, Scores, bounds

BETTER, WORSE, HIGHER, LOWER, NO_DIFFERENCE = "better", "worse", "higher", "lower", "no difference shown"
FEWEST = 5
"""Least number of questions that must count for a measure in both runs for a verdict."""


@dataclass(frozen=True)
class Difference:
    """A measure in both runs, over shared questions.

    `change` is new - old; `low` and `high` are the bounds of its 95% interval.
    """

    name: str
    old: float | None
    new: float | None
    change: float | None
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class QuestionChange:
    """A question whose outcome changed.

    `kind` is "broke", "mended", "other cause" or "other answer"; `old` and `new` are the rows of both runs.
    """

    kind: str
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The comparison of the run `new` with the baseline `old`."""

    old: Run
    new: Run
    measures: tuple[Difference, ...]
    changes: tuple[QuestionChange, ...]
    shared: int
    makes: tuple[str, ...]

    @cached_property
    def worse(self) -> list[str]:
        """The names of the measures that got worse."""
        return [one.name for one in self.measures if one.verdict == WORSE]

    @cached_property
    def kinds(self) -> Counter[str]:
        """The number of changed questions by kind."""
        return Counter(change.kind for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON that `compare --json` prints."""
        return {
            "schema": 1,
            "old": self.old.name,
            "new": self.new.name,
            "questions": self.shared,
            "differences": list(self.makes),
            "measures": {
                one.name: {
                    "old": one.old,
                    "new": one.new,
                    "change": one.change,
                    "low": one.low,
                    "high": one.high,
                    "verdict": one.verdict or None,
                }
                for one in self.measures
            },
            "changes": [
                {"id": c.new["id"], "kind": c.kind, "old_cause": c.old["cause"], "new_cause": c.new["cause"]}
                for c in self.changes
            ],
        }


def compare(old: Run, new: Run) -> Comparison:
    """Compare two runs over the questions they share (same id and text).

    The interval is a paired bootstrap (Efron & Tibshirani 1993): each resample takes the same questions in both runs.
    The verdict is "better" or "worse" only if the interval excludes zero and at least FEWEST questions count. For
    measures of NO_DIRECTION (coverage) it is "higher" or "lower". Raises BadRun if the runs share no question.
    """
    before = {(row["id"], row["question"]): row for row in old.rows}
    pairs = [(before[key], row) for row in new.rows if (key := (row["id"], row["question"])) in before]
    if not pairs:
        raise BadRun(f"{old.name} and {new.name} have no question in common.")
    scores = [
        Scores([pair[side]["scores"] for pair in pairs], run.scores.never_refuse) for side, run in enumerate((old, new))
    ]
    names = [name for name in scores[1].names if name in scores[0].names]
    makes = differences(old.made_by, new.made_by)
    if len(pairs) < max(len(old.rows), len(new.rows)):
        makes.insert(
            0, f"the runs share {len(pairs)} of {len(old.rows)} and {len(new.rows)} questions; only these count"
        )
    return Comparison(
        old,
        new,
        tuple(_difference(name, *scores) for name in names),
        tuple(_changes(pairs)),
        len(pairs),
        tuple(makes),
    )


def _difference(name: str, old: Scores, new: Scores) -> Difference:
    before, after = old.value(name), new.value(name)
    if before is None or after is None:
        return Difference(name, before, after, None, None, None, "")
    low, high = bounds(np.asarray(new.samples(name) - old.samples(name)))
    enough = min(old.count(name), new.count(name)) >= FEWEST
    verdict = _verdict(name, low, high) if enough else NO_DIFFERENCE
    return Difference(name, before, after, after - before, low, high, verdict)


def _verdict(name: str, low: float | None, high: float | None) -> str:
    if low is None or high is None or low <= 0 <= high:
        return NO_DIFFERENCE
    if name in NO_DIRECTION:
        return HIGHER if low > 0 else LOWER
    return BETTER if (low > 0) != (name in LOWER_IS_BETTER) else WORSE


def _changes(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> list[QuestionChange]:
    made = []
    for old, new in pairs:
        was, now = old["cause"], new["cause"]
        if was != now:
            made.append(
                QuestionChange("broke" if was is None else "mended" if now is None else "other cause", old, new)
            )
        elif old["answer"]["answer"] != new["answer"]["answer"]:
            made.append(QuestionChange("other answer", old, new))
    order = ("broke", "other cause", "mended", "other answer")
    return sorted(made, key=lambda change: order.index(change.kind))
