"""Reading of questions with separate judgements: TREC topics and qrels, and folders in BEIR's form."""

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


def find_qrels(path: Path, stem: str) -> Path:
    """Return the qrels file of the TREC topics in `path`.

    Raises BadQuestionSet if there is none.
    """
    for name in _QRELS:
        if (path.parent / name.format(stem=stem)).is_file():
            return path.parent / name.format(stem=stem)
    raise BadQuestionSet(
        f"{path} has no column called question in its first line, so it is read as TREC topics (id, tab, question). "
        f"These need their judgements in {stem}.qrels or qrels.txt in the same folder, and neither file exists."
    )


def beir_qrels(path: Path) -> Path | None:
    """Return the qrels file of a BEIR `queries.jsonl`; None if there is none.

    In the folder qrels, the test split comes first, then the others.
    """
    found = {one.name.split(".")[0]: one for one in sorted((path.parent / "qrels").glob("*.tsv*")) if one.is_file()}
    return next((found[split] for split in (*_SPLITS, *found) if split in found), None)


def read_qrels(text: str, file: str) -> tuple[dict[str, list[str]], list[Problem]]:
    """Return topic -> relevant sources, and the problems, of a qrels file.

    A line is "topic iteration source relevance"; 0 or less is not relevant.
    """
    relevant: dict[str, list[str]] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        # A source's name may have spaces: topic and iteration come before it, the relevance after it. Three columns
        # separated by tabs have no iteration.
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
    """Yield a row with its judgements for each line "id, tab, question"."""
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
    """Yield the judged queries with their labels.

    BEIR's file has the queries of all splits. `names` maps the ids of BEIR's documents to their source names.
    """
    for where, row in rows:
        if isinstance(row, Mapping) and "_id" in row:
            sources = relevant.get(str(row["_id"]))
            if sources is None:
                continue
            labels = [{"source": names.get(source, source)} for source in sources]
            row = {"id": str(row["_id"]), "question": row.get("text"), "relevant": labels, "answerable": bool(labels)}
        yield where, row


def beir_articles(rows: _Rows) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Return BEIR's corpus as articles (source, text), and id -> source.

    A text begins with its title. Rows that are no documents are left out.
    """
    texts: dict[str, str] = {}
    for _, row in rows:
        if isinstance(row, Mapping) and isinstance(row.get("text"), str) and isinstance(row.get("_id"), str | int):
            title = row.get("title")
            texts[str(row["_id"])] = f"{title}\n\n{row['text']}" if isinstance(title, str) and title else row["text"]
    return articles(texts)


def articles(texts: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Return texts by id as articles (source, text), and id -> source."""
    names = dict(zip(texts, file_names(texts), strict=True))
    return tuple((names[id_], text) for id_, text in texts.items()), names


def unknown_topics(
    rows: Iterable[tuple[str, Mapping[str, Any] | BadRow]], relevant: Iterable[str], file: str
) -> list[Problem]:
    """Return a problem for each judged topic without a question."""
    known = {str(row.get("id")) for _, row in rows if isinstance(row, Mapping)}
    message = "is judged here, but no question has this id"
    return [Problem(file, f"topic {topic}", message) for topic in relevant if topic not in known]
