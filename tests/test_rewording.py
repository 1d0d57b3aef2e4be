"""What training asks in other words: "who" for organisations; and answers that repeat the question are dropped."""

from __future__ import annotations

import math
import random

import pytest

from rag.reader.echoes import without_echoes
from rag.reader.rewording import ask_who, names, rename
from rag.reader.spans import Answer, Found

PASSAGE = "Anna Kovac runs the mill. The mill buys its grain from Anna Kovac and sells it to Boris Lund."


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What company supplies the mill?", "Who supplies the mill?"),
        ("which football team won the first match?", "who won the first match?"),
        ("What organisation did Harvard found in 1900?", "Who did Harvard found in 1900?"),
        ("What company town grew there?", None),
        ("What group of lipids do fats belong to?", None),
        ("In what company did she work?", None),
        ("Who supplies the mill?", None),
        ("What prevents party members from leaving?", None),
        ("", None),
    ],
)
def test_questions_for_organisations_may_ask_who(question: str, expected: str | None) -> None:
    assert ask_who(question) == expected


def test_only_whole_names_are_names() -> None:
    assert names(["General Electric", "the BBC", "Sony.", "Sony", "of them all", "UN", "British men"]) == [
        "General Electric",
        "Sony",
    ]


def test_a_person_becomes_organisations_wherever_the_name_stands() -> None:
    span = (PASSAGE.index("Anna"), PASSAGE.index(" runs"))
    for seed in range(20):
        made = rename(PASSAGE, [span], ["Acme", "Boreal Glass", "Calder Works"], random.Random(seed))
        assert made
        text, spans = made
        assert "Anna" not in text and "Kovac" not in text and "Boris Lund" in text and len(spans) == 2
        (answer,) = {text[start:end] for start, end in spans}
        assert any(name in answer for name in ("Acme", "Boreal Glass", "Calder Works"))


def test_what_is_no_name_stays() -> None:
    start = PASSAGE.index("grain")
    assert rename(PASSAGE, [(start, start + 5)], ["Acme"], random.Random(0)) is None


def _found(*answers: tuple[str, float]) -> Found:
    made = [Answer(PASSAGE.index(words), PASSAGE.index(words) + len(words), score) for words, score in answers]
    total = math.log(sum(math.exp(score) for _, score in answers) + 0.01)
    return Found(total, tuple(sorted(made, key=lambda a: -a.score)))


def _left(question: str, found: Found) -> list[str]:
    return [PASSAGE[a.start : a.end] for a in without_echoes(question, [PASSAGE], [found])[0].answers]


def test_words_of_the_question_do_not_answer_it() -> None:
    found = _found(("its grain", 3.0), ("Boris Lund", 1.0), ("Anna Kovac", 0.5))
    assert _left("Who sells the grain?", found) == ["Boris Lund", "Anna Kovac"]
    left = without_echoes("Who sells the grain?", [PASSAGE], [found])[0]
    assert left.answers[0].score <= left.score < found.score
    assert _left("Who sells it, Anna Kovac or Boris Lund?", found)[0] == "its grain"
    assert _left("Who runs it?", found) == ["its grain", "Boris Lund", "Anna Kovac"]


def test_a_passage_with_nothing_else_does_not_answer() -> None:
    assert without_echoes("What about the grain?", [PASSAGE], [_found(("its grain", 3.0))]) == [Found()]


def test_the_long_form_of_initials_is_the_same_name() -> None:
    text = "World Grain Union members buy from Acme."
    found = Found(3.1, (Answer(0, 17, 3.0), Answer(text.index("Acme"), len(text) - 1, 1.0)))

    def left(question: str) -> list[str]:
        return [text[a.start : a.end] for a in without_echoes(question, [text], [found])[0].answers]

    assert left("Who sells to the WGU?") == ["Acme"]
    assert left("What does WGU stand for?")[0] == left("What is the WGU?")[0] == "World Grain Union"
    assert left("Who sells to the WFP?")[0] == "World Grain Union"
