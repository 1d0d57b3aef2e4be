"""Aliases: a short form is known only where a text introduces it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from index.text.aliases import Aliases, find_aliases
from index.text.words import content_terms, terms
from tests.nasty import TEXTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("General Motors (NYSE:GM) has plans.", [("GM", "General Motors")]),
        ("an electric vehicle (EV) and another (EV)", [("EV", "electric vehicle")]),
        ("the Bank of New England (BNE)", [("BNE", "Bank of New England")]),
        ("a plan (it failed) and Ohio (USA)", []),
        ("in May (2024)", []),
        ("(GM)", []),
    ],
)
def test_aliases_are_read_where_a_text_introduces_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert find_aliases(text) == expected


def test_a_question_uses_the_form_that_the_sources_use_most() -> None:
    aliases = Aliases([("GM", "General Motors")])
    frequency = {"gm": 7, "general": 2, "motor": 2}

    def fold(question: str) -> list[str]:
        return aliases.prefer_frequent(terms(question), content_terms(question), lambda term: frequency.get(term, 0))

    assert fold("Who supplies General Motors?") == ["suppli", "gm"]
    assert fold("Who supplies GM?") == ["suppli", "gm"]
    assert fold("Which general supplies motors?") == ["general", "suppli", "motor"]
    frequency["gm"] = 1
    assert fold("Who supplies GM?") == ["suppli", "general", "motor"]


def test_widening_adds_the_other_form() -> None:
    aliases = Aliases([("GM", "General Motors")])
    assert {"general", "motor"} <= aliases.widen(terms("GM’s cells"))
    assert "gm" in aliases.widen(terms("General Motors’ cells"))
    assert "gm" not in aliases.widen(terms("Motors in general"))


def test_a_short_form_with_two_meanings_is_left_alone() -> None:
    aliases = Aliases([("CM", "Command Module"), ("CM", "Chief Minister")])
    assert aliases.widen(terms("CM")) == {"cm"}


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_every_alias_occurs_in_its_text(text: str) -> None:
    for short, long in find_aliases(text):
        assert short in text
        assert all(word in text for word in long.split())
    Aliases(find_aliases(text)).widen(terms(text))


def test_a_question_is_rephrased_with_the_form_of_the_passage() -> None:
    known = Aliases([("MRL", "Marine Robotics Laboratory"), ("EV", "electric vehicle")])
    (one,) = known.renamed("Who leads the marine robotics laboratory?")
    assert one.question == "Who leads the MRL?"
    assert one.suits(frozenset(terms("The MRL is led by Ona."))) and not one.suits(frozenset(terms("Ona leads it.")))
    assert not one.suits(frozenset(terms("The Marine Robotics Laboratory (MRL) is led by Ona.")))
    (other,) = known.renamed("Which EV is cheap?")
    assert other.question == "Which electric vehicle is cheap?"
    assert known.renamed("Who is Ona?") == []
