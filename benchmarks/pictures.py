"""Screenshots of the page in every state: `python -m benchmarks.pictures [FOLDER]`. Light, dark, tablet and phone.

Serves the seeds from a temporary folder, and other small homes for further states. Every state is real; a process is
halted for a moment if a state would end before its screenshot is taken. All screenshots go to FOLDER, those of the
README also to docs/pictures.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.forms import QUESTIONS, write_documents
from benchmarks.served import (
    ask,
    ask_at_once,
    chromium,
    halted,
    halted_while_building,
    opened,
    run_app,
    server,
    silent_source,
)
from index.program import PROJECT
from index.sources.roots import register_roots
from rag.engine import Engine
from rag.settings import SEEDS, Settings

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "tablet": {"viewport": {"width": 1024, "height": 768}, "has_touch": True},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True},
}
CHOSEN = PROJECT / "docs" / "pictures"
"""The folder whose existing screenshots are replaced; all others are only in FOLDER."""
_QUESTION, _REFUSED = "How many jobs will the TDK deal create?", "Who supplies Tesla's cells?"
_TEXTS = {
    "מכתב.txt": "מכתב מירושלים\n\nהטחנה הישנה בפארלי נבנתה בשנת 1823 על ידי אנה ברוק. "
    "היא עומדת עד היום (The old mill at Farley).\n\nהנהר זורם לידה.\n",
    "رسالة.txt": "رسالة من القاهرة\n\nبنيت السفينة البيضاء عام 1905 في الإسكندرية (The white ship of Alexandria).\n",
}

_PATIENCE = 300_000
"""Milliseconds of the longest wait, for a busy machine."""
_LAMPS = (
    "The street lamps of Oxley were lit for the first time in 1887, on a wet evening in March, and the whole town "
    "stood in the High Street to see them. A man with a ladder went from lamp to lamp at dusk."
)
_LIBRARY = {
    "harvest.csv": "apple,harvest\nCox,810 kg\nEgremont,655 kg\n",
    "lamps.html": '<html lang="en"><head><title>Lamps in Oxley</title><meta name="author" content="Tom Hale"></head>'
    f"<body><article><h1>Street lamps in Oxley</h1><p>{_LAMPS}</p><p>{_LAMPS}</p></article></body></html>",
    "notes/mill.md": "# Farley Mill\n\nThe old mill at Farley was built in 1823 by Anna Brook.\n",
    "notes/mill, once more.md": "# Farley Mill\n\nThe old mill at Farley was built in 1823 by Anna Brook.\n",
    "notes/nothing.txt": "",
}

Pages = dict[str, Page]
"""The page in each look."""


class Studio:
    """A browser, and the folder of the screenshots."""

    def __init__(self, browser: Browser, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work
        self._browser = browser

    @contextmanager
    def pages(self, home: Path, **env: str) -> Iterator[tuple[Pages, subprocess.Popen[bytes]]]:
        """Serve `home`; yield its page in each look, and the server process."""
        with server(home, self.work / "serve.log", **env) as (process, address), ExitStack() as stack:
            looks = LOOKS.items()
            yield {name: stack.enter_context(opened(self._browser, address, **look)) for name, look in looks}, process

    def take(self, pages: Pages, state: str, *, whole: bool = False) -> None:
        """Save a screenshot of `state` in each look, in few colours to keep it small."""
        for look, page in pages.items():
            page.mouse.move(1, 1)
            path = self.folder / f"{state}-{look}.png"
            page.screenshot(path=path, full_page=whole)
            Image.open(path).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{path} ({path.stat().st_size // 1000} kB)", flush=True)


def main() -> None:
    """Take the screenshots of all states."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PROJECT / ".footnote" / "pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, chromium() as browser:
        studio = Studio(browser, arguments.folder, Path(work))
        take_chat(studio)
        take_forms(studio)
        take_starting(studio)
        take_others(studio)
        take_evaluation(studio)
        take_sources(studio)
    for chosen in CHOSEN.glob("*.png"):
        shutil.copy(arguments.folder / chosen.name, chosen)


