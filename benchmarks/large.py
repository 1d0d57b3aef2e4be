"""Cost of large indexes: `python -m benchmarks.large ../shared/data [--sizes 10000 100000]`. Takes up to hours.

The articles have about 20 passages, from sentences of the public files. The program first embeds `--real` chunks, which
measures chunks per second; it stores their vectors in the file `--real-vectors` and loads them the next time. Then it
measures, for each size: peak memory and disk of a build and of a sync after one file has changed, query times, and
recall@10 of the vector index against exact search. Any other text gets a sum of two real vectors, selected by a hash of
the text so that equal texts have equal vectors; embedding all texts would take most of the time, and costs the same for
every chunk. If bm25s is installed, it is compared with tantivy. With `--served` the vectors are on a `chroma run`
server, whose memory and disk are measured instead.

Builds and queries run in separate processes, to measure the peak memory of each. A build has the model loaded to count
word pieces; another process holds the vectors that replace the embedding.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import multiprocessing
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from benchmarks import words
from benchmarks.chroma import running
from benchmarks.corpora import read_squad
from index.article import make_article
from index.build.generation import Generation
from index.build.write import Builder
from index.chunk import Chunk, ChunkLimits, chunk
from index.encoder.embedder import Embedder, Vectors, find_model
from index.home import current_folder
from index.store.chroma_server import Server
from index.sync import sync
from index.text.sentences import sentences
from index.text.tokens import token_counter
from rag.engine import recipe
from rag.retrieve import Retriever
from rag.settings import Settings

_FILES = ("squad/train", "squadshifts/new_wiki_v1.0", "squadshifts/reddit_v1.0", "squadshifts/amazon_reviews_v1.0")
_ARTICLE_SENTENCES = 120
_QUESTIONS = 500
_NEAREST = 10
_EMBEDDED_AT_ONCE = 1_024
_MIB = 1 << 20
T = TypeVar("T")


class Recombining(Embedder):
    """The shipped model, with document vectors from a file.

    A text that is not in the file gets a sum of two of its vectors. Another process holds the file, so that the memory
    of the indexing does not include it.
    """

    def __init__(self, real: Path) -> None:
        super().__init__(find_model())
        self._process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _Pool.open, (real,))
        self.seconds = 0.0

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (n, d)."""
        started = time.perf_counter()
        vectors: Vectors = self._process.submit(_Pool.encode, list(texts)).result()
        self.seconds += time.perf_counter() - started
        return vectors


class _Pool:
    """The vectors of the file, in the process that holds them."""

    vectors: Vectors
    rows: dict[bytes, int]

    @classmethod
    def open(cls, real: Path) -> None:
        with np.load(real) as stored:
            cls.vectors = stored["vectors"]
            cls.rows = {digest.tobytes(): row for row, digest in enumerate(stored["digests"])}

    @classmethod
    def encode(cls, texts: Sequence[str]) -> Vectors:
        return np.stack([cls._vector(hashlib.sha256(text.encode()).digest()) for text in texts])

    @classmethod
    def _vector(cls, digest: bytes) -> Vectors:
        if (row := cls.rows.get(digest)) is not None:
            return np.asarray(cls.vectors[row])
        drawn = np.random.default_rng(list(digest[:8]))
        first, second = drawn.integers(len(cls.vectors), size=2)
        share = np.float32(drawn.uniform(0.3, 0.7))
        mixed = share * cls.vectors[first] + (1 - share) * cls.vectors[second]
        return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


@dataclass(frozen=True)
class Built:
    """The cost of a sync.

    Seconds in total, for vector look-ups (`embedding`) and of processor time; peak `memory` and `disk_peak` in MiB;
    `disk` at the end in MiB, by part of the index.
    """

    chunks: int
    embedded: int
    seconds: float
    embedding: float
    processor: float
    memory: float
    disk: dict[str, float]
    disk_peak: float


@dataclass(frozen=True)
class Retrieval:
    """Retrieval: median and 95th percentile in ms, recall@10, peak memory in MiB."""

    median: float
    p95: float
    recall: float
    memory: float


def write_articles(data: Path, folder: Path, count: int) -> None:
    """Write `count` files of recombined sentences; a smaller count gives a subset."""
    paragraphs = [p for name in _FILES for p in read_squad(data / f"{name}.json.gz")]
    pool = [p.text[a:b] for p in paragraphs for a, b in sentences(p.text) if 20 < b - a < 400]
    for number in tqdm(range(count), desc="articles", unit="file"):
        rng = random.Random(f"article {number}")
        drawn = [rng.choice(pool) for _ in range(_ARTICLE_SENTENCES)]
        text = "\n\n".join(" ".join(drawn[at : at + 6]) for at in range(0, len(drawn), 6))
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Article {number}\n\n{text}\n", "utf-8")


