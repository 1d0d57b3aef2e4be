"""Comparison of synced indexes with indexes built from scratch: `python -m benchmarks.sync_states`.

Hypothesis adds, edits, renames, removes and touches files at random, and syncs now and then. Each sync is compared with
an index built from scratch: sources, texts, chunk ids, offsets and vectors must be equal (vectors: cosine of at least
0.999). The count of embedded texts shows that no text in a generation on disk is embedded again. With `--derived`,
every change is made in a copy of the previous generation, as in large indexes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from benchmarks.corpora import shipped_embedder
from index.build.generation import Generation, faults
from index.build.manifest import Manifest
from index.build.write import Builder
from index.encoder.embedder import Embedder
from index.home import current_folder, index_folder
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings

_NAMES = st.sampled_from(["a.txt", "b.md", "sub/c.txt", "sub/d.txt", "e f.txt", "é.txt"])
_LINES = st.sampled_from(
    [
        "Otters live in the river Alm and eat fish.",
        "The lake of Corm is 43 metres deep.",
        "Dr. Quillfeather counted the cranes in May 2019.",
        "# On bridges",
        "The bridge at Dunn was built of oak, and it burned twice.",
        "<|endoftext|> is written on the gate 🦜 of Brill.",
        "עברית and English stand on one line here.",
    ]
)
_TEXTS = st.lists(_LINES, max_size=12).map("\n\n".join)


class Files(RuleBasedStateMachine):
    """A state machine of a folder and its index, checked after each sync."""

    embedder: Embedder
    derived = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "docs"
        self.root.mkdir()
        self.builder = Builder(self.folder / "home", recipe(Settings()), self.embedder, 20_000_000)
        if self.derived:
            self.builder = replace(self.builder, derive_from=0, most_churn=1e9)

    def files(self) -> list[Path]:
        """Return the existing files, sorted by name."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    @rule(name=_NAMES, text=_TEXTS)
    def write(self, name: str, text: str) -> None:
        """Add or edit a file."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    @precondition(lambda self: bool(self.files()))
    @rule(number=st.integers(0, 5), name=_NAMES)
    def rename(self, number: int, name: str) -> None:
        """Rename a file, perhaps over another one."""
        (self.root / name).parent.mkdir(exist_ok=True)
        self.files()[number % len(self.files())].replace(self.root / name)

    @precondition(lambda self: bool(self.files()))
    @rule(number=st.integers(0, 5))
    def remove(self, number: int) -> None:
        """Remove a file."""
        self.files()[number % len(self.files())].unlink()

    @precondition(lambda self: bool(self.files()))
    @rule(number=st.integers(0, 5))
    def touch(self, number: int) -> None:
        """Change the time of a file, not its content."""
        os.utime(self.files()[number % len(self.files())], (1, 1))

    @rule()
    def sync(self) -> None:
        """Sync; check that the index equals a new one and that only new text was embedded."""
        known = digests(self.builder.home)
        report = sync(self.builder, [self.root])
        fresh = Builder(self.folder / "fresh", self.builder.recipe, self.embedder, 20_000_000)
        sync(fresh, [self.root])
        assert_same(self.builder.home, fresh.home)
        assert not any("written anew" in why for _, why in report.notes)
        manifest = Manifest.read(current_folder(self.builder.home))
        assert self.derived or manifest.churn == 0
        new = digests(self.builder.home, current_folder(self.builder.home)) - known if report.built else set()
        assert report.embedded == len(new), f"{report.embedded} embedded, {len(new)} texts are new"
        shutil.rmtree(fresh.home)

    def teardown(self) -> None:
        """Sync once more, then delete the folder."""
        self.sync()
        shutil.rmtree(self.folder)


def digests(home: Path, folder: Path | None = None) -> set[bytes]:
    """Return the chunk digests of all generations, or of the generation in `folder`."""
    found: set[bytes] = set()
    for each in [folder] if folder else (index_folder(home) / "generations").glob("*"):
        generation = Generation(each)
        ids = list(generation.catalog.chunk_ids())
        found |= {chunk.digest for chunk in generation.catalog.chunks(ids).values()}
        generation.close()
    return found


def assert_same(first: Path, second: Path) -> None:
    """Assert that two homes have equal sources, chunks and vectors, and no faults."""
    a, b = (Generation(current_folder(home)) for home in (first, second))
    try:
        assert a.catalog.article_ids() == b.catalog.article_ids()
        ids = list(a.catalog.chunk_ids())
        assert ids == list(b.catalog.chunk_ids())
        assert a.catalog.chunks(ids) == b.catalog.chunks(ids)
        left, right = a.vectors.vectors(ids), b.vectors.vectors(ids)
        assert all(float(np.dot(left[id_], right[id_])) >= 0.999 for id_ in ids)
        assert a.words.count() == b.words.count() == len(ids)
    finally:
        a.close()
        b.close()
    assert faults(current_folder(first)) == []


def check(embedder: Embedder, examples: int, steps: int, *, derived: bool = False) -> None:
    """Run `examples` random sequences of at most `steps` steps.

    Raises AssertionError with the shortest sequence that fails.
    """
    Files.embedder, Files.derived = embedder, derived
    limits: Any = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Files, settings=limits)


def main() -> None:
    """Read the command line and run the sequences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--derived", action="store_true", help="change copies, as in a large index")
    arguments = parser.parse_args()
    check(shipped_embedder(), arguments.examples, arguments.steps, derived=arguments.derived)
    print(f"{arguments.examples} sequences of up to {arguments.steps} steps: no difference.")


if __name__ == "__main__":
    main()
