"""Each form of answer on the page: words, lists, steps, tables, quotes next to each other, summaries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.access import violations
from benchmarks.forms import QUESTIONS, write_documents
from benchmarks.served import ask, opened, served
from rag.engine import Engine
from rag.settings import Settings

pytestmark = pytest.mark.browser
_PATIENCE = 300_000
"""Milliseconds; long, for a busy machine."""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Yield one page over a few everyday documents, for all tests."""
    folder = tmp_path_factory.mktemp("forms")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([write_documents(folder / "docs")])
    engine.close()
    with served(folder / "home", folder / "log") as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        yield page


def answered(page: Page, name: str) -> Locator:
    """Ask the question of a form in a new conversation; return the answer's element."""
    asked = QUESTIONS[name]
    page.evaluate("window.footnote.clear()")
    ask(page, asked.question)
    expect(page.locator(".fn-turn:not(.fn-working)")).to_have_count(1, timeout=_PATIENCE)
    said = page.locator(".fn-answer")
    expect(said).to_contain_text(asked.words)
    expect(page.locator(".fn-details dl")).to_contain_text(asked.form)
    expect(said).not_to_contain_text(" | ")
    serious = [one["id"] for one in violations(page, ".fn-turn") if one["impact"] in ("serious", "critical")]
    assert serious == []
    return said


def check_link(page: Page, marker: Locator) -> None:
    """Check that the marker links to highlighted words on a card in view."""
    marker.click()
    place = (marker.get_attribute("href") or "")[1:]
    expect(page.locator(f"#fn-panel mark:has([id='{place}'])")).to_be_in_viewport()


def test_words_open_the_answer_and_are_marked_in_the_quote_below(page: Page) -> None:
    said = answered(page, "words")
    lead, quote = said.locator("p.fn-answering"), said.locator("blockquote.fn-quoted").first
    expect(lead).to_contain_text("Nora Quayle")
    expect(quote.locator("strong")).to_have_text("Nora Quayle")
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    assert lead.evaluate(size) > quote.locator("p").evaluate(size)
    check_link(page, lead.locator(".fn-marker"))


def test_a_reason_is_a_quote_with_its_source(page: Page) -> None:
    said = answered(page, "sentence")
    expect(said.locator("blockquote.fn-quoted").first).to_contain_text("because the peat below the grass burns")
    expect(said.locator("blockquote cite").first).to_contain_text("Boathouse handbook")
    check_link(page, said.locator(".fn-marker").first)


def test_a_list_has_a_bullet_and_a_marker_for_each_item(page: Page) -> None:
    said = answered(page, "list")
    items = said.locator("ul.fn-list > li")
    expect(items).to_have_count(4)
    expect(said.locator("p.fn-answering")).to_contain_text("Bring the following")
    assert items.first.evaluate("one => getComputedStyle(one).listStyleType") == "disc"
    expect(items.locator(".fn-marker")).to_have_count(4)
    expect(said.locator(".fn-from")).to_have_text("Boathouse handbook")
    expect(page.locator(".fn-cited .fn-number").first).to_have_text("1–5")
    check_link(page, items.last.locator(".fn-marker"))


def test_steps_are_numbered_in_their_order(page: Page) -> None:
    said = answered(page, "steps")
    steps = said.locator("ol.fn-list > li")
    expect(steps).to_have_count(4)
    expect(steps.first).to_contain_text("Carry the canoe")
    assert steps.first.evaluate("one => getComputedStyle(one).listStyleType") == "decimal"
    assert not (steps.first.text_content() or "").startswith("1.")


def test_rows_form_a_table_with_column_names_and_right_aligned_figures(page: Page) -> None:
    said = answered(page, "table")
    table = said.get_by_role("table")
    assert table.get_by_role("columnheader").all_text_contents() == ["Boat", "Seats", "Weight", "Built", "State"]
    expect(table.locator("tbody tr")).to_have_count(2)
    align = "one => getComputedStyle(one).textAlign"
    assert [cell.evaluate(align) for cell in table.locator("tbody tr").first.locator("td").all()] == [
        "start",
        "end",
        "end",
        "end",
        "start",
    ]
    check_link(page, table.locator(".fn-marker").last)


def test_a_figure_shows_its_calculation_above_the_rows(page: Page) -> None:
    said = answered(page, "figure")
    lead = said.locator("p.fn-answering")
    expect(lead).to_contain_text("9")
    expect(lead.locator(".fn-meta")).to_have_text("(3 rows, Seats: 2 + 3 + 4 = 9)")
    expect(said.locator("tbody tr")).to_have_count(3)
    expect(lead.locator(".fn-marker")).to_have_count(3)


