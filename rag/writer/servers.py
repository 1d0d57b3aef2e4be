"""Language model servers on this machine, and the models that a server has.

A search asks the usual ports of the loopback address for a list of models, and sends nothing else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx2

from rag.writer.guarded_http import is_near
from rag.writer.llm import ModelServerError

USUAL: dict[str, int] = {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080, "vLLM": 8000}
"""Program -> the port that it listens on by default."""
_SEARCH_SECONDS, _MOST_SECONDS = 0.5, 3.0
"""Time-out of a request of a search, and of the whole search."""
_LIST_SECONDS = 5.0
_MOST_BYTES = 1_000_000
_MOST_MODELS = 50
_LONGEST_NAME = 200
_NO_WRITERS = re.compile(r"embed|rerank|\bbge\b|whisper|minilm", re.IGNORECASE)
"""Names of models that write nothing."""


@dataclass(frozen=True)
class ModelServer:
    """A server of language models: its program, the URL for requests, and its models."""

    program: str
    url: str
    models: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.program} at {self.url}"


def find_servers() -> list[ModelServer]:
    """Return the servers on the usual ports of this machine that have a model. Takes at most three seconds."""
    found: dict[str, ModelServer] = {}

    def look(program: str, port: int) -> None:
        url = f"http://127.0.0.1:{port}/v1"
        with suppress(ModelServerError):
            found[program] = ModelServer(program, *_list_at(url, "", _SEARCH_SECONDS))

    # Daemons, because a program that sends its answer drop by drop must not hold up the end of this process.
    threads = [Thread(target=look, args=usual, daemon=True) for usual in USUAL.items()]
    for thread in threads:
        thread.start()
    until = time.monotonic() + _MOST_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [one for program in USUAL if (one := found.get(program)) and one.models]


def find_url(model: str, url: str, key: str = "") -> str:
    """Return the URL for requests to a model: `url`, or with "/v1" at its end if the server wants that.

    Raises ModelServerError if nothing answers there, if the server rejects the key, or if it lists models but not this
    one.
    """
    where, models = _list_at(url, key, _LIST_SECONDS)
    if models and not has_model(models, model):
        raise ModelServerError(f"The server at {url} has no model {model!r}. It has: {', '.join(models[:10])}.")
    return where


def has_model(models: Sequence[str], model: str) -> bool:
    """True if a model is among these; its version may be left out ("llama3.2" for "llama3.2:latest")."""
    return model in models or f"{model}:latest" in models


def _list_at(url: str, key: str, seconds: float) -> tuple[str, tuple[str, ...]]:
    """Return the URL for requests and the models of the server at `url`, none if it lists none.

    Tries OpenAI's form at `url` and with "/v1" at its end, then Ollama's.
    """
    base = url.removesuffix("/v1")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx2.HTTPTransport() if is_near(url) else None
    # A compressed list is not asked for, so that a small answer can't grow.
    headers["Accept-Encoding"] = "identity"
    try:
        with httpx2.Client(transport=transport, headers=headers, timeout=seconds, follow_redirects=False) as client:
            for where in dict.fromkeys((url, f"{base}/v1")):
                if names := tuple(_names(_get(client, f"{where}/models", seconds).get("data"), "id")):
                    return where, names
            names = tuple(_names(_get(client, f"{base}/api/tags", seconds).get("models"), "name"))
            return f"{base}/v1" if names else url, names
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise ModelServerError(f"Nothing answers at {url}. Start the language model server there.") from error


def _get(client: httpx2.Client, url: str, seconds: float) -> dict[str, Any]:
    """Return the JSON object at a URL; {} for anything else, for a million bytes, and for a slow answer.

    Raises ModelServerError if the server rejects the key.
    """
    until = time.monotonic() + seconds
    with client.stream("GET", url) as response:
        if response.status_code in (401, 403):
            raise ModelServerError(
                f"The server at {url} wants another key ({response.status_code}). Set FOOTNOTE_LLM_KEY."
            )
        body = b""
        for piece in response.iter_raw():
            body += piece
            if len(body) > _MOST_BYTES or time.monotonic() > until or not response.is_success:
                return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and response.is_success else {}


def _names(rows: object, key: str) -> Iterator[str]:
    """Yield the printable names of models that write, at most fifty."""
    for row in rows[:_MOST_MODELS] if isinstance(rows, list) else ():
        name = row.get(key) if isinstance(row, dict) else None
        if (
            isinstance(name, str)
            and 0 < len(name) <= _LONGEST_NAME
            and name.isprintable()
            and not _NO_WRITERS.search(name)
        ):
            yield name
