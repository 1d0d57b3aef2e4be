"""The figures of a run as sentences: the four main figures, and the others from the weakest to the strongest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rag.evaluation.run import Run
from rag.evaluation.statistics import parts

_Row = Mapping[str, Any]
_Count = Callable[[_Row], tuple[float, float] | None]
"""Maps the scores of an answer to (part, whole); None if the answer does not count."""


@dataclass(frozen=True)
class Figure:
    """A count `part` of `whole`, with a title and a sentence."""

    title: str
    sentence: str
    part: int
    whole: int
    more_is_better: bool

    @property
    def good(self) -> float:
        """The share that is good, in [0, 1]; 1 if `whole` is 0."""
        share = self.part / self.whole if self.whole else 1.0
        return share if self.more_is_better or not self.whole else 1 - share


@dataclass(frozen=True)
class RunFigures:
    """The figures of a run: four main ones in `top`, then `others`, the weakest first."""

    top: tuple[Figure, ...]
    others: tuple[Figure, ...]


def figures(run: Run) -> RunFigures:
    """Return the figures that the labels of a run allow."""
    rows = run.scores.rows
    top = tuple(_figure(rows, *one) for one in _TOP)
    others = [_figure(rows, *one) for one in _OTHERS]
    return RunFigures(top, tuple(sorted((one for one in others if one.whole), key=lambda one: one.good)))


def _figure(rows: Any, title: str, sentence: str, none: str, count: _Count, good: bool = True) -> Figure:
    counts = [counted for row in rows if (counted := count(row))]
    part, whole = (round(sum(column)) for column in zip(*counts, strict=True)) if counts else (0, 0)
    text = sentence.format(part=f"{part:,}", whole=f"{whole:,}") if whole else none
    return Figure(title, text, part, whole, good)


def _right(row: _Row) -> tuple[float, float] | None:
    if not row["answerable"] or row["wrong"] is None:
        return None
    return float(not (row["refused"] or row["wrong"] or row.get("misled"))), 1.0


def _measure(name: str) -> _Count:
    return lambda row: parts(name, row)


def _refused_answerable(row: _Row) -> tuple[float, float] | None:
    return (float(row["refused"]), 1.0) if row["answerable"] else None


_Kind = tuple[str, str, str, _Count] | tuple[str, str, str, _Count, bool]
_TOP: tuple[_Kind, ...] = (
    (
        "Right answers",
        "{part} of {whole} answerable questions are answered right, from the first words on.",
        "The set has no expected answers, so right and wrong are not known.",
        _right,
    ),
    (
        "Misleading openings",
        "{part} of {whole} answers open with words that mislead, or should have been refusals.",
        "No answer could be compared with an expected one.",
        _measure("misled"),
        False,
    ),
    (
        "Unanswerable refused",
        "{part} of {whole} questions that the sources do not answer are refused.",
        "The set has no unanswerable questions.",
        _measure("refusal_recall"),
    ),
    (
        "Citations verbatim",
        "{part} of {whole} citations are word for word what their source says.",
        "Nothing was cited.",
        _measure("verbatim"),
    ),
)
_OTHERS: tuple[_Kind, ...] = (
    ("", "{part} of {whole} citations lead to the right place.", "", _measure("citation_precision")),
    ("", "{part} of {whole} labelled places are cited.", "", _measure("citation_recall")),
    ("", "{part} of {whole} answerable questions have a cited quote with the answer.", "", _measure("contains_answer")),
    ("", "{part} of {whole} answerable questions are refused all the same.", "", _refused_answerable, False),
    ("", "{part} of {whole} answers are wrong.", "", _measure("risk"), False),
    ("", "{part} of {whole} refusals are right.", "", _measure("refusal_precision")),
    ("", "For {part} of {whole} questions the first passage holds the evidence.", "", _measure("success@1")),
    ("", "For {part} of {whole} questions one of the first ten passages does.", "", _measure("success@10")),
    ("", "{part} of {whole} answers say what they must not.", "", _measure("forbidden_said"), False),
)
