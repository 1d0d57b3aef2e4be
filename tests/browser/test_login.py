"""The page with users: log-in, what each role sees, the end of a session, and the pages of the account."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.access import violations
from benchmarks.served import ask, opened, served
from rag.access.users import UserStore
from rag.access.visitor import Role

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "four plain words here"
QUESTION = "How many jobs will the TDK deal create?"
SHOWN = "one => one.getBoundingClientRect().right <= innerWidth && one.checkVisibility()"


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("login") / "home"))
    users = UserStore(home)
    for name, role in {"anna": Role.ADMIN, "edda": Role.EDITOR, "rita": Role.READER}.items():
        users.add(name, PASSWORD, role, "test")
    return home


@pytest.fixture(scope="module")
def address(home: Path, chromium: str) -> Iterator[str]:
    with served(home, home.parent / "log") as address:
        yield address


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".fn-state-ready")).to_be_visible()


def answered(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("1,000")


def test_a_person_logs_in_asks_and_logs_out(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        expect(page).to_have_title("Log in - Footnote")
        page.get_by_label("Name").fill("rita")
        page.get_by_label("Password").fill("a wrong password")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("This name and password do not match.")
        log_in(page, "rita")
        answered(page)
        page.get_by_role("link", name="Account").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Account of rita")
        page.get_by_role("link", name="Back to the page").click()
        expect(page.locator(".fn-turn.fn-answered")).to_have_count(1)
        page.get_by_role("link", name="Account").click()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{address}/login")
        page.go_back()
        expect(page).not_to_have_title("Account of rita - Footnote")
        page.goto(address)
        expect(page).to_have_title("Log in - Footnote")


@pytest.mark.parametrize(
    ("name", "adds", "settings"), [("rita", False, False), ("edda", True, False), ("anna", True, True)]
)
def test_a_page_shows_what_its_role_may_do(
    browser: Browser, address: str, name: str, adds: bool, settings: bool
) -> None:
    with opened(browser, address) as page:
        log_in(page, name)
        expect(page.locator(".fn-example").first).to_be_visible()
        for tool in ("#fn-attach button", "[data-do=add]", ".fn-first", "a[href='#evaluation']"):
            expect(page.locator(tool).first).to_be_visible(visible=adds)
        expect(page.locator("a[href='#settings']")).to_be_visible(visible=settings)
        foot = page.locator(".fn-rail-foot").locator("a, button")
        assert [one.evaluate(SHOWN) for one in foot.all() if one.is_visible()].count(False) == 0
        answered(page)
        expect(page.locator("[data-do=good]").first).to_be_visible(visible=adds)
        page.fill("#fn-question textarea", "https://example.org/page")
        expect(page.get_by_role("button", name="Add as a source")).to_be_visible(visible=adds)
        for room, may in (("sources", adds), ("evaluation", adds), ("settings", settings)):
            page.goto(f"{address}/#{room}")
            tool = {"sources": "#fn-add", "evaluation": "#fn-run", "settings": "#fn-settings"}[room]
            expect(page.locator(tool)).to_be_visible(visible=may)


def test_a_dropped_file_of_a_reader_is_left_alone(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        log_in(page, "rita")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.evaluate(
            """() => {
              const data = new DataTransfer();
              data.items.add(new File(["The heron of Alm."], "notes.txt"));
              const drop = { dataTransfer: data, bubbles: true, cancelable: true };
              document.body.dispatchEvent(new DragEvent("drop", drop));
            }"""
        )
        page.wait_for_timeout(1000)
        assert not any("upload" in url for url in sent)
        expect(page.locator(".toast-body")).to_have_count(0)


def test_a_page_says_when_its_log_in_has_ended(browser: Browser, address: str, home: Path) -> None:
    with opened(browser, address) as page:
        log_in(page, "rita")
        answered(page)
        UserStore(home).end_sessions("rita")
        ask(page, "Who is the CEO of GM?")
        expect(page.locator(".fn-turn.fn-stopped")).to_contain_text("not logged in any more")
        told = page.get_by_role("alert").filter(has_text="You are not logged in any more.")
        expect(told).to_have_count(1)
        told.get_by_role("link", name="Log in").click()
        log_in(page, "rita")
        expect(page.locator(".fn-turn")).to_have_count(2)  # the conversation is still there
        page.locator(".fn-stopped").get_by_role("button", name="Ask again").click()
        expect(page.locator(".fn-turn.fn-answered").last).to_contain_text("Mary Barra")


def test_the_next_user_of_a_tab_sees_nothing_of_the_last(browser: Browser, address: str, home: Path) -> None:
    with opened(browser, address) as page:
        log_in(page, "rita")
        ask(page, "Who is the CEO of GM?")
        expect(page.locator("#fn-list")).to_contain_text("CEO")
        UserStore(home).end_sessions("rita")
        page.goto(f"{address}/login")
        log_in(page, "edda")
        expect(page.locator(".fn-example").first).to_be_visible()
        expect(page.locator(".fn-turn")).to_have_count(0)
        answered(page)
        expect(page.locator("#fn-list [aria-current]")).to_contain_text("TDK")
        expect(page.locator("#fn-list")).not_to_contain_text("CEO")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_of_users_are_accessible_and_fit(browser: Browser, address: str, scheme: Any, width: int) -> None:
    with opened(browser, address, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        assert violations(page) == []
        log_in(page, "anna")
        for path in ("account", "users"):
            page.goto(f"{address}/{path}")
            if path == "account":
                page.get_by_label("What it is for").fill("a program")
                page.get_by_role("button", name="Make a token").click()
                expect(page.get_by_role("status")).to_contain_text("fn_")
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert all(one.evaluate(SHOWN) for one in page.locator("button, input:not([type=hidden]), select").all())
