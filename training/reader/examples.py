"""Questions and passages -> the rows of an epoch (positives, hard negatives, changed questions) in padded batches."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from index.layout import Span
from training.reader.data import Corpus, Question, answers_of
from training.reader.model import LONGEST_ANSWER, Batch
from training.reader.rewording import ask_who, asks_who, names, rename
from training.reader.unanswerable import Pool, make_pool, unanswerable

_LONGEST_QUESTION = 48
_CLS, _SEP, _PAD = 101, 102, 0


@dataclass(frozen=True)
class Mix:
    """What an epoch is made of, as shares in [0, 1]: how many questions get a hard negative, how many a changed
    question beside them; `other` is the share of questions on reviews and comments that an epoch asks at all.
    `unanswerable` is how often it asks the questions that people wrote for a passage that does not answer them.
    From epoch `reworded_from` on, `reworded` is the share of the questions for organisations that ask "who", and of
    those for persons whose passage has organisations in the person's place."""

    hard_wiki: float = 0.5
    hard_other: float = 0.25
    changed_wiki: float = 0.45
    changed_other: float = 0.15
    other: float = 0.2
    unanswerable: int = 2
    reworded: float = 0.6
    reworded_from: int = 1
    cropped: float = 0.6
    longest: int = 256


@dataclass(frozen=True)
class Row:
    """A question beside a passage; `spans` are its answers there in characters, `near` a place that a crop keeps."""

    question: str
    passage: int
    spans: tuple[Span, ...]
    near: Span | None
    group: int


@dataclass(frozen=True)
class Pieces:
    """The word pieces of a passage and where each stands in its text, (n,) and (n, 2)."""

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]


class Examples:
    """The rows of every epoch, the same for the same seed."""

    def __init__(self, corpus: Corpus, tokenizer: Path, mix: Mix, seed: int) -> None:
        """`tokenizer` is the path of a tokenizer.json."""
        from tokenizers import Tokenizer

        self.mix = mix
        self._seed = seed
        self._pools = _pools(corpus)
        self.corpus, self._reworded = _reworded(corpus, random.Random(seed))
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        encoded = self._tokenizer.encode_batch([p.text for p in self.corpus.passages], add_special_tokens=False)
        self._pieces = [Pieces(np.array(e.ids), np.array(e.offsets).reshape(-1, 2)) for e in encoded]

    def epoch(self, number: int) -> list[list[Row]]:
        """The groups of an epoch, shuffled; a group is the rows that belong to one question."""
        rng = random.Random(f"{self._seed} {number}")
        # Parts of the other questions take turns, so that a few epochs ask all of them.
        others = [q for q in self.corpus.questions if not self.corpus.passages[q.passage].wiki]
        random.Random(self._seed).shuffle(others)
        count = round(len(others) * self.mix.other)
        turn = [others[(number * count + n) % len(others)] for n in range(count)] if others else []
        own = [q for q in self.corpus.questions if self.corpus.passages[q.passage].wiki]
        asked = own + turn + [q for q in own if not q.spans] * (self.mix.unanswerable - 1)
        rng.shuffle(asked)
        if number >= self.mix.reworded_from:
            chosen = random.Random(f"reworded {self._seed} {number}")
            asked = [self._reworded[q.id] if self._is_reworded(q, chosen) else q for q in asked]
        return [self._group(question, group, rng) for group, question in enumerate(asked)]

    def _is_reworded(self, question: Question, rng: random.Random) -> bool:
        return question.id in self._reworded and rng.random() < self.mix.reworded

    def _group(self, question: Question, group: int, rng: random.Random) -> list[Row]:
        passage = self.corpus.passages[question.passage]
        near = rng.choice(question.spans) if question.spans else None
        rows = [Row(question.text, question.passage, question.spans, near, group)]
        hard = self.mix.hard_wiki if passage.wiki else self.mix.hard_other
        if question.spans and question.hard and rng.random() < hard:
            rows.append(Row(question.text, rng.choice(question.hard), (), None, group))
        changed = self.mix.changed_wiki if passage.wiki else self.mix.changed_other
        if question.spans and rng.random() < changed:
            other = unanswerable(question.text, passage.text, self._pools[passage.article], rng)
            if other:
                rows.append(Row(other, question.passage, (), near, -1 - group))
        return rows

    def batches(self, rows: Sequence[Row], rng: random.Random, pieces: int) -> Iterator[tuple[Batch, list[Row]]]:
        """Rows of like length together, padded to a multiple of 8, at most `pieces` word pieces a batch."""
        made = [(self._encode(row, rng), row) for row in rows]
        made.sort(key=lambda one: len(one[0][0]))
        part: list[tuple[Any, Row]] = []
        for one in made:
            if part and (len(part) + 1) * _rounded(len(one[0][0])) > pieces:
                yield _pad([e for e, _ in part]), [row for _, row in part]
                part = []
            part.append(one)
        if part:
            yield _pad([e for e, _ in part]), [row for _, row in part]

    def decode(self, pieces: Sequence[int]) -> str:
        """The text of word pieces, in lower case."""
        return str(self._tokenizer.decode(list(pieces)))

    def _encode(self, row: Row, rng: random.Random) -> tuple[list[int], int, list[tuple[int, int]]]:
        """(word pieces, where the passage starts, target spans) of a row; a long passage is cropped around `near`."""
        question = self._tokenizer.encode(row.question, add_special_tokens=False).ids[:_LONGEST_QUESTION]
        pieces = self._pieces[row.passage]
        room = self.mix.longest - len(question) - 3
        may_crop = row.near is not None or not row.spans
        if may_crop and rng.random() < self.mix.cropped:
            room = min(room, rng.randint(72, 144))
        first, last = 0, len(pieces.ids)
        if last > room:
            low, high = 0, last - room
            if row.near and (place := _span_pieces(pieces, row.near)):
                low, high = max(low, place[1] + 1 - room), min(high, place[0])
            first = rng.randint(low, max(low, high))
            last = first + room
        start = len(question) + 2
        targets = []
        for span in row.spans:
            place = _span_pieces(pieces, span)
            if place and first <= place[0] and place[1] < last and place[1] - place[0] < LONGEST_ANSWER:
                target = (place[0] - first + start, place[1] - first + start)
                if target not in targets:
                    targets.append(target)
        return [_CLS, *question, _SEP, *pieces.ids[first:last].tolist(), _SEP], start, targets


