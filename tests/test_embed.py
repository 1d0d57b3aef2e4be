"""The encoder: its shipped weights, exports near float32, vectors independent of the batch, limits, other models."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from index.encoder.embedder import ENCODER, ENCODER_SHA256, MAX_WORD_PIECES, SHIPPED, Embedder, find_float32, find_model
from index.errors import ModelError
from rag.settings import SEEDS
from tests.conftest import ROOT
from training.encoder.export import export


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Return paragraphs of the seeds, questions, a single word and an empty text."""
    paragraphs = [line for path in sorted(SEEDS.glob("*.txt")) for line in path.read_text("utf-8").split("\n")]
    return [*filter(None, paragraphs), "Who supplies the cells?", "Where is the plant?", "battery", ""]


@pytest.fixture(scope="module")
def float32() -> Embedder:
    """Return the float32 model that the shipped encoder was trained from."""
    return Embedder(find_float32())


def test_vectors_have_unit_length_and_are_near_for_near_meanings(embedder: Embedder) -> None:
    vectors = embedder.encode_documents(
        ["The plant makes battery cells.", "Cells are produced there.", "Bread is baked."]
    )
    assert vectors.shape == (3, embedder.dimension) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    query = embedder.encode_queries(["Where are battery cells made?"])[0]
    near = vectors @ query
    assert near[0] > near[2] and near[1] > near[2]
    assert embedder.encode_documents([]).shape == (0, embedder.dimension)


def test_a_text_has_the_same_vector_in_any_batch_and_with_any_number_of_threads(
    embedder: Embedder, texts: list[str]
) -> None:
    together = embedder.encode_documents(texts)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(embedder.encode_documents([text])[0], vector)
    np.testing.assert_array_equal(Embedder(find_model(), threads=1).encode_documents(texts), together)


def test_all_pieces_are_counted_although_the_model_truncates(embedder: Embedder, float32: Embedder) -> None:
    for model in (embedder, float32):
        assert model.max_pieces == MAX_WORD_PIECES
        assert model.count_pieces("") == 2
        assert model.count_pieces("battery " * 1000) == 1002
    long = embedder.encode_documents(["battery " * 1000, "battery " * (MAX_WORD_PIECES - 2)])
    np.testing.assert_array_equal(long[0], long[1])


@pytest.mark.slow
def test_an_export_stays_close_to_the_float32_weights(float32: Embedder, texts: list[str], tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    tokenizer.no_padding()
    export(find_float32().folder, [tokenizer.encode(text).ids for text in texts[:20]], tmp_path / ENCODER)
    (tmp_path / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    assert (tmp_path / ENCODER).stat().st_size < 25_000_000
    made = Embedder(find_model(str(tmp_path)))
    said = [text for text in texts if text]
    cosines = (made.encode_documents(said) * float32.encode_documents(said)).sum(axis=1)
    assert cosines.min() > 0.97 and cosines.mean() > 0.985


def test_embedding_does_not_import_torch() -> None:
    code = (
        "import sys; from index.encoder.embedder import Embedder, find_model; Embedder(find_model()).warm_up(); "
        "sys.exit(bool({'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_name_and_its_folder_give_the_same_weights() -> None:
    shipped = find_model()
    assert shipped.sha256 == ENCODER_SHA256 == find_model(str(shipped.folder)).sha256
    full = find_float32()
    assert full.sha256 == find_model(str(full.folder)).sha256 != shipped.sha256


def test_a_folder_without_weights_and_an_unknown_name_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="safetensors"):
        find_model(str(tmp_path))
    with pytest.raises(ModelError, match="FOOTNOTE_EMBEDDING_MODEL"):
        find_model("nobody/no-such-model-here")
    (tmp_path / ENCODER).write_bytes(b"not a network")
    with pytest.raises(ModelError, match="could not be loaded"):
        Embedder(find_model(str(tmp_path))).warm_up()


def test_a_missing_or_altered_encoder_says_where_to_get_it(tmp_path: Path) -> None:
    copy = tmp_path / "index"
    shutil.copytree(ROOT / "index", copy, ignore=shutil.ignore_patterns(SHIPPED.name, "__pycache__"))
    model = copy / SHIPPED.relative_to(ROOT / "index")
    for altered in (False, True):
        if altered:
            model.mkdir()
            (model / ENCODER).write_bytes(b"not the network")
        command = [sys.executable, "-c", "from index.encoder.embedder import find_model; find_model()"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "ModelError" in done.stderr and "repository" in done.stderr
