"""What a question set is: labelled questions, checked row by row, with a problem for every row that can't be used."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from index.errors import FootnoteError
from index.layout import Span
from rag.answer import BadQuestion, check
from rag.evaluation.measures import normalise

FIELDS = ("id", "question", "answers", "answerable", "relevant", "tags", "forbidden")


class BadQuestionSet(FootnoteError):
    """A question set that can't be used at all; the message names the file and what to mend."""


@dataclass(frozen=True)
class Label:
    """One relevant item: a source, and in it a quote or, by offsets, a place. `spans` are the places that count, any
    of them (for SQuAD the acceptable answer spans); with neither quote nor spans the whole source counts."""

    source: str
    quote: str | None = None
    spans: tuple[Span, ...] = ()

    @property
    def whole_source(self) -> bool:
        """True when any passage of the source will do."""
        return self.quote is None and not self.spans


@dataclass(frozen=True)
class Question:
    """One row. `answerable` is None when nothing in the whole set says which questions are; `forbidden` are texts that
    the answer must not say; `where` is its place in the file, for messages."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool | None = None
    labels: tuple[Label, ...] = ()
    tags: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True)
class Problem:
    """Something to mend in a question set: where it stands and what was expected."""

    file: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}, {self.where}: {self.message}"


@dataclass(frozen=True)
class QuestionSet:
    """The rows that can be asked, the problems of the others, and a hash of the file.

    `articles` are (source, text) where the file brings its own corpus, as SQuAD's do.
    """

    name: str
    questions: tuple[Question, ...]
    sha256: str
    problems: tuple[Problem, ...] = ()
    articles: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def tagged(self, tags: Iterable[str]) -> QuestionSet:
        """Only the questions with one of `tags`, all when there are none. Raises BadQuestionSet if none is left."""
        wanted = set(tags)
        if not wanted:
            return self
        left = tuple(question for question in self.questions if wanted & set(question.tags))
        if not left:
            known = ", ".join(sorted({tag for question in self.questions for tag in question.tags})) or "none"
            raise BadQuestionSet(
                f"{self.name} has no question tagged {' or '.join(sorted(wanted))}; its tags: {known}."
            )
        return replace(self, questions=left)


class BadRow(ValueError):
    """A row that can't be used; the message says what was got and what was expected."""


def collect(
    rows: Iterable[tuple[str, Mapping[str, Any] | BadRow]], file: str, longest: int
) -> tuple[tuple[Question, ...], list[Problem]]:
    """Check (where, row) pairs: the questions, in order, and a problem for each row that is not one. `longest` is the
    most characters that a question may have."""
    questions: list[Question] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    unnamed: Counter[str] = Counter()
    for where, row in rows:
        try:
            if isinstance(row, BadRow):
                raise row
            question = _question(row, where, longest)
            if not question.id:
                question = replace(question, id=_made_id(question.text, unnamed))
            if question.id in seen:
                raise BadRow(f"id {question.id!r} stands at {seen[question.id]} already: give each question its own")
        except BadRow as error:
            problems.append(Problem(file, where, str(error)))
            continue
        seen[question.id] = where
        questions.append(question)
    return tuple(_with_answerable(questions)), problems


def _made_id(text: str, unnamed: Counter[str]) -> str:
    """An id for a row without one, from its words, so that it stays the same when rows move."""
    made = f"q-{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=5).hexdigest()}"
    unnamed[made] += 1
    return made if unnamed[made] == 1 else f"{made}-{unnamed[made]}"


def _with_answerable(questions: list[Question]) -> Iterator[Question]:
    """Where a row does not say: answerable when it has answers or labels. A set that says nothing of the kind in any
    row leaves it open."""
    says = any(one.answerable is not None or one.answers or one.labels for one in questions)
    for one in questions:
        if one.answerable is None and says:
            yield replace(one, answerable=bool(one.answers or one.labels))
        else:
            yield one


def _question(row: Mapping[str, Any], where: str, longest: int) -> Question:
    if not isinstance(row, Mapping):
        raise BadRow(f"is {_kind(row)}; expected an object with a question")
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(row, ensure_ascii=False, default=str)):
        raise BadRow("holds half a character (a lone surrogate); write the text again")
    text = row.get("question")
    if text is None:
        raise BadRow(f'has no "question"; it has {", ".join(map(repr, list(row)[:8])) or "nothing"}')
    if not isinstance(text, str) or not text.strip():
        raise BadRow(f'"question" is {_kind(text)}; expected words')
    try:
        check(text, longest)
    except BadQuestion as error:
        raise BadRow(str(error)) from error
    named = row.get("id")
    if named is not None and (isinstance(named, bool) or not isinstance(named, str | int)):
        raise BadRow(f'"id" is {_kind(named)}; expected a string')
    answers = _strings(row, "answers")
    answerable = row.get("answerable")
    if answerable is not None and not isinstance(answerable, bool):
        raise BadRow(f'"answerable" is {_kind(answerable)}; expected true or false')
    if answerable is False and answers:
        raise BadRow('"answerable" is false, yet there are "answers": take one of them out')
    labels = tuple(_labels(row.get("relevant")))
    if answerable is False and labels:
        raise BadRow('"answerable" is false, yet there are "relevant" places: take one of them out')
    forbidden = _strings(row, "forbidden")
    if nothing := next((one for one in forbidden if not normalise(one)), None):
        raise BadRow(f'"forbidden" holds {nothing!r}, which has no words to look for')
    name = "" if named is None else str(named)
    return Question(name, text.strip(), answers, answerable, labels, _strings(row, "tags"), forbidden, where)


def _strings(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadRow(f'"{name}" is {_kind(value)}; expected a list of strings, like ["..."]')
    for one in value:
        if not isinstance(one, str) or not one.strip():
            raise BadRow(f'"{name}" holds {_kind(one)}; expected strings')
    return tuple(value)


def _labels(value: Any) -> Iterator[Label]:
    if value is None:
        return
    if not isinstance(value, list):
        raise BadRow(f'"relevant" is {_kind(value)}; expected a list like [{{"source": "...", "quote": "..."}}]')
    for one in value:
        if not isinstance(one, Mapping):
            raise BadRow(f'"relevant" holds {_kind(one)}; expected objects like {{"source": "...", "quote": "..."}}')
        source, quote = one.get("source"), one.get("quote")
        if not isinstance(source, str) or not source:
            raise BadRow(f'a "relevant" item has {_kind(source)} for its "source"; expected the name of a source')
        if quote is not None and (not isinstance(quote, str) or not quote.strip()):
            raise BadRow(f'the "quote" from {source!r} is {_kind(quote)}; expected words, or leave it out')
        if "spans" in one:
            pairs = one["spans"] or [None]
        else:
            pairs = [] if one.get("start") is None and one.get("end") is None else [[one.get("start"), one.get("end")]]
        yield Label(source, quote, tuple(_spans(pairs, source)))


def _spans(pairs: Any, source: str) -> Iterator[Span]:
    """Offsets into a source, checked. `pairs` is a list of [start, end]."""
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        whole = isinstance(pair, list | tuple) and len(pair) == 2 and all(type(place) is int for place in pair)
        if not whole or not 0 <= pair[0] < pair[1]:
            raise BadRow(f"the place {str(pair)[:60]} in {source!r} is no pair of offsets with 0 <= start < end")
        yield pair[0], pair[1]


def _kind(value: Any) -> str:
    """What a wrong value is, in words for whoever mends it."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return f"the string {value[:40]!r}" if value.strip() else "an empty string"
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return f"{names.get(type(value), type(value).__name__)} ({str(value)[:40]})"
