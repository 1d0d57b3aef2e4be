"""Questions that compare columns or need the right one of several, and lists that are asked for in few words."""

from __future__ import annotations

import pytest

from rag.answer import answer
from rag.engine import Engine
from rag.forms.question_form import requested_form, without_brevity
from rag.reader.ranges import Amount, Range, amounts, range_in
from rag.settings import Settings

PUMP = """# Garrow 20 pump: instructions for use

## 1. Draining the pump

Only the lower tank is drained by the owner. The upper tank is drained by a fitter, because its valve is sealed.

1. Pull the plug and close the tap.
2. Hold a bowl below the brass screw.
3. Turn the screw to the left until the water runs.
4. Tighten the screw by hand.

## 2. Priming

To prime the pump in spring, pour two litres of water into the funnel and switch it on within a minute.

1. Put the pump on level ground.
2. Keep children away from the cable.

## 3. Data

| | Garrow 20 | Garrow 20 L |
|---|---|---|
| Mains | 230 V | 230 V |
| Flow | 34 l/min | 52 l/min |
| Weight | 9.6 kg | 14.1 kg |
| Noise | 71 dB | 64 dB |
| Load at rest | 6 W | 8 W |
"""
HOURS = """# Fen Lane dentists: patient guide

## When to find us

| Day | Fen Lane | Harbour Row |
|---|---|---|
| Monday to Friday | 8:15–18:00 | 9:30–13:00 |
| Saturday | 9:00–12:00 | closed |
| Sunday and bank holidays | emergencies only | closed |
"""
ROPES = """code,item,category,price_eur,member_price_eur,in_stock
RP-1,Static rope 28 mm,ropes,31.00,26.00,4
RP-2,Static rope 32 mm,ropes,36.50,30.00,9
RP-3,Pulley block,hardware,58.00,49.00,3
RP-4,Shackle bow,hardware,7.20,6.00,40
RP-5,Shackle twisted,hardware,8.10,6.80,25
RP-6,Mooring line 28 mm,lines,44.00,39.00,2
"""
LEAGUE = """# League results 12

| Team | Home goals | Away goals |
|---|---|---|
| Ardle | 12 | 5 |
| Brin | 7 | 5 |
| Corrie | 3 | 9 |
"""
BATHS = """# Corran bath prices

| Ticket | Member price | Child price |
|---|---|---|
| Swim | 5.00 | 3.00 |
| Steam | 9.00 | 6.00 |
| Tennis | 8.00 | 8.00 |
"""
SLABS = """slab,price including VAT,price without VAT
Oak slab,288.00,240.00
Elm slab,222.00,185.00
Yew slab,414.00,345.00
"""
NOTES = """# Windrow release notes

## 3.1.1 (4 May 2025)

A repair release. Recommended for everybody on 3.1.0.

## 3.1.0 (2 March 2025)

### New

- Frost warnings for the greenhouse.
- Up to six soil probes.

### Removed

- The old paper report.
- Support for the first mast.
"""


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the documents."""
    folder = tmp_path_factory.mktemp("yard")
    (folder / "docs").mkdir()
    files = (
        ("garrow-pump.md", PUMP),
        ("fen-lane.md", HOURS),
        ("rope-prices.csv", ROPES),
        ("slabs.csv", SLABS),
        ("league.md", LEAGUE),
        ("baths.md", BATHS),
        ("windrow.md", NOTES),
    )
    for name, text in files:
        (folder / "docs" / name).write_text(text, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


@pytest.mark.parametrize("question", ["garrow 20 or 20 l whats the difference", "compare the garrow 20 with the 20 L"])
def test_columns_are_compared_by_the_rows_in_which_they_differ(yard: Engine, question: str) -> None:
    shown = answer(yard, question).text
    assert all(f"{name} | Garrow 20:" in shown for name in ("Flow", "Weight", "Noise", "Load at rest"))
    assert "Mains" not in shown


@pytest.mark.parametrize(
    ("question", "row", "other"),
    [
        ("weight of the garrow 20 vs the garrow 20 l", "9.6 kg | Garrow 20 L: 14.1 kg", "Noise"),
        ("weekday hours fen lane compared with harbour row", "8:15–18:00 | Harbour Row: 9:30–13:00", "Saturday"),
        ("sunday hours fen lane compared with harbour row", "emergencies only | Harbour Row: closed", "Saturday"),
    ],
)
def test_a_comparison_of_columns_may_ask_for_one_row(yard: Engine, question: str, row: str, other: str) -> None:
    found = answer(yard, question)
    assert row in found.text
    assert row.split(" | ")[1] in found.text.split("\n\n")[0], "both sides are said at once"
    assert other not in found.text


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("dearest item in the rope list", "Pulley block: 58.00"),
        ("how many items cost more than 40 euros", "2 "),
        ("how many shackles in stock, all kinds added up", "65 "),
        ("price of the 28 mm mooring line", "44.00"),
        ("price of the 28 mm mooring line for members", "39.00"),
        ("price of the 28 mm mooring line for non members", "44.00"),
        ("price of the oak slab without VAT", "240.00"),
        ("price of the oak slab including VAT", "288.00"),
    ],
)
def test_the_plain_price_is_meant_unless_the_question_names_another(yard: Engine, question: str, opening: str) -> None:
    assert answer(yard, question).text.startswith(opening)


def test_the_number_in_a_products_name_names_no_rows(yard: Engine) -> None:
    found = answer(yard, "what colours can you get the garrow 20 in")
    assert not found.citations


def test_a_number_that_names_nothing_with_the_title_selects_its_rows(yard: Engine) -> None:
    found = answer(yard, "how many teams scored 12 home goals?")
    assert "Ardle" in found.text
    assert "Corrie" not in found.text


def test_a_row_that_is_equal_in_both_columns_is_shown_if_it_is_asked_for(yard: Engine) -> None:
    found = answer(yard, "what is the difference between the member price and the child price for tennis at Corran?")
    assert "Tennis" in found.text
    assert "Swim" not in found.text


def test_how_much_is_not_answered_by_a_name(yard: Engine) -> None:
    assert not answer(yard, "how much is a swim ticket for non-members?").text.startswith("Swim")


def test_steps_beside_the_sentence_that_answers_are_shown_if_the_question_names_their_section(yard: Engine) -> None:
    drained = answer(yard, "how do i drain the garrow")
    assert [one.block for one in drained.sentences] == ["quote", *["step"] * 4]
    assert "Only the lower tank" in drained.text.split("\n\n")[0]
    primed = answer(yard, "how do i get the garrow going in spring")
    assert "two litres" in primed.text


@pytest.mark.parametrize("question", ["3.1.0 whats new", "what's new in 3.1.0", "what is new in version 3.1.0?"])
def test_a_version_names_the_section_above_a_heading(yard: Engine, question: str) -> None:
    shown = answer(yard, question).text
    assert "Frost warnings" in shown
    assert "six soil probes" in shown
    assert "paper report" not in shown


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("what is the lease about", "summary"),
        ("what's the report about, in two sentences", "summary"),
        ("what are they all about please", "summary"),
        ("whats so bad about burning damp logs", "words"),
        ("what is special about the duo", "words"),
    ],
)
def test_only_a_question_that_ends_on_about_asks_for_a_summary(question: str, form: str) -> None:
    assert requested_form(question) == form


def test_words_that_ask_for_a_short_answer_are_not_searched(yard: Engine) -> None:
    found = answer(yard, "in a nutshell, when is Fen Lane open on Saturday?")
    assert "9:00–12:00" in found.text


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("in a nutshell what are the rules", "what are the rules"),
        ("what are the rules, in short?", "what are the rules"),
        ("tl;dr: who won", "who won"),
        ("tl;dr", "tl;dr"),
        ("how much is the short version?", "how much is the short version?"),
        ("how many boxes were in short supply?", "how many boxes were in short supply?"),
        ("who was in short-term care", "who was in short-term care"),
    ],
)
def test_only_what_opens_or_ends_a_question_asks_for_a_short_answer(question: str, searched: str) -> None:
    assert without_brevity(question) == searched


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ("Sunday and public holidays", Range(6.0, 6.0, "weekday")),
        ("Sat & Sun", Range(5.0, 6.0, "weekday")),
        ("weekdays", Range(0.0, 4.0, "weekday")),
        ("Weekends", Range(5.0, 6.0, "weekday")),
        ("daily", Range(0.0, 6.0, "weekday")),
        ("Monday and Thursday", None),
    ],
)
def test_a_cell_of_days_is_a_range(cell: str, days: Range | None) -> None:
    assert range_in(cell) == days


def test_all_days_of_a_weekend_have_to_be_in_a_range() -> None:
    asked = amounts("open at the weekend?")
    assert asked == [Amount(5.0, "weekday", 6.0)]
    held = [cell for cell in ("daily", "Saturday", "Fri-Sun") if (days := range_in(cell)) and days.holds(asked)]
    assert held == ["daily", "Fri-Sun"]
