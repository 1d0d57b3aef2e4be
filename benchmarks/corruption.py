"""Answers from randomly damaged indexes: `python -m benchmarks.corruption [--flips 200] [--first 0]`.

Each trial damages one file of a fresh copy of an index: mostly it changes a few bytes at a random place, else it
truncates, empties or deletes the file, overwrites a part with zeros, or swaps it with another file. Then `python
app.py` runs as a user would run it: `ask`, or `index` and `ask`, or `doctor`, `index` and `ask`. Every answer must
equal that of the intact index, and every message must be a sentence: no signal, no traceback, no panic.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.program import PROJECT
from rag.settings import SEEDS

QUESTIONS = ("Who is the CEO of GM?", "Who counted the otters of pond 612?")
_SECTIONS = 1_050
"""More than a thousand, because Chroma writes its graph to disk only from there on."""
_NEVER = ("Traceback", "panicked", "Segmentation", "Fatal Python error", "Errno")
_DAMAGED = "damaged"
_WAYS = ("ask", "ask", "ask", "index", "doctor")


@dataclass(frozen=True)
class Whole:
    """An intact index: its home, and its answers by question."""

    home: Path
    answers: dict[str, Any]


def make(folder: Path) -> Whole:
    """Index the seeds and a file of many sections twice, to have an older generation."""
    docs, home = folder / "docs", folder / "home"
    docs.mkdir()
    for path in SEEDS.glob("*.txt"):
        shutil.copy(path, docs)
    names = ["Quill", "Hale", "Marsh", "Brook", "Thorn"]
    sections = [
        f"## Pond {n}\n\nThe otters of pond {n} were counted by Dr. {names[n % 5]}{n % 83} in week {n % 52}.\n"
        for n in range(_SECTIONS)
    ]
    (docs / "ponds.md").write_text("\n".join(sections), "utf-8")
    _run(home, "index", str(docs))
    (docs / "note.txt").write_text("The mill at Farley was built in 1823.", "utf-8")
    _run(home, "index")
    return Whole(home, {question: _answer(_run(home, "ask", "--json", question)) for question in QUESTIONS})


def damage(home: Path, rng: random.Random) -> str:
    """Damage a random file of the index in `home`; return a description."""
    index = home / "index"
    name = (index / "current").read_text().strip()
    # Locks have no content.
    inside = [path for path in (index / "generations" / name).rglob("*") if path.is_file()]
    work = [path for path in index.iterdir() if path.is_file()]
    files = [path for path in sorted(inside + work) if not path.name.endswith("lock")]
    # Mostly files of the generation, sometimes any file.
    path = rng.choice(sorted(inside) if rng.random() < 0.7 else files)
    data = path.read_bytes()
    kind = rng.choices(["flip", "cut", "empty", "delete", "zeros", "swap"], [14, 2, 1, 1, 1, 1])[0]
    at = rng.randrange(len(data)) if data else 0
    if kind == "delete":
        path.unlink()
    elif kind == "swap":
        other = rng.choice([one for one in inside if one != path])
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
        kind = f"swap with {other.relative_to(index)}"
    else:
        changed = {
            "flip": data[:at] + bytes(byte ^ rng.randrange(1, 256) for byte in data[at : at + 3]) + data[at + 3 :],
            "cut": data[:at],
            "empty": b"",
            "zeros": data[:at] + bytes(len(data[at : at + 4096])) + data[at + 4096 :],
        }
        path.write_bytes(changed[kind])
    return f"{kind} at {at:,} of {len(data):,} in {path.relative_to(index)}"


def trial(whole: Whole, work: Path, seed: int) -> str:
    """Damage a copy of the index in `work`, ask it, and return the outcome.

    Raises AssertionError if a process ended by a signal, printed something other than sentences, or gave another
    answer.
    """
    rng = random.Random(seed)
    home = work / "home"
    shutil.copytree(whole.home, home)
    done = damage(home, rng)
    question = rng.choice(QUESTIONS)
    try:
        return _outcome(home, question, whole.answers[question], rng.choice(_WAYS))
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, {done}: {error}") from None
    finally:
        shutil.rmtree(home)


def _outcome(home: Path, question: str, expected: Any, way: str) -> str:
    if way == "ask":
        first = _run(home, "ask", "--json", question)
        if first.returncode == 0:
            assert _answer(first) == expected, f"another answer: {first.stdout}"
            return "reported and repaired by ask" if _DAMAGED in first.stderr else "no harm to ask"
        assert first.stderr.strip() and not first.stdout.strip(), first.stdout
    found = way == "doctor" and _run(home, "doctor").returncode != 0
    mended = _run(home, "index")
    assert mended.returncode == 0, mended.stderr
    last = _run(home, "ask", "--json", question)
    assert last.returncode == 0 and _DAMAGED not in last.stderr, last.stderr
    assert _answer(last) == expected, f"another answer: {last.stdout}"
    is_reported = found or "damaged" in mended.stdout
    return f"reported by {way} and repaired by index" if is_reported else f"no harm to {way} and index"


def _run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process. Raises AssertionError if it ends by a signal or prints a traceback."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(home)}
    command = [sys.executable, "app.py", *words]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode >= 0, f"{words[0]} ended by signal {-done.returncode}"
    assert not any(one in said for one in _NEVER), f"{words[0]} said: {said[-2_000:]}"
    return done


def _answer(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the parts of an answer that must not differ between runs."""
    value = json.loads(done.stdout)
    places = [(one["source"], one["start"], one["end"], one["text"]) for one in value["passages"][:5]]
    return [value["answer"], value["refused"], value["citations"], places]


def run(folder: Path, seeds: Sequence[int]) -> Counter[str]:
    """Run a trial for each seed; return the number of trials by outcome.

    Raises AssertionError with all failures.
    """
    whole = make(folder)
    came: Counter[str] = Counter()
    wrong = []
    for seed in tqdm(seeds, unit="flip", disable=len(seeds) < 30):
        try:
            came[trial(whole, folder / "beside", seed)] += 1
        except AssertionError as error:
            wrong.append(str(error))
            print(error, file=sys.stderr, flush=True)
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(seeds)} went wrong:\n" + "\n".join(wrong))
    return came


def main() -> None:
    """Read the command line and run the trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        came = run(Path(folder), range(arguments.first, arguments.first + arguments.flips))
    print(f"{arguments.flips} times damaged; every answer was that of the whole index, no signal, no traceback:")
    for what, count in came.most_common():
        print(f"  {count:4} {what}")


if __name__ == "__main__":
    main()
