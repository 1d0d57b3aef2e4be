"""Forms of answers over everyday documents: rules, minutes, price lists, an inventory."""

from __future__ import annotations

import pytest

from rag.answer import answer
from rag.engine import Engine
from rag.forms.arithmetic import requested_operation
from rag.settings import Settings
from rag.types import Answer

RULES = """FERN COTTAGE
House rules

1. Rubbish
The bins stand behind the shed.
 - grey: household waste, emptied every second Monday of the month without fail
 - yellow: tins and plastic, rinsed, emptied on the first Friday of each month
 - green: garden waste, from April to October, emptied every Wednesday morning
Furniture must not be left beside the bins. The council takes it for 30 pounds.

2. Damp and airing
Open all windows for ten minutes in the morning. Wet towels belong in the bathroom, with its fan running.

3. Guests
Guests may stay for a week. For longer, write to the agent.
"""
MINUTES = """LINDEN HALL TRUST
Minutes of the meeting of trustees
Date: 4 March 2025

Present: Asta Lund (chair), Bram Voss (treasurer), Cleo Fry

1. Boiler
Bram Voss explained two offers. Offer North, a single large unit in the cellar: 41,000 pounds, saves 6,500 pounds a
year. Offer South, two smaller units in the yard: 44,500 pounds, saves 6,100 pounds a year.
DECISION: take Offer South, since nobody wanted to depend on a single machine.
ACTION: Bram to sign the contract by 20 March.

2. Floor
The floor of the large room is worn.
ACTION: Cleo to ask for three prices for the floor.
ACTION: Bram to look for a grant.
"""
FEES = """Fees of Tern Boatyard

Boat storage ashore, in the open, for each metre and month ... £7.40
Boat storage in the hall, for each metre and month ........... £15.20
Pressure wash ............................ £48.00
"""
TOOLS = "\n".join(
    ["Code,Item,Group,Deposit (£),Weight (kg),Last checked,Remarks"]
    + [
        f"T{n:02},{item},{group},{5 * n},{n + 2},{year}-0{n % 9 + 1}-12,{note}"
        for n, (item, group, year, note) in enumerate(
            [
                ("Carpet cleaner", "Cleaning", 2024, ""),
                ("Tile cutter", "Floors", 2025, "due back in May"),
                ("Hedge trimmer", "Garden", 2024, ""),
                ("Lawn roller", "Garden", 2025, ""),
                ("Wallpaper stripper", "Walls", 2025, ""),
            ],
            1,
        )
    ]
)
KETTLE = """BREVIN K2 KETTLE
Short manual

DESCALING THE KETTLE

1. Fill the tank
Pour half a litre of water and 100 ml of vinegar into the tank. Close the lid.

2. Run the programme
Press the C button for three seconds. The lamp blinks while it runs.

3. Rinse twice
Empty the kettle and boil two fillings of clean water.

WARRANTY

The warranty runs for two years from the day of purchase.
"""


PUMP = """TARN P4 PUMP

CONTROLS

Lamp: amber | Meaning: the filter needs cleaning
Lamp: green | Meaning: the pump runs

CLEANING THE FILTER

1. Switch the pump off.
2. Unscrew the lid and take out the sieve.
3. Rinse the sieve under the tap and let it dry.

SERVICE

The filter needs cleaning after 80 hours. Kit 7 holds a new sieve.
"""


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the documents."""
    folder = tmp_path_factory.mktemp("everyday")
    (folder / "docs").mkdir()
    for name, text in (
        ("fern-cottage-rules.txt", RULES),
        ("linden-hall-minutes.txt", MINUTES),
        ("brevin-k2.txt", KETTLE),
        ("tern-boatyard-fees.txt", FEES),
        ("tool-library.csv", TOOLS),
        ("tarn-p4.txt", PUMP),
    ):
        (folder / "docs" / name).write_text(text, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


def texts_of(found: Answer) -> list[str]:
    """Return the texts of an answer's sentences."""
    return [one.text for one in found.sentences]


