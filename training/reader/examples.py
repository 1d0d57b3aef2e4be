"""Make the rows of an epoch (positives, hard negatives, changed questions) and put them into padded batches."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from index.text.layout import Span
from index.text.marks import as_read
from index.text.sentences import sentences
from index.text.words import words
from rag.reader.layout import Layout, layout_of
from training.reader.attributes import ask_unstated
from training.reader.data import PassageOrigin, TrainingCorpus, TrainingQuestion, answers_of
from training.reader.model import LONGEST_ANSWER, Batch
from training.reader.rewording import ask_who, asks_who, names, rename
from training.reader.typed import retype
from training.reader.unanswerable import Pool, inner_names, make_pool, unanswerable
from training.reader.yes_no import ask_yes_no

_LONGEST_QUESTION = 48
_LONGEST_HEADING = 24
_TRIES = 8
_YES_NO = 1_000_000
"""Added to the group number of a question's rows to number the group of its yes-or-no question."""


@dataclass(frozen=True)
class Share:
    """How an epoch uses the questions of one kind.

    `asked` is how often it asks them (1: each once). The others are the shares of them, in [0, 1], that also get a
    passage that looks right and lacks the answer (`hard`), a passage of the same article that lacks it (`sibling`), a
    changed question that the passage does not answer (`changed`), a question for an attribute of the passage's subject
    that it does not state (`unstated`), and a yes-or-no question, either one that the passage settles or one about
    another passage of the article (`yes_no`).
    """

    asked: float = 1.0
    hard: float = 0.0
    changed: float = 0.0
    sibling: float = 0.0
    unstated: float = 0.0
    yes_no: float = 0.0


_KINDS: dict[PassageOrigin, Share] = {
    "wiki": Share(1.0, hard=0.3, changed=0.2, sibling=0.15, unstated=0.1, yes_no=0.06),
    "other": Share(0.35, changed=0.15),
    "natural": Share(6.0, hard=0.3, changed=0.2, unstated=0.12, yes_no=0.06),
    "generated": Share(0.15),
    "everyday": Share(2.0, hard=0.4, changed=0.08, sibling=0.4, unstated=0.04),
}


@dataclass(frozen=True)
class Mix:
    """The composition of an epoch; the defaults make the small reader.

    `unanswerable` is how often it asks the questions that people wrote for a Wikipedia passage that does not answer
    them. `reworded` is the share of the questions for organisations that ask "who", and of those for persons whose
    passage has organisations in the person's place. `typed` is the share of the questions that are written as people
    type, `headed` the share of the Wikipedia passages that are read below their title (0: no passage is), and `cropped`
    the share of the passages that are cut to sentences of `crop` word pieces in all. No row is longer than `longest`.
    """

    kinds: dict[PassageOrigin, Share] = field(default_factory=lambda: dict(_KINDS))
    unanswerable: int = 2
    reworded: float = 0.6
    typed: float = 0.5
    headed: float = 0.0
    cropped: float = 0.7
    crop: tuple[int, int] = (56, 160)
    longest: int = 256


HEADED = Mix(headed=0.7, longest=320)
"""The mix of the strong reader: the same, read below titles and headings."""


@dataclass(frozen=True)
class ExampleRow:
    """A question with a passage.

    `spans` are its answers in the passage, in characters; `near` is a span that a crop keeps.
    """

    question: str
    passage: int
    spans: tuple[Span, ...]
    near: Span | None
    group: int


@dataclass(frozen=True)
class Pieces:
    """The word pieces of a passage, (n,), and their spans in its text, (n, 2)."""

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class _Encoded:
    """A row as word pieces.

    `second` is where its second text begins, `start` where the passage begins in that. `targets` are its target spans,
    `sentences` its sentences, and `holds` says whether each holds a target.
    """

    ids: list[int]
    second: int
    start: int
    targets: list[Span]
    sentences: list[Span]
    holds: list[int]


