"""Comparison of tantivy and bm25s at one size: build, memory, disk, queries, and a change of one document.

Both index the same terms of the same passages. bm25s can't change an index, so a change is a new build.
"""

from __future__ import annotations

import importlib
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.mentions import mentions
from index.store.bm25 import LexicalIndex
from index.store.catalog import Catalog
from index.text.words import content_terms, terms

_NEAREST = 10
_MIB = 1 << 20


@dataclass(frozen=True)
class Words:
    """The cost of a keyword index.

    Seconds for a build and for a change, peak `memory` (building), `asking` (peak memory of queries) and `disk` in MiB,
    and the median milliseconds of a query.
    """

    build: float
    change: float
    memory: float
    asking: float
    disk: float
    query: float


def compare(in_new_process: Callable[..., Any], catalog: Path, folder: Path, questions: Sequence[str]) -> str:
    """Return the table of both.

    `in_new_process` runs a call in a new process, to measure its peak memory.
    """
    rows = []
    for name, write, ask in (("tantivy", write_tantivy, ask_tantivy), ("bm25s", write_bm25s, ask_bm25s)):
        built, changed, memory = in_new_process(write, catalog, folder / name)
        query, asking = in_new_process(ask, folder / name, [content_terms(question) for question in questions])
        rows.append((name, Words(built, changed, memory, asking, _size(folder / name), query)))
    lines = "\n".join(
        f"| {name} | {one.build:.1f} | {one.memory:.0f} | {one.disk:.0f} | {one.query:.2f} | {one.asking:.0f} "
        f"| {one.change:.2f} |"
        for name, one in rows
    )
    return (
        "\n| words | build, s | memory, MiB | disk, MiB | query, median, ms | memory while asking, MiB "
        f"| one document changed, s |\n|---|---|---|---|---|---|---|\n{lines}"
    )


def write_tantivy(catalog: Path, folder: Path) -> tuple[float, float, float]:
    """Return seconds to build, seconds to change an article, and peak MiB."""
    started = time.perf_counter()
    index = LexicalIndex(folder, create=True)
    index.change([], ((*passage, mentions(passage[2])) for passage in _passages(catalog)))
    built = time.perf_counter()
    id_, article_id, text = next(_passages(catalog))
    index.change([article_id], [(id_, article_id, f"{text} A heron was seen.", mentions(text))])
    return built - started, time.perf_counter() - built, _memory()


def ask_tantivy(folder: Path, questions: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Return median milliseconds of a query, and peak MiB."""
    index = LexicalIndex(folder)
    return _median(lambda question: index.query(question, _NEAREST), questions), _memory()


def write_bm25s(catalog: Path, folder: Path) -> tuple[float, float, float]:
    """Return seconds to build, seconds to build again, and peak MiB."""
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        index = _bm25s().BM25(k1=1.2, b=0.75)
        index.index([terms(text) for _, _, text in _passages(catalog)], show_progress=False)
        index.save(folder)
        seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1], _memory()


def ask_bm25s(folder: Path, questions: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Return median milliseconds of a query, and peak MiB."""
    index = _bm25s().BM25.load(folder, mmap=True)
    count = index.scores["num_docs"]

    def ask(question: Sequence[str]) -> Any:
        return index.retrieve([list(question)], k=min(_NEAREST, count), show_progress=False)

    return _median(ask, questions), _memory()


def _bm25s() -> Any:
    # bm25s is optional and has no type hints.
    return importlib.import_module("bm25s")


def _passages(catalog: Path) -> Iterator[tuple[str, str, str]]:
    opened = Catalog(catalog)
    for article_id in opened.sizes():
        yield from ((one.id, article_id, one.searchable) for one in opened.chunks_of(article_id))
    opened.close()


def _median(ask: Callable[[Sequence[str]], Any], questions: Sequence[Sequence[str]]) -> float:
    order = random.Random(0).sample(list(questions), len(questions))
    for question in order[:20]:
        ask(question)
    times = []
    for question in order:
        started = time.perf_counter()
        ask(question)
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


def _size(folder: Path) -> float:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / _MIB


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