def test_a_question_about_several_things_lists_every_item(everyday: Engine) -> None:
    found = answer(everyday, "when are the different bins emptied at the cottage")
    assert found.form == "list"
    assert [text.partition(":")[0] for text in texts_of(found) if ": " in text] == ["grey", "yellow", "green"]
    assert texts_of(found)[2].endswith("every Wednesday morning")


def test_a_question_about_a_subject_is_answered_by_its_section(everyday: Engine) -> None:
    found = answer(everyday, "what do the house rules say about mould and damp")
    assert "Open all windows" in found.text and "fan running" in found.text


def test_the_actions_of_one_person_are_listed(everyday: Engine) -> None:
    found = answer(everyday, "what jobs did Bram get at the trustees' meeting")
    assert found.form == "list"
    assert [text.partition(" to ")[2] for text in texts_of(found)] == [
        "sign the contract by 20 March.",
        "look for a grant.",
    ]


def test_steps_with_their_own_headings_are_steps_if_the_question_asks_how(everyday: Engine) -> None:
    found = answer(everyday, "how do i descale the kettle")
    assert found.form == "steps"
    assert [text[:8] for text in texts_of(found)] == ["Fill the", "Run the ", "Rinse tw"]
    assert answer(everyday, "how do i have to behave as a guest at the cottage").form != "steps"


def test_a_question_for_steps_gets_steps_though_words_would_answer(everyday: Engine) -> None:
    found = answer(everyday, "amber lamp on the tarn pump, cleaning the filter step by step")
    assert found.form == "steps" and texts_of(found)[-1].startswith("Rinse the sieve"), found.text


def test_a_summary_of_minutes_has_what_was_decided(everyday: Engine) -> None:
    for question in ("sum up the trustees' meeting", "I'm a new auditor in town, sum up the linden hall minutes"):
        found = answer(everyday, question)
        assert found.form == "summary" and "DECISION: take Offer South" in found.text, found.text
        assert "Present:" not in found.text and "Minutes of" not in found.text


@pytest.mark.parametrize("question", ["how many lines are in the garden group right now", "number of items in garden"])
def test_a_count_ignores_words_for_any_row(everyday: Engine, question: str) -> None:
    assert answer(everyday, question).text.startswith("2 "), question


def test_parallel_sentences_are_compared(everyday: Engine) -> None:
    found = answer(everyday, "compare offer North and offer South")
    assert found.form == "comparison" and "41,000" in found.text and "44,500" in found.text


def test_a_price_after_dot_leaders_stays_with_its_name(everyday: Engine) -> None:
    found = answer(everyday, "how much is boat storage in the hall for a month?")
    assert "15.20" in texts_of(found)[0]
    for one in found.citations:
        assert "\n" not in one.quote and ("open" in one.quote) == ("7.40" in one.quote)


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("how many kilos do the garden tools weigh", "11 (2 rows, Weight (kg): 5 + 6 = 11)"),
        ("how many tools of the library were last checked in 2024", "2"),
        ("how many different items are in the tool library?", "5"),
    ],
)
def test_rows_are_counted_and_units_added(everyday: Engine, question: str, opening: str) -> None:
    found = answer(everyday, question)
    assert found.form == "table" and found.text.startswith(f"{opening} [1]")
    assert found.searched == question


def test_the_maximum_of_a_column_is_not_a_count(everyday: Engine) -> None:
    found = answer(everyday, "how many kilos does the tool with the highest deposit weigh")
    assert "rows, Weight" not in found.text
    assert not answer(everyday, "how many different groups are in the tool library?").text.startswith("5")


def test_a_bare_number_does_not_answer_when(everyday: Engine) -> None:
    found = answer(everyday, "when is the deposit for the tile cutter due")
    assert found.refused or not found.text.startswith("10")


def test_to_sum_up_a_document_adds_nothing_up(everyday: Engine) -> None:
    assert requested_operation("sum up the handout") is None
    assert requested_operation("what is the sum of the deposits") == "sum"
    assert answer(everyday, "sum up the leaflet about fern cottage").form == "summary"


