"""The questions of a set as conversations: those of one thread are asked one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.conversation.thread import NO_TURNS, Thread
from rag.evaluation.questions import Question
from rag.types import Answer


@dataclass
class Pending:
    """Questions of one thread, with their places in the set, that are left to ask, and what was said before them."""

    left: deque[tuple[int, Question]] = field(default_factory=deque)
    said: Thread = NO_TURNS


def pending_threads(questions: Sequence[Question], done: Mapping[int, dict[str, Any]]) -> list[Pending]:
    """Return what is left to ask: the questions of a thread together, in their order, any other by itself.

    `done` are the answers that are there already, as JSON, by the places of their questions.
    """
    made: dict[str, Pending] = {}
    for n, one in enumerate(questions):
        own = made.setdefault(f"thread {one.thread}" if one.thread else f"question {n}", Pending())
        if n not in done:
            own.left.append((n, one))
        elif one.thread:
            own.said = own.said.then(Answer.from_json(done[n]))
    return [one for one in made.values() if one.left]
