"""Feedback on an answer, stored as a labelled question in FOOTNOTE_HOME/feedback/questions.jsonl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from index.errors import FootnoteError
from rag.evaluation.labels import Corpus
from rag.evaluation.questions import collect

COMPLAINTS = {
    "not_in_the_sources": "What it says is not in the sources",
    "wrong_passage": "It cites the wrong passage",
    "wrong_words": "The right passage, but the wrong words",
    "should_have_refused": "It should have refused: the sources do not answer this",
    "other": "Something else",
}
"""Kind of complaint -> its text in the feedback dialog."""
GOOD = "good"
_MOST = 20_000
"""Most characters of a feedback."""


class BadFeedback(FootnoteError):
    """Feedback that gives no test question; the message says what is missing."""


def feedback_file(home: Path) -> Path:
    """Return the file of the feedback; `evaluate` accepts it as a question set."""
    return home / "feedback" / "questions.jsonl"


@dataclass(frozen=True)
class Judgement:
    """What a user says of an answer.

    `kind` is a key of COMPLAINTS or GOOD. `answers` are right answers in the user's words. `cited` are the places that
    the answer cited ({"source", "quote", "start", "end"}). `refused` is True if the answer was a refusal.
    """

    kind: str
    question: str
    answers: Sequence[str] = ()
    cited: Sequence[dict[str, Any]] = ()
    refused: bool = False


def keep(home: Path, judgement: Judgement, corpus: Corpus) -> dict[str, Any]:
    """Append a judged answer as a labelled question and return the row.

    The citations become labels if the answer is good or has the right passage but the wrong words. Raises BadFeedback
    if the feedback gives no test question, or cites a place that is not in the `corpus`.
    """
    kind, question, cited, refused = judgement.kind, judgement.question, judgement.cited, judgement.refused
    answers = [answer.strip() for answer in judgement.answers if answer.strip()]
    row: dict[str, Any] = {"question": " ".join(question.split()), "tags": ["feedback", kind]}
    if kind not in COMPLAINTS and kind != GOOD:
        raise BadFeedback("Choose what was wrong.")
    if len(json.dumps([question, answers, list(cited)])) > _MOST:
        raise BadFeedback(
            f"This is too long to keep; a right answer takes a few words (the limit is {_MOST:,} characters)."
        )
    if kind == "should_have_refused" or (kind == GOOD and refused):
        row["answerable"] = False
    elif answers:
        row["answers"] = answers
    elif kind == "not_in_the_sources":
        row["answerable"] = False
    elif kind == GOOD and not cited:
        raise BadFeedback("This answer cites nothing, so there is nothing to test in it.")
    elif kind != GOOD:
        raise BadFeedback(f"Write what the right answer is, or choose “{COMPLAINTS['should_have_refused']}”.")
    if kind in (GOOD, "wrong_words") and row.get("answerable") is not False:
        row["relevant"] = list(cited)
    now = datetime.now()
    digest = hashlib.blake2b(f"{now.isoformat()} {question}".encode("utf-8", "replace"), digest_size=3).hexdigest()
    row = {"id": f"feedback-{now:%Y%m%d-%H%M%S}-{digest}", **row}
    collected = collect([("this answer", row)], "feedback", _MOST)
    if collected.problems:
        raise BadFeedback(collected.problems[0].message)
    for place in map(corpus.find, collected.questions[0].labels):
        if place.missing:
            raise BadFeedback(f"This can't be kept: {place.missing}. Ask the question again and judge that answer.")
    path = feedback_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name("lock")), path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(json.dumps(row) + "\n")
    return row