def take_chat(studio: Studio) -> None:
    """Take screenshots of the chat over the seeds: start page, answers, refusals."""
    home = _home(studio.work / "seeds", SEEDS)
    with studio.pages(home) as (pages, server):
        for page in pages.values():
            # The suggested questions arrive one by one.
            expect(page.locator(".fn-example")).to_have_count(3, timeout=_PATIENCE)
        studio.take(pages, "welcome")
        with halted(server):
            for page in pages.values():
                ask(page, _QUESTION)
            studio.take(pages, "working")
        _each_turn(pages, ".fn-answered", 1)
        studio.take(pages, "answered")
        for page in pages.values():
            page.locator(".fn-marker").first.focus()
        studio.take(pages, "quote")
        for page in pages.values():
            page.locator(".fn-marker").first.click()
            page.wait_for_timeout(1500)
        studio.take(pages, "sources")
        for page in pages.values():
            page.keyboard.press("Escape")
            ask(page, _REFUSED)
        _each_turn(pages, ".fn-refused", 1)
        studio.take(pages, "refused")
        for page in pages.values():
            page.locator(".fn-refused").get_by_role("button", name="Evidence", exact=True).click()
            page.locator(".fn-more:visible summary").click()
        studio.take(pages, "refused-sources")
        for page in pages.values():
            page.keyboard.press("Escape")
            page.locator(".fn-details:visible summary").last.click()
        studio.take(pages, "details")
        _take_frame(studio, pages)
        _take_with_printing(studio, pages)
        _take_article(studio, pages)
        for page in pages.values():
            page.keyboard.press("?")
        studio.take(pages, "tour")
        for page in pages.values():
            page.keyboard.press("Escape")
        for page in pages.values():
            page.get_by_role("button", name="Bad answer").first.click()
        studio.take(pages, "thumb")
        for page in pages.values():
            page.keyboard.press("Escape")
        rebuilding = run_app(home, "index", "--rebuild", log=studio.work / "index.log")
        with halted_while_building(rebuilding, home):
            for page in pages.values():
                expect(page.locator(".fn-state")).to_contain_text("being updated", timeout=_PATIENCE)
            studio.take(pages, "updating")
        rebuilding.wait(60)
        for page in pages.values():
            page.evaluate("window.footnote.clear()")
            ask_at_once(page, [f"Who supplied GM's cells in {year}?" for year in range(1990, 2020)])
            expect(page.locator(".fn-turn").last).to_contain_text("ahead of this one", timeout=_PATIENCE)
            with halted(server):
                studio.take({look: one for look, one in pages.items() if one is page}, "waiting")
            page.get_by_role("button", name="Stop", exact=True).click()
            _each_turn({"": page}, ":not(.fn-working)", 30)


def take_forms(studio: Studio) -> None:
    """Take a screenshot of an answer in each form, over a few everyday documents."""
    with studio.pages(_home(studio.work / "forms", write_documents(studio.work / "everyday"))) as (pages, _):
        _each(pages, lambda page: page.locator(".fn-state"), "ready")
        for name, row in QUESTIONS.items():
            for page in pages.values():
                page.evaluate("window.footnote.clear()")
                ask(page, row.question)
            _each_turn(pages, ":not(.fn-working)", 1)
            studio.take(pages, f"form-{name.replace('_', '-')}")


def _take_frame(studio: Studio, pages: Pages) -> None:
    """Take screenshots of the overlays of a narrow page, the folded sides, and the page without a ticked source."""
    narrow = {look: pages[look] for look in ("tablet", "phone")}
    for page in narrow.values():
        page.get_by_role("button", name="Menu").click()
    studio.take(narrow, "menu")
    for page in narrow.values():
        page.keyboard.press("Escape")
    wide = {look: pages[look] for look in ("light", "dark")}
    for page in wide.values():
        page.get_by_role("button", name="Hide the left side").click()
        page.get_by_role("button", name="Hide the evidence").click()
    studio.take(wide, "folded")
    for page in wide.values():
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("button", name="Show the evidence").click()
    for page in pages.values():
        page.locator(".fn-chip").click()
        page.locator("#fn-ticks .fn-tick-all").uncheck()
    studio.take(pages, "ticks")
    for page in pages.values():
        page.keyboard.press("Escape")
    studio.take(pages, "none-ticked")
    for page in pages.values():
        page.get_by_role("button", name="Tick all").click()


