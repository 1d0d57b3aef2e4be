"""Load the encoders that a reader can be trained on: MiniLM's, which is a BERT, and all-mpnet-base-v2's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.reader.layout import BERT, MPNET, Layout

_LAYOUTS = {"bert": BERT, "mpnet": MPNET}


def layout_for(encoder: Any) -> Layout:
    """Return the layout in which an encoder reads a question and its passage."""
    return _LAYOUTS[encoder.config.model_type]


def load_encoder(folder: Path) -> Any:
    """Load an encoder from the folder of its float32 weights, without its pooler.

    Raises:
        SystemExit: the folder holds no encoder of a known kind.
    """
    transformers = _quiet_transformers()
    if not (folder / "config.json").is_file():
        raise SystemExit(f"There is no config.json in {folder}: name the folder that holds the encoder's weights.")
    # Eager attention: on a processor its backward pass is faster than the fused one's.
    encoder = transformers.AutoModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation="eager", local_files_only=True
    ).float()
    if encoder.config.model_type not in _LAYOUTS:
        known = " or ".join(_LAYOUTS)
        raise SystemExit(f"{folder} holds an encoder of kind {encoder.config.model_type}: use one of kind {known}.")
    return encoder


def new_encoder(config: Mapping[str, Any]) -> Any:
    """Make an encoder with random weights from `encoder.config.to_dict()`."""
    transformers = _quiet_transformers()
    made = transformers.AutoConfig.for_model(**config)
    return transformers.AutoModel.from_config(made, add_pooling_layer=False, attn_implementation="eager").float()


def _quiet_transformers() -> Any:
    import transformers
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers
