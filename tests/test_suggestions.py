"""Suggested questions: natural, and each answered by the source it comes from before it is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from index.chunk import Chunk
from rag.answer import answer
from rag.candidates import candidates
from rag.cite import Citation
from rag.engine import Engine
from rag.queue import RequestQueue
from rag.settings import Settings
from rag.suggestions import SHOWN, SUGGESTIONS_FILE, Suggestions
from rag.types import Answer
from rag.ui import html
from rag.ui.escape import escape
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

MILL = """# The mill at Farley

The old mill at Farley was built in 1823. The mill keeper is Anna Brook. A day ticket costs 4 pounds.
The tower is 21 metres high. The National Trails Council (NTC) looks after the paths.
"""
SHOP = """# Shop

How early must visitors book a tour? Visitors must book a tour two days ahead, by telephone.

The opening fee is 12 pounds. The shop holds 300 books.
"""
GUESS = "Who painted the ceiling of the chapel?\n\nThe garden has a pond with ducks.\n"
DOCUMENTS = ROOT.parent / "shared/data/people/docs"


def passage(text: str, heading: str = "") -> Chunk:
    """Return a passage that is a whole source."""
    return Chunk("c", "a", 0, heading, heading, 0, len(text), text, 1)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The registration fee is 25 pounds.", "What is the registration fee?"),
        ("The opening hours are 10 to 4.", "What are the opening hours?"),
        ("The instructor is Wilhelmina Oakes.", "Who is the instructor?"),
        ("Rosa Lind, treasurer of the club, resigned.", "Who is Rosa Lind?"),
        ("The old mill was built in 1823 by Tom Hale.", "When was the old mill built?"),
        ("Harlow Marine was founded on 3 May 1911.", "When was Harlow Marine founded?"),
        ("A day ticket costs about 6.40 euros.", "How much does a day ticket cost?"),
        ("The group employs 1,410 people and sells boats.", ""),  # "people" does not end in -s
        ("The shop holds 300 books.", "How many books does the shop hold?"),
        ("The kiln needs eleven hours.", "How many hours does the kiln need?"),
        ("The tower is 21 metres high.", "How high is the tower?"),
        ("The Velmo Brisa is a dryer.", "What is the Velmo Brisa?"),
        ("Glaze is a coat of glass. No glaze is perfect.", "What is glaze?"),
        ("Anna is a baker.", ""),
        ("It was built in 1823.", ""),
        ("This fee is 25 pounds.", ""),
        ("The other door is 74 cm wide.", ""),
        ("The museum is a place to visit.", ""),
        ("Can you come?", ""),
        ("What does a ticket cost?", "What does a ticket cost?"),
        ("3. Q: May children swim in the lake?", "May children swim in the lake?"),
        ("The National Trails Council (NTC) met.", "What does NTC stand for?"),
        ("1. Annual leave", ""),
    ],
)
def test_questions_follow_from_the_form_of_a_sentence(text: str, question: str) -> None:
    assert [one.question for one in candidates("s", [passage(text)])][:1] == ([question] if question else [])


def test_headings_that_are_questions_or_instructions_become_questions() -> None:
    assert (
        candidates("s", [passage("Lift it.", "Manual > How to open the lid")])[0].question == "How do I open the lid?"
    )
    assert candidates("s", [passage("Lift it.", "May children swim?")])[0].question == "May children swim?"
    assert not candidates("s", [passage("Lift it.", "1. Annual leave")])


@pytest.fixture
def farley(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine over three small sources, one without an answer to its questions."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in (("mill.md", MILL), ("shop.md", SHOP), ("guess.md", GUESS)):
        (docs / name).write_text(text)
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([docs])
    yield engine
    engine.close()


def make_all(engine: Engine, most: int = 100) -> list[tuple[str, str]]:
    """Try up to `most` candidates; return (source, question) of the accepted ones."""
    generation = engine.parts()[0]
    for _ in range(most):
        if not engine.suggestions.try_next(generation, lambda question: answer(engine, question)):
            break
    state = json.loads((engine.home / SUGGESTIONS_FILE).read_text())
    return [(one["source"], one["question"]) for one in state["kept"]]


def press(engine: Engine, kept: list[tuple[str, str]]) -> None:
    """Ask each suggestion as a click on it does."""
    for source, question in kept:
        found = answer(engine, question)
        assert not found.refused, question
        assert source in (found.citations[0].source, *found.citations[0].also_in), question


def test_each_suggestion_is_answered_by_its_source_and_kept_over_a_restart(farley: Engine) -> None:
    kept = make_all(farley)
    assert {source for source, _ in kept} == {"mill.md", "shop.md"}  # no answer in guess.md
    press(farley, kept)
    generation = farley.parts()[0]
    first = farley.suggestions.first(generation)
    assert len(first) == SHOWN and {q for _, q in kept}.issuperset(first)
    assert {source for source, question in kept if question in first} == {"mill.md", "shop.md"}
    again = Suggestions(farley.home, farley.roots)
    assert again.first(generation) == first  # read from the file, without trying candidates
    only = farley.suggestions.first(generation, frozenset({"shop.md"}))
    assert only and all(("shop.md", question) in kept for question in only)
    # Suggestions below an answer are about its sources, but not what it already says.
    found = answer(farley, "When was the old mill at Farley built?")
    assert found.suggestions and all(("mill.md", question) in kept for question in found.suggestions)
    assert "When was the old mill at Farley built?" not in found.suggestions
    markup = html.answer_text("t", found)
    assert all(f">{escape(question)}</button>" in markup for question in found.suggestions)
    assert answer(farley, "What is the capital of Peru?").suggestions == tuple(first)
    assert all(question in answer(farley, "What can I ask?").text for question in first)
    # A changed index drops all earlier suggestions.
    (farley.roots()[0] / "mill.md").unlink()
    farley.index()
    assert farley.suggestions.first(farley.parts()[0]) == []


def test_a_question_answered_by_another_place_or_weakly_is_not_suggested(farley: Engine) -> None:
    generation = farley.parts()[0]
    good = answer(farley, "When was the old mill at Farley built?")
    weak = replace(good, evidence_score=0.3)
    for reply in (weak, replace(good, refused=True, citations=()), replace(good, citations=(_moved(good),))):
        kept = Suggestions(farley.home, farley.roots)
        while kept.try_next(generation, lambda _, reply=reply: reply):  # type: ignore[misc]
            pass
        assert kept.first(generation) == []
        (farley.home / SUGGESTIONS_FILE).unlink()


def _moved(found: Answer) -> Citation:
    """Return the first citation, moved to a place without candidates."""
    return replace(found.citations[0], start=100_000, end=100_010)


def test_questions_of_a_question_set_are_tried_like_other_candidates(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "pond.txt").write_text("The pond\n\nDucks swim on the pond at Dunn, and Tom Hale feeds them at noon.\n")
    rows = [
        {"question": "Who feeds the ducks at Dunn?", "answers": ["Tom Hale"], "quote": "Tom Hale feeds them"},
        {"question": "Who wrote Hamlet?", "answers": ["Tom Hale"], "quote": "Tom Hale feeds them"},
    ]
    (docs / "questions.jsonl").write_text(
        "\n".join(json.dumps({**row, "relevant": [{"source": "pond.txt", "quote": row["quote"]}]}) for row in rows)
    )
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([docs])
    assert make_all(engine) == [("pond.txt", "Who feeds the ducks at Dunn?")]


def test_candidates_are_tried_only_while_no_person_waits(farley: Engine) -> None:
    queue, warm, order = RequestQueue(1, 5), Event(), list[str]()
    refused = Answer("?", "No.", True)
    began, go_on = Event(), Event()

    def ask(question: str) -> Answer:
        order.append(question)
        began.set()
        assert go_on.wait(60)
        return refused

    person = queue.join("a", "first")
    farley.suggestions.ask_in_background(queue, lambda: farley.parts()[0], ask, warm)
    assert not began.wait(0.5)  # The models are not loaded yet.
    warm.set()
    assert not began.wait(1.5) and not order  # A person has the turn.
    with queue.turn(person):
        order.append("person 1")
    queue.leave(person)
    assert began.wait(60)
    second = queue.join("b", "second")  # joins while a candidate is tried
    began.clear()
    go_on.set()

    async def called() -> None:
        async for _ in queue.waiting(second):
            pass

    asyncio.run(asyncio.wait_for(called(), 60))
    assert len(order) == 2 and order[0] == "person 1"  # The person comes before the next candidate.
    with queue.turn(second):
        assert not began.wait(1.5)
    queue.leave(second)
    assert began.wait(60)
    farley.close()


def test_every_suggestion_for_the_seeds_is_answered_when_clicked(engine: Engine) -> None:
    kept = make_all(engine, 12)
    assert len(engine.suggestions.first(engine.parts()[0])) == SHOWN
    press(engine, kept)


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason=f"{DOCUMENTS} is not there")
def test_every_suggestion_for_a_folder_of_documents_is_answered_when_clicked(tmp_path: Path) -> None:
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([DOCUMENTS])
    kept = make_all(engine)
    assert len(kept) >= SHOWN
    press(engine, kept)
