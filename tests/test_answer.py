"""The ways from a question to its answer: talk, refusals, summaries, quotes, and which slices are quoted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from index.chunk import Chunk
from rag.answer import answer
from rag.answer_builder import AnswerBuilder, Clock
from rag.engine import Engine
from rag.places import Places
from rag.reader import Evidence
from rag.reader.evidence import Reader
from rag.retrieve import Hit
from rag.settings import Settings
from rag.types import Refusal
from rag.writer.quote import choose

HANDBOOK = """# Otter station handbook

The station at Brookmere looks after young otters until they can live by themselves.

## Feeding

A cub gets warm milk every three hours. The milk is weighed before each bottle.

## Visitors

An adult pays 9 pounds, a child pays 4 pounds. Dogs stay in the car park.
"""
SONGS = "# Songs of the choir\n\nThe choir sings Die Wacht am Rhein at the end of each evening.\n"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine over a handbook, a list of songs and the minutes of two meetings."""
    folder = tmp_path_factory.mktemp("station")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "handbook.md").write_text(HANDBOOK)
    (docs / "songs.md").write_text(SONGS)
    for day, words in (("11 March 2025", "ban nets in the lake"), ("13 May 2025", "allow nets in the lake again")):
        minutes = f"Committee meeting of {day}\n\nDate: {day}\n\nThe committee decided to {words}. Two members left.\n"
        (docs / f"{day}.txt").write_text(minutes)
    engine = Engine(Settings(home=folder / "home"))
    engine.index([docs])
    yield engine
    engine.close()


def with_settings(engine: Engine, **settings: Any) -> Engine:
    made = copy(engine)
    made.settings = Settings(home=engine.home, **settings)
    return made


# Without reading


@pytest.mark.parametrize(("typed", "form"), [("hello", "talk"), ("what is in the sources?", "about")])
def test_small_talk_cites_nothing_and_gives_the_models_back(station: Engine, typed: str, form: str) -> None:
    held = list[str]()

    @contextmanager
    def models() -> Iterator[None]:
        held.append("taken")
        yield
        held.append("given back")

    found = answer(station, typed, models=models())
    assert (found.form, found.refused, found.citations) == (form, False, ())
    assert held == ["taken", "given back"]


def test_a_call_for_help_is_answered_with_questions_that_the_sources_answer(engine: Engine) -> None:
    examples = [line[2:] for line in answer(engine, "what can I ask?").text.splitlines() if line.startswith("- ")]
    assert examples and not any(answer(engine, example).refused for example in examples)


def test_a_few_foreign_words_that_the_sources_have_are_a_name_and_not_a_language(station: Engine) -> None:
    held = answer(station, "Die Wacht am Rhein")
    assert held.refusal is None and held.citations[0].source == "songs.md"
    other = answer(station, "Die Brücke am Rhein")
    assert other.refusal == Refusal("language", language="German")


# Refusing


def test_the_setting_decides_below_which_score_a_question_is_refused(station: Engine) -> None:
    question = "What does an adult pay?"
    score = answer(station, question).evidence_score
    assert score is not None and 0 < score < 1
    assert not answer(with_settings(station, refuse_below=score / 2), question).refused
    assert answer(with_settings(station, refuse_below=(1 + score) / 2), question).refused


def test_quotes_that_do_not_match_their_source_are_left_out_and_without_any_the_question_is_refused(
    station: Engine,
) -> None:
    generation, retriever, reader = station.parts()
    query = retriever.query("What does an adult pay?")
    reading = reader.read(query, retriever.retrieve(query, 5))
    articles = {one.chunk.article_id: generation.catalog.article_by_id(one.chunk.article_id) for one in reading.hits}
    forged = {id_: replace(one, text=one.text.replace("9 pounds", "5 pounds")) for id_, one in articles.items()}
    for held, refused in ((articles, False), (forged, True)):
        places = Places(reading.hits[:1], held, generation.catalog.chunks_of)
        builder = AnswerBuilder(
            "What does an adult pay?", query.text, reading, places, station, generation, Clock(), None,
            lambda: Refusal("not_in_sources"),
        )  # fmt: skip
        found = builder.quoted()
        assert found.refused is refused and bool(found.citations) is not refused
        assert any("did not match their source" in note for note in found.notes) is refused


# Summaries


@pytest.mark.parametrize(
    ("question", "form", "sources"),
    [
        ("summarise the otter station handbook", "summary", {"handbook.md"}),
        ("tell me about the otter station handbook", "summary", {"handbook.md"}),
        ("sum up where the brookmere planning stands", "summary", {"handbook.md"}),
        ("gist of the hand-book please", "summary", {"handbook.md"}),
        ("missed the committee meeting of 13 May, what got decided", "summary", {"13 May 2025.txt"}),
        ("which documents mention nets?", "list", {"11 March 2025.txt", "13 May 2025.txt"}),
    ],
)
def test_a_summary_and_a_list_of_sources_cite_the_sources_that_were_asked_for(
    station: Engine, question: str, form: str, sources: set[str]
) -> None:
    found = answer(station, question)
    assert found.form == form and {one.source for one in found.citations} == sources
    catalog = station.parts()[0].catalog
    for one in found.citations:
        article = catalog.article(one.source)
        assert article is not None and article.text[one.start : one.end] == one.quote


@pytest.mark.parametrize(
    "question",
    [
        "which documents mention zebras?",
        "summarise the Zorbex report",
        "sum up the zorbex plans at brookmere",
        "overview of mountain insurance",
    ],
)
def test_a_summary_of_what_no_source_has_is_refused(station: Engine, question: str) -> None:
    assert answer(station, question).refused


# Quoting


def test_the_source_of_the_month_in_the_question_is_quoted_first(station: Engine) -> None:
    for month, words in (("march", "ban nets"), ("may", "allow nets")):
        found = answer(station, f"what did the committee decide in {month} about nets?")
        assert words in found.citations[0].quote


def make_evidence(text: str, score: float) -> Evidence:
    chunk = Chunk(text, "article", 0, "", "", 0, len(text), text, 1)
    return Evidence(Hit(chunk, 1, score, score, score, 1, 1), 0, len(text), score)


def test_a_slice_that_repeats_another_or_is_only_a_dateline_is_not_quoted() -> None:
    best = make_evidence("The old mill at Farley was built in 1823.", 0.9)
    again = make_evidence("The old mill at Farley was built in 1823 .", 0.8)
    dateline = make_evidence("3 March 2026", 0.7)
    other = make_evidence("Tom Hale sold it to the town.", 0.6)
    poor = make_evidence("The town has a park with swans.", 0.1)
    assert choose([best, again, dateline, other, poor], 5) == [best, other]
    assert choose([best, other], 1) == [best]
    assert choose([dateline], 5) == [dateline]


def test_a_reader_without_an_embedder_reads_by_words_alone(station: Engine) -> None:
    generation, retriever, reader = station.parts()
    query = retriever.query("What does an adult pay?")
    hits = retriever.retrieve(query, 5)
    alone = Reader(generation, reader._spans).read(query, hits)
    assert "9 pounds" in alone.evidence[0].text and alone.score is not None
