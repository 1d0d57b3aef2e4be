"""Shared fixtures: the real model, an index of the seeds, the command line as a process, a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from benchmarks.chroma import Chroma, running
from benchmarks.served import find_chromium
from index.build.generation import Generation, open_current
from index.build.write import Builder
from index.chunk import ChunkLimits
from index.encoder.embedder import Embedder, find_model
from index.sync import sync
from index.text.tokens import token_counter
from rag.engine import Engine, recipe
from rag.settings import SEEDS, Settings

ROOT = Path(__file__).resolve().parent.parent
# A slow machine must not fail a test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """Return the shipped embedding model."""
    return Embedder(find_model())


@pytest.fixture(scope="session")
def limits(embedder: Embedder) -> ChunkLimits:
    """Return the chunk limits of the default settings."""
    return ChunkLimits(token_counter().count, embedder.count_pieces)


@pytest.fixture
def builder(tmp_path: Path, embedder: Embedder) -> Builder:
    """Return a builder with an empty home."""
    return Builder(tmp_path / "home", recipe(Settings()), embedder, 20_000_000)


@pytest.fixture(scope="session")
def seeds_home(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Return a home with an index of the seeds."""
    home = tmp_path_factory.mktemp("seeds-home")
    sync(Builder(home, recipe(Settings()), embedder, 20_000_000), [SEEDS])
    return home


@pytest.fixture(scope="session")
def seeds(seeds_home: Path) -> Iterator[Generation]:
    """Yield the opened index of the seeds."""
    generation = open_current(seeds_home)
    yield generation
    generation.close()


@pytest.fixture(scope="session")
def engine(seeds_home: Path) -> Engine:
    """Return an engine over the seeds with its models loaded."""
    made = Engine(Settings(home=seeds_home))
    made.warm_up()
    return made


@pytest.fixture(scope="session")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroma]:
    """Yield a Chroma server for all tests; each index uses separate collections."""
    with running(tmp_path_factory.mktemp("chroma")) as server:
        yield server


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(seeds_home: Path) -> Run:
    """Return run("ask", "...", home=..., lines=STDIN, NAME=...), which runs app.py."""

    def call(*words: str, home: Path = seeds_home, lines: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "FOOTNOTE_HOME": str(home), **env}
        command = [sys.executable, "app.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=variables, input=lines, capture_output=True, text=True, timeout=300
        )

    return call


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return Chromium's path; without Chromium skip the test, or fail it in CI."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium here: apt-get install --no-install-recommends chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
