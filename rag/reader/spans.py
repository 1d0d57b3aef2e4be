"""Question and passages -> answering words and a score for each passage, by a shipped model, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder.onnx_session import Network
from index.text.layout import Span
from rag.reader.layout import MPNET, layout_of

MODEL = Path(__file__).parent / "model"
"""The small model, which reads every passage."""
STRONG = MODEL / "strong"
"""The strong model, which reads the best passages again."""
NETWORK = "reader.int8.onnx"
MAX_PASSAGE_PIECES = 320
"""Word pieces in a window, including the question and special pieces."""
_OVERLAP = 96
_LONGEST_QUESTION = 128
_LONGEST_ANSWER = 30
_CANDIDATES = 60
_LONGEST_HEADING = 24

SpanScores = NDArray[np.float32]


@dataclass(frozen=True)
class AnswerSpan:
    """Answering words: a slice of their passage, in characters.

    `score` is the log-odds of exactly these words against "the passage does not answer"; it is comparable between
    passages.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class PassageReading:
    """The reading of one passage.

    `score` is the log-odds that it answers (minus infinity if there was nothing to read). `answers` are its best words,
    best first, without overlaps.
    """

    score: float = -math.inf
    answers: tuple[AnswerSpan, ...] = ()

    def revised(self, changes: Sequence[tuple[Span, float]], more: Sequence[AnswerSpan] = ()) -> PassageReading:
        """Return the reading with its answers moved, reduced or removed.

        `changes` has a new place and a loss in log-odds for each answer; an infinite loss removes it. The passage loses
        the same part of its odds. Of several answers at one place the best stays. `more` replace the answers at their
        places.
        """
        places: dict[Span, float] = {}
        gone = 0.0
        for answer, (place, loss) in zip(self.answers, changes, strict=True):
            gone += math.exp(answer.score - self.score) * (1 - math.exp(-loss))
            if loss < math.inf:
                places[place] = max(places.get(place, -math.inf), answer.score - loss)
        places |= {(one.start, one.end): one.score for one in more}
        if not places:
            return PassageReading()
        answers = sorted((AnswerSpan(*place, score) for place, score in places.items()), key=lambda one: -one.score)
        return PassageReading(max(answers[0].score, self.score + math.log(max(1e-9, 1 - gone))), tuple(answers))


@dataclass(frozen=True)
class _Window:
    """Word pieces [first, last) of passage number `passage`, behind the question.

    `offsets` are their places (n, 2); `opens` and `closes` say whether a word begins or ends with a piece. The second
    text, with the heading, begins at `second`, and the passage at `start`.
    """

    passage: int
    ids: list[int]
    second: int
    start: int
    offsets: NDArray[np.int64]
    opens: NDArray[np.bool_]
    closes: NDArray[np.bool_]


