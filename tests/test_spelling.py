"""Spelling: misspelt words are replaced by words of the sources, right ones are kept, corrections can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.typos import misspell
from index.encoder.vocabulary import count_words, is_english
from rag.answer import answer
from rag.cli.main import main
from rag.engine import Engine
from rag.settings import Settings
from rag.spelling import Speller, slip
from rag.types import as_typed
from rag.ui import html
from rag.ui.escape import escape

POTTERY = """# Pottery workshop

The kiln heats for eleven hours. Register by e-mail with the instructor, Wilhelmina Oakes, before 3 May.
The company building stands in Harlow. Anna supplied the clay for room 313, and the error E-4042 means that the kiln is
open. Bring an apron; the registration fee is 25 pounds.
"""
QUESTION = "Who is the instuctor?"


@pytest.fixture(scope="module")
def pottery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine over one small source."""
    folder = tmp_path_factory.mktemp("pottery")
    (folder / "docs").mkdir()
    (folder / "docs/workshop.md").write_text(POTTERY)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def speller(pottery: Engine) -> Speller:
    """Return the speller over that source."""
    return pottery.speller(pottery.parts()[0])


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("Who is the instuctor?", "Who is the instructor?"),
        ("comapny buildign", "company building"),
        ("Who is Wilhelmnia Oakes?", "Who is Wilhelmina Oakes?"),
        ("who is wilhelmnia", "who is Wilhelmina"),
        ("Waht is the regstration fee?", "What is the registration fee?"),
        ("WHO IS THE INSTUCTOR?", "WHO IS THE INSTRUCTOR?"),
        ("Is the instuctor's room 313?", "Is the instructor's room 313?"),
        ("Who suplies clay?", "Who supplies clay?"),
        ("whn dos the kiln heat", "when does the kiln heat"),
        ("Wat is the fee?", "What is the fee?"),
        ("Dos the instuctor fire clay?", "Does the instructor fire clay?"),
        ("cna i bring an apron", "can i bring an apron"),
        ("wen dose the kiln heat", "when does the kiln heat"),
        ("wich registraton dose the instuctor need", "which registration does the instructor need"),
    ],
)
def test_a_misspelt_word_is_replaced_by_the_nearest_word_of_the_sources(
    speller: Speller, typed: str, searched: str
) -> None:
    assert speller.correct(typed) == searched


@pytest.mark.parametrize(
    "question",
    [
        "Who is the plumber?",  # English, but in no source
        "How much does construction cost?",
        "Who is Wilhelm Oakes?",
        "Was Hanna there?",  # a different name
        "Did the instructors register?",  # other forms of words of the sources
        "What does E-4043 mean?",
        "Who is in room 314?",
        "Is part KLIN7 here?",
        "Does NASSA fire clay?",
        "Who reads regsiter@example.org?",
        "Is www.instuctor.example a page?",
        "Did it cla?",  # too short
        "cat food price",
        "hat size of Anna",
        "when rain is near",
        "which dose is right",  # no subject follows
        "who hid the apron",
        "who saw the apron",
        "which era the apron",
        "What is the kino?",  # as close to another word as to "kiln"
        "Où est l'atelier?",
        "",
    ],
)
def test_correct_words_and_unknown_names_are_kept(speller: Speller, question: str) -> None:
    assert speller.correct(question) == question


def test_a_correction_is_shown_and_can_be_undone(pottery: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(pottery, QUESTION)
    assert found.corrected and not found.refused and "Wilhelmina Oakes" in found.text
    assert found.question == QUESTION and found.to_json()["searched"] == "Who is the instructor?"
    markup = html.answer_text("t", found)
    assert escape("Who is the instructor?") in markup and "Search for what I typed</button>" in markup
    assert f'data-ask="{escape(f"“{QUESTION}”")}"' in markup
    for exact in (answer(pottery, QUESTION, as_typed=True), answer(pottery, f"“{QUESTION}”")):
        assert not exact.corrected and exact.searched == QUESTION
        assert "Searched for" not in html.answer_text("t", exact)
    command = ["ask", QUESTION, "--home", str(pottery.home)]
    main(command)
    assert "Searched for: Who is the instructor?" in capsys.readouterr().out
    main([*command, "--as-typed"])
    assert "Searched for" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "likelier", "other"),
    [
        ("depost", "deposit", "depot"),  # a letter left out
        ("meening", "meaning", "meeting"),  # a wrong vowel
        ("wich", "which", "with"),
        ("prot", "port", "prop"),  # two letters swapped
        ("committtee", "committee", "committees"),  # a letter doubled
    ],
)
def test_a_probable_typing_error_costs_less(typed: str, likelier: str, other: str) -> None:
    assert slip(typed, likelier) <= slip(typed, other)
    assert slip(typed, typed) == 0


def test_the_more_probable_of_two_near_words_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    text = "The depot stands by the harbour, beside another depot. The deposit for the flat is 900 pounds."
    (tmp_path / "docs/flat.txt").write_text(text)
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    speller = engine.speller(engine.parts()[0])
    assert speller.correct("depost for the flat") == "deposit for the flat"
    assert speller.correct("where is the deppot") == "where is the depot"


def test_quotation_marks_turn_correction_off_only_around_the_whole_question() -> None:
    assert as_typed('What does "kiln" mean?') == ('What does "kiln" mean?', False)
    assert as_typed('"kiln"') == ("kiln", True)
    assert as_typed('"a" or "b"') == ('"a" or "b"', False)


def test_words_are_counted_with_their_usual_spelling_up_to_a_limit() -> None:
    counted = count_words(["The Kiln of McAdam.", "A kiln, a kiln. Café"])
    assert counted.counts["kiln"] == 3 and counted.written("kiln") == "kiln"
    assert counted.written("mcadam") == "McAdam" and counted.counts["cafe"] == 1
    assert "kiln" not in count_words(["abcde ", "kiln"], most=6).counts


@pytest.mark.parametrize(
    "word", ["dragged", "summaries", "cannonball", "roughly", "instructor", "rinsing", "redoing", "joiners", "giver"]
)
def test_english_words_are_known_in_every_form(word: str) -> None:
    assert is_english(word)


@pytest.mark.parametrize("word", ["instuctor", "buildign", "comapny", "recieve", "recievers", "joinrs"])
def test_misspelt_words_are_not_english(word: str) -> None:
    assert not is_english(word)


def test_the_benchmark_misspells_deterministically() -> None:
    question = "Which company designed the garden behind the museum?"
    assert misspell(question) == misspell(question) != question
    assert len(misspell(question).split()) == len(question.split())
    assert misspell("Who is it?") == "Who is it?"


def test_the_vocabulary_is_counted_once_per_generation(pottery: Engine, tmp_path: Path) -> None:
    generation = pottery.parts()[0]
    speller = pottery.speller(generation)
    speller.correct(QUESTION)
    assert pottery.speller(generation) is speller and speller._vocabulary() is speller._vocabulary()
