"""Recording of the animation in the README: `python -m benchmarks.moving_picture [FILE]`.

Serves the two seed articles, asks a question that they answer and a question that they do not answer, and writes the
page as an animated WebP. Needs Chromium.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.served import chromium, opened, served
from index.program import PROJECT
from rag.engine import Engine
from rag.settings import SEEDS, Settings

FILE = PROJECT / "docs" / "pictures" / "footnote.webp"
MOST_BYTES = 600_000
"""A larger file is an error, because the README must load quickly."""
ANSWERED, REFUSED = "How many jobs will the TDK deal create?", "Who supplies Tesla's cells?"
_SIZE = (1200, 750)
_TYPED_AT_ONCE = 3
_TYPING, _LOOK, _READ = 90, 1200, 3800
_PATIENCE = 300_000


@dataclass
class Film:
    """Frames of one page, each with the milliseconds that it is shown."""

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def take(self, milliseconds: int) -> None:
        """Add the current page, or show the last frame longer if nothing has changed."""
        frame = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.lengths[-1] += milliseconds
        else:
            self.frames.append(frame)
            self.lengths.append(milliseconds)

    def write(self, path: Path) -> None:
        """Write the frames to `path` as an endless animated WebP. Raises SystemExit if the file is too large."""
        first, *others = self.frames
        path.parent.mkdir(parents=True, exist_ok=True)
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=self.lengths,
            loop=0,
            quality=70,
            method=6,
            minimize_size=True,
        )
        if path.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}.")


def main() -> None:
    """Record both questions and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, chromium() as browser:
        home = Path(work) / "home"
        Engine(Settings(home=home)).index([SEEDS])
        view = {"width": _SIZE[0], "height": _SIZE[1]}
        with served(home, Path(work) / "serve.log") as address, opened(browser, address, viewport=view) as page:
            film = Film(page)
            record(film)
            film.write(arguments.file)
    print(f"{arguments.file} ({len(film.frames)} frames, {arguments.file.stat().st_size // 1000} kB)")


def record(film: Film) -> None:
    """Ask both questions, and open the source of the first answer."""
    page = film.page
    expect(page.locator(".fn-example")).to_have_count(3, timeout=_PATIENCE)  # the suggestions are complete
    page.wait_for_timeout(1500)  # and the queue of questions is empty again
    film.take(_LOOK)
    _ask(film, ANSWERED)
    expect(page.locator(".fn-turn.fn-answered")).to_have_count(1, timeout=_PATIENCE)
    page.wait_for_timeout(1000)
    film.take(_READ)
    marker = page.locator(".fn-marker").first
    marker.hover()
    page.wait_for_timeout(600)
    film.take(_LOOK)
    marker.click()
    page.wait_for_timeout(1500)
    film.take(_READ)
    page.keyboard.press("Escape")
    _ask(film, REFUSED)
    expect(page.locator(".fn-turn.fn-refused")).to_have_count(1, timeout=_PATIENCE)
    page.wait_for_timeout(1500)
    film.take(_READ + _LOOK)


def _ask(film: Film, question: str) -> None:
    """Type the question a few letters at a time, one frame each, and send it."""
    box = film.page.get_by_role("textbox", name="Question")
    box.focus()
    for end in range(_TYPED_AT_ONCE, len(question) + _TYPED_AT_ONCE, _TYPED_AT_ONCE):
        box.fill(question[:end])
        film.take(_TYPING)
    box.press("Enter")
    film.page.wait_for_timeout(80)
    film.take(_LOOK // 2)


if __name__ == "__main__":
    main()
