"""What an answer was made with, and whether the same question gets the same answer today."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from index.errors import FootnoteError
from index.program import command
from index.state import write_atomically
from rag.answer import answer
from rag.choice import ALL_SOURCES, Choice
from rag.engine import Engine
from rag.types import Answer

_NAMES = {
    "footnote": "the version of Footnote",
    "encoder": "the encoder",
    "reader": "the reading model",
    "recipe": "how passages are cut",
}
KEPT = "whatsnew"
"""Folder in FOOTNOTE_HOME with the answers that `whatsnew` compares with."""
_ANSWER = TypeAdapter(Answer)
"""Checks the type of every value in a receipt."""


@dataclass(frozen=True)
class Replayed:
    """A repeated question: its old and new answer, and the reasons for a difference."""

    then: Answer
    now: Answer
    why: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """True if both answers have the same text and citations."""
        return _content(self.then) == _content(self.now)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values, for other programs."""
        return {
            "identical": self.identical,
            "why": list(self.why),
            "then": self.then.to_json(),
            "now": self.now.to_json(),
        }

    @property
    def leads_differ(self) -> bool:
        """True if the first sentences differ, or only one answer is a refusal."""
        return _lead(self.then) != _lead(self.now)


def read_receipt(path: Path) -> Answer:
    """Return the answer in a file written by `ask --json`.

    Raises FootnoteError for anything else.
    """
    try:
        answer = Answer.from_json(json.loads(path.read_text("utf-8")))
        return _ANSWER.validate_python(asdict(answer))
    except OSError as error:
        raise FootnoteError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FootnoteError(f"{path} holds no answer. Make one with `{command('ask QUESTION --json')}`.") from error


def replay(engine: Engine, then: Answer) -> Replayed:
    """Ask a question again exactly as it was searched.

    It searches the same sources, as far as they exist. Raises FootnoteError if none of them is left.
    """
    generation = engine.parts()[0]
    there = generation.catalog.article_ids()
    names = sorted(then.asked.names & there.keys()) if then.asked else []
    if then.asked and not names:
        raise FootnoteError("None of the sources that were searched is in the index any more.")
    choice = Choice(only=tuple(names)) if names else ALL_SOURCES
    now = answer(engine, then.searched, writer=then.writer, choice=choice, as_typed=True)
    return Replayed(then, now, tuple(_reasons(then, now, there)))


def whats_new(engine: Engine, name: str, questions: Sequence[str]) -> list[Replayed] | None:
    """Ask questions again and return those whose answer has changed.

    The answers are stored under `name` and compared with those of the last run. Returns None for the first run, which
    has nothing to compare with.
    """
    path = engine.home / KEPT / f"{name}.json"
    before: Mapping[str, Any] | None = None
    if path.exists():
        try:
            before = dict(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise FootnoteError(f"{path} can't be read. Delete it, and the next run begins anew.") from error
    there = engine.parts()[0].catalog.article_ids()
    kept, changed = dict[str, Any](), list[Replayed]()
    for question in dict.fromkeys(questions):
        now = answer(engine, question)
        kept[question] = now.to_json()
        if before and question in before:
            then = Answer.from_json(before[question])
            one = Replayed(then, now, tuple(_reasons(then, now, there)))
            changed += [one] if one.leads_differ else []
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(kept))
    return changed if before is not None else None


def _content(one: Answer) -> tuple[object, ...]:
    cited = [(place.source, place.start, place.end, place.quote) for place in one.citations]
    return one.refused, one.text, cited


def _lead(one: Answer) -> tuple[bool, str]:
    return one.refused, "" if one.refused or not one.sentences else one.sentences[0].text


def _reasons(then: Answer, now: Answer, there: Mapping[str, str]) -> list[str]:
    """List what has changed: sources, then models and settings."""
    ids = {one.source: one.article_id for one in then.passages}
    ids |= {one.source: one.article_id for one in then.citations}
    reasons = [f"{source} is gone" for source in sorted(ids) if source not in there]
    reasons += [f"{source} has changed" for source, id_ in sorted(ids.items()) if there.get(source, id_) != id_]
    new = {one.source for one in now.citations} - ids.keys()
    reasons += [f"{source} answers now" for source in sorted(new)]
    was, made = then.made_by, now.made_by
    for key in sorted({*was, *made} - {"generation", "corpus"}):
        if was and was.get(key) != made.get(key):
            reasons.append(
                f"{_NAMES[key]} is another"
                if key in _NAMES
                else f"{key} was {was.get(key, 'as shipped')}, is {made.get(key, 'as shipped')}"
            )
    return reasons
