"""Messages that ask more than one question: how they are divided, and how the answers are joined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.cite import Citation, CitedSentence
from rag.conversation.compound import join_answers, question_alone, single_questions
from rag.types import Answer, Passage, Refusal


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("what does the pump cost and how many are left?", ["what does the pump cost", "how many are left?"]),
        ("is there parking, and what does it cost", ["is there parking", "what does it cost"]),
        ("Can I bring a dog and do I need a muzzle?", ["Can I bring a dog", "do I need a muzzle?"]),
        ("How do I clean it? And how often?", ["How do I clean it?", "And how often?"]),
        ("Do you know who won and when the next match is?", ["Do you know who won", "when the next match is?"]),
        ("who runs it, what is the rent and who pays it", ["who runs it, what is the rent", "who pays it"]),
        ("where do I apply & how long does it take", ["where do I apply", "how long does it take"]),
    ],
)
def test_a_message_is_divided_into_its_questions(message: str, parts: list[str]) -> None:
    assert single_questions(message) == parts


@pytest.mark.parametrize(
    "message",
    [
        "who built the mill and when?",
        "what happens when it rains and when it snows?",
        "who supplies the cells and the motors?",
        "which tram was built here and is 34 m long?",
        "what is the difference between how they work and how they look?",
        "which of both is faster and which is cheaper?",
        "sum up what was decided and who does what",
        "rock and roll",
        "who pays for people who cook and who clean",
        "Tell me about the mill and the lake.",
        "",
        "and who pays",
    ],
)
def test_one_question_stays_one(message: str) -> None:
    assert single_questions(message) == [message]


def test_more_than_three_questions_are_searched_as_one() -> None:
    asked = "who built it and who owns it and who runs it"
    assert len(single_questions(asked)) == 3
    assert single_questions(f"{asked} and who pays for it") == [f"{asked} and who pays for it"]


def given(question: str, text: str, quotes: list[str], *, words: str = "") -> Answer:
    """Return an answer with one citation for each quote in a text, and bare words from the first."""
    citations, passages = [], []
    for number, quote in enumerate(quotes, 1):
        start = text.index(quote)
        place = (f"id {quote}", "a.txt", "A", None, "")
        citations.append(Citation(number, *place, None, start, start + len(quote), quote))
        passages.append(Passage(number, *place, 0, len(text), text, 0.5, True))
    sentences = [CitedSentence(words, (1,), words=True)] if words else []
    sentences += [CitedSentence(f"“{quote}”", (number,)) for number, quote in enumerate(quotes, 1)]
    score = 0.9 if words else 0.6
    form = "words" if words else "sentence"
    parts = (tuple(sentences), tuple(citations), tuple(passages))
    return Answer(question, "", False, score, *parts, form=form, timings={"total": 2.0})  # type: ignore[arg-type]


TEXT = "Ada runs the mill. Bo owns the mill. Cy paints it. Di sweeps it."


def test_words_come_first_and_citations_are_numbered_anew() -> None:
    first = given("who runs it", TEXT, ["Ada runs the mill."], words="Ada")
    second = given("who owns it", TEXT, ["Bo owns the mill.", "Ada runs the mill."], words="Bo")
    found = join_answers("who runs it and who owns it", [first, second])
    assert found.text == "Ada [1]\n\nBo [2]\n\n“Ada runs the mill.” [1]\n\n“Bo owns the mill.” [2]"
    assert [(one.number, one.quote) for one in found.citations] == [(1, "Ada runs the mill."), (2, "Bo owns the mill.")]
    assert all(TEXT[one.start : one.end] == one.quote for one in found.citations)
    assert (found.evidence_score, found.form, found.timings) == (0.9, "words", {"total": 4.0})
    assert found.searched == found.question == "who runs it and who owns it" and not found.corrected
    changed = join_answers("who runs it and who owns it", [first, replace(second, searched="who owns the mill")])
    assert changed.searched == "who runs it; who owns the mill" and changed.corrected


def test_each_question_quotes_two_sentences_and_passages_are_those_of_both() -> None:
    quotes = ["Ada runs the mill.", "Bo owns the mill.", "Cy paints it."]
    first, second = given("who", TEXT, quotes), given("what", TEXT, ["Di sweeps it."])
    found = join_answers("who and what", [first, second])
    assert [one.quote for one in found.citations] == [*quotes[:2], "Di sweeps it."]
    assert [one.rank for one in found.passages] == [1, 2, 3]
    cited = [one.article_id for one in found.passages if one.cited]
    assert cited == ["id Ada runs the mill.", "id Di sweeps it.", "id Bo owns the mill."]


def test_a_quote_inside_another_is_not_repeated() -> None:
    whole = "Ada runs the mill. Bo owns the mill."
    first, second = given("who", TEXT, [whole]), given("owns", TEXT, ["Bo owns the mill."], words="Bo")
    first = replace(first, citations=tuple(replace(one, article_id="id", answers=((0, 3),)) for one in first.citations))
    second = replace(
        second, citations=tuple(replace(one, article_id="id", answers=((19, 21),)) for one in second.citations)
    )
    found = join_answers("both", [first, second])
    assert found.text == f"“{whole}” [1]\n\nBo [1]"
    assert [(one.quote, one.answers) for one in found.citations] == [(whole, ((0, 3), (19, 21)))]


def test_a_question_without_an_answer_is_named() -> None:
    first = given("who runs it", TEXT, ["Ada runs the mill."], words="Ada")
    refused = Answer("who sold it", "The sources do not answer this.", True, refusal=Refusal("not_in_sources"))
    for answers in ([first, refused], [refused, first]):
        found = join_answers("both", answers)
        assert not found.refused and found.refusal is None and found.text.startswith("Ada [1]")
        assert found.notes == ("The sources do not answer: who sold it",)


def test_lists_stay_in_their_order() -> None:
    listed = given("which", TEXT, ["Cy paints it.", "Di sweeps it."])
    listed = replace(listed, form="list", sentences=tuple(replace(one, block="item") for one in listed.sentences))
    found = join_answers("both", [listed, given("who runs it", TEXT, ["Ada runs the mill."], words="Ada")])
    assert [one.text for one in found.sentences][-2:] == ["Ada", "“Ada runs the mill.”"] and found.form == "sentence"


@pytest.mark.parametrize(
    ("message", "alone"),
    [
        ("I am new here. which rooms does the handbook list?", "which rooms does the handbook list?"),
        ("The machine broke down half way. what do i get", "The machine broke down half way. what do i get"),
        (
            "We move on Friday. The van is full. where may I park it",
            "We move on Friday. The van is full. where may I park it",
        ),
        ("Is it open? I am in a hurry.", "Is it open? I am in a hurry."),
        ("who repairs the lift?", "who repairs the lift?"),
        ("", ""),
    ],
)
def test_statements_before_a_question_are_left_out_if_it_does_not_refer_to_them(message: str, alone: str) -> None:
    assert question_alone(message) == alone
