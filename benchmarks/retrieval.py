"""Retrieval over the paragraphs of a SQuAD file: `python -m benchmarks.retrieval ../shared/data/squad/dev.json.gz`.

Every paragraph is a source; every answerable question searches all of them. A passage is relevant if it contains an
answer span of the question, in the right paragraph. Prints a Markdown table of success@k and MRR for words alone
(BM25), embeddings alone (dense), both fused as shipped, and reciprocal rank fusion for comparison, each with its 95%
bootstrap interval (1,000 resamples of the questions, seeded). `--save` writes the ranks of the fused order to a file;
`--before` compares them with such a file of another version.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.corpora import Labelled, build, read_squad, shipped_embedder
from index.chunk import Chunk
from rag.retrieve import Retriever
from rag.settings import Settings

RESAMPLES = 1000
DEPTH = 50
Order = Callable[[str], list[str]]


def first_ranks(
    questions: Sequence[Labelled], order: Order, holds: Callable[[Labelled, str], bool]
) -> NDArray[np.float64]:
    """Return the rank of the first relevant passage for each question; inf if there is none."""
    ranks = []
    for question in tqdm(questions, unit="question", leave=False):
        relevant = (rank for rank, id_ in enumerate(order(question.text), 1) if holds(question, id_))
        ranks.append(float(next(relevant, np.inf)))
    return np.array(ranks)


def interval(values: NDArray[np.float64]) -> str:
    """Return the mean and its 95% bootstrap interval, as text."""
    draws = np.random.default_rng(0).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def difference(before: Path, ranks: dict[str, float]) -> str:
    """Return a Markdown row: the ranks' measures minus those of the same questions in a file, with 95% intervals."""
    old = json.loads(before.read_text("utf-8"))
    if old.keys() != ranks.keys():
        raise SystemExit(f"{before} has the ranks of other questions: write it with --save on the same file.")
    pairs = np.array([(ranks[id_], old[id_]) for id_ in ranks])
    cells = [interval((pairs[:, 0] <= k).astype(float) - (pairs[:, 1] <= k)) for k in (1, 3, 5, 10)]
    return f"| fused, minus before | {' | '.join([*cells, interval(1 / pairs[:, 0] - 1 / pairs[:, 1])])} |"


def main() -> None:
    """Build the index, rank all questions, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("squad", type=Path)
    parser.add_argument("--save", type=Path, help="a JSON file for the ranks of the fused order")
    parser.add_argument("--before", type=Path, help="such a file of another version, to compare with")
    arguments = parser.parse_args()
    paragraphs = read_squad(arguments.squad)
    questions = [q for p in paragraphs for q in p.questions if q.spans]
    settings, embedder = Settings(), shipped_embedder()
    with tempfile.TemporaryDirectory() as folder:
        generation = build(paragraphs, Path(folder), embedder, settings)
        retriever = Retriever(generation, embedder, candidates=settings.candidates, dense_weight=settings.dense_weight)
        sources = {id_: source for source, id_ in generation.catalog.article_ids().items()}
        chunks: dict[str, Chunk] = generation.catalog.chunks(list(generation.catalog.chunk_ids()))
        queries = {question.text: retriever.query(question.text) for question in tqdm(questions, leave=False)}

        def holds(question: Labelled, id_: str) -> bool:
            chunk = chunks[id_]
            inside = any(chunk.start <= a and b <= chunk.end for a, b in question.spans)
            return inside and sources[chunk.article_id] == question.source

        def dense(text: str) -> list[str]:
            return [id_ for id_, _ in generation.vectors.query(queries[text].vector, DEPTH)]

        def words(text: str) -> list[str]:
            return [id_ for id_, _ in generation.words.query(queries[text].terms, DEPTH)]

        def fused(text: str) -> list[str]:
            return [hit.chunk.id for hit in retriever.retrieve(queries[text], DEPTH)]

        def reciprocal(text: str) -> list[str]:
            scores: dict[str, float] = {}
            for ranking in (dense(text), words(text)):
                for rank, id_ in enumerate(ranking, 1):
                    scores[id_] = scores.get(id_, 0) + 1 / (60 + rank)
            return sorted(scores, key=lambda id_: (-scores[id_], id_))

        print(f"{len(paragraphs)} paragraphs, {generation.manifest.chunks} chunks, {len(questions)} questions\n")
        print("| | success@1 | success@3 | success@5 | success@10 | mrr |\n|---|---|---|---|---|---|")
        orders = {"BM25": words, "dense": dense, "fused (shipped)": fused, "reciprocal rank, k = 60": reciprocal}
        for name, order in orders.items():
            ranks = first_ranks(questions, order, holds)
            cells = [interval((ranks <= k).astype(float)) for k in (1, 3, 5, 10)] + [interval(1 / ranks)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
            if order is fused:
                by_id = dict(zip((question.id for question in questions), ranks.tolist(), strict=True))
        if arguments.save:
            arguments.save.write_text(json.dumps(by_id), "utf-8")
        if arguments.before:
            print(difference(arguments.before, by_id))
        generation.close()


if __name__ == "__main__":
    main()
