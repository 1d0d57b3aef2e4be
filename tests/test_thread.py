"""Conversations: the possible readings of a follow-up, and the reading that is answered."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from index.build.write import Builder
from index.sync import sync
from rag.answer import answer
from rag.choice import Choice
from rag.conversation.thread import NO_TURNS, Thread, refers
from rag.engine import Engine
from rag.evaluation.read import read_questions
from rag.evaluation.run import Options, ask_all, describe_run, read_run
from rag.settings import Settings
from rag.types import Answer
from tests.conftest import Run

CODES = (
    "Code: E1 | Meaning: the tank is full | Remedy: empty the tank\n\n"
    "Code: E3 | Meaning: the door is open | Remedy: close the door\n"
)
POND = (
    "# Pond rules\n\nThe warden of the pond is Ada Quillfeather. She can be reached at the boat house.\n\n"
    "A fishing permit costs 14 euros a year. It is due on 1 April. Children pay half.\n"
)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over a note about a pond and a table of codes."""
    folder = tmp_path_factory.mktemp("talk")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "pond.md").write_text(POND, "utf-8")
    (docs / "codes.txt").write_text(CODES, "utf-8")
    made = Engine(Settings(home=folder / "home"))
    made.index([docs])
    made.warm_up()
    return made


def ask_in_turn(engine: Engine, *questions: str) -> list[Answer]:
    thread, found = NO_TURNS, list[Answer]()
    for question in questions:
        found.append(answer(engine, question, thread=thread))
        thread = thread.then(found[-1])
    return found


@pytest.mark.parametrize(
    ("question", "follows"),
    [
        ("and E3?", True),
        ("when is it due?", True),
        ("what about children?", True),
        ("why?", True),
        ("how much do they pay?", True),
        ("who will be there to open up?", True),
        ("what do members get if theyre late with a repair", True),
        ("which day of the month hes in the office", True),
        ("Who is the CEO of GM?", False),
        ("Is it true that GM makes its own battery cells?", False),
        ("Which company makes the cells that GM buys in Ohio?", False),
        ("How many jobs will the TDK deal create?", False),
    ],
)
def test_a_follow_up_is_distinguished_from_an_independent_question(question: str, follows: bool) -> None:
    assert refers(question) is follows


def test_a_first_question_and_a_new_subject_have_one_reading() -> None:
    turn = Answer("Who is the warden of the pond?", "", True)
    assert NO_TURNS.readings("when is it due?") == ["when is it due?"]
    assert Thread((turn,)).readings("something else: when is it due?") == ["when is it due?"]
    assert Thread((turn,)).readings("Who is the CEO of GM?") == ["Who is the CEO of GM?"]


def test_readings_begin_with_the_question_itself_and_use_words_of_the_previous_turn() -> None:
    thread = Thread((Answer("what does code E1 mean", "", True),))
    readings = thread.readings("and E3?")
    assert readings[0] == "and E3?" and "what does code E3 mean" in readings


@pytest.mark.parametrize(
    ("before", "follow_up", "reading"),
    [
        ("how much rain did the 60 mm roof hold back", "and 100 mm?", "how much rain did the 100 mm roof hold back"),
        ("what does E1 on the dryer mean", "and F2", "what does F2 on the dryer mean"),
        ("what does an adult ticket cost", "and for my son?", "what does an adult ticket cost for my son"),
        ("monthly rent of unit 4", "when is it due", "when is monthly rent due"),
        ("what does the loan of the tent come to", "when do i get it back", "when do i get the loan back"),
        ("what was decided in march about nets", "and in may?", "what was decided in may about nets"),
        ("what was decided about nets", "and on Monday?", "what was decided about nets on Monday"),
        ("can i keep a goat in the yard?", "and a hen", "can i keep a hen in the yard?"),
        ("how long does the plum jam keep", "and the cider", "how long does the cider keep"),
    ],
)
def test_numbers_codes_and_pronouns_are_replaced_by_words_of_their_kind(
    before: str, follow_up: str, reading: str
) -> None:
    assert reading in Thread((Answer(before, "", True),)).readings(follow_up)


def test_follow_ups_are_answered_with_words_of_the_previous_turn(talk: Engine) -> None:
    _, other = ask_in_turn(talk, "what does code E1 mean", "and E3?")
    assert "door is open" in other.text and "E3" in other.searched
    _, due = ask_in_turn(talk, "what does a fishing permit cost", "when is it due?")
    assert "1 April" in due.text and due.question == "when is it due?" and "permit" in due.searched


def test_a_follow_up_does_not_use_a_source_that_was_excluded_since(talk: Engine) -> None:
    thread = NO_TURNS.then(answer(talk, "what does a fishing permit cost"))
    assert "pond.md" in {one.source for one in thread.citations()}
    found = answer(talk, "when is it due?", thread=thread, choice=Choice(left_out=frozenset(("pond.md",))))
    assert all(one.source != "pond.md" for one in found.citations) and "1 April" not in found.text


def test_a_question_about_the_source_names_the_source_of_the_last_answer(talk: Engine) -> None:
    _, where = ask_in_turn(talk, "what does a fishing permit cost", "where did you read that?")
    assert where.form == "about" and "Pond rules" in where.text and not where.citations
    assert ask_in_turn(talk, "where is that from")[0].form != "about"


def test_a_new_subject_replaces_the_old_one(talk: Engine) -> None:
    *_, last = ask_in_turn(talk, "what does code E1 mean", "who is the warden of the pond?")
    assert "Quillfeather" in last.text and last.searched == "who is the warden of the pond?"


def test_chat_answers_each_line_with_a_line_of_json(builder: Builder, run: Run, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "pond.md").write_text(POND, "utf-8")
    sync(builder, [docs])
    lines = "what does a fishing permit cost\nwhen is it due?\n\n" + "why " * 300 + "\nwho is the warden of the pond?\n"
    done = run("chat", "--json", home=builder.home, lines=lines)
    first, due, long, warden = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0 and "14 euros" in first["answer"] and "1 April" in due["answer"]
    assert "characters" in long["error"] and (long["answer"], long["refused"]) == ("", False)
    assert "Quillfeather" in warden["answer"]


def test_evaluate_asks_a_thread_as_a_conversation_even_after_a_stop(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    manual = "| Display | What it means |\n|---|---|\n| E1 | The water tank is full. |\n| E3 | The door is open. |\n"
    (tmp_path / "docs/dryer.md").write_text(f"# Dryer\n\n{manual}")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    rows = [("a", "What does E1 on the dryer mean?"), ("", "and E3?"), ("a", "and E3?"), ("b", "and E3?")]
    lines = [json.dumps({"question": text} | ({"thread": thread} if thread else {})) for thread, text in rows]
    (tmp_path / "set.jsonl").write_text("\n".join(lines))
    questions = read_questions(tmp_path / "set.jsonl")
    making = describe_run(engine, questions, Options())

    def searched(folder: Path, *, stop_after: int = 0, workers: int = 1) -> list[str]:
        with closing(ask_all(engine, questions, folder, making, workers)) as asking:
            for done, _ in asking:
                if done == stop_after != 0:
                    break
        if stop_after:
            return searched(folder)
        return [row["answer"]["searched"] for row in read_run(folder).rows]

    whole = searched(tmp_path / "whole")
    assert whole[1] == whole[3] == "and E3?" != whole[2] and "dryer" in whole[2] and "E3" in whole[2]
    assert searched(tmp_path / "stopped", stop_after=1) == whole
    assert searched(tmp_path / "many", workers=3) == whole