class Examples:
    """The rows of every epoch, the same for the same seed."""

    def __init__(self, corpus: TrainingCorpus, tokenizer: Path, mix: Mix, seed: int) -> None:
        """Prepare `corpus` for epochs of `mix`; `tokenizer` is the path of a tokenizer.json."""
        from tokenizers import Tokenizer

        self.mix = mix
        self._seed = seed
        self._pools = _pools(corpus)
        self.corpus, self._reworded = _reworded(corpus, random.Random(seed))
        self._articles: dict[str, list[int]] = defaultdict(list)
        for number, passage in enumerate(corpus.passages):
            self._articles[passage.article].append(number)
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._layout = layout_of(self._tokenizer)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._texts = [as_read(passage.text) for passage in self.corpus.passages]
        encoded = self._tokenizer.encode_batch(self._texts, add_special_tokens=False)
        self._pieces = [Pieces(np.array(e.ids), np.array(e.offsets).reshape(-1, 2)) for e in encoded]
        self._lines = cache(self._find_lines)
        self._flat = cache(lambda number: f" {' '.join(words(self.corpus.passages[number].text))} ")

    def epoch(self, number: int) -> list[list[ExampleRow]]:
        """Return the groups of an epoch, shuffled; a group holds the rows of one question."""
        questions = self.questions(number)
        return [self.group(number, place, question) for place, question in enumerate(questions)]

    def questions(self, number: int) -> list[TrainingQuestion]:
        """Return the questions of an epoch, shuffled."""
        rng = random.Random(f"{self._seed} {number}")
        questions: list[TrainingQuestion] = []
        for kind, share in self.mix.kinds.items():
            own = [q for q in self.corpus.questions if self.corpus.passages[q.passage].kind == kind]
            # Parts of the questions take turns, so that a few epochs ask all of them.
            random.Random(self._seed).shuffle(own)
            count = round(len(own) * share.asked)
            questions += [own[(number * count + n) % len(own)] for n in range(count)]
            if kind == "wiki":
                questions += [q for q in own if not q.spans] * (self.mix.unanswerable - 1)
        rng.shuffle(questions)
        chosen = random.Random(f"reworded {self._seed} {number}")
        return [self._reworded[q.id] if self._is_reworded(q, chosen) else q for q in questions]

    def _is_reworded(self, question: TrainingQuestion, rng: random.Random) -> bool:
        return question.id in self._reworded and rng.random() < self.mix.reworded

    def group(self, number: int, group: int, question: TrainingQuestion) -> list[ExampleRow]:
        """Return the rows of a question, which is number `group` of the epoch `number`."""
        rng = random.Random(f"{self._seed} {number} {group}")
        passage = self.corpus.passages[question.passage]
        share = self.mix.kinds[passage.kind]
        near = rng.choice(question.spans) if question.spans else None
        rows = [ExampleRow(question.text, question.passage, question.spans, near, group)]
        if question.spans and question.hard and rng.random() < share.hard:
            rows.append(ExampleRow(question.text, rng.choice(question.hard), (), None, group))
        if question.spans and rng.random() < share.sibling:
            rows += [ExampleRow(question.text, other, (), None, group) for other in self._sibling(question, rng)]
        if question.spans and rng.random() < share.changed:
            other = unanswerable(question.text, passage.text, self._pools[passage.article], rng)
            if other:
                rows.append(ExampleRow(other, question.passage, (), near, -1 - group))
        if rng.random() < share.unstated:
            subject = rng.choice([passage.heading or passage.article, *inner_names(passage.text)[:20]])
            if other := ask_unstated(subject, f"{passage.heading} {passage.text}", rng):
                rows.append(ExampleRow(other, question.passage, (), None, -1 - group))
        if share.yes_no and rng.random() < share.yes_no:
            rows += self._yes_no(question, _YES_NO + group, rng)
        if rng.random() < self.mix.typed:
            form = rng.random()
            rows = [replace(row, question=retype(row.question, random.Random(form))) for row in rows]
        return rows

    def _yes_no(self, question: TrainingQuestion, group: int, rng: random.Random) -> list[ExampleRow]:
        """Return a yes-or-no question about the passage, or one about another of its article that it leaves open."""
        own = self.corpus.passages[question.passage]
        others = self._articles[own.article]
        if len(others) > 1 and rng.random() < 0.4:
            other = self.corpus.passages[rng.choice(others)].text
            yes_no = ask_yes_no(other, rng) if other != own.text else None
            return [ExampleRow(yes_no[0], question.passage, (), None, group)] if yes_no else []
        yes_no = ask_yes_no(own.text, rng)
        return [ExampleRow(yes_no[0], question.passage, (yes_no[1],), yes_no[1], group)] if yes_no else []

    def _sibling(self, question: TrainingQuestion, rng: random.Random) -> list[int]:
        """Return another passage of the article that has no acceptable answer's text, [] after some failed draws."""
        text = self.corpus.passages[question.passage].text
        answers = {" ".join(words(text[start:end])) for start, end in question.spans} - {""}
        others = self._articles[self.corpus.passages[question.passage].article]
        for _ in range(_TRIES):
            other = rng.choice(others) if others else question.passage
            if other != question.passage and not any(f" {answer} " in self._flat(other) for answer in answers):
                return [other]
        return []

    def batches(
        self, rows: Sequence[ExampleRow], rng: random.Random, pieces: int
    ) -> Iterator[tuple[Batch, list[ExampleRow]]]:
        """Yield padded batches of rows of similar length.

        The length is a multiple of 8; a batch has at most `pieces` word pieces. A row whose answers are all too long
        for a span is left out: it would teach that its passage does not answer.
        """
        made = [(self._encode(row, rng), row) for row in rows]
        made = [one for one in made if one[0].targets or not one[1].spans]
        made.sort(key=lambda one: len(one[0].ids))
        part: list[tuple[_Encoded, ExampleRow]] = []
        for one in made:
            if part and (len(part) + 1) * _rounded(len(one[0].ids)) > pieces:
                yield _pad([e for e, _ in part], self._layout), [row for _, row in part]
                part = []
            part.append(one)
        if part:
            yield _pad([e for e, _ in part], self._layout), [row for _, row in part]

    @property
    def tokenizer_json(self) -> str:
        """Return the text of the tokenizer's file."""
        return str(self._tokenizer.to_str())

    def decode(self, pieces: Sequence[int]) -> str:
        """Return the text of word pieces, in lower case."""
        return str(self._tokenizer.decode(list(pieces)))

    def _encode(self, row: ExampleRow, rng: random.Random) -> _Encoded:
        """Return a row as word pieces; a long passage is cut to sentences around `near`."""
        passage = self.corpus.passages[row.passage]
        question = self._tokenizer.encode(row.question, add_special_tokens=False).ids[:_LONGEST_QUESTION]
        above: list[int] = []
        always = passage.kind in ("generated", "everyday")
        if passage.heading and self.mix.headed and (always or rng.random() < self.mix.headed):
            above = self._tokenizer.encode(passage.heading, add_special_tokens=False).ids[:_LONGEST_HEADING]
        pieces, lines = self._pieces[row.passage], self._lines(row.passage)
        room = self.mix.longest - len(question) - len(above) - self._layout.special
        wanted = rng.randint(*self.mix.crop) if rng.random() < self.mix.cropped else room
        near = _span_pieces(pieces.offsets, row.near) if row.near else None
        first, last = _crop(lines, len(pieces.ids), near, min(wanted, room), room, rng)
        ids, second = self._layout.pair(question, [*above, *pieces.ids[first:last].tolist()])
        start = second + len(above)
        targets: list[Span] = []
        for span in row.spans:
            place = _span_pieces(pieces.offsets, span)
            if place and first <= place[0] and place[1] < last and place[1] - place[0] < LONGEST_ANSWER:
                target = (place[0] - first + start, place[1] - first + start)
                if target not in targets:
                    targets.append(target)
        inside = [line for line in lines if first <= line[0] and line[1] < last]
        places = [(a - first + start, b - first + start) for a, b in inside]
        holds = [self._holds(row, targets, place, line) for place, line in zip(places, inside, strict=True)]
        return _Encoded(ids, second, start, targets, places, holds)

    def _holds(self, row: ExampleRow, targets: Sequence[Span], place: Span, line: Span) -> int:
        """Return 1 if a sentence holds a target, -1 if it has the words of an answer at another place, else 0."""
        if any(place[0] <= start and end <= place[1] for start, end in targets):
            return 1
        text, offsets = self.corpus.passages[row.passage].text, self._pieces[row.passage].offsets
        sentence = text[int(offsets[line[0], 0]) : int(offsets[line[1], 1])]
        return -1 if any(text[start:end] in sentence for start, end in row.spans) else 0

    def _find_lines(self, number: int) -> list[Span]:
        """Return the first and last word piece of each sentence of a passage."""
        offsets = self._pieces[number].offsets
        found = (_span_pieces(offsets, line) for line in sentences(self._texts[number]))
        return [line for line in found if line]


