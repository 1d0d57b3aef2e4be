"""Identifiers in questions and their mentions in sources: tables of texts and normal forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.mentions import mentioned_in_name, mentions
from index.text.identifiers import find_identifiers, without
from index.text.terms import normal_form
from tests.nasty import NASTY

IDENTIFIERS = [
    ("What does error E-4042 mean?", ["e4042"]),
    ("what does E4042 mean", ["e4042"]),
    ("what does e-4042 mean", ["e4042"]),
    ("What does E 4042 mean?", ["e4042"]),
    ("What does E\u20114042 mean?", ["e4042"]),
    ("What is the serial code of Zorb99?", ["zorb99"]),
    ("Zorb99's serial code", ["zorb99"]),
    ("What is the serial code of the zorb 99?", ["zorb99"]),
    ("Who found PPR-9087?", ["ppr9087"]),
    ("How much is item C603?", ["c603"]),
    ("Is B12 good for me?", ["b12"]),
    ("What was the revenue in FY2023?", ["fy2023"]),
    ("What was the revenue in FY 23?", ["fy2023"]),
    ("How did Q3 go?", ["q3"]),
    ("Who sits in room 313?", ["room313"]),
    ("Who sits in Room 12a?", ["room12a"]),
    ("Who books room no. 313?", ["room313"]),
    ("Who books room number 7?", ["room7"]),
    ("Are rooms 312 and 313 free?", ["room312", "room313"]),
    ("What do pages 10 to 12 say?", ["pag10", "pag12"]),
    ("What does error 404 mean?", ["error404"]),
    ("What does error code 404 mean?", ["error404"]),
    ("What stands on page 12?", ["pag12"]),
    ("What does clause 4.2 forbid?", ["claus4.2"]),
    ("Which flights leave from gate B?", ["gatb"]),
    ("which flights leave from gate b", ["gatb"]),
    ("Is Model D under guarantee?", ["modeld"]),
    ("What is new in version 2.1.0?", ["version2.1.0"]),
    ("What is new in 2.1.0?", ["2.1.0"]),
    ("When does flight BA 117 leave?", ["ba117"]),
    ("When does BA117 leave?", ["ba117"]),
    ("Who makes part 77-310?", ["77.310"]),
    ("Who makes 77/310?", ["77.310"]),
    ("Who makes AB-12/3.4?", ["ab12.3.4"]),
    ("What does the Mule 300 carry?", ["mul300"]),
    ("what does the brisa 7 cost", ["brisa7"]),
    ("Who played in Super Bowl 50?", ["bowl50"]),
    ("When was Windows 95 released?", ["window95"]),
    ("What invention was U.S. Patent 1,655,114 for?", ["patent1655114"]),
    ("Who lives in unit 4?", ["unit4"]),
    ("Can room 313 be booked?", ["room313"]),
    ("Is vitamin D in it?", ["vitamind"]),
    ("What is in appendix C?", ["appendixc"]),
    ("Where is order 45?", ["order45"]),
    ("Who is responsible for invoice #5512?", ["invoic5512"]),
    ("Who called ticket 2021?", ["ticket2021"]),
    ("upgrade from rookery 2.9 to 3", ["rookery2.9", "rookery3"]),
    ("Was COVID-19 discussed?", ["covid19"]),
    ("What does vitamin B\u2081\u2082 do?", ["b12"]),
]
NOTHING = [
    "Who signs a claim of 800 euros?",
    "my son is 8, does he pay?",
    "Is a table free for 3 people?",
    "Will it be ready in 2 weeks?",
    "Is there a discount on an order of 45?",
    "Is there a discount if I order 45 chairs?",
    "What happens if I order 45?",
    "How long do 10 km take?",
    "How long do 10km take?",
    "What was decided in 2022?",
    "What was the budget 2022?",
    "What happened on 14 May 2025?",
    "What happened on May 14?",
    "What happened on 2025-05-14?",
    "What happened on 14.5.2025?",
    "What happened between 2004-2009?",
    "What happens if I'm 20 minutes late?",
    "What if I arrive 20 minutes late?",
    "Does it open at 7:15?",
    "Does it open at 9 am?",
    "Is a bike \u00a35?",
    "Is it 5% off?",
    "Did sales exceed 800?",
    "Is a child aged 8 free?",
    "Is a child 8 free?",
    "Does a parcel that weighs 30 cost more?",
    "Who was the first of the 20th century?",
    "What did the 1990s bring?",
    "Is there a 9-year-old rule?",
    "Does it have 2FA?",
    "How cool was the 150 mm roof?",
    "What are the top 10 risks?",
    "Can a group bigger than 12 come?",
    "What are the 13 stripes for?",
    "Is it open 24/7?",
    "How many of over 100,000 people came?",
    "Who is John F Kennedy?",
    "Is the A team here?",
    "Write to e404@example.org",
    "Open https://example.org/room-313",
    "WHAT IS THE PRICE OF A TICKET",
    "Where is Tesla?",
    "Does the temperature reach 40?",
    "Between 5 and 10 of them?",
    "What was popular in the late 80's?",
    "Why is CO\u2082 in it?",
    "Where was it held in1905?",
    "Can winds exceed 119km/h?",
    "What happened in the 1950-60s?",
    "Name 7 countries.",
]


@pytest.mark.parametrize(("question", "forms"), IDENTIFIERS)
def test_an_identifier_has_one_normal_form(question: str, forms: list[str]) -> None:
    found = find_identifiers(question)
    assert [one.keys[0] for one in found] == forms
    assert all(question[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize("question", NOTHING)
def test_quantities_times_and_initials_are_not_identifiers(question: str) -> None:
    assert find_identifiers(question) == []


@pytest.mark.parametrize(
    ("question", "text", "head"),
    [
        ("error E-4042", "The display shows E4042.", ""),
        ("error E-4042", "The display shows E 4042.", ""),
        ("error E-4042", "Press Start.", "Error codes\nE-4042"),
        ("error E-4042", "The codes E-4040 to E-4049 are warnings.", ""),
        ("error 404", "A 404 error means that nothing is there.", ""),
        ("error 404", "404: nothing is there", "Messages"),
        ("error 404", "Error code: 404", ""),
        ("room 313", "Rooms 311, 312 and 313 are open.", ""),
        ("room 313", "Rooms 311\u2013314 are open.", ""),
        ("room 313", "rooms 311 to 314", ""),
        ("room 313", "Room: 313 | Seats: 12", ""),
        ("room 313", "No: 313 | Seats: 12", "Rooms"),
        ("room 313", "| 313 | 12 | yes |", "Rooms"),
        ("room 2", "Room two is open.", ""),
        ("floor 2", "It is on the second floor.", ""),
        ("floor 2", "It is on the 2nd floor.", ""),
        ("chapter 4", "Leave", "Chapter IV"),
        ("clause 4.2", "4.2 The tenant keeps no animals.", "Lease"),
        ("clause 3", "3. The tenant keeps no animals.", "Lease"),
        ("clause 3", "Section 3 is about animals.", "Lease"),
        ("rookery 3", "MySQL is no longer supported.", "Rookery changelog\n3.0.0"),
        ("version 3.1", "Rookery 3.1.2 brings a timeline.", ""),
        ("version 3", "3.1.2 brings a timeline.", ""),
        ("release 3.1", "Known problems", "Changes\n3.1.2"),
        ("class 1", "It is of class I.", ""),
        ("the T450", "The T450s is light.", ""),
        ("gate B", "Gates A, B and C are open.", ""),
        ("gate B", "Gate: B | Flight: KX 402", ""),
        ("Model D", "The model D weighs a ton.", ""),
        ("revenue in FY2023", "In the fiscal year 2023 it rose.", ""),
        ("revenue in Q3", "In the third quarter it rose.", ""),
        ("the brisa 7", "Velmo Brisa 7: manual", ""),
        ("the velmo 7", "Velmo Brisa 7: manual", ""),
        ("flight KX 402", "KX402 leaves at 7:15.", ""),
        ("part 77-310", "Order 77.310 for it.", ""),
    ],
)
def test_a_mention_is_recognised_in_every_spelling(question: str, text: str, head: str) -> None:
    (one,) = find_identifiers(f"What about {question}?")
    assert one.stands_in(mentions(text, head))


@pytest.mark.parametrize(
    ("question", "text", "rival"),
    [
        ("error E-4042", "The display shows E-404.", True),
        ("error E-404", "The display shows E-4042.", True),
        ("Zorb99", "The Zorb9 is small.", True),
        ("room 313", "Room 312 has 13 chairs and 313 cups.", True),
        ("room 313", "Rent: 313 euros", False),
        ("room 313", "It seats 1,313 people on 313 m.", False),
        ("room 12", "Room: 311 | Seats: 12", True),
        ("Model D", "Model C is under guarantee.", True),
        ("Model D", "Every model is under guarantee.", False),
        ("gate B", "It leaves from gate B4.", False),
        ("version 2.1.0", "Version 2.1.1 is out.", True),
        ("clause 4.2", "Clause 42 was deleted.", True),
        ("part 77-310", "Part 77-311 fits, 77310 does not.", True),
    ],
)
def test_a_similar_identifier_is_not_a_mention(question: str, text: str, rival: bool) -> None:
    (one,) = find_identifiers(f"What about {question}?")
    held = mentions(text)
    assert not one.stands_in(held)
    assert one.has_rival_in(held) == rival


def test_a_source_name_mentions_identifiers() -> None:
    assert "zorb99" in mentioned_in_name("manuals/zorb99_manual.txt")
    assert "modeld" in mentioned_in_name("manuals/model-d.txt")
    assert "room313" in mentioned_in_name("room 313/equipment.txt")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["rooms 3 to \u00b2", "rooms 1-" + "9" * 5_000, "rooms 1 to " + "9" * 5_000, "1, " * 50_000]
)
def test_huge_numbers_and_ranges_are_handled(text: str) -> None:
    assert all(map(str, mentions(text)))
    assert isinstance(find_identifiers(text[:8_000]), list)


def test_nouns_are_kept_when_identifiers_are_removed() -> None:
    question = "Does KX402 leave from gate B near rooms 312 and 313?"
    rest = without(find_identifiers(question), question)
    assert rest.split() == ["Does", "leave", "from", "gate", "near", "rooms", "and", "?"] and len(rest) == len(question)


def test_a_code_is_returned_as_the_text_spells_it() -> None:
    (one,) = find_identifiers("When does KX402 leave?")
    assert one.written_in("Flight KX 402 leaves at 7:15.") == "KX 402"
    assert one.written_in("Flight KX 4021 leaves at 7:15.") is None


@given(st.text(max_size=300) | st.sampled_from([text for text in NASTY if len(text) < 10_000]))
def test_any_text_can_be_read(text: str) -> None:
    for one in find_identifiers(text):
        assert text[one.start : one.end] == one.text and one.keys
        assert one.stands_in(set(one.keys)) and not one.has_rival_in(set(one.keys))
    assert all(isinstance(form, str) for form in mentions(text, text) | mentioned_in_name(text))
    assert normal_form(normal_form("Rooms 313")) == normal_form("Rooms 313")
