"""Scores of the rules compared with other scores: python -m benchmarks.check_scores ../shared/data [--model FILE]

Data: statements from the four articles of squad/train that the reading model never saw, and the training claims of
WiCE, each with and without the words that people marked as unsupported. Fitted scores are logistic regressions; on the
articles each is fitted on three and measured on the fourth. `--model` adds a model that `benchmarks.support_model`
trained on such statements of other articles. It uses no test set.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.check import FALSE_ALARMS, auroc_of, interval, source
from benchmarks.statements import read_statements
from benchmarks.support_model import Scorer
from index.encoder.embedder import Embedder, find_model
from rag.check.facts import find_facts
from rag.check.rivals import kind_of
from rag.check.sentence import Measured, judge_sentence, measure, rate
from rag.check.wording import content, coverage
from rag.evaluation.statistics import Floats
from rag.reader.spans import SpanReader
from training.reader.data import CALIBRATION, read_json

_QUESTION_WORDS = {"date": "what date", "number": "how many", "name": "what"}
_FAR = 15.0
"""Log-odds without an answer, below those of any answer."""
_CHUNK = 170
"""Most words of evidence for a claim of WiCE."""
_FOLDS = 5
_FEWEST = 10
"""Least number of statements for which a kind is reported."""


@dataclass(frozen=True)
class Pair:
    """A sentence and a passage; a `group` is either fitted on or measured as a whole."""

    text: str
    passage: str
    title: str
    true: bool
    kind: str
    group: str


@dataclass(frozen=True)
class Measurements:
    """The measurements of a pair.

    For each fact, `cloze` has its kind and three log-odds of the reading model: of the fact, of the best other words,
    and of any answer. The model reads the sentence as a question, with a question word in place of the fact. `whole` is
    the log-odds of any answer to the whole sentence. `trained` is the score of the trained model, 0 without one.
    """

    rules: Measured
    covered: float
    cosine: float
    whole: float
    cloze: tuple[tuple[str, float, float, float], ...]
    trained: float = 0.0


class PairMeasurer:
    """Measures pairs with rules and models."""

    def __init__(self, model: Path | None = None) -> None:
        self._reader = SpanReader()
        self._embedder = Embedder(find_model())
        self._scorer = Scorer(model) if model else None

    def measure_pair(self, pair: Pair) -> Measurements:
        """Measure one pair."""
        facts = source(pair.passage, pair.title)
        rules = measure(pair.text, [facts])
        quoted = " ".join(pair.passage[slice(*one.span)] for one in rules.support)
        sentence, quote = self._embedder.encode_documents([pair.text, quoted or pair.passage[:500]])
        whole = self._reader.read(pair.text, [pair.passage], 1)[0].score
        covered = coverage(content(pair.text), facts.whole.terms)
        span = rules.support[0].span if rules.support else (0, 1)
        trained = self._scorer.score(pair.text, pair.passage, span, pair.title) if self._scorer else 0.0
        return Measurements(rules, covered, float(sentence @ quote), whole, tuple(self._cloze(pair, rules)), trained)

    def _cloze(self, pair: Pair, rules: Measured) -> Iterator[tuple[str, float, float, float]]:
        for fact in find_facts(pair.text):
            if fact in rules.missing or fact.kind == "link":
                continue
            question = pair.text[: fact.start] + _QUESTION_WORDS[kind_of(fact)] + pair.text[fact.end :]
            found = self._reader.read(question.rstrip(".") + "?", [pair.passage], 6)[0]
            own = set(content(fact.text)) or set(fact.text.lower().split())
            own_scores, others = [-_FAR], [-_FAR]
            for answer in found.answers:
                is_own = own.intersection(content(pair.passage[answer.start : answer.end]))
                (own_scores if is_own else others).append(answer.score)
            yield kind_of(fact), max(own_scores), max(others), found.score


def by_rules(one: Measurements) -> list[float]:
    """Return the measurements of the rules as numbers."""
    m = one.rules
    return [
        1 - m.slices, 1 - m.passage, m.apart, m.denied, sum(fact.kind != "name" for fact in m.missing), m.nameless,
        max(0.0, -m.value.margin) if m.value else 0, max(0.0, -m.name.margin) if m.name else 0,
        m.turned is not None, len(m.strays),
    ]  # fmt: skip


def by_reading(one: Measurements) -> list[float]:
    """Return the scores of the reading model, clipped to [-8, 8]."""
    names = [_clipped(own_scores - other) for kind, own_scores, other, _ in one.cloze if kind == "name"]
    values = [_clipped(own_scores - other) for kind, own_scores, other, _ in one.cloze if kind != "name"]
    shares = [_clipped(own_scores - whole) for _, own_scores, _, whole in one.cloze]
    least = [min(names, default=3.0), min(values, default=3.0), min(shares, default=0.0)]
    return [*least, min(0.0, *least[2:]), _clipped(one.whole), float(np.mean(names + values)) if one.cloze else 3.0]


def _clipped(value: float) -> float:
    return max(-8.0, min(8.0, value))


PLAIN: dict[str, Callable[[Measurements], float]] = {
    "the rules, as shipped": lambda one: rate(one.rules),
    "word coverage": lambda one: one.covered,
    "MiniLM cosine with the slice": lambda one: one.cosine,
    "the reading model, sentence as question": lambda one: one.whole,
}
FITTED: dict[str, Callable[[Measurements], list[float]]] = {
    "rules, fitted": by_rules,
    "rules, coverage, cosine": lambda one: [*by_rules(one), one.covered, one.cosine],
    "reading model, a question for each fact": by_reading,
    "rules, reading model": lambda one: [*by_rules(one), *by_reading(one)],
    "all": lambda one: [*by_rules(one), one.covered, one.cosine, *by_reading(one)],
}

OF_MODEL: dict[str, Callable[[Measurements], list[float]]] = {
    "trained model": lambda one: [one.trained],
    "rules, trained model": lambda one: [*by_rules(one), one.trained],
}


def statements(data: Path, each: int) -> list[Pair]:
    """Return the generated statements of the held-out articles."""
    kept = [article for article in read_json(data / "squad/train.json.gz") if article["title"] in CALIBRATION]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.json.gz"
        path.write_bytes(gzip.compress(json.dumps({"data": kept}).encode()))
        generated = read_statements(path, each)
    where = {None: "", True: ", same passage", False: ", absent"}
    return [Pair(s.text, s.passage, s.article, s.kind == "true", s.kind + where[s.near], s.article) for s in generated]


def claims(data: Path) -> list[Pair]:
    """Return each WiCE training claim (false), and the claim without its unsupported words (true).

    The passage has the sentences that support a part of the claim, and the sentences around them.
    """
    generated = []
    with gzip.open(data / "wice/non-supported-tokens-train.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    for number, row in enumerate(rows):
        passage = _chunk(row["evidence"], sorted(row["supporting_sentences"][0]))
        kept = [w for w, out in zip(row["claim_tokens"], row["non_supported_spans"], strict=True) if not out]
        if len(kept) < 3:
            continue
        for words, true in ((row["claim_tokens"], False), (kept, True)):
            group = str(number % _FOLDS)
            generated.append(Pair(_joined(words), passage, row["meta"]["claim_title"], true, "claim", group))
    return generated


def _chunk(lines: Sequence[str], supporting: Sequence[int]) -> str:
    taken = set(supporting)
    for at in supporting:
        for step in (-1, 1, -2, 2):
            near = at + step
            length = sum(len(lines[n].split()) for n in taken)
            if 0 <= near < len(lines) and length + len(lines[near].split()) < _CHUNK:
                taken.add(near)
    return "\n".join(lines[n] for n in sorted(taken))


def _joined(tokens: Sequence[str]) -> str:
    text = re.sub(r" ([.,;:!?%)\]’”]|'s|n't)", r"\1", " ".join(tokens))
    return re.sub(r"([(\[$“]) ", r"\1", text).replace(" - ", "-").replace(" – ", "–")


def cross_validated(
    rows: Floats, true: Floats, groups: Sequence[str], more: tuple[Floats, Floats] | None = None
) -> Floats:
    """Return the scores of each group by a regression fitted on the others and `more`."""
    scores, of = np.zeros(len(rows)), np.array(groups)
    for group in sorted(set(groups)):
        out = of == group
        x, y = rows[~out], true[~out]
        if more is not None:
            x, y = np.concatenate([more[0], x]), np.concatenate([more[1], y])
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
        scores[out] = model.fit(x, y).decision_function(rows[out])
    return scores


def line(name: str, pairs: Sequence[Pair], score: Floats, wice: Floats, wice_true: Floats) -> str:
    """Return a line of the table: the caught share of each kind, and AUROC over all.

    A statement is caught if its score is below that of 95% of the true ones.
    """
    true = np.array([float(pair.true) for pair in pairs])
    threshold = float(np.sort(score[true == 1])[int(FALSE_ALARMS * true.sum())])
    cells = [f"{np.mean(score[[pair.kind == kind for pair in pairs]] < threshold):.2f}" for kind in kinds(pairs)]
    both = (interval(auroc_of, true, score), interval(auroc_of, wice_true, wice))
    return f"| {name} | {' | '.join([*cells, *both])} |"


def of_passed(pairs: Sequence[Pair], measured: Sequence[Measurements]) -> Iterator[str]:
    """Yield a line per kind: the figures of the trained model on statements that the rules support.

    Columns: number of false statements, AUROC, and the share caught at 10% and 20% false alarms.
    """
    passed = [
        (pair, one.trained)
        for pair, one in zip(pairs, measured, strict=True)
        if judge_sentence(one.rules)[0] == "supported"
    ]
    true = np.array([score for pair, score in passed if pair.true])
    for kind in kinds(pairs):
        false = np.array([score for pair, score in passed if pair.kind == kind])
        if len(false) >= _FEWEST:
            labels = np.array([1.0] * len(true) + [0.0] * len(false))
            ordered = interval(auroc_of, labels, np.concatenate([true, false]))
            caught = [f"{np.mean(false < np.quantile(true, share)):.2f}" for share in (0.1, 0.2)]
            yield f"| {kind} | {len(false)} | {ordered} | {' | '.join(caught)} |"


def kinds(pairs: Sequence[Pair]) -> list[str]:
    """Return the kinds of false statements."""
    return sorted({pair.kind for pair in pairs if not pair.true})


def main() -> None:
    """Measure all pairs, fit the scores, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="the folder with squad/ and wice/")
    parser.add_argument("--each", type=int, default=160, help="statements of each false kind")
    parser.add_argument("--model", type=Path, help="a checkpoint of benchmarks.support_model")
    arguments = parser.parse_args()
    measurer = PairMeasurer(arguments.model)
    generated, of_wice = statements(arguments.data, arguments.each), claims(arguments.data)
    measured, of_claims = (
        [measurer.measure_pair(pair) for pair in generated],
        [measurer.measure_pair(pair) for pair in of_wice],
    )
    true, wice_true = (np.array([float(pair.true) for pair in pairs]) for pairs in (generated, of_wice))
    counts = {kind: sum(pair.kind == kind for pair in generated) for kind in kinds(generated)}
    heads = [f"{kind} ({count})" for kind, count in counts.items()]
    print(f"{int(true.sum())} true statements; {len(of_wice) // 2} claims of WiCE.\n")
    print(f"| score | {' | '.join(heads)} | AUROC | AUROC, WiCE claims |\n|{'---|' * (len(heads) + 3)}")
    for name, plain in PLAIN.items():
        print(
            line(
                name,
                generated,
                np.array([plain(one) for one in measured]),
                np.array([plain(c) for c in of_claims]),
                wice_true,
            )
        )
    for name, row in (FITTED | (OF_MODEL if arguments.model else {})).items():
        x, w = np.array([row(one) for one in measured], float), np.array([row(one) for one in of_claims], float)
        score = cross_validated(x, true, [pair.group for pair in generated])
        print(
            line(
                name,
                generated,
                score,
                cross_validated(w, wice_true, [pair.group for pair in of_wice], (x, true)),
                wice_true,
            )
        )
    if arguments.model:
        print("\nThe trained model on the statements that the rules support.\n")
        print("| statements | passed | AUROC | caught at 10% | at 20% |\n|---|---|---|---|---|")
        print("\n".join(of_passed(generated, measured)))


if __name__ == "__main__":
    main()
