"""A whole index in one folder, which never changes once it is in use; and the pointer to the one that is.

    HOME/index/current                     the name of the generation in use; replaced by one atomic rename
    HOME/index/generations/NAME/           manifest.json, catalog.sqlite, vectors/ (Chroma), words/ (tantivy)

With a Chroma server, its vectors are a collection there, which the manifest names, instead of the folder vectors/.
A generation is built beside the one in use, closed, verified in a fresh process and then switched to. Whatever stops
the builder before that rename leaves the old one in use and untouched.
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
"""The least cosine of a vector with itself, found by a query."""
_KEEP = 2
_LOST = "vectors are not reached by a query"
_ONLY_LOST = 3
"""Exit code of a check that found nothing else."""


def _nothing() -> None:
    pass


class Generation:
    """One whole index, open for reading."""

    def __init__(
        self, folder: Path, server: Server | None = None, *, whole: bool = False, unmark: Callable[[], None] = _nothing
    ) -> None:
        """Open the folder, its files compared with their digests first, all of them if `whole`; `server` is the one
        that the settings name. `unmark` is called once, at `release`, at `close` or at a clean end of the process.

        Raises IndexDamaged when a part is missing, not as it was written or can't be opened, VectorServerError when
        the server that holds the vectors does not answer.
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
        """Let go of the files."""
        self.release()
        self.vectors.close()
        self.catalog.close()


def open_current(home: Path, recipe: Recipe | None = None, server: Server | None = None) -> Generation:
    """The generation in use, opened. With a recipe, raises IndexMismatch when it was made by another one, or its
    vectors are elsewhere than on `server` (None: in its folder)."""
    folder = current_folder(home)
    if recipe is not None:
        manifest = Manifest.read(folder)
        made_by = manifest.recipe
        differ = [
            f"{key} is {was!r}, the settings say {asdict(recipe)[key]!r}"
            for key, was in asdict(made_by).items()
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
    """Put the generation called `name` in use, by one atomic rename, and clear old ones away.

    Returns where on servers those had their vectors: these are not cleared away yet.
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
    """Check a closed generation from outside, as `faults` does.

    Raises IndexDamaged with what does not agree; VectorsLost when only some vectors are not reached by a query.
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
            # Neither among the arguments nor in the environment, where others could read the token.
            checking.stdin.write(json.dumps({"server": asdict(server) if server else None, "added": added}) + "\n")
            checking.stdin.flush()
        # The pipe stays open until it is done: if this process is killed, the check ends with it.
        told = checking.stdout.read().strip()
        code = checking.wait()
    if code != 0:
        reason = (told or f"exit code {code}").splitlines()[-1]
        kind = VectorsLost if code == _ONLY_LOST else IndexDamaged
        raise kind(f"The new index failed its check and was not put in use: {reason}")


def faults(folder: Path, server: Server | None = None, added: Sequence[str] | None = None) -> list[str]:
    """What does not agree in a generation; empty when all is well.

    Every part must hold the same chunks, and a query with a stored vector must reach a vector equal to it: for all of
    them up to 2,000 chunks, for a seeded sample of 2,000 beyond that. With the ids of the articles that were `added`
    to a copy of a checked generation, only their chunks and a sample of 2,000 are looked for, besides all the counts.
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
        # As many here as there, and each of these is there: so both hold the same.
        if missing := generation.vectors.missing(wanted):
            found.append(f"{missing} chunks have no vector")
        if lost := lost_vectors(generation, drawn):
            found.append(f"{len(lost)} of {len(drawn)} {_LOST}")
        return found
    finally:
        generation.close()


def lost_vectors(generation: Generation, ids: Iterable[str]) -> list[str]:
    """Those of the chunks `ids` whose own vector finds no equal one; a copy of it counts as found."""
    lost, left = list[str](), iter(ids)
    while page := list(islice(left, _SAMPLE)):
        held = generation.vectors.vectors(page)
        reached = generation.vectors.nearest(list(held.values()))
        lost += [id_ for id_, cosine in zip(held, reached, strict=True) if cosine < _EQUAL]
    return lost


def _sample(ids: Iterable[str]) -> list[str]:
    """A seeded sample, or all of a few, that never holds more than it gives."""
    drawn = random.Random(0)
    return heapq.nsmallest(_SAMPLE, ids, key=lambda _: drawn.random())


def _end_with_whoever_asked() -> None:
    # What is left of a killed builder would make the folder again that the next one clears away.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    Thread(target=_end_with_whoever_asked, daemon=True).start()
    try:
        problems = faults(Path(sys.argv[1]), Server(**given["server"]) if given["server"] else None, given["added"])
    except FootnoteError as failure:
        problems = [str(failure)]
    print("; ".join(problems))
    only_lost = len(problems) == 1 and problems[0].endswith(_LOST)
    sys.exit(_ONLY_LOST if only_lost else 1 if problems else 0)
