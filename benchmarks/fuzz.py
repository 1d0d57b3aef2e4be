"""Hostile input for every parser of files: `python -m benchmarks.fuzz [--tries 100000]`.

Mutates valid files of each format, gives each mutation to the parser in a process with the product's limits of time
and memory, and checks the result: an article whose offsets and text are usable, or a documented refusal. Keeps every
file that fails below --keep; `python -m benchmarks.fuzz --file KEPT` tries it again. Exits with 1 after a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any, Literal

from benchmarks.fuzz_targets import CHECKS, Check, Refused, limits, write_seeds
from benchmarks.mutations import mutated
from index.formats.child import MEMORY
from index.formats.worker import SECONDS

Outcome = Literal["read", "refused", "failed"]
Job = tuple[str, int]
"""A target and the number of the try."""


@dataclass
class Tally:
    """The outcomes of a target; `failures` are (kept file, what happened)."""

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: list[tuple[Path, str]] = field(default_factory=list)

    def count(self, outcome: Outcome, seconds: float) -> None:
        """Count an outcome other than a failure."""
        self.read += outcome == "read"
        self.refused += outcome == "refused"
        self.slowest = max(self.slowest, seconds)


@dataclass(frozen=True)
class Plan:
    """What a run tries: the folder of valid files, the seed, the folder for inputs, the seconds of a try."""

    seeds: Path
    seed: int
    keep: Path
    seconds: float = SECONDS
    checks: Mapping[str, Check] = field(default_factory=lambda: CHECKS)

    def write(self, job: Job) -> Path:
        """Write the mutated file of a job and return its path."""
        target, number = job
        random = Random(f"{self.seed} {target} {number}")
        files = sorted((self.seeds / target).iterdir())
        chosen = random.choice(files)
        data = mutated(chosen.read_bytes(), [one.read_bytes() for one in files], random)
        folder = self.keep / target / f"{self.seed}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / chosen.name
        path.write_bytes(data)
        return path


def attempt(check: Check, path: Path) -> tuple[Outcome, str]:
    """Check one file; return the outcome and what happened."""
    try:
        check(path)
    except Refused as error:
        return "refused", str(error)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:300]
    return "read", ""


def _work(pipe: Connection, plan: Plan) -> None:
    """Answer jobs with (outcome, what happened, seconds) until the parent hangs up."""
    logging.disable()
    warnings.simplefilter("ignore")
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    limits().count_pieces("The tokenizers are loaded before the memory is limited.")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            job = pipe.recv()
            path = plan.write(job)
            started = time.monotonic()
            outcome, words = attempt(plan.checks[job[0]], path)
            seconds = time.monotonic() - started
            if outcome != "failed":
                path.unlink()
                path.parent.rmdir()
            pipe.send((outcome, words, seconds))


class _Worker:
    """A process that tries files, and the job it has."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.job: Job | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._plan), daemon=True)
        self._process.start()
        theirs.close()
        self.pipe.recv()

    def give(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        self.pipe.send(job)

    def is_late(self) -> bool:
        return time.monotonic() - self.since > self._plan.seconds

    def result(self, late: bool) -> tuple[Outcome, str, float]:
        """Return the result of the job; end and replace a process that crashed or is late."""
        self.job = None
        if not late:
            with contextlib.suppress(EOFError, ConnectionResetError):
                outcome, words, seconds = self.pipe.recv()
                return outcome, words, seconds
        self.end()
        self._start()
        return "failed", "was stopped: too slow" if late else "crashed the process", self._plan.seconds * late

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def run(plan: Plan, jobs: Iterator[Job], workers: int, progress: Callable[[int], Any] = bool) -> dict[str, Tally]:
    """Try all jobs in `workers` processes; return the outcomes of each target."""
    tallies: dict[str, Tally] = {}
    pool = [_Worker(plan) for _ in range(workers)]
    done = 0
    try:
        for worker in pool:
            if job := next(jobs, None):
                worker.give(job)
        while busy := {worker.pipe: worker for worker in pool if worker.job}:
            ready = wait(busy, timeout=1)
            for worker in busy.values():
                late = worker.pipe not in ready
                if late and not worker.is_late():
                    continue
                assert worker.job
                target, number = worker.job
                outcome, words, seconds = worker.result(late)
                tally = tallies.setdefault(target, Tally())
                tally.count(outcome, seconds)
                if outcome == "failed":
                    kept = next((plan.keep / target / f"{plan.seed}-{number}").iterdir())
                    tally.failures.append((kept, words))
                done += 1
                progress(done)
                if job := next(jobs, None):
                    worker.give(job)
    finally:
        for worker in pool:
            worker.end()
    return tallies


def all_jobs(targets: list[str], tries: int) -> Iterator[Job]:
    """Yield the jobs of `tries` tries, spread evenly over the targets."""
    return ((targets[number % len(targets)], number // len(targets)) for number in range(tries))


def table(tallies: Mapping[str, Tally]) -> str:
    """Return the outcomes as a Markdown table."""
    lines = ["| parser | tries | read | refused | failures | slowest |", "|---|---:|---:|---:|---:|---:|"]
    for name, one in sorted(tallies.items()):
        failed = len(one.failures)
        tries = one.read + one.refused + failed
        lines.append(f"| {name} | {tries:,} | {one.read:,} | {one.refused:,} | {failed:,} | {one.slowest:.1f} s |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=CHECKS, default=list(CHECKS), help="parsers to try (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "footnote-fuzz")
    parser.add_argument("--file", type=Path, help="only try this kept file, with the traceback of its failure")
    arguments = parser.parse_args()
    if arguments.file:
        CHECKS[arguments.file.absolute().parent.parent.name](arguments.file)
        return
    started = time.monotonic()

    def show(done: int) -> None:
        if done % 1000 == 0:
            print(f"{done:,} tries, {time.monotonic() - started:.0f} s", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        write_seeds(Path(folder))
        plan = Plan(Path(folder), arguments.seed, arguments.keep.absolute())
        tallies = run(plan, all_jobs(arguments.only, arguments.tries), arguments.workers, show)
    print(table(tallies))
    failures = [one for tally in tallies.values() for one in tally.failures]
    for path, words in failures:
        print(f"{words}\n    python -m benchmarks.fuzz --file {path}")
    print(f"\n{arguments.tries:,} tries, {len(failures)} failures, {time.monotonic() - started:.0f} s.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
