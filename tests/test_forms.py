"""Forms of answers: lists, steps, tables, comparisons and summaries, over documents written for the tests."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.tables import measure
from index.article import make_article
from rag.answer import answer
from rag.engine import Engine
from rag.forms.comparison import sides
from rag.forms.question_form import requested_form
from rag.forms.values import number_in
from rag.places import Places
from rag.settings import Settings
from rag.types import Answer

pytestmark = pytest.mark.slow

STATION = """# Otter station handbook

The station at Brookmere looks after young otters until they can live by themselves.

## Before a rescue

The following belongs in the van:

- a net with a short handle
- two crates
- wool blankets

## Feeding a cub

1. Warm the milk to 38 degrees.
2. Hold the cub upright.
3. Burp it after each bottle.
4. Write the amount into the log.

## Visitors

Q: May I bring my dog?
A: No. Dogs frighten the cubs, so they stay in the car park.

Q: What does a ticket cost?
A: Adults pay 9 pounds, children 4 pounds.

## Money

The station spends most of its money on fish. In a normal year that is about 31,000 pounds.
The county pays a third of the costs, and friends of the station give the rest.
"""
TANKS = """Tank,Litres,Otters,State
North basin,12000,4,open
South basin,9500,3,closed
Cub tank,2200,6,open
Quarantine,1800,,closed
"""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over a handbook and a table."""
    folder = tmp_path_factory.mktemp("station")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "handbook.md").write_text(STATION, "utf-8")
    (docs / "otter-tanks.csv").write_text(TANKS, "utf-8")
    made = Engine(Settings(home=folder / "home"))
    made.index([docs])
    made.warm_up()
    return made


def check_slices(engine: Engine, found: Answer) -> None:
    catalog = engine.parts()[0].catalog
    for one in found.citations:
        assert catalog.article_by_id(one.article_id).text[one.start : one.end] == one.quote
        assert any(p.source == one.source and p.start <= one.start and one.end <= p.end for p in found.passages)


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("gist of the minutes please", "summary"),
        ("what is the e-mail thread about", "summary"),
        ("how do I feed a cub", "steps"),
        ("cleaning the tank step by step", "steps"),
        ("can't come on Monday, what am i meant to do", "steps"),
        ("how much does it cost", "words"),
        ("which tanks are closed", "list"),
        ("list everything that belongs in the van", "list"),
        ("is the guarantee on the pump longer than on the net", "comparison"),
        ("net vs crate, which is heavier", "comparison"),
        ("may I bring my dog?", "yes_no"),
        ("the neighbour wants to bring a dog, ok?", "yes_no"),
        ("no car this week, ok if i come by bus", "yes_no"),
        ("fine for a late return", "words"),
        ("could you please explain to me how a lock works?", "sentence"),
        ("can you tell me who runs the station", "words"),
        ("why are dogs not allowed", "sentence"),
        ("who supplies GM's cells?", "words"),
        ("When was the station founded?", "words"),
    ],
)
def test_the_wording_of_a_question_decides_the_form(question: str, form: str) -> None:
    assert requested_form(question) == form


def test_steps_are_complete_and_in_order(station: Engine) -> None:
    found = answer(station, "how do i feed a cub")
    assert [one.text for one in found.sentences] == [
        "Warm the milk to 38 degrees.",
        "Hold the cub upright.",
        "Burp it after each bottle.",
        "Write the amount into the log.",
    ]
    assert found.form == "steps" and found.text.startswith("1. Warm the milk to 38 degrees. [1]\n2. Hold the cub")
    check_slices(station, found)


def test_a_list_is_complete_below_its_introducing_line(station: Engine) -> None:
    found = answer(station, "list everything that belongs in the van for a rescue")
    assert found.text == (
        "The following belongs in the van: [1]\n- a net with a short handle [2]\n- two crates [3]\n- wool blankets [4]"
    )
    value = json.loads(json.dumps(found.to_json()))
    assert value["form"] == "list" and [one["type"] for one in value["blocks"]] == ["lead", "item", "item", "item"]
    check_slices(station, found)