def _reworded(corpus: Corpus, rng: random.Random) -> tuple[Corpus, dict[str, Question]]:
    """The corpus with the passages in which persons became organisations behind its own, and by the id of a question
    what it may be asked as."""
    wiki = [question for question in corpus.questions if corpus.passages[question.passage].wiki]
    asked = {question.id: who for question in wiki if (who := ask_who(question.text))}
    made = {question.id: replace(question, text=asked[question.id]) for question in wiki if question.id in asked}
    organisations = names(text for texts in answers_of(corpus, made.values()) for text in texts)
    passages = list(corpus.passages)
    for question in wiki:
        passage = corpus.passages[question.passage]
        if asks_who(question.text) and (other := rename(passage.text, question.spans, organisations, rng)):
            made[question.id] = replace(question, passage=len(passages), spans=other[1])
            passages.append(replace(passage, text=other[0]))
    return Corpus(passages, corpus.questions), made


def _pools(corpus: Corpus) -> dict[str, Pool]:
    texts: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    # Reviews are articles of a few paragraphs: they share one pool.
    shared: tuple[list[str], list[str]] = ([], [])
    for passage in corpus.passages:
        (texts[passage.article] if passage.wiki else shared)[0].append(passage.text)
    for question in corpus.questions:
        passage = corpus.passages[question.passage]
        (texts[passage.article] if passage.wiki else shared)[1].append(question.text)
    pools = {article: make_pool(*both) for article, both in texts.items()}
    other = make_pool(*shared)
    return pools | {p.article: other for p in corpus.passages if not p.wiki}


def _span_pieces(pieces: Pieces, span: Span) -> tuple[int, int] | None:
    """The first and last word piece of a span of characters."""
    inside = np.flatnonzero((pieces.offsets[:, 1] > span[0]) & (pieces.offsets[:, 0] < span[1]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else None


def _rounded(length: int) -> int:
    return -(-length // 8) * 8


def _pad(encoded: Sequence[tuple[list[int], int, list[tuple[int, int]]]]) -> Batch:
    length = _rounded(max(len(ids) for ids, _, _ in encoded))
    count = max(1, max(len(targets) for _, _, targets in encoded))
    ids = np.full((len(encoded), length), _PAD)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    passage = np.zeros(ids.shape, dtype=bool)
    targets = np.full((len(encoded), count, 2), -1)
    for n, (pieces, start, spans) in enumerate(encoded):
        ids[n, : len(pieces)], mask[n, : len(pieces)], types[n, start : len(pieces)] = pieces, 1, 1
        passage[n, start : len(pieces) - 1] = True
        targets[n, : len(spans)] = np.array(spans).reshape(-1, 2)
    return Batch(*(torch.from_numpy(part) for part in (ids, types, mask, passage, targets)))
