"""The page around the answers: tooltips, keys, copying, editing, reload, phone and print."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from benchmarks.served import ask

pytestmark = pytest.mark.browser


@pytest.fixture
def answered(page: Page) -> Page:
    """Return a page with one answered question."""
    ask(page, "Who is the CEO of GM?")
    expect(page.locator(".fn-turn.fn-answered")).to_be_visible(timeout=60_000)
    return page


def test_a_marker_shows_its_quote_on_hover_and_focus(answered: Page) -> None:
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


def test_choosing_an_earlier_answer_shows_its_sources_again(answered: Page) -> None:
    ask(answered, "How many jobs will the TDK deal create?")
    expect(answered.locator(".fn-turn.fn-answered")).to_have_count(2, timeout=60_000)
    expect(answered.locator(".fn-card.fn-cited:visible").first).to_contain_text("1,000 jobs")
    answered.locator(".fn-turn").first.get_by_role("button", name="Evidence", exact=True).click()
    expect(answered.locator(".fn-card.fn-cited:visible").first).to_contain_text("Mary Barra")


def test_the_article_opens_with_the_quote_in_view(answered: Page) -> None:
    quote = answered.locator(".fn-card mark").first.text_content() or ""
    with answered.context.expect_page() as opening:
        answered.get_by_role("link", name=re.compile("Open article")).first.click()
    article = opening.value
    expect(article.locator("mark")).to_have_text(quote)
    expect(article.locator("mark")).to_be_in_viewport()
    expect(article.locator(".fn-text")).to_contain_text("GM plans to launch 20 new electric vehicles")


def test_an_answer_is_copied_as_markdown_and_has_a_link_that_asks_it(answered: Page, address: str) -> None:
    answered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = answered.locator(".fn-turn").first
    turn.get_by_role("button", name="Copy").click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    copied = answered.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("**Who is the CEO of GM?**") and "\\[1\\]" in copied and "characters" in copied
    turn.get_by_role("button", name="Link", exact=True).click()
    answered.wait_for_function("navigator.clipboard.readText().then(text => text.includes('?q='))")
    link = answered.evaluate("navigator.clipboard.readText()")
    assert link.startswith(address)
    answered.evaluate("sessionStorage.clear()")
    answered.goto(link)
    expect(answered.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra", timeout=60_000)
    assert "?q=" not in answered.url


@pytest.mark.parametrize("event", ["click", "keypress"])
def test_a_question_sent_before_gradio_listens_is_sent_again(page: Page, event: str) -> None:
    stop = "event => event.stopImmediatePropagation()"
    page.evaluate(f"document.addEventListener('{event}', {stop}, {{ capture: true, once: true }})")
    box = page.get_by_role("textbox", name="Question")
    box.fill("Who is the CEO of GM?")
    if event == "keypress":
        box.press("Enter")
    else:
        page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra")
    ask(page, "How many jobs will the TDK deal create?")
    expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("1,000 jobs")
    expect(page.locator(".fn-turn")).to_have_count(2)


def test_a_question_can_be_edited_and_recalled(answered: Page) -> None:
    answered.locator(".fn-turn").first.get_by_role("button", name="Edit").click()
    box = answered.get_by_role("textbox", name="Question")
    expect(box).to_have_value("Who is the CEO of GM?")
    box.fill("")
    box.press("ArrowUp")
    expect(box).to_have_value("Who is the CEO of GM?")


def test_a_conversation_survives_a_reload_and_a_new_one_can_be_started(answered: Page) -> None:
    answered.reload()
    expect(answered.locator(".fn-turn.fn-answered")).to_contain_text("Mary Barra")
    answered.locator(".fn-marker").first.click()
    expect(answered.locator(".fn-card mark").first).to_be_in_viewport()
    answered.get_by_role("button", name="New conversation").click()
    expect(answered.locator(".fn-turn")).to_have_count(0)
    answered.reload()
    expect(answered.locator(".fn-welcome")).to_be_visible()
    expect(answered.locator(".fn-turn")).to_have_count(0)


def test_keyboard_shortcuts_work_and_are_listed(answered: Page) -> None:
    answered.locator(".fn-turn .fn-action", has_text="Edit").first.focus()
    answered.keyboard.press("?")
    expect(answered.get_by_role("dialog", name="A short tour")).to_be_visible()
    answered.keyboard.press("Escape")
    expect(answered.get_by_role("dialog", name="A short tour")).to_be_hidden()
    answered.keyboard.press("/")
    expect(answered.get_by_role("textbox", name="Question")).to_be_focused()


def test_on_a_phone_nothing_scrolls_sideways_and_sources_are_a_sheet(answered: Page) -> None:
    answered.set_viewport_size({"width": 390, "height": 844})
    assert answered.evaluate("document.documentElement.scrollWidth") <= 390
    expect(answered.locator("#fn-right")).to_be_hidden()
    answered.locator(".fn-marker").first.click()
    expect(answered.locator(".fn-card mark").first).to_be_in_viewport()
    answered.get_by_role("button", name="Close", exact=True).click()
    expect(answered.locator("#fn-right")).to_be_hidden()


def test_a_printed_answer_has_footnotes(answered: Page) -> None:
    answered.emulate_media(media="print")
    expect(answered.locator(".fn-footnotes")).to_be_visible()
    expect(answered.locator("#fn-ask")).to_be_hidden()
    expect(answered.locator("#fn-right")).to_be_hidden()
