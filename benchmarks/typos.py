"""Effect of misspelt questions and of their correction: `python -m benchmarks.typos FILE --limit 200`.

FILE is a question set with its own articles. One content word of each answerable question is misspelt in one of four
ways: a neighbouring key, two letters swapped, one left out, one doubled. Word, letter and way follow from the question
alone, so that all runs ask the same. 95% intervals by bootstrap over questions.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.reader import interval
from index.text.terms import FUNCTION_WORDS
from rag.answer import answer
from rag.engine import Engine
from rag.evaluation.corpus import SAME, engine_for
from rag.evaluation.labels import Corpus, find_labels
from rag.evaluation.questions import Question
from rag.evaluation.read import read_questions
from rag.settings import Settings

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"(?<![\w-])[^\W\d_]{5,}(?![\w-])")


def misspell(question: str) -> str:
    """Misspell a word of at least five letters, if the question has one.

    >>> misspell("Who designed the garden?")
    'Who dseigned the garden?'
    """
    found = [one for one in _WORD.finditer(question) if one.group().lower() not in FUNCTION_WORDS]
    if not found:
        return question
    drawn = zlib.crc32(question.encode())
    match = found[drawn % len(found)]
    word, at = match.group(), 1 + drawn // 64 % (len(match.group()) - 2)
    made = (_neighbour, _swapped, _dropped, _doubled)[drawn // 16 % 4](word, at)
    return question[: match.start()] + made + question[match.end() :]


def _neighbour(word: str, at: int) -> str:
    """Replace a letter by a neighbouring key."""
    row = next((row for row in _ROWS if word[at].lower() in row), "")
    place = row.find(word[at].lower())
    beside = row[place + 1 : place + 2] or row[place - 1 : place]
    return word[:at] + (beside or word[at] * 2) + word[at + 1 :]


def _swapped(word: str, at: int) -> str:
    """Swap two letters; the next pair if they are the same."""
    while at + 2 < len(word) and word[at] == word[at + 1]:
        at += 1
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :] if word[at] != word[at + 1] else word[:-1]


def _dropped(word: str, at: int) -> str:
    return word[:at] + word[at + 1 :]


def _doubled(word: str, at: int) -> str:
    return word[:at] + word[at] + word[at:]


def _ask(
    engine: Engine, questions: Sequence[Question], write: Callable[[str], str], *, exact: bool
) -> list[tuple[bool, bool, bool]]:
    """Return (first passage has a label, refused, question was corrected) of each question."""
    corpus, results = Corpus(engine.parts()[0]), []
    for one in tqdm(questions, unit="question"):
        found = answer(engine, write(one.text), as_typed=exact)
        first = found.passages[0] if found.passages else None
        places = find_labels(one, corpus)
        held = first is not None and any(place.lies_in(first.source, first.start, first.end) for place in places)
        results.append((held, found.refused, found.searched != found.question))
    return results


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        questions = read_questions(arguments.file)
        engine, _ = engine_for(Settings(home=Path(folder)), questions, SAME)
        answerable = [one for one in questions.questions if one.answerable][: arguments.limit]
        print(f"{len(answerable)} answerable questions\n\n| | success@1 | refused | changed |\n|---|---|---|---|")
        ways: list[tuple[str, Callable[[str], str], bool]] = [
            ("as written", str, True),
            ("as written, correction on", str, False),
            ("misspelt", misspell, True),
            ("misspelt, correction on", misspell, False),
        ]
        for name, write, exact in ways:
            columns = np.array(_ask(engine, answerable, write, exact=exact), dtype=float).T
            cells = " | ".join(_cell(column) for column in columns)
            print(f"| {name} | {cells} |", flush=True)


def _cell(column: NDArray[np.float64]) -> str:
    return interval(len(column), lambda chosen: float(column[chosen].mean()))


if __name__ == "__main__":
    main()
