"""A checkpoint -> the shipped files: `python -m rag.reader.export work/reader.pt ../shared/data rag/reader/model`.

Needs onnx. The matrix products become int8 with a scale for each output channel, activations are quantised as they come
(onnxruntime's dynamic quantisation); word embeddings become int8 with a scale for each word, which one scale for the
whole table would blur. The heads, biases and LayerNorm stay in float32: they are small, and scores hang on them.

Before that the feed-forward layers are smoothed (Xiao et al. 2023): a few of their inputs are ten times as large as the
rest, and would leave the rest few steps of the scale they share. Each input is divided by a number, and its weights
are multiplied by it; how large inputs get is seen on questions of the training articles.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from index.embed import find_model
from rag.reader.data import FOREIGN, load, read_ids
from rag.reader.examples import Examples, Mix
from rag.reader.model import Batch, SpanModel, load_encoder

INPUTS = ("ids", "mask", "types")
OUTPUTS = ("start", "end", "left", "right", "null")
FULL = "reader.onnx"
SMALL = "reader.int8.onnx"
_SMOOTH = 0.75
"""How much of the difficulty goes from activations to weights, in [0, 1]; chosen on the calibration articles."""


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


class _Smoothed(nn.Module):
    """A linear layer whose inputs are divided by `scale` (d,) and its weights multiplied: the same sums."""

    inverse: Tensor

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("inverse", 1 / scale)
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        self.linear.weight = nn.Parameter(linear.weight.detach() * scale)
        self.linear.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, L, d) -> (b, L, out)."""
        outputs: Tensor = self.linear(inputs * self.inverse)
        return outputs


def smoothed(model: SpanModel, samples: Sequence[Batch]) -> SpanModel:
    """A copy with its feed-forward layers smoothed by how large their inputs get in `samples`."""
    made = copy.deepcopy(model).eval()
    layers = [part for layer in made.encoder.encoder.layer for part in (layer.intermediate, layer.output)]
    largest: dict[int, Tensor] = {}

    def look(number: int, inputs: Tensor) -> None:
        most = inputs.detach().abs().flatten(0, -2).amax(0)
        largest[number] = torch.maximum(most, largest.get(number, most))

    hooks = [
        part.dense.register_forward_pre_hook(lambda _, inputs, n=n: look(n, inputs[0])) for n, part in enumerate(layers)
    ]
    with torch.inference_mode():
        for batch in samples:
            made(batch.ids, batch.mask, batch.types)
    for hook in hooks:
        hook.remove()
    for number, part in enumerate(layers):
        weights = part.dense.weight.detach().abs().amax(0).clamp(min=1e-5)
        inputs = largest[number].clone().clamp(min=1e-5)
        part.dense = _Smoothed(part.dense, (inputs**_SMOOTH / weights ** (1 - _SMOOTH)).clamp(min=1e-3))
    return made


def samples_of(data: Path, rows: int = 160) -> list[Batch]:
    """Batches of the questions that training begins with."""
    examples = Examples(load(data, read_ids(FOREIGN))[0], find_model().folder / "tokenizer.json", Mix(), 0)
    first = [row for group in examples.epoch(0)[:rows] for row in group][:rows]
    return [batch for batch, _ in examples.batches(first, random.Random(0), 2048)]


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


def export_int8(model: SpanModel, path: Path, samples: Sequence[Batch]) -> None:
    """Write the model as int8 ONNX; `samples` show how large its activations get."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = smoothed(model, samples)
    embeddings: Any = model.encoder.embeddings
    embeddings.word_embeddings = _RowScaled(embeddings.word_embeddings.weight.detach())
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


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="float32 beside int8, to compare")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = load_checkpoint(arguments.checkpoint)
    export_int8(model, arguments.out / SMALL, samples_of(arguments.data))
    if arguments.full:
        export_float32(model, arguments.out / FULL)
    shutil.copyfile(find_model().folder / "tokenizer.json", arguments.out / "tokenizer.json")
    digest = hashlib.sha256((arguments.out / SMALL).read_bytes()).hexdigest()
    (arguments.out / f"{SMALL}.sha256").write_text(f"{digest}  {SMALL}\n", "utf-8")


if __name__ == "__main__":
    main()