def test_the_reply_is_quoted_without_the_question_above_it(station: Engine) -> None:
    found = answer(station, "may I bring my dog?")
    assert found.citations[0].quote.startswith("No. Dogs frighten the cubs") and "Q:" not in found.text
    check_slices(station, found)


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("which tank has the most otters", "Cub tank: 6"),
        ("which tank has the fewest litres", "Quarantine: 1800"),
        ("how many tanks are closed", "2"),
        ("total otters in open tanks", "10 (2 rows, Otters: 4 + 6 = 10)"),
        ("average litres of the basins", "10750 (2 rows, Litres: 12000 + 9500 = 21500; 21500 / 2)"),
        ("how many tanks have more than 2000 litres", "3"),
    ],
)
def test_figures_are_calculated_from_rows_that_are_shown(station: Engine, question: str, opening: str) -> None:
    found = answer(station, question)
    assert found.form == "table" and found.sentences[0].text == opening
    rows = [one for one in found.sentences if one.block == "row"]
    assert rows and all(one.citations for one in rows)
    check_slices(station, found)


def test_matching_rows_are_listed(station: Engine) -> None:
    found = answer(station, "which tanks are closed")
    assert [one.text.split(" | ")[0] for one in found.sentences] == ["Tank: South basin", "Tank: Quarantine"]


def test_a_column_is_not_guessed_if_the_question_names_none(station: Engine) -> None:
    assert answer(station, "what is the highest mountain").form != "table"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,250", Decimal(1250)),
        ("62,5 kg", Decimal("62.5")),
        ("€ 48.50", Decimal("48.50")),
        ("-3", Decimal(-3)),
        ("(1,250)", Decimal(-1250)),
        ("-$40", Decimal(-40)),
        ("EUR 40 kg", None),
        ("775 to 815 g", None),
        ("2025-10-01", None),
        ("about 3 or 4", None),
        ("", None),
    ],
)
def test_a_cell_is_a_number_only_if_it_holds_a_single_number(text: str, number: Decimal | None) -> None:
    found = number_in(text)
    assert (found.number if found else None) == number


def test_no_figure_calculated_from_a_tricky_table_is_wrong() -> None:
    counts = measure(5, verbose=False)
    assert sum(counts.values()) == 40 and counts["right"] >= 28 and not counts["wrong"]


def test_mixed_units_are_reported_and_not_summed(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "walks.csv").write_text("Walk,Length\nAlder Fell,800 m\nBirch Moor,2 km\nCedar Dale,900 m\n", "utf-8")
    made = Engine(Settings(home=tmp_path / "home"))
    made.index([docs])
    found = answer(made, "what is the total length of the walks?")
    assert found.form == "table" and "Nothing is worked out: the units differ (m, km)." in found.notes
    assert not any(one.words for one in found.sentences) and len(found.citations) == 3


@pytest.mark.parametrize(
    ("question", "both"),
    [
        ("what costs more, an adult ticket or a child ticket", True),
        ("rain held back at 60 mm compared with 150 mm", True),
        ("when does the station open", False),
    ],
)
def test_a_comparison_is_split_into_a_question_about_each_side(question: str, both: bool) -> None:
    assert (sides(question) is not None) is both


def test_a_comparison_quotes_a_sentence_about_each_side(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/boats.txt").write_text(
        "The boats\n\nThe Heron takes 40 minutes to the island. It was built in 1998 and has a bar.\n\n"
        "The crossing with the smaller Plover, which sails in winter only, lasts 75 minutes. Dogs may come aboard.\n"
    )
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "how much faster is the heron than the plover")
    assert found.form == "comparison"
    assert "40 minutes" in found.text and "75 minutes" in found.text


def test_a_summary_covers_the_sections_in_order(station: Engine) -> None:
    found = answer(station, "summarise the otter handbook")
    assert found.form == "summary" and not found.refused
    assert [one.text.partition(":")[0] for one in found.sentences] == [
        "Before a rescue",
        "Feeding a cub",
        "Visitors",
        "Money",
    ]
    check_slices(station, found)


def test_a_summary_may_cover_a_single_section(station: Engine) -> None:
    found = answer(station, "sum up the section on money")
    assert found.form == "summary" and {one.heading for one in found.citations} == {"Money"}


def test_a_summary_of_all_sources_has_a_sentence_of_each_document(station: Engine) -> None:
    found = answer(station, "what are all these documents about, in short?")
    assert {one.source for one in found.citations} >= {"handbook.md"} and found.form == "summary"


