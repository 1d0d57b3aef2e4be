"""The reading model inside the engine: an answer opens with the answering words and marks them in the quote."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answer import answer
from rag.engine import Engine
from rag.reader.evidence import CERTAIN, READ_AGAIN, read_again, read_first
from rag.settings import Settings
from rag.ui import html
from rag.ui.escape import escape
from rag.ui.markdown import as_markdown


@pytest.fixture(scope="module")
def engine(seeds_home: Path) -> Engine:
    made = Engine(Settings(home=seeds_home))
    made.warm_up()
    return made


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many jobs will the TDK deal create?", "1,000"),
        ("Who is the CEO of GM?", "Mary Barra"),
        ("In which city did Barra speak at a conference?", "Detroit"),
    ],
)
def test_an_answer_opens_with_the_answering_words_and_marks_them(engine: Engine, question: str, words: str) -> None:
    found = answer(engine, question)
    assert not found.refused
    opening = found.sentences[0]
    assert opening.words and words in opening.text and found.text.startswith(opening.text)
    catalog = engine.parts()[0].catalog
    for one in found.citations:
        article = catalog.article(one.source)
        assert article and article.text[one.start : one.end] == one.quote
    for marked in found.to_json()["citations"][0]["answers"]:
        assert article and marked["text"] in found.citations[0].quote
        assert found.citations[0].quote[marked["start"] - found.citations[0].start :].startswith(marked["text"])
    markup = html.turn("t", found)
    assert f"<strong>{escape(opening.text)}</strong>" in markup and markup.count("<strong>") >= 2
    assert f"**{opening.text}**" in as_markdown(found).replace("\\", "")


def test_only_shown_passages_are_cited(seeds_home: Path) -> None:
    narrow = Engine(Settings(home=seeds_home, passages=1))
    found = answer(narrow, "Who is the CEO of GM?", never_refuse=True)
    assert len(found.passages) == 1 and found.passages[0].cited
    assert all(found.passages[0].start <= one.start and one.end <= found.passages[0].end for one in found.citations)


def test_an_unrelated_question_is_refused_by_the_threshold_of_the_reader(engine: Engine) -> None:
    found = answer(engine, "Who wrote Hamlet?")
    assert (
        found.refused and found.evidence_score is not None and found.evidence_score < engine.parts()[2].refuse_below()
    )


@pytest.mark.parametrize("question", ["?!x", "a " * 240, "\u202e\u0000 what is \ud800 it", "what " + "🦜" * 200])
def test_odd_questions_are_answered_or_refused(engine: Engine, question: str) -> None:
    assert answer(engine, question).text


def test_the_small_model_answers_alone_if_the_settings_say_so(seeds_home: Path) -> None:
    alone = Engine(Settings(home=seeds_home, reader="small"))
    found = answer(alone, "Who is the CEO of GM?")
    assert "Mary Barra" in found.text and not found.notes and alone.strong is None


def test_the_small_model_answers_alone_with_a_note_if_the_strong_one_is_damaged(
    engine: Engine, seeds_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.reader_fingerprint
    monkeypatch.setattr("rag.engine.STRONG", tmp_path / "strong")
    alone = Engine(Settings(home=seeds_home))
    found = answer(alone, "Who is the CEO of GM?")
    assert "Mary Barra" in found.text
    assert found.notes and found.notes[0].startswith("The small reading model answers alone.")
    assert f"git checkout -- {tmp_path / 'strong'}" in found.notes[0]
    assert alone.reader_fingerprint != whole


def test_the_strong_model_reads_the_best_passages_again(engine: Engine) -> None:
    _, retriever, reader = engine.parts()
    query = retriever.query("Who supplies GM's cells?")
    hits = retriever.retrieve(query, reader.depth)
    first = read_first(engine.spans, query, hits, {})
    assert engine.strong
    again = read_again(engine.strong, query, first, {})
    strong = [one for one in again if one.strong]
    assert max(one.found.score for one in strong) >= CERTAIN and len(strong) < READ_AGAIN  # certain: it stops early
    assert not any(one.strong for one in first)
    assert [one.first for one in again] == [one.first for one in first]
    assert all(one.found == before.found for one, before in zip(again, first, strict=True) if not one.strong)
    assert read_again(engine.strong, query, [], {}) == []
    unanswered = retriever.query("Who painted the ceiling of the chapel?")
    hits = retriever.retrieve(unanswered, reader.depth)
    again = read_again(engine.strong, unanswered, read_first(engine.spans, unanswered, hits, {}), {})
    assert sum(one.strong for one in again) == min(READ_AGAIN, len(hits))
