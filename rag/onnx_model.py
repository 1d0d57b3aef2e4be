"""Opens the shipped ONNX models and their tokenizer. No torch here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def open_session(path: Path, threads: int = 0) -> Any:
    """An onnxruntime session on the processor; `threads` caps its threads, 0 leaves the library's default."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that wait by spinning bring a busy machine to a crawl.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def open_tokenizer(path: Path) -> Any:
    """The tokenizer of a tokenizer.json, which neither cuts off nor pads."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