def cut(root: Path, embedder: Embedder) -> Iterator[Chunk]:
    """Yield the chunks of the articles below a folder, as the index has them."""
    settings = Settings()
    counter = token_counter(settings.encoding).count
    limits = ChunkLimits(
        counter, embedder.count_pieces, embedder.max_pieces, settings.chunk_tokens, settings.chunk_overlap
    )
    for path in sorted(root.rglob("*.txt")):
        yield from chunk(make_article(path.relative_to(root).as_posix(), path.read_text("utf-8")), limits)


def embed(root: Path, count: int, real: Path) -> float:
    """Embed `count` chunks into the file `real`; return chunks per second."""
    embedder = Embedder(find_model())
    chunks = (one.searchable for one in cut(root, embedder))
    embedder.warm_up()
    digests, vectors, seconds = list[bytes](), list[Vectors](), 0.0
    with tqdm(total=count, desc="embedding", unit="chunk") as bar:
        while page := list(islice(chunks, min(_EMBEDDED_AT_ONCE, count - len(digests)))):
            started = time.perf_counter()
            vectors.append(embedder.encode_documents(page))
            seconds += time.perf_counter() - started
            digests += [hashlib.sha256(text.encode()).digest() for text in page]
            bar.update(len(page))
    rows = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)
    with real.open("wb") as stream:
        np.savez(stream, digests=rows, vectors=np.concatenate(vectors))
    return len(digests) / seconds


def build(home: Path, root: Path, real: Path, derive_from: int, server: Server | None) -> Built:
    """Sync the folder into the home and return the cost."""
    embedder = Recombining(real)
    largest, over = [0.0], Event()
    watching = Thread(target=_watch_disk, args=(home, largest, over), daemon=True)
    watching.start()
    started, before = time.perf_counter(), _processor()
    builder = Builder(home, recipe(Settings()), embedder, 20_000_000, server=server, derive_from=derive_from)
    report = sync(builder, [root])
    seconds, processor = time.perf_counter() - started, _processor() - before
    over.set()
    watching.join()
    return Built(
        report.chunks,
        report.embedded,
        seconds,
        embedder.seconds,
        processor,
        _memory(),
        {name: _size(current_folder(home) / name) for name in ("catalog.sqlite", "vectors", "words")},
        largest[0],
    )


def ask(home: Path, questions: Sequence[str], server: Server | None) -> Retrieval:
    """Time all questions, and compare the vector index with exact search."""
    generation = Generation(current_folder(home), server)
    embedder, settings = Embedder(find_model()), Settings()
    retriever = Retriever(generation, embedder, candidates=settings.candidates, dense_weight=settings.dense_weight)
    queries = [retriever.query(text) for text in questions]
    for query in queries[:20]:
        retriever.retrieve(query, _NEAREST)
    times = []
    for query in queries:
        started = time.perf_counter()
        retriever.retrieve(query, _NEAREST)
        times.append(1000 * (time.perf_counter() - started))
    vectors = embedder.encode_queries(list(questions))
    found = [{id_ for id_, _ in generation.vectors.query(vector, _NEAREST)} for vector in vectors]
    memory = _memory()
    right = _exact(generation, vectors)
    recall = np.mean([len(one & other) / len(other) for one, other in zip(found, right, strict=True)])
    generation.close()
    return Retrieval(float(np.median(times)), float(np.quantile(times, 0.95)), float(recall), memory)


def _exact(generation: Generation, queries: Vectors) -> list[set[str]]:
    best: list[list[tuple[float, str]]] = [[] for _ in queries]
    ids = list(generation.catalog.chunk_ids())
    for at in range(0, len(ids), 20_000):
        held = generation.vectors.vectors(ids[at : at + 20_000])
        names, matrix = list(held), np.stack(list(held.values()))
        cosines = queries @ matrix.T
        for row, kept in zip(cosines, best, strict=True):
            nearest = np.argpartition(-row, min(_NEAREST, len(row) - 1))[:_NEAREST]
            kept[:] = sorted([*kept, *((float(row[n]), names[n]) for n in nearest)], reverse=True)[:_NEAREST]
    return [{name for _, name in kept} for kept in best]


