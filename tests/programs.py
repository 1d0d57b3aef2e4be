"""What the tests of the interfaces for programs share: questions, sources, a home with them, a server over it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.served import served
from rag.engine import Engine
from rag.settings import SEEDS, Settings

JOBS = "How many jobs will the TDK deal create?"
FERRY = "Which company runs the ferry to Lundy?"
RAIL = "Which company runs the night train to Skye?"
PLACES = {
    "ferry.md": "# Ferries\n\nHeron Lines runs the ferry to Lundy. The CEO of Heron Lines is Ada Quill.\n",
    "rail.md": "# Trains\n\nOtter Rail runs the night train to Skye. The CEO of Otter Rail is Ben Marsh.\n",
}


def make_home(folder: Path) -> Path:
    """Return a home with the seeds and two small sources."""
    (folder / "places").mkdir()
    for name, text in PLACES.items():
        (folder / "places" / name).write_text(text, "utf-8")
    engine = Engine(Settings(home=folder / "home"))
    engine.index([SEEDS, folder / "places"])
    engine.close()
    return folder / "home"


def until_ready(address: str) -> str:
    """Return the address once the server is ready."""
    while httpx.get(f"{address}/ready").status_code != 200:
        time.sleep(0.1)
    return address


@contextmanager
def ready_server(home: Path, **env: str) -> Iterator[str]:
    """Serve a page over `home`; yield its address once it is ready."""
    with served(home, home.parent / "serve.log", **env) as address:
        yield until_ready(address)
