"""The seed questions asked of the seed articles, and what came of them: `python -m benchmarks.seeds`.

Counts answerable questions with a citation that contains an acceptable answer (SQuAD-normalised, as a run of tokens),
refusals by tag, and citations that are verbatim. The seed questions measure; nothing is fitted on them.
"""

from __future__ import annotations

import argparse
import json
import re
import string
import tempfile
from pathlib import Path

from rag.answer import answer
from rag.engine import Engine
from rag.settings import SEEDS, Settings


def normalise(text: str) -> list[str]:
    """SQuAD's normalisation: lower case, no punctuation, no articles, split at white space."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def contains(quote: str, acceptable: str) -> bool:
    """True when the normalised, non-empty answer is a contiguous run of tokens of the normalised quote."""
    words, wanted = normalise(quote), normalise(acceptable)
    return bool(wanted) and any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def main() -> None:
    """Ask, count, print; with --failures also each question that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", action="store_true")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
    counts: dict[str, list[bool]] = {"answerable": [], "foreign": [], "close": [], "verbatim": []}
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(Settings(home=Path(home)))
        engine.index()
        catalog = engine.parts()[0].catalog
        for row in rows:
            found = answer(engine, row["question"])
            for one in found.citations:
                article = catalog.article(one.source)
                counts["verbatim"].append(article is not None and article.text[one.start : one.end] == one.quote)
            kind = "answerable" if row["answers"] else row["tags"][0]
            right = (
                any(contains(one.quote, wanted) for one in found.citations for wanted in row["answers"])
                if row["answers"]
                else found.refused
            )
            counts[kind].append(right)
            if arguments.failures and not right:
                print(f"{row['id']} ({found.evidence_score}): {row['question']}\n    {found.text[:300]!r}")
    labels = {
        "answerable": "answerable questions with a citation that contains an acceptable answer",
        "foreign": "foreign questions refused",
        "close": "close questions refused",
        "verbatim": "citations verbatim at their offsets",
    }
    for kind, label in labels.items():
        print(f"{label}: {sum(counts[kind])} of {len(counts[kind])} ({sum(counts[kind]) / len(counts[kind]):.0%})")


if __name__ == "__main__":
    main()