@pytest.mark.parametrize(
    "question",
    [
        "short version of the otter handbook pls",
        "hey can u sum up the otter handbook, thx",
        "i need a quick rundown of the otter handbook",
        "give me a quick overview of what the otter handbook proffers",
    ],
)
def test_a_summary_is_asked_for_in_many_ways(station: Engine, question: str) -> None:
    found = answer(station, question)
    assert found.form == "summary" and {one.source for one in found.citations} == {"handbook.md"}


def test_a_summary_of_an_unknown_subject_is_refused(station: Engine) -> None:
    assert answer(station, "summarise the Zorbex report").refused


def test_a_very_long_article_is_not_split_into_blocks_for_a_question() -> None:
    long, short = (make_article(f"{n}.txt", "- one\n- two\n" * n) for n in (40_000, 2))
    places = Places([], {one.id: one for one in (long, short)}, lambda _: [])
    assert places.structure(short.id).blocks and not places.structure(long.id).blocks


LEASE = """# Lease of the boat shed

## 1. Term

1.1 The lease runs for six years.
1.2 It ends without notice.

## 2. Rent

2.1 The rent is 310 pounds a month.
2.2 It is paid on the third day of each month.

Booking a berth takes these steps:

1. Ask the warden.
2. Sign the sheet.
3. Pay at the kiosk.
"""
MEETING = """Meeting of 12 March 2024

Anna: I think the budget is too small for the new hall.
Bert: The budget is fine if we drop the second stage.

[10:32] Carla: Who takes the minutes?
[10:33] Anna: I do.
"""
FIRMS = """# Firms

Brightwell was founded in 1987 by Ada Cross in Leeds. It sells looms for 4,200 pounds.

Tarn was founded in 1952 by Elias Tarn in York. It sells looms for 3,900 pounds.
"""
BROKER = """# Storm broker

Set the log level with an environment variable:

```sh
# before it starts
export STORM_LOG=debug
```

The broker keeps messages for two days.
"""
INSTITUTE = """# Units of the institute

The Marine Robotics Laboratory (MRL) builds gliders on the harbour campus. The forge is led by Dr Ona Pike.

## Budget

The forge receives 3.1 million a year, the MRL 1.9 million.
"""


def ask_of(folder: Path, text: str, *questions: str) -> list[Answer]:
    """Return the answers of an engine over one Markdown file."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "text.md").write_text(text, "utf-8")
    made = Engine(Settings(home=folder / "home"))
    made.index([docs])
    found = [answer(made, question) for question in questions]
    for one in found:
        check_slices(made, one)
    return found


def test_a_numbered_part_is_quoted_without_its_neighbours(tmp_path: Path) -> None:
    clause, step, whole, none = ask_of(
        tmp_path,
        LEASE,
        "What does clause 2.1 say?",
        "What is step 2 of booking a berth?",
        "What does clause 1 say?",
        "What does clause 7.3 say?",
    )
    assert [one.quote for one in clause.citations] == ["2.1 The rent is 310 pounds a month."]
    assert [one.quote for one in step.citations] == ["2. Sign the sheet."]
    assert "six years" in whole.text and "without notice" in whole.text and "310" not in whole.text
    assert none.refused and "7.3" in none.text


def test_a_question_in_a_source_is_no_answer_but_the_reply_below_it_is(tmp_path: Path) -> None:
    found = ask_of(tmp_path, MEETING, "Who takes the minutes?")[0]
    assert found.citations[0].quote == "[10:33] Anna: I do."


def test_each_compared_thing_is_quoted_with_the_sentence_that_names_it(tmp_path: Path) -> None:
    found = ask_of(tmp_path, FIRMS, "Who sells the cheaper looms, Brightwell or Tarn?")[0]
    assert [one.quote for one in found.citations] == FIRMS.split("\n\n")[1:2] + FIRMS.strip().split("\n\n")[2:]


def test_two_items_of_a_list_are_compared(tmp_path: Path) -> None:
    text = """# Pool rules

## Badges for swimmers

- **Bronze**: any swimmer may use the shallow pool.
- **Silver**: only swimmers with a test of 400 metres, and never alone.
- **Gold**: staff.
"""
    found = ask_of(tmp_path, text, "bronze swimmers vs silver swimmers, where may they swim")[0]
    assert "shallow pool" in found.text and "400 metres" in found.text


def test_a_mistake_is_not_quoted_without_its_correction(tmp_path: Path) -> None:
    text = """# Harbour news

