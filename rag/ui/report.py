"""The report of a run: figures, curves, causes and questions, as one HTML file or in parts for the page.

Pure, except `write_report`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from index.state import write_atomically
from index.text.published import Published
from rag.evaluation.compare import Comparison, Difference
from rag.evaluation.judge import CAUSES
from rag.evaluation.run import Run, read_run, read_summary
from rag.evaluation.table import meaning, number
from rag.ui import charts, figures
from rag.ui.escape import escape

_STATIC = Path(__file__).parent / "static"
SCRIPT = _STATIC / "filter.js"
_AROUND = 240
"""Characters shown on each side of a quote."""
_FAILED = "failed"
_WORDS = "what it says"


def write_report(folder: Path, compared: Comparison | None = None, out: Path | None = None) -> Path:
    """Write the report of a finished run to `out`, by default `folder`/report.html."""
    target = out or folder / "report.html"
    write_atomically(target, document(read_run(folder), read_summary(folder), compared))
    return target


def document(run: Run, summary: Mapping[str, Any], compared: Comparison | None = None) -> str:
    """Return the whole report as one HTML file without external files."""
    style = "".join((_STATIC / name).read_text("utf-8") for name in ("page.css", "report.css"))
    script = SCRIPT.read_text("utf-8")
    body = (
        overview(run, summary)
        + (comparison(compared) if compared else "")
        + questions(run)
        + question_details(run, summary)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Evaluation: {escape(run.name)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<style>{style}</style></head><body class="fn-reading"><main class="fn-report">{body}</main>'
        f"<script>{script}</script></body></html>"
    )


def script_hash() -> str:
    """Return the hash of the report's script for a Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(SCRIPT.read_bytes()).digest()).decode()}"


# --- numbers ----------------------------------------------------------------------------------------------------------


def overview(run: Run, summary: Mapping[str, Any]) -> str:
    """Return the overview: run, main figures, other figures in sentences, causes."""
    provenance = summary["made_by"]
    question_count, answerable = summary["questions"], summary["answerable"]
    how = [f"{question_count:,} questions, {answerable:,} answerable", f"Footnote {provenance['footnote']}"]
    how += ["never refusing"] if provenance["options"]["never_refuse"] else []
    how += [f"only tagged {', '.join(provenance['options']['tags'])}"] if provenance["options"]["tags"] else []
    run_figures = figures.figures(run)
    tiles = "".join(map(_tile, run_figures.top))
    others = "".join(f"<li>{escape(one.sentence)}</li>" for one in run_figures.others)
    sentences = f'<h2>In sentences, the weakest first</h2><ul class="fn-plain">{others}</ul>' if others else ""
    return (
        f"<h1>Evaluation: {escape(provenance['question_set']['name'])}</h1>"
        f'<p class="fn-meta">{escape(" · ".join(how))} · run {escape(run.name)}</p>'
        f'<div class="fn-tiles">{tiles}</div>{sentences}{_causes(summary)}'
    )


def _tile(one: figures.Figure) -> str:
    if not one.whole:
        return f'<div class="fn-tile"><h3>{escape(one.title)}</h3><p>{escape(one.sentence)}</p></div>'
    counted = f"<b>{one.part:,}</b> of {one.whole:,}"
    drawn = charts.bar(one.part / one.whole)
    return (
        f'<div class="fn-tile"><h3>{escape(one.title)}</h3><p>{counted}</p>{drawn}<p>{escape(one.sentence)}</p></div>'
    )


def _range(one: Mapping[str, Any]) -> str:
    return f"{number(one['low'])} to {number(one['high'])}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are markup; small screens hide the column of explanations."""
    kind = ' class="fn-words"'
    kinds = [kind if heading == _WORDS else "" for heading in headings]
    head = "".join(f"<th{kind}>{heading}</th>" for heading, kind in zip(headings, kinds, strict=True))
    body = ""
    for first, *cells in rows:
        others = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(cells, kinds[1:], strict=True))
        body += f"<tr><th>{first}</th>{others}</tr>"
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="fn-scroll"><table class="fn-table">{whole}</table></div>'


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
            "the surest answers first: the share of answered questions, and the share of wrong answers among them",
            charts.line_chart("risk against coverage", "coverage", "risk", list(zip(coverage, risk, strict=True))),
        ),
        (
            "recall@k",
            "labels held within the first k passages",
            charts.line_chart("recall at k for k from 1 to 10", "k", "recall", [(0.0, 0.0), *recall], 10),
        ),
    ]
    curves = "".join(
        f"<figure>{chart}<figcaption><b>{escape(title)}</b>: {escape(words)}</figcaption></figure>"
        for title, words, chart in drawn
        if chart
    )
    return f'<div class="fn-figures">{curves}</div>' if curves else ""


