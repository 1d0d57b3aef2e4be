"""Write the shipped files of a checkpoint: `python -m training.reader.export work/model.pt ../shared/data OUT`.

Needs onnx; training/int8.py describes the method. The heads, biases and LayerNorm stay in float32: they are small, and
scores depend on them. Questions of the training articles show how large activations get. A large model has its weights
in two files next to its network, one for the word embeddings and one for the layers.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from rag.reader.layout import MPNET
from rag.reader.models import CHECKSUMS
from rag.reader.spans import NETWORK
from training.int8 import OPSET, prepared, write_int8
from training.reader.checkpoint import load_checkpoint
from training.reader.data import FOREIGN, load, read_ids
from training.reader.examples import Examples, Mix
from training.reader.model import Batch, SpanModel

OUTPUTS = ("start", "end", "left", "right", "null", "sentence")
FULL = "reader.onnx"
LAYERS, WORDS = "layers.bin", "words.bin"
_LARGE = 60_000_000
"""Bytes of a network above which its weights get their own files."""
_BESIDE = 100_000
"""Bytes from which a tensor moves to these files."""
_ALIGNED = 64


def samples_of(data: Path, tokenizer: Path, rows: int = 160) -> list[Batch]:
    """Return batches of the first questions of training."""
    examples = Examples(load(data, read_ids(FOREIGN))[0], tokenizer, Mix(), 0)
    first = [row for group in examples.epoch(0)[:rows] for row in group][:rows]
    return [batch for batch, _ in examples.batches(first, random.Random(0), 2048)]


def export_float32(model: SpanModel, path: Path) -> None:
    """Write the model as float32 ONNX, for any number of rows and any length.

    Its inputs are those of its layout.
    """
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
    """Write the model as int8 ONNX; `samples` show how large its activations get.

    MPNet's activations differ widely, so each row has a scale, and no processor may saturate a sum.
    """
    strong = model.layout == MPNET

    def run(made: SpanModel) -> None:
        for batch in samples:
            made(batch.ids, batch.mask, batch.types)

    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / FULL
        export_float32(prepared(model, run, by_row=strong), full)
        write_int8(full, path, leave=("/head", "/null", "/sentence"), portable=strong)


def split_weights(path: Path) -> list[Path]:
    """Move the weights of a network into two files next to it; return all three files.

    onnxruntime maps the two files into memory.
    """
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load(path)
    files = {name: path.with_name(name) for name in (LAYERS, WORDS)}
    with files[LAYERS].open("wb") as layers, files[WORDS].open("wb") as words:
        for tensor in model.graph.initializer:
            content = onnx.numpy_helper.to_array(tensor).tobytes()
            if len(content) < _BESIDE:
                continue
            stream, name = (words, WORDS) if "word_embeddings" in tensor.name else (layers, LAYERS)
            stream.write(bytes(-stream.tell() % _ALIGNED))
            tensor.raw_data = content
            set_external_data(tensor, name, stream.tell(), len(content))
            stream.write(content)
            tensor.ClearField("raw_data")
    onnx.save(model, path)
    return [path, *files.values()]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="also write float32, to compare")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = load_checkpoint(arguments.checkpoint)
    (arguments.out / "tokenizer.json").write_text(tokenizer, "utf-8")
    samples = samples_of(arguments.data, arguments.out / "tokenizer.json")
    network = arguments.out / NETWORK
    export_int8(model, network, samples)
    files = split_weights(network) if network.stat().st_size > _LARGE else [network]
    if arguments.full:
        export_float32(model, arguments.out / FULL)
    named = sorted(path.name for path in (*files, arguments.out / "tokenizer.json"))
    lines = [f"{hashlib.sha256((arguments.out / name).read_bytes()).hexdigest()}  {name}\n" for name in named]
    (arguments.out / CHECKSUMS).write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
