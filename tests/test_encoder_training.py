"""A short training of the encoder: the loss falls, a seed repeats its steps, and the export gives the same vectors."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from index.encoder.embedder import Embedder, find_float32, find_model
from training.encoder.train import EncoderRecipe, EncoderTraining, Pairs, Step, open_tokenizer, write_encoder
from training.reader.base import load_encoder
from training.reader.data import TrainingCorpus
from training.reader.everyday import corpus_of, cut_documents, read_bundles

pytestmark = pytest.mark.slow

_RECIPE = EncoderRecipe(epochs=1, batch=8, rate=1e-4, dropout=0.0)


@pytest.fixture(scope="module")
def corpus() -> TrainingCorpus:
    return corpus_of(cut_documents(read_bundles()[::80]))


@pytest.fixture(scope="module")
def trained(corpus: TrainingCorpus) -> tuple[EncoderTraining, Step, list[float]]:
    """Return an encoder trained six times on one step, the step, and the losses."""
    base = find_float32().folder
    training = EncoderTraining(load_encoder(base), open_tokenizer(base), _RECIPE, 12, "cpu")
    step = next(Pairs(corpus, _RECIPE).epoch(0))
    return training, step, [training.run_step(step) for _ in range(6)]


def test_the_loss_falls(trained: tuple[EncoderTraining, Step, list[float]]) -> None:
    losses = trained[2]
    assert losses[-1] < 0.7 * losses[0]


def test_the_same_seed_gives_the_same_steps(corpus: TrainingCorpus) -> None:
    one, other = (list(islice(Pairs(corpus, _RECIPE).epoch(1), 3)) for _ in range(2))
    assert one == other != list(islice(Pairs(corpus, _RECIPE).epoch(2), 3))


def test_a_step_has_the_answering_passages_first_then_other_passages_of_their_documents(
    corpus: TrainingCorpus,
) -> None:
    spans = {(q.text.lower().rstrip(" ?."), q.passage): q.spans for q in corpus.questions}
    for step in islice(Pairs(corpus, _RECIPE).epoch(0), 5):
        own, negatives = step.homes[: len(step.questions)], step.homes[len(step.questions) :]
        articles = {corpus.passages[home].article for home in own}
        assert all(corpus.passages[home].article in articles for home in negatives)
        for question, home, text in zip(step.questions, own, step.texts, strict=False):
            assert corpus.passages[home].text in text
            key = (question.lower().rstrip(" ?."), home)
            assert key not in spans or spans[key]  # A swapped question is not in the corpus.


def test_the_export_gives_the_vectors_of_the_trained_model(
    trained: tuple[EncoderTraining, Step, list[float]], tmp_path: Path
) -> None:
    training, step, _ = trained
    write_encoder(training.encoder, find_float32().folder, tmp_path / "encoder")
    exported = Embedder(find_model(str(tmp_path / "encoder")))
    training.encoder.eval()
    vectors = training.vectors(step.questions).detach().float().numpy()
    cosines = (exported.encode_queries(step.questions) * vectors).sum(axis=1)
    assert cosines.min() > 0.99
    before = Embedder(find_float32()).encode_queries(step.questions)
    assert np.abs(before - vectors).max() > 1e-3
