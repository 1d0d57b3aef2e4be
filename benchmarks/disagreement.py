"""Detection of sources that disagree: `python -m benchmarks.disagreement ../shared/data`. Takes two minutes.

A case is two dated sources: a paragraph of squad/dev whose answer to a question has a number or a date, and a newer
page of questions and replies with the same value in other words, or with a changed digit. The question searches both,
and other paragraphs of the article; it is worded as people type. In half of the cases the sources disagree.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks.corpora import Labelled, Paragraph, read_squad
from rag.answer import answer
from rag.choice import Choice
from rag.disagreement import differ
from rag.engine import Engine
from rag.settings import Settings
from training.reader.typed import retype

_EACH = 60
_OTHERS = 3
"""Number of other paragraphs of the article among the sources of a case."""
_LONGEST = 5
"""Most words of an answer that is a value."""
_FORMS = (
    "Q: {question}\nA: {value}.",
    "One reader wrote: {question} Our reply: {value}, as far as we know.",
    "{question}\nThe archive gives {value} for this.",
)


@dataclass(frozen=True)
class Case:
    """A question about `sources` that agree or disagree on the answer."""

    question: str
    sources: tuple[str, ...]
    differs: bool


def _values(paragraphs: Sequence[Paragraph], rng: random.Random) -> Iterator[tuple[Paragraph, Labelled, str, str]]:
    """Yield (paragraph, question, value, other value) in random order, at most one for each paragraph."""
    for paragraph in rng.sample(list(paragraphs), len(paragraphs)):
        for question in rng.sample(list(paragraph.questions), len(paragraph.questions)):
            value = next((paragraph.text[a:b] for a, b in question.spans), "")
            digits = [match.start() for match in re.finditer(r"\d", value)]
            if not digits or len(value.split()) > _LONGEST:
                continue
            at = rng.choice(digits)
            other = value[:at] + rng.choice([d for d in "123456789" if d != value[at]]) + value[at + 1 :]
            if differ(value, other):
                yield paragraph, question, value, other
                break


def write_cases(data: Path, folder: Path, seed: int) -> list[Case]:
    """Write the sources of all cases to `folder` and return the cases."""
    rng = random.Random(seed)
    paragraphs = read_squad(data / "squad/dev.json.gz")
    texts = {p.source: f"{_name(p.source)}\n\n4 May 2020\n\n{p.text}\n" for p in paragraphs}
    for source, text in texts.items():
        (folder / f"{_name(source)}.txt").write_text(text, "utf-8")
    cases = []
    for number, (paragraph, question, value, other) in enumerate(_values(paragraphs, rng)):
        if number == 2 * _EACH:
            break
        claimed = other if number % 2 else value
        form = rng.choice(_FORMS).format(question=question.text, value=claimed)
        name = f"replies-{number}.txt"
        (folder / name).write_text(f"Readers ask, we reply\n\n5 June 2025\n\n{form}\n", "utf-8")
        others = [p for p in paragraphs if p.article == paragraph.article and p is not paragraph]
        added = rng.sample(others, min(_OTHERS, len(others)))
        sources = (name, *(f"{_name(p.source)}.txt" for p in (paragraph, *added)))
        cases.append(Case(retype(question.text, rng), sources, bool(number % 2)))
    return cases


def _name(source: str) -> str:
    return re.sub(r"\W+", "-", source.removesuffix(".txt"))


def main() -> None:
    """Ask all cases; print the number of reported disagreements and refusals by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print the cases with a wrong result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        docs, home = Path(folder) / "docs", Path(folder) / "home"
        docs.mkdir()
        cases = write_cases(arguments.data, docs, arguments.seed)
        engine = Engine(Settings(home=home))
        engine.index([docs])
        reported: dict[bool, list[bool]] = {True: [], False: []}
        refused: dict[bool, int] = {True: 0, False: 0}
        for case in tqdm(cases, unit="case", disable=None):
            found = answer(engine, case.question, choice=Choice(only=case.sources))
            is_reported = any(note.startswith("The sources differ") for note in found.notes)
            reported[case.differs].append(is_reported)
            refused[case.differs] += found.refused
            if arguments.verbose and is_reported != case.differs:
                tqdm.write(f"{'differs' if case.differs else 'agrees'}: {case.question}\n{found.text}\n")
        engine.close()
    right, wrong = sum(reported[True]), sum(reported[False])
    print("| | cases | reported to differ | refused |\n|---|---|---|---|")
    for differs, name in ((True, "they differ"), (False, "they agree, in other words")):
        print(f"| {name} | {len(reported[differs])} | {sum(reported[differs])} | {refused[differs]} |")
    print(f"\nprecision {right / max(1, right + wrong):.3f}, recall {right / max(1, len(reported[True])):.3f}")


if __name__ == "__main__":
    main()
