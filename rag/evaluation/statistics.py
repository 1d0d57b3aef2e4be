"""The measures of a run from the scores of its answers, each with a 95% bootstrap interval (Efron 1979).

Most measures are ratios of two sums over questions, so a resample only changes the weights of the questions. There are
`SAMPLES` seeded resamples, the same for all measures and for both runs of a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES = 1000
SEED = 0
Floats = NDArray[np.float64]
AnswerScores = Mapping[str, Any]
"""The scores of one answer, computed by `judge` and stored in results.jsonl."""

MEANS = (
    "success@1", "success@5", "success@10", "recall@5", "recall@10", "mrr", "ndcg@10",
    "exact_match", "token_f1", "squad_v2_exact", "squad_v2_f1", "contains_answer", "forbidden_said",
)  # fmt: skip
POOLED = ("citation_precision", "citation_recall", "verbatim")
REFUSING = ("coverage", "risk", "misled", "refusal_precision", "refusal_recall", "refusal_f1")
RANKED = ("evidence_auroc",)
_CALIBRATION = ("ece", "brier", "brier_base_rate", "coverage@5%risk", "coverage@10%risk", "aurc")
"""Only measured if no question was refused (`--never-refuse`)."""
NAMES = MEANS + POOLED + REFUSING + RANKED + _CALIBRATION
LOWER_IS_BETTER = frozenset({"forbidden_said", "risk", "misled", "ece", "brier", "aurc"})
NO_DIRECTION = frozenset({"coverage", "brier_base_rate"})
"""Measures without a better direction: fewer answers are better if the others would be wrong."""


@dataclass(frozen=True)
class Interval:
    """A measure with its 95% bootstrap interval.

    `n` questions count; if none does, value and bounds are None.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the JSON for summary.json."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n}


# --- ratios of sums ---------------------------------------------------------------------------------------------------


def parts(name: str, row: AnswerScores) -> tuple[float, float]:
    """Return a question's part of numerator and denominator of a ratio measure.

    (0, 0) if the question does not count.

    mean of a score        score / 1, over questions that have it
    citation_precision     citations that are right / citations, in answers to answerable questions
    citation_recall        labels cited / labels
    verbatim               citations that equal their slice / citations
    coverage               answered / all                      (El-Yaniv & Wiener 2010)
    risk                   wrong / answered, over answers that could be judged
    misled                 misled / answered, over answers that could be judged
    refusal_precision      refused and unanswerable / refused  (refusing is the positive class)
    refusal_recall         refused and unanswerable / unanswerable; with ":TAG" over the questions with that tag
    refusal_f1             2 x refused and unanswerable / (refused + unanswerable)

    Each is in [0, 1], and None for an empty denominator.
    """
    if name in POOLED:
        part, whole = row[name]
        return float(part), float(whole)
    if name in MEANS:
        score = row.get(name)  # a run of an earlier version lacks newer measures
        return (0.0, 0.0) if score is None else (float(score), 1.0)
    refused, answerable = bool(row["refused"]), row["answerable"]
    if name == "coverage":
        return float(not refused), 1.0
    if name == "risk":
        return (0.0, 0.0) if refused or row["wrong"] is None else (float(row["wrong"]), 1.0)
    if name == "misled":
        misled = None if refused else row.get("misled")  # a run of an earlier version lacks it
        return (0.0, 0.0) if misled is None else (float(misled), 1.0)
    name, _, tag = name.partition(":")
    if answerable is None or (tag and tag not in row["tags"]):
        return 0.0, 0.0
    hit = float(refused and not answerable)
    if name == "refusal_precision":
        return hit, float(refused)
    if name == "refusal_recall":
        return hit, float(not answerable)
    if name == "refusal_f1":
        return 2 * hit, float(refused) + float(not answerable)
    raise KeyError(f"no measure is called {name!r}")


# --- measures of an order ---------------------------------------------------------------------------------------------
# They take arrays sorted by evidence score, highest first, so that resamples need not be sorted again.


