"""Training the reader, in a short form on made-up articles: enough to see it learn, resume and export."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from index.embed import find_float32
from rag.reader.spans import MODEL
from training.reader.data import CALIBRATION, Corpus, load, with_hard_negatives
from training.reader.examples import Examples, Mix, Row
from training.reader.export import FULL, INPUTS, SMALL, export_float32, export_int8
from training.reader.model import Batch, log_odds, span_scores
from training.reader.restore import restored
from training.reader.train import Recipe, Training, run
from training.reader.unanswerable import make_pool, unanswerable

_SYLLABLES = "ba do ke li mo nu pa ri so tu va wen zor gal fen".split()
_JOBS = "capital mayor river founder museum".split()


def _name(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(3)).capitalize()


def _article(title: str, rng: random.Random, paragraphs: int) -> dict[str, object]:
    """Paragraphs that tell five facts of a made-up land, a question on each and one that nothing answers."""
    made = []
    for number in range(paragraphs):
        land, names = _name(rng), [_name(rng) for _ in _JOBS]
        facts = [f"The {job} of {land} is called {name}." for job, name in zip(_JOBS, names, strict=True)]
        rng.shuffle(facts)
        context = " ".join(facts)
        questions = [
            {
                "id": f"{title}-{number}-{job}",
                "question": f"What is the {job} of {land} called?",
                "answers": [{"text": name, "answer_start": context.index(name)}],
                "is_impossible": False,
            }
            for job, name in zip(_JOBS, names, strict=True)
        ]
        questions.append(
            {
                "id": f"{title}-{number}-none",
                "question": f"How deep is the lake of {land}?",
                "answers": [],
                "is_impossible": True,
            }
        )
        made.append({"context": context, "qas": questions})
    return {"title": title, "paragraphs": made}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of the public files."""
    folder, rng = tmp_path_factory.mktemp("data"), random.Random(0)
    files = {
        "squad/train.json.gz": [_article("Lands", rng, 40), _article(CALIBRATION[0], rng, 5)],
        "squadshifts/new_wiki_v1.0.json.gz": [_article("Isles", rng, 10)],
        "squadshifts/reddit_v1.0.json.gz": [_article("Comments", rng, 5)],
        "squadshifts/amazon_reviews_v1.0.json.gz": [_article("Reviews", rng, 5)],
    }
    for name, articles in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(gzip.compress(json.dumps({"data": articles}).encode()))
    return folder


@pytest.fixture(scope="module")
def corpus(data: Path) -> Corpus:
    return with_hard_negatives(load(data, frozenset())[0])


def _examples(corpus: Corpus, mix: Mix | None = None) -> Examples:
    return Examples(corpus, find_float32().folder / "tokenizer.json", mix or Mix(), 0)


@pytest.fixture(scope="module")
def trained(corpus: Corpus) -> tuple[Training, list[float]]:
    """A model after a few hundred examples, and its losses."""
    training = Training(_examples(corpus), Recipe(steps=36, groups=8, rate=3e-4, warm_up=4), "cpu")
    return training, [training.run_step() for _ in range(36)]


def test_the_loss_falls(trained: tuple[Training, list[float]]) -> None:
    losses = trained[1]
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:6])


def test_the_float32_export_gives_the_trained_models_scores(
    trained: tuple[Training, list[float]], tmp_path: Path
) -> None:
    model = trained[0].model.eval()
    export_float32(model, tmp_path / FULL)
    batch = _some_batch(trained[0])
    with torch.inference_mode():
        expected = model(batch.ids, batch.mask, batch.types)
    outputs = _exported(tmp_path / FULL, batch)
    inside = batch.mask.numpy().astype(bool)
    for got, wanted in zip(outputs, expected, strict=True):
        difference = np.abs(got - wanted.numpy())
        assert (difference[inside] if got.ndim > 1 else difference).max() < 1e-3


def test_the_int8_export_is_small_and_chooses_the_same_spans(
    trained: tuple[Training, list[float]], tmp_path: Path
) -> None:
    model = trained[0].model.eval()
    export_int8(model, tmp_path / SMALL, [_some_batch(trained[0])])
    assert (tmp_path / SMALL).stat().st_size < 25_000_000
    batch = _some_batch(trained[0])
    with torch.inference_mode():
        expected = span_scores(model(batch.ids, batch.mask, batch.types), batch.passage).flatten(1).argmax(1)
    outputs = _exported(tmp_path / SMALL, batch)
    parts = tuple(torch.from_numpy(part) for part in outputs)
    chosen = span_scores(parts, batch.passage).flatten(1).argmax(1)
    assert (chosen == expected).float().mean() > 0.8


