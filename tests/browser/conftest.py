"""Shared fixtures of the browser tests: Chromium, a served page over the seeds, and a folder of sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.served import chromium as running
from benchmarks.served import opened, served
from index.sources.roots import register_roots

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with running(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    with served(seeds_home, tmp_path_factory.mktemp("log") / "serve.log") as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
        yield page


def write_sources(home: Path, root: Path, texts: dict[str, str]) -> None:
    """Write articles to a new folder and register it in `home`, without indexing."""
    root.mkdir()
    for name, text in texts.items():
        (root / name).write_text(text, "utf-8")
    register_roots(home, [root])
