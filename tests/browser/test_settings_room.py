"""The Settings room: a choice applies to the next question and is kept over a reload."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.access import violations
from benchmarks.served import ask, opened, served

pytestmark = pytest.mark.browser
_PATIENCE = 300_000


def test_a_choice_applies_to_the_next_question_and_settings_of_the_environment_are_locked(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    with served(home, tmp_path / "log", FOOTNOTE_PASSAGES="7") as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("link", name="Settings", exact=True).click()
        room = page.locator("#fn-settings")
        expect(room.get_by_label("Current value: 7")).to_be_disabled(timeout=_PATIENCE)
        expect(room.get_by_text("FOOTNOTE_PASSAGES is set in the environment")).to_be_visible()
        serious = [one for one in violations(page) if one["impact"] in ("serious", "critical")]
        assert [(one["id"], node["html"]) for one in serious for node in one["nodes"]] == []
        room.get_by_label("Address of the language model").fill("nonsense")
        room.get_by_role("button", name="Save").click()
        expect(room.locator("#fn-saved")).to_contain_text("a URL like", timeout=_PATIENCE)
        room.get_by_label("Address of the language model").fill("http://127.0.0.1:9/v1")
        room.get_by_label("Name of the model").fill("small")
        room.get_by_label("Strict").check()
        room.get_by_role("button", name="Save").click()
        expect(room.locator("#fn-saved")).to_contain_text("Saved", timeout=_PATIENCE)
        page.get_by_role("link", name="Back to the chat").click()
        expect(page.locator("#fn-writer")).to_be_visible()
        ask(page, "Who is the CEO of GM?")
        expect(page.locator(".fn-turn").last.locator(".fn-details")).to_be_visible(timeout=_PATIENCE)
        page.reload()
        expect(page.locator("#fn-writer")).to_be_visible(timeout=_PATIENCE)
        page.get_by_role("link", name="Settings", exact=True).click()
        expect(room.get_by_label("Strict")).to_be_checked(timeout=_PATIENCE)