def _crop(
    lines: Sequence[Span], length: int, near: Span | None, wanted: int, room: int, rng: random.Random
) -> tuple[int, int]:
    """Return [first, last) word pieces around `near`, or around any sentence.

    They are whole sentences of about `wanted` pieces and never more than `room`; of a longer sentence, they are a part
    that holds `near`.
    """
    if length <= wanted:
        return 0, length
    low, high = near or rng.choice(lines or [(0, length - 1)])
    touched = [n for n, line in enumerate(lines) if line[0] <= high and low <= line[1]]
    a, b = (touched[0], touched[-1]) if touched else (0, len(lines) - 1)
    first, last = (min(lines[a][0], low), max(lines[b][1], high) + 1) if lines else (low, high + 1)
    while a > 0 or b + 1 < len(lines):
        before = b + 1 >= len(lines) or (a > 0 and rng.random() < 0.5)
        grown = (lines[a - 1][0], last) if before else (first, lines[b + 1][1] + 1)
        if grown[1] - grown[0] > wanted:
            break
        (first, last), a, b = grown, a - before, b + (not before)
    if last - first > room:
        low, high = near or (first, first)
        earliest, latest = max(first, high + 1 - room), min(last - room, low)
        first = rng.randint(earliest, max(earliest, latest))
        last = first + room
    return first, last


