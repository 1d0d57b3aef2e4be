"""Conversations are stored unchanged, across restarts and for several processes at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.text.published import Published
from rag.choice import SourceScope
from rag.cite import Citation, CitedSentence
from rag.conversation.store import CONVERSATIONS_FILE, ConversationError, ConversationStore
from rag.types import Answer, Passage
from tests.nasty import TEXTS

PUBLISHED = st.none() | st.builds(Published, st.sampled_from(["2024", "2024-09", "2024-09-12"]), st.just("text"))
PLACES = st.integers(0, 50)
SENTENCES = st.lists(
    st.builds(CitedSentence, TEXTS, st.tuples(PLACES), st.booleans(), st.sampled_from(["quoted", "weak"]), TEXTS),
    max_size=3,
    unique=True,
).map(tuple)
CITATIONS = st.builds(
    Citation,
    PLACES,
    TEXTS,
    TEXTS,
    TEXTS,
    PUBLISHED,
    TEXTS,
    st.none() | PLACES,
    PLACES,
    PLACES,
    TEXTS,
    also_in=st.tuples(TEXTS),
)
PASSAGES = st.builds(
    Passage,
    PLACES,
    TEXTS,
    TEXTS,
    TEXTS,
    PUBLISHED,
    TEXTS,
    PLACES,
    PLACES,
    TEXTS,
    st.floats(0, 1),
    st.booleans(),
    PLACES,
)
ANSWERS = st.builds(
    Answer,
    question=TEXTS,
    text=TEXTS,
    refused=st.booleans(),
    evidence_score=st.none() | st.floats(0, 1),
    sentences=SENTENCES,
    citations=st.lists(CITATIONS, max_size=2).map(tuple),
    passages=st.lists(PASSAGES, max_size=2).map(tuple),
    timings=st.dictionaries(st.text(), st.floats(0, 1e6), max_size=2),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    writer=st.sampled_from(["quote", "llm"]),
    tokens=st.dictionaries(st.text(), PLACES, max_size=2),
    asked=st.none() | st.builds(SourceScope, st.frozensets(st.text(), max_size=3), st.just(()), PLACES),
)


@settings(max_examples=150, deadline=None)
@given(ANSWERS)
def test_an_answer_is_unchanged_after_a_round_trip_through_json(answer: Answer) -> None:
    assert Answer.from_json(answer.to_json()) == answer


def test_sentences_that_failed_the_check_are_stored_too() -> None:
    shown, failed = CitedSentence("It is so.", (1,)), CitedSentence("It is not.", (), verdict="unsupported", why="why")
    answer = Answer("q", "It is so. [1]", False, sentences=(shown,), checked=(failed, shown), writer="llm")
    assert Answer.from_json(answer.to_json()) == answer


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    return ConversationStore(tmp_path / "home")


def answer(question: str, text: str = "Yes.") -> Answer:
    return Answer(question, text, False)


def test_a_conversation_is_titled_by_its_first_question_and_keeps_its_turns_in_order(store: ConversationStore) -> None:
    for number in range(12):
        store.add("one", f"t{number}", answer(f"Question {number}?"))
    store.add("one", "t3", answer("Question 3?", "No."))
    found = store.get("one")
    assert found.title == "Question 0?" and [turn.id for turn in found.turns] == [f"t{n}" for n in range(12)]
    assert found.turns[3].answer == answer("Question 3?", "No.")
    assert store.summaries()[0].turns == 12


def test_the_last_used_conversation_is_first_and_search_covers_every_turn(store: ConversationStore) -> None:
    store.add("one", "a", answer("Who pays 100% of it?", "The Landlord pays."))
    store.add("two", "a", answer("When was it built?", "In 1823."))
    assert [one.id for one in store.summaries()] == ["two", "one"]
    store.add("one", "b", answer("And why?"))
    assert [one.id for one in store.summaries()] == ["one", "two"]
    assert [one.id for one in store.summaries("landlord PAYS")] == ["one"]
    assert [one.id for one in store.summaries("1823")] == ["two"]
    assert [one.id for one in store.summaries("100%")] == ["one"] and store.summaries("100_") == []


def test_titles_stars_and_source_choices_are_kept(store: ConversationStore) -> None:
    store.add("one", "a", answer("Who?"))
    store.change("one", title="  Mill   notes ", starred=True, left_out=["a.txt"])
    store.star_turn("one", "a", True)
    again = store.get("one")
    assert (again.title, again.starred, again.left_out) == ("Mill notes", True, ("a.txt",))
    assert [(where, turn.question) for where, turn in store.starred_turns()] == [("one", "Who?")]
    with pytest.raises(ConversationError, match="needs a title"):
        store.change("one", title="  ")
    with pytest.raises(ConversationError, match="not there any more"):
        store.change("two", starred=True)


def test_a_deleted_conversation_can_be_restored_until_all_are_deleted(store: ConversationStore) -> None:
    store.add("one", "a", answer("Who is the secret keeper?"))
    store.delete("one")
    assert store.summaries() == []
    with pytest.raises(ConversationError):
        store.get("one")
    store.restore("one")
    assert store.get("one").turns[0].question == "Who is the secret keeper?"
    store.delete("one")
    assert store.delete_all() == 1
    with pytest.raises(ConversationError):
        store.restore("one")


def test_deleting_all_removes_the_text_from_the_file(store: ConversationStore, tmp_path: Path) -> None:
    store.add("one", "a", answer("Who is the zanzibarian keeper?"))
    assert b"zanzibarian" in (tmp_path / "home" / CONVERSATIONS_FILE).read_bytes()
    store.delete_all()
    assert all(b"zanzibarian" not in path.read_bytes() for path in (tmp_path / "home").iterdir())


def test_threads_and_processes_write_at_once_without_loss(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rag.conversation.store import ConversationStore as S; "
        "[S(Path(sys.argv[1])).add_words('shared', f'{sys.argv[2]}-{n}', 'Who?', 'He.') for n in range(10)]"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("p", "q")]
    with ThreadPoolExecutor(4) as pool:
        store = ConversationStore(tmp_path)
        list(pool.map(lambda n: store.add_words("shared", f"t-{n}", "Who?", "She."), range(20)))
    assert [one.wait() for one in others] == [0, 0]
    assert len(ConversationStore(tmp_path).get("shared").turns) == 40


def test_a_damaged_file_is_reported_in_one_sentence(store: ConversationStore, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / CONVERSATIONS_FILE).write_bytes(b"no database at all, but long enough to be read as one" * 20)
    with pytest.raises(ConversationError, match="move the file"):
        store.summaries()


def test_a_turn_of_another_version_keeps_its_words(store: ConversationStore) -> None:
    store.add_words("one", "a", "Who?", "Ada Lo.")
    turn = store.get("one").turns[0]
    assert turn.answer is None and (turn.question, turn.text) == ("Who?", "Ada Lo.")


def test_text_that_is_not_utf8_is_reported_as_damage(tmp_path: Path) -> None:
    store = ConversationStore(tmp_path)
    store.add("conversation1", "t1", Answer("Where is the mill?", "At Farley.", False))
    path = tmp_path / CONVERSATIONS_FILE
    path.write_bytes(path.read_bytes().replace(b"mill", b"mi\xf5l"))
    with pytest.raises(ConversationError, match="can't be read or saved"):
        store.summaries()


def test_a_damaged_list_of_left_out_sources_is_empty(tmp_path: Path) -> None:
    store = ConversationStore(tmp_path)
    store.add("conversation1", "t1", Answer("Where is the mill?", "At Farley.", False))
    store.change("conversation1", left_out=["mill.txt"])
    path = tmp_path / CONVERSATIONS_FILE
    path.write_bytes(path.read_bytes().replace(b'["mill.txt"]', b'["mill.txt" '))
    assert store.get("conversation1").left_out == ()
