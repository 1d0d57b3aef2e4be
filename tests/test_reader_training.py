"""A short training of the reader on generated articles, for both bases: it learns, resumes and exports."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from index.encoder.embedder import find_float32
from rag.reader.spans import MODEL, NETWORK
from training.reader.base import load_encoder
from training.reader.checkpoint import CHECKPOINT, USABLE, load_checkpoint
from training.reader.data import (
    CALIBRATION,
    TrainingCorpus,
    TrainingPassage,
    TrainingQuestion,
    join_corpora,
    load,
    with_hard_negatives,
)
from training.reader.documents import generated
from training.reader.everyday import corpus_of, cut_documents, read_bundles, split_documents, with_other_documents
from training.reader.examples import HEADED, ExampleRow, Examples, Mix, Share
from training.reader.export import FULL, export_float32, export_int8
from training.reader.model import Batch, SpanModel, log_odds, span_scores
from training.reader.restore import restored
from training.reader.train import ReaderRecipe, ReaderTraining, run
from training.reader.unanswerable import make_pool, unanswerable

pytestmark = pytest.mark.slow

_SYLLABLES = "ba do ke li mo nu pa ri so tu va wen zor gal fen".split()
_JOBS = "capital mayor river founder museum".split()


def _name(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(3)).capitalize()


def _article(title: str, rng: random.Random, paragraphs: int) -> dict[str, object]:
    """Return a SQuAD article with five answerable and one open question per paragraph."""
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
    """Return a folder laid out like the public data sets."""
    folder, rng = tmp_path_factory.mktemp("data"), random.Random(0)
    files = {
        "squad/train.json.gz": [_article("Lands", rng, 40), _article(CALIBRATION[0], rng, 5)],
        "squadshifts/new_wiki_v1.0.json.gz": [_article("Isles", rng, 10)],
        "natural/train.json.gz": [_article("Towns", rng, 4)],
        "squadshifts/reddit_v1.0.json.gz": [_article("Comments", rng, 5)],
        "squadshifts/amazon_reviews_v1.0.json.gz": [_article("Reviews", rng, 5)],
    }
    for name, articles in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(gzip.compress(json.dumps({"data": articles}).encode()))
    return folder


@pytest.fixture(scope="module")
def corpus(data: Path) -> TrainingCorpus:
    return with_hard_negatives(load(data, frozenset())[0])


def _examples(corpus: TrainingCorpus, mix: Mix | None = None) -> Examples:
    return Examples(corpus, find_float32().folder / "tokenizer.json", mix or Mix(), 0)


@pytest.fixture(scope="module")
def mpnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny, random encoder of the kind of all-mpnet-base-v2."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from transformers import MPNetConfig, MPNetModel

    folder = tmp_path_factory.mktemp("mpnet")
    words = "the of is called what how deep lake ? .".split() + _JOBS
    parts = [f"##{part}" for part in (*_SYLLABLES, *"abcdefghijklmnopqrstuvwxyz")]
    pieces = ["<s>", "<pad>", "</s>", "[UNK]", *words, *_SYLLABLES, *"abcdefghijklmnopqrstuvwxyz", *parts]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = MPNetConfig(
        vocab_size=2000,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=96,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def _tiny(corpus: TrainingCorpus, folder: Path, recipe: ReaderRecipe, mix: Mix | None = None) -> ReaderTraining:
    """Return a training of the tiny encoder with its lowest layer frozen."""
    torch.manual_seed(0)
    examples = Examples(corpus, folder / "tokenizer.json", mix or Mix(), 0)
    return ReaderTraining(examples, recipe, "cpu", model=SpanModel(load_encoder(folder), frozen=1))


_SHORT = ReaderRecipe(steps=40, groups=8, rate=5e-3, warm_up=4)


@pytest.fixture(scope="module")
def tiny(corpus: TrainingCorpus, mpnet: Path) -> tuple[ReaderTraining, list[float]]:
    """Return a tiny model trained on a few hundred examples, and its losses."""
    training = _tiny(corpus, mpnet, _SHORT)
    return training, [training.run_step() for _ in range(_SHORT.steps)]


@pytest.fixture(scope="module")
def trained(corpus: TrainingCorpus) -> tuple[ReaderTraining, list[float]]:
    """Return a model trained on a few hundred examples, and its losses."""
    training = ReaderTraining(_examples(corpus), ReaderRecipe(steps=36, groups=8, rate=3e-4, warm_up=4), "cpu")
    return training, [training.run_step() for _ in range(36)]


def test_the_loss_falls(trained: tuple[ReaderTraining, list[float]]) -> None:
    losses = trained[1]
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:6])


def test_the_loss_of_the_strong_base_falls(tiny: tuple[ReaderTraining, list[float]]) -> None:
    losses = tiny[1]
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:6])


@pytest.mark.parametrize("which", ["trained", "tiny"])
def test_the_float32_export_gives_the_scores_of_the_trained_model(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    training = request.getfixturevalue(which)[0]
    model = training.model.eval()
    export_float32(model, tmp_path / FULL)
    batch = _some_batch(training)
    with torch.inference_mode():
        expected = model(batch.ids, batch.mask, batch.types)
    outputs = _exported(tmp_path / FULL, batch, model)
    inside = batch.mask.numpy().astype(bool)
    for got, wanted in zip(outputs, expected, strict=True):
        difference = np.abs(got - wanted.numpy())
        assert (difference[inside] if got.ndim > 1 else difference).max() < 1e-3


def test_the_int8_export_of_the_strong_base_chooses_the_same_spans(
    tiny: tuple[ReaderTraining, list[float]], tmp_path: Path
) -> None:
    model, batch = tiny[0].model.eval(), _some_batch(tiny[0])
    export_int8(model, tmp_path / NETWORK, [batch])
    with torch.inference_mode():
        expected = span_scores(model(batch.ids, batch.mask), batch.passage).flatten(1).argmax(1)
    parts = tuple(torch.from_numpy(part) for part in _exported(tmp_path / NETWORK, batch, model))
    assert (span_scores(parts, batch.passage).flatten(1).argmax(1) == expected).float().mean() > 0.8


def test_the_int8_export_is_small_and_chooses_the_same_spans(
    trained: tuple[ReaderTraining, list[float]], tmp_path: Path
) -> None:
    model = trained[0].model.eval()
    export_int8(model, tmp_path / NETWORK, [_some_batch(trained[0])])
    assert (tmp_path / NETWORK).stat().st_size < 25_000_000
    batch = _some_batch(trained[0])
    with torch.inference_mode():
        expected = span_scores(model(batch.ids, batch.mask, batch.types), batch.passage).flatten(1).argmax(1)
    outputs = _exported(tmp_path / NETWORK, batch, model)
    parts = tuple(torch.from_numpy(part) for part in outputs)
    chosen = span_scores(parts, batch.passage).flatten(1).argmax(1)
    assert (chosen == expected).float().mean() > 0.8


def test_exporting_does_not_change_the_model(trained: tuple[ReaderTraining, list[float]], tmp_path: Path) -> None:
    model = trained[0].model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_int8(model, tmp_path / NETWORK, [_some_batch(trained[0])])
    after = model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_the_shipped_reader_can_be_trained_further(corpus: TrainingCorpus) -> None:
    model = restored().eval()
    batch = _some_batch(ReaderTraining(_examples(corpus), ReaderRecipe(), "cpu"))
    with torch.inference_mode():
        expected = model(batch.ids, batch.mask, batch.types)
    outputs = _exported(MODEL / NETWORK, batch, model)
    inside = batch.mask.numpy().astype(bool)
    for got, wanted in zip(outputs, expected, strict=False):  # The shipped model has no scores of sentences.
        both = [part[inside] if part.ndim > 1 else part for part in (got, wanted.numpy())]
        assert np.corrcoef(both[0].ravel(), both[1].ravel())[0, 1] > 0.99
    training = ReaderTraining(
        _examples(corpus), ReaderRecipe(steps=12, groups=8, rate=1e-4, warm_up=2), "cpu", model=model
    )
    losses = [training.run_step() for _ in range(12)]
    assert training.model is model and np.mean(losses[-4:]) < np.mean(losses[:4])


@pytest.mark.parametrize("base", ["small", "strong"])
def test_a_resumed_run_equals_an_unbroken_run(base: str, corpus: TrainingCorpus, mpnet: Path, tmp_path: Path) -> None:
    def begin() -> ReaderTraining:
        recipe = ReaderRecipe(steps=4, groups=3, warm_up=1)
        return (
            ReaderTraining(_examples(corpus), recipe, "cpu")
            if base == "small"
            else _tiny(corpus, mpnet, recipe, HEADED)
        )

    straight = begin()
    losses = [straight.run_step() for _ in range(4)]
    first = begin()
    assert [first.run_step() for _ in range(2)] == losses[:2]
    first.save(tmp_path)
    second = begin()
    second.resume(tmp_path / CHECKPOINT)
    assert [second.run_step() for _ in range(2)] == losses[2:]
    assert (second.rows, second.pieces) == (straight.rows, straight.pieces)
    assert all(torch.equal(value, straight.average[name]) for name, value in second.average.items())


def test_a_run_ends_with_a_checkpoint_a_usable_model_and_its_losses(
    corpus: TrainingCorpus, mpnet: Path, tmp_path: Path
) -> None:
    training = _tiny(corpus, mpnet, ReaderRecipe(steps=3, groups=2, warm_up=1))
    run(training, tmp_path, log_every=1)
    lines = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    batch = _some_batch(training)
    for name in (CHECKPOINT, USABLE):
        model, tokenizer = load_checkpoint(tmp_path / name)
        assert tokenizer == training.examples.tokenizer_json
        averaged = training.model.state_dict() | training.average
        assert all(torch.equal(value, averaged[key]) for key, value in model.state_dict().items())
        assert model(batch.ids, batch.mask)[4].isfinite().all()
    assert not list(tmp_path.glob("*.partial"))


def test_a_stage_ends_after_its_hours(corpus: TrainingCorpus, mpnet: Path, tmp_path: Path) -> None:
    training = _tiny(corpus, mpnet, ReaderRecipe(steps=10**6, groups=1))
    run(training, tmp_path, hours=1e-9)
    assert training.step == 0 and (tmp_path / CHECKPOINT).is_file() and (tmp_path / USABLE).is_file()


def test_a_checkpoint_of_another_base_is_refused_with_the_remedy(
    corpus: TrainingCorpus, mpnet: Path, tmp_path: Path
) -> None:
    _tiny(corpus, mpnet, ReaderRecipe(steps=1)).save(tmp_path)
    with pytest.raises(SystemExit, match="--base"):
        ReaderTraining(_examples(corpus), ReaderRecipe(), "cpu").resume(tmp_path / CHECKPOINT)
    (tmp_path / USABLE).write_bytes(b"no weights")
    with pytest.raises(SystemExit, match="no checkpoint"):
        load_checkpoint(tmp_path / USABLE)


def test_exactly_the_frozen_weights_are_unchanged(tiny: tuple[ReaderTraining, list[float]], mpnet: Path) -> None:
    before, after = load_encoder(mpnet).state_dict(), tiny[0].model.encoder.state_dict()
    still = {name for name, value in before.items() if torch.equal(value, after[name])}
    frozen = ("embeddings.", "encoder.layer.0.", "encoder.relative_attention_bias.")
    assert {name for name in before if name.startswith(frozen)} == still


def test_padding_does_not_change_the_scores_of_the_strong_base(tiny: tuple[ReaderTraining, list[float]]) -> None:
    model, batch = tiny[0].model.eval(), _some_batch(tiny[0])
    shortest = int(batch.mask.sum(1).argmin())
    length = int(batch.mask[shortest].sum())
    assert length < batch.ids.shape[1]
    with torch.inference_mode():
        together = [part[shortest] for part in model(batch.ids, batch.mask)]
        alone = [part[0] for part in model(batch.ids[[shortest], :length], batch.mask[[shortest], :length])]
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one[:length] if one.ndim else one, other, atol=1e-4)


def test_the_learning_rate_warms_up_stays_constant_and_decays() -> None:
    recipe = ReaderRecipe(steps=100, rate=1.0, warm_up=10, decay=0.4)
    rates = [recipe.rate_at(step) for step in (0, 9, 59, 80, 99)]
    assert rates[0] == pytest.approx(0.1) and rates[1] == rates[2] == 1.0
    assert rates[3] == pytest.approx(0.5) and 0 < rates[4] < 0.05


def test_targets_are_the_answers_wherever_a_passage_is_cropped(corpus: TrainingCorpus) -> None:
    examples = _examples(corpus, Mix(cropped=1.0, longest=56))
    rows = [row for group in examples.epoch(0)[:40] for row in group if row.spans]
    for batch, part in examples.batches(rows, random.Random(0), 1024):
        for number, row in enumerate(part):
            start, end = (int(place) for place in batch.targets[number, 0])
            answer = examples.decode(batch.ids[number, start : end + 1].tolist())
            assert answer == _answer(corpus, row).lower()


def test_sentences_of_a_row_are_whole_and_hold_its_answers(corpus: TrainingCorpus) -> None:
    examples = _examples(corpus, Mix(cropped=1.0, longest=56))
    rows = [row for group in examples.epoch(0)[:40] for row in group]
    for batch, part in examples.batches(rows, random.Random(0), 1024):
        for number, row in enumerate(part):
            held = []
            for (start, end), holds in zip(batch.sentences[number].tolist(), batch.holds[number].tolist(), strict=True):
                if start < 0:
                    continue
                sentence = examples.decode(batch.ids[number, start : end + 1].tolist())
                assert sentence.startswith("the ") and sentence.endswith(".")
                held += [sentence] if holds == 1 else []
            assert len(held) == bool(row.spans) and all(_answer(corpus, row).lower() in sentence for sentence in held)


def test_a_sentence_that_repeats_the_answer_elsewhere_is_not_a_target() -> None:
    text = "The mayor is Wenzor. Later Wenzor left. The river is deep."
    made = TrainingCorpus(
        [TrainingPassage(text, "Towns", "wiki")], [TrainingQuestion("1", "Who is the mayor?", 0, ((13, 19),))]
    )
    examples = _examples(made, Mix(cropped=0.0, reworded=0.0))
    batch = next(examples.batches(examples.epoch(0)[0], random.Random(0), 1024))[0]
    assert batch.holds[0].tolist() == [1, -1, 0]


def test_a_heading_is_read_above_the_passage_and_is_never_a_target() -> None:
    text = "It is two weeks."
    passage = TrainingPassage(text, "1", "generated", "Rules\nNotice period")
    made = TrainingCorpus([passage], [TrainingQuestion("1", "How long is the notice period?", 0, ((6, 15),))])
    examples = _examples(made, Mix(kinds={"generated": Share()}, headed=0.5, typed=0.0))
    batch = next(examples.batches(examples.epoch(0)[0], random.Random(0), 1024))[0]
    second = batch.ids[0][batch.types[0].bool()].tolist()
    assert examples.decode(second) == "rules notice period it is two weeks."
    assert examples.decode(batch.ids[0][batch.passage[0]].tolist()) == "it is two weeks."


def test_a_row_with_answers_too_long_for_a_span_is_dropped() -> None:
    text = "word " * 60
    made = TrainingCorpus([TrainingPassage(text, "1", "wiki")], [TrainingQuestion("1", "Which words?", 0, ((0, 299),))])
    examples = _examples(made, Mix(cropped=0.0))
    assert not list(examples.batches(examples.epoch(0)[0], random.Random(0), 1024))


_BUNDLE = """=== notice.md
# Pool rules

