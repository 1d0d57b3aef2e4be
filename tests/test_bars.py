"""Tables drawn with bars: their rows keep column names for reading, chunking, quoting and lookup."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.article import make_article
from index.chunk import ChunkLimits, chunk
from index.text.bars import bar_rows, labelled, row_at
from index.text.sentences import sentences
from rag.answer import answer
from rag.engine import Engine
from rag.reader.ranges import Amount, Range, amounts, range_in
from rag.settings import Settings
from rag.types import Answer
from rag.ui.rows import table_of

PASSES = """# Ski passes

Prices of the lift company for this winter, in euros.

| Stay | Adult | Child |
|:--|--:|--:|
| 1 to 3 days | 48 | 26 |
| 4 to 6 days | 132 | 70 |
| more than 6 days | 190 | |

The desk in the valley sells them.

| Desk | Mon-Fri | Sat | Sun |
|---|---|---|---|
| Valley | 8 to 18 | 8 to 19 | 9 to 17 |
| Summit | 10 to 15 | 9 to 16 | closed |
"""


def test_rows_of_a_table_have_column_names_and_code_has_none() -> None:
    text = f"{PASSES}\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n\nSize | Colour\n--- | ---\n8 | a \\| b\n"
    named = [row.named(text) for row in bar_rows(text)]
    assert named[0] == "Stay: 1 to 3 days | Adult: 48 | Child: 26" and named[2] == "Stay: more than 6 days | Adult: 190"
    assert named[-1] == "Size: 8 | Colour: a \\| b" and len(named) == 6
    inside = "| 4 to 6 days | 132 | 70 |\n| more | 190 | 9 |\n\n| no | table |"
    assert [row.named(inside) for row in bar_rows(inside, "| Stay | Adult | Child |")] == [
        "Stay: 4 to 6 days | Adult: 132 | Child: 70",
        "Stay: more | Adult: 190 | Child: 9",
    ]


def test_words_read_in_a_row_map_back_to_the_text() -> None:
    seen = labelled(PASSES)
    assert "Desk: Summit | Mon-Fri: 10 to 15 | Sat: 9 to 16 | Sun: closed" in seen.text and "---" not in seen.text
    for words, original in (("132", "132"), ("Summit", "Summit"), ("Adult: 132 | Child: 70", "132 | 70")):
        start = seen.text.index(words)
        assert PASSES[slice(*seen.original(start, start + len(words)))] == original
    prose = "No table | here."
    assert labelled(prose).text == prose and labelled(prose).original(3, 8) == (3, 8)
    start = PASSES.index("| Summit")
    end = PASSES.index("\n", start)
    assert (row := row_at(PASSES, start, end)) and row.cells[0][0] == "Desk"
    assert row_at(PASSES, start, start + 8) is None and row_at(PASSES, 0, 5) is None


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Name: Ada | Tel.: 12. Ask twice. | Room: 4\nName: Bo | Room: 5", 2),
        ("| Ada | tel. 12. Ask twice, and wait until somebody is there. |\n| Bo | 5 |", 2),
        ("| Name | Room |\n|---|---|\n| Ada | 4 |", 2),
        ("Call us, tel. 0555 8831, before noon.", 1),
        ("It took three tries. 40 people came.", 2),
    ],
)
def test_a_row_is_one_sentence_and_an_abbreviation_before_a_number_does_not_end_it(text: str, units: int) -> None:
    assert len(sentences(text)) == units


def test_lists_stay_whole_and_each_part_of_a_table_has_the_column_names(limits: ChunkLimits) -> None:
    filler = " ".join(f"The hut number {n} has a stove and a bench." for n in range(14))
    items = "\n".join(f"- {thing} for the way up" for thing in ("rope", "lamp", "map", "bread", "tea", "whistle"))
    cut = chunk(make_article("huts.md", f"# Huts\n\n{filler}\n\n{items}\n\nThe end of it."), limits)
    assert len(cut) > 1 and any(items in one.text for one in cut)
    rows = "\n".join(f"| Hut {n} | {n + 2} | {n} euros a night, blankets included |" for n in range(60))
    table = chunk(make_article("beds.md", f"# Beds\n\n| Hut | Beds | Price |\n|---|---|---|\n{rows}\n"), limits)
    assert len(table) > 2 and not table[0].columns
    assert all(one.columns == "| Hut | Beds | Price |" and one.columns not in one.text for one in table[1:])


@pytest.mark.parametrize(
    ("cell", "column", "expected"),
    [
        ("1 to 3 years", "", Range(365.25, 3 * 365.25, "day")),
        ("less than 2", "Weight (kg)", Range(float("-inf"), 2.0, "kilogram")),
        ("50 euros and more", "", Range(50.0, float("inf"), "euro")),
        ("Mon–Thu", "", Range(0.0, 3.0, "weekday")),
        ("Saturday", "", Range(5.0, 5.0, "weekday")),
        ("8 to 12", "Room", None),
        ("9-11 (1st Sat. only)", "", None),
        ("5 kg", "", None),
    ],
)
def test_a_cell_may_be_a_range(cell: str, column: str, expected: Range | None) -> None:
    assert range_in(cell, column) == expected


def test_amounts_of_a_question_are_compared_in_one_unit() -> None:
    assert amounts("after 2 weeks, on Tuesdays") == [Amount(14.0, "day"), Amount(1.0, "weekday")]
    assert Range(10.0, 20.0, "day").holds(amounts("2 weeks")) and not Range(15.0, 20.0, "day").holds(amounts("2 weeks"))
    assert not Range(0.0, 20.0, "kilogram").holds(amounts("14 days"))


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over a page of prices."""
    folder = tmp_path_factory.mktemp("passes")
    (folder / "docs").mkdir()
    (folder / "docs/passes.md").write_text(PASSES, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


def _first_row(found: Answer) -> str:
    return next(one.text for one in found.sentences if " | " in one.text)


@pytest.mark.parametrize(
    ("question", "opening", "row"),
    [
        ("when is the valley desk open on tuesdays", "8 to 18", "Desk: Valley"),
        ("summit desk saturday", "9 to 16", "Desk: Summit"),
        ("what does an adult pay for 5 days", "", "Stay: 4 to 6 days | Adult: 132"),
        ("price of an adult pass for 2 weeks", "", "Stay: more than 6 days | Adult: 190"),
    ],
)
def test_a_lookup_quotes_the_matching_row_with_its_column_names(
    passes: Engine, question: str, opening: str, row: str
) -> None:
    found = answer(passes, question)
    assert not found.refused and row in _first_row(found)
    assert not opening or found.text.startswith(opening)
    article = passes.parts()[0].catalog.article("passes.md")
    text = article.text if article else ""
    assert all(text[one.start : one.end] == one.quote and "---" not in one.quote for one in found.citations)


def test_a_value_is_looked_up_by_row_name_and_column_name(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    cells = (
        "<tr><th></th><th>Skua 4</th><th>Tern 6</th></tr><tr><td>Price</td><td>410 euros</td><td>530 euros</td></tr>"
    )
    cells += "<tr><td>Water tank</td><td>2 l</td><td>5 l</td></tr>"
    page = f"<html><body><h1>Two stoves</h1><p>We tried both for a month.</p><table>{cells}</table></body></html>"
    (tmp_path / "docs/stoves.html").write_text(page, "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    price, tank = (answer(engine, question) for question in ("tern price", "water tank of the skua"))
    assert price.text.startswith("530 euros") and tank.text.startswith("2 l")
    assert price.citations[0].quote == "Price | Skua 4: 410 euros | Tern 6: 530 euros"
    assert table_of([one.quote for one in price.citations]) == (
        ["", "Skua 4", "Tern 6"],
        [{"": "Price", "Skua 4": "410 euros", "Tern 6": "530 euros"}],
    )


def test_a_cell_is_looked_up_only_if_the_question_names_exactly_one(passes: Engine) -> None:
    assert answer(passes, "when does the desk at the lake open on tuesdays").form != "table"
    assert answer(passes, "desk sunday").form != "table"
