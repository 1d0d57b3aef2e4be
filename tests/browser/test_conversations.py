"""Conversations are stored: over a reload, in a second tab, and over a restart of the server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.served import ask, opened, served
from rag.conversation.store import ConversationStore

pytestmark = pytest.mark.browser

CEO, JOBS = "Who is the CEO of GM?", "How many jobs will the TDK deal create?"


def answered(page: Page, question: str) -> None:
    ask(page, question)
    expect(page.locator(".fn-turn").last).to_have_class("fn-turn fn-answered fn-chosen", timeout=120_000)


def fresh(seeds_home: Path, folder: Path) -> Path:
    """Return a copy of the home without the conversations of other tests."""
    left_out = shutil.ignore_patterns("conversations.sqlite*")
    return Path(shutil.copytree(seeds_home, folder / "home", ignore=left_out))


def rows(page: Page) -> Locator:
    return page.locator("#fn-list li")


def do(page: Page, what: str) -> None:
    """Choose an entry in the menu of the open conversation."""
    page.locator("#fn-more summary").click()
    page.locator("#fn-more").get_by_text(what, exact=True).click()


def test_conversations_can_be_renamed_searched_exported_and_deleted_and_survive_a_restart(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    home = fresh(seeds_home, tmp_path)
    with served(home, tmp_path / "first.log") as address, opened(browser, address) as page:
        answered(page, CEO)
        answered(page, JOBS)
        page.get_by_role("button", name="New conversation").click()
        answered(page, JOBS)
        page.reload()
        expect(page.locator(".fn-turn")).to_have_count(1)
    # A second server over the same home, and a new browser context.
    with served(home, tmp_path / "second.log") as address, opened(browser, address) as page:
        expect(rows(page)).to_have_count(2)
        expect(rows(page).first).to_contain_text(JOBS)
        assert "2 questions" in (rows(page).last.locator("button").get_attribute("title") or "")
        page.get_by_label("Search conversations").fill("mary barra")
        expect(rows(page)).to_have_count(1)
        rows(page).locator("button").click()
        expect(page.locator(".fn-turn.fn-answered")).to_have_count(2)
        expect(page.locator("#fn-title")).to_have_text(CEO)
        page.get_by_label("Search conversations").fill("")
        page.locator(".fn-turn").first.locator(".fn-marker").first.click()
        expect(page.locator(".fn-card mark").first).to_be_in_viewport()
        answered(page, CEO)
        with opened(browser, address) as tab:
            expect(rows(tab)).to_have_count(2)
            rows(tab).first.locator("button").click()
            expect(tab.locator(".fn-turn.fn-answered")).to_have_count(3)
            do(tab, "Star")
            expect(tab.get_by_role("heading", name="Starred")).to_be_visible()
            do(tab, "Rename")
            tab.get_by_label("New title").fill("On <b>GM</b>")
            tab.keyboard.press("Enter")
            expect(rows(tab).first).to_have_text("On <b>GM</b>")
            expect(tab.locator("#fn-title")).to_have_text("On <b>GM</b>")
            with tab.expect_download() as download:
                do(tab, "Export as JSON")
            kept = json.loads(Path(download.value.path()).read_text("utf-8"))
            assert [turn["question"] for turn in kept["turns"]] == [CEO, JOBS, CEO]
            do(tab, "Delete")
            expect(rows(tab)).to_have_count(1)
            expect(tab.locator(".fn-turn")).to_have_count(0)
            tab.get_by_role("button", name="Undo").click()
            expect(rows(tab)).to_have_count(2)
            expect(tab.locator(".fn-turn")).to_have_count(3)
            erase = tab.locator("[data-do=erase]")
            erase.click()
            expect(rows(tab)).to_have_count(2)
            erase.click()
            expect(rows(tab)).to_have_count(0)
            expect(tab.locator("#fn-list")).to_have_text("What you ask is kept here, on this machine.")
        page.reload()
        expect(page.locator("#fn-list .fn-none")).to_be_visible()


def test_a_conversation_stored_in_a_tab_moves_to_the_server_once(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    home = fresh(seeds_home, tmp_path)
    with served(home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        answered(page, CEO)
        expect(rows(page)).to_have_count(1)
        # Earlier versions kept conversations in the tab only.
        page.evaluate("sessionStorage.removeItem('fn-conversation')")
        page.evaluate("fetch('conversations', {method: 'DELETE'})")
        page.reload()
        expect(page.locator(".fn-turn.fn-answered")).to_have_count(1)
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text(CEO)
        answered(page, JOBS)
        expect(rows(page)).to_have_count(1)
        expect(rows(page).locator("[title*='2 questions']")).to_be_visible()


def test_an_answer_that_cannot_be_stored_is_shown_with_a_note(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    home = fresh(seeds_home, tmp_path)
    (home / "conversations.sqlite").write_bytes(b"this is no database, and long enough to be looked at as one " * 20)
    with served(home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        answered(page, CEO)
        expect(page.locator(".fn-turn p.fn-note")).to_contain_text("can't be read or saved")
        expect(page.locator("#fn-history .fn-problem")).to_contain_text("move the file conversations.sqlite")


def test_an_article_marks_the_answering_words_and_links_back_to_its_conversation(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    with served(fresh(seeds_home, tmp_path), tmp_path / "log") as address, opened(browser, address) as page:
        answered(page, JOBS)
        page.get_by_role("button", name="New conversation").first.click()
        answered(page, CEO)
        expect(page.locator("#fn-title")).to_have_text(CEO)
        with page.expect_popup() as opening:
            page.locator("#fn-panel .fn-card .fn-open").first.click()
        article = opening.value
        expect(article.locator("mark strong")).to_have_text("Mary Barra")
        rows(page).last.locator("button").click()  # The first tab opens another conversation.
        article.get_by_role("link", name="Back to the conversation").click()
        expect(article.locator(".fn-turn.fn-answered")).to_have_count(1)
        expect(article.locator("#fn-title")).to_have_text(CEO)
        assert "conversation=" not in article.url


def test_a_star_on_a_question_is_stored(browser: Browser, seeds_home: Path, tmp_path: Path) -> None:
    home = fresh(seeds_home, tmp_path)
    with served(home, tmp_path / "log") as address, opened(browser, address) as page:
        answered(page, CEO)
        star = page.get_by_role("button", name="Star this question")
        star.click()
        expect(star).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Good answer").click()
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
        expect(star).to_have_attribute("aria-pressed", "true")
        page.reload()
        expect(star).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="New conversation").first.click()
        rows(page).locator("button").click()
        expect(star).to_have_attribute("aria-pressed", "true")
    kept = [turn.question for _, turn in ConversationStore(home).starred_turns()]
    assert kept == [CEO]
