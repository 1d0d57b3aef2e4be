"""The layout at each size: no overlap, aligned edges, folding sides, sheets, the composer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.access import OURS, violations
from benchmarks.served import ask, opened, served
from index.sources.roots import register_roots
from rag.settings import SEEDS

pytestmark = pytest.mark.browser

SIZES = {1440: 900, 1024: 768, 768: 1024, 390: 844, 320: 568}
WIDE, PHONE = 1200, 768
SHORT, LONG = "Who wrote Hamlet?", "who supplies GM's cells?"
_PATIENCE = 300_000
"""Milliseconds; long, for a busy machine."""
# Boxes of the visible parts that must not overlap: [name, left, top, right, bottom].
BOXES = """() => {
  const turn = [...document.querySelectorAll(".fn-turn")].at(-1);
  turn?.scrollIntoView({ block: "end", behavior: "instant" });
  const by = (id) => document.getElementById(id);
  const parts = { header: by("fn-head"), composer: by("fn-ask"), rail: by("fn-rail"), panel: by("fn-right"),
    buttons: turn?.querySelector(".fn-foot") };
  return Object.entries(parts).filter(([, one]) => one?.checkVisibility()).map(([name, one]) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return [name, left, top, right, bottom];
  });
}"""
EDGES = "one => { const { left, right } = one.getBoundingClientRect(); return [Math.round(left), Math.round(right)]; }"
DROP = """([name, text, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const target = document.getElementById(kind === "paste" ? "fn-question" : "fn-left");
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  (target.querySelector("textarea") ?? target).dispatchEvent(event);
}"""
COPIED = """async () => {
  const [item] = await navigator.clipboard.read();
  return Promise.all(["text/html", "text/plain"].map(async (type) => (await item.getType(type)).text()));
}"""


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    left_out = shutil.ignore_patterns("conversations.sqlite*")
    made = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("layout") / "home", ignore=left_out))
    register_roots(made, [SEEDS])
    return made


@pytest.fixture(scope="module")
def address(home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    with served(home, tmp_path_factory.mktemp("log") / "serve.log") as address:
        yield address


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1440, "height": 900}) as page:
        wait_until_ready(page)
        yield page


def wait_until_ready(page: Page) -> None:
    expect(page.locator(".fn-example").first).to_be_visible(timeout=_PATIENCE)
    expect(page.locator(".fn-chip")).to_contain_text("source", timeout=_PATIENCE)


def finished(page: Page, question: str, count: int) -> None:
    ask(page, question)
    expect(page.locator(".fn-turn:not(.fn-working)")).to_have_count(count, timeout=_PATIENCE)
    page.wait_for_timeout(800)  # until nothing moves


def edges(one: Locator) -> list[int]:
    found: list[int] = one.evaluate(EDGES)
    return found


def check_overlap(page: Page) -> None:
    """Check that nothing leaves the screen and that the main parts do not overlap."""
    width, height = page.evaluate("[innerWidth, innerHeight]")
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width,
        height,
    ]
    boxes: list[list[Any]] = page.evaluate(BOXES)
    assert {"header", "composer"} <= {name for name, *_ in boxes}
    for name, left, top, right, bottom in boxes:
        assert left >= -0.5 and top >= -0.5 and right <= width + 0.5 and bottom <= height + 0.5, name
    for number, (name, left, top, right, bottom) in enumerate(boxes):
        for other, left_2, top_2, right_2, bottom_2 in boxes[number + 1 :]:
            apart = right <= left_2 + 1 or right_2 <= left + 1 or bottom <= top_2 + 1 or bottom_2 <= top + 1
            assert apart, f"{name} and {other} overlap at {width} px"


def check_edges(page: Page) -> None:
    assert edges(page.locator("#fn-conversation")) == edges(page.locator("#fn-ask"))
    left, right = edges(page.locator("#fn-ask"))
    assert right - left <= 44 * 16
    if page.evaluate("innerWidth") >= WIDE:
        assert edges(page.locator("#fn-title"))[0] == left


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_nothing_overlaps_and_axe_finds_no_serious_violation_at_any_size(
    browser: Browser, address: str, width: int, shade: Any
) -> None:
    viewport = {"width": width, "height": SIZES[width]}
    with opened(browser, address, viewport=viewport, color_scheme=shade) as page:
        wait_until_ready(page)
        check_overlap(page)
        for count, question in enumerate((SHORT, LONG), 1):
            finished(page, question, count)
            check_overlap(page)
            check_edges(page)
        assert page.locator("#fn-header").bounding_box()["height"] <= 56  # type: ignore[index]
        page.locator(".fn-tick").first.evaluate("one => one.click()")
        expect(page.locator(".fn-chip")).to_contain_text("of")
        check_overlap(page)
        page.locator("#fn-ticks .fn-tick-all").evaluate("one => { one.checked = true; one.click(); }")
        expect(page.locator(".fn-untold")).to_be_visible()
        check_overlap(page)
        page.get_by_role("button", name="Tick all").click()
        check_axe(page)
        for room in ("sources", "settings", "evaluation"):
            page.evaluate("room => { location.hash = room; }", room)
            inside = page.locator(f"#fn-{room}")
            expect(inside).to_be_visible()
            page.locator(f"#fn-{room} summary").evaluate_all(
                "all => all.forEach((one) => { one.parentElement.open = true; })"
            )
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert inside.evaluate("one => one.scrollWidth - one.clientWidth") <= 0, room
            check_axe(page, f"#fn-{room}")


def check_axe(page: Page, part: str = OURS) -> None:
    """Check that axe finds no serious violation in a part of the page."""
    serious = [one for one in violations(page, part) if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious] == []


def test_folded_sides_stay_folded_after_a_reload(desk: Page) -> None:
    rail, panel, center = desk.locator("#fn-rail"), desk.locator("#fn-right"), desk.locator("#fn-center")
    before = edges(center)
    desk.get_by_role("button", name="Hide the left side").click()
    expect(rail).to_be_hidden()
    desk.get_by_role("button", name="Hide the evidence").click()
    expect(panel).to_be_hidden()
    assert edges(center)[0] < before[0] and edges(center)[1] > before[1]
    desk.reload()
    wait_until_ready(desk)
    expect(rail).to_be_hidden()
    expect(panel).to_be_hidden()
    check_overlap(desk)
    finished(desk, LONG, 1)
    desk.locator(".fn-marker").first.click()  # Following a marker opens the panel.
    expect(panel).to_be_visible()
    desk.get_by_role("button", name="Menu").click()
    expect(rail).to_be_visible()


@pytest.mark.parametrize("width", [1024, 390])
def test_drawer_and_sheets_open_by_touch_and_close_by_touch_and_escape(
    browser: Browser, address: str, width: int
) -> None:
    viewport = {"width": width, "height": SIZES[width]}
    with opened(browser, address, viewport=viewport, has_touch=True) as page:
        wait_until_ready(page)
        finished(page, LONG, 1)
        rail, panel, scrim = page.locator("#fn-rail"), page.locator("#fn-right"), page.locator(".fn-scrim")
        marker = page.locator(".fn-marker").first
        expect(rail).to_be_hidden()
        expect(panel).to_be_hidden()
        menu = page.get_by_role("button", name="Menu")
        menu.tap()
        expect(rail).to_be_visible()
        scrim.tap(position={"x": width - 10, "y": 300})
        expect(rail).to_be_hidden()
        menu.tap()
        page.keyboard.press("Escape")
        expect(rail).to_be_hidden()
        expect(menu).to_be_focused()
        page.locator(".fn-chip").tap()
        expect(page.locator("#fn-ticks")).to_be_in_viewport()
        expect(page.locator("#fn-list")).to_be_hidden()
        page.locator("#fn-rail").get_by_role("button", name="Close", exact=True).tap()
        expect(rail).to_be_hidden()
        marker.tap()
        expect(panel.locator("mark").first).to_be_in_viewport()
        left, right = edges(panel)
        assert [left, right] == ([width // 2, width] if width >= PHONE else [0, width])
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(marker).to_be_focused()
        page.get_by_role("button", name="Show the evidence").tap()
        panel.get_by_role("button", name="Close", exact=True).tap()
        expect(panel).to_be_hidden()


def test_the_composer_grows_with_the_question_and_send_and_stop_share_a_place(desk: Page) -> None:
    box = desk.get_by_role("textbox", name="Question")
    assert desk.evaluate("[...document.querySelectorAll('textarea')].at(-1).closest('#fn-question') !== null")
    heights = []
    for lines in (1, 3, 6, 12):
        box.fill("\n".join(map(str, range(lines))))
        heights.append(box.bounding_box()["height"])  # type: ignore[index]
    assert heights[0] < heights[1] < heights[2] <= heights[3] < heights[2] * 1.3
    check_overlap(desk)
    box.fill("")
    send = desk.locator("#fn-send").bounding_box()
    desk.evaluate("document.getElementById('fn-app').classList.add('fn-busy')")
    assert desk.locator("#fn-stop").bounding_box() == send
    expect(desk.locator("#fn-send")).to_be_hidden()


def test_files_can_be_added_by_button_drop_and_paste(desk: Page, home: Path, tmp_path: Path) -> None:
    status = desk.locator(".fn-told-line")
    (note := tmp_path / "herons.txt").write_text("The herons of Oxley are counted by Dr. Marrow in May.\n")
    with desk.expect_file_chooser() as choosing:
        desk.get_by_role("button", name="Add files").first.click()
    choosing.value.set_files(note)
    expect(status).to_contain_text("herons.txt: added", timeout=_PATIENCE)
    expect(desk.locator("#fn-ticks")).to_contain_text("erons")
    for name, kind in (("swans.txt", "drop"), ("geese.txt", "paste")):
        desk.evaluate(DROP, [name, f"The {name} of Oxley are counted by Dr. Marrow in June.", kind])
        expect(status).to_contain_text(f"{name}: added", timeout=_PATIENCE)
        assert (home / "sources" / name).exists()
    desk.get_by_role("textbox", name="Question").fill("https://example.org/page")
    expect(status.get_by_role("button", name="Add as a source")).to_be_visible()
    desk.get_by_role("textbox", name="Question").fill("What is https://example.org/page about?")
    expect(status).to_have_text("")
    desk.get_by_role("textbox", name="Question").fill("http://127.0.0.1:9/page")
    status.get_by_role("button", name="Add as a source").click()
    expect(status).to_contain_text("not a public address", timeout=_PATIENCE)  # the reason for the refusal
    expect(desk.get_by_role("textbox", name="Question")).to_have_value("")


def test_quotes_of_one_passage_share_a_card(desk: Page) -> None:
    finished(desk, LONG, 1)
    markers = desk.locator(".fn-quoted .fn-marker")
    numbers = markers.all_text_contents()
    assert len(numbers) >= 2
    cards = desk.locator(".fn-cited:visible")
    assert cards.count() < len(numbers)
    for marker in markers.all():
        marker.click()
        target = marker.get_attribute("href") or ""
        expect(cards.locator(f"mark:has([id='{target[1:]}'])")).to_be_in_viewport()
    texts = desk.locator("#fn-panel blockquote").all_text_contents()
    assert len(texts) == len(set(texts))


def test_an_answer_is_copied_as_rich_text_with_its_quotes(desk: Page) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    finished(desk, LONG, 1)
    desk.locator(".fn-turn").get_by_role("button", name="Copy").click()
    expect(desk.get_by_role("button", name="Copied")).to_be_visible()
    rich, plain = desk.evaluate(COPIED)
    assert "<b>who supplies GM's cells?</b>" in rich and "<sup>[1]</sup>" in rich and "<blockquote" in rich
    assert "<ol" in rich and "LG Chem" in rich and "data-" not in rich and "<button" not in rich
    assert plain.startswith("**who supplies GM's cells?**")


def test_a_conversation_keeps_its_ticked_sources_over_a_reload_and_in_another_tab(browser: Browser, desk: Page) -> None:
    everything = desk.locator(".fn-chip").text_content() or ""
    desk.locator("#fn-ticks .fn-tick").first.uncheck()
    some = desk.locator(".fn-chip").text_content() or ""
    assert " of " in some
    finished(desk, "Who is the CEO of GM?", 1)
    desk.get_by_role("button", name="New conversation").click()
    desk.locator("#fn-ticks .fn-tick-all").check()
    expect(desk.locator(".fn-chip")).to_have_text(everything)
    finished(desk, LONG, 1)
    desk.reload()
    expect(desk.locator(".fn-turn")).to_have_count(1)
    expect(desk.locator(".fn-chip")).to_have_text(everything)
    with desk.context.expect_page() as opening:
        desk.evaluate("window.open(location.href, '_blank', 'noopener')")
    other = opening.value
    wait_until_ready(other)
    other.locator(".fn-open-conversation", has_text="CEO of GM").first.click()
    expect(other.locator(".fn-turn")).to_have_count(1)
    expect(other.locator(".fn-chip")).to_have_text(some)
    expect(desk.locator(".fn-chip")).to_have_text(everything)


def test_each_room_has_an_address_and_a_link_back(desk: Page) -> None:
    desk.get_by_role("link", name="Evaluation").click()
    expect(desk.locator("#fn-evaluation")).to_be_visible()
    expect(desk.locator("#fn-title")).to_have_text("Evaluation")
    expect(desk.locator("#fn-desk")).to_be_hidden()
    desk.reload()
    expect(desk.locator("#fn-run")).to_be_visible()
    expect(desk.locator("#fn-title")).to_have_text("Evaluation")
    assert edges(desk.locator("#fn-title"))[0] == edges(desk.locator("#fn-choose"))[0]
    desk.evaluate("location.hash = 'chat'")
    desk.get_by_role("link", name="Evaluation").click()
    desk.go_back()
    expect(desk.locator("#fn-desk")).to_be_visible()
    desk.get_by_role("link", name="Sources", exact=True).click()
    expect(desk.locator("#fn-sources")).to_be_visible()
    desk.get_by_role("link", name="Back to the chat").click()
    expect(desk.locator("#fn-desk")).to_be_visible()


def test_the_tour_can_be_read_and_closed_by_touch(browser: Browser, address: str) -> None:
    with opened(browser, address, viewport={"width": 320, "height": 568}, has_touch=True) as page:
        wait_until_ready(page)
        page.get_by_role("button", name="Menu").tap()
        page.get_by_role("button", name="A short tour").tap()
        tour = page.get_by_role("dialog", name="A short tour")
        expect(tour.get_by_role("listitem")).to_have_count(4)
        assert tour.evaluate("one => one.scrollWidth <= one.clientWidth")
        tour.get_by_role("button", name="Close").tap()
        expect(tour).to_be_hidden()
