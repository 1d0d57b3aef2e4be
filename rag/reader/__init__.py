"""Hits -> Evidence: which words answer, how good they are, and whether anything answers at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from index.text.layout import Span
from rag.retrieve import Hit


@dataclass(frozen=True)
class Evidence:
    """A slice of an article that may answer the question.

    `start` and `end` are offsets into the article of `hit.chunk`. `score` is in [0, 1] and comparable within one
    question. `answers` are the answering words inside the slice, in article offsets; empty until a reader sets them.
    `odds` are the log-odds that they answer alone, -inf if unknown.
    """

    hit: Hit
    start: int
    end: int
    score: float
    answers: tuple[Span, ...] = ()
    odds: float = -math.inf

    def __post_init__(self) -> None:
        chunk = self.hit.chunk
        if not chunk.start <= self.start < self.end <= chunk.end:
            raise ValueError(
                f"evidence [{self.start}, {self.end}) is not inside its chunk [{chunk.start}, {chunk.end})"
            )

    @property
    def stands(self) -> bool:
        """True if the words are more likely than not to answer alone."""
        return self.odds > 0

    @property
    def text(self) -> str:
        """The slice itself."""
        chunk = self.hit.chunk
        return chunk.text[self.start - chunk.start : self.end - chunk.start]

    def overlaps(self, other: Evidence) -> bool:
        """True if both slices share characters of one article."""
        same = self.hit.chunk.article_id == other.hit.chunk.article_id
        return same and self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Reading:
    """The result of reading the passages of a question.

    `hits` are the passages in their final order and `evidence` the slices, best first. `score` in [0, 1] estimates the
    probability that the first slices answer the question (None if there was nothing to read). `missing` are the names
    and rare words of the question that no source has. `opens` is True if the answering words of the first slice are
    likely enough to be right to open an answer.
    """

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    score: float | None
    missing: tuple[str, ...] = ()
    opens: bool = True
