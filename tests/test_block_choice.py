"""A whole block answers: a list, a small table, a section, under headings in other words than the question's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fit_blocks import Asked, fit, report
from rag.answer import answer
from rag.engine import Engine
from rag.forms.block_choice import BLOCK_FEATURES, BLOCK_WEIGHTS
from rag.settings import Settings

COURT = """# Hollis Court, house guide

Hollis Court has twelve flats. The caretaker, Mr Abara, lives at number 1.

## Handing back your flat

Before the keys go back to the caretaker:

- sweep the balcony
- defrost the freezer
- read the meters and note the figures
- take your name off the bell

## Rubbish

The bins stand in the yard. Glass goes to the container at the corner of Mill Lane.

## The roof terrace

The terrace is open from April to October.

Barbecues with charcoal are forbidden, gas is allowed.

Plants belong into the boxes along the wall, since the floor must stay free for the fire brigade.
"""
CHOIR = """ELM STREET CHOIR

What the subscription pays for:
 * the hall on Tuesdays
 * Petra's fee
 * copies of the music
 * tea

REHEARSALS
We meet on Tuesdays at 19:30.

SOCIAL
After the last rehearsal of a month we go to the Lamb.
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over a house guide and the notes of a choir."""
    folder = tmp_path_factory.mktemp("house")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "court.md").write_text(COURT, "utf-8")
    (docs / "choir.txt").write_text(CHOIR, "utf-8")
    made = Engine(Settings(home=folder / "home"))
    made.index([docs])
    return made


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("what must i have done by the time i move out of the flat", ["balcony", "freezer", "meters", "bell"]),
        ("which things come out of the fees", ["hall", "Petra", "music", "tea"]),
        ("what are the rules up on the roof", ["charcoal", "gas", "boxes"]),
    ],
)
def test_a_list_or_section_in_other_words_is_quoted_whole_and_alone(
    house: Engine, question: str, held: list[str]
) -> None:
    found = answer(house, question)
    assert all(words in found.text for words in held)
    assert len({(one.source, one.heading) for one in found.citations}) == 1


def test_a_question_that_a_few_words_answer_opens_with_them(house: Engine) -> None:
    found = answer(house, "when is the terrace open")
    assert found.text.startswith("from April to October") and "boxes" not in found.text


@pytest.mark.parametrize(
    "question",
    ["What battery suppliers is GM already working with?", "Which companies make the batteries for General Motors?"],
)
def test_words_that_name_the_things_open_before_their_section(engine: Engine, question: str) -> None:
    assert answer(engine, question).text.startswith("LG Chem")


def test_a_table_is_not_quoted_whole_if_the_question_selects_rows(tmp_path: Path) -> None:
    rows = "Item,Colour,Shelf\nTent,green,1\nStove,green,2\nLamp,red,3\nRope,red,4\n"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/store.csv").write_text(rows, "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "which things are red")
    assert "Lamp" in found.text and "Rope" in found.text and "Tent" not in found.text


def test_the_shipped_weights_are_those_of_the_features() -> None:
    assert list(json.loads(BLOCK_WEIGHTS.read_text("utf-8"))["weights"]) == list(BLOCK_FEATURES)


def test_the_fit_finds_what_tells_right_blocks_apart(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    asked = list[Asked]()
    for number in range(60):
        rows = rng.normal(size=(4, len(BLOCK_FEATURES)))
        right = np.zeros(4)
        if number % 3:
            right[number % 4] = 1.0
            rows[number % 4, 6] += 4.0
        asked.append(Asked(number % 6, "list", 3 if number % 3 else 0, True, False, rows, right, right))
    model = fit(asked)
    assert int(np.argmax(model.weights)) == 6
    report(asked)
    printed = capsys.readouterr().out
    assert "AUROC of blocks 0.9" in printed or "AUROC of blocks 1.0" in printed
    # Without blocks near its passages a question has none to show.
    report([*asked, replace(asked[0], rows=np.zeros((0, 0)), shares=np.zeros(0), right=np.zeros(0))])