## Children

Under eights swim with an adult. The small pool is 60 cm deep.

## Prices

A ticket is 4.50; the second of a day is 2.00.

--- questions
q: how deep is the kids' pool
a: 60 cm
q: can my 6 year old go alone
a: Under eights swim with an adult || swim with an adult
q: who teaches swimming
a: -
=== keys.csv
Room,Key
Attic,14
Cellar,9

--- questions
q: which key opens the cellar
a: 9
"""


def test_everyday_documents_are_chunked_as_the_index_does(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(_BUNDLE, "utf-8")
    made = corpus_of(cut_documents(read_bundles(tmp_path)))
    by_question = {
        question.text: (made.passages[question.passage], made.passages[question.passage].text, question.spans)
        for question in made.questions
    }
    passage, text, spans = by_question["can my 6 year old go alone"]
    assert [text[a:b] for a, b in spans] == ["Under eights swim with an adult", "swim with an adult"]
    assert passage.kind == "everyday" and passage.heading.splitlines() == ["Pool rules (Notice)"]
    assert by_question["who teaches swimming"][2] == ()
    _, text, ((start, end),) = by_question["which key opens the cellar"]
    assert text[start:end] == "9" and "Cellar" in text[:start]


def test_a_repeated_answer_is_located_by_the_words_of_the_question(tmp_path: Path) -> None:
    text = "The hall is let for 20 euros.\n\nA deposit for the kitchen is 20 euros.\n"
    questions = "q: deposit kitchen\na: 20 euros\nq: price of the hall\na: 20 euros\n"
    (tmp_path / "one.txt").write_text(f"=== rent.txt\n{text}\n--- questions\n{questions}", "utf-8")
    made = cut_documents(read_bundles(tmp_path))[0]
    assert [one.spans[0][0] for one in made.asked] == [text.rindex("20"), text.index("20")]


def test_passages_of_other_documents_only_oppose_a_question_that_means_its_own(tmp_path: Path) -> None:
    names = ("Aldo", "Bram", "Cleo", "Dora", "Edda", "Finn")
    bundle = "".join(
        f"=== {name}.txt\nThe ferry {name} carries {90 + n} passengers and leaves at {n + 6} in the morning.\n\n"
        f"--- questions\nq: how many passengers does the {name} carry\na: {90 + n}\n"
        f"q: when does the ferry leave in the morning\na: {n + 6}\n"
        for n, name in enumerate(names)
    )
    (tmp_path / "one.txt").write_text(bundle, "utf-8")
    made = with_other_documents(corpus_of(cut_documents(read_bundles(tmp_path))))
    for question in made.questions:
        others = {made.passages[number].article for number in question.hard}
        assert len(others) == (len(names) - 1 if "passengers" in question.text else 0)
        assert made.passages[question.passage].article not in others


def test_a_bundle_without_an_answer_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("=== rent.txt\nThe hall.\n\n--- questions\nq: price\n", "utf-8")
    with pytest.raises(ValueError, match=r"one\.txt, rent\.txt: expected pairs"):
        read_bundles(tmp_path)


def test_the_shipped_bundles_contain_their_answers() -> None:
    every = read_bundles()[::24]
    made = cut_documents(every)
    assert sum(len(one.asked) for one in made) > 0.98 * sum(len(one.asked) for one in every)
    use, apart = split_documents(made)
    assert len(use) + len(apart) == len(made) and len(apart) == len(made) // 8


def _answer(corpus: TrainingCorpus, row: ExampleRow) -> str:
    start, end = row.spans[0]
    return corpus.passages[row.passage].text[start:end]


def test_held_out_questions_take_their_paragraphs_and_the_calibration_articles_are_held_out(data: Path) -> None:
    whole, _ = load(data, frozenset())
    fit, calibrate = load(data, frozenset(["Comments-2-river"]))
    assert len(fit.passages) == len(whole.passages) - 1
    assert not any(question.id.startswith("Comments-2-") for question in fit.questions)
    assert {passage.article for passage in calibrate.passages} == {CALIBRATION[0]}
    assert not {p.text for p in calibrate.passages} & {p.text for p in fit.passages}


def test_about_half_of_the_rows_are_unanswerable_and_half_of_the_questions_are_as_typed(
    data: Path, mpnet: Path
) -> None:
    fit = join_corpora(with_hard_negatives(load(data, frozenset())[0]), generated(0, 26))
    examples = Examples(fit, mpnet / "tokenizer.json", HEADED, 0)
    groups = examples.epoch(0)
    rows = [row for group in groups for row in group]
    assert 0.35 < sum(not row.spans for row in rows) / len(rows) < 0.6
    natural = [g for g in groups if examples.corpus.passages[g[0].passage].kind == "natural"]
    assert len(natural) == 6 * sum(fit.passages[q.passage].kind == "natural" for q in fit.questions)
    questions = [row.question for row in rows]
    assert (
        0.4 < sum(question == question.lower() and "?" not in question for question in questions) / len(questions) < 0.7
    )


def test_siblings_are_passages_of_the_same_article_without_the_answer(corpus: TrainingCorpus) -> None:
    examples = _examples(corpus, Mix(kinds={"wiki": Share(sibling=1.0)}, reworded=0.0))
    for group in examples.epoch(0)[:60]:
        for row in group[1:]:
            own, other = (examples.corpus.passages[number] for number in (group[0].passage, row.passage))
            assert own.article == other.article and own != other and not row.spans
            assert _answer(corpus, group[0]) not in other.text


def test_hard_negatives_are_article_passages_without_the_answer(corpus: TrainingCorpus) -> None:
    for question in corpus.questions[:50]:
        assert question.hard and question.passage not in question.hard
        answers = {corpus.passages[question.passage].text[a:b] for a, b in question.spans}
        for number in question.hard:
            assert corpus.passages[number].wiki
            assert not any(answer in corpus.passages[number].text for answer in answers)


def test_the_same_seed_gives_the_same_epoch_and_each_epoch_differs(corpus: TrainingCorpus) -> None:
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
def test_a_changed_question_names_something_that_the_passage_lacks(question: str) -> None:
    pool = make_pool([PASSAGE, OTHERS], [])
    changed = [unanswerable(question, PASSAGE, pool, random.Random(seed)) for seed in range(40)]
    kept = [text for text in changed if text]
    assert kept and question not in kept
    names = {name for text in kept for name in ("Panasonic", "Northvolt", "Volkswagen") if name in text}
    assert not any(name in PASSAGE for name in names)
    if question.startswith("Who"):
        assert names


def test_a_question_with_nothing_to_change_is_dropped() -> None:
    assert unanswerable("why?", PASSAGE, make_pool([], []), random.Random(0)) is None


def test_the_score_of_the_acceptable_spans_never_exceeds_that_of_all_spans(
    trained: tuple[ReaderTraining, list[float]],
) -> None:
    batch = _some_batch(trained[0])
    with torch.inference_mode():
        any_span, wanted = log_odds(trained[0].model(batch.ids, batch.mask, batch.types), batch)
    assert (wanted <= any_span + 1e-4).all()


def _exported(path: Path, batch: Batch, model: SpanModel) -> list[np.ndarray]:
    """Return the outputs of an exported model for a batch."""
    import onnxruntime

    feeds = {name: getattr(batch, name).numpy() for name in model.layout.inputs}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def _some_batch(training: ReaderTraining) -> Batch:
    rows = [row for group in training.examples.epoch(0)[:12] for row in group]
    return next(training.examples.batches(rows, random.Random(0), 4096))[0]
