"""The page of an article in a browser: the quote in view, no overflow, accessible, usable without script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.access import violations
from benchmarks.served import served
from index.build.generation import open_current
from index.build.write import Builder
from index.encoder.embedder import Embedder
from index.sources.roots import register_roots
from index.sync import sync
from rag.engine import recipe
from rag.settings import SEEDS, Settings
from tests.test_article_view import write_pdf

pytestmark = pytest.mark.browser

HANDBOOK = (
    "# Handbook\n\nAll that a volunteer needs to know.\n\n## Leave\n\n"
    + "Twelve days a year are free for everybody who helps.\n\n" * 30
    + "## Prices\n\n| Flour, as it comes from the stone | Price a kilo | From which of the mills |\n|---|---|---|\n"
    + "| Rye | 2.40 | Oxley |\n| Wheat | 1.90 | Farley |\n\n```\nmill --grain rye --stone 2 --night --for-a-long-time "
    + "--and-on-and-on-until-the-morning\n```\n\n"
    + "## The wheel\n\nIt turns eleven times a minute: Donaudampfschifffahrtsgesellschaftskapitänswitwenkasse.\n\n"
    + "It goes on.\n\n" * 30
)
QUOTES = {
    "handbook.md": "It turns eleven times a minute",
    "pages.pdf": "Line 7 of the right column goes",
    "002_892b5bec6cb22725.txt": "GM plans to launch 20 new electric vehicles",
}


@pytest.fixture(scope="module")
def places(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[dict[str, str]]:
    """Yield the address of a quote in each source."""
    docs: Path = tmp_path_factory.mktemp("docs")
    write_pdf(docs / "pages.pdf")
    (docs / "handbook.md").write_text(HANDBOOK, "utf-8")
    builder = Builder(tmp_path_factory.mktemp("home"), recipe(Settings()), embedder, 20_000_000)
    register_roots(builder.home, [docs, SEEDS])
    sync(builder, [docs, SEEDS])
    generation = open_current(builder.home)
    with served(builder.home, docs.parent / "serve.log") as address:
        found = {}
        for source, words in QUOTES.items():
            article = generation.catalog.article(source)
            assert article is not None
            start = article.text.index(words)
            asked = {"source": source, "id": article.id, "start": start, "end": start + len(words)}
            found[source] = f"{address}/article?{urlencode(asked)}#quote"
        yield found
    generation.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    contexts = []

    def open_(address: str, **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page: Page = contexts[-1].new_page()
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("source", QUOTES)
@pytest.mark.parametrize("script", [True, False])
def test_the_quote_is_in_view_without_script_and_a_link_returns_to_the_chat(
    visit: Any, places: dict[str, str], source: str, script: bool
) -> None:
    page = visit(places[source], java_script_enabled=script, viewport={"width": 1280, "height": 700})
    expect(page.locator("#quote")).to_be_in_viewport()
    expect(page.locator("#quote")).to_have_text(QUOTES[source])
    link = page.get_by_role("link", name="Back to the conversation")
    expect(link).to_be_in_viewport()
    link.click()
    assert page.url.rsplit(":", 1)[1].partition("/")[2] == ""


def test_the_mark_on_the_picture_is_where_the_words_are(visit: Any, places: dict[str, str]) -> None:
    page = visit(places["pages.pdf"], viewport={"width": 1440, "height": 900})
    sheet = page.locator("#page-1 .fn-sheet")
    expect(sheet.locator("rect")).to_have_count(1)
    page.wait_for_function("document.querySelector('#page-1 img').naturalWidth > 0")
    expect(sheet.locator("rect")).to_be_in_viewport()
    picture, mark = sheet.locator("img").bounding_box(), sheet.locator("rect").bounding_box()
    assert picture and mark
    # The words begin 330 of 600 points from the left; their line is 740 - 7 * 16 of 800 points above the bottom.
    assert abs((mark["x"] - picture["x"]) / picture["width"] - 330 / 600) < 0.006
    middle = (mark["y"] + mark["height"] / 2 - picture["y"]) / picture["height"]
    assert abs(middle - (1 - (740 - 7 * 16 + 3) / 800)) < 0.006
    assert page.locator("img[loading=lazy]").count() == 3


@pytest.mark.parametrize("width", [1440, 768, 390, 320])
def test_nothing_overflows_the_page_and_the_quote_is_not_covered(
    visit: Any, places: dict[str, str], width: int
) -> None:
    for address in places.values():
        page = visit(address, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ways = page.locator(".fn-ways").bounding_box()
        quote = page.locator("#quote").bounding_box()
        assert ways and quote and ways["y"] == 0 and quote["y"] >= ways["height"]


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 320])
def test_axe_finds_no_serious_violation_on_an_article(
    visit: Any, places: dict[str, str], shade: str, width: int
) -> None:
    for address in places.values():
        page = visit(address, color_scheme=shade, viewport={"width": width, "height": 800})
        found = [(one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]]) for one in violations(page)]
        assert [one for one in found if one[1] in ("serious", "critical")] == []


def test_the_contents_link_to_the_headings(visit: Any, places: dict[str, str]) -> None:
    page = visit(places["handbook.md"], viewport={"width": 390, "height": 800})
    page.get_by_text("Contents", exact=True).click()
    page.get_by_role("link", name="Prices").click()
    expect(page.get_by_role("heading", name="Prices")).to_be_in_viewport()
    expect(page.get_by_role("table")).to_be_visible()
    assert page.locator("body").evaluate("body => getComputedStyle(body).fontFamily").startswith('"Source Sans Pro"')
    assert page.evaluate("document.fonts.check('16px \"Source Sans Pro\"')")
