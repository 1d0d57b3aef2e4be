"""The shipped model is the known one, gives unit vectors, and says how much it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.embed import WEIGHTS_SHA256, Embedder, find_model
from index.errors import ModelError


def test_vectors_are_unit_and_near_for_near_meanings(embedder: Embedder) -> None:
    vectors = embedder.encode_documents(
        ["The plant makes battery cells.", "Cells are produced there.", "Bread is baked."]
    )
    assert vectors.shape == (3, embedder.dimension) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    query = embedder.encode_queries(["Where are battery cells made?"])[0]
    near = vectors @ query
    assert near[0] > near[2] and near[1] > near[2]
    assert embedder.encode_documents([]).shape == (0, embedder.dimension)


def test_pieces_are_counted_whole_though_the_model_cuts_them_off(embedder: Embedder) -> None:
    assert embedder.max_pieces == 256
    assert embedder.count_pieces("") == 2
    assert embedder.count_pieces("battery " * 1000) == 1002


def test_the_same_weights_are_found_by_package_and_by_folder() -> None:
    shipped = find_model()
    assert shipped.sha256 == WEIGHTS_SHA256 == find_model(str(shipped.folder)).sha256


def test_a_folder_without_weights_and_an_unknown_name_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="safetensors"):
        find_model(str(tmp_path))
    with pytest.raises(ModelError, match="FOOTNOTE_EMBEDDING_MODEL"):
        find_model("nobody/no-such-model-here")
