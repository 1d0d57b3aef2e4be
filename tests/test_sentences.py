"""Sentences are whole and in order, and cover the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from index.text.sentences import sentences
from tests.nasty import TEXTS


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("He works at Foo Inc. in Ohio. It grew 2.5%.", ["He works at Foo Inc. in Ohio.", "It grew 2.5%."]),
        ("LG Chem Ltd. The firm grew.", ["LG Chem Ltd.", "The firm grew."]),
        ("J. R. Smith spoke. Then he left.", ["J. R. Smith spoke.", "Then he left."]),
        ("“Really?” he said. “Yes.” She nodded.", ["“Really?” he said.", "“Yes.”", "She nodded."]),
        ("• one thing\n• another thing", ["• one thing", "• another thing"]),
        ("a line that was wrapped at sixty characters or a bit more than\nthat goes on", None),
        ("Short line\nAnother line", ["Short line", "Another line"]),
        ("これは文です。これも文です。", ["これは文です。", "これも文です。"]),
        ("Visit example.com. It is free.", ["Visit example.com.", "It is free."]),
        ("It was 5 °C. It snowed on Oak St. The end.", ["It was 5 °C.", "It snowed on Oak St.", "The end."]),
        (
            "Take vitamin D. K. He did. Prices rose in Aug. They fell.",
            [
                "Take vitamin D. K. He did.",
                "Prices rose in Aug.",
                "They fell.",
            ],
        ),
        (
            "Smith v. Jones, no. 5. Is it? No. I say no. Ask No. A1.",
            [
                "Smith v. Jones, no. 5.",
                "Is it?",
                "No.",
                "I say no.",
                "Ask No. A1.",
            ],
        ),
        (
            "Symphony No. Five is long. It is World War No. I to No. Ten.",
            ["Symphony No. Five is long.", "It is World War No. I to No. Ten."],
        ),
        ("See fig. 3 and no. 5. Done.", ["See fig. 3 and no. 5.", "Done."]),
    ],
)
def test_known_texts_are_split_as_expected(text: str, expected: list[str] | None) -> None:
    assert cut(text) == (expected or [text])


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_spans_are_in_order_trimmed_and_cover_all_but_white_space(text: str) -> None:
    covered = set[int]()
    last = 0
    for start, end in sentences(text):
        assert last <= start < end <= len(text)
        assert not text[start].isspace() and not text[end - 1].isspace()
        covered.update(range(start, end))
        last = end
    assert all(text[place].isspace() for place in range(len(text)) if place not in covered)


def test_each_line_of_fenced_code_is_a_sentence_and_fences_belong_to_the_first_and_last() -> None:
    text = "Start it. Then wait:\n```sh\nmake a. Make b\nmake c --with long words\n```\nIt runs. Good.\n```\nopen"
    assert [text[a:b] for a, b in sentences(text)] == [
        "Start it.",
        "Then wait:",
        "```sh\nmake a. Make b",
        "make c --with long words\n```",
        "It runs.",
        "Good.",
        "```\nopen",
    ]


def test_a_list_item_ends_at_unindented_text_or_at_a_label() -> None:
    item = "- Cleve Energy: infrared panels for the whole of the hall, two weeks' delivery"
    for text, second in (
        (f"Offers:\n  {item}\nDiscussion: the boiler is old.", "Discussion: the boiler is old."),
        (f"Offers:\n  {item}\nThe boiler is old.", "The boiler is old."),
        (f"Offers:\n{item}\nDECISION: the boiler goes.", "DECISION: the boiler goes."),
    ):
        assert [text[a:b] for a, b in sentences(text)] == ["Offers:", item, second]
    wrapped = f"{item}\nand a guarantee."
    assert [wrapped[a:b] for a, b in sentences(wrapped)] == [wrapped]
