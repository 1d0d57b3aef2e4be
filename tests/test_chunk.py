"""Chunks are verbatim slices within their limits, end at sentence ends and cover the article."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from itertools import pairwise
from string import ascii_letters

import pytest
from hypothesis import given, settings

from index.article import make_article
from index.chunk import ChunkLimits, chunk
from index.encoder.embedder import Embedder
from index.text.layout import blocks
from index.text.sentences import sentences
from index.text.tokens import token_counter
from rag.settings import SEEDS
from tests.nasty import TEXTS


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_chunks_are_slices_within_the_limits_and_cover_the_text(text: str, limits: ChunkLimits) -> None:
    article = make_article("folder/name.txt", text)
    found = chunk(article, limits)
    covered = set[int]()
    for number, one in enumerate(found):
        assert one.ordinal == number
        assert article.text[one.start : one.end] == one.text
        assert one.token_count == limits.count_tokens(one.text) <= limits.tokens
        assert limits.count_pieces(one.searchable) <= limits.pieces
        covered.update(range(one.start, one.end))
    said = "\n".join(one.text for one in found)
    headings = " ".join(one.context for one in found)
    for block in blocks(text):
        inside = [place for place in range(block.start, block.end) if not text[place].isspace()]
        if block.kind in ("title", "boilerplate"):
            assert covered.isdisjoint(inside)
        own = enumerate(text[block.start : block.end], block.start)
        for word in "".join(c if at not in covered else " " for at, c in own).split():
            # Uncovered words repeat a kept passage or a heading, or are data.
            searched = word in said or word.strip("#") in headings
            assert (
                block.kind in ("title", "boilerplate")
                or searched
                or (len(word) > 64 and set(word) <= {*said} | {*ascii_letters})
            )
    assert len({one.id for one in found}) == len({one.digest for one in found}) == len(found)
    assert found == chunk(make_article("folder/name.txt", text), limits)


def test_chunks_begin_and_end_with_sentences_and_overlap_by_whole_sentences(limits: ChunkLimits) -> None:
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


def test_without_overlap_no_sentence_is_repeated(limits: ChunkLimits) -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(200))
    found = chunk(make_article("a.txt", text), replace(limits, overlap=0))
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_of_repeated_passages_in_an_article_only_the_first_is_kept(limits: ChunkLimits) -> None:
    line = "The pump was checked by the shift engineer and found to be in working order today."
    text = f"The log of the pump house.\n{line}\n" + f"{line}\n" * 600 + "It stopped in May.\n"
    found = chunk(make_article("pump.log", text), limits)
    assert len(found) <= 5 and found[0].start == 0 and found[-1].text.endswith("It stopped in May.")
    assert all(text[one.start : one.end] == one.text for one in found)


def test_data_is_not_a_passage_but_the_text_around_it_is(limits: ChunkLimits) -> None:
    data = base64.b64encode(random.Random(0).randbytes(90_000)).decode()
    for run in (data, "\n".join(data[at : at + 76] for at in range(0, len(data), 76)), "x" * 1_000_000):
        text = f"The picture shows the mill. ![mill](data:image/png;base64,{run}) It was taken in May."
        found = chunk(make_article("mill.md", text), limits)
        assert [one.text for one in found] == [text[: text.index(run)].strip(), ") It was taken in May."]
    address = "https://example.org/" + "a-long/way/" * 60
    assert "".join(one.text for one in chunk(make_article("a.md", address), limits)) == address


def test_chunks_of_a_seed_match_the_golden_table(limits: ChunkLimits) -> None:
    text = (SEEDS / "000_fee8f80bb4d154f2.txt").read_bytes().decode()
    found = chunk(make_article("000_fee8f80bb4d154f2.txt", text), limits)
    assert [(one.heading, one.text.split()[0], one.text.split()[-1], one.start, one.end) for one in found] == [
        ("", "Thursday,", "sector.", 67, 402),
        ("Revolutionizing Electric Vehicle Supply Chains", "Revolutionizing", "capabilities.", 479, 872),
        ("The Strategic Importance of Local Manufacturing", "The", "EVs.", 874, 1370),
        ("Implications for the Automotive Industry", "Implications", "production.", 1372, 1652),
    ]


def test_every_heading_is_in_a_passage_and_its_parents_are_in_the_context(limits: ChunkLimits) -> None:
    text = (
        "# Harbour map\n\n## 3.2.0 (4 March)\n\n### Fixed\n\n- A crash.\n\n### Added\n\nA new chart of the bay.\n\n"
        "Opening hours 9 to 5\n\nThe office is at the quay.\n\n## 3.1.0 withdrawn\n"
    )
    found = chunk(make_article("changes.md", text), limits)
    assert [(one.context, one.heading, one.text) for one in found] == [
        ("Harbour map (Changes)", "3.2.0 (4 March) > Fixed", "## 3.2.0 (4 March)\n\n### Fixed\n\n- A crash."),
        ("Harbour map (Changes)\n3.2.0 (4 March)", "3.2.0 (4 March) > Added", "### Added\n\nA new chart of the bay."),
        (
            "Harbour map (Changes)\n3.2.0 (4 March)",
            "3.2.0 (4 March) > Opening hours 9 to 5",
            "Opening hours 9 to 5\n\nThe office is at the quay.",
        ),
        ("Harbour map (Changes)", "3.1.0 withdrawn", "## 3.1.0 withdrawn"),
    ]


def test_words_that_only_the_file_name_has_are_in_the_context(limits: ChunkLimits) -> None:
    text = "# Travel rules\n\nTake the train."
    contexts = [
        chunk(make_article(name, text), limits)[0].context for name in ("travel-rules-2025.md", "a1b2c3d4e5.md")
    ]
    assert contexts == ["Travel rules (2025)", "Travel rules"]


def test_each_further_passage_of_a_long_section_repeats_its_heading(limits: ChunkLimits) -> None:
    text = "# Manual\n\n## Cleaning\n\n" + " ".join(f"Rinse part {n} with cold water." for n in range(80))
    first, *others = chunk(make_article("manual.md", text), limits)
    assert first.context == "Manual" and first.text.startswith("## Cleaning\n\nRinse part 0")
    assert others and all(one.context == "Manual\nCleaning" and one.heading == "Cleaning" for one in others)


def test_contradictory_limits_are_refused(embedder: Embedder) -> None:
    count = token_counter().count
    with pytest.raises(ValueError, match="overlap"):
        ChunkLimits(count, embedder.count_pieces, overlap=150)
    with pytest.raises(ValueError, match="at least 16"):
        ChunkLimits(count, embedder.count_pieces, tokens=3)


def test_a_passage_fits_the_encoder_whatever_of_its_context_was_clipped(limits: ChunkLimits) -> None:
    heading = "&#xD800;" * 40
    text = f"# {heading}\n\nThe people of the village have kept records.\n\n## Firing\n\nThe clay is fired at noon.\n"
    for repeats in range(20, 60):
        article = make_article("clay.md", text.replace(heading, "&#xD800;" * repeats))
        assert all(limits.count_pieces(one.searchable) <= limits.pieces for one in chunk(article, limits))
