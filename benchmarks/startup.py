"""Startup time of the server: `python -m benchmarks.startup [--runs 5] [--profile]`.

Seconds from the start of the process until the page is served (`GET /` answers 200), until its composer accepts text in
Chromium, and until the answer to an immediate question is shown; medians of several runs over an existing index. With
--profile: seconds of imports by library instead.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser, expect

from benchmarks.served import ask, chromium, free_port, run_app
from index.program import PROJECT
from rag.engine import Engine
from rag.settings import SEEDS, Settings


def one_start(browser: Browser, home: Path, log: Path) -> dict[str, float]:
    """Return the seconds from the start of a server until each stage."""
    port = free_port()
    started = time.monotonic()
    process = run_app(home, "serve", "--port", str(port), log=log)
    address = f"http://127.0.0.1:{port}"
    took = {}
    try:
        took["page served"] = _until(f"{address}/", started)
        took["of which processor time"] = _processor_time(process.pid)
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(address)
            page.get_by_role("textbox", name="Question").fill("Who is")
            took["composer takes text"] = time.monotonic() - started
            ask(page, "Who is the CEO of GM?")
            expect(page.locator(".fn-turn.fn-answered")).to_be_visible(timeout=60_000)
            took["first answer shown"] = time.monotonic() - started
        took["its processor time"] = _processor_time(process.pid)
    finally:
        process.terminate()
        process.wait(20)
    return took


def _processor_time(pid: int) -> float:
    """Return the processor seconds of a process (Linux), which a busy machine does not change."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _until(address: str, started: float) -> float:
    """Wait until `address` answers 200; return the seconds since `started`."""
    while time.monotonic() - started < 120:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as reply:
            if reply.status == 200:
                return time.monotonic() - started
        time.sleep(0.01)
    raise SystemExit(f"{address} does not answer")


def imports(code: str) -> Counter[str]:
    """Return the import seconds by top-level package of `code` in a new process."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    lines = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stderr.splitlines()
    seconds: Counter[str] = Counter()
    for line in lines:
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            seconds[parts[2].strip().split(".")[0]] += int(parts[0]) / 1e6  # type: ignore[assignment]
    return seconds


def main() -> None:
    """Start the server several times and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    if arguments.profile:
        for name, code in (
            ("until the page is served", "import app, rag.engine, rag.ui.server, uvicorn"),
            ("the models' libraries", "import onnxruntime, tokenizers"),
        ):
            seconds = imports(code)
            rest = sum(seconds.values()) - sum(value for _, value in seconds.most_common(8))
            parts = ", ".join(f"{top} {value:.2f}" for top, value in seconds.most_common(8))
            print(f"{name}: {sum(seconds.values()):.2f} s of importing: {parts}, all others {rest:.2f}")
        return
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        Engine(Settings(home=home)).index([SEEDS])
        runs = [one_start(browser, home, Path(folder) / "serve.log") for _ in range(arguments.runs)]
    for stage in runs[0]:
        times = [run[stage] for run in runs]
        print(
            f"{stage}: median {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}, {len(runs)} runs)"
        )


if __name__ == "__main__":
    main()
