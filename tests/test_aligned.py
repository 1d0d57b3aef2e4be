"""Tables that plain text draws with blanks: found, cut, read, quoted and calculated like other tables."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from index.article import make_article
from index.chunk import ChunkLimits, chunk
from index.text.aligned import aligned_tables
from index.text.bars import bar_rows, labelled, row_at
from index.text.sentences import sentences, unwrapped
from index.text.structure import structure
from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.ui.sentences import answer_sentences

MINUTES = """Otter Weir Rowing Association

Minutes of the committee meeting of 4 February 2026

Present:    Ines Falk (chair), Colonel Dorn Hask (boats),
            Petra Lumm (treasurer)

The shed needs a new roof before the winter. Three offers were read.

  Tarr & Sons     4,100 euros    two weeks
  Bellmouth       3,780 euros    five weeks
  Roofline Ltd    4,950 euros    one week

ACTION ITEMS

No.  What                                    Who          Due
1    Order the roof from Tarr & Sons and
     ask for the guarantee in writing        P Lumm       12 March
2    Sand the two old skiffs                 D Hask       30 April
3    Write to members. No post, only mail    I Falk       20 February
4    Buy paddles, no. 6                      D Hask       2 March

Club boats on 1 February

    Boat        Seats   Weight (kg)   Bought in
    Heron         2         41.5         2011
    Bittern       4         58           2019
    Kingfisher    1         19.5         2023

Balance in January              5,210.40
Fees of February                  388.00
Varnish and brushes               -61.75
"""


def test_rows_have_the_names_of_their_columns_and_a_wrapped_cell_is_one() -> None:
    offers, actions, boats, balance = aligned_tables(MINUTES)
    assert (offers.names, len(offers.rows)) == ((), 3) and (balance.names, len(balance.rows)) == ((), 3)
    assert actions.names == ("No.", "What", "Who", "Due") and boats.names[2] == "Weight (kg)"
    named = [row.named(MINUTES) for row in bar_rows(MINUTES)]
    assert named[0] == "Tarr & Sons | 4,100 euros | two weeks"
    assert named[3] == (
        "No.: 1 | What: Order the roof from Tarr & Sons and ask for the guarantee in writing | Who: P Lumm"
        " | Due: 12 March"
    )
    assert named[7] == "Boat: Heron | Seats: 2 | Weight (kg): 41.5 | Bought in: 2011"
    assert MINUTES[actions.start : actions.end].startswith("No.  What") and actions.rows[-1].end == actions.end
    assert row_at(MINUTES, actions.rows[0].start, actions.rows[0].end) is not None
    assert row_at(MINUTES, actions.rows[0].start, actions.rows[0].start + 8) is None


@pytest.mark.parametrize(
    "text",
    [
        "Two blanks end a sentence.  The next one begins.\nIt goes on here.  And here.\nAnd there.  It ends.",
        "1.1  The tenant pays the rent.\n1.2  The landlord repairs the roof.\n1.3  Dogs are allowed.",
        "D1  The fair opens in May.\nD2  The tent is dropped.\nD3  Tarr gets the order.",
        "Studio:     Unit 14\nTerm:       24 months\nDeposit:    930 euros",
        "```\nred     1\ngreen   2\nblue    3\n```",
        "a\tone  two\nb\tthree  four\nc\tfive  six",
        "Otter   Weir\n\nBittern   Pool\n\nHeron   Lake",
        "No table here.",
        "Name   Place",
        "",
    ],
)
def test_prose_clauses_labels_and_code_are_no_tables(text: str) -> None:
    assert aligned_tables(text) == []


def test_a_row_below_an_empty_first_cell_stays_its_own_and_a_rule_makes_a_header() -> None:
    text = """Day    Time    Course
-----  ------  ------
Mon    9 am    Yoga
       11 am   Rowing
