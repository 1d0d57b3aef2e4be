"""Measures and comparisons as text for the terminal, and the descriptions of the measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.evaluation.compare import Comparison
from rag.evaluation.judge import CAUSES
from rag.printable import one_line

MEANINGS = {
    "success@1": "the first passage holds a label",
    "success@5": "one of the first five does",
    "success@10": "one of the first ten does",
    "recall@5": "labels held within the first five",
    "recall@10": "labels held within the first ten",
    "mrr": "1 / rank of the first passage that holds one",
    "ndcg@10": "how near the top the labels are",
    "exact_match": "the answer is word for word an acceptable one",
    "token_f1": "words shared with an acceptable answer",
    "squad_v2_exact": "the same by SQuAD v2, unanswerable questions too",
    "squad_v2_f1": "the same by SQuAD v2, unanswerable questions too",
    "contains_answer": "a cited quote contains an acceptable answer",
    "forbidden_said": "the answer says what it must not",
    "citation_precision": "citations that are right",
    "citation_recall": "labels that are cited",
    "verbatim": "citations that equal their place in the source",
    "coverage": "questions answered, not refused",
    "risk": "answers that are wrong",
    "misled": "answers that open with words that mislead, or should have been refusals",
    "refusal_precision": "refusals of what is unanswerable",
    "refusal_recall": "unanswerable questions refused",
    "refusal_f1": "both together",
    "evidence_auroc": "how well the evidence score separates answerable from not",
    "ece": "how far the evidence score is from the share that is right",
    "brier": "squared error of the evidence score",
    "brier_base_rate": "the same for always saying the base rate",
    "coverage@5%risk": "share answered at 5% wrong",
    "coverage@10%risk": "share answered at 10% wrong",
    "aurc": "mean risk over all coverages",
}
"""Measure -> short description; the formulas are in measures.py and statistics.py."""


def meaning(name: str) -> str:
    """Return the description of a measure, with its tag if it has one."""
    base, _, tag = name.partition(":")
    return f"{MEANINGS[base]}, tagged {tag}" if tag else MEANINGS[base]


def number(value: float | None) -> str:
    """Format the value of a measure."""
    return "-" if value is None else f"{value:.3f}"


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return the table that `evaluate` prints: all measures with 95% intervals."""
    question_count, answerable = summary["questions"], summary["answerable"]
    lines = [
        f"{question_count:,} questions, {answerable:,} answerable. Means with 95% intervals ({_intervals(summary)}).",
        "",
    ]
    for name, one in summary["measures"].items():
        if one["mean"] is not None:
            interval = f"{number(one['low'])} to {number(one['high'])}"
            lines.append(f"{name:24} {number(one['mean'])}  {interval:14}  {one['n']:>7,}  {meaning(name)}")
    if left_out := [name for name, one in summary["measures"].items() if one["mean"] is None]:
        lines += ["", f"Not measured here: {', '.join(left_out)}."]
    if summary["causes"]:
        lines += ["", "What went wrong, in questions:"]
        lines += [f"{count:>7,}  {CAUSES[cause]}" for cause, count in summary["causes"].items()]
    if summary.get("sentences"):
        lines += ["", "Sentences by verdict, with their share:"]
        lines += [f"{one['n']:>7,}  {one['share']:.3f}  {name}" for name, one in summary["sentences"].items()]
    if summary.get("tokens"):
        counts = ", ".join(f"{count:,} in the {name}s" for name, count in summary["tokens"].items())
        lines += ["", f"Tokens of the language model: {counts}."]
    if summary["timings_ms"]:
        lines += ["", f"{'milliseconds':24} {'median':>8} {'95%':>8}"]
        lines += [f"{stage:24} {one['p50']:>8.1f} {one['p95']:>8.1f}" for stage, one in summary["timings_ms"].items()]
    return "\n".join(lines)


def _intervals(summary: Mapping[str, Any]) -> str:
    made = summary["intervals"]
    return f"bootstrap, {made['samples']:,} resamples, seed {made['seed']}"


def comparison_text(comparison: Comparison) -> str:
    """Return the text that `compare` prints: configuration, measures, changed answers."""
    lines = [
        f"{one_line(comparison.new.name)} against {one_line(comparison.old.name)}, {comparison.shared:,} questions.",
        "",
    ]
    if comparison.makes:
        lines += ["Differences in set-up:", *(f"  {one_line(line)}" for line in comparison.makes), ""]
    lines.append(f"{'':24} {'old':>6} {'new':>6}  {'change (95% interval)':26} verdict")
    for one in comparison.measures:
        if one.change is not None:
            change = f"{one.change:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
            lines.append(f"{one.name:24} {number(one.old):>6} {number(one.new):>6}  {change:26} {one.verdict}".rstrip())
    lines.append("")
    if not comparison.changes:
        lines.append("Every question has the same answer.")
    for kind, count in comparison.kinds.items():
        lines.append(f"{count:>7,} {kind}")
    broke = [change for change in comparison.changes if change.kind == "broke"]
    for row in [change.new for change in broke[:10]]:
        question = one_line(f"{row['id']}: {row['question'][:80]}")
        lines.append(f"         {question} ({CAUSES[row['cause']]})")
    if len(broke) > 10:
        lines.append(f"         and {len(broke) - 10} more; the report shows all")
    return "\n".join(lines)