def _causes(summary: Mapping[str, Any]) -> str:
    title = "<h2>What went wrong</h2>"
    if not summary["causes"]:
        return f"{title}<p>Nothing, as far as the labels show.</p>"
    question_count = summary["questions"]
    counts = [
        (escape(CAUSES[cause]), f"{n:,}", charts.bar(n / question_count)) for cause, n in summary["causes"].items()
    ]
    return title + _table(("cause", "questions", ""), counts)


def question_details(run: Run, summary: Mapping[str, Any]) -> str:
    """Return the folded details: measures with intervals, curves, times, settings."""
    measures = [
        (escape(name), number(one["mean"]), _range(one), f"{one['n']:,}", escape(meaning(name)))
        for name, one in summary["measures"].items()
        if one["mean"] is not None
    ]
    stages = summary["timings_ms"]
    slowest = max((one["p95"] for one in stages.values()), default=1) or 1
    times = [
        (escape(stage), f"{one['p50']:.1f}", f"{one['p95']:.1f}", charts.bar(one["p50"] / slowest))
        for stage, one in stages.items()
    ]
    provenance = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _flat(summary["made_by"])
    )
    resampled = f"bootstrap over questions, {summary['intervals']['samples']:,} resamples"
    return (
        f'<details class="fn-fold"><summary>All measures, with their names and intervals</summary>'
        f"{_table(('measure', 'mean', '95% interval', 'questions', _WORDS), measures)}"
        f'<p class="fn-meta">Intervals: {resampled}.</p>{_curves(run)}</details>'
        f'<details class="fn-fold"><summary>Time per stage, in milliseconds</summary>'
        f"{_table(('stage', 'median', '95%', ''), times)}</details>"
        f'<details class="fn-fold"><summary>What made this run</summary><dl class="fn-made">{provenance}</dl></details>'
    )


def _flat(value: Mapping[str, Any], inside: str = "") -> Iterable[tuple[str, str]]:
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield from _flat(one, f"{inside}{key}.")
        else:
            yield f"{inside}{key}", str(one)


# --- a comparison -----------------------------------------------------------------------------------------------------


def comparison(compared: Comparison) -> str:
    """Return the comparison: differences in set-up, verdicts, changed answers."""
    alike = "<p>Same questions, corpus and settings.</p>"
    if compared.makes:
        alike = (
            f"<p>Differences in set-up:</p><ul>{''.join(f'<li>{escape(line)}</li>' for line in compared.makes)}</ul>"
        )
    measures = [
        (escape(one.name), number(one.old), number(one.new), f"{one.change:+.3f}", _span(one), _word(one.verdict))
        for one in compared.measures
        if one.change is not None
    ]
    counts = ", ".join(f"{count} {kind}" for kind, count in compared.kinds.items()) or "none"
    changed = "".join(_changed(change.kind, change.old, change.new) for change in compared.changes)
    return (
        f"<h2>Against {escape(compared.old.name)}</h2>{alike}"
        f"{_table(('measure', 'old', 'new', 'change', '95% interval', 'verdict'), measures)}"
        f"<h3>Changed answers: {escape(counts)}</h3>{changed}"
    )


def _span(one: Difference) -> str:
    return "-" if one.low is None else f"{one.low:+.3f} to {one.high:+.3f}"


