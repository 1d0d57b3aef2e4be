"""Watching: a served index is updated when its folders change."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.answer import answer
from rag.engine import Engine
from rag.settings import Settings
from rag.watch import Watcher

pytestmark = pytest.mark.slow


def test_a_new_file_in_a_folder_is_indexed_and_answers(tmp_path: Path) -> None:
    (docs := tmp_path / "docs").mkdir()
    (docs / "mill.txt").write_text("The mill at Farley was built in 1823.")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([docs])
    engine.warm.set()
    watcher = Watcher(engine, 0.2)
    watcher.start()
    try:
        (docs / "well.txt").write_text("The well at Farley is eleven fathoms deep.")
        _wait(lambda: engine.parts()[0].manifest.articles == 2)
        assert "eleven" in answer(engine, "How deep is the well at Farley?").text
    finally:
        watcher.end()


def test_nothing_is_indexed_if_watching_is_off(tmp_path: Path) -> None:
    (docs := tmp_path / "docs").mkdir()
    (docs / "mill.txt").write_text("The mill at Farley was built in 1823.")
    engine = Engine(Settings(home=tmp_path / "home"))
    engine.index([docs])
    engine.warm.set()
    Watcher(engine, 0).start()
    (docs / "well.txt").write_text("The well at Farley is eleven fathoms deep.")
    time.sleep(1)
    assert engine.stale() == ["well.txt"]


def _wait(is_so: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)
