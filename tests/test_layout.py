"""Layout: titles, dates, headings and boilerplate are recognised; every span is a slice of the stored text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings

from index.article import make_article
from index.text.dates import read_dateline
from index.text.layout import blocks, find_title
from index.text.published import Published, find_published
from rag.settings import SEEDS
from tests.nasty import TEXTS

FIRST = (SEEDS / "000_fee8f80bb4d154f2.txt").read_bytes().decode()
SECOND = (SEEDS / "002_892b5bec6cb22725.txt").read_bytes().decode()


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Thursday, 12 September 2024, 10:26", date(2024, 9, 12)),
        ("Published: September 12th, 2024 at 9:05 a.m. EST", date(2024, 9, 12)),
        ("By Jane Doe | 3 Mar. 2021", date(2021, 3, 3)),
        ("5 June 2024. By Nadia Prosser", date(2024, 6, 5)),
        ("12 Sep 2024, 10:26 | by J. R. Smith-Jones and Ada Lo", None),
        ("12 Sep 2024, 10:26 | by J. R. Smith-Jones", date(2024, 9, 12)),
        ("2024-09-12T10:26:00Z", date(2024, 9, 12)),
        ("Last updated on 1 January 1999", date(1999, 1, 1)),
        ("13/04/2024", date(2024, 4, 13)),
        ("the 3rd of May 2021", date(2021, 5, 3)),
        ("Posted 3-May-2021", date(2021, 5, 3)),
        ("2021/05/23", date(2021, 5, 23)),
        ("23. 5. 2021", date(2021, 5, 23)),
        ("2021/05-23", None),
        ("03/04/2024", None),
        ("31 February 2024", None),
        ("The deal was signed on 12 September 2024 in Detroit.", None),
        ("12 September", None),
        ("", None),
    ],
)
def test_a_dateline_has_a_date_and_hardly_anything_else(line: str, expected: date | None) -> None:
    assert read_dateline(line) == expected


def test_the_seeds_have_their_title_and_date() -> None:
    first, second = make_article("a/first.txt", FIRST), make_article("a/second.txt", SECOND)
    assert first.title == "GM's US-Made Battery Initiative: Transforming the EV Supply Chain"
    assert first.published == Published("2024-09-12", "text")
    assert second.title == "GM’s plans to ramp up EV production" and second.named
    assert second.published is None


def test_a_date_inside_the_text_is_not_the_publishing_date() -> None:
    assert find_published("A title\n\nOn 12 September 2024 they met.\n") is None


def test_text_around_the_article_is_boilerplate() -> None:
    furniture = " ".join(text for kind, text in kinds(FIRST) if kind == "boilerplate")
    for words in ("Benzinga", "This article was prepared", "Related posts", "Newsletter", "Subscribe to our"):
        assert words in furniture
    kept = " ".join(text for kind, text in kinds(FIRST) if kind == "text")
    for words in ("TDK's expertise", "1,000 jobs", "a precedent for other automakers"):
        assert words in kept
    assert all(kind != "boilerplate" for kind, _ in kinds(SECOND))


def test_the_seeds_have_their_headings() -> None:
    assert [text for kind, text in kinds(SECOND) if kind == "heading"] == [
        "GM’s plans to ramp up EV production",
        "The importance of battery cells in EVs",
        "GM’s options for sourcing battery cells",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "GM said the company is not responsible for the defect in the cells.",
        "The newsletter industry grew by a third last year, and readers subscribe to several of them at once.",
        "Its comments section was closed in 2019 after a long debate among the editors.",
        "She advised investors to sign up to the scheme before May.",
    ],
)
def test_sentences_about_newsletters_and_disclaimers_are_not_boilerplate(text: str) -> None:
    whole = f"A title\n\nThe first paragraph says something.\n\n{text}\n"
    assert (("text", text)) in kinds(whole)


def test_the_article_continues_after_related_posts() -> None:
    text = (
        "Title\n\nThe first part is here.\n\nRelated posts\n\nOther story\n\nThird story\n\nConclusion\n\n"
        "The second part goes on here, as prose.\n"
    )
    found = dict((words, kind) for kind, words in kinds(text))
    assert found["Other story"] == found["Third story"] == "boilerplate"
    assert found["The second part goes on here, as prose."] == "text"


def test_lists_of_short_lines_are_text_not_headings() -> None:
    text = "Suppliers\n\nLG Chem\n\nSamsung SDI\n\nCATL"
    assert [kind for kind, _ in kinds(text)].count("heading") == 0


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_blocks_cover_all_but_white_space_in_order(text: str) -> None:
    last = 0
    covered = set[int]()
    for block in blocks(text):
        assert last <= block.start < block.end <= len(text)
        covered.update(range(block.start, block.end))
        last = block.end
    assert all(text[place].isspace() for place in range(len(text)) if place not in covered)


def test_comments_in_fenced_code_are_not_headings() -> None:
    text = "# Guide\n\nRun it.\n\n```sh\n# first\n\nmake all\n```\n\n## After\n\nIt runs."
    assert [(one.kind, text[one.start : one.end]) for one in blocks(text)] == [
        ("title", "# Guide"),
        ("text", "Run it."),
        ("text", "```sh\n# first\n\nmake all\n```"),
        ("heading", "## After"),
        ("text", "It runs."),
    ]


def test_a_row_of_a_table_is_not_a_title() -> None:
    assert find_title("Device: Lathe | Owner: Tom Ek\n\nDevice: Saw | Owner: Ada Pine") is None


@pytest.mark.parametrize("line", ["*4 May 2026*", "_Updated: 4 May 2026_", "**4 May 2026**", "*By Tom Hale*"])
def test_a_date_or_author_in_italics_below_the_title_is_no_heading(line: str) -> None:
    text = f"# Night bus\n\n{line}\n\nThe bus runs on all days of the week from now on.\n"
    assert "heading" not in [kind for kind, _ in kinds(text)]


def test_the_day_of_a_birth_does_not_date_a_text() -> None:
    assert find_published("# Form\n\nDate of birth: 17 May 1979\n") is None
    assert find_published("# Form\n\nDate of issue: 17 May 1979\n") is not None
