"""A reader without a reading model: scores whole sentences by linear models over counted features.

Two small models, fitted by `benchmarks/fit_reader.py` on public questions: a conditional logit says which sentence of
all likeliest holds the answer (McFadden 1974), a logistic regression whether one of the best does, which is what a
refusal is decided by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from index.chunk import Chunk
from index.embed import Embedder, Vectors
from index.generation import Generation
from index.layout import Span
from index.sentences import sentences
from rag.reader import Evidence, Reading
from rag.reader.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Features,
    ask,
    missing_names,
    question_features,
    sentence_features,
)
from rag.retrieve import Hit, Query

WEIGHTS = Path(__file__).parent / "sentences.json"
READ_PASSAGES = 6
"""Sentences of this many best passages are looked at; more costs time and found no more answers."""
_KEPT = 4096
"""Chunks whose sentence vectors are kept for the next question, about 15 kB each."""
_OPENING, _CLOSING = '“"«', '”"»'
_QUOTES = re.compile('[“”"«»]')
_BULLET = re.compile(r"(?:[•◦▪‣·*+–—-]|\d{1,3}[.)])\s+")


@dataclass(frozen=True)
class Candidate:
    """A sentence of a hit, in article offsets, with its features (one row in the order of SENTENCE_FEATURES)."""

    hit: Hit
    start: int
    end: int
    features: list[float]


@dataclass(frozen=True)
class Linear:
    """Log-odds = features · weights + bias."""

    weights: Features
    bias: float

    def log_odds(self, rows: Features) -> Features:
        """(n, f) features -> (n,) log-odds."""
        return np.asarray(rows @ self.weights + self.bias, dtype=np.float64)


@cache
def load_weights() -> tuple[Linear, Linear, float]:
    """The fitted models, of sentences and of questions, and the score to refuse below."""
    value: Any = json.loads(WEIGHTS.read_text("utf-8"))
    made = []
    for part, names in (("sentence", SENTENCE_FEATURES), ("question", QUESTION_FEATURES)):
        made.append(Linear(np.array([value[part]["weights"][name] for name in names]), value[part]["bias"]))
    return made[0], made[1], float(value["refuse_below"])


class SentenceReader:
    """Reads by counting words and comparing vectors, sentence by sentence."""

    depth = READ_PASSAGES

    def __init__(self, generation: Generation, embedder: Embedder) -> None:
        self._generation = generation
        self._embedder = embedder
        self.refuse_below = load_weights()[2]
        self._sentences = lru_cache(maxsize=_KEPT)(self._sentences_of)

    def read(self, query: Query, hits: Sequence[Hit]) -> Reading:
        """Choose and score sentences; the order of the passages stays the retriever's."""
        asked = ask(query.text, query.idf)
        frequency = self._generation.words.document_frequency
        missing = missing_names(asked, frequency)
        unseen = {term for term in asked.idf if not frequency(term)}
        candidates = self.candidates(query, asked, hits)
        if not candidates:
            return Reading(tuple(hits), (), None, tuple(missing))
        of_sentence, of_question, _ = load_weights()
        odds = of_sentence.log_odds(np.array([one.features for one in candidates]))
        order = np.argsort(-odds, kind="stable")
        best = candidates[order[0]]
        row = question_features(asked, hits, best.features, float(odds[order[0]]), len(missing), unseen)
        share = np.exp(odds - odds.max())
        share /= share.sum()
        evidence = tuple(
            Evidence(candidates[n].hit, candidates[n].start, candidates[n].end, float(share[n])) for n in order
        )
        score = _sigmoid(of_question.log_odds(np.array([row]))[0])
        return Reading(tuple(hits), evidence, score, tuple(missing))

    def candidates(self, query: Query, asked: Asked, hits: Sequence[Hit]) -> list[Candidate]:
        """The sentences of the best hits, each place once, with their features."""
        made: list[Candidate] = []
        seen: set[tuple[str, int]] = set()
        aliases = self._generation.aliases
        for hit in hits[:READ_PASSAGES]:
            chunk = hit.chunk
            spans, vectors = self._sentences(chunk)
            before = ""
            for (start, end), cosine in zip(spans, vectors @ query.vector, strict=True):
                sentence = chunk.text[start:end]
                place = (chunk.article_id, chunk.start + start)
                if place not in seen:
                    seen.add(place)
                    row = sentence_features(asked, hit, before, sentence, float(cosine), aliases)
                    made.append(Candidate(hit, chunk.start + start, chunk.start + end, row))
                before = sentence
        return made

    def _sentences_of(self, chunk: Chunk) -> tuple[list[Span], Vectors]:
        """The sentences of a chunk, as offsets into its text, and their vectors.

        A chunk's sentences are always embedded together, so their vectors do not depend on what was asked before.
        """
        stripped = (bare(chunk.text, *span) for span in sentences(chunk.text))
        spans = [(start, end) for start, end in stripped if start < end]
        return spans, self._embedder.encode_documents([chunk.text[start:end] for start, end in spans])


def bare(text: str, start: int, end: int) -> Span:
    """A sentence without its list mark, and without quotation marks that only enclose the whole of it."""
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    inner = text[start + 1 : end - 1]
    if text[start : start + 1] in _OPENING and text[end - 1 : end] in _CLOSING and not _QUOTES.search(inner):
        start, end = start + 1, end - 1
    return start, end


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
