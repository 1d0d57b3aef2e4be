"""Answers by a real language model beside quotes: `python -m benchmarks.real_models URL MODEL ../shared/data/people`.

Both writers answer the questions of the folder (docs/ and questions.jsonl, as its README says) and of the seeds, thread
by thread. A model's own answers differ little between runs, since it is asked with temperature 0. Prints verdicts by
kind, the verdicts of its sentences, the false ones that passed the check, the true ones that did not, and times. A
passed sentence counts as false if it matches what the question forbids, or if the sources do not answer the question; a
rejected one as true if it matches what the question needs. `--out` keeps all answers.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.errors import FootnoteError
from rag.answer import answer
from rag.cite import CitedSentence
from rag.conversation.thread import NO_TURNS
from rag.engine import Engine
from rag.evaluation.measures import contains
from rag.settings import SEEDS, Settings, Writer
from rag.types import Answer
from rag.writer.servers import find_url

VERDICTS = ("good", "acceptable", "bad")
_MARKS = re.compile(r"[ \t]*\[\d+\]")
_SAME = str.maketrans({"“": '"', "”": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "\u00a0": " ", "\u202f": " "})
_NOT_SAID = re.compile(
    r"\b(?:passages?|sources?|documents?)\b.{0,40}\b(?:not|n't|nothing|never)\b|\bnot (?:mentioned|stated|specified)\b",
    re.I,
)


@dataclass(frozen=True)
class Turn:
    """A question of the set with its row, and its answer by one writer."""

    row: Mapping[str, Any]
    answer: Answer

    @property
    def text(self) -> str:
        """The answer without marks, with plain quotes and dashes."""
        return _MARKS.sub("", self.answer.text).translate(_SAME)

    @property
    def verdict(self) -> str:
        """One of VERDICTS, by the rules of the set's README."""
        opening = self.text.partition("\n\n")[0]
        refuse = self.row.get("refuse", False)
        if refuse is True:
            return "good" if self.answer.refused or _NOT_SAID.search(opening) else "bad"
        if self.answer.refused:
            return "acceptable" if refuse == "may" else "bad"
        if not all(_matches(group, self.text) for group in self.row.get("need", ())):
            return "bad"
        first = self.row.get("first")
        cited = " ".join(one.source for one in self.answer.citations)
        sources = all(any(name in cited for name in one.split("|")) for one in self.row.get("must_cite", ()))
        right = (
            sources and (not first or _matches(first, opening)) and not _matches(self.row.get("forbid", ()), opening)
        )
        return "good" if right else "acceptable"

    def sentences(self) -> Iterator[CitedSentence]:
        """Yield the sentences that the language model wrote."""
        yield from (one for one in self.answer.all_sentences if one.verdict != "quoted")

    def is_false(self, one: CitedSentence) -> bool:
        """True if a sentence is false by the set's patterns."""
        return self.row.get("refuse") is True or _matches(self.row.get("forbid", ()), one.text.translate(_SAME))

    def is_true(self, one: CitedSentence) -> bool:
        """True if a sentence has what the question needs, and nothing that it forbids."""
        needs = [pattern for group in self.row.get("need", ()) for pattern in group]
        return _matches(needs, one.text.translate(_SAME)) and not self.is_false(one)


