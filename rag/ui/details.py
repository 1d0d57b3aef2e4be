"""The details of an answer, folded below it: search, scores, models, times, and a receipt to save. Pure."""

from __future__ import annotations

from index.program import command
from rag.types import Answer, Passage
from rag.ui.escape import escape

_STAGES = {"retrieve": "searching", "read": "reading", "write": "writing", "check": "checking", "total": "in all"}
_FINGERPRINT = 12
"""Characters of a hash that are shown."""
_SHOWN = 20
"""Passages that are named."""


def details(turn_id: str, answer: Answer) -> str:
    """Return the details: searched question, form, scored passages, models, times."""
    rows = [("Asked", str(answer.asked) if answer.asked else "all sources")]
    if answer.searched != answer.question:
        rows.append(("Searched for", answer.searched))
    rows.append(("Form", answer.form.replace("_", " ")))
    if answer.passages:
        cited = len({one.source for one in answer.citations})
        quoted = f", {len(answer.citations)} quoted from {cited} source{'' if cited == 1 else 's'}" if cited else ""
        rows.append(("Passages", f"{len(answer.passages)} read{quoted}"))
    if answer.evidence_score is not None:
        meaning = "of 1: how likely the quoted words answer the question, as the reading model judges it"
        rows.append(("Evidence", f"{answer.evidence_score:.2f} {meaning}"))
    models = ", ".join(
        f"{name} {answer.made_by[name][:_FINGERPRINT]}" for name in ("encoder", "reader") if name in answer.made_by
    )
    rows += [("Models", models)] if models else []
    rows += [("Index", answer.made_by["generation"])] if "generation" in answer.made_by else []
    times = [f"{_STAGES.get(stage, stage)} {spent:,.0f} ms" for stage, spent in answer.timings.items()]
    rows += [("Time", ", ".join(times))] if times else []
    terms = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in rows)
    passages = "".join(map(_passage, answer.passages[:_SHOWN]))
    listed = f"<dt>Read</dt><dd><ol>{passages}</ol></dd>" if passages else ""
    address = f"conversations/receipts/{escape(turn_id)}"
    receipt = (
        f'<dt>Receipt</dt><dd><a href="{address}" download="receipt.json">Save as JSON</a> '
        f"<code>{command('replay receipt.json')}</code> asks again</dd>"
    )
    return (
        '<details class="fn-details"><summary class="fn-action">Details</summary>'
        f"<dl>{terms}{listed}{receipt if answer.made_by else ''}</dl></details>"
    )


def _passage(one: Passage) -> str:
    place = f"{one.source}, {one.heading}" if one.heading else one.source
    return f"<li>{escape(place)}: {one.score:.2f}{', quoted' if one.cited else ''}</li>"
