"""An answer as Markdown with its citations, to be pasted elsewhere."""

from __future__ import annotations

import re

from rag.types import Answer


def as_markdown(answer: Answer) -> str:
    """The question, the answer with its [1] markers, and each citation with its quote and place."""
    said = [plain(line) for line in answer.text.split("\n")]
    if answer.sentences and answer.sentences[0].words:
        words = plain(answer.sentences[0].text)
        said[0] = said[0].replace(words, f"**{words}**", 1)
    lines = [f"**{plain(answer.question)}**", "", *said]
    if answer.citations:
        lines.append("")
    for one in answer.citations:
        when = f", {one.published.when}" if one.published else ""
        place = f"{plain(one.title)} ({plain(one.source)}{when}, characters {one.start} to {one.end})"
        lines.append(f"\\[{one.number}\\] {place}: “{plain(' '.join(one.quote.split()))}”  ")
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it is: its marks are escaped."""
    return re.sub(r"([\\`*_\[\]<>#|~$&])", r"\\\1", text)