def auroc(score: Floats, positive: Floats) -> float:
    """Return the area under the ROC curve.

    The share of pairs (positive, negative) in which the positive scores higher; a tie counts 1/2. Range [0, 1]; nan if
    either kind is missing. Source: Hanley & McNeil 1982.
    """
    ends = _tie_ends(score)
    wins = np.diff(np.cumsum(positive)[ends], prepend=0.0)
    losses = np.diff(np.cumsum(1 - positive)[ends], prepend=0.0)
    pairs = wins.sum() * losses.sum()
    above = np.cumsum(wins) - wins
    return float((losses * (above + wins / 2)).sum() / pairs) if pairs else float("nan")


def expected_calibration_error(score: Floats, right: Floats) -> float:
    """Return the ECE over 10 bins of equal mass.

    The mean over bins, weighted by size, of |mean score - share right|. Range [0, 1]; nan for empty input. Source:
    Naeini et al. 2015; equal mass: Nixon et al. 2019.
    """
    if not len(score):
        return float("nan")
    bins = [(s, r) for s, r in zip(np.array_split(score, 10), np.array_split(right, 10), strict=True) if len(s)]
    return float(sum(len(s) * abs(s.mean() - r.mean()) for s, r in bins) / len(score))


def brier(score: Floats, right: Floats) -> float:
    """Return the Brier score (1950): the mean of (score - right)^2.

    Range [0, 1], 0 is best; nan for empty input.
    """
    return float(np.mean((score - right) ** 2)) if len(score) else float("nan")


def brier_base_rate(score: Floats, right: Floats) -> float:
    """Return p (1 - p), the Brier score of a constant prediction of the share p right.

    Range [0, 0.25]; nan for empty input.
    """
    return float(right.mean() * (1 - right.mean())) if len(score) else float("nan")


def coverage_at_risk(score: Floats, wrong: Floats, most: float) -> float:
    """Return the largest coverage with a risk of at most `most`.

    That is the largest n / all whose n highest-scored answers have wrong / n <= `most`; ties are not split. Range [0,
    1]; nan for empty input. Source: El-Yaniv & Wiener 2010.
    """
    if not len(score):
        return float("nan")
    counts, risk = risk_curve(score, wrong)
    kept = counts[risk <= most]
    return float(kept.max() / len(score)) if len(kept) else 0.0


def area_under_risk_coverage(score: Floats, wrong: Floats) -> float:
    """Return the AURC, the area under the risk-coverage curve.

    The mean over all questions of wrong / n, where n counts the questions with at least the same score. Range [0, 1], 0
    is best; nan for empty input. Source: Geifman et al. 2019.
    """
    if not len(score):
        return float("nan")
    counts, risk = risk_curve(score, wrong)
    return float((np.diff(counts, prepend=0.0) * risk).sum() / len(score))


def risk_curve(score: Floats, wrong: Floats) -> tuple[Floats, Floats]:
    """Return (n, wrong / n) for each n that splits no tie, highest scores first."""
    ends = _tie_ends(score)
    counts = (ends + 1).astype(np.float64)
    return counts, np.cumsum(wrong)[ends] / counts


def _tie_ends(score: Floats) -> NDArray[np.intp]:
    """Return the last index of each run of equal scores."""
    if not len(score):
        return np.array([], dtype=np.intp)
    return np.append(np.flatnonzero(np.diff(score) != 0), len(score) - 1)


_Ordered = Callable[[Floats, Floats], float]
_ORDERED: dict[str, tuple[str, _Ordered]] = {
    "evidence_auroc": ("answerable", auroc),
    "ece": ("right", expected_calibration_error),
    "brier": ("right", brier),
    "brier_base_rate": ("right", brier_base_rate),
    "coverage@5%risk": ("wrong", lambda score, wrong: coverage_at_risk(score, wrong, 0.05)),
    "coverage@10%risk": ("wrong", lambda score, wrong: coverage_at_risk(score, wrong, 0.10)),
    "aurc": ("wrong", area_under_risk_coverage),
}


