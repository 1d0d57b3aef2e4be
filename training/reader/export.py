"""A checkpoint -> the shipped files: `python -m training.reader.export work/reader.pt ../shared/data rag/reader/model`.

Needs onnx. index/int8.py says how. The heads, biases and LayerNorm stay in float32: they are small, and
scores hang on them. How large activations get is seen on questions of the training articles.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from index.embed import find_float32
from index.int8 import OPSET, prepared, write
from training.reader.data import FOREIGN, load, read_ids
from training.reader.examples import Examples, Mix
from training.reader.model import Batch, SpanModel, load_encoder

INPUTS = ("ids", "mask", "types")
OUTPUTS = ("start", "end", "left", "right", "null")
FULL = "reader.onnx"
SMALL = "reader.int8.onnx"


def samples_of(data: Path, rows: int = 160) -> list[Batch]:
    """Batches of the questions that training begins with."""
    examples = Examples(load(data, read_ids(FOREIGN))[0], find_float32().folder / "tokenizer.json", Mix(), 0)
    first = [row for group in examples.epoch(0)[:rows] for row in group][:rows]
    return [batch for batch, _ in examples.batches(first, random.Random(0), 2048)]


def load_checkpoint(path: Path) -> SpanModel:
    """The model of a checkpoint of `training.reader.train`, ready to read."""
    model = SpanModel(load_encoder(find_float32().folder))
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
        write(full, path, leave=("/head", "/null"))


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
    shutil.copyfile(find_float32().folder / "tokenizer.json", arguments.out / "tokenizer.json")
    digest = hashlib.sha256((arguments.out / SMALL).read_bytes()).hexdigest()
    (arguments.out / f"{SMALL}.sha256").write_text(f"{digest}  {SMALL}\n", "utf-8")


if __name__ == "__main__":
    main()
