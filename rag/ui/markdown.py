"""Export of an answer as Markdown with its citations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from rag.types import Answer
from rag.ui.rows import table_of


def as_markdown(answer: Answer) -> str:
    """Return the question, the answer with [1] markers, and the citations as Markdown."""
    written = _answer_lines(answer)
    if answer.sentences and answer.sentences[0].words:
        words = escape_markdown(answer.sentences[0].text)
        written[0] = written[0].replace(words, f"**{words}**", 1)
    lines = [f"**{escape_markdown(answer.question)}**", "", *written]
    if answer.citations:
        lines.append("")
    for one in answer.citations:
        when = f", {one.published.when}" if one.published else ""
        place = (
            f"{escape_markdown(one.title)} ({escape_markdown(one.source)}{when}, characters {one.start} to {one.end})"
        )
        lines.append(f"\\[{one.number}\\] {place}: “{escape_markdown(' '.join(one.quote.split()))}”  ")
    return "\n".join(lines).rstrip() + "\n"


def _answer_lines(answer: Answer) -> list[str]:
    """Return the lines of the answer, with rows as a table."""
    rows = {f"- {one}": one for one in answer.sentences if one.block == "row"}
    written = list[str]()
    for is_row, run in groupby(answer.text.split("\n"), rows.__contains__):
        lines = list(run)
        table = table_of([rows[line].text for line in lines]) if is_row else None
        if table is None:
            written += map(escape_markdown, lines)
            continue
        names, filled = table
        written += ["", _row([*map(escape_markdown, names)]), _row(["---"] * len(names))]
        for line, cells in zip(lines, filled, strict=True):
            first, *rest = (escape_markdown(cells.get(name, "")) for name in names)
            written.append(_row([first + escape_markdown(line.removeprefix(f"- {rows[line].text}")), *rest]))
    return written


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape_markdown(text: str) -> str:
    """Escape the characters that Markdown interprets."""
    return re.sub(r"([\\`*_\[\]<>#|~$&])", r"\\\1", text)
