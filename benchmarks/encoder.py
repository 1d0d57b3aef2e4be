"""Comparison of the shipped int8 encoder with a float32 model: `python -m benchmarks.encoder ../shared/data`.

The float32 model is all-MiniLM-L6-v2, the base of the shipped one, or the model before export: `--full work/encoder`.

Measures, in one run: texts per second of both (and of bfloat16) on the same passages, and of indexing these passages
from files to a checked index; the cosine between the vectors of both models; and how well each retrieves the right
paragraph of squad/dev by cosine alone, with the difference and its 95% bootstrap interval (1,000 seeded resamples of
the questions). Needs the float32 weights (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from benchmarks.corpora import read_squad
from benchmarks.large import cut, write_articles
from benchmarks.retrieval import RESAMPLES
from index.build.write import Builder
from index.encoder.embedder import Embedder, Vectors, find_float32, find_model
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings

_ARTICLES = 70
"""Number of articles, of 20 passages each, for measuring speed."""


def rate(embedder: Embedder, texts: list[str]) -> tuple[float, Vectors]:
    """Return texts per second, and the vectors."""
    embedder.encode_documents(texts[:32])
    started = time.perf_counter()
    vectors = embedder.encode_documents(texts)
    return len(texts) / (time.perf_counter() - started), vectors


def rate_in_bfloat16(folder: Path, texts: list[str]) -> float:
    """Return texts per second of the float32 model in bfloat16."""
    model = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.bfloat16}
    )
    model.encode_document(texts[:32])
    started = time.perf_counter()
    model.encode_document(texts, normalize_embeddings=True, show_progress_bar=False)
    return len(texts) / (time.perf_counter() - started)


def rate_of_indexing(embedder: Embedder, root: Path, home: Path) -> float:
    """Return passages per second of a full sync into an empty home."""
    started = time.perf_counter()
    report = sync(Builder(home, recipe(Settings()), embedder, 20_000_000), [root])
    return report.chunks / (time.perf_counter() - started)


def ranks(
    embedder: Embedder, paragraphs: list[str], questions: list[str], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rank of each question's paragraph, from 1."""
    cosines = embedder.encode_queries(questions) @ embedder.encode_documents(paragraphs).T
    own = np.take_along_axis(cosines, right[:, None], axis=1)
    return np.asarray(1 + (cosines > own).sum(axis=1))


def table_row(name: str, full: NDArray[np.floating[Any]], small: NDArray[np.floating[Any]]) -> str:
    """Return a row of the table."""
    difference = small - full
    draws = np.random.default_rng(0).choice(difference, (RESAMPLES, len(difference))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"| {name} | {full.mean():.3f} | {small.mean():.3f} | {difference.mean():+.4f} ({low:+.4f} to {high:+.4f}) |"


def main() -> None:
    """Measure both models and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("--full", type=Path, default=find_float32().folder, help="the folder of the float32 model")
    arguments = parser.parse_args()
    full, small = Embedder(find_model(str(arguments.full))), Embedder(find_model())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "articles"
        write_articles(arguments.data, root, _ARTICLES)
        texts = [one.searchable for one in cut(root, small)]
        random.Random(0).shuffle(texts)
        slow, wanted = rate(full, texts)
        half = rate_in_bfloat16(arguments.full, texts)
        fast, vectors = rate(small, texts)
        whole = rate_of_indexing(small, root, Path(folder) / "home")
    cosines = (wanted * vectors).sum(axis=1)
    print(f"{len(texts)} passages, {np.mean([small.count_pieces(text) for text in texts]):.0f} word pieces each\n")
    print("| | texts/s | times float32 |\n|---|---|---|")
    for name, value in (
        ("float32, sentence-transformers", slow),
        ("bfloat16, sentence-transformers", half),
        ("int8, shipped", fast),
        ("indexing with int8: read, cut, embed, write, check", whole),
    ):
        print(f"| {name} | {value:.0f} | {value / slow:.2f} |")
    print(f"\ncosine of the two vectors of a passage: mean {cosines.mean():.4f}, lowest {cosines.min():.4f}\n")

    held = read_squad(arguments.data / "squad/dev.json.gz")
    paragraphs = [paragraph.text for paragraph in held]
    pairs = [(question.text, n) for n, one in enumerate(held) for question in one.questions if question.spans]
    right = np.array([n for _, n in pairs])
    of_full, of_small = (ranks(one, paragraphs, [text for text, _ in pairs], right) for one in (full, small))
    print(
        f"{len(paragraphs)} paragraphs, {len(pairs)} questions\n\n| | float32 | int8 | difference |\n|---|---|---|---|"
    )
    for most in (1, 5, 10):
        print(table_row(f"success@{most}", (of_full <= most) * 1.0, (of_small <= most) * 1.0))
    print(table_row("mrr", 1.0 / of_full, 1.0 / of_small))


if __name__ == "__main__":
    main()
