"""What an answer was made with, and whether the same question is answered the same today."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
"""In FOOTNOTE_HOME: the folder of the answers that `whatsnew` compares with."""


@dataclass(frozen=True)
class Replayed:
    """A question that was asked again: the answer of then and of now, and in words what explains a difference."""

    then: Answer
    now: Answer
    why: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether both say the same, with the same citations."""
        return _said(self.then) == _said(self.now)

    def to_json(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "identical": self.identical,
            "why": list(self.why),
            "then": self.then.to_json(),
            "now": self.now.to_json(),
        }

    @property
    def leads_differ(self) -> bool:
        """Whether the question has another answer: its lead is another, or one of both is a refusal."""
        return _lead(self.then) != _lead(self.now)


def read_receipt(path: Path) -> Answer:
    """Return the answer that a file holds as `ask --json` prints it. Raises FootnoteError for anything else."""
    try:
        return Answer.from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise FootnoteError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FootnoteError(f"{path} holds no answer. Make one with `{command('ask QUESTION --json')}`.") from error


def replay(engine: Engine, then: Answer) -> Replayed:
    """Ask a question again just as it was searched, of the same sources as far as they are there."""
    generation = engine.parts()[0]
    there = generation.catalog.article_ids()
    names = sorted(then.asked.names & there.keys()) if then.asked else []
    if then.asked and not names:
        raise FootnoteError("None of the sources that were asked is in the index any more.")
    choice = Choice(only=tuple(names)) if names else ALL_SOURCES
    now = answer(engine, then.searched, writer=then.writer, choice=choice, as_typed=True)
    return Replayed(then, now, tuple(_reasons(then, now, there)))


def whats_new(engine: Engine, name: str, questions: Sequence[str]) -> list[Replayed] | None:
    """Ask questions again and return those that have another answer than the last time under this `name`.

    None the first time, when there is nothing to compare with. The answers of now are kept for the next time.
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


def _said(one: Answer) -> tuple[object, ...]:
    cited = [(place.source, place.start, place.end, place.quote) for place in one.citations]
    return one.refused, one.text, cited


def _lead(one: Answer) -> tuple[bool, str]:
    return one.refused, "" if one.refused or not one.sentences else one.sentences[0].text


def _reasons(then: Answer, now: Answer, there: Mapping[str, str]) -> list[str]:
    """What is not as it was: sources, then models and settings."""
    ids = {one.source: one.article_id for one in then.passages}
    ids |= {one.source: one.article_id for one in then.citations}
    told = [f"{source} is gone" for source in sorted(ids) if source not in there]
    told += [f"{source} has changed" for source, id_ in sorted(ids.items()) if there.get(source, id_) != id_]
    new = {one.source for one in now.citations} - ids.keys()
    told += [f"{source} answers now" for source in sorted(new)]
    was, made = then.made_by, now.made_by
    for key in sorted({*was, *made} - {"generation", "corpus"}):
        if was and was.get(key) != made.get(key):
            told.append(
                f"{_NAMES[key]} is another"
                if key in _NAMES
                else f"{key} was {was.get(key, 'as shipped')}, is {made.get(key, 'as shipped')}"
            )
    return told
