"""Translation of question rows of other tools into rows with our keys, by a table of synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

NATIVE = ("id", "question", "answers", "answerable", "relevant", "tags", "forbidden", "thread")
"""The keys of a row in our own form; their values are not converted."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "id": ("id", "_id", "question_id", "query_id", "qid", "example_id", "uuid"),
    "question": (
        "question", "query", "user_input", "user_query", "user_question", "input_question", "inputs_question",
        "input", "inputs", "prompt", "questions", "queries",
    ),
    "answers": (
        "answers", "ground_truth", "ground_truths", "ground_truth_answer", "truth", "reference", "references",
        "reference_answer", "reference_answers", "reference_output", "reference_outputs", "expected",
        "expected_answer", "expected_answers", "expected_output", "expected_outputs", "expected_response",
        "correct_answer", "correct_answers", "best_answer", "gold", "gold_answer", "gold_answers", "golden_answer",
        "golden_answers", "ideal", "ideal_answer", "target", "answer", "output_answer", "outputs_answer", "output",
        "outputs",
    ),
    "answerable": ("answerable", "is_answerable"),
    "relevant": ("relevant", "relevant_docs"),
    "contexts": (
        "reference_contexts", "reference_context", "gold_contexts", "gold_context", "expected_contexts",
        "expected_context", "ground_truth_contexts", "ground_truth_context", "contexts", "context",
    ),
    "title": ("title",),
    "tags": ("tags",),
    "forbidden": ("forbidden",),
    "thread": ("thread", "thread_id", "conversation_id"),
}  # fmt: skip
"""Our key -> its names in other tools (lower case, words joined by "_"), the most reliable first. If a row has several,
the first counts: RAGAS, for example, has the answer of a system in `answer` and the right one in `ground_truth`.
"""

_OF_A_SYSTEM = frozenset(("answer", "output", "outputs", "output_answer", "outputs_answer", "response"))
"""Keys that hold a system's answer if a more reliable key holds the right one."""
_NEGATED = ("is_impossible", "unanswerable", "is_unanswerable")
_WRAPPERS = ("row", "item", "example", "vars")
_LIKE_ANSWERS = re.compile(r"answer|truth|expect|reference|gold|ideal|target|correct|response|output|solution")
_NO_ANSWERS = re.compile(r"(?:_by|_start|_id|_ids|_type|_model|_contexts?|score)$")
_LIKE_QUESTIONS = re.compile(r"question|quer(?:y|ies)|prompt|input|utterance|message|text")
_CITED = re.compile(r"\s*\[([^\[\]\n]+?\.\w{1,5})(?:#page=\d+)?\]")
_HOP = re.compile(r"^<\d+-hop>\s*")


class BadRow(ValueError):
    """A row that can't be used; the message says what it has and what was expected."""


@dataclass
class KeyLog:
    """How the keys of a file were translated.

    `read` maps their keys to ours. `of_a_system` are ignored keys with a system's output, `unread` are ignored keys
    that may hold answers. `answered` is True once a row had answers.
    """

    read: dict[str, str] = field(default_factory=dict)
    of_a_system: dict[str, None] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)
    answered: bool = False

    def notes(self) -> list[str]:
        """Return a sentence for each translation and each group of ignored keys."""
        notes = [f"{_quoted([theirs])} is read as {_quoted([ours])}" for theirs, ours in self.read.items()]
        if self.of_a_system:
            notes.append(
                f"{_quoted(self.of_a_system)} not read: a system wrote it, and another key has the right answers"
            )
        if self.unread and self.answered:
            notes.append(
                f"{_quoted(self.unread)} not read: the answers are in another key; join them there if they count"
            )
        return notes

    def lost(self) -> str:
        """Return the message for a set without answers but with keys like answers, or ""."""
        if not self.unread or self.answered:
            return ""
        return f'{_quoted(self.unread)} not read, and no answers were: rename the key of the right answers to "answers"'


@lru_cache(maxsize=10_000)
def normal_name(key: str) -> str:
    """Return a key in lower case with its words joined by "_".

    >>> normal_name("Expected answer"), normal_name("groundTruth"), normal_name("inputs.question")
    ('expected_answer', 'ground_truth', 'inputs_question')
    """
    return re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip()).lower()).rstrip("_")


