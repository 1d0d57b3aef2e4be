"""Reading of SQuAD JSON (Rajpurkar et al. 2016, 2018): questions with answer spans, and their articles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rag.evaluation.keys import BadRow
from rag.evaluation.questions import BadQuestionSet, file_names

_HEAD = re.compile(r'\s*\{(?:\s*"version"\s*:\s*"[^"]*"\s*,)?\s*"data"\s*:\s*\[')
_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Parsed:
    """The content of a SQuAD file.

    `articles` are (source, text), with the paragraphs in order and a blank line between them. `rows` are question rows
    whose labels point into these texts.
    """

    articles: tuple[tuple[str, str], ...]
    rows: Iterator[tuple[str, Mapping[str, Any] | BadRow]]


def is_squad(text: str) -> bool:
    """True if a JSON text begins like a SQuAD file."""
    return _HEAD.match(text) is not None or ('"paragraphs"' in text and '"qas"' in text and text.lstrip()[:1] == "{")


def read_squad(value: Any, file: str) -> Parsed:
    """Return the articles and rows of a SQuAD file's JSON value.

    Raises BadQuestionSet if its structure is not SQuAD's; `file` is its name for messages.
    """
    try:
        data = [
            (str(article.get("title") or ""), [(p["context"], p["qas"]) for p in article["paragraphs"]])
            for article in value["data"]
        ]
        if not all(isinstance(context, str) and isinstance(qas, list) for _, ps in data for context, qas in ps):
            raise TypeError("a context is not a string, or qas is not a list")
    except (KeyError, TypeError, AttributeError) as error:
        raise BadQuestionSet(
            f"{file} starts like SQuAD but has another structure ({type(error).__name__}: {error}). Expected "
            '{"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}.'
        ) from error
    names = file_names(title for title, _ in data)
    articles = tuple(
        (name, _BETWEEN.join(context for context, _ in paragraphs))
        for name, (_, paragraphs) in zip(names, data, strict=True)
    )
    return Parsed(articles, _rows(names, data))


def _rows(names: list[str], data: Any) -> Iterator[tuple[str, Mapping[str, Any] | BadRow]]:
    for name, (_, paragraphs) in zip(names, data, strict=True):
        offset = 0
        for number, (context, qas) in enumerate(paragraphs, 1):
            for item in qas:
                where = f"{name.removesuffix('.txt')!r}, paragraph {number}"
                if isinstance(item, Mapping) and item.get("id") is not None:
                    where = f"question {item['id']!r}"
                try:
                    yield where, _row(item, context, name, offset)
                except BadRow as error:
                    yield where, error
            offset += len(context) + len(_BETWEEN)


def _row(item: Any, context: str, source: str, offset: int) -> dict[str, Any]:
    """Return the row of a question; its label lists all acceptable answer spans, any of which counts."""
    if not isinstance(item, Mapping):
        raise BadRow("is not an object; expected a question with its answers")
    answers = item.get("answers") or []
    if not isinstance(answers, list):
        raise BadRow(f'"answers" is {str(answers)[:40]}; expected a list of {{"text", "answer_start"}}')
    unanswerable = item.get("is_impossible") is True or not answers
    row: dict[str, Any] = {"id": item.get("id"), "question": item.get("question"), "answerable": not unanswerable}
    if unanswerable:
        return row
    spans, texts = [], []
    for answer in answers:
        try:
            text, start = answer["text"], answer["answer_start"]
            right = context[start : start + len(text)] == text
        except (KeyError, TypeError) as error:
            raise BadRow(f'an answer is {str(answer)[:60]}; expected {{"text", "answer_start"}}') from error
        if not right:
            raise BadRow(f"answer_start {start} does not lead to {text!r} in its paragraph")
        spans.append((offset + start, offset + start + len(text)))
        texts.append(text)
    row["answers"] = list(dict.fromkeys(texts))
    row["relevant"] = [{"source": source, "spans": sorted(set(spans))}]
    return row
