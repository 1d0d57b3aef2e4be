"""Language model servers on this machine, and the models that a server has.

A search asks the usual ports of the loopback address for a list of models, and sends nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2

from rag.writer.guarded_http import is_near
from rag.writer.llm import ModelServerError

USUAL: dict[str, int] = {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080, "vLLM": 8000}
"""Program -> the port that it listens on by default."""
_SEARCH_SECONDS = 0.5
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
    """Return the servers on the usual ports of this machine that have a model. Takes at most half a second."""
    with ThreadPoolExecutor(len(USUAL)) as pool:
        servers = pool.map(_look, USUAL.items())
    return [one for one in servers if one.models]


def models_at(url: str, key: str = "") -> tuple[str, ...]:
    """Return the models of the server at `url`; none if it lists none.

    Raises ModelServerError if nothing answers there, or if the server rejects the key.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with _client(url, headers, _LIST_SECONDS) as client:
            return _models(client, url)
    except httpx2.HTTPStatusError as error:
        if error.response.status_code in (401, 403):
            raise ModelServerError(
                f"The server at {url} wants another key ({error.response.status_code}). Set FOOTNOTE_LLM_KEY."
            ) from error
        return ()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ModelServerError(f"Nothing answers at {url}. Start the language model server there.") from error


def check_has(model: str, url: str, key: str = "") -> None:
    """Raise ModelServerError if the server at `url` lists models, but not this one."""
    models = models_at(url, key)
    if models and model not in models and f"{model}:latest" not in models:
        raise ModelServerError(f"The server at {url} has no model {model!r}. It has: {', '.join(models[:10])}.")


def _look(usual: tuple[str, int]) -> ModelServer:
    program, port = usual
    url = f"http://127.0.0.1:{port}/v1"
    try:
        with _client(url, {}, _SEARCH_SECONDS) as client:
            return ModelServer(program, url, _models(client, url))
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return ModelServer(program, url, ())


def _client(url: str, headers: dict[str, str], seconds: float) -> httpx2.Client:
    transport = httpx2.HTTPTransport() if is_near(url) else None
    return httpx2.Client(transport=transport, headers=headers, timeout=seconds, follow_redirects=False)


def _models(client: httpx2.Client, url: str) -> tuple[str, ...]:
    """Return the models in a server's list, in OpenAI's form or else in Ollama's."""
    try:
        if names := tuple(_names(_get(client, f"{url}/models").get("data"), "id")):
            return names
    except httpx2.HTTPStatusError as error:
        if error.response.status_code != 404:
            raise
    return tuple(_names(_get(client, f"{url.removesuffix('/v1')}/api/tags").get("models"), "name"))


def _get(client: httpx2.Client, url: str) -> dict[str, Any]:
    """Return the JSON object at a URL; {} for anything else, and for more than a million bytes."""
    with client.stream("GET", url) as response:
        response.raise_for_status()
        body = b""
        for piece in response.iter_raw():
            body += piece
            if len(body) > _MOST_BYTES:
                return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


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
