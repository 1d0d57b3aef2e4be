"""What a kill leaves: `python -m benchmarks.kills --kills 100`. Sources change, a sync starts, and SIGKILL ends it.

After each kill the index in use must be whole, the next sync must go through, and the outcome must equal an index built
from scratch. With `--second` another sync starts while the first one runs. Prints how many kills hit while a new
generation was being made.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from benchmarks.corpora import shipped_embedder
from benchmarks.sync_states import assert_same
from index.embed import Embedder
from index.errors import IndexMissing
from index.generation import current_folder, faults
from index.roots import register_roots
from index.sync import Builder, is_building, sync
from rag.engine import recipe
from rag.settings import PROJECT, Settings

_WORDS = "otter river lake bridge crane harbour valley orchard lantern granite meadow signal winter copper".split()


def change(root: Path, rng: random.Random, files: int) -> None:
    """Write some files anew, add and remove some."""
    root.mkdir(exist_ok=True)
    for _ in range(files):
        text = ". ".join(" ".join(rng.choices(_WORDS, k=9)).capitalize() for _ in range(30))
        (root / f"{rng.randrange(2 * files):03d}.txt").write_text(f"{text}.")
    for path in rng.sample(sorted(root.iterdir()), 2):
        path.unlink()


def run(embedder: Embedder, folder: Path, kills: int, files: int, *, second: bool, seed: int = 0) -> Counter[str]:
    """Kill `kills` syncs at random moments; returns what they hit. Raises AssertionError when something was lost."""
    rng = random.Random(seed)
    root, home = folder / "docs", folder / "home"
    builder = Builder(home, recipe(Settings()), embedder, 20_000_000)
    register_roots(home, [folder])
    (folder / ".footnoteignore").write_text("home/\nfresh/\n")
    change(root, rng, files)
    started = time.monotonic()
    _start(home).wait()
    longest = time.monotonic() - started
    hit: Counter[str] = Counter()
    for _ in tqdm(range(kills), unit="kill", disable=kills < 10):
        change(root, rng, files)
        running = [_start(home)] + ([_start(home)] if second else [])
        time.sleep(rng.uniform(0.5, 1.1) * longest)
        hit["while building" if is_building(home) else "before or after"] += 1
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.wait()
        try:
            assert faults(current_folder(home)) == []
        except IndexMissing:
            raise AssertionError("the index that was in use is gone") from None
        sync(builder, [folder], wait=10)
        fresh = Builder(folder / "fresh", builder.recipe, embedder, 20_000_000)
        sync(fresh, [folder])
        assert_same(home, fresh.home)
        assert not is_building(home)
    return hit


def _start(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "app.py", "index", "--home", str(home)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--second", action="store_true", help="start a second sync beside each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hit = run(shipped_embedder(), Path(folder), arguments.kills, arguments.files, second=arguments.second)
    told = ", ".join(f"{count} {when}" for when, count in sorted(hit.items()))
    print(f"{arguments.kills} kills ({told}): nothing was lost, every index equals one built from scratch.")


if __name__ == "__main__":
    main()
