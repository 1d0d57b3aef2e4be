"""Does a test fail if a guard is removed? `python -m benchmarks.guards [WORDS ...]`.

Copies the files of the checkout to a temporary folder. There it removes one guard after the other (of guards.toml)
and runs the tests that are meant to notice. Prints a table of the guards, and exits with 1 if the tests of a guard pass
without it. Words limit it to the guards that contain one of them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from index.program import PROJECT

_MOST_SECONDS = 300
"""Seconds for the tests of a guard; without it some wait for what never comes."""


@dataclass(frozen=True)
class Guard:
    """A guard: the attack it stops, the `code` in a file, what to put there `instead`, and the tests that notice.

    `tests` is a file below tests/, then words for pytest's -k, if any.
    """

    attack: str
    what: str
    path: str
    code: str
    instead: str
    tests: str


GUARDS = [Guard(**one) for one in tomllib.loads((PROJECT / "benchmarks/guards.toml").read_text("utf-8"))["guard"]]


def without(guard: Guard, root: Path) -> str:
    """Return the text of the guard's file below `root` without the guard. Raises ValueError if it has it not once."""
    text = (root / guard.path).read_text("utf-8")
    if text.count(guard.code) != 1:
        raise ValueError(f"{guard.path} has {text.count(guard.code)} times: {guard.code}")
    return text.replace(guard.code, guard.instead)


def failing(guard: Guard, copy: Path) -> int:
    """Return how many tests fail in a copy of the checkout without the guard; 1 if they do not end."""
    path = copy / guard.path
    kept = path.read_text("utf-8")
    file, _, words = guard.tests.partition(" ")
    choice = ["-k", words] if words else []
    try:
        path.write_text(without(guard, copy), "utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=no", f"tests/{file}", *choice]
        running = subprocess.Popen(command, cwd=copy, stdout=subprocess.PIPE, text=True, start_new_session=True)
        said = running.communicate(timeout=_MOST_SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)  # the servers of the tests too
        running.communicate()
        return 1
    finally:
        path.write_text(kept, "utf-8")
    return len(re.findall(r"^(?:FAILED|ERROR) ", said, re.MULTILINE))


def copied(folder: Path) -> Path:
    """Copy the files of the checkout into a folder and return it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    return folder


def main() -> None:
    """Remove each guard, run its tests, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only guards with one of these words")
    given = parser.parse_args()
    chosen = [
        one
        for one in GUARDS
        if not given.words or any(word in f"{one.attack} {one.what} {one.path}" for word in given.words)
    ]
    print("| attack | guard | tests | failed without it | seconds |\n|---|---|---|---|---|")
    missing = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        for guard in chosen:
            started = time.monotonic()
            failed = failing(guard, copy)
            missing += not failed
            seconds = time.monotonic() - started
            print(f"| {guard.attack} | {guard.what} | {guard.tests} | {failed or 'none'} | {seconds:.0f} |", flush=True)
    print(f"\n{len(chosen)} guards; {missing} that no test misses.")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
