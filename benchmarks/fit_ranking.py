"""Fits what stands on the reading model: `python -m benchmarks.fit_ranking ../shared/data`. Some minutes.

The questions of the four articles that training left out are asked, each of one corpus: all paragraphs of squad/train,
those of its article, or eight of them; one foreign question of new_wiki for every ten of them; and a third of the
answerable ones about another name, which no paragraph holds. The order of the
passages is a conditional logit over reading and retrieval (McFadden 1974), the evidence score a logistic regression
that says whether a quoted sentence holds an acceptable answer, and `refuse_below` the highest score under which one in
ten of the answerable falls. Figures are of a cross-validation that leaves out one article at a time; the shipped
weights come from all four.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from benchmarks.corpora import Labelled, Paragraph, build, read_squad, shipped_embedder
from index.aliases import Aliases
from index.embed import Embedder
from index.generation import Generation
from index.layout import Span
from index.text.identifiers import find_identifiers
from rag import write
from rag.evaluation.measures import contains, exact_match, token_f1
from rag.reader import Evidence
from rag.reader.evidence import ANSWERS, READ, WEIGHTS, evidence, rank
from rag.reader.identity import of_what_is_asked, read_about
from rag.reader.plausible import plausible
from rag.reader.ranking import (
    PASSAGE_FEATURES,
    QUESTION_FEATURES,
    Array,
    Asked,
    Linear,
    ask,
    passage_rows,
    question_row,
)
from rag.reader.spans import Found, SpanReader
from rag.retrieve import Hit, Retriever
from rag.settings import Settings
from training.reader.data import CALIBRATION, read_json
from training.reader.unanswerable import make_pool, swap_name

_MOST_READ = 20
_FEW = 8


@dataclass(frozen=True)
class _Read:
    """A question asked: what was retrieved and read, which hits hold an answer, the acceptable answers."""

    article: int
    kind: str  # answerable, close, foreign or renamed
    question: str
    asked: Asked
    aliases: Aliases
    hits: list[Hit]
    found: list[Found]
    holds: list[bool]
    answers: list[str]


_Key = tuple[int, ...]
"""A corpus: () is all paragraphs, (article,) those of an article, (article, n) the nth eight of its paragraphs."""


@dataclass(frozen=True)
class _Picked:
    """A question to ask, of which corpus; `article` is what the cross-validation leaves out together."""

    article: int
    kind: str
    question: Labelled
    corpus: _Key


def _pick(data: Path, paragraphs: Sequence[Paragraph], limit: int | None) -> list[_Picked]:
    titles = [article["title"] for article in read_json(data / "squad/train.json.gz")]
    rng = random.Random(0)
    own = [(p, q) for p in paragraphs if titles[p.article] in CALIBRATION for q in p.questions]
    picked = []
    for paragraph, question in rng.sample(own, min(limit or len(own), len(own))):
        place = [p.source for p in paragraphs if p.article == paragraph.article].index(paragraph.source)
        corpus = rng.choice([(), (paragraph.article,), (paragraph.article, place // _FEW)])
        picked.append(_Picked(paragraph.article, "answerable" if question.spans else "close", question, corpus))
    foreign = [q for p in read_squad(data / "squadshifts/new_wiki_v1.0.json.gz") for q in p.questions]
    for question in rng.sample(foreign, len(picked) // 10):
        beside = rng.choice(picked)
        picked.append(_Picked(beside.article, "foreign", Labelled(question.id, question.text, "", ()), beside.corpus))
    return picked + list(_renamed([one for one in picked if one.kind == "answerable"], data, paragraphs, rng))


def _renamed(
    picked: Sequence[_Picked], data: Path, paragraphs: Sequence[Paragraph], rng: random.Random
) -> Iterator[_Picked]:
    """A third of the questions once more, about a name that no paragraph holds."""
    everything = " ".join(p.text for p in paragraphs)
    names = make_pool((p.text for p in read_squad(data / "squadshifts/new_wiki_v1.0.json.gz")), ())
    for one in rng.sample(picked, len(picked) // 3):
        if changed := swap_name(one.question.text, everything.lower(), names, rng):
            yield replace(one, kind="renamed", question=Labelled(one.question.id, changed, "", ()))


def _read_all(data: Path, reader: SpanReader, limit: int | None) -> list[_Read]:
    paragraphs = read_squad(data / "squad/train.json.gz")
    picked = _pick(data, paragraphs, limit)
    embedder, made = shipped_embedder(), []
    bar = tqdm(total=len(picked), unit="question")
    for corpus in sorted({one.corpus for one in picked}):
        texts = [p for p in paragraphs if not corpus or p.article == corpus[0]]
        if len(corpus) == 2:
            texts = texts[_FEW * corpus[1] :][:_FEW]
        with tempfile.TemporaryDirectory() as folder:
            generation = build(texts, Path(folder), embedder, Settings())
            for one in picked:
                if one.corpus == corpus:
                    made += _read(one, generation, embedder, reader, {p.source: p.text for p in texts})
                    bar.update()
            generation.close()
    return made


def _read(
    picked: _Picked, generation: Generation, embedder: Embedder, reader: SpanReader, texts: dict[str, str]
) -> list[_Read]:
    """The question asked; nothing when there was nothing to read."""
    settings, question = Settings(), picked.question
    retriever = Retriever(generation, embedder, candidates=settings.candidates, dense_weight=settings.dense_weight)
    sources = {id_: source for source, id_ in generation.catalog.article_ids().items()}
    query = retriever.query(question.text)
    hits = retriever.retrieve(query, _MOST_READ)
    found = read_about(reader, query, hits, ANSWERS)
    if not any(one.answers for one in found):
        return []
    holds = [
        sources[hit.chunk.article_id] == question.source
        and any(hit.chunk.start <= a and b <= hit.chunk.end for a, b in question.spans)
        for hit in hits
    ]
    answers = [texts[question.source][a:b] for a, b in question.spans]
    asked = ask(query, generation.words)
    return [_Read(picked.article, picked.kind, query.text, asked, generation.aliases, hits, found, holds, answers)]


def _first(one: _Read, most: int) -> _Read:
    """The same with only the `most` best hits read."""
    return replace(one, hits=one.hits[:most], found=one.found[:most], holds=one.holds[:most])


def _plausible(one: _Read) -> _Read:
    found = plausible(one.question, [hit.chunk.text for hit in one.hits], one.found)
    return replace(one, found=of_what_is_asked(find_identifiers(one.question), one.hits, found, {}))


def _compare_depths(read: Sequence[_Read]) -> None:
    """Print what reading fewer passages would give, and what it gives to hold nothing against any answer."""
    own = [one for one in read if one.kind == "answerable"]
    _compare(f"{READ} passages read, nothing held against an answer", [_first(one, READ) for one in own])
    for most in (5, 8, READ, 12, _MOST_READ):
        _compare(f"{most} passages read", [_plausible(_first(one, most)) for one in own])


def _compare(name: str, cut: Sequence[_Read]) -> None:
    """Print how often the right passage is first, and token F1 of the answering words."""
    of_passage = _fit_passages(cut)
    ranked = [(one, rank(one.hits, one.found, of_passage)) for one in cut]
    first = np.mean([one.holds[one.hits.index(hits[0])] for one, (hits, _, _) in ranked])
    said = [(one, evidence(*all_, 0.3)) for one, all_ in ranked]
    f1 = np.mean([token_f1(_slice(e[0], e[0].answers[0]), one.answers) if e else 0 for one, e in said])
    print(f"{name}: right passage first {first:.4f}, token F1 {f1:.4f}")


def _fit_passages(read: Sequence[_Read]) -> Linear:
    """Conditional logit: the weights under which, of all passages of a question, those that hold an answer are
    likeliest; only the order within a question counts."""
    used = [one for one in read if any(one.holds)]
    rows = [passage_rows(one.hits, one.found) for one in used]
    together = np.concatenate(rows)
    mean, scale = together.mean(0), together.std(0) + 1e-9
    made = [torch.from_numpy((row - mean) / scale) for row in rows]
    holds = [torch.tensor(one.holds) for one in used]
    weights = torch.zeros(together.shape[1], dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        odds = [row @ weights for row in made]
        likely = [o[h].logsumexp(0) - o.logsumexp(0) for o, h in zip(odds, holds, strict=True)]
        value = -torch.stack(likely).mean() + 1e-3 * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return Linear(np.asarray(weights.detach().numpy() / scale, dtype=np.float64), 0.0)


def _fit_lists(read: Sequence[_Read], of_passage: Linear) -> float:
    """The share with which members of a list are named at the best token F1 of the answering words; prints all."""
    known = [(one, rank(one.hits, one.found, of_passage)) for one in read if one.kind == "answerable"]
    scores = {}
    for share in (0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01):
        said = [(one, evidence(*ranked, share)) for one, ranked in known]
        words = [(_slice(found[0], found[0].answers[0]) if found else "", one.answers) for one, found in said]
        scores[share] = np.mean([token_f1(*pair) for pair in words])
        exact = np.mean([exact_match(*pair) for pair in words])
        print(f"members of a list at {share}: exact match {exact:.4f}, token F1 {scores[share]:.4f}")
    return max(scores, key=lambda share: scores[share])


def _slice(one: Evidence, span: Span) -> str:
    return one.hit.chunk.text[span[0] - one.hit.chunk.start : span[1] - one.hit.chunk.start]


def _questions(read: Sequence[_Read], of_passage: Linear, list_share: float, quotes: int) -> tuple[Array, Array]:
    """Question features, and whether one of the sentences that would be quoted contains an acceptable answer."""
    rows, right = [], []
    for one in read:
        hits, found, odds = rank(one.hits, one.found, of_passage)
        rows.append(question_row(one.asked, hits, found, odds, one.aliases))
        chosen = write.choose(evidence(hits, found, odds, list_share), quotes)
        right.append(any(contains(slice_.text, answer) for slice_ in chosen for answer in one.answers))
    return np.array(rows), np.array(right, dtype=float)


def _fit_questions(rows: Array, right: Array) -> Linear:
    """Logistic regression on standardised features; the weights are given back for raw ones."""
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=0.3, max_iter=2000).fit(scaler.transform(rows), right)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    weights = model.coef_[0] / scale
    return Linear(weights, float(model.intercept_[0] - np.sum(weights * scaler.mean_)))


def _report(read: Sequence[_Read], scores: Array, right: Array, first: Array) -> float:
    """Print the figures of questions that were not fitted on; returns the threshold."""
    kinds = np.array([one.kind for one in read])
    answerable = kinds == "answerable"
    fused = np.array([one.holds[0] for one in read])
    print(
        f"answerable: right passage first {first[answerable].mean():.3f} (fused alone {fused[answerable].mean():.3f})"
    )
    print(f"answerable: a quote contains an answer {right[answerable].mean():.3f}")
    for kind in ("close", "foreign", "renamed"):
        other = kinds == kind
        print(f"{kind}: AUROC {roc_auc_score(answerable[answerable | other], scores[answerable | other]):.3f}")
    base = right.mean() * (1 - right.mean())
    print(f"brier {brier_score_loss(right, scores):.3f}, of the base rate {base:.3f}")
    threshold = float(np.quantile(scores[answerable], 0.1))
    for share in (0.02, 0.05, 0.1, 0.15):
        at = float(np.quantile(scores[answerable], share))
        kept = scores >= at
        refused = ", ".join(
            f"{kind} refused {np.mean(scores[kinds == kind] < at):.3f}" for kind in ("close", "foreign", "renamed")
        )
        print(f"{share:.0%} of the answerable refused (below {at:.3f}): risk {1 - right[kept].mean():.3f}, {refused}")
    return threshold


def main() -> None:
    """Fit, report by cross-validation, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--limit", type=int, help="only so many questions")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    quotes = Settings().max_quotes
    read = _read_all(arguments.data, SpanReader(threads=arguments.threads), arguments.limit)
    _compare_depths(read)
    read = [_plausible(_first(one, READ)) for one in read]
    of_passage = _fit_passages(read)
    share = _fit_lists(read, of_passage)
    scores, right, first = np.zeros(len(read)), np.zeros(len(read)), np.zeros(len(read))
    for article in sorted({one.article for one in read}):
        apart = np.array([one.article == article for one in read])
        rest = [one for one in read if one.article != article]
        of_rest = _fit_passages(rest)
        of_question = _fit_questions(*_questions(rest, of_rest, share, quotes))
        held = [one for one in read if one.article == article]
        rows, right[apart] = _questions(held, of_rest, share, quotes)
        scores[apart] = 1 / (1 + np.exp(-of_question.log_odds(rows)))
        first[apart] = [one.holds[int(np.argmax(of_rest.log_odds(passage_rows(one.hits, one.found))))] for one in held]
    threshold = _report(read, scores, right, first)
    of_question = _fit_questions(*_questions(read, of_passage, share, quotes))
    value = {
        "passage": {"weights": dict(zip(PASSAGE_FEATURES, of_passage.weights.round(5), strict=True)), "bias": 0.0},
        "question": {
            "weights": dict(zip(QUESTION_FEATURES, of_question.weights.round(5), strict=True)),
            "bias": round(of_question.bias, 5),
        },
        "refuse_below": round(threshold, 3),
        "list_share": share,
    }
    arguments.out.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    main()
