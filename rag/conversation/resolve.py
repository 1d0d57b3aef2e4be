"""A question within a conversation -> the reading of it that the sources answer best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.text.terms import FUNCTION_WORDS
from index.text.words import terms, words
from rag.conversation.thread import Thread, is_fragment, is_whole, refers, strip_links
from rag.forms.asked import Form
from rag.forms.comparison import Side, beside, sides
from rag.reader import Reading
from rag.retrieve import Query
from rag.scope import Scope

MOST_READ = 4
"""Readings of a follow-up that the model reads passages for."""
_OWN = 0.4
"""The part of a reading's score that it keeps by the share of the follow-up's own words in the best evidence."""
_SAME_SOURCE = 0.2
"""Added to the score of a reading whose best evidence stands in a source of the last answer."""
_REPEATS = 0.3
"""Taken from the score of a reading that only finds the words that opened the last answer again."""
_CLEARLY = 0.05
"""By how much another reading must be worth more than the question by itself."""
_PLAINLY = 0.2
"""The same where nothing in the question points back but its first word ("and who has the key?")."""
_LEAST, _LEANS = 0.25, 0.3
"""The score from which the sources of the last answer answer a follow-up alone, if no other is better by so much."""
_FRAGMENT = 0.2
"""Taken from the score of a fragment by itself, which seldom is a new subject."""


@dataclass(frozen=True)
class Resolved:
    """A question as it was searched, and what was read for it."""

    query: Query
    reading: Reading


def resolve_question(thread: Thread, question: str, form: Form, scope: Scope) -> Resolved:
    """Search each reading of a question in its thread and return the one that is answered best, the first of equals.

    Only those that retrieval finds best are read, the question by itself always. A question that compares two things
    is read about each.
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
    return replace(best, reading=beside(best.reading, pair))


def _read(thread: Thread, question: str, scope: Scope) -> Resolved:
    """The reading of a question that these sources answer best."""
    searched = [scope.search(text) for text in thread.readings(question)]
    others = sorted(searched[1:], key=lambda one: -max((hit.score for hit in one[1]), default=0.0))
    tried = [Resolved(query, scope.reader.read(query, hits)) for query, hits in [searched[0], *others[: MOST_READ - 1]]]
    return _best(tried, thread, question)


def _of_any_year(side: Side) -> Side:
    """The question about a year, as it is asked of the sources of that year: without it."""
    return Side("", " ".join(side.question.replace(side.thing, " ").split()))


def _best(tried: Sequence[Resolved], thread: Thread, question: str) -> Resolved:
    """Return the reading that is worth most; a question of its own unless another one is clearly better."""
    if len(tried) == 1:
        return tried[0]
    worth = [_worth(one, thread, question) for one in tried]
    if not is_fragment(question):
        worth[0] += _PLAINLY if is_whole(strip_links(question)) else _CLEARLY
    return max(zip(worth, tried, strict=True), key=lambda pair: pair[0])[1]


def _worth(one: Resolved, thread: Thread, question: str) -> float:
    """How well a reading of a follow-up is answered, and whether it goes on with the conversation."""
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
    whole = own and share == 1 and is_whole(question)
    alone = one.query.text in (question, strip_links(question))
    worth -= _FRAGMENT * (alone and is_fragment(question) and not whole)
    before = {(one.article_id, *span) for one in cited[:1] for span in one.answers}
    answers = {(best.hit.chunk.article_id, *span) for span in best.answers}
    return worth - _REPEATS * bool(answers and answers <= before)
