"""Question sets from files: JSONL, JSON, CSV, TSV, TREC topics with qrels, and SQuAD v1 or v2 as it is published."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.evaluation import squad
from rag.evaluation.questions import FIELDS, BadQuestionSet, BadRow, Problem, QuestionSet, collect

Rows = Iterator[tuple[str, "Mapping[str, Any] | BadRow"]]
_FORMATS = "JSONL, JSON, CSV, TSV (with qrels beside it for TREC) or SQuAD JSON, each also as .gz"
_QRELS = ("{stem}.qrels", "qrels.{stem}.txt", "{stem}.qrels.txt", "{stem}.qrels.tsv", "qrels.txt", "qrels.tsv", "qrels")
_QREL = re.compile(r"(?P<topic>\S+)(?:\t|\s+\S+\s+)(?P<source>\S|\S[^\t]*\S)\s+(?P<relevance>[+-]?\d{1,9})\s*")
_LONGEST_CELL = 10_000_000
_YES, _NO = frozenset(("true", "yes", "1")), frozenset(("false", "no", "0"))


def read_questions(path: Path, longest: int = 500) -> QuestionSet:
    """Read a question set; the format is told by the file's ending and, for JSON, by its content. Questions of more
    than `longest` characters become problems, like rows that are malformed.

    Raises BadQuestionSet when the file can't be read, is in no known format, or holds no usable question.
    """
    data = _bytes(path)
    text = _decode(path, data)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    articles: tuple[tuple[str, str], ...] = ()
    extra: list[Problem] = []
    digest = hashlib.sha256(data)
    if kind in ("jsonl", "ndjson"):
        questions, problems = collect(_jsonl(text), path.name, longest)
    elif kind == "json":
        start = _skip_space(text, 0)
        if squad.is_squad(text):
            parsed = squad.read(_json(path, text), path.name)
            articles = parsed.articles
            questions, problems = collect(parsed.rows, path.name, longest)
        else:
            questions, problems = collect(_json_rows(path, text, start), path.name, longest)
    elif kind in ("csv", "tsv", "txt"):
        if kind != "csv" and "question" not in _header(path, text, "\t"):
            qrels = _qrels_beside(path)
            judged = _bytes(qrels)
            digest.update(judged)
            relevant, extra = _read_qrels(_decode(qrels, judged), qrels.name)
            rows = list(_topics(text, relevant))
            extra += _unknown_topics(rows, relevant, qrels.name)
            questions, problems = collect(rows, path.name, longest)
        else:
            questions, problems = collect(_csv(path, text, "," if kind == "csv" else "\t"), path.name, longest)
    else:
        raise BadQuestionSet(f"{path} is in no format that is known by its ending. Expected {_FORMATS}.")
    problems += extra
    if not questions:
        told = f" The first problem: {problems[0]}" if problems else " It is empty."
        raise BadQuestionSet(f"{path} holds no question that can be asked.{told}")
    return QuestionSet(_stem(path), questions, digest.hexdigest(), tuple(problems), articles)


def _stem(path: Path) -> str:
    return re.sub(r"\.(?:jsonl|ndjson|json|csv|tsv|txt)$", "", path.name.removesuffix(".gz"), flags=re.IGNORECASE)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadQuestionSet(f"{path} can't be read: {reason}. Expected a question set: {_FORMATS}.") from error


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadQuestionSet(f"{path}, line {line}: is not UTF-8. Save the file as UTF-8 and try again.") from error


# --- JSON and JSONL ---------------------------------------------------------------------------------------------------


def _jsonl(text: str) -> Rows:
    # Only a line feed ends a row: other line separators may stand inside a string.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                yield f"line {number}", BadRow(f"is not JSON ({_reason(error)}); expected one object on each line")


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadQuestionSet(f"{path} is not JSON: {_reason(error)}. Mend it there, or save it again.") from error


def _json_rows(path: Path, text: str, start: int) -> Rows:
    """The items of a list, or of {"questions": [...]}, each with the line it begins at."""
    if text[start : start + 1] == "{":
        value = _json(path, text)
        if not isinstance(value.get("questions"), list):
            raise BadQuestionSet(
                f'{path} is an object without a list "questions" (or SQuAD\'s "data"). Expected {_FORMATS}.'
            )
        for number, row in enumerate(value["questions"], 1):
            yield f"question {number}", row
        return
    if text[start : start + 1] != "[":
        raise BadQuestionSet(f"{path} is not a JSON list of questions. Expected {_FORMATS}.")
    decoder, at, line, counted = json.JSONDecoder(), _skip_space(text, start + 1), 1, 0
    while text[at : at + 1] not in ("]", ""):
        line, counted = line + text.count("\n", counted, at), at
        try:
            row, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise BadQuestionSet(f"{path}, line {line}: is not JSON ({_reason(error)}). Mend it there.") from error
        yield f"line {line}", row
        at = _skip_space(text, at)
        if text[at : at + 1] == ",":
            at = _skip_space(text, at + 1)
        elif text[at : at + 1] != "]":
            raise BadQuestionSet(f"{path}, line {line}: after this question a comma or ] is missing.")
    if text[at : at + 1] != "]":
        raise BadQuestionSet(f"{path} ends inside its list: a ] is missing. It may be cut off.")
    if (rest := _skip_space(text, at + 1)) < len(text):
        line = text.count("\n", 0, rest) + 1
        raise BadQuestionSet(f"{path}, line {line}: there is more after the end of the list. One list is expected.")


def _skip_space(text: str, at: int) -> int:
    found = re.compile(r"\s*").match(text, at)
    return found.end() if found else at


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


# --- CSV and TSV ------------------------------------------------------------------------------------------------------


def _header(path: Path, text: str, delimiter: str) -> list[str]:
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise BadQuestionSet(
            f"{path}, line 1: is no header of a table ({error}). Expected the names of columns."
        ) from error
    names = [name.strip().lower() for name in first]
    if twice := sorted({name for name in names if name in FIELDS and names.count(name) > 1}):
        raise BadQuestionSet(f"{path} has the column {twice[0]} twice. Take one of them out.")
    return names


def _csv(path: Path, text: str, delimiter: str) -> Rows:
    """Rows of a table whose header names the fields. A cell of several values holds a JSON list, or | between them.

    A label stands in the columns source, quote, start and end, or as JSON in the column relevant.
    """
    # The limit is of the process, and others set it too.
    csv.field_size_limit(_LONGEST_CELL)
    names = _header(path, text, delimiter)
    if "question" not in names:
        raise BadQuestionSet(
            f"{path} has no column called question in its first line; it has: {', '.join(names)[:200]}."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(reader)
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield f"line {reader.line_num}", BadRow(f"is not CSV ({error})")
            return
        if cells is None:
            return
        where, line = f"line {line}", reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            yield (
                where,
                BadRow(f"has {len(cells)} cells, the header {len(names)}: put quotes around cells with a comma"),
            )
            continue
        try:
            yield where, _row_of_cells(dict(zip(names, cells, strict=False)))
        except BadRow as error:
            yield where, error


def _row_of_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells[name] for name in FIELDS if cells.get(name, "").strip()}
    for name in ("answers", "tags", "forbidden"):
        if name in row:
            row[name] = _values(row[name])
    if "answerable" in row:
        said = row["answerable"].strip().lower()
        if said not in _YES | _NO:
            raise BadRow(f'"answerable" is {row["answerable"]!r}; expected true or false')
        row["answerable"] = said in _YES
    if "relevant" in row:
        try:
            row["relevant"] = json.loads(row["relevant"])
        except (ValueError, RecursionError) as error:
            raise BadRow(f'"relevant" is not JSON ({_reason(error)}); or use the columns source and quote') from error
    placed = [name for name in ("source", "quote", "start", "end") if cells.get(name, "").strip()]
    if placed and ("relevant" in row or placed[0] != "source"):
        told = '"relevant" says it already' if "relevant" in row else "it needs a source"
        raise BadRow(f'"{placed[0]}" is filled in, but {told}')
    if placed:
        label: dict[str, Any] = {"source": cells["source"].strip()}
        if cells.get("quote", "").strip():
            label["quote"] = cells["quote"]
        for name in ("start", "end"):
            if cells.get(name, "").strip():
                if not re.fullmatch(r"[0-9]{1,12}", cells[name].strip()):
                    raise BadRow(f'"{name}" is {cells[name]!r}; expected a whole number')
                label[name] = int(cells[name])
        row["relevant"] = [label]
    return row


def _values(cell: str) -> Any:
    if cell.lstrip().startswith("["):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise BadRow(f"a cell that begins with [ is not a JSON list ({_reason(error)})") from error
    return [value.strip() for value in cell.split("|") if value.strip()]


# --- TREC -------------------------------------------------------------------------------------------------------------


def _qrels_beside(path: Path) -> Path:
    stem = _stem(path)
    for name in _QRELS:
        if (path.parent / name.format(stem=stem)).is_file():
            return path.parent / name.format(stem=stem)
    raise BadQuestionSet(
        f"{path} has no column called question in its first line, so it is read as TREC topics (id, tab, question); "
        f"for these the judgements are expected beside it, in {stem}.qrels or qrels.txt, and there are none."
    )


def _read_qrels(text: str, file: str) -> tuple[dict[str, list[str]], list[Problem]]:
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


def _topics(text: str, relevant: Mapping[str, list[str]]) -> Rows:
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


def _unknown_topics(
    rows: Iterable[tuple[str, Mapping[str, Any] | BadRow]], relevant: Mapping[str, list[str]], file: str
) -> list[Problem]:
    known = {row["id"] for _, row in rows if not isinstance(row, BadRow)}
    return [
        Problem(file, f"topic {topic}", "is judged here, but no question has this id")
        for topic in relevant
        if topic not in known
    ]
