"""What the browser tests share: Chromium, a served page over the seeds, and how to ask on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect, sync_playwright

from tests.conftest import start_server


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    process, address = start_server(seeds_home, tmp_path_factory.mktemp("log") / "serve.log")
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    yield from opened(browser, address)


def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A page on `address` that fails the test for a script error, a dialog, or a request to elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    faults: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note(request: Request) -> None:
        if _elsewhere(request.url, address):
            faults.append(request.url)

    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("dialog", dismiss)
    page.on("request", note)
    page.goto(address)
    expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
    yield page
    context.close()
    assert faults == []


def _elsewhere(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))


def ask(page: Page, question: str) -> None:
    box = page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")
