"""The measures: values worked by hand, and agreement with reference implementations on generated data."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, R, Success, nDCG
from sklearn.metrics import brier_score_loss, roc_auc_score

from rag.cite import Citation, CitedSentence
from rag.evaluation import measures, statistics
from rag.evaluation.judge import misleads
from rag.evaluation.labels import LabelPlace
from rag.evaluation.questions import Label, Question
from rag.evaluation.statistics import Scores
from rag.types import Answer

WORDS = st.lists(st.sampled_from("the a an cat dog U.S. $1,000 1000 Ünder b. -- ’s THE".split()), max_size=6).map(
    " ".join
)
TEXT = st.one_of(WORDS, st.text(max_size=12))


# --- words ------------------------------------------------------------------------------------------------------------


class Reference:
    """The SQuAD v2 measures: no case, punctuation or articles; then tokens are counted."""

    @staticmethod
    def tokens(text: str) -> list[str]:
        lowered = text.lower()
        kept = [character for character in lowered if character not in set(string.punctuation)]
        return re.sub(r"\b(a|an|the)\b", " ", "".join(kept), flags=re.UNICODE).split()

    @classmethod
    def exact(cls, gold: str, predicted: str) -> int:
        return int(" ".join(cls.tokens(gold)) == " ".join(cls.tokens(predicted)))

    @classmethod
    def f1(cls, gold: str, predicted: str) -> float:
        golden, said = cls.tokens(gold), cls.tokens(predicted)
        same = sum((Counter(golden) & Counter(said)).values())
        if not golden or not said:
            return int(golden == said)
        if same == 0:
            return 0
        precision, recall = same / len(said), same / len(golden)
        return 2 * precision * recall / (precision + recall)

    @classmethod
    def best(cls, answers: list[str], predicted: str) -> tuple[float, float]:
        gold = [answer for answer in answers if cls.tokens(answer)] or [""]
        return max(cls.exact(a, predicted) for a in gold), max(cls.f1(a, predicted) for a in gold)


@settings(max_examples=500)
@given(TEXT, st.lists(TEXT, max_size=4))
def test_exact_match_and_f1_follow_the_squad_v2_definition(said: str, answers: list[str]) -> None:
    exact, f1 = measures.squad_v2(said, answers)
    expected = Reference.best(answers, said)
    assert exact == expected[0] and f1 == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("said", "answers", "exact", "f1"),
    [
        ("The LG Chem, Ltd.", ["LG Chem Ltd"], 1, 1),
        ("LG Chem and Samsung", ["LG Chem"], 0, 2 * 2 / (4 + 2)),
        ("in 2023", ["2023", "by 2023"], 0, 2 / 3),
        ("dog dog cat", ["dog"], 0, 2 * 1 / (3 + 1)),
        ("", ["x"], 0, 0),
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("the", ["a"], 1, 1),
    ],
)
def test_words_by_hand(said: str, answers: list[str], exact: float, f1: float) -> None:
    found = measures.squad_v2(said, answers)
    assert found[0] == exact and found[1] == pytest.approx(f1)


@pytest.mark.parametrize(
    ("quote", "answer", "right"),
    [
        ("It could create 1,000 jobs.", "1000 jobs", True),
        ("It could create 11,000 jobs.", "1000 jobs", False),
        ("a deal with the TDK", "deal with TDK", True),
        ("deal with TDK", "TDK deal", False),
        ("anything", "the", False),
        ("anything", "", False),
        ("", "x", False),
    ],
)
def test_contains_matches_a_run_of_whole_tokens(quote: str, answer: str, right: bool) -> None:
    assert measures.contains(quote, answer) is right


REFERENCE = "The deal between General Motors and TDK is expected to create around 1,000 new jobs in the United States."
ASKED = "How many jobs will the TDK deal create?"


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        # beyond the question: general, motor, expect, around, 1, 000, new, unit, state (the first text has four)
        ("Some 1,000 people will find work in the United States.", REFERENCE, True),
        ("Some 2,000 people will find work in the United States.", REFERENCE, False),
        ("The TDK deal will create jobs.", REFERENCE, False),
        (f"It is said: {REFERENCE}", REFERENCE, True),
        ("", REFERENCE, False),
        ("Some 1,000 new jobs", "1,000 jobs", False),
    ],
)
def test_a_text_states_a_long_reference_if_it_has_enough_of_its_content(text: str, answer: str, right: bool) -> None:
    assert measures.is_long(answer) is (answer == REFERENCE)
    assert measures.says(text, answer, ASKED) is right


@settings(max_examples=200)
@given(TEXT, TEXT, TEXT)
def test_a_text_that_contains_an_answer_states_it(text: str, answer: str, question: str) -> None:
    assert measures.says(text, answer, question) or not measures.contains(text, answer)
    assert 0 <= measures.content_covered(text, answer, question) <= 1


# --- the lead ---------------------------------------------------------------------------------------------------------


def answered(text: str, *, words: bool, refused: bool = False) -> Answer:
    """Return an answer that opens with `text` and cites characters 10 to 60 of a.txt."""
    quote = "x" * 50
    cited = (Citation(1, "id", "a.txt", "A", None, "", None, 10, 60, quote),)
    sentences = (CitedSentence(text, (1,), words), CitedSentence(f"“{quote}”", (1,)))
    return Answer(ASKED, "\n\n".join(map(str, sentences)), refused, 0.5, sentences, () if refused else cited)


HERE, ELSEWHERE = ((LabelPlace(Label("a.txt", "x"), ((at, at + 5),)),) for at in (55, 500))


@pytest.mark.parametrize(
    ("text", "words", "answers", "places", "misled"),
    [
        ("1,000 jobs", True, ["1,000"], (), False),  # contains the answer
        ("Mary T. Barra", True, ["CEO Mary Barra"], (), False),  # F1 2 * 2 / (3 + 3)
        ("Mary", True, ["Mary Barra, CEO of GM"], (), True),  # F1 2 * 1 / (1 + 5)
        ("Elon Musk", True, ["Mary Barra"], HERE, True),  # The opening words count, not the citation.
        ("1,000", True, [REFERENCE], (), False),  # part of a long reference
        ("Elon Musk", True, [REFERENCE], (), True),
        ("It creates 1,000 jobs.", False, ["1,000"], ELSEWHERE, False),
        ("It creates many jobs.", False, ["1,000"], HERE, False),  # overlaps the label
        ("It creates many jobs.", False, ["1,000"], ELSEWHERE, True),
        ("It creates many jobs.", False, ["1,000"], (), True),
        ("Yes", True, ["Yes, it does."], (), False),
        ("No, it does not.", False, ["yes"], HERE, True),  # The polarity counts, not the citation.
        ("Yes", True, ["Samsung SDI"], HERE, False),  # no polarity in the reference, so the citation counts
        ("Yes", True, ["Samsung SDI"], (), True),
    ],
)
def test_misleading_openings_worked_by_hand(
    text: str, words: bool, answers: list[str], places: tuple[LabelPlace, ...], misled: bool
) -> None:
    question = Question("q", ASKED, tuple(answers), True)
    assert misleads(question, answered(text, words=words), places) is misled


def test_any_answer_to_an_unanswerable_question_misleads() -> None:
    assert misleads(Question("q", ASKED, (), False), answered("1,000", words=True), HERE)


@settings(max_examples=200)
@given(TEXT, st.lists(TEXT.filter(measures.normalise), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_an_opening_with_an_acceptable_answer_never_misleads(
    text: str, answers: list[str], words: bool, placed: bool
) -> None:
    question = Question("q", ASKED, tuple(answers), True)
    said = f"The dog. {text} {answers[0]} cat".replace("\n", " ")
    assert not misleads(question, answered(said, words=words), HERE if placed else ())


# --- ranking ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.lists(st.booleans(), min_size=1, max_size=15), st.integers(0, 4))
def test_ranking_agrees_with_ir_measures(relevant: list[bool], missing_labels: int) -> None:
    labels = sum(relevant) + missing_labels
    if not labels:
        return
    qrels = [ir_measures.Qrel("q", f"d{n}", 1) for n, one in enumerate(relevant) if one]
    qrels += [ir_measures.Qrel("q", f"missing{n}", 1) for n in range(missing_labels)]
    ranked = [ir_measures.ScoredDoc("q", f"d{n}", float(-n)) for n in range(len(relevant))]
    wanted = [Success @ 1, Success @ 5, R @ 5, R @ 10, RR, nDCG @ 10]
    reference = ir_measures.calc_aggregate(wanted, qrels, ranked)
    credits = [int(one) for one in relevant]
    ours = {
        Success @ 1: measures.success_at(credits, 1),
        Success @ 5: measures.success_at(credits, 5),
        R @ 5: measures.recall_at(credits, 5, labels),
        R @ 10: measures.recall_at(credits, 10, labels),
        RR: measures.reciprocal_rank(credits),
        nDCG @ 10: measures.ndcg_at(credits, 10, labels),
    }
    for measure, value in ours.items():
        assert value == pytest.approx(reference[measure]), measure


def test_ranking_worked_by_hand() -> None:
    credits = [0, 2, 0, 1]  # The second passage holds two labels and the fourth another; the fourth label is nowhere.
    assert measures.success_at(credits, 1) == 0 and measures.success_at(credits, 5) == 1
    assert measures.recall_at(credits, 2, 4) == 0.5 and measures.recall_at(credits, 10, 4) == 0.75
    assert measures.reciprocal_rank(credits) == 0.5
    gained = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    assert measures.ndcg_at(credits, 10, 4) == pytest.approx(gained / ideal)
    assert measures.reciprocal_rank([]) == measures.recall_at([], 5, 1) == measures.ndcg_at([], 10, 1) == 0


# --- a run ------------------------------------------------------------------------------------------------------------


def row(
    answerable: bool | None, refused: bool, wrong: float | None, score: float | None, **more: Any
) -> dict[str, Any]:
    made: dict[str, Any] = dict.fromkeys(statistics.MEANS)
    made |= {name: [0, 0] for name in statistics.POOLED}
    made |= {"answerable": answerable, "refused": refused, "wrong": wrong, "evidence_score": score, "tags": []}
    return made | {"misled": None} | more


TABLE = [
    row(
        True,
        False,
        0.0,
        0.9,
        misled=1.0,
        exact_match=1.0,
        citation_precision=[2, 3],
        citation_recall=[1, 1],
        verbatim=[3, 3],
    ),
    row(
        True,
        False,
        1.0,
        0.7,
        misled=0.0,
        exact_match=0.0,
        citation_precision=[0, 1],
        citation_recall=[0, 2],
        verbatim=[1, 1],
    ),
    row(True, True, 0.0, 0.2, exact_match=0.0, citation_recall=[0, 1]),
    row(False, True, 0.0, None, tags=["foreign"]),
    row(False, False, 1.0, 0.4, misled=1.0, tags=["close"], verbatim=[1, 1]),
]


def test_a_table_worked_by_hand() -> None:
    scores = Scores(TABLE, never_refuse=False)
    assert scores.value("exact_match") == pytest.approx(1 / 3)
    assert scores.value("citation_precision") == 2 / 4
    assert scores.value("citation_recall") == 1 / 4
    assert scores.value("verbatim") == 1
    assert scores.value("coverage") == 3 / 5
    assert scores.value("risk") == pytest.approx(2 / 3)
    assert scores.value("misled") == pytest.approx(2 / 3) and scores.count("misled") == 3
    assert scores.value("refusal_precision") == 1 / 2
    assert scores.value("refusal_recall") == 1 / 2
    assert scores.value("refusal_f1") == 1 / 2
    assert scores.value("refusal_recall:foreign") == 1 and scores.value("refusal_recall:close") == 0
    # Answerable 0.9, 0.7, 0.2 against 0.4 and None (as 0): five of six pairs are in order.
    assert scores.value("evidence_auroc") == pytest.approx(5 / 6)
    assert scores.value("success@5") is None and scores.value("ece") is None
    assert scores.interval("success@5").to_json() == {"mean": None, "low": None, "high": None, "n": 0}
    assert scores.interval("exact_match").n == 3


def test_calibration_worked_by_hand() -> None:
    outcomes = [(0.9, 0.0), (0.9, 1.0), (0.6, 0.0), (0.5, 0.0), (0.1, 1.0)]
    scores = Scores([row(True, False, wrong, score) for score, wrong in outcomes], never_refuse=True)
    # Cumulative risk: 1/2 after the tie at 0.9, 1/3 at 0.6, 1/4 at 0.5, 2/5 at 0.1.
    assert scores.value("aurc") == pytest.approx((2 * 1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert scores.value("coverage@5%risk") == 0
    assert statistics.coverage_at_risk(*_sorted(outcomes), 0.34) == 4 / 5
    right = np.array([1 - wrong for _, wrong in outcomes])
    assert scores.value("brier") == pytest.approx(brier_score_loss(right, [score for score, _ in outcomes]))
    assert scores.value("brier_base_rate") == pytest.approx(0.6 * 0.4)
    # Ten bins over five answers: each answer has its own bin.
    assert scores.value("ece") == pytest.approx(np.mean([0.1, 0.9, 0.4, 0.5, 0.1]))


def _sorted(outcomes: list[tuple[float, float]]) -> tuple[statistics.Floats, statistics.Floats]:
    score, wrong = zip(*outcomes, strict=True)
    return np.array(score), np.array(wrong)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=2, max_size=30))
def test_auroc_agrees_with_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    if len({answerable for _, answerable in pairs}) < 2:
        return
    scores = Scores([row(answerable, True, 0.0, score) for score, answerable in pairs], never_refuse=False)
    expected = roc_auc_score([answerable for _, answerable in pairs], [score for score, _ in pairs])
    assert scores.value("evidence_auroc") == pytest.approx(expected)


def test_intervals_are_seeded_contain_the_mean_and_narrow_with_more_questions() -> None:
    few = Scores(TABLE, never_refuse=False).interval("coverage")
    assert few == Scores(TABLE, never_refuse=False).interval("coverage")
    many = Scores(TABLE * 20, never_refuse=False).interval("coverage")
    assert few.mean == many.mean
    assert few.low is not None and few.high is not None and many.low is not None and many.high is not None
    assert few.low <= 0.6 <= few.high and many.high - many.low < few.high - few.low
    # 100 questions of which 60 count: the interval of a binomial share is about +- 1.96 * sqrt(0.24 / 100).
    assert many.high - many.low == pytest.approx(2 * 1.96 * math.sqrt(0.24 / 100), rel=0.15)


def test_a_resample_weighs_rank_measures_like_repeated_rows() -> None:
    scores = Scores(TABLE, never_refuse=False)
    weights = scores._weights[3]
    repeated = [one for one, times in zip(TABLE, weights, strict=True) for _ in range(times)]
    for name in ("evidence_auroc", "coverage", "citation_recall"):
        expected = Scores(repeated, never_refuse=False).value(name)
        assert scores.samples(name)[3] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)
