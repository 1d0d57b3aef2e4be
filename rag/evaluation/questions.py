"""Question sets: labelled questions, checked row by row, with a problem for each row that can't be used."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from index.errors import FootnoteError
from index.text.layout import Span
from rag.answer import BadQuestion, check_question
from rag.evaluation.keys import BadRow, KeyLog, looks_like_question, translate
from rag.evaluation.measures import normalise

_BETWEEN = "\n\n"
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


class BadQuestionSet(FootnoteError):
    """A question set that can't be used; the message names the file and the remedy."""


@dataclass(frozen=True)
class Label:
    """One relevant item: a source, and a quote or spans in it.

    Any of the `spans` counts (for SQuAD the acceptable answer spans). Without quote and spans the whole source counts.
    With `context`, the quote is a text with the evidence from an unnamed source (""), as other tools have it: it is
    searched in the whole corpus, and the `spans` are offsets into the quote.
    """

    source: str
    quote: str | None = None
    spans: tuple[Span, ...] = ()
    context: bool = False

    @property
    def whole_source(self) -> bool:
        """True if any passage of the source counts."""
        return self.quote is None and not self.spans


@dataclass(frozen=True)
class Question:
    """One question of a set.

    `answerable` is None if the set does not say which questions are answerable. `forbidden` are texts that the answer
    must not contain. Questions of one `thread` are asked in order. `where` is the row, for messages.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool | None = None
    labels: tuple[Label, ...] = ()
    tags: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    where: str = ""
    thread: str = ""


@dataclass(frozen=True)
class Problem:
    """An error in a question set: its place, and what was expected."""

    file: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}, {self.where}: {self.message}"


@dataclass(frozen=True)
class QuestionSet:
    """A question set: usable questions, problems of other rows, a hash of the files.

    `articles` are (source, text) if the set contains its own corpus, as SQuAD does. `notes` say how keys of other tools
    were translated. `files` are the paths that were read; these are excluded from the corpus.
    """

    name: str
    questions: tuple[Question, ...]
    sha256: str
    problems: tuple[Problem, ...] = ()
    articles: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def tagged(self, tags: Iterable[str]) -> QuestionSet:
        """Return the set with only the questions that have one of `tags` (none: all).

        Raises BadQuestionSet if no question is left.
        """
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


@dataclass(frozen=True)
class Collected:
    """The content of a file: questions in order, problems, notes and articles.

    There is a problem for each row without a usable question. `notes` say how foreign keys were translated. `articles`
    are (source, text), made of the contexts.
    """

    questions: tuple[Question, ...]
    problems: list[Problem]
    notes: list[str]
    articles: tuple[tuple[str, str], ...]


def collect(rows: Iterable[tuple[str, Mapping[str, Any] | BadRow]], file: str, longest: int) -> Collected:
    """Check (where, row) pairs with our keys or those of another tool.

    `longest` is the most characters of a question.
    """
    questions: list[Question] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    unnamed: Counter[str] = Counter()
    log = KeyLog()
    paragraphs: dict[str, dict[str, None]] = {}
    untitled: dict[str, str] = {}
    for where, row in rows:
        try:
            question, contexts = _checked(row, where, longest, log)
            if not question.id:
                question = replace(question, id=_id_from_text(question.text, unnamed))
            if question.id in seen:
                raise BadRow(f"id {question.id!r} stands at {seen[question.id]} already: give each question its own")
        except BadRow as error:
            problems.append(Problem(file, where, str(error)))
            continue
        for title, text in contexts:
            title = title or untitled.setdefault(text, f"context {len(untitled) + 1}")
            paragraphs.setdefault(title, {}).setdefault(text)
        seen[question.id] = where
        questions.append(question)
    if lost := log.lost():
        problems.append(Problem(file, "keys", lost))
    articles = zip(file_names(paragraphs), map(_BETWEEN.join, paragraphs.values()), strict=True)
    notes = [f"{file}: {note}." for note in log.notes()]
    return Collected(tuple(_with_answerable(questions)), problems, notes, tuple(articles))


def file_names(titles: Iterable[str]) -> list[str]:
    """Return a file name for each title: unique, and valid on any file system."""
    made: list[str] = []
    taken: set[str] = set()
    for number, title in enumerate(titles, 1):
        safe = re.sub(r"[^\w.,()'’ -]+", "_", title).encode("utf-8", "ignore")[:180].decode("utf-8", "ignore")
        stem = safe.strip(" .")
        stem = f"_{stem}" if stem.upper() in _RESERVED else stem or f"article {number}"
        names = (stem if copy == 1 else f"{stem} ({copy})" for copy in itertools.count(1))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        made.append(f"{name}.txt")
    return made


def _checked(
    row: Mapping[str, Any] | BadRow, where: str, longest: int, log: KeyLog
) -> tuple[Question, list[tuple[str, str]]]:
    """Return a row as a question, and the (title, text) of its contexts. Raises BadRow."""
    if isinstance(row, BadRow):
        raise row
    if not isinstance(row, Mapping):
        raise BadRow(f"is {_kind(row)}; expected an object with a question")
    try:
        ours = translate(row, log)
        if "question" not in ours:
            had = ", ".join(map(repr, list(row)[:8])) or "nothing"
            near = looks_like_question([str(key) for key in row])
            raise BadRow(f'has no "question"; it has {had}' + (f'; rename "{near}" if that is it' if near else ""))
        title = ours.get("title")
        contexts = [(title if isinstance(title, str) else "", text) for text, _ in ours.get("contexts") or ()]
        return _question(ours, where, longest), contexts
    except RecursionError as error:
        raise BadRow("is nested too deeply") from error


def _id_from_text(text: str, unnamed: Counter[str]) -> str:
    """Return an id from the text of a row without id, so that it does not change when rows move."""
    made = f"q-{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=5).hexdigest()}"
    unnamed[made] += 1
    return made if unnamed[made] == 1 else f"{made}-{unnamed[made]}"


def _with_answerable(questions: list[Question]) -> Iterator[Question]:
    """Set a missing `answerable`: True if the question has answers or labels.

    It stays None if no row of the set has `answerable`, answers or labels.
    """
    says = any(one.answerable is not None or one.answers or one.labels for one in questions)
    for one in questions:
        if one.answerable is None and says:
            yield replace(one, answerable=bool(one.answers or one.labels))
        else:
            yield one


def _question(row: Mapping[str, Any], where: str, longest: int) -> Question:
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(row, ensure_ascii=False, default=str)):
        raise BadRow("holds half a character (a lone surrogate); write the text again")
    text = row["question"]
    if not isinstance(text, str) or not text.strip():
        raise BadRow(f'"question" is {_kind(text)}; expected words')
    try:
        check_question(text, longest)
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
    if not labels and answerable is not False:
        labels = tuple(Label("", text, spans, context=True) for text, spans in row.get("contexts") or ())
    if answerable is False and labels:
        raise BadRow('"answerable" is false, yet there are "relevant" places: take one of them out')
    forbidden = _strings(row, "forbidden")
    if nothing := next((one for one in forbidden if not normalise(one)), None):
        raise BadRow(f'"forbidden" holds {nothing!r}, which has no words to look for')
    thread = row.get("thread")
    if thread is not None and (isinstance(thread, bool) or not isinstance(thread, str | int)):
        raise BadRow(f'"thread" is {_kind(thread)}; expected a string that the rows of one conversation share')
    named, thread = ("" if one is None else str(one) for one in (named, thread))
    return Question(named, text.strip(), answers, answerable, labels, _strings(row, "tags"), forbidden, where, thread)


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
    """Check offsets into a source and yield them. `pairs` is a list of [start, end]."""
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        whole = isinstance(pair, list | tuple) and len(pair) == 2 and all(type(place) is int for place in pair)
        if not whole or not 0 <= pair[0] < pair[1]:
            raise BadRow(f"the place {str(pair)[:60]} in {source!r} is not a pair of offsets with 0 <= start < end")
        yield pair[0], pair[1]


def _kind(value: Any) -> str:
    """Describe a wrong value for an error message."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return f"the string {value[:40]!r}" if value.strip() else "an empty string"
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return f"{names.get(type(value), type(value).__name__)} ({str(value)[:40]})"
