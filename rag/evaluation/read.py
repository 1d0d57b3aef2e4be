"""Reading of question sets: JSON and JSON Lines of many tools, tables, TREC, BEIR and SQuAD."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.errors import UnreadableSource
from index.formats import plain
from rag.evaluation import squad, tables, trec
from rag.evaluation.keys import SYNONYMS, BadRow, names_question, normal_name
from rag.evaluation.questions import BadQuestionSet, Problem, QuestionSet, collect

_Rows = Iterator[tuple[str, "Mapping[str, Any] | BadRow"]]
_FORMATS = "JSONL, JSON, CSV, TSV (TREC: with qrels in its folder), XLSX, a BEIR folder or SQuAD JSON, each also as .gz"
_ENDINGS = re.compile(r"\.(?:jsonl|ndjson|json|csv|tsv|txt|xlsx)$", re.IGNORECASE)
_QUERIES, _DOCUMENTS = "queries.jsonl", "corpus.jsonl"


@dataclass
class _File:
    """A question set while it is read: its rows, articles, problems and notes; `digest` hashes all files."""

    path: Path
    rows: _Rows = field(default_factory=lambda: iter(()))
    articles: tuple[tuple[str, str], ...] = ()
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file, decompressed. Raises BadQuestionSet."""
        try:
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix.lower() == ".gz" else data
        except (OSError, EOFError, ValueError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadQuestionSet(f"{path} can't be read: {reason}. Expected a question set: {_FORMATS}.") from error
        self.digest.update(data)
        self.files.append(path)
        return data


def read_questions(path: Path, longest: int = 500) -> QuestionSet:
    """Read a question set from a file or from a folder in BEIR's form.

    The file's ending gives the format; for JSON its content does too. Questions of more than `longest` characters
    become problems, like malformed rows. Raises BadQuestionSet if the file can't be read, has an unknown format, or has
    no usable question.
    """
    path = path / _QUERIES if (path / _QUERIES).is_file() else path
    file = _File(path)
    data = file.read(path)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in _READERS:
        raise BadQuestionSet(f"{path} has an unknown file extension. Expected {_FORMATS}.")
    _READERS[kind](file, data)
    return _question_set(file, longest)


def read_rows(rows: Sequence[Mapping[str, Any]], name: str, longest: int = 500) -> QuestionSet:
    """Return the question set `name` of rows like those of a file. Raises BadQuestionSet without a usable question."""
    file = _File(Path(name), ((f"row {number}", row) for number, row in enumerate(rows, 1)))
    file.digest.update(json.dumps(rows, sort_keys=True).encode())
    return _question_set(file, longest)


def _question_set(file: _File, longest: int) -> QuestionSet:
    found = collect(file.rows, file.path.name, longest)
    problems = [*found.problems, *file.problems]
    if not found.questions:
        detail = f" The first problem: {problems[0]}" if problems else " It is empty."
        raise BadQuestionSet(f"{file.path} holds no question that can be asked.{detail}")
    return QuestionSet(
        _stem(file.path),
        found.questions,
        file.digest.hexdigest(),
        tuple(problems),
        file.articles or found.articles,
        (*file.notes, *found.notes),
        tuple(one.absolute() for one in file.files),
    )


def _stem(path: Path) -> str:
    return _ENDINGS.sub("", path.name.removesuffix(".gz"))


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadQuestionSet(f"{path}, line {line}: is not UTF-8. Save the file as UTF-8 and try again.") from error


# --- JSON and JSONL ---------------------------------------------------------------------------------------------------


def _read_jsonl(file: _File, data: bytes) -> None:
    file.rows = _lines(_decode(file.path, data))
    qrels = trec.beir_qrels(file.path) if _stem(file.path) == _stem(Path(_QUERIES)) else None
    if qrels is None:
        return
    name = f"{qrels.parent.name}/{qrels.name}"
    relevant, file.problems = trec.read_qrels(_decode(qrels, file.read(qrels)), name)
    names: dict[str, str] = {}
    if (documents := file.path.parent / _DOCUMENTS).is_file():
        # The documents are the corpus, so their file is not excluded from it.
        file.articles, names = trec.beir_articles(_lines(_decode(documents, file.read(documents))))
        file.files.remove(documents)
    topics = list(file.rows)
    rows = list(trec.judged(iter(topics), relevant, names))
    file.problems += trec.unknown_topics(rows, relevant, name)
    if len(rows) < len(topics):
        file.notes.append(f"{file.path.name}: {len(topics) - len(rows):,} queries are not judged in {name}: not asked.")
    file.rows = iter(rows)


def _lines(text: str) -> _Rows:
    # Only a line feed ends a row: strings may contain other line separators.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                yield f"line {number}", BadRow(f"is not JSON ({_reason(error)}); expected one object on each line")


def _read_json(file: _File, data: bytes) -> None:
    text = _decode(file.path, data)
    start = _skip_space(text, 0)
    if squad.is_squad(text) and not _is_flat(value := _json(file.path, text)):
        parsed = squad.read_squad(value, file.path.name)
        file.articles, file.rows = parsed.articles, parsed.rows
    elif text[start : start + 1] == "[":
        file.rows = _items(file.path, text, start)
    elif text[start : start + 1] == "{":
        _read_object(file, _json(file.path, text))
    else:
        raise BadQuestionSet(f"{file.path} is not a JSON list of questions. Expected {_FORMATS}.")


def _read_object(file: _File, value: Mapping[str, Any]) -> None:
    """Read an object with a list of rows, or with a column for each key: a list, or values by id (LlamaIndex,
    pandas)."""
    columns = {key: column for key, column in value.items() if isinstance(column, list | Mapping) and column}
    question_column = next((columns[key] for key in columns if normal_name(key) in SYNONYMS["question"]), None)
    if isinstance(question_column, Mapping) or (
        isinstance(question_column, list) and not any(isinstance(one, Mapping) for one in question_column)
    ):
        texts = value.get("corpus")
        texts = {str(k): one for k, one in texts.items() if isinstance(one, str)} if isinstance(texts, Mapping) else {}
        file.articles = trec.articles(texts)[0]
        file.rows = _columns({key: one for key, one in columns.items() if key != "corpus"}, question_column, texts)
        return
    rows = [one for one in columns.values() if isinstance(one, list) and any(map(_is_row, one))]
    if not rows:
        raise BadQuestionSet(
            f'{file.path} is an object without a list "questions" (or SQuAD\'s "data"). Expected {_FORMATS}.'
        )
    file.rows = ((f"question {number}", row) for number, row in enumerate(rows[0], 1))


def _is_flat(value: Any) -> bool:
    """True if JSON that begins like SQuAD is a list of rows with contexts, as in exports of data sets."""
    rows = value.get("data") if isinstance(value, Mapping) else None
    rows = rows if isinstance(rows, list) else []
    return any(map(_is_row, rows)) and not any(isinstance(one, Mapping) and "paragraphs" in one for one in rows)


def _is_row(value: Any) -> bool:
    """True for an object with a key for a question, also one level deeper ({"row": {...}})."""
    inner = [value, *value.values()] if isinstance(value, Mapping) else []
    return any(isinstance(one, Mapping) and names_question(tuple(map(str, one))) for one in inner)


def _columns(columns: Mapping[str, Any], question_column: Any, texts: Mapping[str, str]) -> _Rows:
    """Yield the rows of columns: the values at one index or id. Ids of `texts` in relevant_docs become texts."""
    for place in question_column if isinstance(question_column, Mapping) else range(len(question_column)):
        row: dict[str, Any] = {"id": place} if isinstance(question_column, Mapping) else {}
        for key, column in columns.items():
            if isinstance(column, Mapping):
                row[key] = column.get(place)
            elif isinstance(place, int) and place < len(column):
                row[key] = column[place]
        relevant = row.get("relevant_docs")
        if texts and isinstance(relevant, list) and all(isinstance(one, str) and one in texts for one in relevant):
            row["reference_contexts"] = [texts[one] for one in row.pop("relevant_docs")]
        yield f"question {place if isinstance(place, str) else place + 1}", row


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadQuestionSet(f"{path} is not JSON: {_reason(error)}. Mend it there, or save it again.") from error


def _items(path: Path, text: str, start: int) -> _Rows:
    """Yield the items of a list, each with its first line."""
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


# --- tables and topics ------------------------------------------------------------------------------------------------


def _read_table(file: _File, data: bytes) -> None:
    try:
        text, notes = plain.decode(data)
    except UnreadableSource as error:
        raise BadQuestionSet(f"{file.path} {error}. Expected {_FORMATS}.") from error
    file.notes += [f"{file.path.name} {note}." for note in notes]
    kind = file.path.name.lower().removesuffix(".gz").rpartition(".")[2]
    separator, is_table = tables.separator(text, "," if kind == "csv" else "\t")
    if kind == "csv" or is_table:
        file.rows = tables.csv_rows(file.path, text, separator)
        return
    qrels = trec.find_qrels(file.path, _stem(file.path))
    relevant, problems = trec.read_qrels(_decode(qrels, file.read(qrels)), qrels.name)
    rows = list(trec.topics(text, relevant))
    file.problems = [*problems, *trec.unknown_topics(rows, relevant, qrels.name)]
    file.rows = iter(rows)


def _read_xlsx(file: _File, data: bytes) -> None:
    file.rows = tables.xlsx_rows(file.path)


_READERS = {
    "jsonl": _read_jsonl,
    "ndjson": _read_jsonl,
    "json": _read_json,
    "csv": _read_table,
    "tsv": _read_table,
    "txt": _read_table,
    "xlsx": _read_xlsx,
}
