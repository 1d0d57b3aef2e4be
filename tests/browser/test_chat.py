"""The chat in a real browser: ask, read, follow a marker to the highlighted words."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.hostile import HOSTILE, journey, rendered, strings, write_hostile
from benchmarks.served import ask, opened, served
from index.build.write import Builder
from index.sources.roots import register_roots
from index.sync import sync

pytestmark = pytest.mark.browser


def test_a_question_is_answered_and_its_marker_links_to_the_highlighted_words(page: Page) -> None:
    ask(page, "How many jobs will the TDK deal create?")
    turn = page.locator(".fn-turn.fn-answered")
    expect(turn).to_be_visible(timeout=60_000)
    marker = turn.get_by_role("link", name="source 1, GM").first
    marker.click()
    card = page.locator(".fn-card.fn-cited").first
    highlighted = card.locator("mark")
    expect(highlighted).to_be_in_viewport()
    expect(highlighted).to_contain_text("1,000 jobs")
    expect(card).to_be_focused()
    expect(card).to_contain_text("12 Sep 2024")
    expect(card).to_contain_text("000_fee8f80bb4d154f2.txt")
    quoted = (turn.locator(".fn-quoted p").first.text_content() or "").strip("“”1234 ")
    assert quoted in (highlighted.text_content() or "")
    page.keyboard.press("Escape")
    expect(marker).to_be_focused()
    expect(page.get_by_text("Also found")).to_be_visible()


def test_a_marker_of_an_earlier_answer_links_to_its_own_card(page: Page) -> None:
    ask(page, "Who is the CEO of GM?")
    ask(page, "How many jobs will the TDK deal create?")
    turns = page.locator(".fn-turn.fn-answered")
    expect(turns).to_have_count(2, timeout=60_000)
    expect(turns.nth(0)).to_contain_text("CEO of GM")
    first = turns.nth(0).locator(".fn-marker").first
    first.click()
    target = (first.get_attribute("href") or "")[1:]
    mark = page.locator(f"mark:has([id='{target}'])")
    expect(mark).to_be_in_viewport()
    expect(mark).to_contain_text("Mary Barra")


def test_a_refusal_shows_what_is_missing_and_the_nearest_passages(page: Page) -> None:
    ask(page, "Who supplies Tesla's cells?")
    turn = page.locator(".fn-turn.fn-refused")
    expect(turn).to_contain_text("Nothing here mentions “Tesla”", timeout=60_000)
    nearest = page.get_by_text("Nearest passages (")
    expect(page.locator(".fn-card").first).to_be_hidden()
    nearest.click()
    expect(page.locator(".fn-card").first).to_be_visible()


def test_a_foreign_question_and_a_correction_are_explained(page: Page) -> None:
    ask(page, "Wie viele Arbeitsplätze schafft der Vertrag mit TDK in der Fabrik?")
    turn = page.locator(".fn-turn").last
    expect(turn.locator(".fn-verdict")).to_have_text("Question not in English", timeout=60_000)
    ask(page, "Which Japanese comapny has a deal with GM?")
    searched = page.locator(".fn-turn .fn-searched")
    expect(searched).to_contain_text("Searched for: Which Japanese company has a deal with GM?", timeout=60_000)
    searched.get_by_role("button", name="Edit what was searched").click()
    box = page.get_by_role("textbox", name="Question")
    expect(box).to_be_focused()
    expect(box).to_have_value("Which Japanese company has a deal with GM?")
    box.fill("")
    searched.get_by_role("button", name="Search for what I typed").click()
    expect(page.locator(".fn-turn")).to_have_count(3)
    expect(page.locator(".fn-turn").last).to_contain_text("comapny")
    expect(page.locator(".fn-turn.fn-working")).to_have_count(0, timeout=60_000)
    expect(page.locator(".fn-turn").last.locator(".fn-searched")).to_have_count(0)


def test_a_source_is_shown_by_its_title_not_its_file_name(page: Page) -> None:
    title = "GM’s plans to ramp up EV production"
    expect(page.locator("#fn-ticks")).to_contain_text(title, timeout=60_000)
    ask(page, "How many new electric vehicles does GM plan to launch by 2023?")
    turn = page.locator(".fn-turn.fn-answered")
    expect(turn.locator("cite").first).to_contain_text(title, timeout=60_000)
    expect(page.locator(".fn-card.fn-cited h3").first).to_contain_text(title)
    for place in ("#fn-ticks", "#fn-first", ".fn-turn .fn-answer", ".fn-card.fn-cited h3"):
        assert "002_892b5bec6cb22725" not in " ".join(page.locator(place).all_text_contents())


def test_clicking_an_example_asks_it(page: Page) -> None:
    page.locator(".fn-example").first.click()
    expect(page.locator(".fn-turn.fn-answered")).to_be_visible(timeout=60_000)
    expect(page.locator(".fn-welcome")).to_be_hidden()


def test_an_empty_question_is_refused_and_shift_enter_adds_a_line(page: Page) -> None:
    ask(page, "  ")
    expect(page.locator(".fn-turn.fn-failed")).to_contain_text("question is empty", timeout=30_000)
    box = page.get_by_role("textbox", name="Question")
    box.fill("one")
    box.press("Shift+Enter")
    box.type("two")
    expect(box).to_have_value("one\ntwo")


def test_many_questions_at_once_keep_their_order(page: Page) -> None:
    asked = ["hi", "Who is the CEO of GM?", "thanks", "What is the capital of France?", "what can I ask?", "bye"]
    for question in asked:
        ask(page, question)
    finished = page.locator(".fn-turn:not(.fn-working)")
    expect(finished).to_have_count(len(asked), timeout=60_000)
    assert page.locator(".fn-question").all_text_contents() == asked


_EARLY = """
let held = null;
new MutationObserver(() => {
  const part = document.getElementById("fn-more");
  if (held || !part) return;
  held = part;
  part.id = "fn-held";
  setTimeout(() => {
    const box = document.querySelector("#fn-question textarea");
    box.value = "How many jobs will the TDK deal create?";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("fn-send").click();
  }, 2000);
  setTimeout(() => {
    part.id = "fn-more";
    document.body.append(document.createElement("i"));
  }, 3000);
}).observe(document, { childList: true, subtree: true });
"""
"""Delays a part of the page and presses Send before it is there."""


def test_a_question_sent_while_the_page_loads_is_answered(page: Page) -> None:
    page.add_init_script(_EARLY)
    page.reload()
    expect(page.locator(".fn-turn")).to_have_count(1)
    expect(page.locator(".fn-turn.fn-answered .fn-answer")).to_contain_text("1,000")
    expect(page.get_by_role("textbox", name="Question")).to_have_value("")


def test_hostile_strings_are_shown_as_text(page: Page) -> None:
    texts = strings(200)
    for batch in (texts[:100], texts[100:]):
        assert rendered(page, batch) == []


def test_hostile_files_and_questions_are_shown_as_text(browser: Browser, builder: Builder, tmp_path: Path) -> None:
    write_hostile(tmp_path / "docs", HOSTILE)
    register_roots(builder.home, [tmp_path / "docs"])
    sync(builder, [tmp_path / "docs"])
    with served(builder.home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        assert journey(page, HOSTILE) == []
