"""Every state of the page, produced for real: starting, working, stopped, busy, updating, failing."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.served import (
    ask,
    ask_at_once,
    halted,
    halted_while_building,
    opened,
    run_app,
    served,
    server,
    silent_source,
)
from index.build.write import Builder
from index.sync import sync
from tests.browser.conftest import write_sources

pytestmark = pytest.mark.browser

MILL = {"mill.txt": "The old mill\n\nThe old mill at Farley was built in 1823 by Anna Brook.\n"}
MANY = {
    **MILL,
    **{
        f"note-{number}.txt": f"Note {number}\n\n"
        + " ".join(f"House {number} on street {n} was painted in shade {n * number}." for n in range(12))
        for number in range(20)
    },
}
# Records each status line of a waiting turn, and whether Stop was shown then.
LOG_WAITING = """() => {
  window.waited = [];
  new MutationObserver(() => {
    const stop = getComputedStyle(document.getElementById("fn-stop")).display !== "none";
    const lines = document.querySelectorAll(".fn-working .fn-status");
    for (const line of lines) window.waited.push([line.textContent, stop]);
  }).observe(document.getElementById("fn-conversation"), { childList: true, subtree: true });
}"""


def test_during_the_start_a_question_waits_and_can_be_stopped_or_is_turned_away(
    browser: Browser, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    write_sources(home, tmp_path / "docs", MANY)
    with ExitStack() as starting, ExitStack() as running:
        settings = starting.enter_context(silent_source(home))
        settings |= {"FOOTNOTE_MAX_WAITING": "1", "FOOTNOTE_WORKERS": "1"}
        address = running.enter_context(served(home, tmp_path / "serve.log", **settings))
        page = running.enter_context(opened(browser, address))
        state, turns = page.locator(".fn-state"), page.locator(".fn-turn")
        expect(state).to_have_text("Indexing: fetching 0 of 1")
        expect(page.locator(".fn-welcome")).to_contain_text("Answers from your sources")
        ask(page, "When was the old mill built?")
        expect(turns.nth(0)).to_contain_text("The answer comes in a moment")
        ask(page, "Who built the old mill?")
        expect(turns.nth(1)).to_contain_text("The answer comes in a moment")
        ask(page, "Where is the old mill?")
        expect(turns.nth(2)).to_contain_text("questions are waiting or being answered, the most")

        page.get_by_role("button", name="Stop", exact=True).click()
        for turn in (turns.nth(0), turns.nth(1)):
            expect(turn).to_contain_text("Stopped.")
            expect(turn.get_by_role("button", name="Ask again")).to_be_visible()
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
        turns.nth(1).get_by_role("button", name="Edit").click()
        expect(page.get_by_role("textbox", name="Question")).to_have_value("Who built the old mill?")

        for _ in range(60):  # A stopped question frees its place as soon as the server hears of it.
            turns.nth(0).get_by_role("button", name="Ask again").click()
            expect(turns.last).to_contain_text(re.compile("comes in a moment|Too many"))
            if "Too many" not in (turns.last.text_content() or ""):
                break
            page.wait_for_timeout(500)
        expect(turns.last).to_contain_text("The answer comes in a moment")
        starting.close()
        expect(turns.last).to_contain_text("1823")
        expect(state).to_have_text("21 sources, ready")
        expect(turns.nth(0)).to_contain_text("Stopped.")


def test_a_working_page_shows_its_state_and_stops_on_escape(browser: Browser, seeds_home: Path, tmp_path: Path) -> None:
    with server(seeds_home, tmp_path / "serve.log") as (process, address), opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible()
        page.evaluate(LOG_WAITING)
        with halted(process):
            ask_at_once(page, [f"Who is the CEO of GM in {year}?" for year in range(2000, 2003)])
            expect(page.locator(".fn-working")).to_have_count(3)
            assert ["Searching and reading ...", True] in page.evaluate("window.waited")
            page.get_by_role("textbox", name="Question").press("Escape")
            expect(page.locator(".fn-stopped")).to_have_count(3)
            expect(page.locator(".fn-stopped").last).to_contain_text("Stopped.")
        ask(page, "How many jobs will the TDK deal create?")
        expect(page.locator(".fn-turn").last).to_contain_text("1,000 jobs")
        expect(page.locator(".fn-stopped")).to_have_count(3)


def test_during_a_rebuild_the_page_shows_the_update_and_answers(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    write_sources(builder.home, tmp_path / "docs", MANY)
    sync(builder, [tmp_path / "docs"])
    with served(builder.home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        state = page.locator(".fn-state")
        expect(state).to_have_text("21 sources, ready")
        rebuilding = run_app(builder.home, "index", "--rebuild", log=tmp_path / "index.log")
        with halted_while_building(rebuilding, builder.home):
            expect(state).to_have_text("21 sources, ready; the index is being updated")
            ask(page, "When was the old mill built?")
            expect(page.locator(".fn-turn.fn-answered")).to_contain_text("1823")
        assert rebuilding.wait(300) == 0
        expect(state).to_have_text("21 sources, ready")
        ask(page, "Who built the old mill?")
        expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("Anna Brook")


def test_a_failure_has_an_id_that_is_in_the_log(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    write_sources(builder.home, tmp_path / "docs", MILL)
    sync(builder, [tmp_path / "docs"])
    with served(builder.home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
        (builder.home / "index" / "current").write_text("nowhere")
        ask(page, "When was the old mill built?")
        failed = page.locator(".fn-turn.fn-failed")
        expect(failed).to_contain_text("names a missing one")
        number = re.search(r"Error (\w{8})", failed.text_content() or "")
        assert number and number.group(1) in (builder.home / "logs" / "footnote.log").read_text()
        expect(failed.get_by_role("button", name="Ask again")).to_be_visible()
        expect(page.locator(".fn-state-failed")).to_contain_text("names a missing one")


def test_an_empty_page_says_how_to_add_sources_and_notices_that_the_server_ended(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    write_sources(builder.home, tmp_path / "docs", {})
    sync(builder, [tmp_path / "docs"])
    with browser.new_context() as context:
        page = context.new_page()
        with served(builder.home, tmp_path / "serve.log") as address:
            page.goto(address)
            expect(page.locator(".fn-welcome")).to_contain_text("No sources yet")
            expect(page.get_by_role("button", name="Add your documents")).to_be_visible()
            expect(page.locator(".fn-state-failed")).to_contain_text("No sources yet")
        expect(page.locator(".fn-state")).to_contain_text("The server does not answer", timeout=30_000)