class SpanReader:
    """A shipped reading model. Safe to share between threads."""

    def __init__(self, folder: Path = MODEL, threads: int = 0, name: str = NETWORK) -> None:
        """Open the model in `folder`.

        `threads` windows are read at once; 0 means one per core.
        """
        self._use(Network(folder / name, threads), (folder / "tokenizer.json").read_text("utf-8"))

    @property
    def titled(self) -> bool:
        """True if the model has learned to read a passage below its title and headings."""
        return self._layout == MPNET

    def _use(self, network: Network, tokenizer: str) -> None:
        """Read with `network`, on the word pieces of a tokenizer.json."""
        from tokenizers import Tokenizer

        self._network = network
        self._tokenizer: Any = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._layout = layout_of(self._tokenizer)

    def read(
        self, question: str, passages: Sequence[str], best: int = 3, headings: Sequence[str] = ()
    ) -> list[PassageReading]:
        """Return the reading of each passage, with at most `best` answers each.

        `headings`, one for each passage if there are any, are read above the passages and contain no answers. An empty
        passage has an empty reading, and so has every passage if the question has no words or more than 128 word
        pieces.
        """
        found = [PassageReading()] * len(passages)
        if len(question) > 20 * _LONGEST_QUESTION:
            return found
        question_ids = self._tokenizer.encode(question, add_special_tokens=False).ids
        if not question_ids or len(question_ids) > _LONGEST_QUESTION:
            return found
        windows = list(self._windows(question_ids, passages, headings or [""] * len(passages)))
        of_passage: dict[int, list[PassageReading]] = {}
        for window, one in zip(windows, self._network.each(lambda w: self._read(w, best), windows), strict=True):
            of_passage.setdefault(window.passage, []).append(one)
        for number, parts_found in of_passage.items():
            answers = sorted((a for one in parts_found for a in one.answers), key=lambda a: -a.score)
            found[number] = PassageReading(max(one.score for one in parts_found), tuple(_apart(answers, best)))
        return found

    def offsets(self, text: str) -> list[Span]:
        """Return the place of each word piece in `text`."""
        return [(start, end) for start, end in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def _windows(self, question_ids: list[int], passages: Sequence[str], headings: Sequence[str]) -> Iterator[_Window]:
        above = self._tokenizer.encode_batch(list(headings), add_special_tokens=False)
        for number, encoded in enumerate(self._tokenizer.encode_batch(list(passages), add_special_tokens=False)):
            heading = above[number].ids[:_LONGEST_HEADING]
            room = MAX_PASSAGE_PIECES - len(question_ids) - len(heading) - self._layout.special
            offsets = np.array(encoded.offsets, dtype=np.int64).reshape(-1, 2)
            inner = np.array([piece.startswith("##") for piece in encoded.tokens] + [False], dtype=bool)
            for first in range(0, max(1, len(offsets) - _OVERLAP), room - _OVERLAP):
                last = min(len(offsets), first + room)
                if first < last:
                    ids, second = self._layout.pair(question_ids, [*heading, *encoded.ids[first:last]])
                    start = second + len(heading)
                    places = offsets[first:last]
                    yield _Window(number, ids, second, start, places, ~inner[first:last], ~inner[first + 1 : last + 1])

    def _read(self, window: _Window, best: int) -> PassageReading:
        ids = np.array([window.ids])
        types = np.zeros_like(ids)
        types[0, window.second :] = 1
        inputs = {"ids": ids, "mask": np.ones_like(ids), "types": types}
        parts = self._network.run({name: inputs[name] for name in self._layout.inputs})
        return _decode(window, [part[0] for part in parts], best)


def _decode(window: _Window, parts: Sequence[SpanScores], best: int) -> PassageReading:
    """Return the log-odds of a window and its best spans, from the model's outputs.

    training/reader/model.py has the formula.
    """
    inside = slice(window.start, window.start + len(window.offsets))
    start, end, left, right = (part[inside] for part in parts[:4])
    null = float(parts[4])
    scores = start[:, None] + end[None, :] + left @ right.T / math.sqrt(left.shape[1])
    place = np.arange(len(start))
    reach = place[None, :] - place[:, None]
    scores = np.where((reach >= 0) & (reach < _LONGEST_ANSWER), scores, -np.inf) - null
    highest = float(scores.max())
    total = highest + math.log(float(np.exp(scores - highest).sum()))
    whole = np.where(window.opens[:, None] & window.closes[None, :], scores, -np.inf).ravel()
    order = np.argpartition(-whole, min(_CANDIDATES, len(whole) - 1))[:_CANDIDATES]
    order = order[np.argsort(-whole[order], kind="stable")]
    spans = [
        AnswerSpan(int(window.offsets[n // len(start), 0]), int(window.offsets[n % len(start), 1]), float(whole[n]))
        for n in order
        if np.isfinite(whole[n])
    ]
    return PassageReading(total, tuple(_apart(spans, best)))


def _apart(answers: Sequence[AnswerSpan], best: int) -> list[AnswerSpan]:
    """Return the first `best` answers that do not overlap an earlier one."""
    kept: list[AnswerSpan] = []
    for one in answers:
        if len(kept) == best:
            break
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return kept
