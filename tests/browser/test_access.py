"""Accessibility of the page: keyboard, screen reader, zoom, reduced motion, right to left, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.access import OURS, violations
from benchmarks.served import ask, opened, served
from index.build.write import Builder
from index.sync import sync
from rag.ui.server import page_script, page_style
from tests.browser.conftest import write_sources

pytestmark = pytest.mark.browser

HEBREW = (
    "מכתב מירושלים\n\nהטחנה הישנה בפארלי נבנתה בשנת 1823 על ידי אנה ברוק. "
    "היא עומדת עד היום (The old mill at Farley).\n\nהנהר זורם לידה.\n"
)
ARABIC = "رسالة من القاهرة\n\nبنيت السفينة البيضاء عام 1905 في الإسكندرية (The white ship of Alexandria).\n"
OUTLINE = "(({ outlineStyle, outlineWidth }) => outlineStyle + outlineWidth)(getComputedStyle(document.activeElement))"
DIRECTION = "element => getComputedStyle(element).direction"
# Collects layout shifts as the browser measures them.
COUNT_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))
    .observe({ type: "layout-shift", buffered: true });
"""
# Scrolls to each visible control; returns its name, whether it fits the width, and whether a click reaches it.
CONTROLS = """(scope) => {
  const inside = (one) => [...one.querySelectorAll("button, textarea, a, summary")];
  const all = [...document.querySelectorAll(scope)].flatMap(inside);
  return all.filter((one) => one.checkVisibility()).map((one) => {
    one.scrollIntoView({ block: "center", behavior: "instant" });
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return [one.textContent || one.id, left >= 0 && right <= innerWidth, one.contains(hit) || !!hit?.contains(one)];
  });
}"""


def answered(page: Page, question: str = "Who is the CEO of GM?", kind: str = "answered") -> Page:
    ask(page, question)
    expect(page.locator(f".fn-turn.fn-{kind}").last).to_contain_text(question, timeout=60_000)
    return page