# --- a run ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scores:
    """The scores of a run, its measures and their resamples.

    `never_refuse` is the option of the run.
    """

    rows: Sequence[AnswerScores]
    never_refuse: bool
    _samples: dict[str, Floats] = field(default_factory=dict, repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All reported measures, with the refusal recall of each unanswerable tag."""
        tags = sorted({tag for row in self.rows if row["answerable"] is False for tag in row["tags"]})
        return NAMES + tuple(f"refusal_recall:{tag}" for tag in tags)

    @cached_property
    def _weights(self) -> NDArray[np.uint16]:
        """(SAMPLES, n) count of each question in each resample."""
        rng, n = np.random.default_rng(SEED), len(self.rows)
        return np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(SAMPLES)]).astype(np.uint16)

    def value(self, name: str) -> float | None:
        """Return the measure over all questions; None if none counts."""
        if name in _ORDERED:
            if name in _CALIBRATION and not self.never_refuse:
                return None
            score, flag, _ = self._sorted(_ORDERED[name][0])
            return _number(_ORDERED[name][1](score, flag))
        pairs = self._pairs(name)
        return float(pairs[:, 0].sum() / pairs[:, 1].sum()) if pairs[:, 1].sum() else None

    def samples(self, name: str) -> Floats:
        """Return the measure over each resample, nan if no question counts: (SAMPLES,)."""
        if name not in self._samples:
            self._samples[name] = self._resample(name)
        return self._samples[name]

    def _resample(self, name: str) -> Floats:
        if self.value(name) is None:
            return np.full(SAMPLES, np.nan)
        if name in _ORDERED:
            flag_name, measure = _ORDERED[name]
            score, flag, order = self._sorted(flag_name)
            places = np.arange(len(order))
            taken = (np.repeat(places, weights[order]) for weights in self._weights)
            return np.array([measure(score[places], flag[places]) for places in taken])
        pairs = self._pairs(name)
        sums = np.concatenate([block @ pairs for block in np.array_split(self._weights, 20)])
        with np.errstate(invalid="ignore"):
            return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)

    def interval(self, name: str) -> Interval:
        """Return the measure with its 95% interval (percentiles of the resamples)."""
        mean = self.value(name)
        if mean is None:
            return Interval(None, None, None, 0)
        low, high = bounds(self.samples(name))
        return Interval(mean, low, high, self.count(name))

    def count(self, name: str) -> int:
        """Return the number of questions that count for a measure."""
        if name in _ORDERED:
            return len(self._sorted(_ORDERED[name][0])[0])
        return int((self._pairs(name)[:, 1] > 0).sum())

    def risk_coverage(self) -> tuple[Floats, Floats]:
        """Return (coverage, risk) for falling thresholds of the evidence score.

        Refused questions are left out of the answers, but count in the denominator of coverage.
        """
        known = sum(row["wrong"] is not None for row in self.rows)
        score, right, _ = self._sorted("right")
        counts, risk = risk_curve(score, 1 - right)
        return counts / max(1, known), risk

    def _pairs(self, name: str) -> Floats:
        """Return numerators and denominators, shape (n, 2)."""
        return np.array([parts(name, row) for row in self.rows], dtype=np.float64).reshape(-1, 2)

    def _sorted(self, flag: str) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """Return evidence scores, flags and row indices of the questions that have the flag, highest score first.

        A missing score counts as 0. "right": an answer that is not wrong; undefined for a refusal. "wrong": 0 for a
        refusal.
        """
        taken = []
        for place, row in enumerate(self.rows):
            if flag == "answerable":
                value = row["answerable"]
            elif flag == "right":
                value = None if row["refused"] or row["wrong"] is None else not row["wrong"]
            else:
                value = row["wrong"]
            if value is not None:
                taken.append((row["evidence_score"] or 0.0, float(value), place))
        taken.sort(key=lambda one: -one[0])
        score, flags, places = zip(*taken, strict=True) if taken else ((), (), ())
        return np.array(score, dtype=np.float64), np.array(flags, dtype=np.float64), np.array(places, dtype=np.intp)


def bounds(samples: Floats) -> tuple[float | None, float | None]:
    """Return the 2.5th and 97.5th percentile; None if no sample has a value."""
    if np.isnan(samples).all():
        return None, None
    low, high = np.nanquantile(samples, [0.025, 0.975])
    return float(low), float(high)


def percentiles(timings: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return the median and 95th percentile of each stage, in milliseconds."""
    stages = dict.fromkeys(stage for one in timings for stage in one)
    made = {}
    for stage in stages:
        values = np.array([one[stage] for one in timings if stage in one])
        middle, high = np.quantile(values, [0.5, 0.95])
        made[stage] = {"p50": round(float(middle), 2), "p95": round(float(high), 2)}
    return made


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
