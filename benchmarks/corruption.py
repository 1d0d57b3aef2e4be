"""Damages an index at random and asks it: `python -m benchmarks.corruption [--flips 200] [--first 0]`.

Each time one file of a fresh copy of an index is damaged: mostly a few bytes at one random place are changed, else the
file is cut off, emptied, deleted, overwritten with zeros in part, or swapped with another one. Then `python app.py`
runs as a person would run it: `ask`, or `index` and `ask`, or `doctor`, `index` and `ask`. Every answer must be that of
the whole index, and where something is said, it must be words: no signal, no traceback, no panic.
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

from rag.settings import PROJECT, SEEDS

QUESTIONS = ("Who is the CEO of GM?", "Who counted the otters of pond 612?")
_SECTIONS = 1_050
"""So many that Chroma writes its graph to disk: below a thousand it keeps vectors in its database alone."""
_NEVER = ("Traceback", "panicked", "Segmentation", "Fatal Python error", "Errno")
_TOLD = "damaged"
_WAYS = ("ask", "ask", "ask", "index", "doctor")


@dataclass(frozen=True)
class Whole:
    """An index that is whole: its home, and what each question is answered there."""

    home: Path
    answers: dict[str, Any]


def make(folder: Path) -> Whole:
    """Index two articles and a file of many short sections, twice, so that an older generation stands beside."""
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
    """Damage one file of the index in `home`, chosen at random; returns what was done to which."""
    index = home / "index"
    name = (index / "current").read_text().strip()
    # Of the lists that a person wrote, one may break at a time; locks hold nothing.
    inside = [path for path in (index / "generations" / name).rglob("*") if path.is_file()]
    beside = [path for path in index.iterdir() if path.is_file()]
    files = [path for path in sorted(inside + beside) if not path.name.endswith("lock")]
    # The files of the generation twice as often as the small ones beside it.
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


def trial(whole: Whole, beside: Path, seed: int) -> str:
    """Damage a copy of the index in the folder `beside` and ask it. Returns what came of it.

    Raises AssertionError when a process ended by a signal or said what is no sentence, or an answer differs.
    """
    rng = random.Random(seed)
    home = beside / "home"
    shutil.copytree(whole.home, home)
    done = damage(home, rng)
    question = rng.choice(QUESTIONS)
    try:
        return _asked(home, question, whole.answers[question], rng.choice(_WAYS))
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, {done}: {error}") from None
    finally:
        shutil.rmtree(home)


def _asked(home: Path, question: str, expected: Any, way: str) -> str:
    if way == "ask":
        first = _run(home, "ask", "--json", question)
        if first.returncode == 0:
            assert _answer(first) == expected, f"another answer: {first.stdout}"
            return "told and mended by ask" if _TOLD in first.stderr else "no harm to ask"
        assert first.stderr.strip() and not first.stdout.strip(), first.stdout
    found = way == "doctor" and _run(home, "doctor").returncode != 0
    mended = _run(home, "index")
    assert mended.returncode == 0, mended.stderr
    last = _run(home, "ask", "--json", question)
    assert last.returncode == 0 and _TOLD not in last.stderr, last.stderr
    assert _answer(last) == expected, f"another answer: {last.stdout}"
    told = found or "damaged" in mended.stdout
    return f"told by {way} and mended by index" if told else f"no harm to {way} and index"


def _run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own. Raises AssertionError when it ends by a signal or with more than words."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(home)}
    command = [sys.executable, "app.py", *words]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode >= 0, f"{words[0]} ended by signal {-done.returncode}"
    assert not any(one in said for one in _NEVER), f"{words[0]} said: {said[-2_000:]}"
    return done


def _answer(done: subprocess.CompletedProcess[str]) -> Any:
    """What an answer says and rests on, without what differs from run to run."""
    value = json.loads(done.stdout)
    places = [(one["source"], one["start"], one["end"], one["text"]) for one in value["passages"][:5]]
    return [value["answer"], value["refused"], value["citations"], places]


def run(folder: Path, seeds: Sequence[int]) -> Counter[str]:
    """One trial for each seed; returns how many came to what. Raises AssertionError with all that went wrong."""
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
    """The command."""
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