def test_the_page_works_by_keyboard_with_a_visible_focus(page: Page) -> None:
    answered(page)
    marker = page.get_by_role("link", name=re.compile("^source 1, ")).first
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(OUTLINE) == "solid3px"
        if marker.evaluate("marker => marker === document.activeElement"):
            break
    expect(marker).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".fn-card.fn-cited").first).to_be_focused()
    assert page.evaluate(OUTLINE) == "solid3px"
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name=re.compile("Open article")).first
    expect(link).to_be_focused()
    assert page.evaluate(OUTLINE) == "solid3px"
    with page.context.expect_page() as opening:
        page.keyboard.press("Enter")
    expect(opening.value.locator("mark")).to_be_in_viewport()
    opening.value.close()
    page.bring_to_front()
    for _ in page.locator(".fn-cited").all():
        page.keyboard.press("Tab")
    expect(page.locator(".fn-more summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".fn-more .fn-card").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(marker).to_be_focused()


def test_a_screen_reader_gets_names_and_roles(page: Page) -> None:
    answered(page, "How many jobs will the TDK deal create?")
    title = "GM's US-Made Battery Initiative: Transforming the EV Supply Chain"
    expect(page.get_by_role("link", name=f"source 1, {title}", exact=True).first).to_be_visible()
    expect(page.get_by_role("log", name="Conversation").get_by_role("article")).to_be_visible()
    region = page.get_by_role("region", name="Evidence")
    expect(region.get_by_role("heading", name=re.compile(re.escape(title))).first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="2 sources, ready")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name="Footnote")).to_be_visible()
    for name in ("New conversation", "A short tour", "Light or dark", "Send", "Evidence", "Edit", "Copy", "Link"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("lang")


def test_the_foot_of_the_rail_fits_and_names_no_account_without_users(page: Page) -> None:
    expect(page.get_by_role("button", name="Light or dark")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Account")).not_to_be_visible()


def test_at_200_percent_no_control_is_cut_off(browser: Browser, address: str) -> None:
    with opened(browser, address, viewport={"width": 640, "height": 400}, device_scale_factor=2) as page:
        expect(page.locator(".fn-example").first).to_be_visible(timeout=60_000)
        _all_in_reach(page)
        answered(page)
        _all_in_reach(page)
        page.locator(".fn-marker").first.click()
        expect(page.locator(".fn-card mark").first).to_be_in_viewport()
        _all_in_reach(page, "#fn-right")
        page.get_by_role("button", name="Close", exact=True).click()
        answered(page, "Who supplies Tesla's cells?", "refused")
        _all_in_reach(page)
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("button", name="A short tour").click()
        close = page.get_by_role("dialog", name="A short tour").get_by_role("button", name="Close")
        close.scroll_into_view_if_needed()
        expect(close).to_be_in_viewport()


def _all_in_reach(page: Page, scope: str = "#fn-header, #fn-left, #fn-foot") -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    controls = page.evaluate(CONTROLS, scope)
    assert controls and [name for name, inside, hit in controls if not (inside and hit)] == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_with_reduced_motion_nothing_moves(browser: Browser, address: str, motion: Any) -> None:
    with opened(browser, address, reduced_motion=motion, viewport={"width": 1280, "height": 420}) as page:
        answered(page, "How many jobs will the TDK deal create?")
        page.wait_for_timeout(1000)
        at_once, later, flash = page.evaluate(
            """async () => {
              const marker = [...document.querySelectorAll(".fn-marker")].at(-1);
              const place = document.querySelector(marker.getAttribute("href"));
              marker.click();
              const at = () => place.getBoundingClientRect().top;
              const flash = getComputedStyle(place.closest(".fn-card")).animationName;
              const first = at();
              await new Promise((done) => setTimeout(done, 1000));
              return [first, at(), flash];
            }"""
        )
        assert (flash == "none") is (motion == "reduce")
        assert (at_once == later) is (motion == "reduce")


def test_light_or_dark_is_remembered(browser: Browser, address: str) -> None:
    with opened(browser, address, color_scheme="dark") as page:
        ground = "getComputedStyle(document.body).backgroundColor"
        page.wait_for_function(f"{ground} === 'rgb(17, 21, 28)'")
        page.get_by_role("button", name="Light or dark").click()
        page.wait_for_function(f"{ground} === 'rgb(255, 255, 255)'")
        page.reload()
        expect(page.locator(".fn-state-ready")).to_be_visible()  # By then the choice is restored.
        page.wait_for_function(f"{ground} === 'rgb(255, 255, 255)'")
        page.get_by_role("button", name="Light or dark").click()
        page.reload()
        page.wait_for_function(f"{ground} === 'rgb(17, 21, 28)'")


def test_right_to_left_sources_are_shown_right_to_left(
    browser: Browser, builder: Builder, tmp_path: Path, chromium: str
) -> None:
    write_sources(builder.home, tmp_path / "docs", {"מכתב.txt": HEBREW, "رسالة.txt": ARABIC})
    sync(builder, [tmp_path / "docs"])
    with served(builder.home, tmp_path / "serve.log") as address, opened(browser, address) as page:
        titles = page.locator(".fn-welcome li bdi")
        expect(titles).to_have_count(2, timeout=60_000)
        assert [item.evaluate(DIRECTION) for item in titles.all()] == ["rtl", "rtl"]
        for question, title in (
            ("When was the old mill at Farley built?", "מכתב מירושלים"),
            ("When was the white ship of Alexandria built?", "رسالة من القاهرة"),
        ):
            turn = answered(page, question).locator(".fn-turn").last
            assert turn.locator(".fn-question").evaluate(DIRECTION) == "ltr"
            assert turn.locator(".fn-answer p").last.evaluate(DIRECTION) == "rtl"
            expect(turn.get_by_role("link", name=f"source 1, {title}").first).to_be_visible()
            card = page.locator(".fn-card.fn-cited:visible").first
            expect(card.locator("h3")).to_contain_text(title)
            assert card.locator("h3").evaluate(DIRECTION) == card.locator("blockquote").evaluate(DIRECTION) == "rtl"
            expect(card.locator(".fn-file")).to_contain_text(".txt")
            turn.locator(".fn-marker").first.hover()
            assert page.get_by_role("tooltip").evaluate(DIRECTION) == "rtl"
        with page.context.expect_page() as opening:
            page.locator(".fn-open:visible").first.click()
        assert opening.value.locator("mark").first.evaluate(DIRECTION) == "rtl"


def test_the_layout_does_not_shift_on_loading_or_answering(browser: Browser, address: str) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.add_init_script(COUNT_SHIFTS)
        page.goto(address)
        expect(page.locator(".fn-example").first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(500)
        assert page.evaluate("window.shifts.reduce((a, b) => a + b, 0)") < 0.1
        for question in ("Who is the CEO of GM?", "How many jobs will the TDK deal create?"):
            page.evaluate("window.shifts.length = 0")
            answered(page, question)
            page.wait_for_timeout(800)
            assert page.evaluate("window.shifts.reduce((a, b) => a + b, 0)") < 0.1


def test_our_script_and_style_have_at_most_sixty_kilobytes() -> None:
    assert len(page_script().encode()) + len(page_style().encode()) <= 60_000


@pytest.fixture(params=["light", "dark"])
def shade(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, color_scheme=request.param) as page:
        expect(page.locator(".fn-example").first).to_be_visible(timeout=60_000)
        yield page


def _ours(page: Page) -> list[Any]:
    """Return serious and critical violations that axe finds in our own markup."""
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]])
        for one in violations(page, OURS)
        if one["impact"] in ("serious", "critical")
    ]


def test_axe_finds_no_serious_violation_in_our_markup(shade: Page) -> None:
    assert _ours(shade) == []
    answered(shade)
    assert _ours(shade) == []
    answered(shade, "Who supplies Tesla's cells?", "refused")
    assert _ours(shade) == []
