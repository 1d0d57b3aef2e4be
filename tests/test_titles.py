"""Titles and publishing dates of sources: from their own text, metadata or name, best place first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from index.article import article_of, make_article
from index.chunk import ChunkLimits, chunk
from index.duplicates import record
from index.formats.content import Content, Row
from index.store.catalog import Catalog
from index.text.front_matter import read_front_matter
from index.text.published import Published, find_published, read_name
from index.text.titles import find_title_of, title_in_name
from tests.nasty import TEXTS

PROSE = "The mill stands by the river and has been closed since the flood, which took its wheel and half of its roof."


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("2024-10-07-team-meeting.md", "Team meeting"),
        ("minutes/Team_Meeting_20241007.txt", "Team Meeting"),
        ("AnnualReport 2023.pdf", "Annual Report 2023"),
        ("harlow-2022.md", "Harlow 2022"),
        ("notes_3_May_2024_final.txt", "Notes final"),
        ("user-guide-v2.txt", "User guide v2"),
        ("Prüfbericht.txt", "Prüfbericht"),
        ("002_892b5bec6cb22725.txt", ""),
        ("892b5bec6cb22725.txt", ""),
        ("IMG_2034.txt", ""),
        ("scan 0001.pdf", ""),
        ("2024-10-07.md", ""),
        ("12345.txt", ""),
    ],
)
def test_a_file_name_is_a_title_only_if_it_has_words(name: str, title: str) -> None:
    assert title_in_name(name) == title


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("2024-10-07-team-meeting.md", "2024-10-07"),
        ("minutes_20241007.txt", "2024-10-07"),
        ("report 13.04.2024.pdf", "2024-04-13"),
        ("notes 3 May 2024.txt", "2024-05-03"),
        ("report-2023-11.md", "2023-11"),
        ("newsletter March 2024.txt", "2024-03"),
        ("harlow-2022.md", "2022"),
        ("report 03.04.2024.pdf", "2024"),
        ("budget-2023-2024.csv", None),
        ("room-313.txt", None),
        ("part 20241399.txt", None),
        ("v1.2024.txt", "2024"),
    ],
)
def test_a_date_in_a_file_name_is_as_precise_as_written(name: str, when: str | None) -> None:
    found = read_name(name)[0]
    assert (found.when if found else None) == when
    assert found is None or found.origin == "file name"


@pytest.mark.parametrize(
    ("top", "when"),
    [
        ("Minutes no. 9\n\nDate: 14 May 2025\nPlace: Hall", "2025-05-14"),
        ("Minutes\n\n**Date:** 14 May 2025", "2025-05-14"),
        ("Questions of our passengers\nLast reviewed in May 2025", "2025-05"),
        ("Rules\n\nAs of 1 March 2024", "2024-03-01"),
        ("Rules\n\nAs of 1 March 2024\nLast updated: 3 April 2024\nPublished 2023", "2023"),
        ("Rules\n\nLast updated: 3 April 2024\nAs of 1 March 2024", "2024-04-03"),
        ("Short report 17, published 11 February 2025", "2025-02-11"),
        ("New trams\n\nBRENT CROSS, 18 March 2025 - By A. Writer, Courier\n\nThe city buys trams.", "2025-03-18"),
        ("New trams\n\nLONDON, March 3, 2024 (Agency) - The city buys trams.", "2024-03-03"),
        ("A title\n\nOn 12 September 2024 they met.", None),
        ("A title\n\nThe date of the meeting is not known.", None),
        ("A title\n\nPublished by the council", None),
        ("A title\n\nDate: 03/04/2024", None),
        ("A title\n\nUpdated rules for 2024 apply.", None),
        ("Copyright 2024", None),
    ],
)
def test_a_text_is_dated_by_labelled_dates_near_its_top(top: str, when: str | None) -> None:
    found = find_published(f"{top}\n\n{PROSE}")
    assert (found.when if found else None) == when


@pytest.mark.parametrize(
    ("when", "shown", "first"), [("2024-09-12", "12 Sep 2024", 12), ("2024-09", "Sep 2024", 1), ("2024", "2024", 1)]
)
def test_a_date_is_shown_as_precisely_as_known(when: str, shown: str, first: int) -> None:
    published = Published(when, "text")
    assert str(published) == shown
    assert published.first_day.isoformat().startswith(when) and published.first_day.day == first


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: The mill\nauthor: Ada Lo\ndate: 2022-06-30T10:00:00Z\nupdated: 2023-01-01\n---\n",
        '+++\ntitle = "The mill"\nauthors = ["Ada Lo"]\npubdate = 2022-06-30\n+++\n',
    ],
)
def test_front_matter_gives_title_date_and_author_and_is_never_a_passage(front: str) -> None:
    article = make_article("a.md", f"{front}\n# Another heading\n\n{PROSE}\n")
    assert (article.title, article.title_origin, article.author) == ("The mill", "front matter", "Ada Lo")
    assert article.published == Published("2022-06-30", "front matter")
    passages = " ".join(found.text for found in chunk(article, limits()))
    assert "title" not in passages and "Ada Lo" not in passages and PROSE in passages


@pytest.mark.parametrize(
    "text",
    ["---\nJust a line\n---\nText", "---\n- a\n- b\n---\nText", "--- a: [b\n---", "---\na: [b\n---\nText", "---\n"],
)
def test_other_text_between_dashes_is_not_front_matter(text: str) -> None:
    assert read_front_matter(text).end == 0


def limits() -> ChunkLimits:
    return ChunkLimits(lambda words: len(words.split()), lambda words: len(words.split()), tokens=64, overlap=0)


def test_a_title_is_taken_from_the_best_place_that_has_one() -> None:
    long = f"{PROSE} It was built in 1823."
    assert article_of("a.html", Content(f"# Heading\n\n{long}", title="Said")).title == "Said"
    assert make_article("old-mill.txt", f"The mill\n\n{long}").title == "The mill"
    assert make_article("old-mill.md", f"{long}\n\n## History\n\n{long}").title == "History"
    sections = f"{long}\n\n1. History\n{long}\n\n2. Today\n{long}"
    assert make_article("old-mill.txt", sections).title == "Old mill"
    assert make_article("old-mill.txt", long).title == "Old mill"
    opening = make_article("a1b2c3d4e5.txt", long)
    assert opening.title == "The mill stands by the river and has been closed since the flood…" and not opening.named
    rows = Content("Plant: Rowan | Price: 4", rows=(Row(0, "", 2),))
    assert article_of("nursery-prices.csv", rows).title == "Nursery prices"
    assert article_of("a1b2c3d4e5.csv", rows).title == "a1b2c3d4e5"


def test_a_real_title_is_searched_and_a_placeholder_is_not() -> None:
    assert {one.context for one in chunk(make_article("old-mill.txt", PROSE), limits())} == {"Old mill"}
    assert {one.context for one in chunk(make_article("a1b2c3d4e5.txt", PROSE), limits())} == {""}


def test_copies_with_other_names_have_the_same_content() -> None:
    one, other = (make_article(name, PROSE) for name in ("old-mill-2023.txt", "a copy of it.txt"))
    assert record(one).content == record(other).content


def test_the_catalog_stores_titles_and_dates_with_their_origin(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", create=True)
    kept = [make_article(name, PROSE) for name in ("2024-10-old-mill.txt", "a1b2c3d4e5.txt")]
    for article in kept:
        catalog.add(article, record(article), [], [])
    assert [catalog.article(article.source) for article in kept] == kept
    copy = make_article("notes 2021.txt", PROSE)
    catalog.add_copy(copy, kept[0].id)
    found = catalog.article("notes 2021.txt")
    assert found and (found.title, found.published) == ("Notes 2021", Published("2021", "file name"))


@pytest.mark.parametrize(
    ("above", "title"),
    [
        ("Harbour council\n", "Findings"),
        ("Harbour council\nEngineer's office\nMay 2026\nR. Osei\n", "Pier report"),
        ("---\nauthor: R. Osei\nstatus: final\nlang: en\n---\nHarbour council\n", "Findings"),
        ("", "Findings"),
    ],
)
def test_a_section_far_below_the_top_does_not_name_a_text(above: str, title: str) -> None:
    sections = f"Findings\n\n{PROSE}\n\nCosts\n\n{PROSE}\n"
    assert (
        find_title_of(
            f"{above}The pier, inspected in spring.\n\n{sections}" if above else sections, "pier-report.txt"
        ).text
        == title
    )


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_every_text_and_name_gives_a_title_in_one_line(text: str, name: str) -> None:
    article = make_article(name or "a", text)
    assert article.title == " ".join(article.title.split()) or not article.named
    assert article.named or len(article.title) <= max(70, len(name))


def test_a_title_that_is_cut_ends_without_a_blank() -> None:
    article = make_article("a.md", "---\ntitle: " + "word " * 300 + "\n---\nText.\n")
    assert article.title == article.title.strip() and 900 < len(article.title) <= 1000


@pytest.mark.parametrize(
    "heading", ["--- Monday 16 June 2025 ---", "--- Tuesday, after lunch ---", "16 June 2025", "BETWEEN", "3. Fees"]
)
def test_a_separator_a_date_and_a_heading_without_content_are_no_titles(heading: str) -> None:
    lines = f"#launch, exported from the chat\nMembers: Rosa, Idris\n\n{heading}\n\n{PROSE}\n\n{PROSE}\n"
    assert find_title_of(lines, "launch-chat.txt").text == "Launch chat"
    assert find_title_of(lines.replace(heading, "THE LAUNCH"), "launch-chat.txt").text == "THE LAUNCH"