Tue    9 am    Drill
-----  -----"""
    (table,) = aligned_tables(text)
    assert table.names == ("Day", "Time", "Course") and len(table.rows) == 3
    assert [text[cell.start : cell.end] for cell in table.rows[1].cells] == ["11 am", "Rowing"]
    quoted = "> Boat     Seats\n> Heron    2\n> Bittern  4\n> Gull     8"
    assert [len(one.rows) for one in aligned_tables(quoted)] == [3]


def test_a_slice_that_begins_inside_a_table_takes_the_names_from_elsewhere() -> None:
    rows = MINUTES[MINUTES.index("4    Buy") :].split("\n")[0]
    assert [row.named(rows) for row in bar_rows(rows, "| No. | What | Who | Due |")] == [
        "No.: 4 | What: Buy paddles, no. 6 | Who: D Hask | Due: 2 March"
    ]
    begun = MINUTES[MINUTES.index("Boat   ") :]  # the indent of the header is lost
    assert bar_rows(begun) and next(bar_rows(begun)).named(begun).startswith("Boat: Heron | Seats: 2")


def test_the_rows_are_sentences_and_a_block_and_keep_their_lines() -> None:
    said = [MINUTES[a:b] for a, b in sentences(MINUTES)]
    assert "3    Write to members. No post, only mail    I Falk       20 February" in said
    assert "".join("".join(said).split()) == "".join(MINUTES.split())
    held = structure(MINUTES)
    assert [block.kind for block in held.blocks].count("rows") == 4
    assert MINUTES[slice(*sentences(MINUTES, MINUTES.index("Bittern  "))[0])].startswith("Bittern")
    assert unwrapped(MINUTES).count("\n") >= MINUTES[MINUTES.index("No.  ") :].count("\n")


def test_words_read_in_a_cell_map_back_to_the_text() -> None:
    seen = labelled(MINUTES)
    assert "No.  What" not in seen.text and "Boat: Bittern | Seats: 4 | Weight (kg): 58" in seen.text
    start = seen.text.index("D Hask")
    assert MINUTES[slice(*seen.original(start, start + 6))] == "D Hask"
    whole = seen.text.index("Order the roof from Tarr & Sons and ask for the guarantee in writing")
    a, b = seen.original(whole, whole + 68)
    assert MINUTES[a:b].split() == "Order the roof from Tarr & Sons and ask for the guarantee in writing".split()


def test_a_long_table_is_cut_between_rows_and_each_part_has_the_names(limits: ChunkLimits) -> None:
    rows = "\n".join(f"Hut {n:<8}{n + 2:<8}{n} euros a night, blankets" for n in range(10, 90))
    text = f"Huts of the valley\n\nHut         Beds    Price\n{rows}\n"
    cut = chunk(make_article("huts.txt", text), limits)
    assert len(cut) > 2 and all(one.columns == "| Hut | Beds | Price |" for one in cut[1:])
    named = [row.named(one.text) for one in cut for row in bar_rows(one.text, one.columns)]
    assert len({*named}) == 80 and all(row.startswith("Hut: Hut ") for row in named)


def test_a_large_text_has_all_rows_of_its_table_and_long_labels_are_none() -> None:
    rows = "\n".join(f"name {n:<8}{n:<10}word" for n in range(4000))
    (table,) = aligned_tables(rows)
    assert len(table.rows) == 4000
    assert aligned_tables("\n".join(f"Label {n}:    value {n}" for n in range(4000))) == []


@pytest.fixture(scope="module")
def rowing(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the minutes."""
    folder = tmp_path_factory.mktemp("rowing")
    (folder / "docs").mkdir()
    (folder / "docs/rowing-minutes.txt").write_text(MINUTES, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


@pytest.mark.parametrize(
    ("question", "held", "lacking"),
    [
        ("what is the weight of the bittern", "58", "41.5"),
        ("when was the kingfisher bought", "2023", "2011"),
        ("what jobs did falk get", "Write to members. No post, only mail | Who: I Falk", "skiffs"),
        ("what does petra lumm have to do", "in writing | Who: P Lumm | Due: 12 March", "paddles"),
        ("tasks for the colonel", "Sand the two old skiffs | Who: D Hask", "Falk"),
        ("which boat is the heaviest", "Bittern: 58", "Heron: 41.5"),
    ],
)
def test_questions_are_answered_from_the_cells(rowing: Engine, question: str, held: str, lacking: str) -> None:
    found = answer(rowing, question)
    assert held in found.text and lacking not in found.text
    (home,) = (Path(one.source).name for one in found.citations[:1])
    assert home == "rowing-minutes.txt" and all(one.quote in MINUTES for one in found.citations)


def test_the_page_shows_rows_as_a_table_and_quotes_one_with_its_answer_marked(rowing: Engine) -> None:
    jobs, offer = (answer(rowing, one) for one in ("what jobs did hask get", "who buys the paddles"))
    assert jobs.form == "table" and [one.block for one in jobs.sentences] == ["row", "row"]
    assert "<th" in answer_sentences("turn", jobs) and "Sand the two old skiffs</td>" in answer_sentences("turn", jobs)
    page = re.sub(r"<[^>]*>", "", answer_sentences("turn", offer))
    assert "“No.: 4 · What: Buy paddles, no. 6 · Who: D Hask · Due: 2 March”" in html.unescape(page) and "|" not in page