The new pier opens in June.

## Corrections

We gave the length of the pier as 240 metres. The builder tells us that it will be 190 metres long.
"""
    found = ask_of(tmp_path, text, "how long is the pier?")[0]
    assert found.sentences[0].block == "quote" and "190 metres" in found.sentences[0].text


def test_decisions_in_minutes_are_listed_by_label_and_filtered_by_subject(tmp_path: Path) -> None:
    text = """# Minutes of the rowing club

Date: 4 March 2025

The boats were looked at. Two of the oars are cracked.
DECISION: new oars are bought for 380 pounds.

The members want a lamp at the jetty, for it is dark there in autumn.
DECISION: a lamp is put up before October.

Tea was served. Nobody spoke about the flags.
"""
    every, one, none = ask_of(
        tmp_path,
        text,
        "what did the rowing club decide?",
        "what was decided about the jetty",
        "what was decided about the sauna",
    )
    assert [s.text.split()[1] for s in every.sentences] == ["new", "a"] and every.form == "list"
    assert [s.text for s in one.sentences] == ["DECISION: a lamp is put up before October."]
    assert none.form != "list"


def test_code_is_quoted_line_by_line_below_its_introduction(tmp_path: Path) -> None:
    how, what = ask_of(tmp_path, BROKER, "How do I set the log level?", "Which variable sets the log level?")
    for one in (how, what):
        assert "- export STORM_LOG=debug" in one.text and "```" not in one.text and "sh " not in one.text


def test_a_name_matches_its_short_and_its_long_form(tmp_path: Path) -> None:
    long, short = ask_of(
        tmp_path, INSTITUTE, "What is the budget of the Marine Robotics Laboratory?", "What does the MRL build?"
    )
    assert "1.9 million" in long.text.split("\n")[0] and "gliders" in short.text.split("\n")[0]


def test_a_heading_may_hold_the_answer(tmp_path: Path) -> None:
    text = "# Chart changes\n\n## 3.2.0 (4 March 2026)\n\n- The bay is shown.\n\n## E-404\n\nThe drawer is open.\n"
    when, what = ask_of(tmp_path, text, "When did 3.2.0 come out?", "What does error E-404 mean?")
    assert "4 March 2026" in when.text.split("\n")[0]
    assert what.citations[0].quote == "The drawer is open."


def test_a_reply_with_steps_or_items_is_shown_as_steps_or_items(tmp_path: Path) -> None:
    text = """Questions about the wood oven

Q: How do I light the oven properly?
A: 1. Open the flue, and wait
      until the draught is felt.
   2. Light two sheets of paper.
   3. Close the door after five minutes.

Q: Which breads can be baked in it?
A: There are three kinds:
   - rye, for 60 minutes
   - spelt, for 45 minutes
   - flat bread, for 4 minutes
The stone stays warm overnight.

Q: Who sweeps the chimney?
A: The sweep, Odd Lien, comes in May. He needs a ladder.
"""
    steps, kinds, sweep = ask_of(
        tmp_path, text, "how do i light the oven", "which breads can i bake", "who sweeps the chimney"
    )
    assert steps.form == "steps" and [one.block for one in steps.sentences] == ["step"] * 3
    assert steps.text.startswith("1. Open the flue, and wait until the draught is felt.")
    assert [one.block for one in kinds.sentences] == ["lead", "item", "item", "item", "quote"]
    assert kinds.sentences[3].text == "flat bread, for 4 minutes" and kinds.sentences[4].text.startswith("“The stone")
    assert "Odd Lien" in sweep.text and not {"item", "step"} & {one.block for one in sweep.sentences}
    assert all(one.quote in text for found in (steps, kinds, sweep) for one in found.citations)


def test_a_summary_of_a_thread_has_the_list_of_its_newest_message(tmp_path: Path) -> None:
    older = "".join(
        f"\n## {who} wrote on {day} June 2025\n\nThe {thing} of the globe is not clear to us yet. Please say what you"
        " would like to do about it, and by when you need to know.\n"
        for who, day, thing in (("Tom Lund", 9, "value"), ("Ada Berg", 5, "carrier"), ("Tom Lund", 2, "day"))
    )
    text = f"""# Loan of the old globe