def test_when_is_answered_by_no_row_without_a_date(everyday: Engine) -> None:
    assert answer(everyday, "when was the heaviest tool bought").form != "table"
    found = answer(everyday, "which tool was last checked")
    assert found.form == "table" and "2025" in found.text


def test_a_message_of_two_questions_gets_both_answers(everyday: Engine) -> None:
    found = answer(everyday, "how long may guests stay and when are the grey bins emptied?")
    assert not found.refused and "week" in found.text and "every second Monday" in found.text
    assert found.searched == found.question
    catalog = everyday.parts()[0].catalog
    for one in found.citations:
        article = catalog.article(one.source)
        assert article and article.text[one.start : one.end] == one.quote
    half = answer(everyday, "how long may guests stay and who is the mayor of Oslo?")
    assert "week" in half.text and half.notes == ("The sources do not answer: who is the mayor of Oslo?",)
    neither = answer(everyday, "who is the mayor of Oslo and what does the opera cost?")
    assert answer(everyday, "who is the mayor of Oslo and what does it cost?").refused
    assert neither.refused and neither.question == "who is the mayor of Oslo and what does the opera cost?"
    whole = answer(everyday, "how long may guests stay and when are the grey bins emptied?", as_typed=True)
    assert whole.text != found.text


def test_the_second_question_may_refer_to_the_first(everyday: Engine) -> None:
    found = answer(everyday, "which tool is in the group Floors, and what is its deposit?")
    assert "Tile cutter" in found.text and "10" in found.text


def test_a_question_after_a_story_is_asked_alone_if_the_message_is_refused(everyday: Engine) -> None:
    story = "We are new on the team and like to sing. what is the deposit of the lawn roller?"
    assert answer(everyday, story, as_typed=True).refused
    found = answer(everyday, story)
    assert found.text.startswith("20 [1]") and found.question == story and found.timings["total"] > 0
    assert answer(everyday, "My colleague Zoltan keeps bees. who is the mayor of Oslo?").refused
    for bare in ("what do we need", "who do i ask"):  # nearly any source answers these
        assert answer(everyday, f"We are new on the team and like to sing. {bare}").refused


def test_a_date_limits_all_questions_of_a_message(everyday: Engine) -> None:
    asked = "how long may guests stay and who is the chair of the trustees"
    assert "Asta Lund" in answer(everyday, f"{asked} as of April 2025?").text
    for dated in (f"{asked} as of March 2024?", f"as of March 2024, {asked}?"):
        found = answer(everyday, dated)
        assert "week" in found.text and "Asta Lund" not in found.text and found.question == dated


COVER = """# Marrow bicycle cover

## What we pay

- theft of a locked bicycle
- damage in a fall

## What we do not pay

- rust and other wear
- a bicycle that was not locked
- bicycles of couriers

## Ending the cover

1. You may end the cover at the end of a month.
2. The cover ends by itself when the bicycle is sold.
3. We may end the cover at once for:

- false statements in a claim
- three unpaid bills
"""


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the terms of an insurance."""
    folder = tmp_path_factory.mktemp("cover")
    (folder / "cover.md").write_text(COVER, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "cover.md"])
    return engine


@pytest.mark.parametrize(
    "question", ["what do you not pay for", "what wont the cover pay", "stuff you don't pay for on a bicycle"]
)
def test_a_question_that_denies_is_not_answered_by_what_is_affirmed(cover: Engine, question: str) -> None:
    assert not {"theft of a locked bicycle", "damage in a fall"} & set(texts_of(answer(cover, question)))


def test_a_list_below_the_last_clause_of_another_is_quoted_with_the_clause(cover: Engine) -> None:
    whole = texts_of(answer(cover, "for what may you end the cover at once"))
    lead = "We may end the cover at once for:"
    assert whole[whole.index(lead) :][:3] == [lead, "false statements in a claim", "three unpaid bills"]
    listed = texts_of(answer(cover, "reasons for which we may end it at once"))
    assert listed[:3] == [lead, "false statements in a claim", "three unpaid bills"]
