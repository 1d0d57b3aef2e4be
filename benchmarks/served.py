"""The page, served as users serve it and opened in Chromium, for the benchmarks and the browser tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from index.build.leftovers import is_building
from index.program import PROJECT
from index.sources.roots import register_addresses

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def find_chromium() -> str | None:
    """Return the path of Chromium, or None."""
    return shutil.which("chromium") or (_CHROMIUM if Path(_CHROMIUM).exists() else None)


@contextmanager
def chromium(path: str | None = None) -> Iterator[Browser]:
    """Run a Chromium without a window. Raises SystemExit if none is installed."""
    path = path or find_chromium()
    if path is None:
        raise SystemExit("No Chromium here: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """Open a page at `address` during a with block.

    At its end, raises AssertionError for script errors, dialogs, and requests to other addresses.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(120_000)
    page = context.new_page()
    faults: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            faults.append(request.url)

    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("dialog", dismiss)
    page.on("request", note)
    page.goto(address)
    yield page
    context.close()
    assert not faults, faults


def run_app(home: Path, *words: str, log: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start `app.py` with `words` over the index in `home`; its output goes to `log`."""
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "app.py", *words],
            cwd=PROJECT,
            env={**os.environ, "FOOTNOTE_HOME": str(home), **env},
            stdout=stream,
            stderr=stream,
        )


def _start(home: Path, log: Path, **env: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start `app.py serve` on a free port; return the process and the page's address once it answers."""
    port = free_port()
    process = run_app(home, "serve", "--port", str(port), log=log, **env)
    address = f"http://127.0.0.1:{port}"
    patience = time.monotonic() + 300
    while time.monotonic() < patience and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            return process, address
        except OSError:
            time.sleep(0.025)
    process.kill()
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def server(home: Path, log: Path, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve a page over the index in `home`; yield the process and the address."""
    process, address = _start(home, log, **env)
    try:
        yield process, address
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def served(home: Path, log: Path, **env: str) -> Iterator[str]:
    """Serve a page over the index in `home`; yield its address."""
    with server(home, log, **env) as (_, address):
        yield address


@contextmanager
def halted(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Suspend the process during a with block."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def halted_while_building(process: subprocess.Popen[bytes], home: Path) -> Iterator[None]:
    """Suspend an indexing process over `home` while it builds a generation.

    Raises RuntimeError if it ends without building one.
    """
    while not is_building(home):
        if process.poll() is not None:
            raise RuntimeError("the process has built nothing")
        time.sleep(0.002)
    with halted(process):
        yield


@contextmanager
def silent_source(home: Path) -> Iterator[dict[str, str]]:
    """Register a web page in `home` that does not answer until the block ends.

    Yields the settings with which a server waits that long.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        register_addresses(home, [f"http://127.0.0.1:{listener.getsockname()[1]}/"])
        yield {"FOOTNOTE_ALLOW_PRIVATE_ADDRESSES": "1", "FOOTNOTE_FETCH_SECONDS": "600"}


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(page: Page, question: str) -> None:
    """Type a question and press Enter."""
    box = page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")


def ask_at_once(page: Page, questions: Sequence[str]) -> None:
    """Send all questions at once."""
    page.evaluate(_SEND, list(questions))


_SEND = """(questions) => {
  const box = document.querySelector("#fn-question textarea");
  for (const question of questions) {
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("fn-send").click();
  }
}"""
