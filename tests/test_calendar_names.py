"""A weekday or month of a question is found by its short name too, and the other way round."""

from __future__ import annotations

from collections import Counter

import pytest

from index.text.calendar_names import held_name
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings

TABLE = """# Garden society

| Day | Event | Lead |
|---|---|---|
| Sat 5 Sep | Seed swap | Moira Kell |
| Sun 20 Sep | Compost day | Jonas Firth |
| Wed 7 Oct | Pruning talk | Ada Brock |
| Sun 1 Nov | Bonfire | Pat Royle |
"""


def test_the_form_that_the_sources_have_is_taken() -> None:
    frequency = Counter({"sun": 2, "sept": 1, "sep": 3, "march": 1}).__getitem__
    assert [held_name(term, frequency) for term in ("sunday", "septemb", "mar", "sun")] == [
        "sun",
        "sep",
        "march",
        "sun",
    ]
    assert [held_name(term, frequency) for term in ("monday", "otter")] == ["monday", "otter"]


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("garden")
    (folder / "calendar.md").write_text(TABLE)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "calendar.md"])
    return engine


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("what happens in november", "Bonfire"),
        ("what is on in october?", "Pruning talk"),
        ("who leads the event on wednesday", "Ada Brock"),
    ],
)
def test_a_long_name_finds_the_row_with_the_short_one(garden: Engine, question: str, row: str) -> None:
    found = answer(garden, question)
    assert not found.refused and row in found.text


def test_a_month_that_no_source_has_is_refused(garden: Engine) -> None:
    assert answer(garden, "what happens in february").refused
