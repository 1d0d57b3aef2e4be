"""Forms and follow-ups on a set of people's questions: `python -m benchmarks.conversations ../shared/data/people`.

The first two tables have a row for each form that a person would expect (people_forms.tsv, labelled by hand): the form
that the wording of a question asks for, and the form of the answer. A question that the sources do not answer should be
refused. Then every stand-alone question is asked after a turn of another conversation: it must be searched as typed,
except for spelling. Last, the follow-ups are asked in their conversation and alone: does one of the first five passages
match everything that a good answer needs? Takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.people_passages import holds_all
from rag.answer import answer
from rag.conversation.thread import Thread
from rag.engine import Engine
from rag.forms.question_form import requested_form
from rag.settings import Settings
from rag.types import Answer

_FIRST = 5
_EXPECTED = Path(__file__).with_name("people_forms.tsv")
_OPENINGS = {"words": {"words", "sentence"}, "sentence": {"sentence", "words"}, "yes_no": {"sentence"}}
"""Expected form -> acceptable forms, if there are several: the writer gives words only if they are certain."""
_QuestionRow = dict[str, Any]


def is_among_first(found: Answer, need: Sequence[Sequence[str]]) -> bool:
    """True if one of the first five passages matches an expression of each group."""
    texts = [f"{one.heading}\n{one.text}" for one in found.passages[:_FIRST]]
    return any(holds_all(text, need) for text in texts)


def _show(title: str, table: dict[str, Counter[str]]) -> None:
    forms = sorted({form for counts in table.values() for form in counts})
    print(f"\n| {title} | " + " | ".join(forms) + " |\n|---|" + "---|" * len(forms))
    for kind, counts in table.items():
        print(f"| {kind} | " + " | ".join(str(counts[form] or "") for form in forms) + " |")


def main() -> None:
    """Ask the questions and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="the folder with docs/ and questions.jsonl")
    arguments = parser.parse_args()
    lines = (arguments.set / "questions.jsonl").read_text().splitlines()
    rows: list[_QuestionRow] = [json.loads(line) for line in lines]
    threads: dict[str, list[_QuestionRow]] = defaultdict(list)
    for row in rows:
        threads[row["thread"]].append(row)
    expected = dict(line.split("\t") for line in _EXPECTED.read_text().splitlines())
    wordings: dict[str, Counter[str]] = defaultdict(Counter)
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    untouched, changed, within, alone, follow_ups = 0, list[str](), 0, 0, 0
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(Settings(home=Path(home)))
        engine.index([arguments.set / "docs"])
        before = Thread()
        for questions in tqdm(threads.values(), unit="conversation", disable=None):
            thread = Thread()
            for number, row in enumerate(questions):
                question = row["question"]
                found = answer(engine, question, thread=thread)
                wordings[expected[row["id"]]][requested_form(question)] += 1
                answers["refusal" if row.get("refuse") else expected[row["id"]]][found.form] += 1
                if row["kind"] == "follow-up":
                    follow_ups += 1
                    within += is_among_first(found, row["need"])
                    alone += is_among_first(answer(engine, question), row["need"])
                elif number == 0:
                    after = answer(engine, question, thread=before)
                    untouched += after.searched == found.searched
                    if after.searched != found.searched:
                        changed.append(f"{question} -> {after.searched}")
                thread = thread.then(found)
            before = Thread((thread.turns[-1],))
        engine.close()
    _show("expected, form that the wording asks for", wordings)
    _show("expected, form of the answer", answers)
    fitting = sum(counts[form] for name, counts in answers.items() for form in _OPENINGS.get(name, {name}))
    print(f"\nanswers in a form that fits: {fitting} of {len(rows)}")
    print(f"\nstand-alone questions searched as typed: {untouched} of {len(threads)}", *changed, sep="\n  ")
    print(f"follow-ups with a passage that answers among the first {_FIRST}: {within} of {follow_ups}, alone {alone}")


if __name__ == "__main__":
    main()
