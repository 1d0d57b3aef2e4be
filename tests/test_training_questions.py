"""Generated training questions: as people type, about unstated attributes, on generated documents."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from index.text.words import words
from tests.conftest import ROOT
from training.reader.attributes import ask_unstated
from training.reader.data import TrainingCorpus
from training.reader.documents import generated
from training.reader.typed import retype
from training.reader.unanswerable import make_pool, unanswerable
from training.reader.yes_no import ask_yes_no

QUESTION = "When was the first Thornmill Bridge across the river opened?"


def test_retyped_questions_are_lower_case_without_a_question_mark() -> None:
    made = {retype(QUESTION, random.Random(seed)) for seed in range(200)}
    assert all(text and text == text.lower() and "?" not in text for text in made)
    assert "when was the first thornmill bridge across the river opened" in made
    assert "when first thornmill bridge across river opened" in made
    assert any(len(set(text.split()) - set(words(QUESTION))) == 1 for text in made)  # with a misspelt word


@pytest.mark.parametrize("question", ["", "?", "Why?", "été où", "a" * 5000])
def test_a_retyped_question_is_never_empty(question: str) -> None:
    for seed in range(30):
        assert retype(question, random.Random(seed)) or not question


def test_unstated_attributes_are_those_that_the_passage_does_not_mention() -> None:
    passage = "Selbri Works was founded in 1904 by Ada Dorlan, and has its seat in Norhal."
    made = {ask_unstated("Selbri Works", passage, random.Random(seed)) for seed in range(300)}
    assert len(made) > 8 and all(text is None or "Selbri Works" in text for text in made)
    assert not any(text and ("founded" in text or "based" in text or "years" in text) for text in made)


def test_names_in_lower_case_are_swapped_too() -> None:
    passage = "The song was sung by Lou Dorlan in 1976."
    pool = make_pool([f"It says that {passage}", "She said that Ida Norhal met a friend of Zeno Fenwal."], [])
    made = {unanswerable("what did lou dorlan sing", passage, pool, random.Random(seed)) for seed in range(60)}
    assert any(text and ("Ida Norhal" in text or "Zeno Fenwal" in text) for text in made)


def test_the_same_seed_generates_the_same_documents() -> None:
    assert generated(3, 26) == generated(3, 26) != generated(4, 26)


def test_generated_answers_are_whole_words_of_their_documents() -> None:
    made = generated(0, 260)
    answered = [question for question in made.questions if question.spans]
    assert 0.4 < len(answered) / len(made.questions) < 0.7
    for question in answered:
        text = made.passages[question.passage].text
        for start, end in question.spans:
            assert 0 <= start < end <= len(text) and not text[max(0, start - 1) : start].isalnum()
            assert not text[end : end + 1].isalnum()


def test_generated_documents_have_every_form() -> None:
    texts = [f"{p.heading}\n{p.text}" for p in generated(0, 130).passages]
    for mark in (" | ", "Opening hours:\n- ", "Action: ", "From: ", "?\n", "\n2. ", "said", "Please bring"):
        assert any(mark in text for text in texts), mark
    assert any(p.heading.count("\n") == 1 for p in generated(0, 130).passages)


@pytest.mark.parametrize("column", ["Price", "Cost"])
def test_a_cell_answers_only_for_its_row(column: str) -> None:
    made = generated(0, 260)
    for question in made.questions:
        text = made.passages[question.passage].text
        if not question.text.startswith("How much is the ") or f"| {column}: " not in text:
            continue
        thing = question.text.removeprefix("How much is the ").rstrip("?")
        row = next((line for line in text.splitlines() if f": {thing} |" in line), None)
        if question.spans:
            assert row and any(f"{column}: {text[a:b]}" in row for a, b in question.spans)
        else:
            assert row is None


def _questions_of(corpus: TrainingCorpus) -> set[str]:
    return {" ".join(words(question.text)) for question in corpus.questions}


def test_no_question_or_name_of_the_seeds_is_trained_on() -> None:
    made = generated(0, 780)
    rows = [json.loads(line) for line in (ROOT / "seeds" / "questions.jsonl").read_text("utf-8").splitlines()]
    ours = {" ".join(words(row["question"])) for row in rows} | {
        " ".join(words(text))
        for text in (
            "who supplies GM's cells?",
            "In which state will the plant be?",
            "What is GM's share price?",
            "When was Samsung SDI founded?",
        )
    }
    assert not _questions_of(made) & ours
    everything = " ".join(f"{p.heading} {p.text}" for p in made.passages) + " ".join(q.text for q in made.questions)
    held = set(words(everything)) | set(_words_of_the_code())
    assert not held & set(words("Samsung TDK CATL LG Chem Ultium Barra NYSE GM Motors cathode"))


def _words_of_the_code() -> list[str]:
    return [word for path in (ROOT / "training").rglob("*.py") for word in words(Path(path).read_text("utf-8"))]


def test_a_sentence_becomes_yes_no_questions_with_and_without_a_change() -> None:
    passage = "The bridge was opened in 1904, after a long delay. He liked it."
    made = {ask_yes_no(passage, random.Random(seed)) for seed in range(200)}
    spans = {question: passage[slice(*place)] for question, place in filter(None, made)}
    assert "Was the bridge opened in 1904?" in spans and len(spans) > 3
    assert all(text.startswith("Was the bridge ") for text in spans)
    assert set(spans.values()) == {"was opened in 1904, after a long delay"}


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The library opens at nine.", None),
        ("The fund includes all of its members.", "Does the fund include all of its members?"),
        ("Wooden ships have been lost near the coast.", "Have Wooden ships been lost near the coast?"),
        ("Guests can't bring their own food.", "Can Guests bring their own food?"),
    ],
)
def test_a_yes_no_question_begins_with_its_verb(sentence: str, question: str | None) -> None:
    made = {ask_yes_no(sentence, random.Random(seed)) for seed in range(50)}
    assert made == {None} if question is None else question in {one[0] for one in filter(None, made)}
