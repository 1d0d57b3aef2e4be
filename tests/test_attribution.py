"""Passages told as news: what answers stays where it can be found, and who speaks is never an answer."""

from __future__ import annotations

import random
import re

import pytest

from index.lexical import content_terms
from rag.reader.attribution import Told, asks_who_said, tell
from rag.reader.rewording import asks_for_a_party

PASSAGE = (
    "The harbour of Velden was dug in 1871. Its cranes were supplied by Brandt & Sons, which also built the lock. "
    'The "long pier" was added by the town after the flood. It handles 4,200 ships a year, most of them small! '
    "A tramway joins it to the station."
)
QUESTION = "Who supplied the cranes?"
SEEDS = range(300)


def _span(words: str) -> tuple[int, int]:
    return PASSAGE.index(words), PASSAGE.index(words) + len(words)


def _told(question: str, *keep: str) -> list[Told]:
    made = [tell(PASSAGE, question, [_span(words) for words in keep], random.Random(seed)) for seed in SEEDS]
    return [told for told in made if told]


@pytest.mark.parametrize(
    "words",
    ["Brandt & Sons", "The harbour of Velden", "the lock.", "A tramway", "long pier", "was dug in 1871. Its cranes"],
)
def test_answers_are_moved_and_never_changed(words: str) -> None:
    made = _told(QUESTION, words, "station")
    assert len(made) > 0.9 * len(SEEDS)
    for told in made:
        for kept in (words, "station"):
            start, end = told.moved(_span(kept))
            assert told.text[start:end] == kept


def test_without_what_was_put_in_it_is_the_passage_again() -> None:
    for told in _told(QUESTION):
        text = told.text
        for edit in told.edits:
            after = edit.start + len(edit.new)
            assert text[edit.start : after] == edit.new
            text = text[: edit.start] + PASSAGE[edit.start : edit.end] + text[after:]
        assert text == PASSAGE != told.text


def test_a_speaker_is_a_name_of_neither_passage_nor_question() -> None:
    names = set()
    for told in _told("Who supplied the cranes of Maria Keller?"):
        for start, end in told.speakers:
            name = told.text[start:end]
            assert name.istitle() or "Mc" in name
            assert not any(part in f"{PASSAGE} Maria Keller" for part in re.findall(r"\w{3,}", name))
            assert told.text.count(name) == 1
            names.add(name)
    assert len(names) > 200


def test_nothing_that_is_put_in_shares_a_word_with_the_question() -> None:
    question = "Who was chairman of the company when the plan and the deal were offered at a conference on Friday?"
    asked = set(content_terms(question))
    for told in _told(question):
        assert not any(asked & set(content_terms(edit.new)) for edit in told.edits)


def test_who_leads_what_the_passage_is_about_is_told_to_nobody_who_asks_for_it() -> None:
    leads = re.compile(r"\bthe \w+'s (?:chief|chair|president|head|director|founder)|who has led")
    assert any(leads.search(told.text) for told in _told(QUESTION))
    assert not any(leads.search(told.text) for told in _told("Who is the head of the harbour?"))


def test_the_question_for_a_speaker_is_answered_by_the_speaker() -> None:
    asked = [(told, *told.asked) for told in _told(QUESTION, "Brandt & Sons") if told.asked]
    assert {question.split()[1] for _, question, _ in asked} == {"is", "said", "told", "claimed"}
    for told, question, span in asked:
        assert span in told.speakers
        role = re.fullmatch(r"Who is the (.+) of (.+)\?", question)
        if role:
            assert role.group(1) in told.text and role.group(2) in told.text and role.group(2) not in PASSAGE


def test_it_is_told_in_many_ways() -> None:
    name = re.compile("|".join(re.escape(told.text[a:b]) for told in _told(QUESTION) for a, b in told.speakers))
    signs = ("said", "told reporters", "According to", "confirmed", "Asked about it", "press conference", "report by")
    texts = [name.sub("", told.text) for told in _told(QUESTION)]
    for sign in signs:
        assert sum(sign in text for text in texts) > 3, sign


@pytest.mark.parametrize(
    "question",
    [
        "Who said that the harbour was dug?",
        "Who announced the new cranes?",
        "According to whom is the pier long?",
        "Which company told the town about the flood?",
        "Who believes that the lock is old?",
        "Who argued for a tramway?",
        "Who stated it?",
        "Who thought so?",
        "What did the town report?",
        "Who warned of the flood?",
        "Who also called it long?",
    ],
)
def test_nothing_is_told_to_a_question_for_what_was_said(question: str) -> None:
    assert asks_who_said(question)
    assert not _told(question)


@pytest.mark.parametrize(
    "text", ["", "Too short.", "No stop at the end of this line", "Is this one a question or not?"]
)
def test_a_passage_without_a_sentence_to_say_is_not_told(text: str) -> None:
    assert tell(text, QUESTION, [], random.Random(0)) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who supplied it?", True),
        ("whom did it hire?", True),
        ("Whose cranes are these?", True),
        ("Which football team won?", True),
        ("What company makes them?", True),
        ("What makes a company fail?", False),
        ("Whole ships?", False),
        ("When was it dug?", False),
        ("", False),
    ],
)
def test_questions_for_a_person_or_an_organisation(question: str, expected: bool) -> None:
    assert asks_for_a_party(question) is expected
