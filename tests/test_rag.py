"""From question to cited answer over the seeds, with the real index and models."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from index.build.generation import Generation
from index.build.write import Builder
from index.sync import sync
from rag.answer import BadQuestion, answer
from rag.cite import Statement, cite
from rag.engine import Engine
from rag.reader import Evidence
from rag.reader.names import names_and_rare_words
from rag.retrieve import Retriever
from rag.settings import SEEDS, Settings
from rag.small_talk import foreign_language, talk_kind
from rag.types import Answer, Refusal
from rag.writer.quote import quote, refuse

QUESTIONS = [json.loads(line) for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()]
SUPPLIERS = "LG Chem Ltd, Samsung SDI Co Ltd and China’s Contemporary Amperex Technology Co Ltd (CATL)"


def test_the_labels_of_the_seed_questions_are_valid() -> None:
    texts = {path.name: path.read_bytes().decode() for path in SEEDS.glob("*.txt")}
    answerable = [row for row in QUESTIONS if row["answers"]]
    close = [row for row in QUESTIONS if "close" in row["tags"]]
    foreign = [row for row in QUESTIONS if "foreign" in row["tags"]]
    assert len(QUESTIONS) >= 40 and len({row["id"] for row in QUESTIONS}) == len(QUESTIONS)
    assert len(close) + len(foreign) == len(QUESTIONS) - len(answerable) >= 16
    assert len(close) >= len(foreign)
    assert all(label["quote"] in texts[label["source"]] for row in answerable for label in row["relevant"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "who supplies GM's cells?",
        "Which companies provide battery cells to General Motors?",
        "Who are GM's battery cell suppliers?",
        "From whom does GM buy its battery cells?",
    ],
)
def test_suppliers_are_answered_from_the_right_article(engine: Engine, question: str) -> None:
    found = answer(engine, question)
    assert not found.refused
    assert "002_892b5bec6cb22725.txt" in {one.source for one in found.citations}
    assert any(SUPPLIERS in passage.text for passage in found.passages[:3])
    tdk = [passage for passage in found.passages if "deal with Japanese company TDK" in passage.text]
    assert tdk and tdk[0].source == "000_fee8f80bb4d154f2.txt"


@pytest.mark.parametrize(
    "question",
    ["which companies supply cells to GM?", "which suppliers does GM work with", "name the suppliers of GM's cells"],
)
def test_a_sentence_that_answers_goes_before_the_section_around_it(engine: Engine, question: str) -> None:
    found = answer(engine, question)
    assert any(SUPPLIERS.removesuffix(" (CATL)") in one.text for one in found.sentences[:2])


@pytest.mark.parametrize(
    ("question", "missing"), [("Who supplies Tesla's cells?", "Tesla"), ("What is the capital of France?", "France")]
)
def test_a_question_about_an_unmentioned_name_is_refused_with_the_nearest_passages(
    engine: Engine, question: str, missing: str
) -> None:
    found = answer(engine, question)
    assert found.refused and not found.citations
    assert f"mentions “{missing}”" in found.text
    assert found.passages and found.evidence_score is not None and 0 <= found.evidence_score <= 1


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: row["id"])
def test_every_citation_is_a_slice_and_every_answer_follows_the_contract(
    engine: Engine, row: dict[str, object]
) -> None:
    found = answer(engine, str(row["question"]))
    catalog = engine.parts()[0].catalog
    value = json.loads(json.dumps(found.to_json()))
    assert set(value) == {
        "schema", "question", "answer", "refused", "evidence_score", "citations", "passages", "timings", "notes",
        "sentences", "writer", "tokens", "asked", "searched", "refusal", "suggestions", "form", "blocks", "made_by",
    }  # fmt: skip
    assert value["refused"] == (not value["citations"]) == (value["refusal"] is not None)
    assert Answer.from_json(value) == replace(found, asked=None) and value["searched"] == row["question"]
    for number, one in enumerate(value["citations"], 1):
        article = catalog.article(one["source"])
        assert article is not None and article.text[one["start"] : one["end"]] == one["quote"]
        assert one["number"] == number and f"[{number}]" in value["answer"]
        assert one["published"] == {"0": "2024-09-12", "2": None}[one["source"][2]]
    for rank, passage in enumerate(value["passages"], 1):
        article = catalog.article(passage["source"])
        assert article is not None and article.text[passage["start"] : passage["end"]] == passage["text"]
        assert passage["rank"] == rank and 0 <= passage["score"] <= 1
    cited = {(p["source"], p["start"]) for p in value["passages"] if p["cited"]}
    assert bool(cited) == bool(value["citations"])


def test_boilerplate_is_never_a_passage(seeds: Generation) -> None:
    text = "\n".join(chunk.text for chunk in seeds.catalog.chunks(list(seeds.catalog.chunk_ids())).values())
    for words in ("Subscribe to our", "Related posts", "Benzinga", "editorial team"):
        assert words not in text


def test_retrieval_matches_words_and_meaning(engine: Engine) -> None:
    generation = engine.parts()[0]
    retriever = Retriever(generation, engine.embedder, candidates=50, dense_weight=0.6)
    by_word = retriever.retrieve(retriever.query("CATL"), 3)[0]
    assert "CATL" in by_word.chunk.text and by_word.lexical_rank == 1
    by_meaning = retriever.retrieve(retriever.query("employment prospects for workers"), 8)
    assert any("Job Creation" in hit.chunk.text and hit.dense_rank is not None for hit in by_meaning[:3])
    assert [hit.rank for hit in by_meaning] == list(range(1, len(by_meaning) + 1))
    assert all(a.score >= b.score for a, b in pairwise(by_meaning))
    assert retriever.retrieve(retriever.query("?!"), 3)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", "greeting"),
        ("Hello there!", "greeting"),
        ("Thanks a lot!", "thanks"),
        ("thanks, that really helped", "thanks"),
        ("thanks, that's all for today", "thanks"),
        ("great thanks, that's all i needed", "thanks"),
        ("ok great thanks, thats all", "thanks"),
        ("hi, are you there?", "greeting"),
        ("is anyone there", "greeting"),
        ("what is in the sources?", "sources"),
        ("Which documents do you have?", "sources"),
        ("what documents have you got", "sources"),
        ("which files did i upload?", "sources"),
        ("which documents did you say are late", None),
        ("what can I ask?", "help"),
        ("Who are you?", "self"),
        ("bye", "farewell"),
        ("Who are you supplying?", None),
        ("What is in the battery?", None),
        ("Hi-tech suppliers of GM", None),
    ],
)
def test_small_talk_is_distinguished_from_questions(text: str, kind: str | None) -> None:
    assert talk_kind(text) == kind


@pytest.mark.slow
def test_small_talk_is_answered_without_citations(engine: Engine) -> None:
    found = answer(engine, "what is in the sources?")
    assert not found.refused and not found.citations and found.evidence_score is None
    assert "12 Sep 2024" in found.text and "2 sources" in found.text
    assert "undated" not in found.text and ".txt" not in found.text  # Neither dates nor file names matter here.
    assert "?" in answer(engine, "what can I ask?").text.split("You could ask")[1]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wer liefert die Zellen von GM?", "German"),
        ("Qui fournit les cellules de GM ?", "French"),
        ("¿Quién suministra las celdas de GM?", "Spanish"),
        ("誰が電池を供給しますか", "Japanese"),
        ("who supplies GM's cells?", None),
        ("LG Chem", None),
        ("How are ergänzungsschulen funded?", None),
        ("12345", None),
    ],
)
def test_a_question_in_another_language_is_refused_and_the_language_named(
    engine: Engine, question: str, language: str | None
) -> None:
    assert foreign_language(question) == language
    if language:
        found = answer(engine, question)
        assert found.refused and language in found.text


@pytest.mark.parametrize("question", ["", "  \n ", "?!", "why " * 200])
def test_an_empty_or_overlong_question_is_refused(engine: Engine, question: str) -> None:
    with pytest.raises(BadQuestion, match=r"empty|characters"):
        answer(engine, question)


def test_names_and_rare_words_are_recognised_with_and_without_capitals() -> None:
    assert [word for word, _ in names_and_rare_words("Who supplies Tesla's cells in the US?")] == ["Tesla"]
    assert [word for word, _ in names_and_rare_words("who works with rivian and panasonic?")] == ["rivian", "panasonic"]
    assert names_and_rare_words("What is the price of a battery?") == []


def test_a_statement_that_does_not_match_its_source_is_dropped(engine: Engine) -> None:
    generation, retriever, reader = engine.parts()
    query = retriever.query("How many jobs will the deal create?")
    evidence = reader.read(query, retriever.retrieve(query, 5)).evidence[0]
    article = generation.catalog.article_by_id(evidence.hit.chunk.article_id)
    good = Statement("As it stands.", evidence)
    sentences, citations, dropped = cite([good, good], {article.id: article})
    assert [sentence.citations for sentence in sentences] == [(1,), (1,)] and len(citations) == 1 and dropped == 0
    forged = replace(article, text="Changed. " + article.text)
    assert cite([good], {article.id: forged}) == ([], [], 1)
    assert cite([good], {}) == ([], [], 1)
    with pytest.raises(ValueError, match="not inside"):
        Evidence(evidence.hit, evidence.start, evidence.hit.chunk.end + 1, 0.5)


@pytest.mark.slow
def test_near_duplicates_are_quoted_once(builder: Builder, tmp_path: Path) -> None:
    root = tmp_path / "docs"
    root.mkdir()
    for name in "abc":
        (root / f"{name}.txt").write_text(f"Note {name}.\n\nThe old mill at Farley was built in 1823 by Tom Hale.")
    sync(builder, [root])
    engine = Engine(Settings(home=builder.home))
    engine.index([root])
    found = answer(engine, "When was the old mill at Farley built?")
    assert not found.refused and len(found.citations) == 1 and "1823" in found.citations[0].quote


def test_answers_from_several_articles_are_dated(engine: Engine) -> None:
    generation, retriever, reader = engine.parts()
    query = retriever.query("GM battery partners and deals")
    evidence = reader.read(query, retriever.retrieve(query, 10)).evidence
    by_article = {one.hit.chunk.article_id: replace(one, score=0.5) for one in reversed(evidence)}
    articles = {id_: generation.catalog.article_by_id(id_) for id_ in by_article}
    statements = quote(list(by_article.values()), articles, 3)
    texts = [statement.text for statement in statements if not statement.words]
    assert sorted(text.split(":")[0] for text in texts) == ["12 Sep 2024", "undated"]


@pytest.mark.slow
def test_without_sources_the_answer_says_how_to_add_some(builder: Builder, tmp_path: Path) -> None:
    root = tmp_path / "docs"
    root.mkdir()
    engine = Engine(Settings(home=builder.home))
    engine.index([root])
    found: Answer = answer(engine, "Who supplies GM?")
    assert found.refused and "no sources yet" in found.text and found.evidence_score is None and not found.passages


@pytest.mark.slow
def test_a_single_paragraph_is_a_corpus(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "mill.txt").write_text("The old mill\n\nThe old mill at Farley was built in 1823 by Anna Brook.\n")
    sync(builder, [tmp_path / "mill.txt"])
    engine = Engine(Settings(home=builder.home))
    assert answer(engine, "When was the old mill built?").text.startswith("1823 [1]")
    assert answer(engine, "Who built the mill at Farley?").text.startswith("Anna Brook [1]")
    assert answer(engine, "What is the capital of France?").refused
    plumber = answer(engine, "Who is the plumber?")
    assert plumber.refused and "“plumber”" in plumber.text and plumber.evidence_score == 0


def test_a_refusal_without_hits_mentions_no_passages() -> None:
    text = refuse(Refusal("not_in_sources", ("Tesla", "Rivian")))
    assert text == "The sources do not answer this. Nothing here mentions “Tesla” or “Rivian”."