All is settled now, so here it is in one place:

- The globe comes to us on Tuesday 9 September, in the morning.
- The show opens on Saturday 27 September and runs until February.
- The value for the insurance is 18,500 pounds.
- The carrier is Hesk & Sons, who send two men and a van.
{older}"""
    (found,) = ask_of(tmp_path, text, "where do we stand with the globe loan, quick rundown")
    assert found.form == "summary" and found.text.count("wrote on") == 3
    for held in ("9 September", "27 September", "18,500", "Hesk & Sons"):
        assert held in found.text[: found.text.index("wrote on")]


TENANCY = """# Tenancy of 14 Alder Court

## Use of the flat

The tenant shall not:

- smoke inside the flat or on the balcony
- keep a dog without asking the landlord
- play loud music after 11 pm

The tenant may keep one cat.

## Repairs

4.1 Taxis for repairs are paid only:
    (a) after 10 pm;
    (b) with a load of more than 15 kg.
4.2 Alcohol is not paid.
4.3 Breakfast is paid up to 11 pounds.

## Date of the next meeting

Tuesday 10 June 2025 at 7 pm.
"""


def test_an_item_is_quoted_with_the_line_that_negates_it(tmp_path: Path) -> None:
    smoke, taxi, alcohol, clause = ask_of(
        tmp_path,
        TENANCY,
        "am i allowed to smoke on the balcony",
        "when are taxis paid",
        "is alcohol paid",
        "what does clause 4.1 say?",
    )
    assert smoke.text.startswith("The tenant shall not:") and "- smoke inside the flat" in smoke.text
    assert not any(one.text.startswith("“keep a dog") for one in smoke.sentences)
    assert "only: (a) after 10 pm; (b) with a load" in taxi.sentences[0].text
    assert alcohol.citations[0].quote == "Alcohol is not paid."
    assert "(a) after 10 pm" in clause.text and "Alcohol" not in clause.text


CLUB = """# Dinghy club, questions and answers

Last updated: October 2023

**How do I join?**
Come to a taster on a Sunday first. Then send the form to Ruth, and pay the first quarter.

**Who do I talk to?**
Membership: Ruth Adair. Boats: Terry Hall.

## What to bring

- a towel
- dry shoes

## Weather

