"""Fits the sentence reader's weights: `python -m benchmarks.fit_reader ../shared/data`. About ten minutes.

Uses squad/train and squadshifts/new_wiki only. The same questions are asked over corpora of three sizes (all of
squad/train, one article, eight paragraphs), because what a missing word means depends on how much there is to miss it
in. Each corpus is asked its own answerable questions, its own unanswerable ones (close), and foreign ones. Figures
come from articles held apart (one in four); the shipped weights from all.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from benchmarks.corpora import Labelled, Paragraph, build, read_squad, shipped_embedder
from index.embed import Embedder, Vectors
from rag.reader.features import QUESTION_FEATURES, SENTENCE_FEATURES, Features, ask, missing_names, question_features
from rag.reader.sentences import WEIGHTS, SentenceReader
from rag.retrieve import Hit, Retriever
from rag.settings import Settings


class _Remembering(Embedder):
    """The same model, but a text is embedded once: corpora of several sizes share their sentences."""

    _seen: dict[str, Vectors]

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        if not hasattr(self, "_seen"):
            self._seen = {}
        fresh = list({text for text in texts if text not in self._seen})
        if fresh:
            self._seen.update(zip(fresh, super().encode_documents(fresh), strict=True))
        return np.stack([self._seen[text] for text in texts])


@dataclass(frozen=True)
class _Asked:
    """One question asked of one corpus: sentence features, which sentences hold the answer, the rest for later."""

    article: int
    kind: str  # answerable, close or foreign
    rows: Features
    holds: list[bool]
    hits: list[Hit]
    unseen: set[str]
    missing: int
    question: str
    idf: dict[str, float]


def _ask_corpus(
    paragraphs: Sequence[Paragraph],
    foreign: Sequence[Labelled],
    embedder: Embedder,
    settings: Settings,
    rng: random.Random,
    limit: int,
) -> list[_Asked]:
    own = [(p.article, q) for p in paragraphs for q in p.questions]
    answerable = [(a, q, "answerable") for a, q in own if q.spans]
    close = [(a, q, "close") for a, q in own if not q.spans]
    picked = rng.sample(answerable, min(limit, len(answerable))) + rng.sample(close, min(limit // 2, len(close)))
    picked += [(paragraphs[0].article, q, "foreign") for q in rng.sample(list(foreign), limit // 2)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        generation = build(paragraphs, Path(folder), embedder, settings)
        retriever = Retriever(generation, embedder, candidates=50, dense_weight=settings.dense_weight)
        reader = SentenceReader(generation, embedder)
        sources = {id_: source for source, id_ in generation.catalog.article_ids().items()}
        for article, question, kind in picked:
            query = retriever.query(question.text)
            hits = retriever.retrieve(query, 10)
            if not hits:
                continue
            asked = ask(query.text, query.idf)
            frequency = generation.words.document_frequency
            candidates = reader.candidates(query, asked, hits)
            holds = [
                kind == "answerable"
                and sources[c.hit.chunk.article_id] == question.source
                and any(c.start <= a and b <= c.end for a, b in question.spans)
                for c in candidates
            ]
            rows = np.array([c.features for c in candidates])
            unseen = {term for term in query.idf if not frequency(term)}
            missing = len(missing_names(asked, frequency))
            found.append(_Asked(article, kind, rows, holds, hits, unseen, missing, question.text, query.idf))
        generation.close()
    return found


def _fit_questions(rows: Features, labels: Features) -> tuple[Features, float]:
    """Logistic regression on standardised features; (weights, bias) are given back for raw ones."""
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(max_iter=2000).fit(scaler.transform(rows), labels)
    raw = model.coef_[0] / scaler.scale_
    return raw, float(model.intercept_[0] - np.sum(raw * scaler.mean_))


def _fit_sentences(asked: Sequence[_Asked]) -> Features:
    """Conditional logit: the weights under which, of all sentences of a question, those that answer are likeliest.

    Only the order within a question counts, so that a question with many good sentences does not drown the others.
    """
    used = [one for one in asked if any(one.holds)]
    everything = np.concatenate([one.rows for one in used])
    mean, scale = everything.mean(0), everything.std(0) + 1e-9
    longest = max(len(one.rows) for one in used)
    rows = torch.zeros(len(used), longest, everything.shape[1], dtype=torch.double)
    exists = torch.zeros(len(used), longest, dtype=torch.bool)
    holds = torch.zeros_like(exists)
    for number, one in enumerate(used):
        rows[number, : len(one.rows)] = torch.from_numpy((one.rows - mean) / scale)
        exists[number, : len(one.rows)] = True
        holds[number, : len(one.rows)] = torch.tensor(one.holds)
    weights = torch.zeros(everything.shape[1], dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        odds = (rows @ weights).masked_fill(~exists, -1e9)
        likely = torch.logsumexp(odds.masked_fill(~holds, -1e9), 1) - torch.logsumexp(odds, 1)
        value = -likely.mean() + 1e-4 * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy() / scale, dtype=np.float64)


def _question_rows(asked: Sequence[_Asked], sentence: Features) -> tuple[Features, Features]:
    """Question features, and whether one of the three best sentences holds the answer."""
    rows, labels = [], []
    for one in asked:
        odds = one.rows @ sentence
        order = np.argsort(-odds, kind="stable")
        apart = ask(one.question, one.idf)
        best = list(one.rows[order[0]])
        rows.append(question_features(apart, one.hits, best, float(odds[order[0]]), one.missing, one.unseen))
        labels.append(any(one.holds[n] for n in order[:3]))
    return np.array(rows), np.array(labels, dtype=float)


def _report(asked: Sequence[_Asked], sentence: Features, question: tuple[Features, float]) -> float:
    """Print figures of questions that were not fitted on; returns the score under which 5% of answerable ones fall."""
    rows, right = _question_rows(asked, sentence)
    scores = 1 / (1 + np.exp(-(rows @ question[0] + question[1])))
    kinds = np.array([one.kind for one in asked])
    answerable = kinds == "answerable"
    first = [one.holds[int(np.argmax(one.rows @ sentence))] for one in asked if one.kind == "answerable"]
    print(f"answer in the best sentence {np.mean(first):.3f}, in the best three {right[answerable].mean():.3f}")
    threshold = float(np.quantile(scores[answerable], 0.05))
    for kind in ("close", "foreign"):
        other = kinds == kind
        auroc = roc_auc_score(answerable[answerable | other], scores[answerable | other])
        print(f"{kind}: AUROC {auroc:.3f}, refused {np.mean(scores[other] < threshold):.3f} at {threshold:.3f}")
    return threshold


def main() -> None:
    """Fit, report on articles held apart, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    rng = random.Random(0)
    settings = Settings()
    embedder = _Remembering(shipped_embedder().files)
    paragraphs = read_squad(arguments.data / "squad/train.json.gz")
    foreign = [q for p in read_squad(arguments.data / "squadshifts/new_wiki_v1.0.json.gz") for q in p.questions]
    articles = sorted({p.article for p in paragraphs})
    corpora = [(paragraphs, 2000)]
    for article in articles:
        own = [p for p in paragraphs if p.article == article]
        corpora.append((own, 100))
        corpora += [(own[at : at + 8], 30) for at in range(0, len(own) - 8, 24)]
    asked = []
    for part, limit in tqdm(corpora, unit="corpus"):
        asked += _ask_corpus(part, foreign, embedder, settings, rng, limit)
    apart = set(articles[::4])
    fitting = [one for one in asked if one.article not in apart]
    held = [one for one in asked if one.article in apart]
    sentence = _fit_sentences(fitting)
    threshold = _report(held, sentence, _fit_questions(*_question_rows(fitting, sentence)))
    sentence = _fit_sentences(asked)
    question = _fit_questions(*_question_rows(asked, sentence))
    value = {
        "sentence": {"weights": dict(zip(SENTENCE_FEATURES, sentence.round(5), strict=True)), "bias": 0.0},
        "question": {
            "weights": dict(zip(QUESTION_FEATURES, question[0].round(5), strict=True)),
            "bias": round(question[1], 5),
        },
        "refuse_below": round(threshold, 3),
    }
    arguments.out.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    main()
