"""Refusals: their kinds, the missing words they name, and their text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.answer import answer
from rag.choice import Choice
from rag.cli.terminal import print_answer
from rag.engine import Engine
from rag.reader.ranking import question_traits
from rag.settings import Settings
from rag.types import Answer, Refusal, RefusalKind
from rag.ui import html
from rag.writer.quote import refuse

WELL = """# Quarry Lane allotments

The society spent 4,100 pounds on water in 2022. In March 2023 the pump from Iceland was replaced.

Her father, Tobias Wren, dug the first well and drew a map of the lane. The Smith-Jones plot lies beside the barrow.
"""
RULES = """---
date: 2019-05-04
---
# Rules of the lane

Dogs stay on a lead. Bonfires are lit after dusk only. Every plot has a key, and a spare key hangs in the shed.
"""


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine over two small sources."""
    folder = tmp_path_factory.mktemp("lane")
    (folder / "docs").mkdir()
    (folder / "docs/well.md").write_text(WELL)
    (folder / "docs/rules.md").write_text(RULES)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    yield engine
    engine.close()


def missing(engine: Engine, question: str) -> list[str]:
    """Return the words that a refusal of the question names."""
    generation, retriever, _ = engine.parts()
    named = question_traits(retriever.query(question), generation.words, generation.catalog.years).named
    return [word for word in named if engine.speller(generation).names_nothing(word)]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        # names, numbers, and nouns after an article
        ("Who supplies Rivian's pumps?", ["Rivian"]),
        ("What did Ms Okonkwo say to Mr Wren?", ["Okonkwo"]),
        ("Who is the plumber?", ["plumber"]),
        ("WHO IS THE PLUMBER?", ["PLUMBER"]),
        ("What does error E-77 mean?", ["E-77"]),
        ("How much was spent on water in 2016?", ["2016"]),
        ("How much was spent on water in FY2016?", ["FY2016"]),
        # not verbs, adverbs or the first word of a sentence
        ("Summarise the rules.", []),
        ("Tell me about dogs. Summarise the rules.", []),
        ("Who dragged the barrow up the lane?", []),
        ("Roughly how many plots are there?", []),
        ("Who Tends Aubergines With Care?", []),
        # other forms of the words of the sources
        ("Who were the fathers of the society?", []),
        ("What did water cost in FY2022?", []),
        ("What did water cost in FY22?", []),
        ("What happened in Q1 2023?", ["Q1"]),
        ("What did water cost in 2022/23?", []),
        ("Which rules were made in 2019?", []),
        ("Where is the Icelandic pump?", []),
        ("Where is the SmithJones plot?", []),
        ("Which barrows stand there?", []),
        ("What are Tobias Wren’s wells?", []),
    ],
)
def test_a_missing_word_is_named_only_if_no_source_has_it_in_any_form(
    lane: Engine, question: str, words: list[str]
) -> None:
    assert missing(lane, question) == words


@pytest.mark.parametrize(
    ("question", "kind", "words"),
    [
        ("What is the capital of Peru?", "not_in_sources", ("Peru",)),
        ("How much was spent on water in 2016?", "not_in_sources", ("2016",)),
        ("What is it?", "not_understood", ()),
        ("Tell me more!", "not_understood", ()),
        ("qwzxv vbnqk", "not_understood", ()),
        ("Wer hat den ersten Brunnen gegraben?", "language", ()),
    ],
)
def test_a_refusal_states_its_kind(lane: Engine, question: str, kind: RefusalKind, words: tuple[str, ...]) -> None:
    found = answer(lane, question)
    assert found.refused and found.refusal is not None
    assert (found.refusal.kind, found.refusal.missing) == (kind, words)
    assert found.refusal.language == ("German" if kind == "language" else "")
    value = json.loads(json.dumps(found.to_json()))
    assert value["refusal"]["kind"] == kind and value["refusal"]["missing"] == list(words)
    assert Answer.from_json(value).refusal == found.refusal


def test_a_question_about_an_unmentioned_year_is_not_answered_from_another_year(lane: Engine) -> None:
    assert "4,100" in answer(lane, "How much did the society spend on water in 2022?").text
    assert answer(lane, "How much did the society spend on water in 2021?").refused


def test_a_choice_of_no_source_is_a_refusal_of_its_kind(lane: Engine) -> None:
    found = answer(lane, "Who dug the first well?", choice=Choice(left_out=frozenset({"well.md", "rules.md"})))
    assert found.refused and found.refusal == Refusal("nothing_chosen") and not found.passages


def test_an_empty_index_is_a_refusal_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "Who dug the first well?")
    assert found.refused and found.refusal == Refusal("no_sources")


KINDS: dict[RefusalKind, str] = {
    "not_in_sources": "Not in the sources",
    "not_understood": "Question not understood",
    "language": "Question not in English",
    "no_sources": "No sources yet",
    "nothing_chosen": "No sources chosen",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_heading_and_the_page_names_no_command(
    kind: RefusalKind, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Refusal(kind, language="German" if kind == "language" else "")
    found = Answer("Where?", refuse(refusal), True, refusal=refusal)
    markup = html.answer_text("t", found)
    assert f">{KINDS[kind]}</p>" in markup
    assert sum(f">{heading}</p>" in markup for heading in KINDS.values()) == 1
    assert "app&#46;py" not in markup and "app.py" not in markup
    print_answer(found)
    assert ("python app.py index FOLDER" in capsys.readouterr().out) is (kind == "no_sources")


def test_nearest_passages_are_mentioned_only_if_there_are_any() -> None:
    assert "passages" not in refuse(Refusal("not_in_sources"))
    assert "nearest passages may help" in refuse(Refusal("not_in_sources"), nearest=True)


def test_a_stored_answer_without_refusal_kinds_is_read(lane: Engine) -> None:
    value = answer(lane, "Who dug the first well?").to_json()
    for key in ("searched", "refusal", "suggestions"):
        del value[key]
    old = Answer.from_json(value)
    assert old.searched == "Who dug the first well?" and old.refusal is None and not old.corrected


@pytest.mark.parametrize("typed", ["5", "x", "ok so", "12345", "None"])
def test_input_without_a_question_is_refused(lane: Engine, typed: str) -> None:
    assert answer(lane, typed).refused
