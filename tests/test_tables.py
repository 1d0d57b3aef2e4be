"""Answers in table rows: the row that matches the question, and the cell it asks for."""

from __future__ import annotations

import pytest

from rag.reader.spans import AnswerSpan, PassageReading
from rag.reader.tables import in_cells, rows

PRICES = (
    "Product: Rye bread | Pack size: 8 | Price (GBP): 2.20 | Supplier: own\n\n"
    "Product: Vegan roll | Pack size: 20 | Price (GBP): 31.00 | Supplier: Greenhill Foods\n\n"
    "Product: Baguette | Pack size: 10 | Price (GBP): 11.50 | Supplier: Oat Ltd, bought 2021-03-04"
)


def _reading(*answers: tuple[str, float]) -> PassageReading:
    spans = [AnswerSpan(PRICES.index(words), PRICES.index(words) + len(words), score) for words, score in answers]
    return PassageReading(answers[0][1] + 0.1, tuple(spans))


def _best(question: str, *answers: tuple[str, float]) -> str:
    first = in_cells(question, [PRICES], [_reading(*answers)])[0].answers[0]
    return PRICES[first.start : first.end]


def test_rows_and_cells_are_parsed() -> None:
    text = f"Prices: of all | that are sold\n{PRICES}"
    cells = [[(cell.name, text[cell.start : cell.end]) for cell in row.cells] for row in rows(text)]
    assert len(cells) == 3 and cells[1][3] == ("Supplier", "Greenhill Foods") and cells[0][2] == ("Price (GBP)", "2.20")
    assert list(rows("A sentence: with a colon | and a bar.")) == []


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("How much is the rye bread?", "8 | Price", "2.20"),
        ("baguette price", "10", "11.50"),
        ("Who makes the vegan roll?", "Greenhill", "Greenhill Foods"),
        ("Who makes the vegan roll?", "Supplier: Greenhill", "Greenhill Foods"),
        ("What is the pack size of the baguette?", "Baguette", "10"),
        ("Which product was bought in 2021?", "Rye bread", "Baguette"),
    ],
)
def test_the_answer_is_the_cell_of_the_column_in_question(question: str, answer: str, expected: str) -> None:
    assert _best(question, (answer, 2.0)) == expected


def test_the_row_with_the_words_of_the_question_comes_first() -> None:
    assert _best("Who sells the vegan roll?", ("own", 2.0), ("Greenhill Foods", 1.5)) == "Greenhill Foods"


def test_a_row_with_the_full_name_in_another_passage_comes_first() -> None:
    first = "Name: Ada Holm | Office: B129 | Phone: 555-2203\n\nName: Per Lund | Office: C140 | Phone: 555-2280"
    second = "Name: Ada Lund | Office: C350 | Phone: 555-3750"
    read = [PassageReading(2.1, (AnswerSpan(first.index("555-2203"), first.index("\n"), 2.0),)), PassageReading()]
    alone = in_cells("phone of Ada Lund", [first], read[:1])
    assert alone[0].answers and in_cells("phone of Ada Lund", [first, second], read)[0] == PassageReading()
    assert in_cells("phone of Ada Lund", [first], read[:1], [first, second]) == [PassageReading()]
    elsewhere = second.replace("Office", "Room")
    assert in_cells("phone of Ada Lund", [first], read[:1], [first, elsewhere]) == alone


def test_a_column_name_is_never_an_answer() -> None:
    assert in_cells("Who sells bread rolls?", [PRICES], [_reading(("Supplier", 2.0))]) == [PassageReading()]


def test_prose_is_left_unchanged() -> None:
    found = PassageReading(2.0, (AnswerSpan(0, 4, 1.0),))
    assert in_cells("Who?", ["Anna bakes: bread | rolls."], [found]) == [found]


@pytest.mark.parametrize(
    ("question", "kept"),
    [("how tall is the vegan roll?", False), ("how heavy is the vegan roll?", False), ("what is the pack size?", True)],
)
def test_a_cell_of_another_measure_is_dropped(question: str, kept: bool) -> None:
    found = in_cells(question, [PRICES], [_reading(("20", 1.0), ("31.00", 0.5))])[0]
    assert bool(found.answers) == kept


def test_a_cell_of_the_right_measure_is_kept() -> None:
    text = "Tree: Rowan | Height: 9 m | Stock: 4\n\nTree: Lime | Height: 30 m | Stock: 2"
    found = PassageReading(1.1, (AnswerSpan(text.index("30 m"), text.index("30 m") + 4, 1.0),))
    assert in_cells("how tall does the lime get?", [text], [found])[0].answers


def test_a_measure_is_not_confused_with_the_name_of_a_row_or_column() -> None:
    text = "Programme: Down | Duration: 140 minutes\n\nProgramme: Wool | Duration: 40 minutes"
    found = PassageReading(1.1, (AnswerSpan(text.index("140"), text.index("140") + 11, 1.0),))
    named = "Name: Jürgen | Größe: 183"
    tall = PassageReading(1.1, (AnswerSpan(named.index("183"), len(named), 1.0),))
    assert in_cells("how tall is Jürgen?", [named], [tall])[0].answers
    best = in_cells("down programme, how long does it take", [text], [found])[0].answers[0]
    assert text[best.start : best.end] == "140 minutes"


def test_the_row_that_begins_with_the_subject_of_the_question_comes_first() -> None:
    """The name of the row is one word, which also occurs in a cell of another row."""
    text = "Mode: Night | Fan: low | Noise: 36 dB\n\nMode: Fan only | Fan: high | Noise: 42 dB"
    found = PassageReading(
        1.1, tuple(AnswerSpan(text.index(f"{n} dB"), text.index(f"{n} dB") + 5, s) for n, s in ((36, 1.0), (42, 0.5)))
    )
    (best,) = in_cells("how loud is fan only mode", [text], [found])[0].answers
    assert text[best.start : best.end] == "42 dB"
