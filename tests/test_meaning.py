"""The sentence nearest in meaning is quoted second; the reading model's first choice stays first."""

from __future__ import annotations

import pytest

from index.chunk import Chunk
from index.encoder.embedder import Embedder
from rag.reader import Evidence
from rag.reader.meaning import with_meaning
from rag.retrieve import Hit, Query

TEXT = "The chairs came on Monday. The chairs can be stacked ten high. The bill was sent by post."


def passage(text: str = TEXT) -> Hit:
    return Hit(Chunk("c", "a", 0, "", "", 0, len(text), text, 20), 1, 0.5, 0.5, 0.5, 1, 1)


def slice_of(hit: Hit, words: str, score: float) -> Evidence:
    start = hit.chunk.text.index(words)
    return Evidence(hit, start, start + len(words), score)


@pytest.fixture(scope="module")
def query(embedder: Embedder) -> Query:
    question = "how many chairs can be put on top of each other"
    return Query(question, embedder.encode_queries([question])[0], {})


def test_the_nearest_sentence_comes_second_and_scores_add_up_to_one(embedder: Embedder, query: Query) -> None:
    hit = passage()
    read = [slice_of(hit, "The chairs came on Monday.", 0.9), slice_of(hit, "The bill was sent by post.", 0.1)]
    found = with_meaning(read, [hit], query, embedder)
    assert [one.text for one in found] == [
        "The chairs came on Monday.",
        "The chairs can be stacked ten high.",
        "The bill was sent by post.",
    ]
    assert sum(one.score for one in found) == pytest.approx(1) and found[0].score > found[1].score > found[2].score


def test_nothing_is_added_if_the_first_sentence_is_the_nearest_or_nothing_was_read(
    embedder: Embedder, query: Query
) -> None:
    hit = passage()
    read = [slice_of(hit, "The chairs can be stacked ten high.", 1.0)]
    assert with_meaning(read, [hit], query, embedder) == read
    assert with_meaning([], [hit], query, embedder) == []
    alone = passage("The chairs can be stacked ten high.")
    assert with_meaning([slice_of(alone, "The chairs can be stacked ten high.", 1.0)], [alone], query, embedder)


def test_a_sentence_far_from_the_question_is_not_added(embedder: Embedder, query: Query) -> None:
    hit = passage("The bill was sent by post. Rain fell on the roof all night long.")
    read = [slice_of(hit, "The bill was sent by post.", 1.0)]
    assert with_meaning(read, [hit], query, embedder) == read
