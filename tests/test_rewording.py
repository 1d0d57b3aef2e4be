"""Rewording for training: questions about organisations that ask "who", and passages about organisations."""

from __future__ import annotations

import random

import pytest

from training.reader.rewording import ask_who, names, rename

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


def test_only_whole_names_are_used() -> None:
    assert names(["General Electric", "the BBC", "Sony.", "Sony", "of them all", "UN", "British men"]) == [
        "General Electric",
        "Sony",
    ]


def test_a_person_is_replaced_by_organisations_at_every_occurrence() -> None:
    span = (PASSAGE.index("Anna"), PASSAGE.index(" runs"))
    for seed in range(20):
        made = rename(PASSAGE, [span], ["Acme", "Boreal Glass", "Calder Works"], random.Random(seed))
        assert made
        text, spans = made
        assert "Anna" not in text and "Kovac" not in text and "Boris Lund" in text and len(spans) == 2
        (answer,) = {text[start:end] for start, end in spans}
        assert any(name in answer for name in ("Acme", "Boreal Glass", "Calder Works"))


def test_an_answer_that_is_not_a_name_is_not_replaced() -> None:
    start = PASSAGE.index("grain")
    assert rename(PASSAGE, [(start, start + 5)], ["Acme"], random.Random(0)) is None
