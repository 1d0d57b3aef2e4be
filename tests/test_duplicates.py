"""Duplicates: a text in two files is indexed once and cited under each; near-duplicates are reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.article import make_article
from index.build.generation import faults, open_current
from index.build.write import Builder
from index.duplicates import near_duplicates, originals, record, resemblance, sketch
from index.home import current_folder
from index.sync import preview, sync
from rag.answer import answer
from rag.choice import Choice
from rag.engine import Engine
from rag.evaluation.labels import Corpus
from rag.evaluation.questions import Label
from rag.settings import Settings
from rag.sources import list_sources

MILL = "The old mill at Farley was built in 1823 by Tom Hale.\n"
LONG = " ".join(f"House {n} on the hill was painted in shade {n * n} by painter {n % 7}." for n in range(60))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        (folder / name).write_text(MILL)
    (folder / "other.txt").write_text("Otters live in the river Alm.\n")
    return folder


@pytest.fixture
def engine(builder: Builder, docs: Path) -> Iterator[Engine]:
    made = Engine(Settings(home=builder.home))
    made.index([docs])
    yield made


def test_a_text_in_three_files_is_indexed_once_and_cited_under_each(engine: Engine, docs: Path) -> None:
    generation = engine.parts()[0]
    assert generation.manifest.articles == 4 and generation.manifest.chunks == 2
    found = answer(engine, "When was the old mill at Farley built?")
    cited = found.citations[0]
    assert (cited.source, cited.also_in) == ("a.txt", ("b.txt", "sub/c.txt"))
    value = found.to_json()
    assert value["citations"][0]["also_in"] == value["passages"][0]["also_in"] == ["b.txt", "sub/c.txt"]
    for source in (cited.source, *cited.also_in):
        article = generation.catalog.article(source)
        assert article and article.text[cited.start : cited.end] == cited.quote
    states = {one.source: one.state for one in list_sources(engine)}
    assert states == {
        "a.txt": "indexed",
        "b.txt": "the same as a.txt",
        "other.txt": "indexed",
        "sub/c.txt": "the same as a.txt",
    }


@pytest.mark.slow
def test_a_copy_replaces_a_deleted_original_without_embedding_again(engine: Engine, docs: Path) -> None:
    (docs / "a.txt").unlink()
    report = engine.index()
    assert (report.removed, report.embedded, report.articles, report.chunks) == (["a.txt"], 0, 3, 2)
    cited = answer(engine, "When was the old mill at Farley built?").citations[0]
    assert (cited.source, cited.also_in) == ("b.txt", ("sub/c.txt",))
    (docs / "b.txt").write_text("The new mill at Farley was built in 1901 by Ann Hale.\n")
    assert engine.index().changed == ["b.txt"]
    assert faults(current_folder(engine.home)) == []


def test_a_search_of_a_copy_alone_cites_the_copy(engine: Engine) -> None:
    found = answer(engine, "When was the old mill at Farley built?", choice=Choice(only=("sub/*",)))
    assert not found.refused
    assert {(one.source, one.also_in) for one in found.citations} == {("sub/c.txt", ())}


def test_a_label_on_a_copy_matches_the_indexed_original(engine: Engine) -> None:
    corpus = Corpus(engine.parts()[0])
    place = corpus.find(Label("sub/c.txt", "built in 1823"))
    cited = answer(engine, "When was the old mill at Farley built?").citations[0]
    assert place.covered_by(cited) and corpus.in_a_chunk(place)


def test_a_sync_and_a_dry_run_report_the_same_repeats(builder: Builder, docs: Path) -> None:
    (docs / "long.txt").write_text(LONG)
    (docs / "longer.txt").write_text(f"{LONG} One sentence more was added to it.")
    report = preview(builder, [docs])
    assert report.notes == sync(builder, [docs]).notes
    notes = dict(report.notes)
    assert notes["b.txt"] == notes["sub/c.txt"] == "has the same text as 'a.txt': indexed once"
    assert notes["longer.txt"].startswith("has nearly the same text as 'long.txt' (9")
    assert set(notes) == {"b.txt", "sub/c.txt", "longer.txt"}
    generation = open_current(builder.home)
    assert generation.catalog.homes()["longer.txt"] == generation.catalog.article_ids()["longer.txt"]
    generation.close()


def test_the_original_is_the_first_by_name_in_any_order() -> None:
    a, b, c = (make_article(name, MILL) for name in ("a.txt", "b.txt", "c.txt"))
    for order in ([a, b, c], [c, b, a]):
        (group,) = originals([record(one) for one in order])
        assert [one.source for one in (group.original, *group.copies)] == ["a.txt", "b.txt", "c.txt"]
        assert group.original.id == a.id
    titled = make_article("d.txt", f"On mills\n\n{MILL}")
    assert len(originals([record(a), record(titled)])) == 2


def test_resemblance_is_the_share_of_common_phrases() -> None:
    assert resemblance(sketch(LONG), sketch(LONG)) == 1
    assert resemblance(sketch(LONG), sketch(MILL * 9)) == 0
    half = LONG[: len(LONG) // 2]
    assert 0.3 < resemblance(sketch(LONG), sketch(half)) < 0.7
    assert resemblance(sketch(""), sketch("too short")) == 0


def test_only_near_duplicates_are_paired_among_many_texts() -> None:
    texts = {f"{n:03d}": " ".join(f"word{n}-{m % 90} and some more of it." for m in range(90)) for n in range(200)}
    texts |= {f"{n:03d}x": texts[f"{n:03d}"] + " The end." for n in (3, 70, 199)}
    pairs = near_duplicates([record(make_article(name, text)) for name, text in sorted(texts.items())])
    assert [(source, other) for source, other, _ in pairs] == [("003x", "003"), ("070x", "070"), ("199x", "199")]


@pytest.mark.slow
def test_the_list_of_sources_has_author_and_language(engine: Engine, docs: Path) -> None:
    page = '<html lang="en"><head><meta name="author" content="Tom Hale"></head><body><p>{0}</p></body></html>'
    (docs / "page.html").write_text(page.format(LONG))
    engine.index()
    row = next(one.to_json() for one in list_sources(engine) if one.source == "page.html")
    assert json.loads(json.dumps(row))["author"] == "Tom Hale" and row["language"] == "en"
