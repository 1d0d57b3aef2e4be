"""A sentence against the passages it cites: what a check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from index.text.layout import Span

SupportVerdict = Literal["supported", "weak", "unsupported"]


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

    kind: SupportVerdict
    why: str
    score: float
    support: tuple[Support, ...] = ()
