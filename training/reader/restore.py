"""Turn the shipped int8 model back into a model that can be trained: `restored()`. Needs onnx.

This undoes `training.reader.export`: it multiplies weights by their scales and reverses the smoothing. What int8
rounded stays rounded, which costs nothing measurable.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from index.encoder.embedder import find_float32
from rag.reader.spans import MODEL, NETWORK
from training.reader.base import load_encoder
from training.reader.model import SpanModel

_Array = NDArray[Any]
_WRAPPED = ("inner", "linear")
"""Names of the layers that `training.int8.prepared` puts around others."""


def restored(folder: Path = MODEL, encoder: Any = None, frozen: int = 0, dropout: float = 0.0) -> SpanModel:
    """Return the float32 model of an exported folder, on `encoder` (MiniLM's).

    All weights come from the folder; the `frozen` lowest layers are not trained further. Raises OSError or KeyError for
    a folder that `export` did not write.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(folder / NETWORK).graph
    held: dict[str, _Array] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    model = SpanModel(encoder or load_encoder(find_float32().folder), frozen, dropout)
    state = dict(_weights(graph.node, held))
    for name, value in held.items():
        if not name.startswith("onnx::") and name.endswith((".weight", ".bias")):
            state[name.replace(".dense.linear.", ".dense.")] = torch.tensor(value)
    words = held["encoder.embeddings.word_embeddings.table"], held["encoder.embeddings.word_embeddings.scale"]
    state["encoder.embeddings.word_embeddings.weight"] = torch.tensor(words[0] * words[1])
    missing = model.load_state_dict(state, strict=False)
    lacking = [name for name in missing.missing_keys if not name.startswith("sentence.")]  # newer than what is shipped
    if lacking or missing.unexpected_keys:
        raise KeyError(f"{folder / NETWORK} does not fit: {missing}")
    return model


def _weights(nodes: Any, held: dict[str, _Array]) -> Iterator[tuple[str, Tensor]]:
    """Yield (name, (out, in) weight) of every linear layer, named by the path of its product in the graph."""
    for node in nodes:
        if node.op_type not in ("MatMul", "MatMulInteger", "Gemm"):
            continue
        name = next((one for one in node.input if one in held), None)
        if name is None:
            continue
        weight = held[name].astype(np.float32)
        if name.endswith("_quantized"):
            stem = name.removesuffix("_quantized")
            weight = (weight - held[f"{stem}_zero_point"]) * held[f"{stem}_scale"]
        path = node.name.split("/")[1:-1]
        layer = ".".join(part for part in path if part not in _WRAPPED)
        smoothing = held.get(f"{layer}.inverse", held.get(f"{layer}.inner.inverse"))
        if smoothing is not None:
            weight = weight * smoothing[:, None]
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        yield f"{layer}.weight", torch.tensor(weight if transposed else weight.T.copy())