def test_a_comparison_quotes_a_sentence_about_each_side(page: Page) -> None:
    quotes = answered(page, "comparison").locator("blockquote.fn-quoted")
    texts = quotes.all_text_contents()
    assert any("Heron weighs 31 kg" in text for text in texts) and any("Grebe weighs 52 kg" in text for text in texts)


def test_a_summary_covers_the_sections_in_order_and_names_its_source(page: Page) -> None:
    said = answered(page, "summary")
    headings = said.locator("ul.fn-list > li > span.fn-none").all_text_contents()
    assert [heading.strip() for heading in headings] == ["Launching a canoe:", "Rules on the lake:", "Money:"]
    expect(said.locator(".fn-note")).to_contain_text("A summary of Boathouse handbook")


def test_yes_or_no_comes_with_the_quoted_sentence(page: Page) -> None:
    said = answered(page, "yes_no")
    expect(said.locator("blockquote.fn-quoted").first).to_contain_text("if they wear a life jacket")


def test_sources_are_listed_by_title_and_date(page: Page) -> None:
    said = answered(page, "about")
    assert said.locator("li").all_text_contents() == [
        "Minutes of the committee (12 Mar 2025)",
        "Boathouse handbook",
        "Boats",
    ]


def test_small_talk_has_no_evidence_and_no_thumbs(page: Page) -> None:
    answered(page, "talk")
    foot = page.locator(".fn-foot")
    expect(foot.get_by_role("button", name="Good answer")).to_have_count(0)
    expect(foot.get_by_role("button", name="Evidence", exact=True)).to_have_count(0)


def test_a_refusal_has_its_own_look(page: Page) -> None:
    said = answered(page, "refusal")
    expect(said.locator(".fn-verdict")).to_have_text("Not in the sources")
    expect(said.locator("blockquote")).to_have_count(0)
    expect(page.locator("#fn-panel details:visible")).not_to_have_attribute("open", "")


def test_an_exported_conversation_keeps_its_forms_and_works_offline(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    page.evaluate("window.footnote.clear()")
    for count, name in enumerate(("words", "list", "table", "summary"), 1):
        ask(page, QUESTIONS[name].question)
        expect(page.locator(".fn-turn:not(.fn-working)")).to_have_count(count, timeout=_PATIENCE)
    page.locator("#fn-more summary").click()
    with page.expect_download() as download:
        page.locator("#fn-more").get_by_text("Export as HTML", exact=True).click()
    download.value.save_as(path := tmp_path / "conversation.html")
    with browser.new_context(offline=True) as context:
        file = context.new_page()
        file.goto(path.as_uri())
        assert file.locator("script").count() == 0
        expect(file.get_by_role("table")).to_be_visible()
        expect(file.locator("ul.fn-list > li")).to_have_count(4 + 3)
        markers = file.locator(".fn-marker")
        assert markers.count() >= 10
        for marker in markers.all():
            marker.click()
            expect(file.locator(":target mark")).to_be_in_viewport()
        assert [one["id"] for one in violations(file) if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [320, 1440])
def test_no_form_is_wider_than_the_page(page: Page, width: int) -> None:
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("list", "steps", "table", "comparison", "summary"):
        page.evaluate("window.footnote.clear()")
        ask(page, QUESTIONS[name].question)
        expect(page.locator(".fn-turn:not(.fn-working)")).to_have_count(1, timeout=_PATIENCE)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        left = page.locator("#fn-left")
        assert left.evaluate("one => one.scrollWidth - one.clientWidth") <= 0, name
    page.set_viewport_size(before or {"width": 1280, "height": 800})


def test_a_wide_table_keeps_its_words_whole_and_scrolls(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    names = "code,item,category,maker,in_stock,reorder_level,unit_price_gbp,supplier,shelf,last_counted,note"
    rows = [
        f"K-{n},Kettle number {n} with a lid,Kettles,Ardenbrook,{n},10,{20 + n}.50,Northgate Supply,B{n},2025-08-04,"
        "sold in winter only"
        for n in range(1, 5)
    ]
    (tmp_path / "docs" / "stock.csv").write_text("\n".join([names, *rows]), "utf-8")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([tmp_path / "docs"])
    engine.close()
    with served(tmp_path / "home", tmp_path / "log") as address, opened(browser, address) as page:
        ask(page, "which kettle is the most expensive")
        table = page.locator(".fn-answer .fn-table")
        expect(table).to_be_visible(timeout=_PATIENCE)
        tall = table.evaluate("(it) => Math.max(...[...it.rows].map((row) => row.getBoundingClientRect().height))")
        frame = page.locator(".fn-answer .fn-rows")
        assert tall < 70
        assert frame.evaluate("(it) => it.scrollWidth > it.clientWidth")
