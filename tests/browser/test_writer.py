"""A language model as the writer on the page: checked sentences, verdicts, stopping, a server that is down."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scripted import KEY, Server, serving
from benchmarks.served import ask, free_port, opened, served
from rag.writer.servers import USUAL

pytestmark = pytest.mark.browser
QUESTION = "who supplies GM's cells?"


@pytest.fixture(scope="module")
def scripted() -> Iterator[Server]:
    with serving() as server:
        yield server


@contextmanager
def written_by(browser: Browser, home: Path, log: Path, url: str, part: str) -> Iterator[Page]:
    """Open the page with a language model that is chosen as the writer."""
    env = {"FOOTNOTE_LLM_URL": url, "FOOTNOTE_LLM_MODEL": f"part/{part}", "FOOTNOTE_LLM_KEY": KEY}
    env["FOOTNOTE_LLM_ANSWER_TOKENS"] = "1000000"  # so many that the endless answer is not cut off
    with served(home, log, **env) as address, opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
        page.get_by_label("Language model, checked").check()
        yield page
        assert KEY not in page.content()
    assert KEY not in log.read_text()


def test_each_written_sentence_has_its_verdict_and_links_to_its_source(
    browser: Browser, seeds_home: Path, tmp_path: Path, scripted: Server
) -> None:
    with written_by(browser, seeds_home, tmp_path / "log", scripted.url, "perfect") as page:
        ask(page, QUESTION)
        turn = page.locator(".fn-turn").last
        expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)
        expect(turn.locator(".fn-check.fn-supported").first).to_contain_text("supported")
        turn.locator(".fn-marker").first.click()
        expect(page.locator(".fn-cited:focus mark")).to_contain_text("LG Chem")
        expect(page.locator(".fn-sources:visible")).to_have_count(1)
        # The user can switch back to quotes.
        page.get_by_label("Quotes").check()
        ask(page, "How many jobs will the TDK deal create?")
        last = page.locator(".fn-turn").last
        expect(last).to_have_class(re.compile("fn-answered"), timeout=60_000)
        expect(last.locator(".fn-check")).to_have_count(0)


def test_a_server_on_this_machine_is_offered_chosen_stopped_and_replaced_by_quotes(
    browser: Browser, seeds_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    port = USUAL["Ollama"]
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            pytest.skip("a server of Ollama runs on this machine")
    with ExitStack() as running:
        server = running.enter_context(serving(port, "perfect", is_ollama=True))
        with served(home, tmp_path / "log") as address, opened(browser, address) as page:
            expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
            offer = page.locator(".fn-welcome").get_by_role("button", name="Let perfect on this machine write")
            expect(offer).to_be_visible()
            assert {one.get("path") for one in server.requests} <= {"v1/models"}, "more than the list was asked for"
            offer.click()
            expect(page.get_by_label("Language model, checked")).to_be_checked()
            expect(offer).to_have_count(0)
            ask(page, QUESTION)
            turn = page.locator(".fn-turn").last
            expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)
            expect(turn.locator(".fn-check.fn-supported").first).to_be_visible()
            running.close()  # the server stops
            ask(page, "Who is the CEO of GM?")
            turn = page.locator(".fn-turn").nth(1)
            expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)
            expect(turn.locator(".fn-answer")).to_contain_text("Mary Barra")
            expect(turn.locator(".fn-note").first).to_contain_text("Nothing answers at")


def test_quotes_are_shown_while_the_model_writes_and_do_not_move(
    browser: Browser, seeds_home: Path, tmp_path: Path, scripted: Server
) -> None:
    with written_by(browser, seeds_home, tmp_path / "log", scripted.url, "perfect") as page:
        scripted.pace = 12
        ask(page, QUESTION)
        turn = page.locator(".fn-turn").last
        quote = turn.locator(".fn-quoted").first
        expect(quote).to_be_visible(timeout=60_000)
        before = quote.bounding_box()
        expect(turn.locator(".fn-check").first).to_be_visible(timeout=60_000)
        expect(turn).to_have_class(re.compile("fn-working"))
        assert quote.bounding_box() == before
        scripted.pace = 0
        expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)


def test_a_sentence_that_fails_the_check_is_left_out_with_a_note(
    browser: Browser, seeds_home: Path, tmp_path: Path, scripted: Server
) -> None:
    with written_by(browser, seeds_home, tmp_path / "log", scripted.url, "wrong-number") as page:
        ask(page, "How many jobs will the TDK deal create?")
        turn = page.locator(".fn-turn").last
        expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)
        expect(turn.locator(".fn-note").first).to_contain_text("did not pass the check")
        assert "7,777" not in "".join(turn.locator(".fn-answer p:not(.fn-note)").all_inner_texts())


def test_checked_sentences_are_streamed_and_stop_ends_the_answer(
    browser: Browser, seeds_home: Path, tmp_path: Path, scripted: Server
) -> None:
    with written_by(browser, seeds_home, tmp_path / "log", scripted.url, "endless") as page:
        scripted.let_go.clear()
        ask(page, QUESTION)
        turn = page.locator(".fn-turn").last
        expect(turn.locator(".fn-check").nth(1)).to_be_visible(timeout=60_000)
        expect(turn).to_have_class(re.compile("fn-working"))
        page.locator("#fn-stop").click()
        expect(turn).to_have_class(re.compile("fn-stopped"))
        assert scripted.let_go.wait(60)
        expect(turn.locator(".fn-check").first).to_be_visible()
        # The stopped answer does not delay the next question.
        page.get_by_label("Quotes").check()
        ask(page, "Who is the CEO of GM?")
        expect(page.locator(".fn-turn").last).to_have_class(re.compile("fn-answered"), timeout=60_000)


def test_the_answer_is_quoted_if_the_server_is_down(browser: Browser, seeds_home: Path, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with written_by(browser, seeds_home, tmp_path / "log", url, "perfect") as page:
        ask(page, "Who is the CEO of GM?")
        turn = page.locator(".fn-turn").last
        expect(turn).to_have_class(re.compile("fn-answered"), timeout=60_000)
        expect(turn.locator(".fn-answer")).to_contain_text("Mary Barra")
        expect(turn.locator(".fn-note").first).to_contain_text("the language model could not be used")
