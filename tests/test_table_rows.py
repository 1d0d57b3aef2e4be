"""The benchmarks of document structure in short: rows of tables, passages, comparison of rankings, speed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks.chunking import index_once, speed_row, write_documents
from benchmarks.people_passages import holds_all
from benchmarks.retrieval import difference
from benchmarks.row_tables import FORMATS, RowTable, make_row_tables
from benchmarks.table_files import write_table
from benchmarks.table_rows import first_row, measure

PEOPLE = RowTable(
    "people.csv",
    "contacts",
    [["Name", "Phone"], ["Ann Moss", "0123"], ["Ann Moss-Lind", "0124"], ["Joann Moss", "0125"]],
    (0, 1),
    (),
)
TEXT = "Name: Ann Moss | Phone: 0123\n\nName: Ann Moss-Lind | Phone: 0124\n\nName: Joann Moss | Phone: 0125"


def test_a_citation_is_in_the_row_in_which_it_begins() -> None:
    second = TEXT.index("0124")
    assert first_row(PEOPLE, TEXT, 0, 10) == 1
    assert first_row(PEOPLE, TEXT, second, second + 4) == 2
    assert first_row(PEOPLE, TEXT, TEXT.index("Name: Ann Moss-Lind"), len(TEXT)) == 2
    assert first_row(PEOPLE, "Contacts of the club", 0, 8) is None


def test_every_table_has_each_asked_cell_in_its_row_and_no_row_twice() -> None:
    tables = make_row_tables(random.Random(3))
    assert sum(len(table.questions) for table in tables) == 120
    assert {table.name.rpartition(".")[2] for table in tables} == set(FORMATS)
    for table in tables:
        own = [tuple(row[column] for column in table.own) for row in table.rows[table.headers :]]
        assert len(set(own)) == len(own)
        assert all(one.cell and one.cell in table.rows[one.row] for one in table.questions)


def test_a_format_without_merged_cells_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no merged cells"):
        write_table(tmp_path / "a.csv", [["a", "b"], ["", "c"]], merged=((0, 0, 1, 0),))


@pytest.mark.slow
def test_most_questions_about_tables_open_the_right_row() -> None:
    outcomes = measure(make_row_tables(random.Random(2), question_count=1))
    assert len(outcomes) == 24 and sum(one.row for one in outcomes) >= 21


def test_ranks_are_compared_question_by_question(tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text(json.dumps({"a": 1.0, "b": 4.0}))
    row = difference(tmp_path / "before.json", {"b": 2.0, "a": 1.0})
    assert [cell.strip()[:5] for cell in row.split("|")[2:7]] == ["0.000", "0.500", "0.000", "0.000", "0.125"]
    with pytest.raises(SystemExit, match="other questions"):
        difference(tmp_path / "before.json", {"a": 1.0})


@pytest.mark.slow
def test_documents_of_every_format_are_written_and_indexed_whole(tmp_path: Path) -> None:
    write_documents(tmp_path / "docs", 8)
    assert len({path.suffix for path in (tmp_path / "docs").iterdir()}) == 8
    made = index_once(tmp_path / "docs", embed=False)
    assert made["chunks"] >= 16 and made["seconds"] > 0 and made["memory"] > 50
    rows = [{"chunks": 10, "seconds": seconds, "processor": 5.0} for seconds in (1.0, 2.0, 10.0)]
    assert speed_row("now", rows) == "| now | 10 | 5.0 | 2.0 |"


def test_a_passage_holds_all_that_is_needed() -> None:
    assert holds_all("The rate is 0.38 euros from May", [["0[.,]38", "38 cents"], ["may"]])
    assert not holds_all("The rate is 0.38 euros", [["0[.,]38", "38 cents"], ["may"]])