def test_exporting_leaves_the_model_as_it_was(trained: tuple[Training, list[float]], tmp_path: Path) -> None:
    model = trained[0].model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_int8(model, tmp_path / SMALL, [_some_batch(trained[0])])
    after = model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_the_shipped_reader_can_be_trained_further(corpus: Corpus) -> None:
    model = restored().eval()
    batch = _some_batch(Training(_examples(corpus), Recipe(), "cpu"))
    with torch.inference_mode():
        expected = model(batch.ids, batch.mask, batch.types)
    outputs = _exported(MODEL / SMALL, batch)
    inside = batch.mask.numpy().astype(bool)
    for got, wanted in zip(outputs, expected, strict=True):
        both = [part[inside] if part.ndim > 1 else part for part in (got, wanted.numpy())]
        assert np.corrcoef(both[0].ravel(), both[1].ravel())[0, 1] > 0.99
    training = Training(_examples(corpus), Recipe(steps=12, groups=8, rate=1e-4, warm_up=2), "cpu", model=model)
    losses = [training.run_step() for _ in range(12)]
    assert training.model is model and np.mean(losses[-4:]) < np.mean(losses[:4])


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(corpus: Corpus, tmp_path: Path) -> None:
    recipe = Recipe(steps=4, groups=3, warm_up=1)
    straight = Training(_examples(corpus), recipe, "cpu")
    losses = [straight.run_step() for _ in range(4)]
    first = Training(_examples(corpus), recipe, "cpu")
    assert [first.run_step() for _ in range(2)] == losses[:2]
    first.save(tmp_path / "reader.pt")
    second = Training(_examples(corpus), recipe, "cpu")
    second.resume(tmp_path / "reader.pt")
    assert [second.run_step() for _ in range(2)] == losses[2:]


def test_a_run_ends_with_a_checkpoint_and_its_losses(corpus: Corpus, tmp_path: Path) -> None:
    run(Training(_examples(corpus), Recipe(steps=2, groups=2, warm_up=1), "cpu"), tmp_path, log_every=1)
    lines = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert (tmp_path / "reader.pt").is_file()


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=100, rate=1.0, warm_up=10, decay=0.4)
    rates = [recipe.rate_at(step) for step in (0, 9, 59, 80, 99)]
    assert rates[0] == pytest.approx(0.1) and rates[1] == rates[2] == 1.0
    assert rates[3] == pytest.approx(0.5) and 0 < rates[4] < 0.05


def test_targets_are_the_answers_wherever_a_passage_is_cropped(corpus: Corpus) -> None:
    examples = _examples(corpus, Mix(cropped=1.0, longest=56))
    rows = [row for group in examples.epoch(0)[:40] for row in group if row.spans]
    for batch, part in examples.batches(rows, random.Random(0), 1024):
        for number, row in enumerate(part):
            start, end = (int(place) for place in batch.targets[number, 0])
            answer = examples.decode(batch.ids[number, start : end + 1].tolist())
            assert answer == _answer(corpus, row).lower()


def _answer(corpus: Corpus, row: Row) -> str:
    start, end = row.spans[0]
    return corpus.passages[row.passage].text[start:end]


def test_questions_set_apart_take_their_paragraphs_and_the_calibration_articles_with_them(data: Path) -> None:
    whole, _ = load(data, frozenset())
    fit, calibrate = load(data, frozenset(["Comments-2-river"]))
    assert len(fit.passages) == len(whole.passages) - 1
    assert not any(question.id.startswith("Comments-2-") for question in fit.questions)
    assert {passage.article for passage in calibrate.passages} == {CALIBRATION[0]}
    assert not {p.text for p in calibrate.passages} & {p.text for p in fit.passages}


def test_hard_negatives_are_other_passages_of_articles_without_the_answer(corpus: Corpus) -> None:
    for question in corpus.questions[:50]:
        assert question.hard and question.passage not in question.hard
        answers = {corpus.passages[question.passage].text[a:b] for a, b in question.spans}
        for number in question.hard:
            assert corpus.passages[number].wiki
            assert not any(answer in corpus.passages[number].text for answer in answers)


def test_an_epoch_is_the_same_for_the_same_seed_and_another_for_the_next(corpus: Corpus) -> None:
    assert _examples(corpus).epoch(1) == _examples(corpus).epoch(1)
    assert _examples(corpus).epoch(1) != _examples(corpus).epoch(2)


PASSAGE = "In 1998 Samsung supplied the cells. LG Chem supplied more of them after 2005, in Korea and in Poland."
OTHERS = (
    "Later the firm Panasonic moved. In May the group Northvolt and the group Volkswagen met in Sweden, 12,500 of them."
)


@pytest.mark.parametrize(
    "question",
    ["Who supplied cells with Samsung?", "What did LG Chem do after 2005?", "Which firm supplied the most cells?"],
)
def test_a_changed_question_differs_by_what_the_passage_lacks(question: str) -> None:
    pool = make_pool([PASSAGE, OTHERS], [])
    changed = [unanswerable(question, PASSAGE, pool, random.Random(seed)) for seed in range(40)]
    kept = [text for text in changed if text]
    assert kept and question not in kept
    names = {name for text in kept for name in ("Panasonic", "Northvolt", "Volkswagen") if name in text}
    assert not any(name in PASSAGE for name in names)
    if question.startswith("Who"):
        assert names


def test_a_question_that_nothing_can_be_changed_in_stays_out() -> None:
    assert unanswerable("why?", PASSAGE, make_pool([], []), random.Random(0)) is None


def test_the_score_of_the_acceptable_spans_is_never_above_that_of_all(trained: tuple[Training, list[float]]) -> None:
    batch = _some_batch(trained[0])
    with torch.inference_mode():
        any_span, wanted = log_odds(trained[0].model(batch.ids, batch.mask, batch.types), batch)
    assert (wanted <= any_span + 1e-4).all()


def _exported(path: Path, batch: Batch) -> list[np.ndarray]:
    """What an exported model gives for a batch."""
    import onnxruntime

    feeds = dict(zip(INPUTS, (part.numpy() for part in (batch.ids, batch.mask, batch.types)), strict=True))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def _some_batch(training: Training) -> Batch:
    rows = [row for group in training.examples.epoch(0)[:12] for row in group]
    return next(training.examples.batches(rows, random.Random(0), 4096))[0]
