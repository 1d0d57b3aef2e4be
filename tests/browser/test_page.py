"""What the page does beside answering: its states, keys, actions, phone, paper, and access for everyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from index.sync import Builder, sync
from tests.browser.conftest import ask, opened
from tests.conftest import start_server

pytestmark = pytest.mark.browser


@pytest.fixture
def answered(page: Page) -> Page:
    """A page on which one question was answered."""
    ask(page, "Who is the CEO of GM?")
    expect(page.locator(".fn-turn.fn-answered")).to_be_visible(timeout=60_000)
    return page


def test_a_marker_shows_its_quote_when_pointed_at_or_focused(answered: Page) -> None:
    marker = answered.locator(".fn-marker").first
    marker.hover()
    expect(answered.get_by_role("tooltip")).to_contain_text("Mary Barra")
    answered.mouse.move(5, 5)
    expect(answered.get_by_role("tooltip")).to_have_count(0)
    marker.focus()
    expect(answered.get_by_role("tooltip")).to_be_visible()
    answered.keyboard.press("Enter")
    expect(answered.locator(".fn-card").first).to_be_focused()
    assert "fn-flash" in (answered.locator(".fn-card").first.get_attribute("class") or "")
    answered.keyboard.press("Escape")
    expect(marker).to_be_focused()


def test_choosing_an_earlier_answer_brings_its_sources_back(answered: Page) -> None:
    ask(answered, "How many jobs will the TDK deal create?")
    expect(answered.locator(".fn-turn.fn-answered")).to_have_count(2, timeout=60_000)
    expect(answered.locator(".fn-card.fn-cited:visible").first).to_contain_text("1,000 jobs")
    answered.locator(".fn-turn").first.get_by_role("button", name="Sources").click()
    expect(answered.locator(".fn-card.fn-cited:visible").first).to_contain_text("Mary Barra")


def test_the_whole_article_opens_with_the_quote_in_view(answered: Page) -> None:
    quote = answered.locator(".fn-card mark").first.text_content() or ""
    with answered.context.expect_page() as opening:
        answered.get_by_role("link", name=re.compile("Open article")).first.click()
    article = opening.value
    expect(article.locator("mark")).to_have_text(quote)
    expect(article.locator("mark")).to_be_in_viewport()
    expect(article.locator(".fn-text")).to_contain_text("GM plans to launch 20 new electric vehicles")


def test_an_answer_is_copied_as_markdown_and_linked_by_its_question(answered: Page, address: str) -> None:
    answered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = answered.locator(".fn-turn").first
    turn.get_by_role("button", name="Copy").click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    copied = answered.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("**Who is the CEO of GM?**") and "\\[1\\]" in copied and "characters" in copied
    turn.get_by_role("button", name="Link").click()
    answered.wait_for_function("navigator.clipboard.readText().then(text => text.includes('?q='))")
    link = answered.evaluate("navigator.clipboard.readText()")
    assert link.startswith(address)
    answered.evaluate("sessionStorage.clear()")
    answered.goto(link)
    expect(answered.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra", timeout=60_000)
    assert "?q=" not in answered.url


def test_a_question_can_be_edited_and_asked_again(answered: Page) -> None:
    answered.locator(".fn-turn").first.get_by_role("button", name="Edit").click()
    box = answered.get_by_role("textbox", name="Question")
    expect(box).to_have_value("Who is the CEO of GM?")
    box.fill("")
    box.press("ArrowUp")
    expect(box).to_have_value("Who is the CEO of GM?")


def test_the_conversation_is_kept_over_a_reload_and_can_be_begun_anew(answered: Page) -> None:
    answered.reload()
    expect(answered.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra")
    answered.locator(".fn-marker").first.click()
    expect(answered.locator(".fn-card mark").first).to_be_in_viewport()
    answered.get_by_role("button", name="New conversation").click()
    expect(answered.locator(".fn-turn")).to_have_count(0)
    answered.reload()
    expect(answered.locator(".fn-welcome")).to_be_visible()
    expect(answered.locator(".fn-turn")).to_have_count(0)


def test_keys_lead_about_and_are_listed(answered: Page) -> None:
    answered.locator(".fn-action", has_text="Edit").first.focus()
    answered.keyboard.press("?")
    expect(answered.get_by_role("dialog", name="Keys")).to_be_visible()
    answered.keyboard.press("Escape")
    expect(answered.get_by_role("dialog", name="Keys")).to_be_hidden()
    answered.keyboard.press("/")
    expect(answered.get_by_role("textbox", name="Question")).to_be_focused()


def test_on_a_phone_nothing_scrolls_sideways_and_sources_are_a_sheet(answered: Page) -> None:
    answered.set_viewport_size({"width": 390, "height": 844})
    assert answered.evaluate("document.documentElement.scrollWidth") <= 390
    expect(answered.locator("#fn-right")).to_be_hidden()
    answered.locator(".fn-marker").first.click()
    expect(answered.locator(".fn-card mark").first).to_be_in_viewport()
    answered.get_by_role("button", name="Close").click()
    expect(answered.locator("#fn-right")).to_be_hidden()


def test_on_paper_the_answer_has_its_footnotes(answered: Page) -> None:
    answered.emulate_media(media="print")
    expect(answered.locator(".fn-footnotes")).to_be_visible()
    expect(answered.locator("#fn-ask")).to_be_hidden()
    expect(answered.locator("#fn-right")).to_be_hidden()


def test_a_failure_has_an_id_that_stands_in_the_log(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    root = tmp_path / "docs"
    root.mkdir()
    (root / "a.txt").write_text("The old mill at Farley was built in 1823.")
    sync(builder, [root])
    (builder.home / "index" / "roots.json").write_text(f'{{"roots": ["{root}"]}}')
    process, address = start_server(builder.home, tmp_path / "serve.log")
    try:
        for page in opened(browser, address):
            (builder.home / "index" / "current").write_text("nowhere")
            ask(page, "When was the old mill built?")
            failed = page.locator(".fn-turn.fn-failed")
            expect(failed).to_contain_text("which is not there", timeout=60_000)
            number = re.search(r"Error (\w{8})", failed.text_content() or "")
            assert number and number.group(1) in (builder.home / "logs" / "footnote.log").read_text()
            expect(failed.get_by_role("button", name="Ask again")).to_be_visible()
    finally:
        process.terminate()
        process.wait(20)


def test_without_sources_the_page_says_how_to_add_some(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    root = tmp_path / "docs"
    root.mkdir()
    sync(builder, [root])
    (builder.home / "index" / "roots.json").write_text(f'{{"roots": ["{root}"]}}')
    process, address = start_server(builder.home, tmp_path / "serve.log")
    try:
        page = browser.new_page()
        page.goto(address)
        expect(page.locator(".fn-welcome")).to_contain_text("python app.py index FOLDER", timeout=60_000)
        expect(page.locator(".fn-state-failed")).to_contain_text("No sources yet")
        page.close()
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(params=["light", "dark"])
def shade(request: pytest.FixtureRequest, page: Page) -> Iterator[Page]:
    if request.param == "dark":
        page.evaluate("document.body.classList.add('dark')")
        page.wait_for_timeout(1000)  # colours that fade from one to the other have no contrast to measure
    yield page


def _ours(page: Page) -> list[Any]:
    """Serious and critical violations of axe in our own markup."""
    found = Axe().run(page, context="#fn-top, #fn-first, #fn-conversation, #fn-panel").response["violations"]
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious_in_our_markup(shade: Page) -> None:
    assert _ours(shade) == []
    ask(shade, "Who is the CEO of GM?")
    expect(shade.locator(".fn-turn.fn-answered")).to_be_visible(timeout=60_000)
    shade.wait_for_timeout(1500)
    assert _ours(shade) == []
    ask(shade, "Who supplies Tesla's cells?")
    expect(shade.locator(".fn-turn.fn-refused")).to_be_visible(timeout=60_000)
    assert _ours(shade) == []
