"""Tests the recovery from killed syncs: `python -m benchmarks.kills --kills 100`.

Changes sources, starts a sync and kills it with SIGKILL, again and again. After each kill the current index must be
intact and answer a query, the next sync must succeed, and its index must equal one built from scratch. With `--second`,
every other kill hits two syncs that run at the same time. Prints how many kills hit while a generation was being built.

The syncs are forked from a process that has loaded the libraries, so that a kill hits the sync and not an import.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from benchmarks.corpora import shipped_embedder
from benchmarks.sync_states import assert_same
from index.build.generation import faults, open_current
from index.build.leftovers import has_leftovers, is_building
from index.build.write import Builder
from index.encoder.embedder import Embedder, find_model
from index.errors import IndexBusy, IndexMissing
from index.home import current_folder
from index.sync import sync
from rag.engine import recipe
from rag.retrieve import Retriever
from rag.settings import Settings

_WORDS = "otter river lake bridge crane harbour valley orchard lantern granite meadow signal winter copper".split()


def change(root: Path, rng: random.Random, files: int) -> None:
    """Rewrite, add and remove some files."""
    root.mkdir(exist_ok=True)
    for _ in range(files):
        text = ". ".join(" ".join(rng.choices(_WORDS, k=9)).capitalize() for _ in range(30))
        (root / f"{rng.randrange(2 * files):03d}.txt").write_text(f"{text}.")
    for path in rng.sample(sorted(root.iterdir()), 2):
        path.unlink()


def run(
    embedder: Embedder, folder: Path, kills: int, files: int, *, second: bool, derived: bool = False, seed: int = 0
) -> Counter[str]:
    """Kill syncs at `kills` random moments; return how many hit which phase.

    Raises AssertionError if something was lost.
    """
    rng = random.Random(seed)
    root, builder = folder / "docs", _builder(folder / "home", embedder, derived)
    change(root, rng, files)
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["index.sync", "onnxruntime", "tokenizers", "chromadb"])
    longest = 0.0
    for _ in range(2):  # the first run also loads the libraries
        shutil.rmtree(builder.home, ignore_errors=True)
        started = time.monotonic()
        first = forking.Process(target=_sync_apart, args=(builder.home, root, derived))
        first.start()
        first.join()
        longest = time.monotonic() - started
    hit: Counter[str] = Counter()
    for number in tqdm(range(kills), unit="kill", disable=kills < 10):
        change(root, rng, files)
        count = 2 if second and number % 2 else 1
        running = [forking.Process(target=_sync_apart, args=(builder.home, root, derived)) for _ in range(count)]
        for process in running:
            process.start()
        time.sleep(rng.uniform(0, 1.1) * longest)
        when = "while building" if is_building(builder.home) else "before or after"
        hit[f"{when}, two syncs" if count == 2 else when] += 1
        for process in running:
            process.kill()
            process.join()
        _check(builder, root, folder / "fresh")
    return hit


def _check(builder: Builder, root: Path, work: Path) -> None:
    """Check that the index is intact and answers a query.

    Then sync, and check that it equals an index built from scratch in `work`.
    """
    try:
        assert faults(current_folder(builder.home)) == []
    except IndexMissing:
        raise AssertionError("the index that was in use is gone") from None
    generation = open_current(builder.home, builder.recipe)
    retriever = Retriever(generation, builder.embedder, candidates=10, dense_weight=0.6)
    assert retriever.retrieve(retriever.query("Where is the otter?"), 5)
    generation.close()
    sync(builder, [root], wait=60)
    fresh = _builder(work, builder.embedder)
    sync(fresh, [root])
    assert_same(builder.home, fresh.home)
    assert not has_leftovers(builder.home)
    shutil.rmtree(work)


def _builder(home: Path, embedder: Embedder, derived: bool = False) -> Builder:
    builder = Builder(home, recipe(Settings()), embedder, 20_000_000)
    return replace(builder, derive_from=0, most_churn=1e9) if derived else builder


def _sync_apart(home: Path, root: Path, derived: bool) -> None:
    """Sync in a separate process; do nothing if another process is syncing."""
    with contextlib.suppress(IndexBusy):
        sync(_builder(home, Embedder(find_model()), derived), [root])


def main() -> None:
    """Read the command line and run the kills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--second", action="store_true", help="start a second sync during every other sync")
    parser.add_argument("--derived", action="store_true", help="change copies, as in a large index")
    arguments = parser.parse_args()
    how = {"second": arguments.second, "derived": arguments.derived}
    with tempfile.TemporaryDirectory() as folder:
        hit = run(shipped_embedder(), Path(folder), arguments.kills, arguments.files, **how)
    hits = ", ".join(f"{count} {when}" for when, count in sorted(hit.items()))
    print(f"{arguments.kills} kills ({hits}): nothing was lost, every index equals one built from scratch.")


if __name__ == "__main__":
    main()
