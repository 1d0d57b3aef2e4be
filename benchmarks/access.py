"""Accessibility violations on the page (axe-core), ours and Gradio's: `python -m benchmarks.access`.

States: light and dark; empty, answered and refused. Exits with 1 if our markup has a serious or critical violation.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from benchmarks.served import ask, chromium, opened, served
from rag.engine import Engine
from rag.settings import SEEDS, Settings

OURS = "#fn-rail, #fn-header, #fn-first, #fn-conversation, #fn-right"
"""Selector of our markup; the rest is Gradio's."""
Violations = dict[tuple[str, str, str, str], set[str]]
"""(owner of the markup, rule, impact, description) -> the states of the page with this violation."""


def violations(page: Page, context: str | None = None) -> list[Any]:
    """Return axe's violations on the page, or in the part `context`.

    Waits for colour transitions first.
    """
    page.wait_for_timeout(1200)
    found: list[Any] = Axe().run(page, context=context).response["violations"]
    return found


def note(page: Page, state: str, found: Violations) -> None:
    """Add the violations of this state of the page to `found`."""
    for one in violations(page):
        for node in one["nodes"]:
            inside = page.locator(node["target"][-1]).first.evaluate(f"one => !!one.closest('{OURS}')")
            key = ("ours" if inside else "Gradio's", one["id"], one["impact"], one["help"])
            found.setdefault(key, set()).add(state)


def main() -> None:
    """Check all states and print the table."""
    found: Violations = {}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        Engine(Settings(home=home)).index([SEEDS])
        with served(home, Path(folder) / "serve.log") as address:
            for shade in ("light", "dark"):
                with opened(browser, address, color_scheme=shade) as page:
                    expect(page.locator(".fn-example").first).to_be_visible(timeout=60_000)
                    note(page, f"{shade}, empty", found)
                    for question, kind in (("Who is the CEO of GM?", "answered"), ("Who wrote Hamlet?", "refused")):
                        ask(page, question)
                        expect(page.locator(f".fn-turn.fn-{kind}")).to_be_visible(timeout=60_000)
                        note(page, f"{shade}, {kind}", found)
    print("| markup | rule | impact | requirement | in how many of the 6 states |\n|---|---|---|---|---|")
    for (whose, rule, impact, asked), states in sorted(found.items()):
        print(f"| {whose} | {rule} | {impact} | {asked} | {len(states)} |")
    if any(whose == "ours" and impact in ("serious", "critical") for whose, _, impact, _ in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
