"""Refusals with a corpus of one, two or four paragraphs: `python -m benchmarks.few_passages ../shared/data`.

Asks all questions about the articles that training left out, each of a corpus that contains its paragraph, and two
foreign questions of new_wiki for every corpus. A question counts as answered if the reader's score reaches the shipped
threshold, and an answer as wrong if no quoted sentence contains an acceptable answer. Takes some minutes.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.corpora import Labelled, Paragraph, build, read_squad, shipped_embedder
from index.encoder.embedder import Embedder
from rag.evaluation.measures import contains
from rag.reader.evidence import Reader
from rag.reader.models import open_reader
from rag.reader.spans import MODEL, STRONG, SpanReader
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.writer.quote import choose
from training.reader.data import CALIBRATION, read_json

_SIZES = (1, 2, 4)
_FOREIGN = 2
_KINDS = ("answerable", "close", "foreign")
_Outcome = tuple[str, bool, bool]
"""(kind of the question, refused, quotes contain an answer)."""


def _ask(
    corpus: Sequence[Paragraph], foreign: Sequence[Labelled], embedder: Embedder, models: tuple[SpanReader, SpanReader]
) -> list[_Outcome]:
    """Ask all questions about the paragraphs, and the foreign ones, of an index with only these paragraphs."""
    settings, made = Settings(), []
    with tempfile.TemporaryDirectory() as folder:
        generation = build(corpus, Path(folder), embedder, settings)
        retriever = Retriever(generation, embedder, candidates=settings.candidates, dense_weight=settings.dense_weight)
        reader = Reader(generation, models[0], strong=models[1])
        for kind, text, answers in _questions(corpus, foreign):
            query = retriever.query(text)
            reading = reader.read(query, retriever.retrieve(query, reader.depth))
            quoted = choose(reading.evidence, settings.max_quotes)
            right = any(contains(one.text, answer) for one in quoted for answer in answers)
            made.append((kind, (reading.score or 0) < reader.refuse_below(), right))
        generation.close()
    return made


def _questions(corpus: Sequence[Paragraph], foreign: Sequence[Labelled]) -> Iterator[tuple[str, str, list[str]]]:
    for paragraph in corpus:
        for one in paragraph.questions:
            answers = [paragraph.text[start:end] for start, end in one.spans]
            yield "answerable" if answers else "close", one.text, answers
    for one in foreign:
        yield "foreign", one.text, []


def main() -> None:
    """Ask all questions and print a line for each size of corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    titles = [article["title"] for article in read_json(arguments.data / "squad/train.json.gz")]
    own = [p for p in read_squad(arguments.data / "squad/train.json.gz") if titles[p.article] in CALIBRATION]
    foreign = [q for p in read_squad(arguments.data / "squadshifts/new_wiki_v1.0.json.gz") for q in p.questions]
    rng = random.Random(0)
    rng.shuffle(own)
    embedder, models = shipped_embedder(), (open_reader(MODEL, 2), open_reader(STRONG, 2))
    print("| paragraphs | " + " | ".join(f"{kind} refused" for kind in _KINDS) + " | risk |\n|---|---|---|---|---|")
    for size in _SIZES:
        outcomes: list[_Outcome] = []
        for start in tqdm(range(0, len(own) - size + 1, size), desc=f"{size} paragraphs", leave=False, disable=None):
            outcomes += _ask(own[start : start + size], rng.sample(foreign, _FOREIGN), embedder, models)
        shares = [np.mean([refused for kind, refused, _ in outcomes if kind == of]) for of in _KINDS]
        wrong = np.mean([not right for _, refused, right in outcomes if not refused])
        print(f"| {size} | " + " | ".join(f"{share:.3f}" for share in shares) + f" | {wrong:.3f} |", flush=True)


if __name__ == "__main__":
    main()