def _watch_disk(home: Path, largest: list[float], over: Event) -> None:
    while not over.wait(1.0):
        largest[0] = max(largest[0], _size(home))


def _size(folder: Path) -> float:
    """Return the MiB of the files below a folder; a file that vanishes counts 0."""
    total = 0
    for path in [folder, *folder.rglob("*")]:
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except OSError:
            continue
    return total / _MIB


def _processor() -> float:
    """Return the processor seconds of this process and of its ended children."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_new_process(call: Callable[..., T], *values: object) -> T:
    """Return the result of a call in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *values).result()


def measure(data: Path, work: Path, chunks: int, real: Path, derive_from: int, served: bool) -> None:
    """Build at one size, ask, change one file, and print the tables."""
    root, home = work / "articles", work / "home"
    questions = [q.text for p in read_squad(data / f"{_FILES[0]}.json.gz") for q in p.questions if q.spans]
    sample = random.Random(0).sample(questions, _QUESTIONS)
    # An article has a little more than 19 chunks.
    write_articles(data, root, chunks // 19)
    with running(work / "chroma") if served else nullcontext() as chroma:
        server = Server(chroma.url) if chroma else None
        built = _in_new_process(build, home, root, real, derive_from, server)
        retrieval = _in_new_process(ask, home, sample, server)
        with (root / "000/000007.txt").open("a", encoding="utf-8") as stream:
            stream.write("\nA heron was seen at the lake of Corm.\n")
        changed = _in_new_process(build, home, root, real, derive_from, server)
        print(size_table(built, retrieval, changed), flush=True)
        if chroma:
            print(
                f"| server: memory at its peak, disk, MiB | {chroma.memory():.0f}, {_size(chroma.folder):.0f} |",
                flush=True,
            )
    if not served and importlib.util.find_spec("bm25s"):
        catalog = current_folder(home) / "catalog.sqlite"
        print(words.compare(_in_new_process, catalog, work / "words", sample), flush=True)


def size_table(built: Built, retrieval: Retrieval, changed: Built) -> str:
    """Return the table for one size."""
    alone = built.seconds - built.embedding
    parts = ", ".join(f"{name.split('.')[0]} {size:.0f}" for name, size in built.disk.items())
    return (
        f"\n| {built.chunks:,} chunks | |\n|---|---|\n"
        f"| build without embedding, s (chunks/s) | {alone:.0f} ({built.chunks / alone:.0f}) |\n"
        f"| ... of processor time, s | {built.processor:.0f} |\n"
        f"| memory at its peak, MiB | {built.memory:.0f} |\n"
        f"| disk, MiB (its parts) | {sum(built.disk.values()):.0f} ({parts}) |\n"
        f"| disk at its peak, MiB | {built.disk_peak:.0f} |\n"
        f"| query, median and 95th percentile, ms | {retrieval.median:.1f}, {retrieval.p95:.1f} |\n"
        f"| recall@10 against exact search | {retrieval.recall:.4f} |\n"
        f"| memory while asking, MiB | {retrieval.memory:.0f} |\n"
        f"| one file changed, s (chunks embedded) | {changed.seconds:.1f} ({changed.embedded}) |\n"
        f"| ... of processor time, s | {changed.processor:.1f} |\n"
        f"| ... memory, MiB; disk at its peak, MiB | {changed.memory:.0f}; {changed.disk_peak:.0f} |"
    )


def main() -> None:
    """Read the command line and measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--real", type=int, default=100_000, help="chunks that are embedded for real")
    parser.add_argument("--real-vectors", type=Path, help="file of their vectors (.npz), created if it does not exist")
    parser.add_argument(
        "--derive-from", type=int, default=Builder.derive_from, help="chunks from which a change is made in a copy"
    )
    parser.add_argument("--served", action="store_true", help="vectors on a `chroma run` server, which this starts")
    parser.add_argument("--work", type=Path, help="a folder with room (15 GB a million chunks); emptied afterwards")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footnote-large-", dir=arguments.work) as folder:
        real = arguments.real_vectors or Path(folder) / "real.npz"
        if not real.exists():
            # More articles than needed: each has about 20 chunks.
            write_articles(arguments.data, Path(folder) / "real", arguments.real // 15 + 1)
            rate = _in_new_process(embed, Path(folder) / "real", arguments.real, real)
            print(f"\nembedding alone: {rate:.0f} chunks/s", flush=True)
        for chunks in arguments.sizes:
            work = Path(folder) / str(chunks)
            measure(arguments.data, work, chunks, real, arguments.derive_from, arguments.served)
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
