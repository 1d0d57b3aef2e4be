"""The check of a sentence against the passages it cites: its verdict and support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from index.text.layout import Span

SupportVerdict = Literal["supported", "weak", "unsupported"]


@dataclass(frozen=True)
class Support:
    """The slice of one source that supports most of a sentence.

    `span` are offsets into the source's text. `source` counts from 0 among the given sources.
    """

    source: int
    span: Span


@dataclass(frozen=True)
class Verdict:
    """The result of checking a sentence.

    `why` is the reason in words, "" for a supported sentence. `score` in [0, 1] orders sentences by how well they are
    supported. `support` has a slice of each source that supports any of it, in the order of the sources.
    """

    kind: SupportVerdict
    why: str
    score: float
    support: tuple[Support, ...] = ()
