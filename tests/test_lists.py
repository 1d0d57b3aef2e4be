"""Lists: members of an enumeration are joined into one answer; questions that ask for several things are recognised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.chunk import Chunk
from rag.reader import Evidence
from rag.reader.lists import join_members, with_enumeration
from rag.reader.names import asks_for_several
from rag.reader.spans import AnswerSpan
from rag.retrieve import Hit


def _answers(text: str, *pairs: tuple[str, float]) -> list[AnswerSpan]:
    return [AnswerSpan(text.index(words), text.index(words) + len(words), score) for words, score in pairs]


@pytest.mark.parametrize(
    ("text", "members", "expected"),
    [
        (
            "They buy from Acme Ltd, Boreal Glass Co Ltd and Norway’s Calder Works Co Ltd (CW). Prices rose.",
            [("Acme", 2.0), ("Boreal Glass Co Ltd", 1.0), ("Calder Works Co Ltd (CW)", 0.5)],
            ["Acme Ltd, Boreal Glass Co Ltd and Norway’s Calder Works Co Ltd (CW)"],
        ),
        ("copper, tin and zinc are mined", [("tin", 1.0), ("zinc", 1.0), ("copper", 0.0)], ["copper, tin and zinc"]),
        ("Anna sold it to Boris in 1901", [("Anna", 1.0), ("Boris", 1.0)], ["Anna", "Boris"]),
        ("It opened in Rome. And Paris followed.", [("Rome", 1.0), ("Paris", 1.0)], ["Rome", "Paris"]),
        ("copper, tin and zinc", [("copper", 5.0), ("zinc", -5.0)], ["copper", "zinc"]),
        ("Anna or her mother, who wrote, or Boris", [("Anna", 1.0), ("Boris", 1.0)], ["Anna", "Boris"]),
        ("Peter Peter", [("Peter", 1.0)], ["Peter"]),
    ],
)
def test_members_of_one_enumeration_are_joined_into_one_answer(
    text: str, members: list[tuple[str, float]], expected: list[str]
) -> None:
    assert [text[a.start : a.end] for a in join_members(text, _answers(text, *members), 0.1)] == expected


@given(
    st.lists(st.sampled_from(["Acme", " and ", ", ", "tin", ". ", "(x)", " the ", "A.B.C.D."]), max_size=12), st.data()
)
def test_joined_answers_cover_their_members_and_never_overlap(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    places = st.tuples(st.integers(0, len(text)), st.integers(1, 6), st.floats(-9, 9))
    answers: list[AnswerSpan] = []
    for start, length, score in data.draw(st.lists(places, max_size=5)):
        if start + length <= len(text) and all(start + length <= a.start or a.end <= start for a in answers):
            answers.append(AnswerSpan(start, start + length, score))
    answers.sort(key=lambda a: -a.score)
    made = join_members(text, answers, 0.1)
    for one in answers:
        assert any(a.start <= one.start and one.end <= a.end for a in made)
    for n, one in enumerate(made):
        assert all(one.end <= other.start or other.end <= one.start for other in made[:n])
    assert [a.score for a in made] == sorted((a.score for a in made), reverse=True)


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Which rivers cross the plain?", True),
        ("What mountain villages are reached by rail?", True),
        ("Who were the founders?", True),
        ("List the members of the board", True),
        ("What class is it?", False),
        ("Which process makes sugars?", False),
        ("Who built the bus?", False),
        ("What is the plan's name?", False),
        ("What does his mother do?", False),
    ],
)
def test_questions_that_ask_for_several_things_are_recognised_by_their_form(question: str, several: bool) -> None:
    assert asks_for_several(question) is several


_TEXT = (
    "Acme makes glass for the mill. The mill buys from Acme, Boreal Works and Calder Ltd. Acme moved to Oslo, Norway."
    " Acme held firm, and it sold glass."
)


def _evidence(sentence: str, answer: str, score: float) -> Evidence:
    hit = Hit(Chunk("c", "a", 0, "", "", 0, len(_TEXT), _TEXT, 20), 1, 0.5, 0.5, 0.5, 1, 1)
    start = _TEXT.index(sentence)
    place = _TEXT.index(answer, start)
    return Evidence(hit, start, start + len(sentence), score, ((place, place + len(answer)),))


@pytest.mark.parametrize(
    ("sentence", "answer", "score", "leads"),
    [
        (
            "The mill buys from Acme, Boreal Works and Calder Ltd.",
            "Calder Ltd",
            0.3,
            "Acme, Boreal Works and Calder Ltd",
        ),
        ("The mill buys from Acme, Boreal Works and Calder Ltd.", "Acme, Boreal Works", 0.3, "Acme, Boreal Works"),
        ("The mill buys from Acme, Boreal Works and Calder Ltd.", "Calder Ltd", 0.02, "Acme"),  # improbable
        ("Acme moved to Oslo, Norway.", "Oslo", 0.3, "Acme"),  # not an enumeration
        ("Acme held firm, and it sold glass.", "Acme held firm, and it sold glass", 0.3, "Acme"),  # more than names
    ],
)
def test_a_sentence_that_lists_several_answers_comes_first(
    sentence: str, answer: str, score: float, leads: str
) -> None:
    found = [_evidence("Acme makes glass for the mill.", "Acme", 0.6), _evidence(sentence, answer, score)]
    made = with_enumeration(found)
    assert [_TEXT[slice(*one.answers[0])] for one in made[:1]] == [leads]
    assert sorted(one.score for one in made) == sorted(one.score for one in found) and len(made) == 2
    assert with_enumeration([]) == []