def _word(verdict: str) -> str:
    return f'<span class="fn-{verdict.split()[0]}">{escape(verdict)}</span>' if verdict else ""


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
    """Return the questions with their answers and a filter.

    With `most`, only the first `most`, failures first. With `chat`, each has a button that asks it in the chat.
    """
    rows = sorted(run.rows, key=lambda row: row["cause"] is None) if most else run.rows
    shown = rows[:most]
    seen = {row["cause"] for row in shown if row["cause"]}
    causes = [(cause, words) for cause, words in CAUSES.items() if cause in seen]
    tags = sorted({tag for row in shown for tag in row["scores"]["tags"]})
    outcomes = [("", "every outcome"), ("right", "nothing wrong"), (_FAILED, "anything wrong"), *causes]
    pick = _select("outcome", "Outcome", outcomes)
    pick += _select("tag", "Tag", [("", "every tag"), *((tag, tag) for tag in tags)]) if tags else ""
    left_out = ""
    if len(shown) < len(rows):
        left_out = f" The first {len(shown):,} of {len(rows):,}, failures first; the report has all."
    words = '<input type="search" aria-label="Filter questions by words" placeholder="Words ...">'
    items = "".join(_row(row, chat) for row in shown)
    return (
        f'<section class="fn-questions"><h2>Questions</h2><div class="fn-filter">{words}{pick}'
        f'<output>{len(shown):,} questions</output></div><p class="fn-meta">Open a question to see its answer and the '
        f"sources it cites.{left_out}</p>{items}</section>"
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    markup = "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in options)
    return f'<select data-filter="{name}" aria-label="{label}">{markup}</select>'


def _row(row: Mapping[str, Any], chat: bool) -> str:
    cause, scores, answer = row["cause"], row["scores"], row["answer"]
    state = '<b class="fn-broke">✗</b>' if cause else '<b class="fn-mended">✓</b>'
    outcomes = [_FAILED, cause] if cause else ["right"]
    data = f'data-outcome="{escape(json.dumps(outcomes))}" data-tag="{escape(json.dumps(scores["tags"]))}"'
    title = f'{state} <span>{escape(row["question"])}</span> <span class="fn-meta">{escape(_cause(row))}</span>'
    expected = f"Expected: {_expected(row)} · evidence score {number(answer['evidence_score'])}"
    again = f'data-do="chat" data-question="{escape(row["question"])}"'
    button = f'<button type="button" class="fn-action" {again}>Ask in the chat</button>' if chat else ""
    return (
        f'<details class="fn-row" {data}><summary dir="auto">{title}</summary>{_answer(row)}'
        f'<p class="fn-meta" dir="auto">{escape(expected)}</p>{_labels(row)}{button}</details>'
    )


def _expected(row: Mapping[str, Any]) -> str:
    unworded = {True: "labelled, no words", False: "unanswerable", None: "not labelled"}
    return "; ".join(row["answers"]) or unworded[row["scores"]["answerable"]]


def _labels(row: Mapping[str, Any]) -> str:
    labels = [
        f"{one['source']}{': ' + one['missing'] if one['missing'] else _at(one['spans'])}" for one in row["labels"]
    ]
    return f"<p class='fn-meta' dir='auto'>Labelled: {escape('; '.join(labels))}</p>" if labels else ""


def _at(spans: Sequence[Sequence[int]]) -> str:
    return f", characters {spans[0][0]} to {spans[0][1]}" if spans else ""


def _answer(row: Mapping[str, Any]) -> str:
    """Return an answer and its citations, each highlighted in the surrounding text."""
    answer = row["answer"]
    label = '<p class="fn-verdict">Not in the sources</p>' if answer["refused"] else ""
    text = "".join(f'<p dir="auto">{_marked(part)}</p>' for part in answer["answer"].split("\n\n"))
    cards = "".join(_citation(one, answer["passages"]) for one in answer["citations"])
    return f'<div class="fn-answer">{label}{text}</div>{cards}'


def _marked(text: str) -> str:
    """Return escaped text with its [1] markers as superscripts."""
    parts = re.split(r"\[(\d+)\]", text)
    return "".join(f'<sup class="fn-number">{part}</sup>' if n % 2 else escape(part) for n, part in enumerate(parts))


def _citation(one: Mapping[str, Any], passages: Sequence[Mapping[str, Any]]) -> str:
    around = next(
        (p for p in passages if p["source"] == one["source"] and p["start"] <= one["start"] and one["end"] <= p["end"]),
        None,
    )
    before = around["text"][: one["start"] - around["start"]] if around else ""
    after = around["text"][one["end"] - around["start"] :] if around else ""
    before = f"... {before[-_AROUND:]}" if len(before) > _AROUND else before
    after = f"{after[:_AROUND]} ..." if len(after) > _AROUND else after
    published = f" · <bdi>{escape(str(Published(one['published'], 'text')))}</bdi>" if one["published"] else ""
    return (
        f'<blockquote class="fn-cited" dir="auto"><p class="fn-meta"><span class="fn-number">{one["number"]}</span> '
        f"<bdi>{escape(one['title'])}</bdi>{published} · <bdi>{escape(one['source'])}</bdi></p>"
        f"{escape(before)}<mark>{_with_answers(one)}</mark>{escape(after)}</blockquote>"
    )


def _with_answers(one: Mapping[str, Any]) -> str:
    parts, at, offset = [], 0, one["start"]
    for words in sorted(one["answers"], key=lambda words: int(words["start"])):
        start, end = words["start"] - offset, words["end"] - offset
        if start >= at:
            parts.append(f"{escape(one['quote'][at:start])}<strong>{escape(one['quote'][start:end])}</strong>")
            at = end
    return "".join([*parts, escape(one["quote"][at:])])