def _take_with_printing(studio: Studio, pages: Pages) -> None:
    for page in pages.values():
        page.emulate_media(media="print")
    studio.take(pages, "printed", whole=True)
    for page in pages.values():
        page.emulate_media(media="screen")


def _take_article(studio: Studio, pages: Pages) -> None:
    articles = {}
    for look, page in pages.items():
        page.locator(".fn-answered").get_by_role("button", name="Evidence", exact=True).click()
        with page.context.expect_page() as opening:
            page.locator(".fn-open:visible").first.click()
        articles[look] = opening.value
        expect(opening.value.locator("mark")).to_be_in_viewport()
    studio.take(articles, "article")
    for look, page in pages.items():
        articles[look].close()
        page.bring_to_front()
        page.keyboard.press("Escape")


def take_evaluation(studio: Studio) -> None:
    """Take screenshots of the Evaluation tab, a comparison and the report.

    The tab: before, during and after a run.
    """
    home = _home(studio.work / "evaluated", SEEDS)
    with studio.pages(home) as (pages, server):
        for page in pages.values():
            page.evaluate("location.hash = 'evaluation'")
            expect(page.locator("#fn-set input")).to_have_value("seeds/questions.jsonl", timeout=_PATIENCE)
        studio.take(pages, "evaluation")
        *others, last = pages.values()
        for look, page in pages.items():
            page.locator("#fn-run").click()
            expect(page.get_by_role("progressbar").or_(page.locator(".fn-tile").first)).to_be_visible(timeout=_PATIENCE)
            with halted(server):
                studio.take({look: page}, "evaluating")
            if page is not last:  # the next page continues the run
                page.locator("#fn-halt").click()
                expect(page.locator("#fn-run")).to_be_enabled(timeout=_PATIENCE)
        expect(last.locator(".fn-tile").first).to_be_visible(timeout=_PATIENCE)
        _reload(others)
        for page in pages.values():
            expect(page.locator(".fn-tile").first).to_be_visible(timeout=_PATIENCE)
        studio.take(pages, "evaluated")
        for page in pages.values():
            page.locator(".fn-questions summary").nth(3).click()
        studio.take(pages, "evaluated-questions")
        reports = {}
        last.locator("#fn-never input").check()
        last.locator("#fn-run").click()
        expect(last.locator("#fn-results")).to_contain_text("never refusing", timeout=_PATIENCE)
        _reload(others)
        for look, page in pages.items():
            expect(page.locator("#fn-results")).to_contain_text("never refusing", timeout=_PATIENCE)
            page.locator("#fn-against input").click()
            page.get_by_role("option").nth(2).click()
            expect(page.locator("#fn-results")).to_contain_text("Against", timeout=_PATIENCE)
            with page.context.expect_page() as opening:
                page.get_by_role("link", name="Open the report").click()
            reports[look] = opening.value
            opening.value.locator(".fn-row summary").first.click()
        studio.take(pages, "compared")
        studio.take(reports, "report", whole=True)


