"""The blocks of a text: headings, lists, steps, rows, questions with answers, paragraphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.text.structure import Structure, columns, structure
from tests.nasty import NASTY

NOTES = """# Otter station

Open every day.

## Feeding

You need:
- two buckets
- gloves
  of rubber
- fish, at most
  a day old

1. Wash the buckets.
2. Fill them.

| Day | Fish |
|---|---|
| Monday | 4 kg |
| Friday | 6 kg |
"""


def shapes(held: Structure) -> list[tuple[str, str]]:
    return [(block.kind, " ".join(held.text[block.inner : block.end].split())) for block in held.blocks]


def test_headings_lists_steps_and_tables_of_markdown() -> None:
    assert shapes(structure(NOTES)) == [
        ("heading", "Otter station"),
        ("paragraph", "Open every day."),
        ("heading", "Feeding"),
        ("paragraph", "You need:"),
        ("list", "- two buckets - gloves of rubber - fish, at most a day old"),
        ("item", "two buckets"),
        ("item", "gloves of rubber"),
        ("item", "fish, at most a day old"),
        ("steps", "1. Wash the buckets. 2. Fill them."),
        ("item", "Wash the buckets."),
        ("item", "Fill them."),
        ("rows", "| Day | Fish | |---|---| | Monday | 4 kg | | Friday | 6 kg |"),
    ]


def test_lines_of_capitals_and_underlined_ones_are_headings_and_rules_are_nothing() -> None:
    text = (
        "JAMS OF AUNT ODA\n\n========\n1) PLUM JAM (the dark one)\nmakes six jars\n\n1.5 kg plums\n\n--------\n"
        "2) CIDER\n20 kg apples\n\nKeeping\n-------\nThe jam keeps a year.\n\nIBAN DE12 3456 7890\nBANK OF OSLO\n"
    )
    assert shapes(structure(text)) == [
        ("heading", "JAMS OF AUNT ODA"),
        ("heading", "PLUM JAM (the dark one)"),
        ("paragraph", "makes six jars"),
        ("paragraph", "1.5 kg plums"),
        ("heading", "CIDER"),
        ("paragraph", "20 kg apples"),
        ("heading", "Keeping"),
        ("paragraph", "The jam keeps a year."),
        ("paragraph", "IBAN DE12 3456 7890 BANK OF OSLO"),
    ]


def test_headings_above_a_block_are_its_path() -> None:
    held = structure(NOTES)
    steps = next(n for n, block in enumerate(held.blocks) if block.kind == "steps")
    assert [held.text[one.inner : one.end] for one in held.path(steps)] == ["Otter station", "Feeding"]
    assert [held.text[one.inner : one.end] for one in held.items(steps)] == ["Wash the buckets.", "Fill them."]


def test_short_lines_of_plain_text_are_headings_over_sentences_and_lists() -> None:
    text = (
        "Present\n- Ada Quill\n- Bo Marsh\n\n1. Roof\nThe roof leaks at the north end. It is mended in May.\n\n"
        "2. Money\n2.1 The fee is 4 pounds.\n2.2 Members pay half.\n\nKind regards\nBo Marsh\nSecretary"
    )
    assert [shape for shape in shapes(structure(text)) if shape[0] in ("heading", "paragraph", "item")] == [
        ("heading", "Present"),
        ("item", "Ada Quill"),
        ("item", "Bo Marsh"),
        ("heading", "Roof"),
        ("paragraph", "The roof leaks at the north end. It is mended in May."),
        ("heading", "Money"),
        ("item", "The fee is 4 pounds."),
        ("item", "Members pay half."),
        ("paragraph", "Kind regards Bo Marsh Secretary"),
    ]


def test_numbered_lines_head_what_stands_below_them_and_items_do_not() -> None:
    rules = (
        "House rules\n\n1. Heating\nThe boiler is set in October. Nobody may turn it up.\n\n2. Bins\n\n2.1 Paper\n"
        "Paper goes out on Monday.\n\n2.2 Glass\n\nGlass goes out when the bin is full.\n\n3. Keys\n"
        "3.1 Each flat has two keys.\n3.2 Lost keys cost 40 euros.\n"
    )
    held = structure(rules)
    headings = [block for block in held.blocks[1:] if block.kind == "heading"]
    assert [(held.text[one.inner : one.end], one.level) for one in headings] == [
        ("Heating", 3),
        ("Bins", 3),
        ("Paper", 4),
        ("Glass", 4),
        ("Keys", 3),
    ]
    for text in (
        "To do\n\n1. Heat the oven\nto 220 degrees.\n\n2. Roll the dough\nand cut it.\n",
        "To bring\n\n1. A tent\n\n2. A lamp\n\n3. Two blankets that are warm enough for the nights in the hills.\n",
    ):
        assert not [one for one in structure(text).blocks[1:] if one.kind == "heading"]


def test_a_question_and_its_answer_are_one_block() -> None:
    text = "Q: May I bring my otter?\nA: Yes, on a lead.\n\nQ: And two?\nA: No.\n"
    assert [shape for shape in shapes(structure(text)) if shape[0] == "pair"] == [
        ("pair", "Yes, on a lead."),
        ("pair", "No."),
    ]


def test_a_line_that_is_a_question_has_its_reply_below() -> None:
    text = "**May I bring my dog?**\nNo. Dogs frighten the cubs.\n\nE4 means that the fan is blocked: clear the inlet."
    assert shapes(structure(text)) == [
        ("pair", "No. Dogs frighten the cubs."),
        ("paragraph", "E4 means that the fan is blocked: clear the inlet."),
    ]


def test_a_line_that_says_when_it_was_written_is_no_heading() -> None:
    text = "Questions and answers\n\nLast updated: October 2023\n\nThe boats are stored in the shed by the river.\n"
    assert ("heading", "Last updated: October 2023") not in shapes(structure(text))


def test_rows_of_one_table_are_one_block_and_name_their_columns() -> None:
    text = "Pump: P1 | Power: 4 kW\n\nPump: P2 | Power: 7 kW\n\nThe end of it is here."
    held = structure(text)
    assert [block.kind for block in held.blocks] == ["rows", "paragraph"]
    assert columns(text, 0) == ["Pump", "Power"] and columns(NOTES, NOTES.index("| Day")) == ["Day", "Fish"]


@given(st.lists(st.sampled_from([*NASTY, *NOTES.splitlines(), ""]), max_size=30).map("\n".join))
def test_every_block_lies_in_its_text_and_no_word_is_lost(text: str) -> None:
    held = structure(text)
    assert [block.start for block in held.blocks] == sorted(block.start for block in held.blocks)
    for number, block in enumerate(held.blocks):
        assert 0 <= block.start <= block.inner <= block.end <= len(text)
        assert block.parent is None or block.parent < number


def test_fenced_code_is_a_block_and_its_signs_are_no_headings() -> None:
    text = "# Guide\n\nRun it:\n```sh\n# first\n\n- make all\n```\n\n1. Look.\n2. Wait.\n"
    held = structure(text)
    assert [one.kind for one in held.blocks] == ["heading", "paragraph", "code", "steps", "item", "item"]
    code = held.blocks[2]
    assert text[code.start : code.end].startswith("```sh\n# first") and text[code.inner :].startswith("# first")


def test_items_in_items_have_their_depth_and_the_item_around_them() -> None:
    text = (
        "# Bread\n\n1. Mix:\n\n   - flour\n     of rye\n   - water\n\n2. Wait.\n\t- a day\n\t\t- in the cold\n"
        "3. Bake:\n   (i) hot\n   (ii) long\n"
    )
    held = structure(text)
    assert [(text[one.inner : one.end].split("\n")[0], one.level, one.parent) for one in held.blocks[2:]] == [
        ("Mix:", 0, 1),
        ("flour", 1, 2),
        ("water", 1, 2),
        ("Wait.", 0, 1),
        ("a day", 1, 5),
        ("in the cold", 2, 6),
        ("Bake:", 0, 1),
        ("hot", 1, 8),
        ("long", 1, 8),
    ]
    assert [text[one.inner : one.inner + 4] for one in held.items(1)] == ["Mix:", "Wait", "Bake"]
    assert [text[one.inner : one.end].split() for one in held.items(2)] == [["flour", "of", "rye"], ["water"]]


def test_numbers_set_right_are_of_one_list_and_a_line_that_goes_on_is_no_item() -> None:
    held = structure("Look here.\n\n 9. Bread\n10. Cheese\n11. Paper of the size\n    A4 for the lists\n")
    assert [(held.text[one.inner : one.inner + 5], one.level) for one in held.blocks if one.kind == "item"] == [
        ("Bread", 0),
        ("Chees", 0),
        ("Paper", 0),
    ]
