"""Export a float32 encoder as the shipped int8 one.

    python -m training.encoder.export work/encoder ../shared/data index/encoder/model

Needs onnx. The network reads one text at a time and returns its unit vector: the mean of the last layer's outputs, as
sentence-transformers pools them. Without padding, a vector depends on its own text only, and activations are quantised
by that text alone.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from index.encoder.embedder import ENCODER, MAX_WORD_PIECES
from training.int8 import OPSET, prepared, write_int8

_FILES = ("squad/train", "squadshifts/new_wiki_v1.0", "squadshifts/reddit_v1.0", "squadshifts/amazon_reviews_v1.0")
_EACH = 60
"""Paragraphs of each file, and as many questions, that show how large activations get."""


class Pooled(nn.Module):
    """The exported network: (1, L) word pieces of one text -> unit vector (1, d)."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import AutoModel
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.encoder: Any = AutoModel.from_pretrained(
            folder, add_pooling_layer=False, attn_implementation="eager", local_files_only=True
        ).eval()

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vector of one text."""
        hidden = self.encoder.embeddings(input_ids=ids)
        # Layer by layer: the encoder as a whole would make and add a mask that masks nothing.
        for layer in self.encoder.encoder.layer:
            hidden = layer(hidden)
        return nn.functional.normalize(hidden.mean(1))


def samples(data: Path, tokenizer: Any) -> list[list[int]]:
    """Return word pieces of paragraphs and questions of the training files."""
    rng, texts = random.Random(0), list[str]()
    for name in _FILES:
        articles = json.loads(gzip.decompress((data / f"{name}.json.gz").read_bytes()))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        for paragraph in rng.sample(paragraphs, _EACH):
            texts += [paragraph["context"], rng.choice(paragraph["qas"])["question"]]
    return [tokenizer.encode(text).ids for text in texts]


def export(folder: Path, texts: Sequence[Sequence[int]], path: Path) -> None:
    """Write the encoder of a float32 folder as int8 ONNX.

    The word pieces of `texts` show how large activations get.
    """

    def run(model: Pooled) -> None:
        for ids in texts:
            model(torch.tensor([ids]))

    model = prepared(Pooled(folder), run)
    with tempfile.TemporaryDirectory() as temporary:
        full = Path(temporary) / "full.onnx"
        torch.onnx.export(
            model,
            (torch.full((1, 16), 1000),),
            str(full),
            input_names=["ids"],
            output_names=["vector"],
            dynamic_axes={"ids": {1: "length"}},
            opset_version=OPSET,
            dynamo=False,
        )
        write_int8(full, path, portable=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path, help="the folder that `training.encoder.train` wrote")
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    folder = arguments.encoder
    shutil.copyfile(folder / "tokenizer.json", arguments.out / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    export(folder, samples(arguments.data, tokenizer), arguments.out / ENCODER)
    print(f"sha256 {hashlib.sha256((arguments.out / ENCODER).read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
