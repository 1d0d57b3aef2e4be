"""Tables with two header rows and merged cells, in every format that has them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from index.formats import sheet, webpage, word, workbook
from index.formats.markup import render
from index.formats.tables import is_amount_cell, is_header, names_of_both, repeated_cell, table_lines
from index.formats.webpage import parse

RATES = [
    "Room: Lake view | Low season night: 80 | Low season week: 500 | High season night: 110 | High season week: 700",
    "Room: Lake view | Low season night: 85 | Low season week: 520 | High season night: 115 | High season week: 720",
    "Room: Garden | Low season night: 60 | Low season week: 380 | High season night: 90 | High season week: 540",
]
GRID = [
    ["Room", "Low season", "", "High season", ""],
    ["", "night", "week", "night", "week"],
    ["Lake view", "80", "500", "110", "700"],
    ["", "85", "520", "115", "720"],
    ["Garden", "60", "380", "90", "540"],
]
PAGE = """<h1>Rates</h1><table><caption>Table 1: in <b>euros</b></caption>
<tr><th rowspan="2">Room</th><th colspan=2>Low season</th><th colspan="2">High season</th></tr>
<tr><th>night</th><th>week</th><th>night</th><th>week</th></tr>
<tr><td rowspan="2">Lake <b>view</b></td><td>80</td><td>500</td><td>110</td><td>700</td></tr>
<tr><td>85</td><td>520</td><td>115</td><td>720</td></tr>
<tr><td>Garden</td><td>60</td><td>380</td><td>90</td><td>540</td></tr></table>"""


def lines(text: str) -> list[str]:
    """Return the table rows of a text."""
    return [line for line in text.splitlines() if " | " in line]


def test_a_workbook_repeats_merged_names_in_each_row(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in GRID:
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    for cells in ("A1:A2", "B1:C1", "D1:E1", "A3:A4"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "rates.xlsx")
    read = workbook.read(tmp_path / "rates.xlsx")
    assert lines(read.text) == RATES and [row.number for row in read.rows] == [3, 4, 5]


def test_a_web_page_repeats_spanning_cells_in_each_row_and_keeps_the_caption() -> None:
    text = webpage.read_markup(PAGE).text
    assert lines(text) == RATES and "Table 1: in euros\n\nRoom: Lake view" in text


def test_a_word_document_repeats_merged_names_in_each_row(tmp_path: Path) -> None:
    document = Document()
    table = document.add_table(len(GRID), len(GRID[0]))
    for row, cells in enumerate(GRID):
        for column, words in enumerate(cells):
            table.cell(row, column).text = words
    for first, last in (((0, 0), (1, 0)), ((0, 1), (0, 2)), ((0, 3), (0, 4)), ((2, 0), (3, 0))):
        table.cell(*first).merge(table.cell(*last))
    document.save(str(tmp_path / "rates.docx"))
    assert lines(word.read(tmp_path / "rates.docx").text) == RATES


def test_a_csv_file_may_have_two_header_rows(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("\n".join(",".join(row) for row in GRID))
    text = sheet.read(tmp_path / "rates.csv").text
    assert lines(text) == [RATES[0], RATES[1].removeprefix("Room: Lake view | "), RATES[2]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["Name", "Phone", ""], ["Ann", "n/a", "left in May"]),
        (["Contact", "", "Note"], ["Ann", "Lee", ""]),
        (["No", "Contact", "", "Note"], ["1", "Ann", "Lee", "new"]),
        (["Room", "Low season", ""], ["", "80", "90"]),
        (["Room", "Price"], ["Garden", "on request"]),
        (["Date", "Event", ""], ["", "Fete", "bring cake"]),
    ],
)
def test_a_row_of_data_is_not_a_second_header(first: list[str], second: list[str]) -> None:
    assert names_of_both(first, second) is None


def test_years_name_columns_below_other_names_and_beside_them() -> None:
    assert names_of_both(["Town", "Visitors", "", "Cost", ""], ["", "2023", "2024", "2023", "2024"]) == [
        "Town", "Visitors 2023", "Visitors 2024", "Cost 2023", "Cost 2024",
    ]  # fmt: skip
    assert table_lines([["Town", "2023", "2024"], ["Corm", "7", "9"]]) == ["Town: Corm | 2023: 7 | 2024: 9"]
    assert is_header(["", "2020", "2022", "2024"]) and is_header(["Town", "2024", "2023", "Change"])
    assert not is_header(["Ann", "2019", "2023"]) and not is_header(["2023", "2024"]) and not is_header(["Ann", "2024"])


def test_two_header_rows_without_data_are_kept() -> None:
    assert table_lines(GRID[:2]) == ["Low season: night | week | High season: night | week"]


def test_a_second_row_of_names_without_values_is_a_row() -> None:
    rows = [["Room", "Price", ""], ["", "low", "low"], ["Garden", "", ""]]
    assert table_lines(rows) == ["Price: low | low", "Room: Garden"]


def test_names_that_a_merged_cell_repeats_are_names_with_an_empty_column_too() -> None:
    first = ["Item", "Retail", "", "Trade", "", "Notes"]
    second = ["Item", "one", "ten", "one", "ten", "Notes"]
    rows = [first, second, ["Rope", "1", "2", "3", "4", ""]]
    assert table_lines(rows) == ["Item: Rope | Retail one: 1 | Retail ten: 2 | Trade one: 3 | Trade ten: 4"]


@pytest.mark.parametrize("words", ["40", "12.50", "€ 3", "EUR 120 per year", "40 hours", "3 million", "5 kg", "80%"])
def test_a_number_with_its_unit_is_said_once(words: str) -> None:
    assert is_amount_cell(words) and repeated_cell(words) == ""


@pytest.mark.parametrize("words", ["Lake view", "B30", "3 May 2024", "2 adults and a child"])
def test_other_words_are_said_in_every_row_that_they_are_merged_over(words: str) -> None:
    assert not is_amount_cell(words) and repeated_cell(words) == words


CELL = '<td colspan="{0}" rowspan="{1}">{2}</td>'
CELLS = st.builds(CELL.format, st.integers(0, 9), st.integers(0, 9), st.text("abc", max_size=3))


@given(st.lists(st.lists(CELLS, max_size=4), max_size=6))
def test_no_cell_is_lost_whatever_it_spans(rows: list[list[str]]) -> None:
    page = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    tree = parse(f"<p>Rates</p><table><tr><th>Room</th><th>Price</th></tr>{page}</table>")
    rendered = render(tree)
    for row in rows:
        for cell in row:
            assert cell.partition(">")[2].partition("<")[0] in rendered


def test_spans_of_a_web_page_are_limited() -> None:
    cells = '<td colspan="99999999">a</td><td colspan="99999" rowspan="99999">b</td>' * 40
    tree = parse(f"<table>{f'<tr>{cells}</tr>' * 40}</table>")
    assert len(tree.xpath("//td")) == 3200


def test_a_merged_number_is_written_once(tmp_path: Path) -> None:
    page = """<table><tr><th>Room</th><th>Deposit</th></tr><tr><td>Hall</td><td rowspan="2">100</td></tr>
    <tr><td>Library</td></tr></table><table><tr><th>Month</th><th>Retail</th><th>Trade</th></tr>
    <tr><td>June</td><td>20</td><td>30</td></tr><tr><td>July</td><td colspan="2">£600</td></tr></table>"""
    rendered = render(parse(page))
    assert "Room: Hall | Deposit: 100\n\nRoom: Library\n" in rendered and "Month: July | Retail: £600" in rendered
    assert rendered.count("100") == rendered.count("600") == 1
    book = openpyxl.Workbook()
    for row in (["Room", "Deposit"], ["Hall", 300], ["Library", None], ["Kitchen", 40]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "rooms.xlsx")
    assert workbook.read(tmp_path / "rooms.xlsx").text.count("300") == 1


def test_cells_do_not_span_row_groups_and_line_breaks_separate_words() -> None:
    page = """<p>Rates</p><table><caption>Rates<br>in euros</caption><thead>
    <tr><th rowspan="2">Item</th><th>Price</th><th>Size</th></tr></thead><tbody>
    <tr><td rowspan="9">Mon<br>Tue</td><td>2</td><td>L</td></tr><tr><td>3</td><td>M</td></tr>
    </tbody><tbody><tr><td>Wed</td><td>4</td><td>S</td></tr></tbody></table>"""
    rendered = render(parse(page))
    assert lines(rendered) == [
        "Item: Mon Tue | Price: 2 | Size: L",
        "Item: Mon Tue | Price: 3 | Size: M",
        "Item: Wed | Price: 4 | Size: S",
    ]
    assert "Rates in euros" in rendered


def test_an_empty_first_row_is_ignored() -> None:
    page = "<table><tr></tr><tr><th>Room</th><th>Price</th></tr><tr><td>Hall</td><td>4</td></tr></table>"
    assert "Room: Hall | Price: 4" in render(parse(f"<p>Rates</p>{page}"))


def test_a_vertical_table_has_no_column_names() -> None:
    rows = "<tr><th>Name</th><td></td></tr><tr><th>Born</th><td>1950</td></tr><tr><th>Left</th><td>2001</td></tr>"
    page = f"<table>{rows}</table>"
    assert "Name: Born" not in render(parse(page))