def take_sources(studio: Studio) -> None:
    """Take screenshots of the Sources and Settings views, and of a partial selection.

    The Sources view: empty, with sources, after an upload with an unreadable file, and after a removal.
    """
    empty, root = studio.work / "none", studio.work / "library"
    empty.mkdir()
    shutil.copytree(SEEDS, root)
    for name, text in _LIBRARY.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    with studio.pages(_home(studio.work / "no-library", empty)) as (pages, _):
        _go(pages, "sources")
        _each(pages, lambda page: page.locator("#fn-listing"), "There are no sources yet")
        studio.take(pages, "library-empty")
    with studio.pages(_home(studio.work / "with-library", root)) as (pages, _):
        _go(pages, "sources")
        _each(pages, lambda page: page.locator("#fn-listing"), "indexed")
        studio.take(pages, "library", whole=True)
        for look, page in pages.items():
            note, nothing = studio.work / f"note-{look}.txt", studio.work / "empty.txt"
            note.write_text(f"Quillfeather counts the otters of the river Alm in {look}.\n", "utf-8")
            nothing.write_text("")
            page.locator("#fn-sources input[type=file]").set_input_files([note, nothing])
            expect(page.locator("#fn-syncing")).to_contain_text("empty.txt: is empty", timeout=_PATIENCE)
            page.locator("#fn-listing .fn-tick").nth(1).uncheck()
            page.locator("#fn-listing .fn-tick").nth(2).uncheck()
        studio.take(pages, "library-upload", whole=True)
        for look, page in pages.items():
            page.locator("#fn-forms summary").first.click()
            page.locator("#fn-listing tr", has_text=f"note-{look}.txt").get_by_role("button", name="Remove").click()
            expect(page.locator("#fn-syncing")).to_contain_text("was removed", timeout=_PATIENCE)
        studio.take(pages, "library-removed", whole=True)
        _go(pages, "settings")
        _each(pages, lambda page: page.locator("#fn-settings form"), "How careful")
        studio.take(pages, "settings")
        _go(pages, "chat")
        for page in pages.values():
            ask(page, _REFUSED)
        _each_turn(pages, ".fn-refused", 1)
        studio.take(pages, "asked-some")


def _reload(pages: Iterable[Page]) -> None:
    for page in pages:
        page.reload()


def _go(pages: Pages, room: str) -> None:
    for page in pages.values():
        page.evaluate("room => { location.hash = room; }", room)


def take_starting(studio: Studio) -> None:
    """Take screenshots of the first start: waiting, too many and stopped questions."""
    home = studio.work / "cold"
    register_roots(home, [SEEDS])
    line = {"FOOTNOTE_MAX_WAITING": "3", "FOOTNOTE_WORKERS": "1"}
    with silent_source(home) as settings, studio.pages(home, **line, **settings) as (pages, _):
        for page in pages.values():
            ask(page, "Who supplies GM's cells?")
        _each(pages, lambda page: page.locator(".fn-working"), "comes in a moment")
        studio.take(pages, "starting")
        for page in pages.values():
            ask(page, "Who is Kurt Kelty?")
        _each(pages, lambda page: page.locator(".fn-failed"), "Busy: ")
        studio.take(pages, "busy")
        for page in pages.values():
            page.get_by_role("button", name="Stop", exact=True).click()
        _each(pages, lambda page: page.locator(".fn-stopped"), "Stopped")
        studio.take(pages, "stopped")


def take_others(studio: Studio) -> None:
    """Take screenshots without sources, with right-to-left ones, and with a bad index."""
    empty, foreign = studio.work / "empty", studio.work / "foreign"
    empty.mkdir()
    foreign.mkdir()
    for name, text in _TEXTS.items():
        (foreign / name).write_text(text, "utf-8")
    with studio.pages(_home(studio.work / "nothing", empty)) as (pages, _):
        _each(pages, lambda page: page.locator(".fn-welcome"), "No sources yet")
        studio.take(pages, "no-sources")
    home = _home(studio.work / "letters", foreign)
    with studio.pages(home) as (pages, _):
        _each(pages, lambda page: page.locator(".fn-state"), "ready")
        for page in pages.values():
            ask(page, "When was the old mill at Farley built?")
        _each_turn(pages, ".fn-answered", 1)
        studio.take(pages, "right-to-left")
        (home / "index" / "current").write_text("nowhere")
        for page in pages.values():
            ask(page, "When was the white ship built?")
        _each_turn(pages, ".fn-failed", 1)
        studio.take(pages, "failed")


def _home(home: Path, root: Path) -> Path:
    Engine(Settings(home=home)).index([root])
    return home


def _each(pages: Pages, what: Any, words: str) -> None:
    for page in pages.values():
        found: Locator = what(page)
        expect(found.last).to_contain_text(words, timeout=_PATIENCE)


def _each_turn(pages: Pages, kind: str, count: int) -> None:
    for page in pages.values():
        expect(page.locator(f".fn-turn{kind}")).to_have_count(count, timeout=_PATIENCE)
        page.wait_for_timeout(800)  # until animations have ended


if __name__ == "__main__":
    main()
