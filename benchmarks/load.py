"""Errors, waiting times, fairness and memory when many people ask one server at the same time.

Starts `app.py serve` with the default settings over an index of the seeds, and prints Markdown tables: for each number
of people; with a program that sends 40 questions at a time; with an indexing and an evaluation at the same time; and
the memory of the server over many questions. Linux, because each program has a loopback address of its own.

    python -m benchmarks.load [--people 1,10,50,200] [--each 10] [--questions 5000] [--documents 300]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmarks.crowd import TimedRequest, crowd, person, started
from benchmarks.served import run_app, server
from rag.settings import SEEDS

HEADER = (
    "| people | requests | answers | busy | errors | median s | p95 | p99 | longest | slowest person / median person "
    "| people without an answer | memory before, after, MiB |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)
_FEW = 10
"""People who ask in every table but the first."""
_AT_ONCE = 40
"""Questions that the program with many questions sends at a time."""
_SAMPLES = 10
"""Samples of the server's memory over many questions."""


def questions() -> Iterator[str]:
    """Yield the questions about the seeds, then others made from them and the words of the seeds, all different."""
    asked = [json.loads(line)["question"] for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    yield from dict.fromkeys(asked)
    draw, seen = random.Random(0), set(asked)
    words = sorted(
        {word for path in SEEDS.glob("*.txt") for word in re.findall(r"\b\w{5,}\b", path.read_text("utf-8"))}
    )
    while True:
        one, other = draw.sample(words, 2)
        forms = (
            f"What is said about {one} and {other}?",
            f"{draw.choice(asked).rstrip('?')}, given the {one} {other}?",
        )
        if (question := draw.choice(forms)) not in seen:
            seen.add(question)
            yield question


def memory(process: psutil.Process) -> float:
    """Return the resident memory of a process and its children, in MiB."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def machine() -> str:
    """Name this machine: cores, processor, memory, load."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    size = psutil.virtual_memory().total / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores ({name[1] if name else platform.machine()}), {size:.0f} GiB of memory, "
        f"Python {platform.python_version()}; load {os.getloadavg()[0]:.1f} at the start; the people run on it too."
    )


def row(name: str, people: Sequence[Sequence[TimedRequest]], before: float, after: float) -> str:
    """Return a row of the table. Waiting times are those of answers, refusals included."""
    requests = list(itertools.chain.from_iterable(people))
    count = Counter(one.outcome for one in requests)
    waits = [[one.seconds for one in of if one.outcome in ("answered", "refused")] for of in people]
    means = [statistics.mean(of) for of in waits if of]
    every = list(itertools.chain.from_iterable(waits))
    outcomes = f"{len(requests)} | {len(every)} | {count['busy']} | {count['failed']}"
    times, fairness = "- | - | - | -", "-"
    if every:
        times = " | ".join(f"{value:.2f}" for value in np.quantile(every, [0.5, 0.95, 0.99, 1]))
        fairness = f"{max(means) / statistics.median(means):.2f}"
    return f"| {name} | {outcomes} | {times} | {fairness} | {len(people) - len(means)} | {before:.0f}, {after:.0f} |"


async def with_bulk(address: str, each: int) -> tuple[list[list[TimedRequest]], list[TimedRequest]]:
    """Let people ask while a program sends many questions at a time; return the requests of both."""
    pool, over = questions(), asyncio.Event()
    # An odd number is a program; all these connections have the same address.
    bulk_pool = itertools.takewhile(lambda _: not over.is_set(), questions())
    bulk = [asyncio.create_task(person(address, 2_001, bulk_pool)) for _ in range(_AT_ONCE)]
    people = await crowd(address, _FEW, pool, each)
    over.set()
    return people, [one for of in await asyncio.gather(*bulk) for one in of]


def sampled(pool: Iterator[str], every: int, sample: Callable[[int], None]) -> Iterator[str]:
    """Yield the questions; call `sample` with their number before the first and after each `every`."""
    for number, question in enumerate(pool):
        if number % every == 0:
            sample(number)
        yield question