def _reworded(corpus: TrainingCorpus, rng: random.Random) -> tuple[TrainingCorpus, dict[str, TrainingQuestion]]:
    """Return the corpus with renamed passages appended, and question id -> reworded question.

    In a renamed passage, organisations have taken the place of a person.
    """
    wiki = [question for question in corpus.questions if corpus.passages[question.passage].wiki]
    reworded = {question.id: who for question in wiki if (who := ask_who(question.text))}
    made = {question.id: replace(question, text=reworded[question.id]) for question in wiki if question.id in reworded}
    organisations = names(text for texts in answers_of(corpus, made.values()) for text in texts)
    passages = list(corpus.passages)
    for question in wiki:
        passage = corpus.passages[question.passage]
        if asks_who(question.text) and (other := rename(passage.text, question.spans, organisations, rng)):
            made[question.id] = replace(question, passage=len(passages), spans=other[1])
            passages.append(replace(passage, text=other[0]))
    return TrainingCorpus(passages, corpus.questions), made


def _pools(corpus: TrainingCorpus) -> dict[str, Pool]:
    """Return article -> what its changed questions draw from.

    That is the article's own text for the kind "wiki", whose articles have many paragraphs, else all texts of the kind.
    """
    texts: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    of = [passage.article if passage.kind == "wiki" else f"kind {passage.kind}" for passage in corpus.passages]
    for number, passage in enumerate(corpus.passages):
        texts[of[number]][0].append(passage.text)
    for question in corpus.questions:
        texts[of[question.passage]][1].append(question.text)
    pools = {name: make_pool(*both) for name, both in texts.items()}
    return {passage.article: pools[name] for passage, name in zip(corpus.passages, of, strict=True)}


def _span_pieces(offsets: NDArray[np.int64], span: Span) -> Span | None:
    """Return the first and last word piece of a span of characters, or None."""
    inside = np.flatnonzero((offsets[:, 1] > span[0]) & (offsets[:, 0] < span[1]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else None


def _rounded(length: int) -> int:
    return -(-length // 8) * 8


def _spans(rows: Iterable[Sequence[Span]]) -> NDArray[np.int64]:
    """Return (b, k, 2) spans of rows, -1 where a row has fewer."""
    kept = list(rows)
    made = np.full((len(kept), max(1, *(len(row) for row in kept)), 2), -1)
    for n, row in enumerate(kept):
        made[n, : len(row)] = np.array(row).reshape(-1, 2)
    return made


def _pad(encoded: Sequence[_Encoded], layout: Layout) -> Batch:
    length = _rounded(max(len(one.ids) for one in encoded))
    ids = np.full((len(encoded), length), layout.pad)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    passage = np.zeros(ids.shape, dtype=bool)
    places = _spans(one.sentences for one in encoded)
    holds = np.full(places.shape[:2], -1)
    for n, one in enumerate(encoded):
        size = len(one.ids)
        ids[n, :size], mask[n, :size] = one.ids, 1
        types[n, one.second : size] = 1
        passage[n, one.start : size - 1] = True
        holds[n, : len(one.holds)] = one.holds
    parts = (ids, types, mask, passage, _spans(one.targets for one in encoded), places, holds)
    return Batch(*(torch.from_numpy(part) for part in parts))
