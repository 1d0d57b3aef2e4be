"""What speaks against answering words: they repeat the question, they report, they name nobody."""

from __future__ import annotations

import math

import pytest

from rag.reader.plausible import plausible
from rag.reader.spans import Answer, Found

PASSAGE = "Anna Kovac runs the mill. The mill buys its grain from Anna Kovac and sells it to Boris Lund."


def _found(*answers: tuple[str, float]) -> Found:
    made = [Answer(PASSAGE.index(words), PASSAGE.index(words) + len(words), score) for words, score in answers]
    total = math.log(sum(math.exp(score) for _, score in answers) + 0.01)
    return Found(total, tuple(sorted(made, key=lambda a: -a.score)))


def _left(question: str, found: Found) -> list[str]:
    return [PASSAGE[a.start : a.end] for a in plausible(question, [PASSAGE], [found])[0].answers]


def test_words_of_the_question_do_not_answer_it() -> None:
    found = _found(("its grain", 3.0), ("Boris Lund", 1.0), ("Anna Kovac", 0.5))
    assert _left("Who sells the grain?", found) == ["Boris Lund", "Anna Kovac"]
    left = plausible("Who sells the grain?", [PASSAGE], [found])[0]
    assert left.answers[0].score <= left.score < found.score
    assert _left("Who sells it, Anna Kovac or Boris Lund?", found)[0] == "its grain"
    assert _left("Who runs it?", found) == ["its grain", "Boris Lund", "Anna Kovac"]


def test_a_passage_with_nothing_else_does_not_answer() -> None:
    assert plausible("What about the grain?", [PASSAGE], [_found(("its grain", 3.0))]) == [Found()]


def test_the_long_form_of_initials_is_the_same_name() -> None:
    text = "World Grain Union members buy from Acme."
    found = Found(3.1, (Answer(0, 17, 3.0), Answer(text.index("Acme"), len(text) - 1, 1.0)))

    def left(question: str) -> list[str]:
        return [text[a.start : a.end] for a in plausible(question, [text], [found])[0].answers]

    assert left("Who sells to the WGU?") == ["Acme"]
    assert left("What does WGU stand for?")[0] == left("What is the WGU?")[0] == "World Grain Union"
    assert left("Who sells to the WFP?")[0] == "World Grain Union"


@pytest.mark.parametrize(
    ("text", "reporter", "other"),
    [
        ("Acme CEO Mira Holt said the firm buys its glass from Boreal.", "Mira Holt", "Boreal"),
        ("Mira Holt, head of Acme, told the Herald that glass came from Boreal.", "Mira Holt", "Boreal"),
        ("Glass came from Boreal, she told the Herald in May.", "Herald", "Boreal"),
        ("“Glass comes from Boreal,” said Mira Holt in May.", "Mira Holt", "Boreal"),
    ],
)
def test_whoever_reports_what_is_done_does_not_do_it(text: str, reporter: str, other: str) -> None:
    found = Found(3.1, tuple(_at(text, words, score) for words, score in ((reporter, 3.0), (other, 1.0))))

    def best(question: str) -> str:
        first = plausible(question, [text], [found])[0].answers[0]
        return text[first.start : first.end]

    assert best("Who supplies the glass?") == best("Which companies supply the glass?") == other
    for question in ("Who said so?", "Who is the head?", "What does it do?", "According to whom is it so?"):
        assert best(question) == reporter


def test_a_reporter_who_is_asked_for_by_title_or_speaks_of_itself_stays() -> None:
    text = "Minister Mira Holt said the mill closes. Acme said it will build another."
    for question, words in (("Which person is a minister?", "Mira Holt"), ("Who will build a mill?", "Acme")):
        found = Found(1.1, (_at(text, words, 1.0),))
        assert plausible(question, [text], [found]) == [found]


def test_a_question_for_a_name_prefers_one() -> None:
    text = "The mill buys from several farms, and from Anna Kovac."
    found = Found(2.5, (_at(text, "several farms", 2.0), _at(text, "Anna Kovac", 1.7)))
    after = plausible("From whom does the mill buy?", [text], [found])[0]
    assert [text[a.start : a.end] for a in after.answers] == ["Anna Kovac", "several farms"]
    assert after.answers[0].score <= after.score < found.score
    assert plausible("What does the mill buy?", [text], [found]) == [found]
    small = text.lower()
    assert plausible("From whom does the mill buy?", [small], [found])[0].answers[0] == found.answers[0]


def test_the_mark_of_a_list_is_no_answer() -> None:
    text = "2. Rooms\n\n3. Staff\n\nSee plan c, or ask 14 people."
    found = Found(4.1, (_at(text, "3", 4.0), _at(text, "c,", 1.0), _at(text, "14", 0.5)))
    answers = plausible("How many employees are there?", [text], [found])[0].answers
    assert [text[a.start : a.end] for a in answers] == ["c,", "14"]
    letter = text.index("plan c") + 5
    assert plausible("Which plan?", [text], [Found(2.0, (Answer(letter, letter + 1, 1.0),))]) == [Found()]


def _at(text: str, words: str, score: float) -> Answer:
    return Answer(text.index(words), text.index(words) + len(words), score)
