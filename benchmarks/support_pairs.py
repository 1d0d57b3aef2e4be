"""Training pairs for `support_model.py`: sentences and passages that do or do not support them, from public questions.

A true sentence joins a question and its answer. A false sentence has another value, from the passage or from elsewhere,
a changed word, "not", or an addition that is not in the passage. Sentences of the passage are used too, unchanged and
with a replaced fact. Each epoch samples all rows again.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.statements import deny, state, swap, type_of
from index.text.layout import Span
from index.text.sentences import sentences
from index.text.words import content_terms
from rag.check.facts import find_facts
from training.reader.data import TrainingCorpus, TrainingPassage, TrainingQuestion
from training.reader.unanswerable import Pool, make_pool, unanswerable

_FALSE = 2
"""False sentences for each true sentence."""
_OTHER = 0.25
"""Share of the questions on reviews and comments in an epoch."""
_PLAIN = 0.25
"""Share of the questions with their answer appended although a rule could make a sentence of both."""
_TITLED = 0.6
"""Share of the passages that have the title of their article."""
_TWO = 0.2
"""Share of the true sentences that are joined with another true sentence."""
_WHOLE = 0.2
"""Share of the passages that are not cropped around the answer."""
_SENTENCES = 3
"""Sentences of each passage that an epoch uses."""
_TAIL = re.compile(
    r",\s+((?:which|who|and|but|with|after|because|while|where|when|as|including|by|in)\b[^.;]{12,90})\.?$"
)


@dataclass(frozen=True)
class Pair:
    """A sentence with a passage.

    The pairs of a `group` have nearly the same passage; some are true, some false.
    """

    text: str
    passage: str
    true: bool
    group: int


class Pairs:
    """The pairs of all epochs; the same seed gives the same pairs."""

    def __init__(self, corpus: TrainingCorpus, seed: int) -> None:
        self._corpus = corpus
        self._seed = seed
        self._own: dict[int, list[TrainingQuestion]] = defaultdict(list)
        self._articles: dict[str, list[int]] = defaultdict(list)
        for question in corpus.questions:
            if question.spans:
                self._own[question.passage].append(question)
        for number, passage in enumerate(corpus.passages):
            self._articles[passage.article].append(number)
        self._pools = {article: self._pool(numbers) for article, numbers in self._articles.items()}
        self._values: dict[str | None, list[str]] = defaultdict(list)
        for question in corpus.questions:
            for answer in self._answers(question)[:1]:
                self._values[type_of(answer)].append(answer)

    def epoch(self, number: int) -> list[list[Pair]]:
        """Return the shuffled groups of an epoch."""
        rng = random.Random(f"{self._seed} {number}")
        passages = self._corpus.passages
        questions = [
            q for q in self._corpus.questions if q.spans and (passages[q.passage].wiki or rng.random() < _OTHER)
        ]
        groups = [list(self._pairs_of_question(question, n, rng)) for n, question in enumerate(questions)]
        for place, passage in enumerate(passages):
            if passage.wiki:
                groups += self._pairs_of_passage(place, passage, len(groups), rng)
        rng.shuffle(groups)
        return [group for group in groups if group]

    def _pairs_of_question(self, question: TrainingQuestion, group: int, rng: random.Random) -> Iterator[Pair]:
        """Yield a true sentence of a question, and false sentences."""
        passage = self._corpus.passages[question.passage]
        answer = rng.choice(self._answers(question))
        to_sentence = _sentence_maker(question.text, answer, rng)
        if to_sentence is None:
            return
        passage_text = _cropped(passage, rng.choice(question.spans), rng)
        true = to_sentence(answer)
        other = rng.choice(self._own[question.passage])
        second = _sentence_maker(other.text, more := self._answers(other)[0], rng) if rng.random() < _TWO else None
        if second and other.id != question.id:
            passage_text = _titled(passage, passage.text, rng)
            tail = second(more)
            yield Pair(_joined(true, tail), passage_text, True, group)
            for text in list(self._false(question, answer, to_sentence, passage_text, rng))[:_FALSE]:
                yield Pair(_joined(text, tail), passage_text, False, group)
            return
        yield Pair(true, passage_text, True, group)
        for text in list(self._false(question, answer, to_sentence, passage_text, rng))[:_FALSE]:
            yield Pair(text, passage_text, False, group)
        if rng.random() < 0.3 and (negative := self._hard_negative(question, answer, rng)):
            yield Pair(true, negative, False, group)

    def _false(
        self,
        question: TrainingQuestion,
        answer: str,
        to_sentence: Callable[[str], str],
        passage_text: str,
        rng: random.Random,
    ) -> Iterator[str]:
        """Yield false variants in random order; those with values from `passage_text` come first more often."""
        kinds = ["near", "near", "answer", "answer", "absent", "turned", "denied", "added"]
        rng.shuffle(kinds)
        for kind in dict.fromkeys(kinds):
            if text := self._falsified(kind, question, answer, to_sentence, passage_text, rng):
                yield text

    def _falsified(
        self,
        kind: str,
        question: TrainingQuestion,
        answer: str,
        to_sentence: Callable[[str], str],
        passage_text: str,
        rng: random.Random,
    ) -> str | None:
        type_, passage = type_of(answer), self._corpus.passages[question.passage]
        if kind in ("near", "absent"):
            near = kind == "near"
            value = swap(rng, type_, answer, question.text, passage_text, self._values[type_], near) if type_ else None
            return to_sentence(value) if value else None
        if kind == "answer":
            # Answers to other questions about the passage.
            taken = set(content_terms(answer)) | set(content_terms(question.text))
            others = [text for q in self._own[question.passage] for text in self._answers(q)[:1]]
            others = [text for text in others if text in passage_text and type_of(text) == type_]
            free = [text for text in others if not taken & set(content_terms(text))]
            return to_sentence(rng.choice(free)) if free else None
        if kind == "turned":
            other = unanswerable(question.text, passage.text, self._pools[passage.article], rng)
            turned = _sentence_maker(other, answer, rng) if other else None
            return turned(answer) if turned else None
        if kind == "denied":
            return deny(question.text, answer)
        tail = self._tail(question.passage, passage, rng)
        return f"{to_sentence(answer).rstrip('.')}, {tail}." if tail else None

    def _pairs_of_passage(
        self, place: int, passage: TrainingPassage, first: int, rng: random.Random
    ) -> Iterator[list[Pair]]:
        """Yield groups of sentences of a passage, unchanged and changed."""
        lines = [(a, b) for a, b in sentences(passage.text) if 40 < b - a < 300]
        rng.shuffle(lines)
        for number, span in enumerate(lines[:_SENTENCES]):
            line, passage_text = passage.text[slice(*span)], _cropped(passage, span, rng)
            group = [Pair(line, passage_text, True, first + number)]
            if changed := _exchanged(line, passage_text, rng):
                group.append(Pair(changed, passage_text, False, first + number))
            if tail := self._tail(place, passage, rng):
                group.append(Pair(f"{line.rstrip('.')}, {tail}.", passage_text, False, first + number))
            if len(group) > 1:
                yield group

    def _tail(self, place: int, passage: TrainingPassage, rng: random.Random) -> str | None:
        """Return the end of a sentence of another passage of the article, with content that is not in this passage."""
        numbers = self._articles[passage.article]
        own_terms = set(content_terms(passage.text))
        for _ in range(6):
            other = self._corpus.passages[rng.choice(numbers)]
            if other.text == passage.text:
                continue
            start, end = rng.choice(sentences(other.text) or [(0, 0)])
            match = _TAIL.search(other.text[start:end])
            if match and len(set(content_terms(match[1])) - own_terms) >= 2:
                return match[1]
        return None

    def _hard_negative(self, question: TrainingQuestion, answer: str, rng: random.Random) -> str | None:
        """Return a hard negative: a similar passage without the answer; None if there is none."""
        hard = [self._corpus.passages[n] for n in question.hard[:5]]
        without_answer = [one for one in hard if answer.lower() not in one.text.lower()]
        if not without_answer:
            return None
        chosen = rng.choice(without_answer)
        return _titled(chosen, chosen.text, rng)

    def _answers(self, question: TrainingQuestion) -> list[str]:
        text = self._corpus.passages[question.passage].text
        return list(dict.fromkeys(text[a:b] for a, b in question.spans))

    def _pool(self, numbers: Sequence[int]) -> Pool:
        return make_pool(
            (self._corpus.passages[n].text for n in numbers), (q.text for n in numbers for q in self._own[n])
        )


def _sentence_maker(question: str, answer: str, rng: random.Random) -> Callable[[str], str] | None:
    """Return a function from an answer to a sentence; without a rule, it appends the answer to the question."""
    statement = state(question, answer)
    if statement and rng.random() >= _PLAIN:
        return statement.with_answer
    stem = question.strip()
    return (lambda text: f"{stem} {text}.") if stem and len(answer) < 200 else None


def _joined(first: str, second: str) -> str:
    return (
        f"{first} {second}" if "?" in first + second else f"{first.rstrip('.')}, and {second[:1].lower()}{second[1:]}"
    )


def _exchanged(line: str, passage: str, rng: random.Random) -> str | None:
    """Replace a fact in a sentence by another of its type from the passage, or negate it; None if neither works."""
    facts = find_facts(line)
    rng.shuffle(facts)
    for fact in facts:
        kind = type_of(fact.text)
        others = [o.text for o in find_facts(passage) if kind and type_of(o.text) == kind and o.text not in line]
        others = [text for text in others if not set(content_terms(text)) & set(content_terms(line))]
        if others:
            return line[: fact.start] + rng.choice(others) + line[fact.end :]
    verb = re.search(r"\b(?:is|was|were|are|has|have|had|can|could|will|would)\b(?! not)", line)
    return f"{line[: verb.end()]} not{line[verb.end() :]}" if verb and rng.random() < 0.5 else None


def _cropped(passage: TrainingPassage, near: Span, rng: random.Random) -> str:
    """Return some sentences of the passage around `near`, sometimes all."""
    lines = sentences(passage.text)
    if rng.random() < _WHOLE or len(lines) < 3:
        return _titled(passage, passage.text, rng)
    inside = [n for n, (a, b) in enumerate(lines) if a < near[1] and near[0] < b] or [0]
    first = max(0, inside[0] - rng.randint(0, 1))
    last = min(len(lines) - 1, inside[-1] + rng.randint(0, 1))
    return _titled(passage, passage.text[lines[first][0] : lines[last][1]], rng)


def _titled(passage: TrainingPassage, text: str, rng: random.Random) -> str:
    title = passage.article.replace("_", " ")
    return f"{title}\n{text}" if passage.wiki and rng.random() < _TITLED else text
