"""Fitting of the reader's weights in rag/reader/ranking.json: `python -m benchmarks.fit_ranking ../shared/data`.

The questions are:
- those of the articles that training left out, each with a corpus of all training paragraphs, of its article, or of
  eight paragraphs of its article, so that scores mean the same for large and small corpora;
- for every ten of these, a foreign question of new_wiki;
- a third of the answerable questions with another name, which no paragraph contains;
- those of natural/choose and natural/unanswerable, each with all paragraphs of its file;
- those of the everyday documents that training left out, with all these documents; those that name something of their
  own document are also asked of the other documents.

The small model is fitted first, because it selects the passages for the strong model. For each model, the order of the
passages is a conditional logit over reading and retrieval (McFadden 1974). Two logistic regressions predict if a quoted
sentence contains an acceptable answer, and if the first answering words are an acceptable answer. A question is refused
if its quotes are right with a probability below 1/4; an answer opens with words if these are right with 1/2 or more.
The printed figures come from a cross-validation by article, the shipped weights from all questions.

No file has yes-or-no questions, so some are generated from sentences of natural/choose, with a quarter of its
paragraphs left out. They only set the score below which a yes-or-no question is refused: this must refuse four of five
questions about the left-out paragraphs. `--keep FILE` stores the readings in FILE; a later run loads them.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from benchmarks.corpora import Labelled, Paragraph, build, read_squad, shipped_embedder
from index.build.generation import Generation
from index.encoder.embedder import Embedder
from index.text.aliases import Aliases
from index.text.layout import Span
from rag.evaluation.measures import contains, exact_match, token_f1
from rag.reader import Evidence
from rag.reader.evidence import READ, WEIGHTS, evidence, rank, read_again, read_first
from rag.reader.models import open_reader
from rag.reader.ranking import (
    PASSAGE_FEATURES,
    QUESTION_FEATURES,
    FeatureArray,
    Linear,
    QuestionTraits,
    ReadPassage,
    names_elsewhere,
    passage_rows,
    question_row,
    question_traits,
)
from rag.reader.spans import MODEL, STRONG, SpanReader
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.writer.quote import choose
from training.reader.data import CALIBRATION, read_json
from training.reader.everyday import (
    corpus_of,
    cut_documents,
    read_bundles,
    source_of,
    split_documents,
    with_other_documents,
)
from training.reader.unanswerable import make_pool, swap_name
from training.reader.yes_no import ask_yes_no

_FEW = 8
_APART = -100
"""The group of questions that the fit leaves out."""
_FOLDS = 6
"""Number of groups of natural questions, by article, for the cross-validation."""
_LONG = 12
"""Most words of an acceptable answer to compare with answering words; longer answers are sentences."""
_MEMBERS = 3
"""So many answers are the members of a list, which is an acceptable answer too."""
_RIGHT = 0.5
"""Least token F1 at which answering words count as right."""
_REFUSE_BELOW, _OPEN_FROM = 0.25, 0.5
_REFUSED_YES_NO = 0.8
"""The share of close yes-or-no questions that are refused."""
_ANSWERABLE = ("answerable", "natural", "everyday")
_ELSEWHERE = "everyday elsewhere"
"""Asked of all everyday documents but its own, which it means by name."""
_UNANSWERABLE = ("close", "foreign", "renamed", "natural close", "everyday close", _ELSEWHERE)
_EVERYDAY = -50
"""The highest group number of everyday documents; the others count down from it."""


@dataclass(frozen=True)
class _Read:
    """A question with its read passages, which of them contain an answer, and the acceptable answers."""

    group: int
    kind: str  # one of _ANSWERABLE or _UNANSWERABLE, yes-no or yes-no close
    asked: QuestionTraits
    aliases: Aliases
    elsewhere: dict[str, set[str]]
    passages: list[ReadPassage]
    holds: list[bool]
    answers: list[str]


_Key = tuple[int, ...]
"""A corpus: () is all paragraphs, (article,) those of an article, (article, n) its n-th group of eight."""


@dataclass(frozen=True)
class _Picked:
    """A question and its corpus; the cross-validation leaves out a whole `group` at a time."""

    group: int
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
        neighbour = rng.choice(picked)
        picked.append(
            _Picked(neighbour.group, "foreign", Labelled(question.id, question.text, "", ()), neighbour.corpus)
        )
    return picked + list(_renamed([one for one in picked if one.kind == "answerable"], data, paragraphs, rng))


def _renamed(
    picked: Sequence[_Picked], data: Path, paragraphs: Sequence[Paragraph], rng: random.Random
) -> Iterator[_Picked]:
    """Yield a third of the questions with another name, which no paragraph contains."""
    everything = " ".join(p.text for p in paragraphs)
    names = make_pool((p.text for p in read_squad(data / "squadshifts/new_wiki_v1.0.json.gz")), ())
    for one in rng.sample(picked, len(picked) // 3):
        if changed := swap_name(one.question.text, everything.lower(), names, rng):
            yield replace(one, kind="renamed", question=Labelled(one.question.id, changed, "", ()))


def _natural(data: Path, limit: int | None) -> Iterator[tuple[list[Paragraph], list[_Picked]]]:
    """Yield the paragraphs and the questions of each file of natural questions."""
    for number, name in enumerate(("choose", "unanswerable")):
        paragraphs = read_squad(data / f"natural/{name}.json.gz")
        picked = [
            _Picked(-1 - number * _FOLDS - p.article % _FOLDS, "natural" if q.spans else "natural close", q, ())
            for p in paragraphs
            for q in p.questions
        ]
        yield paragraphs, picked[: limit or len(picked)]


def _everyday(limit: int | None) -> tuple[list[Paragraph], list[_Picked], dict[str, str]]:
    """Return the everyday documents that training left out as files, their questions, and the text read of each."""
    every = read_bundles()
    rng = random.Random(2)
    of_source = {source_of(number, one): one for number, one in enumerate(every)}
    _, apart = split_documents(cut_documents(every))
    files, picked = [], []
    for number, document in enumerate(apart):
        source = document.article.source
        files.append(Paragraph(source, number, of_source[source].text, ()))
        for place, asked in enumerate(document.asked):
            kind = "everyday" if asked.spans else "everyday close"
            question = Labelled(f"{source} {place}", asked.text, source, asked.spans)
            picked.append(_Picked(_EVERYDAY - number % _FOLDS, kind, question, ()))
    chosen = rng.sample(picked, min(3 * limit if limit else len(picked), len(picked)))
    marked = with_other_documents(corpus_of(apart)).questions
    named = {(one.id.split("-", 1)[1].rpartition("-")[0], one.text) for one in marked if one.spans and one.hard}
    moved = [one for one in picked if one.question.spans and (one.question.source, one.question.text) in named]
    chosen += [
        replace(one, kind=_ELSEWHERE, question=replace(one.question, spans=()))
        for one in rng.sample(moved, min(limit // 3 if limit else len(moved), len(moved)))
    ]
    return files, chosen, {one.article.source: one.article.text for one in apart}


def _yes_no(data: Path, limit: int | None) -> tuple[list[Paragraph], list[_Picked]]:
    """Return three quarters of the natural paragraphs, and yes-or-no questions about these and about the others."""
    rng = random.Random(1)
    paragraphs = read_squad(data / "natural/choose.json.gz")
    rng.shuffle(paragraphs)
    left_out = paragraphs[: len(paragraphs) // 4]
    kept = paragraphs[len(left_out) :]
    picked = []
    for kind, texts in (("yes-no close", left_out), ("yes-no", kept[: len(left_out)])):
        for number, one in enumerate(texts[:limit]):
            if made := ask_yes_no(one.text, rng):
                question = Labelled(f"{kind} {number}", made[0], one.source, () if one in left_out else (made[1],))
                picked.append(_Picked(_APART, kind, question, ()))
    return kept, picked


def _read_all(data: Path, models: Sequence[SpanReader], limit: int | None) -> list[list[_Read]]:
    """Return a list of readings of all questions for each model; each model reads after the earlier models."""
    paragraphs = read_squad(data / "squad/train.json.gz")
    picked = _pick(data, paragraphs, limit)
    corpora = [
        (_part(paragraphs, key), [one for one in picked if one.corpus == key])
        for key in sorted({one.corpus for one in picked})
    ]
    corpora += [*_natural(data, limit), _yes_no(data, limit)]
    files, about_files, read_in = _everyday(limit)
    corpora.append((files, about_files))
    embedder = shipped_embedder()
    made: list[list[_Read]] = [[] for _ in models]
    bar = tqdm(total=sum(len(picked) for _, picked in corpora), unit="question", mininterval=10)
    for texts, questions in corpora:
        with tempfile.TemporaryDirectory() as folder:
            generation = build(texts, Path(folder), embedder, Settings())
            of_source = {p.source: p.text for p in texts} | read_in
            for one in questions:
                for kept, read in zip(made, _read(one, generation, embedder, models, of_source), strict=False):
                    kept.append(read)
                bar.update()
            generation.close()
    return made


def _part(paragraphs: Sequence[Paragraph], key: _Key) -> list[Paragraph]:
    """Return the paragraphs of a corpus."""
    texts = [p for p in paragraphs if not key or p.article == key[0]]
    return texts[_FEW * key[1] :][:_FEW] if len(key) == 2 else texts


def _read(
    picked: _Picked,
    generation: Generation,
    embedder: Embedder,
    models: Sequence[SpanReader],
    texts: Mapping[str, str],
) -> Iterator[_Read]:
    """Yield the reading of a question by each model; nothing if no passage has an answer to read."""
    settings, question = Settings(), picked.question
    retriever = Retriever(generation, embedder, candidates=settings.candidates, dense_weight=settings.dense_weight)
    of_source = generation.catalog.article_ids()
    sources = {id_: source for source, id_ in of_source.items()}
    scope = None
    if picked.kind == _ELSEWHERE:
        scope = tuple(id_ for source, id_ in of_source.items() if source != question.source)
    query = retriever.query(question.text, scope)
    passages = read_first(models[0], query, retriever.retrieve(query, READ), {})
    if not any(one.found.answers for one in passages):
        return
    answers = [texts[question.source][a:b] for a, b in question.spans]
    if len(answers) >= _MEMBERS:
        answers.append(", ".join(answers))
    traits = question_traits(query, generation.words.within(query.article_ids))
    found = {one.hit.chunk.article_id for one in passages}
    elsewhere = {id_: names_elsewhere(traits, generation.words, generation.words.within((id_,))) for id_ in found}
    for again in (None, *models[1:]):
        if again:
            passages = read_again(again, query, passages, {})
        chunks = [one.hit.chunk for one in passages]
        holds = [
            sources[chunk.article_id] == question.source
            and any(chunk.start <= a and b <= chunk.end for a, b in question.spans)
            for chunk in chunks
        ]
        yield _Read(picked.group, picked.kind, traits, generation.aliases, elsewhere, passages, holds, answers)


def _fit_passages(read: Sequence[_Read]) -> Linear:
    """Fit a conditional logit: the weights that make the passages with an answer most likely.

    Only the order of the passages within a question counts.
    """
    used = [one for one in read if any(one.holds)]
    rows = [passage_rows(one.passages) for one in used]
    together = np.concatenate(rows)
    scale = together.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    made = [torch.from_numpy((row - together.mean(0)) / scale) for row in rows]
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
    """Return the list share with the best token F1 of the answering words; print the figures of all shares."""
    known = [(one, rank(one.passages, of_passage)) for one in read if _has_words(one)]
    scores = {}
    for share in (0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01):
        words = [(_words(evidence(*ranked, share)), one.answers) for one, ranked in known]
        scores[share] = np.mean([token_f1(*pair) for pair in words])
        exact = np.mean([exact_match(*pair) for pair in words])
        print(f"members of a list at {share}: exact match {exact:.4f}, token F1 {scores[share]:.4f}")
    return max(scores, key=lambda share: scores[share])


def _has_words(one: _Read) -> bool:
    """True if some acceptable answer is short enough to be compared with answering words."""
    return any(len(answer.split()) <= _LONG for answer in one.answers)


def _words(found: Sequence[Evidence]) -> str:
    return _slice(found[0], found[0].answers[0]) if found else ""


def _slice(one: Evidence, span: Span) -> str:
    return one.hit.chunk.text[span[0] - one.hit.chunk.start : span[1] - one.hit.chunk.start]


@dataclass(frozen=True)
class _Rows:
    """Features and flags of n questions.

    `features` is (n, f); the flags are (n,). `right`: a quote contains an acceptable answer. `words`: the first
    answering words are an acceptable answer. `first`: the right passage is first. `judged`: the words can be judged.
    """

    features: FeatureArray
    right: FeatureArray
    words: FeatureArray
    first: FeatureArray
    judged: FeatureArray


def _rows(read: Sequence[_Read], of_passage: Linear, list_share: float, quotes: int) -> _Rows:
    made = []
    for one in read:
        passages, odds = rank(one.passages, of_passage)
        found = evidence(passages, odds, list_share)
        chosen = choose(found, quotes)
        right = any(contains(slice_.text, answer) for slice_ in chosen for answer in one.answers)
        words = bool(one.answers) and token_f1(_words(found), one.answers) >= _RIGHT
        first = one.holds[one.passages.index(passages[0])]
        judged = _has_words(one) or not one.answers
        made.append((question_row(one.asked, passages, one.aliases, one.elsewhere), right, words, first, judged))
    features, *others = zip(*made, strict=True)
    return _Rows(np.array(features), *(np.array(other, dtype=float) for other in others))


def _fit_questions(rows: FeatureArray, right: FeatureArray) -> Linear:
    """Fit a logistic regression on standardised features; return the weights for raw features."""
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=0.3, max_iter=2000).fit(scaler.transform(rows), right)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1.0)
    weights = model.coef_[0] / scale
    return Linear(weights, float(model.intercept_[0] - np.sum(weights * scaler.mean_)))


def _report(read: Sequence[_Read], scores: FeatureArray, words: FeatureArray, rows: _Rows) -> None:
    """Print the figures of the cross-validation."""
    kinds = np.array([one.kind for one in read])
    answerable = np.isin(kinds, _ANSWERABLE)
    for kind in _ANSWERABLE:
        own = kinds == kind
        judged = own & (rows.judged > 0)
        print(
            f"{kind} ({own.sum()}): right passage first {rows.first[own].mean():.3f}, a quote contains an answer "
            f"{rows.right[own].mean():.3f}, the words are right {rows.words[judged].mean():.3f}"
        )
    for kind in _UNANSWERABLE:
        compared = kind.split()[0] if " " in kind else "answerable"
        both = np.isin(kinds, (kind, compared))
        print(f"{kind}: AUROC {roc_auc_score(kinds[both] == compared, scores[both]):.3f}")
    for name, right, score in (("quotes", rows.right, scores), ("words", rows.words, words)):
        counted = rows.judged > 0 if name == "words" else np.ones(len(right), dtype=bool)
        base = right[counted].mean() * (1 - right[counted].mean())
        print(f"{name}: brier {brier_score_loss(right[counted], score[counted]):.3f}, of the base rate {base:.3f}")
    for at in (_REFUSE_BELOW, *(float(np.quantile(scores[answerable], share)) for share in (0.02, 0.05, 0.1, 0.15))):
        kept = scores >= at
        parts = [f"{kind} {np.mean(scores[kinds == kind] < at):.3f}" for kind in (*_UNANSWERABLE, *_ANSWERABLE)]
        print(f"refused below {at:.3f}: risk {1 - rows.right[kept].mean():.3f}, refused of {', '.join(parts)}")
    opened = (scores >= _REFUSE_BELOW) & (words >= _OPEN_FROM) & (rows.judged > 0)
    print(f"opened with words: {opened.mean():.3f} of all questions, right {rows.words[opened].mean():.3f}")


def fit(everything: Sequence[_Read], quotes: int) -> dict[str, Any]:
    """Fit, print the cross-validation, and return the weights for ranking.json."""
    read = [one for one in everything if one.group != _APART]
    of_passage = _fit_passages(read)
    share = _fit_lists(read, of_passage)
    groups = np.array([one.group for one in read])
    scores, words = np.zeros(len(read)), np.zeros(len(read))
    held: dict[int, _Rows] = {}
    for group in sorted(set(groups)):
        rest = [one for one in read if one.group != group]
        of_rest = _fit_passages(rest)
        known, held[group] = (
            _rows(rest, of_rest, share, quotes),
            _rows([one for one in read if one.group == group], of_rest, share, quotes),
        )
        judged = known.judged > 0
        of_quotes = _fit_questions(known.features, known.right)
        of_words = _fit_questions(known.features[judged], known.words[judged])
        scores[groups == group] = 1 / (1 + np.exp(-of_quotes.log_odds(held[group].features)))
        words[groups == group] = 1 / (1 + np.exp(-of_words.log_odds(held[group].features)))
    order = np.concatenate([np.flatnonzero(groups == group) for group in held])
    back = np.argsort(order)
    apart = _Rows(
        *(
            np.concatenate([getattr(held[group], name) for group in held])[back]
            for name in ("features", "right", "words", "first", "judged")
        )
    )
    _report(read, scores, words, apart)
    all_ = _rows(read, of_passage, share, quotes)
    judged = all_.judged > 0
    models = {
        "passage": (PASSAGE_FEATURES, of_passage),
        "question": (QUESTION_FEATURES, _fit_questions(all_.features, all_.right)),
        "words": (QUESTION_FEATURES, _fit_questions(all_.features[judged], all_.words[judged])),
    }
    value: dict[str, Any] = {
        name: {
            "weights": {n: round(float(w), 5) for n, w in zip(names, model.weights, strict=True) if w},
            "bias": round(model.bias, 5),
        }
        for name, (names, model) in models.items()
    }
    yes_no = [one for one in everything if one.group == _APART]
    odds = models["question"][1].log_odds(_rows(yes_no, of_passage, share, quotes).features)
    likely = 1 / (1 + np.exp(-odds))
    is_close = np.array([one.kind == "yes-no close" for one in yes_no])
    low = float(np.quantile(likely[is_close], _REFUSED_YES_NO))
    refused = [float(np.mean(likely[own] < low)) for own in (is_close, ~is_close)]
    print(f"yes-or-no refused below {low:.3f}: yes-no close {refused[0]:.3f}, yes-no {refused[1]:.3f}")
    below = {"refuse_below": _REFUSE_BELOW, "refuse_yes_no_below": round(min(low, _REFUSE_BELOW), 3)}
    return value | below | {"open_from": _OPEN_FROM, "list_share": share}


def main() -> None:
    """Read all questions, fit the weights, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--strong", type=Path, default=STRONG, help="the folder of the strong model")
    parser.add_argument("--limit", type=int, help="most questions of each file")
    parser.add_argument("--keep", type=Path, help="file to store the readings in")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.keep and arguments.keep.is_file():
        read = pickle.loads(arguments.keep.read_bytes())
    else:
        models = [open_reader(folder, arguments.threads) for folder in (MODEL, arguments.strong)]
        read = _read_all(arguments.data, models, arguments.limit)
        if arguments.keep:
            arguments.keep.write_bytes(pickle.dumps(read))
    value = {}
    for name, of_reader in zip(("small", "strong"), read, strict=True):
        print(f"\n{name}\n")
        value[name] = fit(of_reader, Settings().max_quotes)
    arguments.out.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    main()
