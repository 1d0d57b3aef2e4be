"""A question in a conversation -> the interpretation of it that the sources answer best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.text.terms import FUNCTION_WORDS
from index.text.words import terms, words
from rag.conversation.thread import Thread, is_fragment, is_whole, refers, strip_links
from rag.forms.comparison import Side, combine_readings, sides
from rag.reader import Reading
from rag.retrieve import Query
from rag.scope import Scope
from rag.types import Form

MOST_READ = 4
"""Most interpretations of a follow-up for which the model reads passages."""
_OWN = 0.4
"""Share of a score that depends on how many of the follow-up's own words are in the best evidence."""
_SAME_SOURCE = 0.2
"""Bonus for an interpretation whose best evidence is in a source of the last answer."""
_SAME_ROW = 0.2
"""Bonus for an interpretation whose best evidence is in the row that the last answer rests on."""
_REPEATS = 0.3
"""Penalty for an interpretation that only repeats the words that opened the last answer."""
_CLEARLY = 0.05
"""Margin by which another interpretation must beat the question itself."""
_PLAINLY = 0.2
"""The same margin if only the first word of the question refers back ("and who has the key?"), or nothing does."""
_LEAST, _LEANS = 0.25, 0.3
"""Score from which the sources of the last answer alone answer a follow-up, unless another is better by the second
value."""
_FRAGMENT = 0.2
"""Penalty for a fragment taken by itself, which is seldom a new subject."""


@dataclass(frozen=True)
class Resolved:
    """A question as it was searched, and the reading of its passages."""

    query: Query
    reading: Reading


def resolve_question(thread: Thread, question: str, form: Form, scope: Scope) -> Resolved:
    """Search each interpretation of a question; return the one answered best.

    The first wins a tie. Only the interpretations that retrieval ranks best are read, and always the question itself. A
    question that compares two things is read about each.
    """
    best = _read(thread, question, scope)
    if refers(question) and (said := scope.within({one.article_id for one in thread.citations()})):
        own = _read(thread, question, said)
        if (own.reading.score or 0.0) >= max(_LEAST, (best.reading.score or 0.0) - _LEANS):
            best = own
    two = sides(best.query.text) if form == "comparison" else None
    if not two:
        return best
    scopes = [scope.of_year(side.thing) for side in two]
    first, second = two if scope in scopes else map(_of_any_year, two)
    pair = [
        (side, scope.reader.read(*own.search(side.question))) for own, side in zip(scopes, (first, second), strict=True)
    ]
    return replace(best, reading=combine_readings(best.reading, pair))


def _read(thread: Thread, question: str, scope: Scope) -> Resolved:
    """Return the interpretation of a question that these sources answer best."""
    searched = [scope.search(text) for text in thread.readings(question)]
    others = sorted(searched[1:], key=lambda one: -max((hit.score for hit in one[1]), default=0.0))
    tried = [Resolved(query, scope.reader.read(query, hits)) for query, hits in [searched[0], *others[: MOST_READ - 1]]]
    return _best(tried, thread, question)


def _of_any_year(side: Side) -> Side:
    """Return the question about a year without the year, to ask the sources of that year."""
    return Side("", " ".join(side.question.replace(side.thing, " ").split()))


def _best(tried: Sequence[Resolved], thread: Thread, question: str) -> Resolved:
    """Return the best interpretation; a question that is not a fragment wins unless another one is clearly better."""
    if len(tried) == 1:
        return tried[0]
    worth = [_worth(one, thread, question) for one in tried]
    if not refers(question):
        worth[0] += _PLAINLY
    elif not is_fragment(question):
        worth[0] += _PLAINLY if is_whole(strip_links(question)) else _CLEARLY
    return max(zip(worth, tried, strict=True), key=lambda pair: pair[0])[1]


def _worth(one: Resolved, thread: Thread, question: str) -> float:
    """Return how well an interpretation is answered, and continues the conversation."""
    reading = one.reading
    if not reading.evidence or not one.query.terms:
        return 0.0
    best = reading.evidence[0]
    own = [term for word in words(question) if word not in FUNCTION_WORDS for term in terms(word)]
    held = set(terms(f"{best.hit.chunk.context} {best.text}"))
    share = sum(term in held for term in own) / len(own) if own else 1.0
    worth = (reading.score or 0.0) * (1 - _OWN + _OWN * share)
    cited = thread.citations()
    worth += _SAME_SOURCE * any(one.article_id == best.hit.chunk.article_id for one in cited)
    row = thread.row()
    if row and row.article_id == best.hit.chunk.article_id and best.start < row.end and row.start < best.end:
        worth += _SAME_ROW
    whole = own and share == 1 and is_whole(question)
    alone = one.query.text in (question, strip_links(question))
    worth -= _FRAGMENT * (alone and is_fragment(question) and not whole)
    before = {(one.article_id, *span) for one in cited[:1] for span in one.answers}
    answers = {(best.hit.chunk.article_id, *span) for span in best.answers}
    return worth - _REPEATS * bool(answers and answers <= before)
