"""A run to read: numbers, curves, causes and every question, as one HTML file, and in parts for the page. Pure but for
`write`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from index.generation import write_atomically
from rag.evaluation.compare import Comparison
from rag.evaluation.judge import CAUSES
from rag.evaluation.run import Run, read_run, read_summary
from rag.evaluation.table import meaning, number
from rag.ui import charts
from rag.ui.html import day, escape

_ROOM = Path(__file__).parent
_HEADLINES = ("contains_answer", "citation_precision", "success@5", "token_f1", "coverage", "risk", "refusal_f1", "evidence_auroc")
_AROUND = 240
"""Characters shown on each side of a quote."""
_FAILED = "failed"


def write(folder: Path, compared: Comparison | None = None, out: Path | None = None) -> Path:
    """Write the report of the finished run in `folder`, to report.html there unless `out` names a file."""
    target = out or folder / "report.html"
    write_atomically(target, document(read_run(folder), read_summary(folder), compared))
    return target


def document(run: Run, summary: Mapping[str, Any], compared: Comparison | None = None) -> str:
    """The whole report: one file that needs nothing else."""
    style = (_ROOM / "page.css").read_text("utf-8")
    script = (_ROOM / "filter.js").read_text("utf-8")
    body = overview(run, summary) + (comparison(compared) if compared else "") + details(summary) + questions(run)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Evaluation: {escape(run.name)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f'<style>{style}</style></head><body class="fn-reading"><main class="fn-report">{body}</main>'
        f"<script>{script}</script></body></html>"
    )


# --- numbers ----------------------------------------------------------------------------------------------------------


def overview(run: Run, summary: Mapping[str, Any]) -> str:
    """What was asked of what, the headline numbers, the curves and the causes."""
    made = summary["made_by"]
    asked, answerable = summary["questions"], summary["answerable"]
    how = [f"{asked:,} questions, {answerable:,} answerable", f"Footnote {made['footnote']}"]
    how += ["never refusing"] if made["options"]["never_refuse"] else []
    how += [f"only tagged {', '.join(made['options']['tags'])}"] if made["options"]["tags"] else []
    tiles = "".join(_tile(name, summary["measures"][name]) for name in _HEADLINES)
    return (
        f"<h1>Evaluation: {escape(made['question_set']['name'])}</h1>"
        f'<p class="fn-meta">{escape(" · ".join(how))} · run {escape(run.name)}</p>'
        f'<div class="fn-tiles">{tiles}</div>{_curves(run)}{_causes(summary)}'
    )


def _tile(name: str, one: Mapping[str, Any]) -> str:
    if one["mean"] is None:
        return ""
    interval = f"{number(one['low'])} to {number(one['high'])}"
    drawn = charts.range_bar(one["mean"], one["low"], one["high"])
    return (
        f'<div class="fn-tile"><h3>{escape(name)}</h3><p><b>{number(one["mean"])}</b> <span>{interval}</span></p>{drawn}'
        f"<p>{escape(meaning(name))}</p></div>"
    )


def _curves(run: Run) -> str:
    coverage, risk = run.scores.risk_coverage()
    labelled = [row["scores"] for row in run.rows if row["scores"]["recall@10"] is not None]
    recall = [
        (float(k), sum(sum(one["credits"][:k]) / one["labels"] for one in labelled) / len(labelled))
        for k in range(1, 11)
        if labelled
    ]
    drawn = [
        (
            "Risk against coverage",
            "the surest answers first: which share of the questions is answered at which share of wrong ones",
            charts.line_chart("risk against coverage", "coverage", "risk", list(zip(coverage, risk, strict=True))),
        ),
        (
            "recall@k",
            "labels held within the first k passages",
            charts.line_chart("recall at k for k from 1 to 10", "k", "recall", [(0.0, 0.0), *recall], 10),
        ),
    ]
    figures = "".join(
        f"<figure>{chart}<figcaption><b>{escape(title)}</b>: {escape(words)}</figcaption></figure>"
        for title, words, chart in drawn
        if chart
    )
    return f'<div class="fn-figures">{figures}</div>' if figures else ""


def _causes(summary: Mapping[str, Any]) -> str:
    causes = summary["causes"]
    if not causes:
        return "<h2>What went wrong</h2><p>Nothing that can be told from the labels.</p>"
    rows = "".join(
        f"<tr><td>{escape(CAUSES[cause])}</td><td>{count:,}</td><td>{charts.bar(count / summary['questions'])}</td></tr>"
        for cause, count in causes.items()
    )
    return (
        "<h2>What went wrong</h2>"
        f'<table class="fn-table"><thead><tr><th>cause</th><th>questions</th><td></td></tr></thead><tbody>{rows}</tbody></table>'
    )


def details(summary: Mapping[str, Any]) -> str:
    """Every measure with its interval, the time of each stage, and what made the run."""
    measured = "".join(
        f"<tr><th>{escape(name)}</th><td>{number(one['mean'])}</td><td>{number(one['low'])} to {number(one['high'])}</td>"
        f"<td>{one['n']:,}</td><td>{escape(meaning(name))}</td></tr>"
        for name, one in summary["measures"].items()
        if one["mean"] is not None
    )
    slowest = max((one["p95"] for one in summary["timings_ms"].values()), default=1) or 1
    times = "".join(
        f"<tr><th>{escape(stage)}</th><td>{one['p50']:.1f}</td><td>{one['p95']:.1f}</td><td>{charts.bar(one['p50'] / slowest)}</td></tr>"
        for stage, one in summary["timings_ms"].items()
    )
    made = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _flat(summary["made_by"]))
    resampled = f"bootstrap of the questions, {summary['intervals']['samples']:,} resamples"
    return (
        '<h2>All measures</h2><div class="fn-scroll"><table class="fn-table"><thead><tr><th>measure</th><th>mean</th>'
        f"<th>95% interval ({resampled})</th><th>questions</th><th>what it says</th></tr></thead><tbody>{measured}</tbody></table>"
        '</div><h2>Time per stage, in milliseconds</h2><table class="fn-table"><thead><tr><th>stage</th><th>median</th>'
        f"<th>95%</th><td></td></tr></thead><tbody>{times}</tbody></table>"
        f"<details><summary>What made this run</summary><dl class='fn-made'>{made}</dl></details>"
    )


def _flat(value: Mapping[str, Any], inside: str = "") -> Iterable[tuple[str, str]]:
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield from _flat(one, f"{inside}{key}.")
        else:
            yield f"{inside}{key}", str(one)


# --- a comparison -----------------------------------------------------------------------------------------------------


def comparison(compared: Comparison) -> str:
    """Verdicts per measure, what was not the same, and the answers that changed, old and new side by side."""
    rows = "".join(
        f"<tr><th>{escape(one.name)}</th><td>{number(one.old)}</td><td>{number(one.new)}</td>"
        f'<td>{one.change:+.3f}</td><td>{one.low:+.3f} to {one.high:+.3f}</td><td class="fn-{_class(one.verdict)}">{one.verdict}</td></tr>'
        for one in compared.measures
        if one.change is not None
    )
    alike = "".join(f"<li>{escape(line)}</li>" for line in compared.makes)
    changed = "".join(_changed(change.kind, change.old, change.new) for change in compared.changes)
    counts = ", ".join(f"{count} {kind}" for kind, count in compared.kinds.items()) or "none"
    return (
        f"<h2>Against {escape(compared.old.name)}</h2>"
        + (f"<p>Not made alike:</p><ul>{alike}</ul>" if alike else "<p>Made alike: same questions, corpus and settings.</p>")
        + '<div class="fn-scroll"><table class="fn-table"><thead><tr><th>measure</th><th>old</th><th>new</th><th>change</th>'
        f"<th>95% interval</th><th>verdict</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"<h3>Changed answers: {escape(counts)}</h3>{changed}"
    )


def _class(verdict: str) -> str:
    return verdict.split()[0] if verdict else "no"


def _changed(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    sides = "".join(
        f"<div><h4>{name}</h4>{_answer(row)}<p class='fn-meta'>{escape(_cause(row))}</p></div>"
        for name, row in (("old", old), ("new", new))
    )
    return (
        f'<details class="fn-row"><summary dir="auto"><b class="fn-{kind.split()[0]}">{escape(kind)}</b> '
        f'{escape(new["question"])}</summary><div class="fn-sides">{sides}</div></details>'
    )


def _cause(row: Mapping[str, Any]) -> str:
    return CAUSES[row["cause"]] if row["cause"] else "nothing wrong"


# --- questions --------------------------------------------------------------------------------------------------------


def questions(run: Run, most: int | None = None, *, chat: bool = False) -> str:
    """Every question with its answer, to filter by words, outcome and tag; the first `most`, failures first.

    With `chat` each has a button that asks it in the chat.
    """
    rows = sorted(run.rows, key=lambda row: row["cause"] is None) if most else run.rows
    shown = rows[:most]
    seen = {row["cause"] for row in shown if row["cause"]}
    causes = [(cause, words) for cause, words in CAUSES.items() if cause in seen]
    tags = sorted({tag for row in shown for tag in row["scores"]["tags"]})
    outcomes = [("", "every outcome"), ("right", "nothing wrong"), (_FAILED, "anything wrong"), *causes]
    pick = _select("outcome", "Outcome", outcomes)
    pick += _select("tag", "Tag", [("", "every tag"), *((tag, tag) for tag in tags)]) if tags else ""
    left_out = f" The first {len(shown):,} of {len(rows):,}, failures first; the report has all." if len(shown) < len(rows) else ""
    items = "".join(_row(row, chat) for row in shown)
    return (
        f'<section class="fn-questions"><h2>Questions</h2><div class="fn-filter"><input type="search" aria-label="Filter '
        f'questions by words" placeholder="Words ...">{pick}<output>{len(shown):,} questions</output></div>'
        f'<p class="fn-meta">Open a question to see its answer and the sources it cites.{left_out}</p>{items}</section>'
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    made = "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in options)
    return f'<select data-filter="{name}" aria-label="{label}">{made}</select>'


def _row(row: Mapping[str, Any], chat: bool) -> str:
    cause = row["cause"]
    outcome = f"{_FAILED} {cause}" if cause else "right"
    expected = "; ".join(row["answers"]) or {True: "labelled, no words", False: "unanswerable"}.get(
        row["scores"]["answerable"], "not labelled"
    )
    opened = f'<button type="button" class="fn-action" data-do="chat" data-question="{escape(row["question"])}">Ask in the chat</button>'
    score = row["answer"]["evidence_score"]
    told = f"Expected: {expected} · evidence score {number(score)} · {row['answer']['timings'].get('total', 0):.0f} ms"
    state = f'<b class="fn-{"broke" if cause else "mended"}">{"✗" if cause else "✓"}</b>'
    return (
        f'<details class="fn-row" data-outcome="{escape(outcome)}" data-tag="{escape(" ".join(row["scores"]["tags"]))}">'
        f'<summary dir="auto">{state} <span>{escape(row["question"])}</span> <span class="fn-meta">{escape(_cause(row))}</span>'
        f"</summary>{_answer(row)}<p class='fn-meta' dir='auto'>{escape(told)}</p>{_labels(row)}{opened if chat else ''}</details>"
    )


def _labels(row: Mapping[str, Any]) -> str:
    told = [f"{one['source']}{': ' + one['missing'] if one['missing'] else _at(one['spans'])}" for one in row["labels"]]
    return f"<p class='fn-meta' dir='auto'>Labelled: {escape('; '.join(told))}</p>" if told else ""


def _at(spans: Sequence[Sequence[int]]) -> str:
    return f", characters {spans[0][0]} to {spans[0][1]}" if spans else ""


def _answer(row: Mapping[str, Any]) -> str:
    """The answer and each of its citations, highlighted in its surroundings."""
    answer = row["answer"]
    label = '<p class="fn-verdict">Not in the sources</p>' if answer["refused"] else ""
    said = "".join(f'<p dir="auto">{_marked(part)}</p>' for part in answer["answer"].split("\n\n"))
    cards = "".join(_citation(one, answer["passages"]) for one in answer["citations"])
    return f'<div class="fn-answer">{label}{said}</div>{cards}'


def _marked(text: str) -> str:
    """Escaped text with its [1] markers raised."""
    parts = re.split(r"\[(\d+)\]", text)
    return "".join(f'<sup class="fn-number">{part}</sup>' if n % 2 else escape(part) for n, part in enumerate(parts))


def _citation(one: Mapping[str, Any], passages: Sequence[Mapping[str, Any]]) -> str:
    around = next((p for p in passages if p["source"] == one["source"] and p["start"] <= one["start"] and one["end"] <= p["end"]), None)
    before = around["text"][: one["start"] - around["start"]] if around else ""
    after = around["text"][one["end"] - around["start"] :] if around else ""
    before = f"... {before[-_AROUND:]}" if len(before) > _AROUND else before
    after = f"{after[:_AROUND]} ..." if len(after) > _AROUND else after
    published = day(date.fromisoformat(one["published"])) if one["published"] else day(None)
    return (
        f'<blockquote class="fn-cited" dir="auto"><p class="fn-meta"><span class="fn-number">{one["number"]}</span> '
        f"<bdi>{escape(one['title'])}</bdi> · <bdi>{escape(published)}</bdi> · <bdi>{escape(one['source'])}</bdi></p>"
        f"{escape(before)}<mark>{_with_answers(one)}</mark>{escape(after)}</blockquote>"
    )


def _with_answers(one: Mapping[str, Any]) -> str:
    made, at, offset = [], 0, one["start"]
    for words in sorted(one["answers"], key=lambda words: int(words["start"])):
        start, end = words["start"] - offset, words["end"] - offset
        if start >= at:
            made.append(f"{escape(one['quote'][at:start])}<strong>{escape(one['quote'][start:end])}</strong>")
            at = end
    return "".join([*made, escape(one["quote"][at:])])
