"""The check of a sentence against its sources: facts, rivals, negation, direction, wording, slices."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.text.aliases import Aliases, find_aliases
from index.text.dates import find_dates
from rag.check import Verdict
from rag.check.amounts import find_numbers
from rag.check.facts import find_facts
from rag.check.instructions import instructs
from rag.check.sentence import SourceFacts, check_sentence
from rag.check.wording import direction_differs, negation_differs
from tests.nasty import NASTY

MILL = (
    "The old mill at Farley was built in 1823 by Tom Hale. It cost $1,000 and was sold on 12 September 2024 to "
    "the Farley Trust (FT) for 1.5 million pounds. Output rose by 5 to 6 percent in 1901, before the flood. "
    "The mill is not open on Sundays. In 1955 Ann Reed moved the nineteenth-century wheel 30 km to Leeds."
)


def check(sentence: str, text: str = MILL, context: str = "", name: str = "source 2") -> Verdict:
    return check_sentence(sentence, [SourceFacts(text, context, Aliases(find_aliases(text)), name)])


@pytest.mark.parametrize(
    "sentence",
    [
        "Tom Hale built the old mill at Farley in 1823.",
        "The mill cost 1000 dollars.",
        "The mill cost one thousand dollars.",
        "The mill was sold on 2024-09-12.",
        "The mill was sold on September 12, 2024.",
        "The mill was sold in September 2024.",
        "The mill was sold to the FT for £1,500,000.",
        "The Farley Trust bought it for 1.5m pounds.",
        "Output rose by 5 per cent in 1901.",
        "Output rose before the flood.",
        "The mill isn't open on Sundays.",
        "Ann Reed moved the 19th-century wheel 30 kilometres to Leeds.",
    ],
)
def test_a_true_sentence_is_supported_however_its_facts_are_written(sentence: str) -> None:
    verdict = check(sentence)
    assert (verdict.kind, verdict.why) == ("supported", "")
    assert len(verdict.support) == 1 and verdict.score > 0.5


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Tom Hale built the old mill at Farley in 1824.", "“1824” is not in source 2"),
        ("CATL built the old mill at Farley in 1823.", "“CATL” is not in source 2"),
        ("Elon Musk built the old mill at Farley.", "“Elon Musk” is not in source 2"),
        ("The mill was sold on 13 September 2024.", "“13 September 2024” is not in source 2"),
        ("The mill was sold in August.", "“August” is not in source 2"),
        ("The mill cost 1,000 euros.", "“1,000 euros” is not in source 2"),
        ("Output rose by 7 percent in 1902.", "“7 percent”, “1902” are not in source 2"),
        ("The wheel went 30 miles to Leeds.", "“30 miles” is not in source 2"),
        ("Read more of the old mill at http://evil.example/x today.", "“http://evil.example/x” is not in source 2"),
        ("It rains a lot in the hills.", "source 2 hardly supports any of it"),
        ("Yes.", "source 2 hardly supports any of it"),
    ],
)
def test_a_fact_missing_from_the_source_is_unsupported_and_named(sentence: str, why: str) -> None:
    verdict = check(sentence)
    assert (verdict.kind, verdict.why) == ("unsupported", why)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The mill is open on Sundays.", "either it or source 2 says “not”: compare them"),
        ("The old mill at Farley was not built by Tom Hale.", "either it or source 2 says “not”: compare them"),
        ("Output fell by 5 percent in 1901.", "it says “fell”, source 2 says “rose”"),
        ("Output rose by 6 percent after the flood.", "it says “after”, source 2 says “before”"),
        (
            "The old mill at Farley was built in 1955 by Tom Hale.",
            "it says “1955”, but the nearest match in source 2 is “1823”",
        ),
        ("The old mill at Farley was built of enormous grey stones.", "its wording goes beyond source 2"),
    ],
)
def test_a_sentence_that_contradicts_or_exceeds_its_source_is_weak_with_a_reason(sentence: str, why: str) -> None:
    verdict = check(sentence)
    assert verdict.kind == "weak" and verdict.why.startswith(why)


PRICES = (
    "Code: H110 | Plant: Lemon thyme | Pot size (litres): 1 | Price (EUR): 3.20 | Stock: 210\n\n"
    "Code: H111 | Plant: Sage | Pot size (litres): 1 | Price (EUR): 3.40 | Stock: 80"
)
VISITS = "The first visit is on 12 June 2025 at the hall. After that, the second visit takes place on 14 June 2025."


@pytest.mark.parametrize(
    ("sentence", "text", "kind"),
    [
        ("The price of lemon thyme is 3.20 EUR.", PRICES, "supported"),
        ("The price of lemon thyme is €3.20.", PRICES, "supported"),
        ("The price of lemon thyme is 3.40 EUR.", PRICES, "weak"),
        ("Lemon thyme costs 210 EUR.", PRICES, "unsupported"),
        ("Lemon thyme grows in a pot of 1 litre.", PRICES, "supported"),
        ("The first visit is on 12 June 2025.", VISITS, "supported"),
        ("The first visit is on 14 June 2025.", VISITS, "weak"),
    ],
)
def test_a_value_is_told_from_another_that_shares_digits_or_a_month(sentence: str, text: str, kind: str) -> None:
    assert check(sentence, text).kind == kind


def test_an_alias_counts_only_where_a_text_introduces_it() -> None:
    source = "GM builds cars in Detroit."
    assert check("General Motors builds cars in Detroit.", source).kind == "unsupported"
    introduced = Aliases(find_aliases("General Motors (NYSE:GM) is a company."))
    assert check_sentence("General Motors builds cars.", [SourceFacts(source, "", introduced)]).kind == "supported"


CELLS = (
    "General Motors said that LG Chem supplies the battery cells of its electric cars. The cells come from a targeted "
    "plant in Ohio, where well trained workers built the production line by hand. An applied law frames this."
)
NAMES = """Tesla Apple Amazon Shell Intel Google China Orange Target Gap Visa Chase Oracle Ford Boeing Wells
    Panasonic Uber Stripe Sprint Fox Bell Slack Mint Rose Frank Bill Grant""".split()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "form",
    [
        "{0} supplies the battery cells.",
        "{0} supplies the battery cells of its electric cars.",
        "{0}'s plant supplies the battery cells.",
        "LG Chem and {0} supply the battery cells.",
        "The battery cells are supplied by {0}.",
        "In short: {0} supplies the battery cells.",
    ],
)
def test_a_name_that_no_source_has_is_never_supported_anywhere_in_a_sentence(form: str, name: str) -> None:
    verdict = check(form.format(name), CELLS)
    # The source has "targeted" and "well", so "Target" and "Wells" may be weak.
    assert verdict.kind == "unsupported" or (name in ("Target", "Wells") and verdict.kind == "weak")
    assert name in verdict.why


@pytest.mark.parametrize("name", [name.lower() for name in NAMES if name not in ("Target", "Wells")])
@pytest.mark.parametrize("form", ["{0} supplies the battery cells.", "The battery cells are supplied by {0}."])
def test_a_lower_case_name_is_never_supported_as_the_supplier(form: str, name: str) -> None:
    verdict = check(form.format(name), CELLS)
    assert verdict.kind != "supported" and name in verdict.why


@pytest.mark.parametrize("name", ["tesla", "google", "intel", "china", "panasonic", "zorbtech", "τesla", "te5la"])
def test_a_word_outside_plain_english_is_never_supported(name: str) -> None:
    verdict = check(f"LG Chem supplies the battery cells that {name} needs for electric cars.", CELLS)
    assert verdict.kind != "supported" and name in verdict.why


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_supported_if_a_source_has_it(name: str) -> None:
    source = f"In the end it was {name} that came to supply the battery cells."
    assert check(f"{name} supplies the battery cells.", source).kind == "supported"
    assert check(f"{name} supplies the battery cells.", "It supplies the battery cells.", name).kind == "supported"


@pytest.mark.parametrize(
    "sentence",
    [
        "Currently LG Chem makes the battery cells of the electric cars.",
        "Made in Ohio, the battery cells of the cars come from LG Chem.",
        "Workers built the production line by hand.",
        "Electric cars of General Motors use battery cells from LG Chem.",
        "Cells for the electric cars of General Motors are provided by LG Chem.",
    ],
)
def test_plain_connecting_words_stay_supported(sentence: str) -> None:
    assert check(sentence, CELLS).kind == "supported"


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        (
            "TDK has a deal with the Japanese company General Motors.",
            "General Motors has a deal with the Japanese company TDK.",
        ),
        ("LG Chem buys the cells of General Motors.", "General Motors buys the cells of LG Chem."),
        ("Ann Reed sold the mill to Tom Hale.", "Tom Hale sold the mill to Ann Reed."),
        ("France was beaten by Spain in the final.", "Spain was beaten by France in the final."),
        ("The lake flows into the river Alm.", "The river Alm flows into the lake."),
    ],
)
def test_swapped_roles_are_not_supported(sentence: str, text: str) -> None:
    verdict = check(sentence, text)
    assert verdict.kind == "weak" and "compare who does what" in verdict.why
    assert check(text, text).kind == "supported"


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("In the final, Spain was beaten by France.", "Spain was beaten by France in the final."),
        ("The mill was sold to Ann Reed by Tom Hale.", "Tom Hale sold the mill to Ann Reed."),
        ("In 1955 Tom Hale sold the mill.", "Tom Hale sold the mill to Ann Reed in 1955."),
        ("Ann Reed bought the mill.", "Tom Hale showed Ann Reed the mill. In 1955 Ann Reed bought the mill."),
        ("Kenya was named after Mount Kenya.", "Kenya was named after Mount Kenya."),
    ],
)
def test_another_order_of_words_with_the_same_roles_stays_supported(sentence: str, text: str) -> None:
    assert check(sentence, text).kind == "supported"


def test_the_title_and_date_of_a_source_count_as_its_text() -> None:
    assert (
        check("In 2024 GM built 30 cars.", "In the year GM built 30 cars.", "News of cars\n2024-09-12").kind
        == "supported"
    )


def test_a_sentence_may_combine_sources_and_gets_a_slice_of_each() -> None:
    first = SourceFacts("It rains. The old mill at Farley was built in 1823.", "", Aliases([]))
    second = SourceFacts("Sheep graze there. The mill was sold to Ann Reed in 1955.", "", Aliases([]))
    verdict = check_sentence("The mill, built in 1823, was sold to Ann Reed in 1955.", [first, second])
    assert verdict.kind == "supported" and [one.source for one in verdict.support] == [0, 1]
    slices = [source.text[slice(*one.span)] for source, one in zip((first, second), verdict.support, strict=True)]
    assert slices == ["The old mill at Farley was built in 1823.", "The mill was sold to Ann Reed in 1955."]
    assert check_sentence("The mill was built in 1823.", [second]).kind == "unsupported"
    assert check_sentence("The mill was built in 1823.", []).kind == "unsupported"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("$1,000 or US$5m", [("1000", "dollar"), ("5000000", "dollar")]),
        ("5 to 6 percent", [("5", "percent"), ("6", "percent")]),
        ("the 1990s and the 19th and twentieth", [("1990", "s"), ("19", "th"), ("20", "th")]),
        ("twenty-five of a hundred and twenty", [("25", ""), ("120", "")]),
        ("1914–18", [("1914", ""), ("18", ""), ("1918", "")]),
        ("one or two", [("2", "")]),
        ("Pot (litres): 1 | Price (EUR): 3.40 | Weight kg: 2", [("1", "litre"), ("3.4", "euro"), ("2", "kilogram")]),
        ("half a million, two and a half million", [("500000", ""), ("2500000", "")]),
        ("three and a half years, a dozen and a half, 2 and a half", [("3.5", "year"), ("18", ""), ("2.5", "")]),
        (
            "$5-10 million, 500 to 1 million",
            [
                ("5000000", "dollar"),
                ("10000000", "dollar"),
                ("500", ""),
                ("1000000", ""),
            ],
        ),
        ("US$5-10 for 2 to 3 thousand people", [("5", "dollar"), ("10", "dollar"), ("2000", ""), ("3000", "")]),
        ("USD 1,250.50 and EUR 3", [("1250.5", "dollar"), ("3", "euro")]),
        ("minus 4 degrees Celsius, 10 minus 4", [("-4", "celsius"), ("10", ""), ("4", "")]),
        ("60 miles an hour, 100 km per hour, 30 seconds", [("60", "mph"), ("100", "km/h"), ("30", "second")]),
        ("-5 °C, 12 km/h, a 20-year-old", [("-5", "celsius"), ("12", "km/h"), ("20", "year")]),
    ],
)
def test_numbers_are_read_in_normal_form(text: str, numbers: list[tuple[str, str]]) -> None:
    assert [(f"{one.value:f}", one.unit) for one in find_numbers(text)] == numbers


def test_dates_in_prose_are_read_as_precisely_as_they_are_written() -> None:
    text = (
        "On Sept. 12, 2024, the 3rd of May, in June 2020, since July; 13/04/2024; it may 5; 03/04/2024; 99 May 2020. "
    )
    text += "The 9th day of August 1974, 15-Jan-2021, 2023/12/25; not 31 April 2020, a/2023/12/25/b."
    assert [date for _, _, date in find_dates(text)] == [
        (2024, 9, 12), (None, 5, 3), (2020, 6, None), (None, 7, None), (2024, 4, 13), (2020, 5, None),
        (1974, 8, 9), (2021, 1, 15), (2023, 12, 25),
    ]  # fmt: skip


def test_names_are_distinguished_from_capitalised_first_words() -> None:
    source = "However, Ann Reed met U.S. officials. Batteries matter. Panasonic left; “Nobody” cared. The FT stayed."
    assert [fact.text for fact in find_facts(source)] == ["Ann Reed", "U.S.", "Panasonic", "FT"]


def test_negation_and_direction_are_compared_only_for_the_same_subject() -> None:
    assert negation_differs("Sheep do not swim.", "Sheep swim.") and negation_differs(
        "Wet sheep swim gladly.", "Wet sheep never swim gladly."
    )
    assert not negation_differs("Sheep do not swim.", "No sheep swim.") and not negation_differs(
        "Sheep swim.", "Sheep swim."
    )
    assert not negation_differs("Sheep swim well.", "Goats do not bark, and sheep swim well.")
    assert direction_differs("Sales rose.", "Sales fell.") == ("rose", "fell")
    assert direction_differs("Sales rose.", "Sales increased.") is None
    assert direction_differs("Sales rose.", "Sales rose, then fell.") is None


@pytest.mark.parametrize(
    "text",
    [
        "You can say that again, she told the assistant.",
        "Teachers must answer only to the council.",
        "The system was updated in 1999, and from then on users could reply.",
        "The report states that output rose. Respondents could answer with yes or no.",
        "He ignored the previous owner and followed the instructions of the model's maker.",
    ],
)
def test_plain_prose_is_not_taken_for_an_instruction(text: str) -> None:
    assert not instructs(text)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.sampled_from(NASTY), st.text(max_size=200)), st.one_of(st.sampled_from(NASTY), st.text(max_size=200))
)
def test_any_text_gets_a_verdict_with_slices_inside_the_text(sentence: str, text: str) -> None:
    sentence, text = sentence[:3000], text[:3000]
    verdict = check(sentence, text)
    assert 0 <= verdict.score <= 1 and (verdict.kind == "supported") == (verdict.why == "")
    assert all(0 <= one.span[0] < one.span[1] <= len(text) for one in verdict.support)
