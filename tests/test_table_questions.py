"""Questions about the rows of a table, as people ask them: days, extremes, counts, what somebody pays."""

from __future__ import annotations

from datetime import date

import pytest

from rag.answer import answer
from rag.conversation.thread import NO_TURNS
from rag.engine import Engine
from rag.forms.arithmetic import requested_operation
from rag.forms.cells import TableRow
from rag.forms.row_days import on_days
from rag.settings import Settings

BOOKINGS = """Date,Day,Room,Booked by,Occasion,Guests,Needs,Fee (EUR),Remarks
2025-03-03,Mon,Blue Room,Alder Choir,Rehearsal,24,Piano,20.00,
2025-03-08,Sat,Blue Room,Bea Holm,Wedding party,80,Kitchen,120.00,Pays late
2025-03-09,Sun,Loft,Chess Friends,Open evening,16,Tables,12.00,
2025-03-10,Mon,Blue Room,Alder Choir,Rehearsal,22,Piano,20.00,One lamp broken
2025-03-22,Sat,Loft,Dale Press,Book launch,60,Tables; Kitchen,45.00,
2025-04-05,Sat,Loft,Elm Players,Premiere,95,Kitchen,60.00,Hired a stage
"""
GUIDE = """# Marl desk guide

Contents: [Set up](#set-up) · [Free a held message](#free) · [Limits](#limits) · [Errors](#errors)

## Set up

Install the desk and log in as the owner.

## Free a held message {#free}

1. Open Filters, then Held.
2. Choose the message and look at it.
3. Press Let through.

## Limits

The desk takes ten mailboxes.
"""
POLICY = """Bicycle policy of Tansy Mutual

Excess: the first part of a claim, which you carry yourself. It is 50 pounds for theft and 80 pounds for damage.

Locks: a cycle worth up to 1,000 pounds needs a Bronze lock, one of 1,001 to 2,500 pounds a Silver lock.

The office keeps a waiting list for the workshop.
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the documents."""
    folder = tmp_path_factory.mktemp("hall")
    (folder / "docs").mkdir()
    for name, text in (("hall-bookings.csv", BOOKINGS), ("marl-desk.md", GUIDE), ("tansy-policy.txt", POLICY)):
        (folder / "docs" / name).write_text(text, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("how many bookings want the kitchen in march", "2 "),
        ("how many bookings want the kitchen", "3 "),
        ("how often has the alder choir booked the blue room", "2 "),
        ("how many bookings are on saturdays", "3 "),
        ("number of bookings on saturdays?", "3 "),
        ("the number of guests in march", "202 (5 rows, Guests: 24 + 80 + 16 + 22 + 60 = 202)"),
        ("highest fee of the chess friends", "Chess Friends: 12.00"),
        ("what does the alder choir pay altogether", "40.00 (2 rows, Fee (EUR): 20.00 + 20.00 = 40.00)"),
        ("which booking has the most guests coming", "Elm Players: 95"),
        ("which one has the highest fee", "Bea Holm: 120.00"),
        ("what's the dearest one to have hired", "Bea Holm: 120.00"),
    ],
)
def test_rows_are_counted_added_and_compared(hall: Engine, question: str, opening: str) -> None:
    found = answer(hall, question)
    assert found.form == "table" and found.text.startswith(opening), found.text


def test_rows_of_a_weekend_are_listed(hall: Engine) -> None:
    found = answer(hall, "list the bookings at the weekend")
    assert [text.split(" | ")[0] for text in found.text.splitlines()] == [
        f"- Date: 2025-{day}" for day in ("03-08", "03-09", "03-22", "04-05")
    ]


def test_no_rows_on_the_days_in_question_give_no_number(hall: Engine) -> None:
    assert answer(hall, "how many bookings are there in december").form != "table"


def test_days_are_months_halves_and_weekdays() -> None:
    names = ["Date", "Room"]
    rows = [TableRow(n, n + 1, {"Date": f"2025-{day}", "Room": "Loft"}) for n, day in enumerate(("03-08", "03-31"))]
    assert date(2025, 3, 31).weekday() == 0
    for question, kept in (
        ("rooms in march", 2),
        ("rooms in march 2024", 0),
        ("rooms in the second half of march", 1),
        ("rooms on mondays", 1),
        ("rooms on a Saturday or at weekends", 1),
    ):
        found = on_days(question, rows, names)
        assert found and len(found[0]) == kept, question
        assert found[1].split()[0] == "rooms" and "march" not in found[1]
    assert on_days("rooms with a march view", rows, names) is None
    assert on_days("rooms in march", rows, ["Room"]) is None


