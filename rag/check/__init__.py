"""A sentence against the passages it cites: what a check says, and the one room for a model that scores such pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from index.layout import Span

Kind = Literal["supported", "weak", "unsupported"]


class Scorer(Protocol):
    """A model that scores a pair. None is shipped; the rules stand by themselves."""

    def score(self, sentence: str, slice_: str) -> float:
        """How likely the slice supports the sentence, in [0, 1]; under a half makes the sentence weak."""
        ...


@dataclass(frozen=True)
class Support:
    """The slice of one source that carries most of a sentence: offsets into the source's text. `source` counts from 0
    among the sources that were given."""

    source: int
    span: Span


@dataclass(frozen=True)
class Verdict:
    """What the check says of a sentence.

    `why` gives the reason in words, "" for a supported sentence; `score` in [0, 1] orders sentences by how well they
    are supported; `support` has a slice of each source that carries any of it, in the order of the sources.
    """

    kind: Kind
    why: str
    score: float
    support: tuple[Support, ...] = ()
