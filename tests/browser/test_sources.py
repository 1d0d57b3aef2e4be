"""The Sources tab: files are added, queried, listed and removed while the chat runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.access import violations
from benchmarks.served import ask, opened, served
from index.sources.roots import register_roots
from rag.settings import SEEDS
from tests.documents import FACTS, write_pdf

pytestmark = pytest.mark.browser
_PATIENCE = 300_000
"""Milliseconds; long, for a busy machine."""


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("sources") / "home"))
    register_roots(made, [SEEDS])
    return made


@pytest.fixture(scope="module")
def address(home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    with served(home, tmp_path_factory.mktemp("log") / "serve.log") as address:
        yield address


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("link", name="Sources", exact=True).click()
        expect(page.locator("#fn-listing tbody tr").first).to_be_visible(timeout=_PATIENCE)
        yield page


def add(tab: Page, *paths: Path) -> None:
    tab.locator("#fn-add input[type=file], #fn-sources input[type=file]").first.set_input_files(list(paths))


def test_an_added_file_is_cited_and_can_be_replaced_and_removed(tab: Page, home: Path, tmp_path: Path) -> None:
    note = tmp_path / "otters.txt"
    note.write_text("The otters of the river Alm are counted by Dr. Quillfeather in March.\n" * 2)
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    add(tab, note, empty)
    status = tab.locator("#fn-syncing")
    expect(status).to_contain_text("otters.txt: added", timeout=_PATIENCE)
    expect(status).to_contain_text("empty.txt: is empty")
    row = tab.locator("#fn-listing tr", has_text="otters.txt")
    expect(row).to_contain_text("indexed")
    expect(tab.locator("#fn-listing tr", has_text="empty.txt")).to_contain_text("is empty")
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, "Who counts the otters of the river Alm?")
    expect(tab.locator(".fn-answer").last).to_contain_text("Quillfeather", timeout=_PATIENCE)
    tab.get_by_role("link", name="Sources", exact=True).click()
    # A newer version replaces the older.
    note.write_text("The otters of the river Alm are counted by Mrs. Featherstone in May.\n" * 2)
    add(tab, note)
    expect(status).to_contain_text("otters.txt: replaced", timeout=_PATIENCE)
    expect(row).to_have_count(1)
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, "Who counts the otters of the river Alm?")
    expect(tab.locator(".fn-answer").last).to_contain_text("Featherstone", timeout=_PATIENCE)
    expect(tab.locator(".fn-answer").last).not_to_contain_text("Quillfeather")
    tab.get_by_role("link", name="Sources", exact=True).click()
    remove(tab, "otters.txt")
    expect(row).to_have_count(0)
    assert not (home / "sources/otters.txt").exists()


def remove(tab: Page, name: str) -> None:
    tab.locator("#fn-listing tr", has_text=name).get_by_role("button", name="Remove").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("was removed", timeout=_PATIENCE)


def test_an_uploaded_pdf_is_cited_with_its_page_and_refused_after_its_removal(tab: Page, tmp_path: Path) -> None:
    fact = FACTS["mill.pdf"]
    write_pdf(tmp_path / "mill.pdf")
    add(tab, tmp_path / "mill.pdf")
    expect(tab.locator("#fn-syncing")).to_contain_text("mill.pdf: added", timeout=_PATIENCE)
    expect(tab.locator("#fn-listing tr", has_text="mill.pdf")).to_contain_text("pdf")
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, fact.question)
    answered = tab.locator(".fn-turn.fn-answered")
    expect(answered.locator(".fn-answer")).to_contain_text("48,200 pounds", timeout=_PATIENCE)
    answered.locator(".fn-marker").first.click()
    card = tab.locator(".fn-card.fn-cited").first
    expect(card).to_contain_text(f"page {fact.page}")
    expect(card).to_contain_text("mill.pdf")
    expect(card.locator("mark")).to_contain_text(fact.words)
    tab.get_by_role("link", name="Sources", exact=True).click()
    remove(tab, "mill.pdf")
    expect(tab.locator("#fn-listing tr", has_text="mill.pdf")).to_have_count(0)
    tab.get_by_role("link", name="Back to the chat").click()
    ask(tab, fact.question)
    expect(tab.locator(".fn-turn.fn-refused")).to_contain_text("Nothing here mentions", timeout=_PATIENCE)


def test_a_source_named_like_markup_is_shown_as_text(tab: Page, tmp_path: Path) -> None:
    odd = tmp_path / "a&lt;b {{1+1}}.txt"
    odd.write_text("<script>window.ran = 1</script> is a title\n\nThe lake of Corm is deep.")
    add(tab, odd)
    expect(tab.locator("#fn-syncing")).to_contain_text("added", timeout=_PATIENCE)
    expect(tab.locator("#fn-listing")).to_contain_text("<script>window.ran = 1</script> is a title")
    assert tab.evaluate("window.ran") is None


def test_only_ticked_sources_are_searched_on_this_page_and_the_chat_says_so(
    tab: Page, browser: Browser, address: str
) -> None:
    jobs = "How many jobs will the TDK deal create?"
    ticks, everything, chip = tab.locator("#fn-listing .fn-tick"), tab.locator("#fn-listing .fn-tick-all"), ".fn-chip"
    count = ticks.count()
    assert count >= 2
    expect(tab.locator(chip)).to_have_text(f"{count} sources")
    status = tab.locator("#fn-listing tr", has_text="000_fee8f80bb4d154f2.txt").locator(".fn-tick")
    status.uncheck()
    tab.get_by_role("button", name="Look for changes").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("The index holds", timeout=_PATIENCE)
    expect(status).not_to_be_checked()  # The list was redrawn.
    assert everything.evaluate("box => box.indeterminate")
    tab.get_by_role("link", name="Back to the chat").click()
    expect(tab.locator(chip)).to_have_text(f"{count - 1} of {count} sources")
    ask(tab, jobs)
    turn = tab.locator(".fn-turn").last
    turn.locator(".fn-details summary").click(timeout=_PATIENCE)
    expect(turn.locator(".fn-details")).to_contain_text(f"{count - 1} of {count} sources")
    expect(tab.locator("#fn-panel .fn-card", has_text="000_fee8f80bb4d154f2.txt")).to_have_count(0)
    with opened(browser, address) as other:  # Another reader still searches all sources.
        expect(other.locator("#fn-listing .fn-tick")).to_have_count(count, timeout=_PATIENCE)
        expect(other.locator(chip)).to_have_text(f"{count} sources")
    tab.locator(chip).click()
    ticked = tab.locator("#fn-ticks .fn-tick-all")
    expect(tab.locator("#fn-ticks .fn-tick").nth(0)).to_be_visible()
    ticked.check()
    ticked.uncheck()
    expect(tab.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    expect(tab.get_by_text("No source is ticked, so there is nothing to ask")).to_be_visible()
    before = tab.locator(".fn-turn").count()
    ask(tab, jobs)
    tab.get_by_role("button", name="Tick all").click()
    expect(tab.locator(".fn-untold")).to_be_hidden()
    expect(tab.locator(".fn-turn")).to_have_count(before)
    ask(tab, jobs)
    expect(tab.locator(".fn-turn.fn-answered").last).to_contain_text("1,000 jobs", timeout=_PATIENCE)


def test_pasted_text_becomes_a_source_that_can_be_removed_and_restored(tab: Page, home: Path) -> None:
    tab.locator("#fn-forms summary", has_text="Pasted text").click()
    form = tab.locator("#fn-forms form[data-order=paste]")
    form.get_by_label("Title").fill("Opening hours / summer")
    form.get_by_label("Text").fill("The library of Farley opens at nine.\n\nIt closes at five.")
    form.get_by_role("button", name="Add the text").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("Opening hours summer.txt: added", timeout=_PATIENCE)
    assert (home / "sources/Opening hours summer.txt").read_text() == (
        "The library of Farley opens at nine.\n\nIt closes at five."
    )
    row = tab.locator("#fn-listing tr", has_text="Opening hours summer.txt")
    expect(row).to_contain_text("11 words")
    remove(tab, "Opening hours summer.txt")
    expect(row).to_have_count(0)
    tab.locator("#fn-syncing").get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("indexed", timeout=_PATIENCE)
    row.get_by_role("button", name="Read again").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("read again, nothing changed", timeout=_PATIENCE)


def test_a_folder_can_be_added_filtered_and_sorted_and_its_ticks_saved_as_a_group(tab: Page, tmp_path: Path) -> None:
    folder = tmp_path / "minutes"
    (folder / "may").mkdir(parents=True)
    for name, words in (("may/one.txt", "The roof was mended."), ("may/two.txt", "The well is dry. It was deep.")):
        (folder / name).write_text(words, "utf-8")
    tab.locator("#fn-forms summary", has_text="A folder of this machine").click()
    form = tab.locator("#fn-forms form[data-order=folder]")
    form.get_by_label("Path").fill("minutes")
    form.get_by_role("button").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("This folder is not on this machine", timeout=_PATIENCE)
    tab.locator("#fn-forms summary", has_text="A folder of this machine").click()
    form.get_by_label("Path").fill(str(folder))
    form.get_by_role("button").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("2 added", timeout=_PATIENCE)
    rows, size = tab.locator("#fn-listing tbody tr:visible"), tab.get_by_role("button", name="Size", exact=True)
    tab.locator("#fn-sift").fill("may/")
    expect(rows).to_have_count(2)
    size.click()
    expect(rows.first).to_contain_text("4 words")
    size.click()
    expect(rows.first).to_contain_text("7 words")
    expect(tab.locator("#fn-listing th[aria-sort=descending]")).to_have_text("Size")
    group = tab.locator("#fn-group")
    group.select_option("may")
    expect(tab.locator(".fn-chip")).to_contain_text("2 of ")
    tab.locator("#fn-listing form input").fill("Building")
    tab.get_by_role("button", name="Save as a group").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("The group Building was saved", timeout=_PATIENCE)
    group.select_option("All")
    expect(tab.locator(".fn-chip")).not_to_contain_text(" of ")
    group.select_option("Building")
    expect(tab.locator(".fn-chip")).to_contain_text("2 of ")
    tab.get_by_role("button", name="Delete this group").click()
    expect(tab.locator("#fn-syncing")).to_contain_text("was deleted", timeout=_PATIENCE)
    expect(group.locator("option", has_text="Building")).to_have_count(0)


def test_the_sample_stays_next_to_a_first_source_until_removed_and_can_be_restored(
    browser: Browser, tmp_path: Path, chromium: str
) -> None:
    (note := tmp_path / "otters.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather.\n")
    jobs = "How many jobs will the TDK deal create?"
    with served(tmp_path / "home", tmp_path / "log") as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        expect(page.locator(".fn-example").first).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("link", name="Sources", exact=True).click()
        expect(page.locator("#fn-listing .fn-badge")).to_have_count(2, timeout=_PATIENCE)
        expect(page.locator(".fn-offer")).to_have_count(0)
        add(page, note)
        expect(page.locator("#fn-listing tbody tr")).to_have_count(3, timeout=_PATIENCE)
        page.get_by_role("link", name="Back to the chat").click()
        expect(page.locator(".fn-welcome")).to_contain_text("Otters", timeout=_PATIENCE)
        ask(page, jobs)
        expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("1,000 jobs", timeout=_PATIENCE)
        page.get_by_role("link", name="Sources", exact=True).click()
        page.locator(".fn-offer").get_by_role("button", name="Remove the sample").click()
        expect(page.locator("#fn-syncing")).to_contain_text("The sample was removed", timeout=_PATIENCE)
        expect(page.locator("#fn-listing tbody tr")).to_have_count(1)
        expect(page.locator("#fn-ticks .fn-tick")).to_have_count(1)
        page.get_by_role("link", name="Back to the chat").click()
        ask(page, jobs)
        expect(page.locator(".fn-turn.fn-refused").last).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("button", name="New conversation").first.click()
        expect(page.locator(".fn-welcome")).not_to_contain_text("GM", timeout=_PATIENCE)
        page.get_by_role("link", name="Sources", exact=True).click()
        page.locator("#fn-syncing").get_by_role("button", name="Undo").click()
        expect(page.locator("#fn-listing .fn-badge")).to_have_count(2, timeout=_PATIENCE)
        page.get_by_role("button", name="Keep it").click()
        expect(page.locator(".fn-offer")).to_be_hidden()
        page.get_by_role("link", name="Back to the chat").click()
        ask(page, jobs)
        expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("1,000 jobs", timeout=_PATIENCE)


def test_axe_finds_no_serious_violation_on_the_tab(tab: Page) -> None:
    serious = [one for one in violations(tab) if one["impact"] in ("serious", "critical")]
    assert [(one["id"], node["html"]) for one in serious for node in one["nodes"]] == []


def test_a_file_over_the_total_is_refused_with_a_message_and_a_smaller_one_accepted(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    (small := tmp_path / "small.txt").write_text("The otters of the river Alm are counted by Dr. Quillfeather.\n")
    (large := tmp_path / "large.txt").write_text("x" * 20_000)
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with served(home, tmp_path / "log", FOOTNOTE_MAX_UPLOADS_MB="0.01") as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("link", name="Sources", exact=True).click()
        add(page, large)
        expect(page.get_by_text("There is no room: all files added here may take 0.01 MB").first).to_be_visible()
        add(page, small)
        expect(page.locator("#fn-syncing")).to_contain_text("small.txt: added", timeout=_PATIENCE)
