"""Conversations stay on the machine: over a reload, in a second tab, and over a restart of the server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.served import ask, opened, served

pytestmark = pytest.mark.browser

CEO, JOBS = "Who is the CEO of GM?", "How many jobs will the TDK deal create?"


def answered(page: Page, question: str) -> None:
    ask(page, question)
    expect(page.locator(".fn-turn").last).to_have_class("fn-turn fn-answered fn-chosen", timeout=120_000)


def fresh(seeds_home: Path, folder: Path) -> Path:
    """A copy of the home without the conversations of other tests."""
    left_out = shutil.ignore_patterns("conversations.sqlite*")
    return Path(shutil.copytree(seeds_home, folder / "home", ignore=left_out))


def rows(page: Page) -> Locator:
    if not page.locator("#fn-history").is_visible():
        page.get_by_role("button", name="Conversations").click()
    return page.locator("#fn-history li")


def test_conversations_are_kept_named_found_handed_on_and_deleted(
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
    # Another server over the same home, in a browser that has seen neither.
    with served(home, tmp_path / "second.log") as address, opened(browser, address) as page:
        expect(rows(page)).to_have_count(2)
        expect(rows(page).first).to_contain_text(JOBS)
        expect(rows(page).last).to_contain_text("2 questions")
        page.get_by_label("Search conversations").fill("mary barra")
        expect(rows(page)).to_have_count(1)
        page.locator("#fn-history .fn-open-conversation").click()
        expect(page.locator(".fn-turn.fn-answered")).to_have_count(2)
        page.locator(".fn-turn").first.locator(".fn-marker").first.click()
        expect(page.locator(".fn-card mark").first).to_be_in_viewport()
        answered(page, CEO)
        with opened(browser, address) as tab:
            expect(rows(tab)).to_have_count(2)
            expect(rows(tab).first).to_contain_text("3 questions")
            rows(tab).first.get_by_role("button", name="Star").click()
            expect(rows(tab).first.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
            rows(tab).first.get_by_role("button", name="Rename").click()
            tab.get_by_label("New title").fill("On <b>GM</b>")
            tab.keyboard.press("Enter")
            expect(rows(tab).first.locator(".fn-open-conversation")).to_have_text("On <b>GM</b>")
            with tab.expect_download() as download:
                rows(tab).first.get_by_role("link", name="Export as JSON").click()
            kept = json.loads(Path(download.value.path()).read_text("utf-8"))
            assert [turn["question"] for turn in kept["turns"]] == [CEO, JOBS, CEO]
            rows(tab).last.get_by_role("button", name="Delete").click()
            expect(rows(tab)).to_have_count(1)
            tab.get_by_role("button", name="Undo").click()
            expect(rows(tab)).to_have_count(2)
            erase = tab.locator("[data-history=erase]")
            erase.click()
            expect(rows(tab)).to_have_count(2)
            erase.click()
            expect(rows(tab)).to_have_count(1)
            expect(rows(tab)).to_have_text("Nothing was asked yet. What you ask is kept here, on this machine.")
        page.get_by_role("button", name="Conversations").click()
        expect(page.locator("#fn-history .fn-none")).to_be_visible()


def test_what_a_tab_held_before_moves_to_the_server_once(browser: Browser, seeds_home: Path, tmp_path: Path) -> None:
    home = fresh(seeds_home, tmp_path)
    with served(home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        answered(page, CEO)
        expect(rows(page)).to_have_count(1)
        page.keyboard.press("Escape")
        # As a version left it that kept conversations in the tab only.
        page.evaluate("sessionStorage.removeItem('fn-conversation')")
        page.evaluate("fetch('conversations', {method: 'DELETE'})")
        page.reload()
        expect(page.locator(".fn-turn.fn-answered")).to_have_count(1)
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text(CEO)
        page.keyboard.press("Escape")
        answered(page, JOBS)
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("2 questions")


def test_an_answer_that_cant_be_kept_is_shown_and_says_so(browser: Browser, seeds_home: Path, tmp_path: Path) -> None:
    home = fresh(seeds_home, tmp_path)
    (home / "conversations.sqlite").write_bytes(b"this is no database, and long enough to be looked at as one " * 20)
    with served(home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        answered(page, CEO)
        expect(page.locator(".fn-turn .fn-note")).to_contain_text("can't be read or kept")
        page.get_by_role("button", name="Conversations").click()
        expect(page.locator("#fn-history .fn-problem")).to_contain_text("move the file conversations.sqlite")
