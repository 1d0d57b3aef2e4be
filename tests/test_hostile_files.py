"""Hostile files: each is indexed or named with a reason, and none keeps the other sources out of the index."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from benchmarks import hostile_files
from index.build import write
from index.build.disk import unwritten
from index.build.generation import Generation, faults, open_current
from index.build.leftovers import has_leftovers, is_building
from index.build.manifest import Manifest
from index.build.write import Builder
from index.encoder.embedder import Embedder, find_model
from index.errors import IndexDamaged, ModelError
from index.home import current_folder, index_folder
from index.store.exact import EXACT
from index.store.vectors import VectorStore
from index.sync import last_failures, sync
from rag.engine import Engine
from rag.retrieve import Retriever

pytestmark = pytest.mark.slow

Rows = NDArray[np.float32]
REASONS = {
    "binary.txt": "binary",
    "bomb.docx": "unpacks to 300 MB",
    "broken-link.txt": "can't be read",
    "deep.json": "nested too deeply",
    "gone.txt": "can't be read",
    "members.docx": "20,001",
    "pipe.txt": "not a regular file",
    "swapped.txt": "not a regular file",
    "bad-name-\\udcff.txt": "not UTF-8",
}


def unit(vectors: NDArray[np.float64]) -> Rows:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def flood(copies: int = 300) -> Rows:
    """Return copies of one vector, then 40 vectors near it and 100 random ones."""
    drawn = np.random.default_rng(0)
    one = drawn.normal(size=384)
    near = one / np.linalg.norm(one) + 0.3 * unit(drawn.normal(size=(40, 384)))
    return np.concatenate([np.repeat(unit(one)[None], copies, 0), unit(near), unit(drawn.normal(size=(100, 384)))])


def fill(store: VectorStore, vectors: Rows, first: int = 0) -> None:
    names = [str(first + number) for number in range(len(vectors))]
    store.add(names, vectors, [{"article_id": f"article {name}", "ordinal": 0} for name in names])


def test_hostile_files_do_not_affect_ordinary_sources(builder: Builder, tmp_path: Path) -> None:
    outcomes = hostile_files.run(builder, tmp_path / "docs", 12, 0.01)
    assert outcomes.keys() >= REASONS.keys() and len(outcomes) == len(hostile_files.KINDS)
    for name, words in REASONS.items():
        assert words in outcomes[name].why, f"{name}: {outcomes[name]}"
    for name in ("repeated.log", "counted.log", "deep.html", "attributes.html", "wide.csv"):
        assert outcomes[name].chunks > 0, f"{name}: {outcomes[name]}"


def test_copies_of_a_vector_hide_no_other_vector_and_count_once(tmp_path: Path) -> None:
    vectors = flood()
    with contextlib.closing(VectorStore(tmp_path / "vectors", tmp_path / EXACT, create=True)) as store:
        fill(store, vectors)
    with contextlib.closing(VectorStore(tmp_path / "vectors", tmp_path / EXACT)) as store:
        assert store.count() == len(vectors) and store.missing([str(n) for n in range(len(vectors))]) == 0
        assert min(store.nearest(list(vectors))) > 0.999
        assert len([id_ for id_, _ in store.query(vectors[0], 50) if int(id_) < 300]) == 2
        among = [f"article {number}" for number in (7, 8, 310)]
        found = store.query(vectors[0], 50, among)
        assert {id_ for id_, _ in found} == {"7", "310"} and found[0][1] == pytest.approx(1, abs=1e-5)
        fill(store, vectors[295:305], first=1_000)
        store.remove(["7", "300"])
    with contextlib.closing(VectorStore(tmp_path / "vectors", tmp_path / EXACT)) as store:
        assert store.count() == len(vectors) + 8
        assert store.missing(["7", "8", "300", "1001", "1006"]) == 2
        assert [id_ for id_, _ in store.query(vectors[0], 5, ["article 7", "article 8"])] == ["8"]
        np.testing.assert_array_equal(store.vectors(["1006"])["1006"], vectors[301])
    (tmp_path / EXACT / "vectors.npz").write_bytes(b"damaged")
    with pytest.raises(IndexDamaged, match="can't be read"):
        VectorStore(tmp_path / "vectors", tmp_path / EXACT)


def test_vectors_that_the_graph_cannot_reach_are_stored_separately_and_the_index_is_usable(
    builder: Builder, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    parts = "".join(f"## Part {number}\n\nStation {number} stands on hill {number * 7}.\n\n" for number in range(320))
    (docs / "stations.md").write_text(parts)
    sync(builder, [docs])
    folder = current_folder(builder.home)
    with contextlib.closing(Generation(folder)) as generation:
        ids = list(generation.catalog.chunk_ids())
    (folder / "vectors").rename(tmp_path / "before")
    # A graph with all the copies, as earlier versions wrote it.
    with contextlib.closing(VectorStore(folder / "vectors", create=True)) as store:
        store.add(ids, flood(260)[: len(ids)], [{"article_id": "a", "ordinal": 0}] * len(ids))
    write._seal(Manifest.read(folder), folder)
    lost = faults(folder)
    assert len(lost) == 1 and lost[0].endswith("are not reached by a query")
    write._check(Manifest.read(folder), folder, None, None)
    assert faults(folder) == []


def test_a_passage_repeated_in_many_sources_is_retrieved_once(builder: Builder, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(70):
        text = f"## Terms of use\n\nNobody may copy the map of the harbour.\n\n## Pier\n\nPier {number} is for boats.\n"
        (docs / f"{number}.md").write_text(text)
    (docs / "other.md").write_text("The map of the harbour was drawn by Ida Voss, who may copy it.\n")
    sync(builder, [docs])
    with contextlib.closing(open_current(builder.home)) as generation:
        retriever = Retriever(generation, builder.embedder, candidates=50, dense_weight=0.6)
        hits = retriever.retrieve(retriever.query("Who may copy the map of the harbour?"), 10)
        assert len({hit.chunk.searchable for hit in hits}) == len(hits) == 10
        assert sum("Nobody may" in hit.chunk.text for hit in hits) == 1
        assert any("Ida Voss" in hit.chunk.text for hit in hits)
        home = generation.catalog.home("63.md")
        assert home is not None
        only = retriever.retrieve(retriever.query("Who may copy the map of the harbour?", (home[1],)), 10)
        assert "Nobody may" in only[0].chunk.text and only[0].chunk.article_id == home[1]


@pytest.fixture(scope="module")
def choking(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """Return a small model that gives no vector to a text with the word "zebra"."""
    torch = pytest.importorskip("torch")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("choking")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "zebra", ".", *letters, *(f"##{one}" for one in letters)]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    model = BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=256, **sizes))
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[words.index("zebra")] = float("nan")
    model.save_pretrained(folder / "bert")
    bert = Transformer(str(folder / "bert"), max_seq_length=256)
    SentenceTransformer(modules=[bert, Pooling(32)]).save(str(folder / "model"))
    return Embedder(find_model(str(folder / "model")))


def test_a_source_that_cannot_be_embedded_is_excluded_and_named_and_not_tried_again(
    builder: Builder, choking: Embedder, tmp_path: Path
) -> None:
    files = choking.files
    recipe = replace(builder.recipe, model=files.name, weights_sha256=files.sha256)
    other = replace(builder, embedder=choking, recipe=recipe)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(5):
        (docs / f"{number}.txt").write_text(f"Otter {number} lives in river {number}.")
    for name in ("bad.txt", "copy.txt"):
        (docs / name).write_text("A zebra stands there.")
    time.sleep(2.2)
    report = sync(other, [docs])
    assert report.added == [f"{number}.txt" for number in range(5)] and report.articles == report.chunks == 5
    assert dict(report.failed).keys() == {"bad.txt", "copy.txt"} and dict(last_failures(other.home)) == dict(
        report.failed
    )
    assert "can't be embedded" in report.failed[0][1]
    again = sync(other, [docs])
    assert not again.built and again.read == 0 and again.failed == report.failed
    (docs / "bad.txt").write_text("A horse stands there.")
    (docs / "0.txt").write_text("A zebra came.")
    mended = sync(other, [docs])
    assert (mended.added, mended.changed, mended.removed) == (["bad.txt"], [], ["0.txt"])
    assert sorted(name for name, _ in mended.failed) == ["0.txt", "copy.txt"]
    assert faults(current_folder(other.home)) == []


def test_a_model_that_embeds_nothing_is_not_blamed_on_the_sources(builder: Builder, choking: Embedder) -> None:
    with pytest.raises(ModelError):
        write._embed(Embedder(replace(choking.files, folder=builder.home)), {b"a": "A horse.", b"b": "A cow."})


def test_a_failed_file_is_tried_again_if_it_or_the_limit_changes(builder: Builder, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("Alpha is the first letter of all.")
    (docs / "broken.json").write_text("{nope")
    (docs / "large.txt").write_text("Otters. " * 200)
    time.sleep(2.2)
    small = replace(builder, max_source_bytes=1_000)
    first = sync(small, [docs])
    assert sorted(name for name, _ in first.failed) == ["broken.json", "large.txt"]
    again = sync(small, [docs])
    assert again.failed == first.failed and again.read == 1 and not again.built  # The large file is checked again.
    assert sync(builder, [docs]).added == ["large.txt"]
    (docs / "broken.json").write_text('{"text": "It is whole now."}')
    assert sync(builder, [docs]).added == ["broken.json"]


def test_an_index_counts_as_being_updated_only_while_its_writer_lives(engine: Engine) -> None:
    leftover = index_folder(engine.home) / "building-dead"
    leftover.mkdir()
    try:
        assert has_leftovers(engine.home) and not is_building(engine.home)
        assert "being updated" not in engine.status()[0]
        with FileLock(index_folder(engine.home) / "lock"):
            assert is_building(engine.home) and "being updated" in engine.status()[0]
    finally:
        leftover.rmdir()


def test_the_message_mentions_the_old_index_only_if_it_exists(builder: Builder, tmp_path: Path) -> None:
    index_folder(builder.home).mkdir(parents=True)
    assert "old one" not in str(unwritten(builder.home, "the disk is full"))
    docs = tmp_path / "docs"
    docs.mkdir()
    sync(builder, [docs])
    assert "The old one stays in use." in str(unwritten(builder.home, "the disk is full"))
