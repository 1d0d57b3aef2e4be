"""Questions worth asking of whatever is indexed: for the empty page and for "what can I ask?"."""

from __future__ import annotations

import json
from pathlib import Path

from index.roots import QUESTION_SET
from rag.engine import Engine


def questions(engine: Engine, most: int = 3) -> list[str]:
    """Up to `most` example questions.

    A root folder may bring its own in questions.jsonl (the rows that have answers, from different sources first);
    otherwise they are made from the headings of the sources.
    """
    for root in engine.roots():
        if found := _from_file(root / QUESTION_SET, most):
            return found
    generation = engine.parts()[0]
    made = []
    for source, title, _ in generation.catalog.titles()[: 4 * most]:
        article = generation.catalog.article(source)
        chunks = generation.catalog.chunks_of(article.id) if article else []
        # Rows are called by their numbers: nobody asks about "rows 2 to 9".
        rows = bool(article and article.rows)
        heading = "" if rows else next((chunk.heading for chunk in chunks if chunk.heading), "")
        about = heading or (title if article and article.named else "")
        if about:
            made.append(f"What is said about “{about[:80]}”?")
    return list(dict.fromkeys(made))[:most]


def _from_file(path: Path, most: int) -> list[str]:
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        answered = [row for row in rows if row.get("answers") and row.get("relevant")]
        by_source: dict[str, list[str]] = {}
        for row in answered:
            by_source.setdefault(str(row["relevant"][0]["source"]), []).append(str(row["question"]))
    except (OSError, ValueError, AttributeError, KeyError, TypeError, IndexError):
        return []
    # One of each source in turn, so that the examples show more than the first article.
    columns = max((len(rows) for rows in by_source.values()), default=0)
    turns = [rows[n] for n in range(columns) for rows in by_source.values() if n < len(rows)]
    return turns[:most]