def names_question(keys: Iterator[str] | list[str] | tuple[str, ...]) -> bool:
    """True if one of the keys is a name for the question."""
    return not {normal_name(key) for key in keys}.isdisjoint(SYNONYMS["question"])


def translate(row: Mapping[Any, Any], log: KeyLog) -> dict[str, Any]:
    """Translate a row into our keys, plus `contexts` and `title`.

    The keys are recorded in `log`. `contexts` are texts with the evidence, [(text, spans of answers)]. Raises BadRow if
    a value has an unknown form.
    """
    names = {normal_name(key): key for key in row if isinstance(key, str)}
    inner = [row[names[one]] for one in _WRAPPERS if one in names and isinstance(row[names[one]], Mapping)]
    if inner and not names_question(tuple(names)):
        return translate(inner[0], log)
    taken = {ours: next((one for one in theirs if one in names), "") for ours, theirs in SYNONYMS.items()}
    if not taken["question"] and "_id" in names and "text" in names:  # BEIR
        taken["question"] = "text"
    by_system = [name for name in _OF_A_SYSTEM & names.keys() if taken["answers"] not in ("", *_OF_A_SYSTEM)]
    if by_system and taken["contexts"] in ("contexts", "context"):
        by_system.append(taken["contexts"])
        taken["contexts"] = ""
    made: dict[str, Any] = {}
    for ours, theirs in taken.items():
        if theirs and row[names[theirs]] is not None:
            key, value = names[theirs], row[names[theirs]]
            made[ours] = value if _is_native(key, value) else _READERS[ours](key, value)
            if theirs != ours and made[ours]:
                log.read.setdefault(key, ours)
    negated = next((row[names[one]] for one in _NEGATED if isinstance(row.get(names.get(one)), bool)), None)
    if negated is not None:
        made.setdefault("answerable", not negated)
    log.answered |= bool(made.get("answers"))
    log.of_a_system.update(dict.fromkeys(names[name] for name in sorted(by_system)))
    _note_unread(names, taken, by_system, row, log)
    return _with_evidence(made, row[names[taken["answers"]]] if taken["answers"] else None, native="answers" in row)


def _is_native(key: str, value: Any) -> bool:
    """True for a value in our form, which is checked later; objects and lists of messages are other tools' forms."""
    return key in NATIVE and not isinstance(value, Mapping) and not (key == "question" and isinstance(value, list))


def looks_like_question(keys: list[str]) -> str:
    """Return the first key that looks like the question's, for a message, or ""."""
    return next((key for key in keys if _LIKE_QUESTIONS.search(normal_name(key))), "")


def _note_unread(
    names: Mapping[str, str], taken: Mapping[str, str], by_system: list[str], row: Mapping[Any, Any], log: KeyLog
) -> None:
    used = {*taken.values(), *by_system, *SYNONYMS["question"], *SYNONYMS["contexts"], *_NEGATED, "answerable"}
    for name, key in names.items():
        like = _LIKE_ANSWERS.search(name) and not _NO_ANSWERS.search(name)
        if like and name not in used and row[key] not in (None, "", [], {}):
            log.unread.setdefault(key)


def _quoted(keys: Mapping[str, Any] | list[str]) -> str:
    quoted = [f'"{key}"' for key in keys]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _with_evidence(made: dict[str, Any], answers: Any, *, native: bool) -> dict[str, Any]:
    """Return the row with labels from the sources cited in its answers, and with the answers' spans in its contexts."""
    offsets: list[int] | None = None
    if isinstance(answers, Mapping) and "answer_start" in answers:  # flat SQuAD
        starts = answers["answer_start"]
        offsets = [one for one in (starts if isinstance(starts, list) else [starts]) if type(one) is int]
        if not made["answers"]:
            made.setdefault("answerable", False)
    if not native and made.get("answers"):
        cited = [source for answer in made["answers"] for source in _CITED.findall(answer)]
        made["answers"] = [bare for answer in made["answers"] if (bare := _CITED.sub("", answer).strip())]
        if cited:
            made.setdefault("relevant", [{"source": source} for source in dict.fromkeys(cited)])
    if made.get("contexts"):
        texts = [_HOP.sub("", one) for one in made["contexts"] if one.strip()]
        words = made.get("answers") or []
        words = [one for one in words if isinstance(one, str)] if isinstance(words, list) else []
        made["contexts"] = [(text, _inside(text, words, offsets)) for text in texts]
    return made


