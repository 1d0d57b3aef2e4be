"""The support model: the sentences it is trained on, and a short training on generated articles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.support_model import Recipe, Training
from benchmarks.support_pairs import Pair, Pairs
from training.reader.data import TrainingCorpus, TrainingPassage, TrainingQuestion

pytestmark = pytest.mark.slow

_TOWNS = {"Farley": ("Tom Hale", "1823", "Ann Reed"), "Corm": ("Ida Brook", "1741", "Max Stone")}


def _corpus() -> TrainingCorpus:
    passages, questions = list[TrainingPassage](), list[TrainingQuestion]()
    for town, (builder, year, owner) in _TOWNS.items():
        text = (
            f"The mill of {town} was built by {builder} in {year}. It was sold to {owner}, who is said to have kept "
            f"geese. Sheep graze on the meadows of {town}, which the river floods in spring. "
            f"Twelve men worked in {town}."
        )
        answers = {f"Who built the mill of {town}?": builder, f"When was the mill of {town} built?": year}
        answers |= {f"Who bought the mill of {town}?": owner, f"How many men worked in {town}?": "Twelve"}
        for question, answer in answers.items():
            span = (text.index(answer), text.index(answer) + len(answer))
            questions.append(TrainingQuestion(question, question, len(passages), (span,)))
        passages.append(TrainingPassage(text, "Mills", "wiki"))
    return TrainingCorpus(passages, questions)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return Pairs(_corpus(), 0)


def _all(pairs: Pairs, epochs: int) -> Iterator[Pair]:
    for number in range(epochs):
        for group in pairs.epoch(number):
            yield from group


def test_true_sentences_state_the_answer_and_false_ones_another(pairs: Pairs) -> None:
    made = list(_all(pairs, 8))
    said = {(pair.text, pair.passage) for pair in made if pair.true}
    assert "Tom Hale built the mill of Farley." in {text for text, _ in said}
    assert not any((pair.text, pair.passage) in said for pair in made if not pair.true)
    assert any("Ann Reed built the mill of Farley" in pair.text for pair in made if not pair.true)


def test_every_group_has_a_true_sentence_with_a_passage_that_supports_it(pairs: Pairs) -> None:
    for number in range(4):
        for group in pairs.epoch(number):
            assert len({pair.group for pair in group}) == 1
            (true,) = [pair for pair in group if pair.true]
            names = [name for town in _TOWNS.values() for name in town if name in true.text]
            assert all(name in true.passage for name in names)


def test_the_same_seed_gives_the_same_pairs(pairs: Pairs) -> None:
    assert Pairs(_corpus(), 0).epoch(3) == pairs.epoch(3) != pairs.epoch(4)


def test_the_loss_falls(pairs: Pairs) -> None:
    training = Training(pairs, Recipe(steps=30, groups=6, warm_up=3))
    losses = [training.run_step() for _ in range(30)]
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:6])
