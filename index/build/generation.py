"""Generations: complete indexes in a folder each, unchanged once in use; a pointer names the one in use.

    HOME/index/current                     the name of the generation in use; replaced by one atomic rename
    HOME/index/generations/NAME/           manifest.json, catalog.sqlite, vectors/ (Chroma), words/ (tantivy)

With a Chroma server, the vectors are a collection there, named in the manifest, instead of the folder vectors/.
A generation is built next to the one in use, closed, verified in a fresh process and then switched to. If the builder
stops before that rename, the old generation stays in use, unchanged.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import random
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from threading import Thread

from index.build import reader_marks
from index.build.manifest import Manifest, Recipe
from index.errors import FootnoteError, IndexDamaged, IndexMismatch, VectorsLost
from index.home import current_folder, index_folder
from index.program import command
from index.state import write_atomically
from index.store.bm25 import LexicalIndex
from index.store.catalog import Catalog
from index.store.chroma_server import Server
from index.store.collections import VectorCollection, misplaced, where
from index.store.digests import distrust, trust, verify_files
from index.store.exact import EXACT
from index.store.vectors import VectorStore
from index.text.aliases import Aliases

_SAMPLE = 2_000
_EQUAL = 0.999
"""The least cosine of a stored vector with the vector that a query finds for it."""
_KEEP = 2
_LOST = "vectors are not reached by a query"
_ONLY_LOST = 3
"""Exit code of a check whose only fault is lost vectors."""


def _nothing() -> None:
    pass


class Generation:
    """A whole index, open for reading."""

    def __init__(
        self, folder: Path, server: Server | None = None, *, whole: bool = False, unmark: Callable[[], None] = _nothing
    ) -> None:
        """Open the folder after comparing its files with their digests.

        `whole` compares all files, even those that look unchanged; `server` comes from the settings. `unmark` is called
        once, at `release`, at `close` or at a clean end of the process. Raises IndexDamaged when a part is missing,
        changed or can't be opened, VectorServerError when the server that holds the vectors does not answer.
        """
        self.folder = folder
        self.manifest = Manifest.read(folder)
        stamps = verify_files(folder, self.manifest.files, whole=whole)
        self.catalog = Catalog(folder / "catalog.sqlite")
        self.words = LexicalIndex(folder / "words")
        self.vectors = VectorStore(where(folder, self.manifest.place, server), folder / EXACT)
        self.aliases = Aliases(self.catalog.aliases())
        trust(folder, stamps)
        self.release = weakref.finalize(self, unmark)

    def close(self) -> None:
        """Close the files."""
        self.release()
        self.vectors.close()
        self.catalog.close()


def open_current(home: Path, recipe: Recipe | None = None, server: Server | None = None) -> Generation:
    """Open the generation in use.

    With a recipe, raises IndexMismatch when another recipe made it, or its vectors are not on `server` (None: in its
    folder).
    """
    folder = current_folder(home)
    if recipe is not None:
        manifest = Manifest.read(folder)
        differ = [
            f"{key} is {was!r}, the settings say {asdict(recipe)[key]!r}"
            for key, was in asdict(manifest.recipe).items()
            if was != asdict(recipe)[key]
        ]
        if elsewhere := misplaced(folder, manifest.place, server):
            differ.append(elsewhere)
        if differ:
            raise IndexMismatch(
                f"The index was made differently: {'; '.join(differ)}. Run `{command('index')}` to make it again."
            )
    unmark = reader_marks.begin(index_folder(home))
    try:
        if reader_marks.ended_uncleanly(index_folder(home)):
            distrust(folder)
        return Generation(folder, server, unmark=unmark)
    except BaseException:
        unmark()
        raise


def switch_to(home: Path, name: str) -> list[VectorCollection]:
    """Put the generation called `name` in use by an atomic rename; delete old ones.

    Returns the server collections of the deleted generations, which the caller must delete.
    """
    write_atomically(index_folder(home) / "current", name)
    everything = sorted((index_folder(home) / "generations").iterdir(), reverse=True)
    places = []
    for old in [folder for folder in everything if folder.name != name][_KEEP - 1 :]:
        with contextlib.suppress(IndexDamaged):
            places.append(Manifest.read(old).place)
        shutil.rmtree(old, ignore_errors=True)
    return [place for place in places if place]


def verify_in_fresh_process(folder: Path, server: Server | None = None, added: Sequence[str] | None = None) -> None:
    """Check a closed generation in a fresh process, as `faults` does.

    Raises IndexDamaged with the faults, or VectorsLost when the only fault is vectors that a query does not reach.
    """
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "index.build.generation", str(folder.resolve())],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as checking:
        assert checking.stdin and checking.stdout
        with contextlib.suppress(BrokenPipeError):
            # On stdin, because others could read the token in the arguments or the environment.
            checking.stdin.write(json.dumps({"server": asdict(server) if server else None, "added": added}) + "\n")
            checking.stdin.flush()
        # The pipe stays open until the check is done: if this process is killed, the check ends with it.
        output = checking.stdout.read().strip()
        code = checking.wait()
        with contextlib.suppress(BrokenPipeError):
            checking.stdin.close()  # a check that died before it read its input leaves some unsent
    if code != 0:
        reason = (output or f"exit code {code}").splitlines()[-1]
        kind = VectorsLost if code == _ONLY_LOST else IndexDamaged
        raise kind(f"The new index failed its check and was not put in use: {reason}")


def faults(folder: Path, server: Server | None = None, added: Sequence[str] | None = None) -> list[str]:
    """Return the faults of a generation.

    Every part must hold the same chunks, and a query with a stored vector must reach an equal vector: for all chunks up
    to 2,000, else for a seeded sample of 2,000. `added` lists the articles that were added to a copy of a checked
    generation; then the check covers all counts, the chunks of these articles and a sample of 2,000.
    """
    generation = Generation(folder, server, whole=added is None)
    try:
        manifest, catalog = generation.manifest, generation.catalog
        articles, chunks = catalog.counts()
        counts = {
            "manifest": manifest.chunks,
            "catalog": chunks,
            "vectors": generation.vectors.count(),
            "words": generation.words.count(),
        }
        found = []
        if len(set(counts.values())) > 1:
            found.append("chunks differ: " + ", ".join(f"{part} has {count}" for part, count in counts.items()))
        if articles != manifest.articles:
            found.append(f"articles differ: manifest has {manifest.articles}, catalog has {articles}")
        drawn = _sample(catalog.chunk_ids())
        wanted: Iterable[str] = catalog.chunk_ids()
        if added is not None:
            wanted = {*catalog.chunk_ids_of(added), *drawn}
            drawn = sorted({*_sample(catalog.chunk_ids_of(added)), *drawn})
        # With equal counts and no missing id, both hold the same chunks.
        if missing := generation.vectors.missing(wanted):
            found.append(f"{missing} chunks have no vector")
        if lost := lost_vectors(generation, drawn):
            found.append(f"{len(lost)} of {len(drawn)} {_LOST}")
        return found
    finally:
        generation.close()


def lost_vectors(generation: Generation, ids: Iterable[str]) -> list[str]:
    """Return the chunks among `ids` whose vector a query with that vector does not find.

    Finding a copy of the vector counts.
    """
    lost, left = list[str](), iter(ids)
    while page := list(islice(left, _SAMPLE)):
        stored = generation.vectors.vectors(page)
        reached = generation.vectors.nearest(list(stored.values()))
        lost += [id_ for id_, cosine in zip(stored, reached, strict=True) if cosine < _EQUAL]
    return lost


def _sample(ids: Iterable[str]) -> list[str]:
    """Return a seeded sample, or all ids if there are few, without holding more in memory."""
    drawn = random.Random(0)
    return heapq.nsmallest(_SAMPLE, ids, key=lambda _: drawn.random())


def _end_with_parent() -> None:
    # A check that outlives a killed builder would recreate the folder that the next builder deletes.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        problems = faults(Path(sys.argv[1]), Server(**given["server"]) if given["server"] else None, given["added"])
    except FootnoteError as failure:
        problems = [str(failure)]
    print("; ".join(problems))
    only_lost = len(problems) == 1 and problems[0].endswith(_LOST)
    sys.exit(_ONLY_LOST if only_lost else 1 if problems else 0)
