"""A checkpoint -> the shipped files: `python -m rag.reader.export work/reader.pt rag/reader/model`. Needs onnx.

The matrix products become int8 with a scale for each output channel, activations are quantised as they come
(onnxruntime's dynamic quantisation); word embeddings become int8 with a scale for each word, which one scale for the
whole table would blur. The heads, biases and LayerNorm stay in float32: they are small, and scores hang on them.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from index.embed import find_model
from rag.reader.model import SpanModel, load_encoder

INPUTS = ("ids", "mask", "types")
OUTPUTS = ("start", "end", "left", "right", "null")
FULL = "reader.onnx"
SMALL = "reader.int8.onnx"


class _RowScaled(nn.Module):
    """An embedding in int8, one scale for each row."""

    table: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        """(b, L) -> (b, L, d)."""
        return nn.functional.embedding(ids, self.table).float() * nn.functional.embedding(ids, self.scale)


def load_checkpoint(path: Path) -> SpanModel:
    """The model of a checkpoint of `rag.reader.train`, ready to read."""
    model = SpanModel(load_encoder(find_model().folder))
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["model"])
    return model.eval()


def export_float32(model: SpanModel, path: Path) -> None:
    """Write the model as float32 ONNX, for any number of rows and any length."""
    ids = torch.full((2, 16), 1000)
    ids[1, 12:] = 0
    axes: dict[str, dict[int, str]] = {name: {0: "rows", 1: "length"} for name in (*INPUTS, *OUTPUTS[:4])}
    axes["null"] = {0: "rows"}
    torch.onnx.export(
        model.eval(),
        (ids, (ids > 0).long(), torch.zeros_like(ids)),
        str(path),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def export_int8(model: SpanModel, path: Path) -> None:
    """Write the model as int8 ONNX."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    embeddings: Any = model.encoder.embeddings
    words = embeddings.word_embeddings
    embeddings.word_embeddings = _RowScaled(words.weight.detach())
    try:
        with tempfile.TemporaryDirectory() as folder:
            full = Path(folder) / FULL
            export_float32(model, full)
            heads = [node.name for node in onnx.load(full).graph.node if node.name.startswith(("/head", "/null"))]
            quantize_dynamic(
                full,
                path,
                per_channel=True,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["MatMul"],
                nodes_to_exclude=heads,
            )
    finally:
        embeddings.word_embeddings = words


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="float32 beside int8, to compare")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = load_checkpoint(arguments.checkpoint)
    export_int8(model, arguments.out / SMALL)
    if arguments.full:
        export_float32(model, arguments.out / FULL)
    shutil.copyfile(find_model().folder / "tokenizer.json", arguments.out / "tokenizer.json")
    digest = hashlib.sha256((arguments.out / SMALL).read_bytes()).hexdigest()
    (arguments.out / f"{SMALL}.sha256").write_text(f"{digest}  {SMALL}\n", "utf-8")


if __name__ == "__main__":
    main()
