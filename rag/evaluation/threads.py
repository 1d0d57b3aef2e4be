"""The questions of a set as conversations: the questions of a thread are asked in order."""

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
    """The unanswered questions of a thread, with their indices, and its earlier turns."""

    left: deque[tuple[int, Question]] = field(default_factory=deque)
    said: Thread = NO_TURNS


def pending_threads(questions: Sequence[Question], done: Mapping[int, dict[str, Any]]) -> list[Pending]:
    """Return the unanswered questions, grouped by thread.

    A question without thread is a group of one. `done` has the known answers as JSON, by the index of their question.
    """
    made: dict[str, Pending] = {}
    for n, one in enumerate(questions):
        own = made.setdefault(f"thread {one.thread}" if one.thread else f"question {n}", Pending())
        if n not in done:
            own.left.append((n, one))
        elif one.thread:
            own.said = own.said.then(Answer.from_json(done[n]))
    return [one for one in made.values() if one.left]
