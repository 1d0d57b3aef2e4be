"""Identifiers: only the exact one of many similar things answers, and a quantity is never reported as missing."""

from __future__ import annotations

import numpy as np
import pytest

from index.chunk import Chunk
from index.text.aliases import Aliases
from index.text.identifiers import find_identifiers
from rag.answer import answer
from rag.choice import Choice
from rag.engine import Engine
from rag.reader.identity import CARRIED, read_about, without_other_things
from rag.reader.ranking import QUESTION_FEATURES, QuestionTraits, ReadPassage, question_row
from rag.reader.spans import AnswerSpan, PassageReading, SpanReader
from rag.retrieve import Hit, Query
from rag.settings import Settings

SOURCES = {
    "errors.md": """# Error codes

## E-404

The drawer is open. Close it and press Start.

## E-4043

The belt has slipped. Call the service.

## E-5100

The lamp is worn out. Order part 77-310 from the store.
""",
    "rooms.csv": "Room,Seats,Projector\n311,12,yes\n312,40,no\n314,8,yes\n",
    "flights.txt": """Flights

Flight KX 402 leaves for Oslo at 7:15 from gate C. Flight KX 408 leaves for Turin at 9:40 from gate A.
""",
    "zorb9.txt": "The Zorb9 is the small cleaning machine of the hall. The serial code of the Zorb9 is Amber Falcon.\n",
    "warranty.md": """# Warranty

## All models

Every machine is under warranty for two years after the day of purchase.

## Model C

The pump of Model C is under warranty for five years.
""",
    "lease.md": """# Lease of Unit 4

4.1 The monthly rent is 1,950 pounds and is paid in advance.

4.2 The tenant keeps no animals in the workshop.
""",
    "travel.md": """# Travel

A travel claim of more than 500 euros is signed by the finance director.

Children under ten travel at half the fare on all ferries.

An order of 40 chairs and more is delivered free of charge.
""",
    "repairs.txt": "Repairs\n\nThe windows of room 315 are painted in May. Room 316 is repaired in June by Ada Lund.\n",
    "rota/hall-7.txt": "The keeper opens the doors at nine and is called Marta Quill.\n",
    "halls.txt": "The keeper of hall 6 is Jonas Reed, who opens the doors at eight.\n",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over sources about things with codes and numbers."""
    root = tmp_path_factory.mktemp("things")
    for name, text in SOURCES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    made = Engine(Settings(home=tmp_path_factory.mktemp("home")))
    made.index([root])
    return made


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("What does error E-4042 mean?", "E-4042"),
        ("what does e4042 mean", "e4042"),
        ("What does E 4044 mean?", "E 4044"),
        ("What does error 5101 mean?", "error 5101"),
        ("What is the serial code of the Zorb99?", "Zorb99"),
        ("What is the serial code of the Zorb 99?", "Zorb 99"),
        ("when will zorb 99 be mended?", "zorb 99"),
        ("How many seats has room 313?", "room 313"),
        ("Does room 40 have a projector?", "room 40"),
        ("When does flight KX 404 leave?", "KX 404"),
        ("Which flight leaves from gate B?", "gate B"),
        ("How long is Model D under warranty?", "Model D"),
        ("Who sells part 77-311?", "77-311"),
        ("What is the rent of unit 3?", "unit 3"),
        ("What does clause 4.7 say about animals?", "clause 4.7"),
        ("Who is the keeper of hall 8?", "hall 8"),
    ],
)
def test_a_similar_identifier_is_refused_and_the_missing_one_named(engine: Engine, question: str, missing: str) -> None:
    found = answer(engine, question)
    assert found.refused and not found.citations
    assert f"Nothing here mentions “{missing}”." in found.text


def test_another_version_is_a_rival_with_or_without_a_name() -> None:
    (identifier,) = find_identifiers("When did rookery 3.2.0 come out?")
    assert (
        identifier.has_rival_in({"3.0.0"})
        and identifier.has_rival_in({"3.10.0"})
        and identifier.has_rival_in({"rookery3.1.0"})
    )
    assert (
        not identifier.has_rival_in({"3.2.0"})
        and not identifier.has_rival_in({"404"})
        and not identifier.has_rival_in({"3.2"})
    )


@pytest.mark.parametrize(
    ("question", "opening", "quote"),
    [
        ("What does error E-404 mean?", "drawer is open", "The drawer is open."),
        ("What does E404 mean?", "drawer is open", "The drawer is open."),
        ("what does e 4043 mean?", "belt has slipped", "The belt has slipped."),
        ("How many seats has room 312?", "40", "Room: 312 | Seats: 40 | Projector: no"),
        ("How many seats has room 314?", "8", "Room: 314 | Seats: 8 | Projector: yes"),
        ("When does flight KX 408 leave?", "9:40", "Flight KX 408 leaves for Turin at 9:40 from gate A."),
        ("When does KX402 leave?", "7:15", "Flight KX 402 leaves for Oslo at 7:15 from gate C."),
        ("What is the serial code of the Zorb9?", "Amber Falcon", "The serial code of the Zorb9 is Amber Falcon."),
        ("What is the serial code of the zorb 9?", "Amber Falcon", "The serial code of the Zorb9 is Amber Falcon."),
        ("How long is the pump of Model C under warranty?", "five years", "The pump of Model C is under warranty"),
        ("What is the monthly rent of unit 4?", "1,950 pounds", "The monthly rent is 1,950 pounds"),
        ("Who is the keeper of hall 6?", "Jonas Reed", "The keeper of hall 6 is Jonas Reed"),
    ],
)
def test_the_exact_identifier_is_answered(engine: Engine, question: str, opening: str, quote: str) -> None:
    found = answer(engine, question)
    assert not found.refused, found.text
    assert opening in found.text.split("\n\n")[0]
    assert quote in found.citations[0].quote


@pytest.mark.parametrize(
    "question",
    [
        "Who signs a travel claim of 800 euros?",
        "My son is 8, what does he pay on the ferries?",
        "Is an order of 45 chairs delivered free of charge?",
        "What if I order 45 chairs?",
        "How many rooms are there for 3 people?",
        "Is the service here in 2 weeks?",
        "When does the flight leave if I'm 20 minutes late?",
        "How long do 10 km take?",
        "What does hall-7 need?",
        "What is the monthly rent, still 1900 or more?",
        "How many chairs are there, I read 1850 somewhere?",
        "Who is the keeper of hall 7?",
        "What do the rooms cost?",
        "What are the models' warranties?",
        "WHAT IS THE RENT OF UNIT 4",
    ],
)
def test_quantities_times_plurals_and_capitals_are_never_reported_as_missing(engine: Engine, question: str) -> None:
    assert "mentions" not in answer(engine, question).text


def test_an_identifier_of_an_excluded_source_is_reported_as_missing(engine: Engine) -> None:
    found = answer(engine, "What does error E-404 mean?", choice=Choice(only=("rooms.csv",)))
    assert found.refused and "Nothing there mentions “E-404”." in found.text


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("How many seats has room 315?", "Seats"),
        ("Who repairs room 315?", "Ada Lund"),
        ("When does room 316 get new paint on its windows?", "315"),
    ],
)
def test_text_about_a_similar_identifier_is_not_quoted(engine: Engine, question: str, other: str) -> None:
    found = answer(engine, question, never_refuse=True)
    assert found.citations and other not in found.citations[0].quote


def hit(text: str, context: str = "") -> Hit:
    chunk = Chunk("c", "a", 0, "", context, 0, len(text), text, 1)
    return Hit(chunk, 1, 0.5, 0.5, 0.5, 1, 1)


def score_left(question: str, text: str, words: str, context: str = "", source: str = "") -> float | None:
    """Return what is left of a score of 1.0, or None if the answer is dropped."""
    start = text.index(words)
    found = [PassageReading(1.0, (AnswerSpan(start, start + len(words), 1.0),))]
    (one,) = without_other_things(find_identifiers(question), [hit(text, context)], found, {"a": source})
    return one.answers[0].score if one.answers else None


def test_an_answer_belongs_to_the_last_identifier_before_it() -> None:
    question = "Who sits in room 313?"
    rooms = "Room 312 is large. Ann sits there. Room 313 is small. Ben sits there. Cy sits in room 312."
    assert score_left(question, rooms, "Ben") == 1.0
    assert score_left(question, rooms, "Ann") == 1.0 - CARRIED
    assert score_left(question, rooms, "Cy") is None
    assert score_left("Who sits in the room?", rooms, "Cy") == 1.0
    assert score_left("Who sits in rooms 312 and 313?", rooms, "Cy") == 1.0


def test_headings_and_the_source_name_identify_the_subject_of_a_passage() -> None:
    question, text = "What does E-4042 mean?", "The drawer is open."
    assert score_left(question, text, "open", "Error codes\nE-4042") == 1.0
    assert score_left(question, text, "open", "Error codes\nE-404") is None
    assert score_left(question, text, "open", "Error codes") == 1.0
    assert score_left(question, text, "open", source="codes/e-404.txt") is None
    assert score_left(question, text, "open", source="codes/e-4042.txt") == 1.0


def query(question: str) -> Query:
    return Query(question, np.zeros(4, np.float32), {}, None, tuple(find_identifiers(question)))


def test_a_passage_is_read_with_the_heading_that_has_the_identifier() -> None:
    spans, text = SpanReader(), "The bearing of line 6 is missing its label. Found by Tom; closed in week 34."
    (bare,) = read_about(spans, query("Who found PPR-9087?"), [hit(text, "Problem reports")], [text], 3)
    (headed,) = read_about(spans, query("Who found PPR-9087?"), [hit(text, "Problem reports\nPPR-9087")], [text], 3)
    assert headed.score > bare.score + 2
    assert text[headed.answers[0].start : headed.answers[0].end] == "Tom"
    assert all(0 <= one.start < one.end <= len(text) for one in headed.answers)


def test_the_question_spells_an_identifier_as_the_passage_does() -> None:
    spans, text = SpanReader(), "Flight KX 402 leaves for Oslo at 7:15 from gate B4."
    same, other = (
        read_about(spans, query(f"When does {code} leave?"), [hit(text)], [text], 3) for code in ("KX 402", "KX402")
    )
    assert same == other


def test_a_passage_with_only_dropped_answers_counts_as_not_read() -> None:
    first, hits = PassageReading(1.0, (AnswerSpan(0, 1, 1.0),)), [hit("a"), hit("b")]
    rows = [
        question_row(QuestionTraits((), (), 0.0), passages, Aliases([]), {})
        for passages in (
            [ReadPassage(hits[0], first, 1.0)],
            [ReadPassage(hits[0], first, 1.0), ReadPassage(hits[1], PassageReading(), 1.0)],
        )
    ]
    place = QUESTION_FEATURES.index("second_answers")
    assert rows[0][place] == rows[1][place]
