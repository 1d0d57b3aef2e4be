"""Questions with judgements beside them: TREC topics and qrels, and folders as BEIR publishes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.evaluation.keys import BadRow
from rag.evaluation.questions import BadQuestionSet, Problem, file_names

_Rows = Iterator[tuple[str, "Mapping[str, Any] | BadRow"]]
_QRELS = ("{stem}.qrels", "qrels.{stem}.txt", "{stem}.qrels.txt", "{stem}.qrels.tsv", "qrels.txt", "qrels.tsv", "qrels")
_QREL = re.compile(r"(?P<topic>\S+)(?:\t|\s+\S+\s+)(?P<source>\S|\S[^\t]*\S)\s+(?P<relevance>[+-]?\d{1,9})\s*")
_SPLITS = ("test", "dev", "valid", "train")


def qrels_beside(path: Path, stem: str) -> Path:
    """The judgements of the TREC topics in `path`. Raises BadQuestionSet when there are none."""
    for name in _QRELS:
        if (path.parent / name.format(stem=stem)).is_file():
            return path.parent / name.format(stem=stem)
    raise BadQuestionSet(
        f"{path} has no column called question in its first line, so it is read as TREC topics (id, tab, question); "
        f"for these the judgements are expected beside it, in {stem}.qrels or qrels.txt, and there are none."
    )


def beir_qrels(path: Path) -> Path | None:
    """The judgements of a BEIR `queries.jsonl`: of the folder qrels beside it the test split, else another; or None."""
    found = {one.name.split(".")[0]: one for one in sorted((path.parent / "qrels").glob("*.tsv*")) if one.is_file()}
    return next((found[split] for split in (*_SPLITS, *found) if split in found), None)


def read_qrels(text: str, file: str) -> tuple[dict[str, list[str]], list[Problem]]:
    """Topic -> relevant sources, from lines "topic iteration source relevance" (0 or less: not relevant)."""
    relevant: dict[str, list[str]] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        # A source's name may hold spaces: topic and iteration stand before it, the relevance after it. With three
        # columns, tabs between them, there is no iteration.
        match = _QREL.fullmatch(line)
        if match is None and line.lower().startswith("query-id\t"):
            continue
        if match is None:
            message = f"is {line.strip()[:60]!r}; expected: topic, 0, source, relevance"
            problems.append(Problem(file, f"line {number}", message))
            continue
        sources = relevant.setdefault(match["topic"], [])
        if int(match["relevance"]) > 0 and match["source"] not in sources:
            sources.append(match["source"])
    return relevant, problems


def topics(text: str, relevant: Mapping[str, list[str]]) -> _Rows:
    """Rows of lines "id, tab, question" with their judgements."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        topic, tab, question = line.rstrip("\r").partition("\t")
        if not tab or not topic.strip():
            yield f"line {number}", BadRow(f"is {line.strip()[:60]!r}; expected an id, a tab and the question")
            continue
        row: dict[str, Any] = {"id": topic.strip(), "question": question}
        if topic.strip() in relevant:
            row["relevant"] = [{"source": source} for source in relevant[topic.strip()]]
            row["answerable"] = bool(row["relevant"])
        yield f"line {number}", row


def judged(rows: _Rows, relevant: Mapping[str, list[str]], names: Mapping[str, str]) -> _Rows:
    """The queries that are judged, with their labels; BEIR's file holds the queries of every split. `names` are the
    sources that its own documents are written as, by their ids."""
    for where, row in rows:
        if isinstance(row, Mapping) and "_id" in row:
            sources = relevant.get(str(row["_id"]))
            if sources is None:
                continue
            labels = [{"source": names.get(source, source)} for source in sources]
            row = {"id": str(row["_id"]), "question": row.get("text"), "relevant": labels, "answerable": bool(labels)}
        yield where, row


def beir_articles(rows: _Rows) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """BEIR's corpus as articles (source, text), the title first, and id -> source. What is no document is left out."""
    texts: dict[str, str] = {}
    for _, row in rows:
        if isinstance(row, Mapping) and isinstance(row.get("text"), str) and isinstance(row.get("_id"), str | int):
            title = row.get("title")
            texts[str(row["_id"])] = f"{title}\n\n{row['text']}" if isinstance(title, str) and title else row["text"]
    return articles(texts)


def articles(texts: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Texts by id as articles (source, text), and id -> source."""
    names = dict(zip(texts, file_names(texts), strict=True))
    return tuple((names[id_], text) for id_, text in texts.items()), names


def unknown_topics(
    rows: Iterable[tuple[str, Mapping[str, Any] | BadRow]], relevant: Iterable[str], file: str
) -> list[Problem]:
    """A problem for each topic that is judged and not asked."""
    known = {str(row.get("id")) for _, row in rows if isinstance(row, Mapping)}
    message = "is judged here, but no question has this id"
    return [Problem(file, f"topic {topic}", message) for topic in relevant if topic not in known]
