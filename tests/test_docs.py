"""Whatever the documentation names exists: files, headings, modules, commands, make targets and settings."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rag.settings import Settings
from tests.conftest import ROOT

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "index/**/*.md", "rag/**/*.md")
    for path in sorted(ROOT.glob(pattern))
}
"""The text of each page by its path."""
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```[\s\S]*?^```|^ {4}.+$|`[^`\n]+`", re.M)
"""Code between fences, indented lines, and code in a line."""


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def code(text: str) -> str:
    return "\n".join(CODE.findall(text))


def anchors(text: str) -> set[str]:
    """Return the addresses that a page's headings get where the repository is shown."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_relative_links_lead_to_a_file_and_a_heading(name: str) -> None:
    for target in LINK.findall(PAGES[name]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(file.read_text("utf-8")), f"{name} links to {target}"


def test_modules_can_be_run(name: str) -> None:
    for module in set(re.findall(r"python -m ([\w.]+)", code(PAGES[name]))) - {"venv", "pip", "pytest"}:
        spec = importlib.util.find_spec(module)
        assert spec and spec.origin, f"{name} names {module}"
        assert '__name__ == "__main__"' in Path(spec.origin).read_text("utf-8"), f"{module} is no command"


def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"^(?: {4}|`)make ([a-z][\w-]*)", code(PAGES[name]), re.M)) <= targets


def test_commands_exist() -> None:
    done = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    commands = set(re.findall(r"^ {4}([a-z]+) ", done.stdout, re.M))
    assert {"ask", "serve"} <= commands
    for name, text in PAGES.items():
        assert set(re.findall(r"app\.py ([a-z]+)\b", code(text))) <= commands, name


def test_settings_exist(name: str) -> None:
    if name == "CHANGELOG.md":  # it names settings that are gone, too
        return
    known = {f"FOOTNOTE_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"FOOTNOTE_[A-Z_]*[A-Z]", PAGES[name])) <= known


def test_the_readme_is_short_and_its_picture_light() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 120
    assert (ROOT / "docs/pictures/footnote.webp").stat().st_size <= 600_000
