"""Chunks are verbatim slices that fit their limits, end at sentence ends and cover the article."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from index.article import make_article
from index.chunk import Limits, chunk
from index.embed import Embedder
from index.layout import blocks
from index.sentences import sentences
from index.tokens import token_counter
from rag.settings import SEEDS
from tests.nasty import TEXTS


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_chunks_are_slices_within_the_limits_and_cover_the_text(text: str, limits: Limits) -> None:
    article = make_article("folder/name.txt", text)
    found = chunk(article, limits)
    covered = set[int]()
    for number, one in enumerate(found):
        assert one.ordinal == number
        assert article.text[one.start : one.end] == one.text
        assert one.token_count == limits.count_tokens(one.text) <= limits.tokens
        assert limits.count_pieces(one.searchable) <= limits.pieces
        covered.update(range(one.start, one.end))
    for block in blocks(text):
        inside = [place for place in range(block.start, block.end) if not text[place].isspace()]
        if block.kind == "text":
            assert covered.issuperset(inside)
        else:
            assert covered.isdisjoint(inside)
    assert len({one.id for one in found}) == len(found)
    assert found == chunk(make_article("folder/name.txt", text), limits)


def test_chunks_begin_and_end_with_sentences_and_overlap_by_whole_ones(limits: Limits) -> None:
    text = " ".join(f"Sentence number {n} tells of the {n}th battery plant in the north." for n in range(80))
    article = make_article("a.txt", text)
    spans = sentences(text)
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    found = chunk(article, limits)
    assert len(found) > 3
    for one in found:
        assert one.start in starts and one.end in ends
    for before, after in pairwise(found):
        assert before.start < after.start < before.end < after.end
        assert limits.count_tokens(text[after.start : before.end]) <= limits.overlap


def test_without_overlap_no_sentence_stands_twice(limits: Limits) -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(200))
    found = chunk(make_article("a.txt", text), replace(limits, overlap=0))
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_golden_chunks_of_a_seed(limits: Limits) -> None:
    text = (SEEDS / "000_fee8f80bb4d154f2.txt").read_bytes().decode()
    found = chunk(make_article("000_fee8f80bb4d154f2.txt", text), limits)
    assert [(one.heading, one.text.split()[0], one.text.split()[-1], one.start, one.end) for one in found] == [
        ("", "Thursday,", "sector.", 67, 402),
        ("Revolutionizing Electric Vehicle Supply Chains", "General", "capabilities.", 527, 872),
        ("The Strategic Importance of Local Manufacturing", "•", "EVs.", 925, 1370),
        ("Implications for the Automotive Industry", "This", "production.", 1414, 1652),
    ]


def test_limits_that_make_no_sense_are_refused(embedder: Embedder) -> None:
    count = token_counter().count
    with pytest.raises(ValueError, match="overlap"):
        Limits(count, embedder.count_pieces, overlap=150)
    with pytest.raises(ValueError, match="at least 16"):
        Limits(count, embedder.count_pieces, tokens=3)
