"""What a language model wrote, sentence by sentence: which passage supports it, and what a reader is told."""

from __future__ import annotations

import pytest

from index.article import make_article
from index.chunk import Chunk
from rag.cite import AnswerBlockKind, Statement
from rag.places import Places
from rag.reader import Reading
from rag.retrieve import Hit
from rag.writer.prompt import Task
from rag.writer.sentence_checker import SentenceChecker
from rag.writer.sentence_cutter import Cutter, Drafted

MILL = "The mill in Aston was built in 1790. It is driven by water from the river Wend. The mill employs forty people."
CHURCH = "The church of Belton was designed by Tom Hale. It was built in 1823. It was sold in 1955."
CELLS = "LG Chem and Samsung SDI supply the cells to GM. Toyota and Ford do not buy cells from LG Chem."


def written(text: str, question: str, *sources: str, doubted: bool = False) -> list[Statement]:
    """Return the statements of a model's text over these passages, which are numbered from 1."""
    hits, articles = [], {}
    for rank, source in enumerate(sources, 1):
        article = make_article(f"{rank}.txt", source)
        chunk = Chunk(f"chunk-{rank}", article.id, 0, "", "", 0, len(article.text), article.text, 50)
        hits.append(Hit(chunk, rank, 0.9, 0.9, 0.9, 1, 1))
        articles[article.id] = article
    ids = {str(rank): hit for rank, hit in enumerate(hits, 1)}
    places = Places(hits, articles, lambda _: ())
    checker = SentenceChecker(
        Task(question, "words", hits, doubted=doubted), ids, places, Reading(tuple(hits), (), 0.5)
    )
    cutter = Cutter()
    return [checker.check(one) for one in (*cutter.feed(text), *cutter.end())]


def verdicts(statements: list[Statement]) -> list[str]:
    return [one.verdict for one in statements]


def test_a_sentence_without_a_citation_gets_the_passage_that_supports_it() -> None:
    (one,) = written("The church of Belton was designed by Tom Hale.", "who designed it?", MILL, CHURCH)
    assert one.verdict == "supported" and one.evidence and one.evidence.text.startswith("The church of Belton")
    assert one.why == "it cites no passage; the check found a supporting one"


@pytest.mark.parametrize(
    "text",
    [
        "The church of Belton was not designed by Tom Hale.",
        "The church of Belton was designed by Tom Hale in 1955.",
        "Tom Hale designed the church of Aston in Belton near London.",
        "It was built in 1823.",
    ],
)
def test_a_sentence_without_a_citation_may_be_weak_only_by_its_wording(text: str) -> None:
    assert verdicts(written(text, "who designed the church of Belton?", MILL, CHURCH)) == ["unsupported"]


def test_loose_wording_without_a_citation_is_weak_with_both_reasons() -> None:
    text = "The mill is powered using the flowing water of a nearby river, the river Wend."
    (one,) = written(text, "how is the mill driven?", MILL, CHURCH)
    assert one.verdict == "weak" and one.why.startswith("it cites no passage; ")
    assert verdicts(written(text, "how is the mill driven?", MILL, CHURCH, doubted=True)) == ["unsupported"]


def test_a_pronoun_refers_to_the_passages_of_the_sentence_before() -> None:
    question = "what is known of the mill?"
    statements = written("The mill employs forty people. [1] It was sold in 1955.", question, MILL, CHURCH)
    assert verdicts(statements) == ["supported", "unsupported"]
    statements = written(
        "The church of Belton was designed by Tom Hale. [2] It was sold in 1955.", question, MILL, CHURCH
    )
    assert statements[1].verdict != "unsupported"


def test_two_passages_that_are_not_cited_support_weakly() -> None:
    text = "The mill in Aston was built in 1790, and the church of Belton was designed by Tom Hale."
    (one,) = written(text, "compare them", MILL, CHURCH)
    assert (one.verdict, one.why) == ("weak", "it joins two passages, and cites none") and len(one.also) == 1


@pytest.mark.parametrize(
    ("text", "question", "verdict"),
    [
        ("1955", "When was the church of Belton demolished by fire?", "unsupported"),
        ("Tom Hale", "who designed the church of Belton?", "weak"),
        ("- Toyota [1]", "which firms buy cells from LG Chem?", "weak"),
        ("- LG Chem [1]", "which firms supply the cells to GM?", "supported"),
    ],
)
def test_a_fragment_is_read_with_the_question(text: str, question: str, verdict: str) -> None:
    sources = (CELLS,) if "LG" in question or "GM" in question else (MILL, CHURCH)
    assert verdicts(written(text, question, *sources)) == [verdict]


def test_the_items_of_a_list_whose_opening_failed_are_left_out() -> None:
    text = "These firms bought Mars in 1999:\n- Toyota [1]\n- Ford [1]\n\n"
    statements = written(f"{text}LG Chem and Samsung SDI supply the cells to GM. [1]", "who bought cells?", CELLS)
    assert verdicts(statements) == ["unsupported", "unsupported", "unsupported", "supported"]
    assert "its list opens with a sentence" in statements[1].why


@pytest.mark.parametrize(
    ("text", "verdict", "why"),
    [
        ("Yes, the church of Belton was designed by Tom Hale. [2]", "weak", "“Yes” is the conclusion of the model"),
        ("No [2]", "unsupported", "it gives no reason"),
    ],
)
def test_yes_and_no_are_the_conclusions_of_the_model(text: str, verdict: str, why: str) -> None:
    (one,) = written(text, "was the church of Belton built by Ann Reed?", MILL, CHURCH)
    assert (one.verdict, one.why) == (verdict, why)


def test_nothing_is_supported_if_the_reading_model_doubts_that_the_passages_answer() -> None:
    text = "The church of Belton was designed by Tom Hale. [2]"
    (one,) = written(text, "when was the church of Belton painted?", MILL, CHURCH, doubted=True)
    assert (one.verdict, one.why) == ("weak", "the reading model doubts that the passages answer")


def test_rows_of_another_length_than_the_header_keep_their_cells() -> None:
    cutter = Cutter()
    text = "| Tank | Litres |\n|---|---|\n| North | 12 | 5 |\n| South | 30 |\n"
    rows = [*cutter.feed(text), *cutter.end()]
    block: AnswerBlockKind = "row"
    assert [(one.text, one.block) for one in rows] == [("North | 12 | 5", block), ("Tank: South | Litres: 30", block)]
    assert isinstance(rows[0], Drafted)