def _matches(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def ask_all(engine: Engine, rows: Sequence[Mapping[str, Any]], writer: Writer) -> list[Turn]:
    """Answer the rows thread by thread."""
    turns = []
    bar = tqdm(total=len(rows), unit="question", desc=writer, disable=None)
    for _, thread_rows in groupby(rows, key=lambda row: row["thread"]):
        thread = NO_TURNS
        for row in thread_rows:
            found = answer(engine, row["question"], writer=writer, thread=thread)
            thread = thread.then(found)
            turns.append(Turn(row, found))
            bar.update()
    bar.close()
    return turns


def by_kind(turns: Mapping[Writer, Sequence[Turn]]) -> Iterator[str]:
    """Yield the lines of the table: good, acceptable and bad answers of each kind, for each writer."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for writer, ones in turns.items():
        for one in ones:
            for kind in (one.row["kind"], "all"):
                counts[kind][writer][one.verdict] += 1
    yield "| kind | " + " | ".join(f"{writer}: good / acceptable / bad" for writer in turns) + " |"
    yield "|---|" + "---|" * len(turns)
    for kind, of_writer in sorted(counts.items(), key=lambda item: item[0] == "all"):
        cells = (" / ".join(str(of_writer[writer][verdict]) for verdict in VERDICTS) for writer in turns)
        yield f"| {kind} | {' | '.join(cells)} |"


def of_sentences(turns: Sequence[Turn]) -> Iterator[str]:
    """Yield the counts of written sentences by verdict, and the false that passed and the true that did not."""
    counts: Counter[str] = Counter()
    false, lost = list[str](), list[str]()
    for turn in turns:
        for one in turn.sentences():
            counts[one.verdict] += 1
            line = f"- ({one.verdict}) {turn.row['question']!r}: {one.text}"
            if one.verdict == "unsupported" and turn.is_true(one):
                lost.append(f"{line} [{one.why}]")
            elif one.verdict != "unsupported" and turn.is_false(one):
                false.append(line)
    yield "Sentences: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("supported", "weak", "unsupported"))
    yield f"\nFalse, and passed the check: {len(false)}"
    yield from false
    yield f"\nTrue, and left out: {len(lost)}"
    yield from lost


def of_times(turns: Sequence[Turn]) -> str:
    """Return a line with the median and the 95th percentile of the seconds to the first sentence and to the end."""
    parts = []
    for name, what in (("first_sentence", "to the first sentence"), ("generate", "to the end")):
        seconds = sorted(turn.answer.timings[name] / 1000 for turn in turns if name in turn.answer.timings)
        if seconds:
            slow = seconds[int(0.95 * (len(seconds) - 1))]
            parts.append(f"{statistics.median(seconds):.1f} s {what} (95%: {slow:.1f})")
    checks = sorted(
        turn.answer.timings["check"] / max(1, len([*turn.sentences()]))
        for turn in turns
        if "check" in turn.answer.timings
    )
    if checks:
        parts.append(
            f"{statistics.median(checks):.0f} ms to check a sentence (95%: {checks[int(0.95 * (len(checks) - 1))]:.0f})"
        )
    tokens = [turn.answer.tokens.get("prompt", 0) for turn in turns if turn.answer.tokens]
    prompt = f"{statistics.median(tokens or [0]):.0f} tokens in a prompt"
    return f"{', '.join(parts)}; {prompt}; the model was asked {len(tokens)} times"


def of_seeds(engine: Engine, writers: Sequence[Writer], limit: int | None) -> Iterator[str]:
    """Yield the lines of the table of the sample questions: acceptable answers in the text, and refusals."""
    rows = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()][:limit]
    asked = [row for row in rows if row.get("answers")]
    others = [row for row in rows if not row.get("answers")]
    yield "| sample questions | " + " | ".join(writers) + " |\n|---|" + "---|" * len(writers)
    found = {
        writer: [answer(engine, row["question"], writer=writer) for row in (*asked, *others)] for writer in writers
    }
    held = [
        sum(
            any(contains(one.text, right) for right in row["answers"])
            for one, row in zip(found[writer], asked, strict=False)
        )
        for writer in writers
    ]
    yield f"| of {len(asked)} with answers: the answer holds one | {' | '.join(map(str, held))} |"
    refused = [sum(one.refused for one in found[writer][len(asked) :]) for writer in writers]
    yield f"| of {len(others)} without: refused | {' | '.join(map(str, refused))} |"


def main() -> None:
    """Ask with both writers and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the server, for example http://127.0.0.1:11434/v1")
    parser.add_argument("model", help="the name of its model")
    parser.add_argument("people", type=Path, help="the folder with docs/ and questions.jsonl")
    parser.add_argument("--limit", type=int, help="ask only so many questions, every n-th thread of each kind")
    parser.add_argument("--out", type=Path, help="write all answers to this file, one JSON object a line")
    parser.add_argument("--prompt-tokens", type=int, default=Settings.model_fields["llm_prompt_tokens"].default)
    arguments = parser.parse_args()
    try:
        arguments.url = find_url(arguments.model, arguments.url)
    except FootnoteError as error:
        raise SystemExit(str(error)) from error
    rows = [json.loads(line) for line in (arguments.people / "questions.jsonl").read_text("utf-8").splitlines()]
    if arguments.limit and arguments.limit < len(rows):
        threads = list(dict.fromkeys(row["thread"] for row in rows))
        kept = set(threads[:: max(1, round(len(rows) / arguments.limit))])
        rows = [row for row in rows if row["thread"] in kept]
    model = {"llm_url": arguments.url, "llm_model": arguments.model, "llm_prompt_tokens": arguments.prompt_tokens}
    writers: tuple[Writer, ...] = ("quote", "llm")
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Settings(home=Path(folder) / "people", llm_timeout=600, **model))
        engine.index([arguments.people / "docs"])
        turns: dict[Writer, list[Turn]] = {writer: ask_all(engine, rows, writer) for writer in writers}
        print("\n".join([*by_kind(turns), "", *of_sentences(turns["llm"]), "", of_times(turns["llm"]), ""]))
        if arguments.out:
            lines = [json.dumps({"writer": w, **one.row, **one.answer.to_json()}) for w in writers for one in turns[w]]
            arguments.out.write_text("\n".join(lines) + "\n", "utf-8")
        engine = Engine(Settings(home=Path(folder) / "seeds", llm_timeout=600, **model))
        engine.ensure_index()
        print("\n".join(of_seeds(engine, writers, arguments.limit)))


if __name__ == "__main__":
    main()
