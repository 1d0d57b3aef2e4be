"""Arranges question and passage as word pieces for the encoder of a reading model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """The layout of a pair: `opening`, question, `between`, passage, `closing`.

    `pad` fills up a row. `inputs` are the names of the network's inputs: word pieces, attention mask and, if the
    encoder knows them, token types.
    """

    opening: int
    between: tuple[int, ...]
    closing: int
    pad: int
    inputs: tuple[str, ...]

    @property
    def special(self) -> int:
        """The number of special pieces in a pair."""
        return len(self.between) + 2

    def pair(self, question: Sequence[int], passage: Sequence[int]) -> tuple[list[int], int]:
        """Return the word pieces of a pair, and the position where the passage begins."""
        before = [self.opening, *question, *self.between]
        return [*before, *passage, self.closing], len(before)


BERT = Layout(101, (102,), 102, 0, ("ids", "mask", "types"))
MPNET = Layout(0, (2, 2), 2, 1, ("ids", "mask"))


def layout_of(tokenizer: Any) -> Layout:
    """Return the layout for a tokenizer: MPNet's has a piece "<s>"."""
    return BERT if tokenizer.token_to_id("<s>") is None else MPNET