def test_mean_as_a_verb_is_no_average(hall: Engine) -> None:
    assert requested_operation("what does the excess mean") is None
    assert requested_operation("what is the mean fee") == "mean"
    assert "carry yourself" in answer(hall, "excess?? what does that mean").text


@pytest.mark.parametrize(
    ("question", "operation"),
    [
        ("how many visitors did you have last year", "count"),
        ("doing my first evening, what must be done", None),
        ("first time here, where do i park", None),
        ("which course starts last", "max"),
        ("which is the first course", "min"),
    ],
)
def test_a_time_as_somebody_sees_it_is_no_extreme(question: str, operation: str | None) -> None:
    assert requested_operation(question) == operation


def test_a_table_of_contents_answers_nothing(hall: Engine) -> None:
    found = answer(hall, "a message is held by the marl desk, how do i free it")
    assert "Let through" in found.text and "#limits" not in found.text


def test_an_amount_in_a_question_is_no_year(hall: Engine) -> None:
    found = answer(hall, "my bike was 1800 quid. which lock do they want")
    assert not found.refused and "Silver" in found.text


def test_a_waiting_list_is_no_request_for_a_list(hall: Engine) -> None:
    found = answer(hall, "is there a waiting list for the workshop")
    assert found.form != "list" and "waiting list" in found.text


def test_a_follow_up_asks_for_another_cell_of_the_row(hall: Engine) -> None:
    first = answer(hall, "when is the book launch at the loft")
    assert "2025-03-22" in first.text
    thread = NO_TURNS.then(first)
    for question, cell in (
        ("who booked it", "Dale Press"),
        ("how many guests come", "60"),
        ("what is the fee", "45.00"),
    ):
        found = answer(hall, question, thread=thread)
        assert "Book launch" in found.text and cell in found.text.split("\n\n")[0], (found.searched, found.text)
    assert thread.row() and not thread.then(answer(hall, "how do i free a held message")).row()


BENCHES = """Code,Bench,Wood,Price (EUR),Deposit (EUR),Weight (kg),Made in,Remarks
B1,Long garden bench,oak,240.00,40,31.5,Wexcombe,
B2,Short garden bench,oak,180.00,30,22.0,Wexcombe,sold together with B1
B3,Work bench,beech,310.00,50,48.0,Dunmere,for the garden shed too
B4,Piano bench,walnut,150.00,25,9.5,Dunmere,
B5,Potting table,larch,95.00,15,14.0,Wexcombe,stands beside a long bench
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over a list of benches."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "docs").mkdir()
    (folder / "docs/benches.csv").write_text(BENCHES, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("deposit for the work bench and the potting table", "Deposit (EUR): 50 (Work bench), 15 (Potting table)"),
        ("work bench and piano bench, how heavy", "Weight (kg): 48.0 (Work bench), 9.5 (Piano bench)"),
        ("what wood is the piano bench vs the potting table", "Wood: walnut (Piano bench), larch (Potting table)"),
        (
            "price of the long garden bench, the work bench and the potting table?",
            "Price (EUR): 240.00 (Long garden bench), 310.00 (Work bench), 95.00 (Potting table)",
        ),
        (
            "deposit for the garden bench and the work bench",  # two rows are garden benches
            "Deposit (EUR): 40 (Long garden bench), 30 (Short garden bench), 50 (Work bench)",
        ),
        ("how heavy is the potting table", "14.0"),
        (
            "deposit for the work bench, the piano bench and the potting table in total",
            "90 (3 rows, Deposit (EUR): 50 + 25 + 15 = 90)",
        ),
        (
            "i take the long garden bench and the work bench, what deposit is that together",
            "90 (2 rows, Deposit (EUR): 40 + 50 = 90)",
        ),
    ],
)
def test_cells_of_several_named_rows_are_shown_or_added(shop: Engine, question: str, opening: str) -> None:
    found = answer(shop, question)
    assert found.form == "table" and found.text.split(" [")[0] == opening, found.text
    assert len(found.citations) == len(found.text.splitlines()) - 1  # each row once


@pytest.mark.parametrize(
    "question",
    [
        "deposit for the work bench and the dishwasher",  # the sources have no dishwasher
        "deposit for the work bench, the potting table and a dishwasher in total",
        "i take the work bench, a dishwasher and the potting table, what deposit is that together",
        "deposit for oak and Wexcombe",  # one is a wood, the other a place
        "how deep are the work bench and the piano bench",  # no column says so
    ],
)
def test_cells_of_rows_that_are_not_clear_are_not_shown(shop: Engine, question: str) -> None:
    found = answer(shop, question)
    assert found.form != "table", found.text
