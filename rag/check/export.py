"""A checkpoint -> the shipped files: `python -m rag.check.export work/support.pt ../shared/data rag/check/model`.

Needs onnx. Made small as the reading model is (`rag.reader.export`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from index.embed import find_model
from rag.check.model import SupportModel, tensors
from rag.check.pairs import Pairs
from rag.check.pieces import encode
from rag.check.support import SMALL
from rag.onnx_model import open_tokenizer
from rag.reader.data import FOREIGN, load, read_ids
from rag.reader.export import Inputs, export_int8, seal
from rag.reader.model import load_encoder

_SAMPLES, _BATCH = 160, 16


def load_checkpoint(path: Path) -> SupportModel:
    """The model of a checkpoint of `rag.check.train`, ready to score."""
    model = SupportModel(load_encoder(find_model().folder))
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()


def samples_of(data: Path) -> list[Inputs]:
    """Pairs that training begins with, in batches."""
    tokenizer = open_tokenizer(find_model().folder / "tokenizer.json")
    groups = Pairs(load(data, read_ids(FOREIGN))[0], 0).epoch(0)
    pairs = [pair for group in groups[:_SAMPLES] for pair in group][:_SAMPLES]
    encoded = [encode(tokenizer, one.text, one.passage) for one in pairs]
    return [tensors(encoded[at : at + _BATCH]) for at in range(0, len(encoded), _BATCH)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    small = arguments.out / SMALL
    export_int8(load_checkpoint(arguments.checkpoint), small, samples_of(arguments.data), {"odds": 1})
    seal(small, find_model().folder / "tokenizer.json")


if __name__ == "__main__":
    main()
