"""Word list of ordinary English words that are not names: python -m benchmarks.plain_words DATA

Writes rag/check/data/plain_terms.txt. DATA is the folder of the training sets: SQuAD, SQuADShifts, natural questions
and the training claims of WiCE. It reads no test set. A stem is plain if it occurs in lower case in at least two texts
and is rarely a one-word name. A one-word name is a capitalised word inside a sentence, without a capitalised neighbour
("China", but not "New York").
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from index.text.sentences import sentences
from index.text.words import terms
from rag.check.plain import TABLE

_SETS = (
    "squad/train.json.gz",
    "squadshifts/new_wiki_v1.0.json.gz",
    "squadshifts/reddit_v1.0.json.gz",
    "squadshifts/amazon_reviews_v1.0.json.gz",
    "natural/train.json.gz",
)
_CLAIMS = "wice/non-supported-tokens-train.jsonl.gz"
_FEWEST_TEXTS = 2
_MOST_NAMES = 0.2
"""Largest share of the occurrences of a plain stem that may be one-word names."""
_WORD = re.compile(r"[^\W\d_]+")


def texts(data: Path) -> Iterator[tuple[str, str]]:
    """Yield (name of a text, a part of it) from all training sets."""
    for name in _SETS:
        with gzip.open(data / name, "rt", encoding="utf-8") as stream:
            articles = json.load(stream)["data"]
        for number, article in enumerate(articles):
            for place, paragraph in enumerate(article["paragraphs"]):
                # In SQuAD, an article is one text; in the other sets, paragraphs are unrelated.
                key = f"{name} {number}" if name.startswith("squad/") else f"{name} {number} {place}"
                yield key, paragraph["context"]
                yield from ((key, qa["question"]) for qa in paragraph["qas"])
    with gzip.open(data / _CLAIMS, "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            row = json.loads(line)
            parts = [row["claim"], *(text for text in row["evidence"] if not text.startswith("(meta data)"))]
            yield from ((f"claim {number}", text) for text in parts)


def plain_terms(parts: Iterator[tuple[str, str]]) -> list[str]:
    """Return the sorted plain stems of the texts."""
    lowercase, single = Counter[str](), Counter[str]()
    seen_in: dict[str, set[str]] = defaultdict(set)
    for key, text in parts:
        for start, end in sentences(text):
            words = list(_WORD.finditer(text, start, end))
            capital = [match.group()[0].isupper() for match in words]
            if len(words) > 3 and sum(capital) > len(words) / 2:
                continue  # a heading
            for place, match in enumerate(words):
                for term in terms(match.group()):
                    if not capital[place]:
                        lowercase[term] += 1
                        seen_in[term].add(key)
                    elif place and not _is_in_long_name(text, words, capital, place):
                        single[term] += 1
    return sorted(
        term
        for term, count in lowercase.items()
        if len(seen_in[term]) >= _FEWEST_TEXTS and single[term] <= _MOST_NAMES * (count + single[term])
    )


def _is_in_long_name(text: str, words: list[re.Match[str]], capital: list[bool], place: int) -> bool:
    """True if the word belongs to a name of several words; the first word of a sentence does not count."""
    pairs = ((n, n + 1) for n in (place - 1, place) if n >= 1 and n + 1 < len(words))
    return any(
        capital[left] and capital[right] and text[words[left].end() : words[right].start()] in (" ", "-")
        for left, right in pairs
    )


def main() -> None:
    """Read the command line and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="the folder with squad, squadshifts, natural and wice")
    found = plain_terms(texts(parser.parse_args().data))
    TABLE.write_text("\n".join(found) + "\n", "utf-8")
    print(f"{len(found):,} plain stems in {TABLE}")


if __name__ == "__main__":
    main()