When the wind drops at noon the safety boat goes in. The wind is measured at the pier. To see the wind at any time,
press the green button below the mast twice.
"""
BUDGET = """Category,Item,Planned (GBP),Actual (GBP)
Boats,Paint for the hull,550,612
Boats,Ropes,90,75
Party,Band,300,338
Party,Flyers,40,40
"""


def club(folder: Path, *questions: str) -> list[Answer]:
    """Return answers over a page of questions, a budget and two minutes."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "club.md").write_text(CLUB, "utf-8")
    (docs / "regatta-budget.csv").write_text(BUDGET, "utf-8")
    for day, words in (("11 March 2025", "ban nets in the lake"), ("13 May 2025", "allow nets in the lake again")):
        minutes = f"Committee meeting of {day}\n\nDate: {day}\n\nThe committee decided to {words}. Two members left.\n"
        (docs / f"{day}.txt").write_text(minutes, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([docs])
    return [answer(engine, question) for question in questions]


def test_the_reply_or_list_below_a_repeated_question_is_the_answer(tmp_path: Path) -> None:
    join, bring = club(tmp_path, "how to join the dinghy club", "what do i bring to the dinghy club")
    assert join.text.startswith("“Come to a taster on a Sunday first.") and "How do I join" not in join.text
    assert [one.quote for one in bring.citations] == ["a towel", "dry shoes"]


def test_rows_are_filtered_by_category_and_by_comparing_two_columns(tmp_path: Path) -> None:
    spent, beyond, items = club(
        tmp_path, "how much was spent on the party", "what went over planned costs", "which party items were there"
    )
    assert spent.text.startswith("378 ") and "338 + 40" in spent.text
    assert [one.quote.split(" | ")[1] for one in beyond.citations] == ["Item: Paint for the hull", "Item: Band"]
    assert [one.quote.split(" | ")[1] for one in items.citations] == ["Item: Band", "Item: Flyers"]


def test_the_month_in_a_question_selects_the_source(tmp_path: Path) -> None:
    march, may = club(
        tmp_path, "what did the committee decide in march about nets", "what was decided about nets in may?"
    )
    assert "ban nets" in march.text.splitlines()[0] and "allow nets" in may.text.splitlines()[0]


def test_the_sources_that_mention_a_word_are_listed(tmp_path: Path) -> None:
    nets, none, summary = club(
        tmp_path, "which documents mention nets?", "which documents mention zebras", "tell me about the dinghy club"
    )
    assert nets.form == "list" and {one.source for one in nets.citations} == {"11 March 2025.txt", "13 May 2025.txt"}
    assert nets.notes == ("2 of 4 sources mention “nets”.",) and none.refused
    assert summary.form == "summary" and {one.source for one in summary.citations} == {"club.md"}


def test_a_quote_begins_with_the_answering_sentence(tmp_path: Path) -> None:
    (found,) = club(tmp_path, "how do i see the wind at the dinghy club")
    assert found.text.startswith("“To see the wind at any time, press the green button")


def test_a_heading_with_another_number_does_not_match(tmp_path: Path) -> None:
    text = "# Boat house\n\n## Locker 10001\n\n- a rope\n- a buoy\n\n## Locker 10003\n\n- paint\n- brushes\n"
    right, other = ask_of(tmp_path, text, "what is in locker 10001", "what is in locker 10002")
    assert [one.quote for one in right.citations] == ["a rope", "a buoy"] and other.refused


RULES = {
    "travel-rules-2022.md": "# Travel rules 2022\n\nThe firm pays 0.28 euros a mile for a car of your own. Wine is not "
    "paid for.\n",
    "travel-rules-2024.md": "# Travel rules 2024\n\nThe firm pays 0.35 euros a mile for a car of your own. Wine is "
    "paid for with guests, at most two glasses each.\n",
    "huts.md": "# Huts of the club\n\nA night in a hut costs 11 euros. Oddvar Brekke has the keys of the upper hut, "
    "and Torvald Lund those of the lower hut.\n\nWhat is not allowed in the huts?\n\n- dogs\n- candles\n"
    "- shoes with spikes\n",
    "huts.csv": "Hut,Sort,Notes\nUpper,stone,members only\nLower,wood,no members in May\nLake,wood,ask the members\n",
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over two versions of a document, a note and a table."""
    folder = tmp_path_factory.mktemp("rules")
    docs = folder / "docs"
    docs.mkdir()
    for name, text in RULES.items():
        (docs / name).write_text(text, "utf-8")
    made = Engine(Settings(home=folder / "home"))
    made.index([docs])
    return made


def test_the_newer_version_comes_first_unless_the_question_names_the_older(rules: Engine) -> None:
    newest, older, wine = (
        answer(rules, question)
        for question in ("euros a mile for my own car", "euros a mile for my own car 2022", "is wine paid for")
    )
    assert newest.citations[0].source == "travel-rules-2024.md" and "0.35" in newest.text.splitlines()[0]
    assert older.citations[0].source == "travel-rules-2022.md" and "0.28" in older.text.splitlines()[0]
    assert wine.citations[0].source == "travel-rules-2024.md"


def test_of_two_versions_the_newer_is_summarised(rules: Engine) -> None:
    newest, older = (
        answer(rules, f"{question} in a nutshell") for question in ("travel rules", "travel rules of 2022")
    )
    assert "0.35" in newest.text and {one.source for one in newest.citations} == {"travel-rules-2024.md"}
    assert "0.28" in older.text


def test_two_years_are_compared_by_the_sources_of_each_year(rules: Engine) -> None:
    found = answer(rules, "difference between the euros a mile in 2022 and 2024")
    assert found.form == "comparison" and "0.28" in found.text and "0.35" in found.text


def test_a_list_below_a_question_is_complete_and_names_are_not_taken_for_a_foreign_language(rules: Engine) -> None:
    banned = answer(rules, "what isn't allowed in the huts")
    assert [one.quote for one in banned.citations][-3:] == ["dogs", "candles", "shoes with spikes"]
    keys = answer(rules, "oddvar brekke vs torvald lund")
    assert not keys.refused and {one.quote[:6] for one in keys.citations} & {"Oddvar"}


def test_rows_that_merely_mention_a_word_are_not_counted(rules: Engine) -> None:
    assert answer(rules, "how many members does the club have").form != "table"
    assert answer(rules, "how many huts are of wood").text.startswith("2 ")


TOOLS = """code,tool,kind,in_stock,price_gbp,maker,note
S-1,Bow saw,Saws,8,18.50,Arden,for garden waste
S-2,Panel saw 12-point,Saws,0,24.00,Arden,on order
S-3,Panel saw 8-point,Saws,12,21.00,Pollard,
H-1,Claw hammer,Hammers,40,15.75,Pollard,
H-2,Mallet,Hammers,5,31.20,Arden,
D-1,Spade,Digging,0,27.90,Pollard,not for stone
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "docs").mkdir()
    (folder / "docs" / "shop-stock.csv").write_text(TOOLS, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([folder / "docs"])
    return engine


@pytest.mark.parametrize(
    ("question", "opening", "rows"),
    [
        ("most expensive thing in the garden shop stock", "Mallet: 31.20", 1),
        ("what's the cheapest item in the stock list", "Claw hammer: 15.75", 1),
        ("how many tools are sold out?", "2", 2),
        ("how many saws do we have altogether", "20 (3 rows, in_stock: 8 + 0 + 12 = 20)", 3),
        ("how many things do we buy from Pollard", "3", 3),
        ("which panel saw is cheaper, 8 point or 12 point", "Panel saw 8-point: 21.00", 2),
        ("mallet or spade, which one costs more", "Mallet: 31.20", 2),
        ("bow saw or mallet, of which do you have more in stock", "Bow saw: 8", 2),
        ("are there fewer bow saws or mallets in stock", "Mallet: 5", 2),
    ],
)
def test_prices_and_stock_are_not_confused(shop: Engine, question: str, opening: str, rows: int) -> None:
    found = answer(shop, question)
    assert found.form == "table" and found.sentences[0].text == opening
    assert len([one for one in found.sentences if one.block == "row"]) == rows
    check_slices(shop, found)


def test_a_price_comparison_needs_a_row_for_both_things(shop: Engine) -> None:
    assert answer(shop, "mallet or scythe, which one costs more").form != "table"


BIKES = """part,kind,in_stock,min_stock,price_eur,status
Chain,Drive,0,4,47.00,out of stock
Disc wheel,Wheels,2,3,345.00,reorder
Spoke bag,Wheels,9,6,27.00,available
Inner tube Presta,Tubes,164,80,6.90,available
Inner tube Schrader,Tubes,71,40,5.90,available
"""


@pytest.mark.parametrize(
    ("question", "opening", "rows"),
    [
        ("dearest thing in the bike stock list", "Disc wheel: 345.00", 1),
        ("inner tubes, how many on the shelf altogether", "235 (2 rows, in_stock: 164 + 71 = 235)", 2),
        ("a customer asks which wheel bits do we carry", "part: Disc wheel", 2),
    ],
)
def test_a_table_is_told_from_its_cells_and_the_stock_from_its_limit(
    tmp_path: Path, question: str, opening: str, rows: int
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "bike-parts-stock.csv").write_text(BIKES, "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, question)
    assert found.form == "table" and found.sentences[0].text.startswith(opening)
    assert len([one for one in found.sentences if one.block == "row"]) == rows


def test_a_status_column_is_preferred_to_a_stock_of_zero(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    rows = "tool,in_stock,price_gbp,status\nRake,0,12.50,on order\nHoe,0,9.80,sold out\nFork,2,22.00,on sale\n"
    (tmp_path / "docs" / "tools.csv").write_text(rows, "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "which tools are sold out")
    assert "Hoe" in found.text and "Rake" not in found.text
    assert answer(engine, "how many tools cost more than 10 pounds").sentences[0].text == "2"


def test_a_summary_quotes_what_a_sentence_refers_back_to(tmp_path: Path) -> None:
    notice = (
        "# Bridge notice\n\n## Closure\n\nIt ends on 19 December. That is seven weeks of closure for the bridge, not"
        " of five, the council of Skerrin said.\n\n## Buses\n\nRoute 14 stops at both"
        " ends of the bridge.\n\n## Boats\n\nBoats can pass under the bridge on every day but 14 November.\n"
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/notice.md").write_text(notice, "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    found = answer(engine, "the bridge notice in a nutshell")
    assert "It ends on 19 December. That is seven weeks" in found.text