def _inside(text: str, answers: list[str], offsets: list[int] | None) -> tuple[tuple[int, int], ...]:
    """Return the spans of the answers in a context: at the given offsets if these are right, else all matches."""
    if offsets is not None and len(offsets) == len(answers):
        given = [(at, at + len(one)) for at, one in zip(offsets, answers, strict=True)]
        if all(text[a:b] == one for (a, b), one in zip(given, answers, strict=True)):
            return tuple(sorted(set(given)))
    found = [m.span() for one in answers if one for m in re.finditer(rf"(?<!\w){re.escape(one)}(?!\w)", text)]
    return tuple(sorted(set(found)))


# --- values -----------------------------------------------------------------------------------------------------------


def _as_is(key: str, value: Any) -> Any:
    return value


def _as_question(key: str, value: Any) -> Any:
    """Return a question: a string, one in an object (LangSmith's inputs), or the user's last message."""
    if isinstance(value, str):
        return value
    found = _inner(value, SYNONYMS["question"], ("user", "human"))
    if not isinstance(found, str):
        raise BadRow(f'"{key}" holds no question that is known; put its words in "question"')
    return found


def _as_answers(key: str, value: Any) -> list[str]:
    """Return acceptable answers from a string, number, object (flat SQuAD, LangSmith's outputs) or list."""
    if isinstance(value, str | int | float):
        words = ("no", "yes")[value] if isinstance(value, bool) else str(value).strip()
        return [words] if words and value == value else []  # NaN is an empty cell
    if isinstance(value, list) and not any(isinstance(one, Mapping) and "role" in one for one in value):
        return list(dict.fromkeys(answer for one in value if one is not None for answer in _as_answers(key, one)))
    found = _inner(value, ("text", *SYNONYMS["answers"]), ("assistant", "ai"))
    if found is None:
        raise BadRow(f'"{key}" holds no answer that is known; put the right answers in "answers", a list of strings')
    return _as_answers(key, found)


def _inner(value: Any, keys: tuple[str, ...], roles: tuple[str, ...]) -> Any:
    """Return the value under one of `keys`, or the last message of one of `roles`; None if there is none.

    An object without such a key may have one string value, which is returned.
    """
    if isinstance(value, list):
        said = [
            one.get("content")
            for one in value
            if isinstance(one, Mapping) and str(one.get("role", one.get("type"))).lower() in roles
        ]
        return said[-1] if said else None
    if not isinstance(value, Mapping):
        return None
    names = {normal_name(key): key for key in value if isinstance(key, str)}
    if name := next((one for one in keys if one in names), ""):
        found = value[names[name]]
        return _inner(found, keys, roles) if isinstance(found, Mapping) else found
    if isinstance(value.get("messages"), list):
        return _inner(value["messages"], keys, roles)
    strings = [one for one in value.values() if isinstance(one, str)]
    return strings[0] if len(strings) == 1 else None


def _as_sources(key: str, value: Any) -> Any:
    """Return labels from source names: a name, a list, or an object from name to relevance (above 0: relevant)."""
    if isinstance(value, Mapping):
        value = [one for one, judged in value.items() if not isinstance(judged, int | float) or judged > 0]
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(one, str) and one for one in names):
        return [{"source": one} for one in names]
    return value


def _as_contexts(key: str, value: Any) -> list[str]:
    """Return the texts with the evidence, from a text or a list of texts or of objects with a text."""
    texts = []
    for one in value if isinstance(value, list) else [value]:
        found = one if isinstance(one, str) else _inner(one, ("text", "content", "page_content"), ())
        if not isinstance(found, str):
            raise BadRow(f'"{key}" holds no text that is known; put its places in "relevant"')
        texts.append(found)
    return texts


_READERS = {
    **dict.fromkeys(SYNONYMS, _as_is),
    "question": _as_question,
    "answers": _as_answers,
    "relevant": _as_sources,
    "contexts": _as_contexts,
}
