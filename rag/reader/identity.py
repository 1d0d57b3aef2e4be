"""Reads about the thing that a question asks for, and drops answers about others: the next room, a longer code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set

from index.chunk import Chunk
from index.mentions import mentioned_in_name, mentions
from index.text.identifiers import Identifier
from index.text.layout import Span
from index.text.marks import as_read
from index.text.sentences import sentences
from index.text.words import terms
from rag.reader.spans import AnswerSpan, PassageReading, SpanReader
from rag.retrieve import Hit, Query

CARRIED = 3.0
"""Loss of an answer, in log-odds, if another thing was the last one named before its sentence."""


def read_about(
    spans: SpanReader, query: Query, hits: Sequence[Hit], passages: Sequence[str], best: int
) -> list[PassageReading]:
    """Read passages so that the model sees where the things asked for are.

    Returns at most `best` answers for each passage. A model that has not learned to read titles gets them if only they
    name the thing. The question names it as the passages write it.
    """
    texts, lengths = list[str](), list[int]()
    for hit, passage in zip(hits, passages, strict=True):
        inside = mentions(hit.chunk.text) if query.identifiers else set[str]()
        above = mentions(hit.chunk.context) if query.identifiers else set()
        headed = any(one.stands_in(above) and not one.stands_in(inside) for one in query.identifiers)
        texts.append(as_read(f"{hit.chunk.context}\n{passage}" if headed and not spans.titled else passage))
        lengths.append(len(texts[-1]) - len(passage))
    headings = [hit.chunk.context for hit in hits]
    read = [PassageReading() for _ in hits]
    questions = _as_written(query, hits)
    for question in set(questions):
        own = [n for n, one in enumerate(questions) if one == question]
        heads = [headings[n] for n in own] if spans.titled else []
        for n, found in zip(own, spans.read(question, [texts[n] for n in own], best, heads), strict=True):
            read[n] = _below(found, lengths[n])
    return read


def _as_written(query: Query, hits: Sequence[Hit]) -> list[str]:
    """Return the question for each hit, with identifiers and names as the passages write them."""
    question = query.text
    for one in reversed(query.identifiers):
        written = next(filter(None, (one.written_in(hit.chunk.searchable) for hit in hits)), one.text)
        question = question[: one.start] + written + question[one.end :]
    if not query.renamed:
        return [question] * len(hits)
    held = [frozenset(terms(hit.chunk.searchable)) for hit in hits]
    return [next((one.question for one in query.renamed if one.suits(found)), question) for found in held]


def _below(one: PassageReading, length: int) -> PassageReading:
    """Shift a reading by the `length` characters of headings above its passage, and drop answers in the headings."""
    if not length:
        return one
    return one.revised(
        [((a.start - length, a.end - length), 0.0 if a.start >= length else math.inf) for a in one.answers]
    )


def without_other_things(
    identifiers: Sequence[Identifier], hits: Sequence[Hit], found: Sequence[PassageReading], sources: Mapping[str, str]
) -> list[PassageReading]:
    """Drop the answers about things that the question does not ask for.

    A sentence or row that names another thing of the kind, and not the one asked for, is about that other thing. A
    sentence that names none is about the last thing named before it: in the passage, else in its headings or in the
    name of its source. `sources` has that name by article id.
    """
    if not identifiers:
        return list(found)
    return [
        _settle(identifiers, hit.chunk, one, sources.get(hit.chunk.article_id, ""))
        for hit, one in zip(hits, found, strict=True)
    ]


def _settle(identifiers: Sequence[Identifier], chunk: Chunk, one: PassageReading, source: str) -> PassageReading:
    lines = [(line, mentions(chunk.text[slice(*line)])) for line in sentences(chunk.text)]
    above = mentions(chunk.context), mentioned_in_name(source)
    keys = {key for identifier in identifiers for key in identifier.keys}
    losses = [
        sum(_loss(identifier, keys, lines, above, answer) for identifier in identifiers) for answer in one.answers
    ]
    if not any(losses):
        return one
    return one.revised([((a.start, a.end), loss) for a, loss in zip(one.answers, losses, strict=True)])


def _loss(
    identifier: Identifier,
    keys: Set[str],
    lines: Sequence[tuple[Span, set[str]]],
    above: Sequence[Set[str]],
    answer: AnswerSpan,
) -> float:
    """Return what an answer loses, in log-odds, if it is about another thing than `identifier`.

    Other things that the question asks for, with keys among `keys`, are no loss.
    """
    here = {key for (a, b), held in lines if a < answer.end and answer.start < b for key in held}
    before = [held for (_, end), held in reversed(lines) if end <= answer.start]
    named: list[tuple[Set[str], float]] = [(here, math.inf), *((held, CARRIED) for held in before)]
    for held, loss in (*named, *((held, math.inf) for held in above)):
        if identifier.stands_in(held) or identifier.has_rival_in(held & keys):
            return 0.0
        if identifier.has_rival_in(held):
            return loss
    return 0.0