def many_questions(address: str, process: psutil.Process, count: int) -> str:
    """Ask `count` questions; return the table of the server's memory, and its slope in the second half."""
    samples: list[tuple[int, float]] = []
    pool = sampled(questions(), max(1, count // _SAMPLES), lambda number: samples.append((number, memory(process))))
    before = memory(process)
    people = asyncio.run(crowd(address, _FEW, itertools.islice(pool, count)))
    samples.append((count, memory(process)))
    late = samples[len(samples) // 2 :]
    slope = statistics.linear_regression([n for n, _ in late], [size for _, size in late]).slope
    return "\n".join(
        [
            row(f"{_FEW}, {count:,} questions", people, before, samples[-1][1]),
            "",
            "| questions | " + " | ".join(f"{number:,}" for number, _ in samples) + " |",
            "|---" * (len(samples) + 1) + "|",
            "| memory, MiB | " + " | ".join(f"{size:.0f}" for _, size in samples) + " |",
            "",
            f"Slope in the second half: {1000 * slope:+.1f} MiB per 1,000 questions.",
        ]
    )


def write_documents(folder: Path, count: int) -> None:
    """Write `count` documents of 40 sentences of the seeds, drawn at random."""
    folder.mkdir()
    draw = random.Random(1)
    sentences = [one for path in SEEDS.glob("*.txt") for one in re.split(r"(?<=[.?!])\s+", path.read_text("utf-8"))]
    for number in range(count):
        text = " ".join(f"{one} (Note {number}.{at})" for at, one in enumerate(draw.choices(sentences, k=40)))
        (folder / f"{number:04d}.txt").write_text(f"Collected notes {number}\n\n{text}\n", "utf-8")


def with_indexing(address: str, home: Path, folder: Path, documents: int) -> list[list[TimedRequest]]:
    """Let people ask until an indexing and an evaluation on the same home have ended; return their requests."""
    write_documents(folder / "notes", documents)
    # The evaluation has an index of its own, because it would end when its sources change.
    evaluation = (str(SEEDS / "questions.jsonl"), "--corpus", str(SEEDS))
    commands: dict[str, tuple[str, ...]] = {"index": (str(folder / "notes"),), "evaluate": evaluation}
    works = {name: run_app(home, name, *words, log=folder / f"{name}.log") for name, words in commands.items()}
    pool = itertools.takewhile(lambda _: any(one.poll() is None for one in works.values()), questions())
    people = asyncio.run(crowd(address, _FEW, pool))
    for name, one in works.items():
        if one.wait():
            raise SystemExit(f"{name} failed:\n{(folder / f'{name}.log').read_text()}")
    return people


def main() -> None:
    """Run the whole load against one server and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", default="1,10,50,200", metavar="N,N", help="people at once (default: %(default)s)")
    parser.add_argument("--each", type=int, default=10, metavar="N", help="questions of each person (default: 10)")
    parser.add_argument("--questions", type=int, default=5_000, metavar="N", help="memory over N questions (0: skip)")
    parser.add_argument("--documents", type=int, default=300, metavar="N", help="documents to index (0: skip)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        if run_app(home, "index", log=folder / "index.log").wait():
            raise SystemExit((folder / "index.log").read_text())
        print(f"{machine()}\n\n{HEADER}", flush=True)
        with server(home, folder / "serve.log") as (running, address):
            process = psutil.Process(running.pid)
            asyncio.run(started(address))
            for count in map(int, given.people.split(",")):
                before = memory(process)
                people = asyncio.run(crowd(address, count, questions(), given.each))
                print(row(f"{count}", people, before, memory(process)), flush=True)
            before = memory(process)
            people, bulk = asyncio.run(with_bulk(address, given.each))
            print(row(f"{_FEW}, a program sends {_AT_ONCE} at a time", people, before, memory(process)))
            print(row("... the program itself", [bulk], before, memory(process)), flush=True)
            if given.documents:
                before = memory(process)
                people = with_indexing(address, home, folder, given.documents)
                name = f"{_FEW}, {given.documents} documents indexed and an evaluation run"
                print(row(name, people, before, memory(process)), flush=True)
            if given.questions:
                print(many_questions(address, process, given.questions), flush=True)
        print("\nErrors in the log:", (home / "logs" / "footnote.log").read_text().count("Traceback"))


if __name__ == "__main__":
    main()
