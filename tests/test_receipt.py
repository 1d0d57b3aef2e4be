"""Receipts: an answer is repeated and compared, changes are named, and `whatsnew` lists the changed answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import FootnoteError
from rag.answer import answer
from rag.engine import Engine
from rag.receipt import read_receipt, replay, whats_new
from rag.settings import Settings
from rag.types import Answer
from tests.conftest import Run

pytestmark = pytest.mark.slow

KEEPERS = ("Anna Brook", "Tom Hale", "Joan Pike", "Ada Marsh", "Ned Thorn")


@pytest.fixture
def ponds(tmp_path: Path) -> Engine:
    """Return an engine over a hundred short sources, each about a pond and its keeper."""
    (tmp_path / "docs").mkdir()
    for n in range(100):
        text = f"Pond {n}\n\nThe keeper of pond {n} is {KEEPERS[n % 5]}. It is {n % 7 + 2} fathoms deep.\n"
        (tmp_path / f"docs/pond-{n}.txt").write_text(text)
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    return engine


def write(engine: Engine, n: int, keeper: str) -> None:
    path = engine.roots()[0] / f"pond-{n}.txt"
    path.write_text(f"Pond {n}\n\nThe keeper of pond {n} is {keeper}. It is {n % 7 + 2} fathoms deep.\n")


def test_a_replay_is_identical_or_names_the_changed_source_and_setting(ponds: Engine, tmp_path: Path, run: Run) -> None:
    question = "Who is the keeper of pond 12?"
    output = run("ask", "--json", question, home=ponds.home).stdout
    (receipt := tmp_path / "receipt.json").write_text(output)
    assert json.loads(output)["made_by"]["generation"] == ponds.parts()[0].manifest.name
    same = run("replay", str(receipt), home=ponds.home)
    assert same.returncode == 0 and "identical" in same.stdout
    write(ponds, 12, "Rosa Quill")
    ponds.index()
    other = run("replay", str(receipt), "--json", home=ponds.home, FOOTNOTE_MAX_QUOTES="2")
    found = json.loads(other.stdout)
    assert other.returncode == 1 and not found["identical"]
    assert "pond-12.txt has changed" in found["why"]
    assert "FOOTNOTE_MAX_QUOTES was as shipped, is 2" in found["why"]
    assert "Joan Pike" in found["then"]["answer"] and "Rosa Quill" in found["now"]["answer"]


def test_a_deleted_source_is_named_and_a_file_without_an_answer_is_refused(ponds: Engine, tmp_path: Path) -> None:
    then = answer(ponds, "Who is the keeper of pond 7?")
    (ponds.roots()[0] / "pond-7.txt").unlink()
    ponds.index()
    assert "pond-7.txt is gone" in replay(ponds, then).why
    for content in ("[]", "{", '{"schema": 1}'):
        (tmp_path / "odd.json").write_text(content)
        with pytest.raises(FootnoteError, match="holds no answer"):
            read_receipt(tmp_path / "odd.json")
    with pytest.raises(FootnoteError, match="can't be read"):
        read_receipt(tmp_path / "none.json")


def test_whats_new_lists_exactly_the_questions_that_a_change_affects(ponds: Engine, tmp_path: Path, run: Run) -> None:
    questions = [f"Who is the keeper of pond {n}?" for n in range(100)]
    assert whats_new(ponds, "ponds", questions) is None
    assert whats_new(ponds, "ponds", questions) == []
    for n in (3, 41, 77):
        write(ponds, n, "Rosa Quill")
    ponds.index()
    changed = whats_new(ponds, "ponds", questions)
    assert changed is not None and [one.then.question for one in changed] == [questions[n] for n in (3, 41, 77)]
    assert all(f"pond-{n}.txt has changed" in one.why for n, one in zip((3, 41, 77), changed, strict=True))
    (tmp_path / "few.jsonl").write_text("\n".join(json.dumps({"question": one}) for one in questions[:4]))
    first = run("whatsnew", str(tmp_path / "few.jsonl"), home=ponds.home)
    assert "Saved 4 answers" in first.stderr and not first.stdout
    write(ponds, 2, "Rosa Quill")
    ponds.index()
    second = run("whatsnew", str(tmp_path / "few.jsonl"), home=ponds.home)
    assert "1 of 4 questions" in second.stderr
    assert "then: Joan Pike" in second.stdout and "now: Rosa Quill" in second.stdout
    assert "why: pond-2.txt has changed" in second.stdout


@pytest.mark.parametrize(("key", "value"), [("question", 5), ("timings", {"read": []}), ("form", "x"), ("notes", [1])])
def test_a_receipt_with_a_value_of_the_wrong_type_is_refused(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "answer.json"
    whole = Answer("Where is the mill?", "At Farley.", False)
    path.write_text(json.dumps(whole.to_json()))
    assert read_receipt(path) == whole
    path.write_text(json.dumps(whole.to_json() | {key: value}))
    with pytest.raises(FootnoteError, match="holds no answer"):
        read_receipt(path)
