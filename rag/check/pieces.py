"""Sentence and passage -> the word pieces that the support model reads. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.layout import Span
from index.sentences import sentences

LONGEST = 256
"""Word pieces of sentence and passage together, special pieces included."""
LONGEST_SENTENCE = 96
_CLS, _SEP = 101, 102
Encoded = tuple[list[int], int]
"""Word pieces, and where those of the passage start."""


def encode(tokenizer: Any, sentence: str, passage: str) -> Encoded:
    """A pair as the model reads it; what is too long is cut off at the end."""
    said = tokenizer.encode(sentence, add_special_tokens=False).ids[:LONGEST_SENTENCE]
    held = tokenizer.encode(passage, add_special_tokens=False).ids[: LONGEST - len(said) - 3]
    return [_CLS, *said, _SEP, *held, _SEP], len(said) + 2


def pad(encoded: Sequence[Encoded]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(ids, mask, types), each (n, L) with L the longest, up to a multiple of 8."""
    length = -(-max(len(ids) for ids, _ in encoded) // 8) * 8
    ids, mask, types = (np.zeros((len(encoded), length), dtype=np.int64) for _ in range(3))
    for row, (pieces, start) in enumerate(encoded):
        ids[row, : len(pieces)], mask[row, : len(pieces)], types[row, start : len(pieces)] = pieces, 1, 1
    return ids, mask, types


def around(tokenizer: Any, text: str, span: Span, room: int) -> str:
    """The sentences of `text` that `span` lies in, and as many around them as `room` word pieces hold."""
    lines = sentences(text)
    first = max((n for n, (start, _) in enumerate(lines) if start <= span[0]), default=0)
    last = max((n for n, (start, _) in enumerate(lines) if start < span[1]), default=first)
    sizes = [len(one.ids) for one in tokenizer.encode_batch([text[a:b] for a, b in lines], add_special_tokens=False)]
    left = room - sum(sizes[first : last + 1])
    grown = True
    while grown:
        grown = False
        if first > 0 and sizes[first - 1] <= left:
            first, left, grown = first - 1, left - sizes[first - 1], True
        if last + 1 < len(lines) and sizes[last + 1] <= left:
            last, left, grown = last + 1, left - sizes[last + 1], True
    return text[lines[first][0] : lines[last][1]] if lines else text
