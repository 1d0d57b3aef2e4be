"""The shipped reading model: answering words, comparable scores, no answers from bad input."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from index.errors import ModelError
from rag.reader.models import check_files, open_reader
from rag.reader.spans import MAX_PASSAGE_PIECES, MODEL, STRONG, PassageReading, SpanReader
from tests.nasty import NASTY

PASSAGE = (
    "General Motors recalled the Bolt in 2021. Its cells had been made by LG Chem in Poland and in South Korea. "
    "The recall cost 1.9 billion dollars, and Mary Barra apologised to customers."
)
OTHER = "The garden was laid out in 1790. Roses, lilies and tulips grow along its paths until the end of October."


@pytest.fixture(scope="module", params=[MODEL, STRONG], ids=["small", "strong"])
def reader(request: pytest.FixtureRequest) -> SpanReader:
    return open_reader(request.param, threads=2)


def words(found: PassageReading, passage: str) -> list[str]:
    return [passage[answer.start : answer.end] for answer in found.answers]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who made the cells of the Bolt?", "LG Chem"),
        ("How much did the recall cost?", "1.9 billion"),
        ("When was the Bolt recalled?", "2021"),
        ("Who apologised to customers?", "Mary Barra"),
    ],
)
def test_the_best_span_answers(reader: SpanReader, question: str, answer: str) -> None:
    assert answer in words(reader.read(question, [PASSAGE])[0], PASSAGE)[0]


def test_an_answering_passage_scores_higher_than_another(reader: SpanReader) -> None:
    other, passage = reader.read("Who made the cells of the Bolt?", [OTHER, PASSAGE])
    assert passage.score > other.score


def test_answers_do_not_overlap_and_are_sorted_by_score(reader: SpanReader) -> None:
    found = reader.read("Where were the cells made?", [PASSAGE], best=5)[0]
    places = sorted((answer.start, answer.end) for answer in found.answers)
    assert all(one[1] <= other[0] for one, other in pairwise(places))
    assert [a.score for a in found.answers] == sorted((a.score for a in found.answers), reverse=True)
    assert all(answer.score <= found.score for answer in found.answers)


def test_a_batch_gives_the_same_readings_as_single_passages(reader: SpanReader) -> None:
    texts = [PASSAGE, OTHER, PASSAGE[:41], OTHER + " " + PASSAGE]
    together = reader.read("When was the Bolt recalled?", texts)
    for text, found in zip(texts, together, strict=True):
        assert reader.read("When was the Bolt recalled?", [text]) == [found]


def test_a_long_passage_is_read_to_its_end(reader: SpanReader) -> None:
    long = " ".join([OTHER] * 40 + [PASSAGE])
    assert len(reader.offsets(long)) > 3 * MAX_PASSAGE_PIECES
    found = reader.read("Who made the cells of the Bolt?", [long])[0]
    assert "LG Chem" in words(found, long)[0]
    assert found.answers[0].start > len(long) - len(PASSAGE)


@pytest.mark.parametrize("passage", ["", "   ", "\n", "\x00", "\u200b"])
def test_a_passage_without_words_has_no_answers(reader: SpanReader, passage: str) -> None:
    assert reader.read("When?", [passage]) == [PassageReading(-math.inf, ())]


@pytest.mark.parametrize("question", ["", " ", "\x00\x00", "word " * 10_000, "x" * 10_000])
def test_an_unreadable_question_has_no_answers(reader: SpanReader, question: str) -> None:
    assert reader.read(question, [PASSAGE, OTHER]) == [PassageReading(), PassageReading()]


@pytest.mark.slow
@pytest.mark.parametrize("text", NASTY)
def test_any_text_gives_valid_spans_with_finite_scores(reader: SpanReader, text: str) -> None:
    for found in reader.read(text[:400] or "?", [text[:20_000], PASSAGE]):
        for answer in found.answers:
            assert 0 <= answer.start < answer.end and math.isfinite(answer.score)


def test_no_passages_give_no_readings(reader: SpanReader) -> None:
    assert reader.read("Who?", []) == []


def test_the_shipped_files_match_their_checksums_and_size_limits() -> None:
    for folder, most in ((MODEL, 25_000_000), (STRONG, 115_000_000)):
        check_files(folder)
        sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
        assert sum(sizes) <= most and max(sizes) <= 95_000_000


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models") / "strong"
    yield shutil.copytree(STRONG, folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["layers.bin", "words.bin", "reader.int8.onnx", "tokenizer.json"])
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_missing_or_damaged_model_file_is_named_with_the_remedy(copied: Path, name: str, harm: str) -> None:
    (copied / name).unlink()
    if harm == "cut":
        (copied / name).write_bytes((STRONG / name).read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"can't be opened .*git checkout -- "):
        open_reader(copied)
    with pytest.raises(ModelError, match=rf"{re.escape(name)} is not the file that was shipped.*git checkout -- "):
        check_files(copied)
    shutil.copyfile(STRONG / name, copied / name)


def test_a_model_without_checksums_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"checksums.sha256 is not there.*git checkout -- "):
        check_files(tmp_path)
