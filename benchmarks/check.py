"""Accuracy of the check on supported and unsupported sentences: python -m benchmarks.check WICE [--squad FILE]

WICE is wice/claim-oracle-chunks-dev.jsonl.gz: 349 claims, each with its first chunk; "supported" is the positive class.
With a SQuAD file, statements are generated from it (`statements.py`), and each kind of false statement is compared with
the true statements. Nothing is fitted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.statements import Statement, read_statements
from index.text.aliases import Aliases, find_aliases
from rag.check import Verdict
from rag.check.sentence import SourceFacts, check_sentence
from rag.evaluation.statistics import SAMPLES, SEED, Floats, auroc, bounds

FALSE_ALARMS = 0.05
EACH = 400
"""Number of statements of each false kind."""


def wice(path: Path) -> None:
    """Print precision, recall, F1 and AUROC of "supported", with intervals."""
    labels, verdicts = list[float](), list[Verdict]()
    seen = set[str]()
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    for row in rows:
        if row["meta"]["id"] in seen:
            continue
        seen.add(row["meta"]["id"])
        labels.append(float(row["label"] == "supported"))
        verdicts.append(check_sentence(row["claim"], [source("\n".join(row["evidence"]), row["meta"]["claim_title"])]))
    positive = np.array(labels)
    score = np.array([one.score for one in verdicts])
    print(f"\n{len(labels)} claims of WiCE, {int(positive.sum())} supported.\n")
    print("| called supported | precision | recall | F1 |\n|---|---|---|---|")
    for name, kinds in (("supported", ("supported",)), ("supported or weak", ("supported", "weak"))):
        called = np.array([float(one.kind in kinds) for one in verdicts])
        measures = [_precision, _recall, _f1]
        print(f"| {name} | " + " | ".join(interval(measure, positive, called) for measure in measures) + " |")
    print(f"\nAUROC {interval(auroc_of, positive, score)}")


def generated(path: Path) -> None:
    """Print the caught share of each false kind at 5% false alarms, and the verdicts."""
    statements = read_statements(path, EACH)
    sources = {one.passage: source(one.passage, one.article) for one in statements}
    started = time.perf_counter()
    verdicts = [check_sentence(one.text, [sources[one.passage]]) for one in statements]
    spent = 1000 * (time.perf_counter() - started) / len(statements)
    true = _scores(statements, verdicts, "true", None)
    threshold = float(np.sort(true)[int(FALSE_ALARMS * len(true))])
    print(
        f"\n{len(statements)} generated statements, {len(true)} true; {spent:.1f} ms each with the reading of passages."
    )
    print(f"5% of the true statements score below {threshold:.3f}.\n")
    print("| statements | n | caught at 5% false alarms | AUROC | left out | marked weak |")
    print("|---|---|---|---|---|---|")
    kinds = sorted({(one.kind, one.near) for one in statements if one.kind != "true"}, key=str)
    for kind, near in [*kinds, ("true", None)]:
        score = _scores(statements, verdicts, kind, near)
        of_kind = [v for one, v in zip(statements, verdicts, strict=True) if (one.kind, one.near) == (kind, near)]
        left_out, weak = (np.mean([v.kind == name for v in of_kind]) for name in ("unsupported", "weak"))
        caught = interval(lambda _, s: float(np.mean(s < threshold)), np.ones(len(score)), score)
        flags = np.concatenate([np.ones(len(true)), np.zeros(len(score))])
        area = interval(auroc_of, flags, np.concatenate([true, score])) if kind != "true" else "-"
        where = {None: "", True: ", of the same passage", False: ", absent"}[near]
        print(f"| {kind}{where} | {len(score)} | {caught} | {area} | {left_out:.3f} | {weak:.3f} |")
    for answer in ("number", "name", "date"):
        rows = [v for one, v in zip(statements, verdicts, strict=True) if one.kind == "true" and one.answer == answer]
        alarms = np.mean([v.score < threshold for v in rows])
        print(f"\nFalse alarms among the {len(rows)} true statements whose answer is a {answer}: {alarms:.3f}", end="")
    print()


def source(text: str, title: str) -> SourceFacts:
    """Return the input of the check: a passage, the title of its article, and the abbreviations it introduces."""
    return SourceFacts(text, title, Aliases(find_aliases(text)))


def _scores(statements: Sequence[Statement], verdicts: Sequence[Verdict], kind: str, near: bool | None) -> Floats:
    pairs = zip(statements, verdicts, strict=True)
    return np.array([verdict.score for one, verdict in pairs if (one.kind, one.near) == (kind, near)])


def auroc_of(positive: Floats, score: Floats) -> float:
    """Return the AUROC of scores in any order."""
    order = np.argsort(-score, kind="stable")
    return auroc(score[order], positive[order])


def _precision(positive: Floats, called: Floats) -> float:
    return _ratio(float(positive @ called), float(called.sum()))


def _recall(positive: Floats, called: Floats) -> float:
    return _ratio(float(positive @ called), float(positive.sum()))


def _f1(positive: Floats, called: Floats) -> float:
    return _ratio(2 * float(positive @ called), float(positive.sum() + called.sum()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def interval(measure: Callable[[Floats, Floats], float], first: Floats, second: Floats) -> str:
    """Return a measure with its 95% bootstrap interval, as text."""
    rng = np.random.default_rng(SEED)
    resamples = (rng.integers(0, len(first), len(first)) for _ in range(SAMPLES))
    low, high = bounds(np.array([measure(first[rows], second[rows]) for rows in resamples]))
    return f"{measure(first, second):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wice", type=Path, help="wice/claim-oracle-chunks-dev.jsonl.gz")
    parser.add_argument("--squad", type=Path, help="a SQuAD file to generate statements from")
    arguments = parser.parse_args()
    wice(arguments.wice)
    if arguments.squad:
        generated(arguments.squad)


if __name__ == "__main__":
    main()
