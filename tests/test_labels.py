"""Labels: when a passage or citation matches one, and the scores that follow; tables worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from index.build.generation import Generation, open_current
from index.build.write import Builder
from index.sync import sync
from rag.cite import Citation
from rag.evaluation.judge import judge_answer, prediction
from rag.evaluation.labels import Corpus, LabelPlace, credited
from rag.evaluation.questions import Label, Question
from rag.types import Answer, Passage

A, B = "000_fee8f80bb4d154f2.txt", "002_892b5bec6cb22725.txt"


def passage(rank: int, source: str, start: int, end: int) -> Passage:
    return Passage(rank, source, source, source, None, "", start, end, "x" * (end - start), 0.5, False)


def citation(number: int, source: str, start: int, end: int, quote: str = "", **more: Any) -> Citation:
    return Citation(number, source, source, source, None, "", None, start, end, quote or "x" * (end - start), **more)


QUOTE = LabelPlace(Label(A, "..."), ((100, 200),))
TWO = LabelPlace(Label(A), ((100, 110), (300, 310)))
WHOLE = LabelPlace(Label(A))
GONE = LabelPlace(Label(A, "..."), (), "it is gone")


@pytest.mark.parametrize(
    ("place", "source", "start", "end", "held", "covered"),
    [
        (QUOTE, A, 100, 200, True, True),
        (QUOTE, A, 0, 1000, True, True),
        (QUOTE, A, 101, 200, False, True),
        (QUOTE, A, 0, 150, False, True),  # half of the quote
        (QUOTE, A, 0, 149, False, False),  # 49 of its 100 characters
        (QUOTE, A, 180, 220, False, True),  # half of the citation
        (QUOTE, A, 181, 220, False, False),  # 19 of its 39 characters
        (QUOTE, A, 200, 300, False, False),
        (QUOTE, B, 100, 200, False, False),
        (TWO, A, 290, 320, True, True),  # either place counts
        (WHOLE, A, 5, 6, True, True),
        (WHOLE, B, 5, 6, False, False),
        (GONE, A, 0, 1000, False, False),
    ],
)
def test_a_passage_holds_the_whole_label_and_a_citation_covers_half_of_either(
    place: LabelPlace, source: str, start: int, end: int, held: bool, covered: bool
) -> None:
    assert place.lies_in(source, start, end) is held
    assert place.covered_by(citation(1, source, start, end)) is covered


def test_a_label_is_credited_once_at_the_first_passage_that_holds_it() -> None:
    near = LabelPlace(Label(A, "..."), ((150, 160),))
    ranked = [passage(1, B, 0, 500), passage(2, A, 90, 210), passage(3, A, 100, 400), passage(4, A, 140, 170)]
    assert credited([QUOTE, near], ranked) == [0, 2, 0, 0]
    assert credited([near, near], ranked) == [0, 2, 0, 0]
    assert credited([TWO], ranked) == [0, 1, 0, 0]
    assert credited([WHOLE], ranked) == [0, 1, 0, 0] and credited([], ranked) == [0, 0, 0, 0]


def test_the_prediction_is_the_first_answering_words_or_the_quote() -> None:
    marked = citation(1, A, 10, 27, "It made 1,000 jobs", answers=((18, 23), (10, 12)))
    assert prediction(Answer("q", "x", False, citations=(marked,))) == "1,000"
    assert (
        prediction(Answer("q", "x", False, citations=(citation(1, A, 10, 27, "It made 1,000 jobs"),)))
        == "It made 1,000 jobs"
    )
    assert prediction(Answer("q", "x", True)) == prediction(Answer("q", "Hello", False)) == ""


def scores(seeds: Generation, question: Question, answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = judge_answer(question, answer, Corpus(seeds))["scores"]
    return made


def test_scores_of_an_answer_with_a_right_a_wrong_and_a_false_citation(seeds: Generation) -> None:
    article = Corpus(seeds).article(A)
    assert article
    at = article.text.index("create 1,000 jobs")
    right = citation(1, A, at, at + 17, "create 1,000 jobs")
    other = citation(2, A, 0, 20, article.text[:20])
    false = citation(3, B, 0, 20, "words it never said!")
    labels = (Label(A, "create 1,000 jobs"), Label(B, "LG Chem"))
    ranked = (passage(1, A, 0, 50), passage(2, A, at - 5, at + 40), passage(3, A, at - 9, at + 50))
    question = Question("q", "How many jobs?", ("1,000 jobs",), True, labels)
    found = scores(seeds, question, Answer("q", "x", False, 0.7, citations=(right, other, false), passages=ranked))
    assert found["credits"] == [0, 1, 0] and found["mrr"] == found["recall@5"] == 0.5
    assert (found["success@1"], found["success@5"]) == (0, 1)
    assert found["citation_precision"] == [1, 3] and found["citation_recall"] == [1, 2] and found["verbatim"] == [2, 3]
    assert found["contains_answer"] == 1 and found["wrong"] == 0 and found["exact_match"] == 0
    assert found["token_f1"] == pytest.approx(2 * 2 / (3 + 2))


@pytest.mark.parametrize(
    ("question", "refused", "expected"),
    [
        (Question("q", "x", ("y",), True), True, {"wrong": 0, "token_f1": 0, "squad_v2_f1": 0, "contains_answer": 0}),
        (Question("q", "x", ("the",), True), True, {"exact_match": 0, "squad_v2_exact": 1}),
        (Question("q", "x", (), False), True, {"wrong": 0, "exact_match": None, "squad_v2_exact": 1, "mrr": None}),
        (Question("q", "x", (), False), False, {"wrong": 1, "squad_v2_exact": 1, "citation_precision": [0, 0]}),
        (Question("q", "x", (), True, (Label(A),)), False, {"wrong": None, "exact_match": None, "recall@5": 0}),
        (Question("q", "x"), False, {"wrong": None, "squad_v2_f1": None, "success@1": None, "forbidden_said": None}),
        (Question("q", "x", forbidden=("y", "HELLO!")), False, {"forbidden_said": 1}),
        (Question("q", "x", forbidden=("hell",)), False, {"forbidden_said": 0}),
    ],
)
def test_scores_of_an_answer_without_citations(
    seeds: Generation, question: Question, refused: bool, expected: dict[str, Any]
) -> None:
    found = scores(seeds, question, Answer("x", "Hello", refused))
    assert {name: found[name] for name in expected} == expected


def test_an_empty_corpus_contains_nothing(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    sync(builder, [tmp_path / "docs"])
    generation = open_current(builder.home)
    assert not Corpus(generation).says(["anything"])
    generation.close()
