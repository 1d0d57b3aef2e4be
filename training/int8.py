"""Convert float32 networks to int8 ONNX: shared by the exports of the encoder and the reader. Needs torch and onnx.

Matrix products become int8 with a scale for each output channel; activations are quantised at run time (onnxruntime's
dynamic quantisation). Word embeddings become int8 with a scale for each word, because a single scale for the whole
table would blur them.

Feed-forward layers are smoothed first (Xiao et al. 2023): a few of their inputs are ten times as large as the rest, and
would leave the rest few steps of the scale they share. Each input is divided by a number, and its weights are
multiplied by it; samples show how large inputs get.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

OPSET = 17
_SMOOTH = 0.75
"""Share of the difficulty that moves from activations to weights, in [0, 1]. It was chosen on the reader's calibration
articles; for the encoder it is as good as 0.9 and better than 0.5."""
Model = TypeVar("Model", bound=nn.Module)


class _RowScaled(nn.Module):
    """An embedding in int8 with a scale for each row."""

    table: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        """Return (b, L, d) embeddings of (b, L) ids."""
        return nn.functional.embedding(ids, self.table).float() * nn.functional.embedding(ids, self.scale)


class _Smoothed(nn.Module):
    """A linear layer with inputs divided by `scale` (d,) and weights multiplied by it, so that the sums are equal."""

    inverse: Tensor

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("inverse", 1 / scale)
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        self.linear.weight = nn.Parameter(linear.weight.detach() * scale)
        self.linear.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (b, L, out) for (b, L, d) inputs."""
        outputs: Tensor = self.linear(inputs * self.inverse)
        return outputs


class _ByRow(nn.Module):
    """A linear layer that divides each row of inputs by its largest value and multiplies the products by it."""

    def __init__(self, inner: nn.Module, bias: nn.Parameter) -> None:
        super().__init__()
        self.inner = inner
        self.bias = bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (b, L, out) for (b, L, d) inputs."""
        largest = inputs.abs().amax(-1, keepdim=True).clamp(min=1e-6)
        outputs: Tensor = self.inner(inputs / largest) * largest + self.bias
        return outputs


def prepared(model: Model, run_samples: Callable[[Model], None], by_row: bool = False) -> Model:
    """Return a copy of a network with a BERT-like encoder, ready for `write_int8`.

    Its feed-forward layers are smoothed by how large their inputs get while `run_samples` runs it; its word embeddings
    are in int8. With `by_row`, each row of the inputs of every layer has its own scale: some encoders (MPNet) have a
    few word pieces with inputs a hundred times as large as all others.
    """
    made = copy.deepcopy(model).eval()
    bert: Any = made.encoder
    layers = [part for layer in bert.encoder.layer for part in (layer.intermediate, layer.output)]
    largest: dict[int, Tensor] = {}

    def look(number: int, inputs: Tensor) -> None:
        most = inputs.detach().abs().flatten(0, -2).amax(0)
        largest[number] = torch.maximum(most, largest.get(number, most))

    hooks = [
        part.dense.register_forward_pre_hook(lambda _, inputs, n=n: look(n, inputs[0])) for n, part in enumerate(layers)
    ]
    with torch.inference_mode():
        run_samples(made)
    for hook in hooks:
        hook.remove()
    for number, part in enumerate(layers):
        weights = part.dense.weight.detach().abs().amax(0).clamp(min=1e-5)
        inputs = largest[number].clone().clamp(min=1e-5)
        part.dense = _Smoothed(part.dense, (inputs**_SMOOTH / weights ** (1 - _SMOOTH)).clamp(min=1e-3))
    if by_row:
        _scale_rows(bert.encoder.layer)
    bert.embeddings.word_embeddings = _RowScaled(bert.embeddings.word_embeddings.weight.detach())
    return made


def _scale_rows(layers: nn.Module) -> None:
    """Wrap every linear layer below `layers` in one that scales its rows."""
    for parent in list(layers.modules()):
        if isinstance(parent, (_Smoothed, _ByRow)):
            continue
        for name, part in list(parent.named_children()):
            linear = part.linear if isinstance(part, _Smoothed) else part
            if isinstance(linear, nn.Linear):
                bias: nn.Parameter = linear.bias
                linear.register_parameter("bias", None)
                setattr(parent, name, _ByRow(part, bias))


def write_int8(full: Path, path: Path, *, leave: Sequence[str] = (), portable: bool = False) -> None:
    """Write the float32 ONNX file `full` to `path` with its products in int8.

    Products whose names begin with `leave` stay in float32. With `portable` weights have seven bits: processors that
    add pairs of eight-bit products in sixteen bits (x86 without VNNI) then give the same sums as all others.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    left = [node.name for node in onnx.load(full).graph.node if node.name.startswith(tuple(leave))]
    left += [f"{name}_MatMul" for name in left]  # onnxruntime turns a Gemm into this before it compares names
    quantize_dynamic(
        full,
        path,
        per_channel=True,
        reduce_range=portable,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=left,
    )
