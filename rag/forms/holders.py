"""The sources that mention a topic, with a sentence of each."""

from __future__ import annotations

import re
from dataclasses import replace

from index.text.sentences import sentences
from index.text.structure import Structure
from index.text.words import content_terms
from rag.cite import Statement
from rag.forms.along_blocks import statements
from rag.places import Places
from rag.retrieve import Hit
from rag.scope import Scope

_MOST_PASSAGES = 50
"""Most passages to look through."""
MOST_SOURCES = 20
_ENDS = re.compile(r"[.!…][\"'”’)\]*_]*\s*$")


def sources_that_mention(topic: str, scope: Scope) -> tuple[Places, list[Statement], str]:
    """Return a statement for each source that mentions a topic, likeliest first.

    Returns (places, statements, note on the number of sources). There are no statements if no source has all words of
    the topic in one passage.
    """
    topic_terms = set(content_terms(topic))
    query = scope.retriever.query(topic, scope.article_ids)
    hits = scope.retriever.retrieve(query, _MOST_PASSAGES) if topic_terms else []
    first = dict[str, Hit]()
    for hit in hits:
        if topic_terms <= set(content_terms(hit.chunk.text)):
            first.setdefault(hit.chunk.article_id, hit)
    found = list(first.values())[:MOST_SOURCES]
    places = scope.places(found)
    made = list[Statement]()
    for hit in found:
        article = places.articles[hit.chunk.article_id]
        for one in _best_sentence(places.structure(article.id), hit, topic_terms, places)[:1]:
            made.append(replace(one, text=f"{article.title}: {one.text}"))
    total = len(scope.article_ids or scope.generation.catalog.article_ids())
    # If the search reached its limit, there may be more.
    least = "At least " if len(hits) == _MOST_PASSAGES or len(made) < len(first) else ""
    return places, made, f"{least}{len(made)} of {total} sources mention “{topic}”." if made else ""


def _best_sentence(held: Structure, hit: Hit, topic_terms: set[str], places: Places) -> list[Statement]:
    """Return the first sentence with most words of the topic as a statement.

    If the heading has these words, it is the first sentence below it.
    """
    spans = sentences(hit.chunk.text)
    shares = [len(topic_terms & set(content_terms(hit.chunk.text[slice(*span)]))) for span in spans]
    said = [number for number, (start, end) in enumerate(spans) if _ENDS.search(hit.chunk.text[start:end])]
    best = max(range(len(spans)), key=lambda number: (shares[number], number in said))
    best = next((number for number in said if number >= best), best)
    start, end = spans[best]
    place = hit.chunk.start + start, hit.chunk.start + end
    return statements(place, places, hit.chunk.article_id, 1.0, (), "item")
