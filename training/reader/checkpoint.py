"""Write and read the files of a training run: a checkpoint to resume from, and a usable model."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from training.reader.base import new_encoder
from training.reader.model import SpanModel

CHECKPOINT, USABLE = "reader.pt", "model.pt"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write `state` to `path`, whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def load_checkpoint(path: Path) -> tuple[SpanModel, str]:
    """Load a model that is ready to read, and the text of its tokenizer.json.

    A checkpoint gives the average of recent weights.

    Raises:
        SystemExit: training did not write `path`.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        model = SpanModel(new_encoder(state["config"]))
        model.load_state_dict(state["model"] | state.get("average", {}))
        return model.eval(), str(state["tokenizer"])
    except (OSError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise SystemExit(f"{path} is no checkpoint of `python -m training.reader.train`: {error}") from error
