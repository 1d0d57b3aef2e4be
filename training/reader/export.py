"""Write the shipped files of a checkpoint: `python -m training.reader.export work/model.pt ../shared/data OUT`.

Needs onnx; index/int8.py says how. The heads, biases and LayerNorm stay in float32: they are small, and scores hang on
them. Questions of the training articles show how large activations get.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from index.int8 import OPSET, prepared, write
from training.reader.checkpoint import load_checkpoint
from training.reader.data import FOREIGN, load, read_ids
from training.reader.examples import Examples, Mix
from training.reader.model import Batch, SpanModel

OUTPUTS = ("start", "end", "left", "right", "null", "sentence")
FULL = "reader.onnx"
SMALL = "reader.int8.onnx"


def samples_of(data: Path, tokenizer: Path, rows: int = 160) -> list[Batch]:
    """Batches of the questions that training begins with."""
    examples = Examples(load(data, read_ids(FOREIGN))[0], tokenizer, Mix(), 0)
    first = [row for group in examples.epoch(0)[:rows] for row in group][:rows]
    return [batch for batch, _ in examples.batches(first, random.Random(0), 2048)]


def export_float32(model: SpanModel, path: Path) -> None:
    """Write the model as float32 ONNX, for any number of rows and any length; its inputs are those of its layout."""
    ids = torch.full((2, 16), 1000)
    ids[1, 12:] = model.layout.pad
    inputs = {"ids": ids, "mask": (ids != model.layout.pad).long(), "types": torch.zeros_like(ids)}
    names = model.layout.inputs
    axes: dict[str, dict[int, str]] = {name: {0: "rows", 1: "length"} for name in (*names, *OUTPUTS)}
    axes["null"] = {0: "rows"}
    torch.onnx.export(
        model.eval(),
        tuple(inputs[name] for name in names),
        str(path),
        input_names=list(names),
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )


def export_int8(model: SpanModel, path: Path, samples: Sequence[Batch]) -> None:
    """Write the model as int8 ONNX; `samples` show how large its activations get."""

    def run(made: SpanModel) -> None:
        for batch in samples:
            made(batch.ids, batch.mask, batch.types)

    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / FULL
        export_float32(prepared(model, run), full)
        write(full, path, leave=("/head", "/null", "/sentence"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="float32 beside int8, to compare")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = load_checkpoint(arguments.checkpoint)
    (arguments.out / "tokenizer.json").write_text(tokenizer, "utf-8")
    samples = samples_of(arguments.data, arguments.out / "tokenizer.json")
    export_int8(model, arguments.out / SMALL, samples)
    if arguments.full:
        export_float32(model, arguments.out / FULL)
    digest = hashlib.sha256((arguments.out / SMALL).read_bytes()).hexdigest()
    (arguments.out / f"{SMALL}.sha256").write_text(f"{digest}  {SMALL}\n", "utf-8")


if __name__ == "__main__":
    main()
