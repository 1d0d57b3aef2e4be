"""A scripted language model server: OpenAI's chat completions on loopback, for benchmarks and tests.

The name of the model selects the part: a function from the prompt to the text, or a way to fail.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from benchmarks.hostile_server import RESPONSES, chunk
from benchmarks.served import free_port
from index.text.sentences import sentences
from index.text.words import content_terms
from rag.writer.prompt import REFUSAL

KEY = "sk-footnote-0123456789-abcdefghij"
PARAPHRASES = {
    "who supplies GM's cells?": [
        ("General Motors is already working with LG Chem, Samsung SDI and CATL on batteries.", "Samsung SDI Co Ltd"),
        ("GM plans to launch twenty new electric vehicles by 2023.", "20 new electric vehicles"),
    ],
    "How many jobs will the TDK deal create?": [
        ("The deal of GM with TDK is predicted to create 1000 jobs.", "predictions of creating 1,000 jobs"),
    ],
}  # fmt: skip
"""Question -> true sentences in other words, each with words of the passage that it cites."""


@dataclass(frozen=True)
class Prompt:
    """The content of a request: (id, text) of the passages in order, and the question."""

    passages: list[tuple[str, str]]
    question: str

    @classmethod
    def read(cls, body: dict[str, Any]) -> Prompt:
        """Read the body of a request."""
        content = body["messages"][-1]["content"]
        passages = re.findall(r'^<passage id="(\w+)"[^>]*>([^<]*)</passage>$', content, re.MULTILINE)
        return cls(passages, content.rpartition("Question: ")[2])

    def id_of(self, words: str) -> str:
        """Return the id of the passage with these words."""
        return next(id_ for id_, text in self.passages if words in text)

    def true(self) -> list[tuple[str, str]]:
        """Return true sentences, each with the id of its passage.

        These are PARAPHRASES of the question, else the two sentences with most of its words.
        """
        if paraphrases := PARAPHRASES.get(self.question):
            return [(text, self.id_of(words)) for text, words in paraphrases]
        return self.nearest(2)

    def nearest(self, count: int) -> list[tuple[str, str]]:
        """Return the sentences of the passages with most words of the question."""
        wanted = set(content_terms(self.question))
        lines = [(text[a:b], id_) for id_, text in self.passages for a, b in sentences(text) if text[b - 1] == "."]
        return sorted(lines, key=lambda line: -len(wanted & set(content_terms(line[0]))))[:count]

    def far(self, id_: str) -> str:
        """Return the other passage with the fewest words of the first true sentence."""
        said = set(content_terms(self.true()[0][0]))
        others = [one for one in self.passages if one[0] != id_]
        return min(others, key=lambda one: len(said & set(content_terms(one[1]))))[0]


def _cited(pairs: list[tuple[str, str]]) -> str:
    return " ".join(f"{text} [{id_}]" for text, id_ in pairs)


def _wrong(change: Callable[[str], str]) -> Callable[[Prompt], str]:
    """Return a part that changes the first true sentence and keeps the others."""
    return lambda prompt: _cited(
        [(change(text) if not n else text, id_) for n, (text, id_) in enumerate(prompt.true())]
    )


def _other_number(text: str) -> str:
    return re.sub(r"\d[\d,]*", "7,777", text) if re.search(r"\d", text) else text.rstrip(".") + " at 7,777 sites."


def _other_name(text: str) -> str:
    for name in ("LG Chem", "TDK", "Reuters", "GM"):
        if name in text:
            return text.replace(name, "Panasonic")
    return f"Panasonic said: {text}"


PARTS: dict[str, Callable[[Prompt], str]] = {
    "perfect": lambda prompt: _cited(prompt.true()),
    "wrong-number": _wrong(_other_number),
    "wrong-name": _wrong(_other_name),
    "wrong-date": _wrong(lambda text: text.rstrip(".") + " on 3 March 2019."),
    "wrong-citation": lambda prompt: _cited([(text, prompt.far(id_)) for text, id_ in prompt.true()[:1]]),
    "unknown-id": lambda prompt: " ".join(f"{text} [77, {id_}] [99]" for text, id_ in prompt.true()),
    "no-citation": lambda prompt: "The factory will cost $3 billion. Mr Smith will run it from 2031 on.",
    "uncited-joined": lambda prompt: (
        "GM plans to launch 20 new electric vehicles by 2023, and its deal with TDK could create 1,000 jobs."
    ),
    "uncited-true": lambda prompt: " ".join(text for text, _ in prompt.true()),
    "beyond": lambda prompt: (
        f"GM wants happy customers with cheap electric vehicles. [{prompt.id_of('20 new electric')}]"
    ),
    "denying": lambda prompt: (
        f"GM is wedded to a particular supplier for battery cells. [{prompt.id_of('not wedded')}]"
    ),
    "five": lambda prompt: _cited(prompt.nearest(5)),
    "refusing": lambda prompt: REFUSAL,
    "refusing-too": lambda prompt: f"{_cited(prompt.true())} {REFUSAL}",
    "unfinished": lambda prompt: prompt.true()[0][0][:-12],
    "cut": lambda prompt: f"{_cited(prompt.true()[:1])} {prompt.true()[-1][0][:-12]}",
    "cut-number": lambda prompt: f"{_cited(prompt.true()[:1])} The deal of GM with TDK is predicted to create 1.",
    "cut-cited": lambda prompt: _cited(prompt.true()),
    "chatty": lambda prompt: f"Sure! Here is what I found:\n\n- {_cited(prompt.true())}\n\nI hope this helps!",
}

THOUGHT = "GM is working with LG Chem and Samsung SDI. Panasonic supplies the cells of GM."
"""The thoughts of the "thinking" parts: true sentences, which would pass the check."""
THINKING = {
    "think": "<think>{thought}</think>{answer}",
    "thinking": "<thinking>\n{thought}\n</thinking>\n\n{answer}",
    "reasoning": "< Reasoning effort='high' >{thought}</ reasoning >{answer}",
    "brackets": "[THINK]{thought}[/THINK]{answer}",
    "later": "{answer} <thought>{thought}</thought>",
    "nested": "<think>{thought}<think>{thought}</think>{thought}</think>{answer}",
    "unopened": "{thought}\n</think>\n{answer}",
    "unclosed": "{answer} <think>{thought}",
    "tool-call": '<tool_call>{{"name": "search", "arguments": "{thought}"}}</tool_call>{answer}',
    "only": "<think>{thought}",
}
"""Formats of thoughts, by the name of the part after "thinking-"."""


@dataclass
class Server:
    """A running server: its `url`, behaviour and received requests.

    `elsewhere` is the target of its redirects. `headers` are those of the last request. `payloads` maps a question to
    the text of the part "injected". `pace` is in tokens per second (0: no limit). `sent` has the time of each token of
    the last answer, with the text up to it. `let_go` is set when the client of the part "endless" has left. `models`
    are listed in Ollama's form if `is_ollama`, else in OpenAI's.
    """

    url: str = ""
    elsewhere: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    payloads: dict[str, str] = field(default_factory=dict)
    pace: float = 0
    sent: list[tuple[float, str]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    models: list[str] = field(default_factory=list)
    is_ollama: bool = False


def make_app(server: Server) -> FastAPI:
    """Return the application of `server`."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = await request.json()
        server.requests.append(body)
        server.headers = dict(request.headers)
        part = body["model"].removeprefix("part/")
        if part in RESPONSES:
            return RESPONSES[part](server.elsewhere)
        if (refused := await _refuse(part, body, request)) is not None:
            return refused
        return StreamingResponse(_stream(server, part, Prompt.read(body), request), media_type="text/event-stream")

    @app.get("/api/tags" if server.is_ollama else "/v1/models")
    async def models() -> dict[str, Any]:
        rows = [{"name" if server.is_ollama else "id": name} for name in server.models]
        return {"models" if server.is_ollama else "data": rows}

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def anything(path: str, request: Request) -> Response:
        server.requests.append({"path": path})
        server.headers = dict(request.headers)
        return _error(404, "There is nothing here.", "not_found")

    return app


async def _refuse(part: str, body: dict[str, Any], request: Request) -> Response | None:
    """Return the error of a part that fails before it writes; None if it writes."""
    given = request.headers.get("authorization", "")
    if part == "locked" and given != f"Bearer {KEY}":
        return _error(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}.", "invalid_api_key")
    if part == "leaky":
        return _error(500, f"internal failure while handling {given}", "server_error")
    if part == "busy":
        return _error(429, "Rate limit reached.", "rate_limit_exceeded", {"retry-after-ms": "5"})
    if part == "later":
        return _error(429, "Rate limit reached.", "rate_limit_exceeded", {"retry-after": "90"})
    if part == "long":
        message = "This model's maximum context length is 2048 tokens. However, your messages resulted in 3012 tokens."
        return _error(400, message, "context_length_exceeded")
    if part == "picky" and "temperature" in body:
        return _error(400, "Unsupported parameter: 'max_tokens' is not supported with this model.", "unsupported")
    if part == "html":
        return HTMLResponse("<html>Welcome to the router</html>")
    if part == "slow":
        await asyncio.sleep(30)
    known = {*PARTS, "locked", "picky", "injected", "stalls", "breaks", "ends", "fails", "endless", "slow"}
    known |= {"tools", "nothing"}
    known |= {f"thinking-{way}" for way in (*THINKING, "field")}
    return None if part in known else _error(404, f"The model `{part}` does not exist.", "model_not_found")


def _error(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "code": code}}, status, headers)


async def _stream(server: Server, part: str, prompt: Prompt, request: Request) -> AsyncIterator[bytes]:
    if part == "injected":
        payload = server.payloads[prompt.question]
        at = [id_ for id_, text in prompt.passages if payload.split()[0] in text] or [prompt.passages[0][0]]
        text = f"{payload} [{at[0]}]"
    else:
        text = PARTS.get(part, PARTS["perfect"])(prompt)
    if way := THINKING.get(part.removeprefix("thinking-")):
        text = way.format(thought=THOUGHT, answer=text)
    if part == "thinking-field":
        yield chunk({"reasoning_content": THOUGHT})
        yield chunk({"reasoning": THOUGHT})
    yield chunk({"role": "assistant", "content": ""})
    if part == "endless":
        try:
            while True:
                yield chunk({"content": f"{prompt.true()[0][0]} [{prompt.true()[0][1]}] "})
                await asyncio.sleep(0.1)
        finally:
            server.let_go.set()
    if part == "tools":
        yield chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "search", "arguments": "{}"}}]})
        yield chunk({}, "tool_calls")
        return
    if part == "nothing":
        yield b'data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}\n\n'
        yield chunk({}, "stop")
        return
    pieces = _tokens(text) if server.pace else re.findall(r"\s?.{1,7}", text, re.DOTALL)
    server.sent = []
    started = time.perf_counter()
    for number, piece in enumerate(pieces):
        if server.pace:
            await asyncio.sleep(max(0.0, started + number / server.pace - time.perf_counter()))
            server.sent.append((time.perf_counter(), "".join(pieces[: number + 1])))
        if number == len(pieces) // 2:
            if part == "breaks":
                raise ConnectionResetError("as the part says")
            if part == "ends":
                return
            if part == "stalls":
                await asyncio.sleep(30)
            if part == "fails":
                yield f"data: {json.dumps({'error': {'message': 'out of memory', 'code': 500}})}\n\n".encode()
                return
        yield chunk({"content": piece})
    yield chunk({}, "length" if part.startswith("cut") else "stop")
    usage = {"prompt_tokens": 1000, "completion_tokens": len(pieces), "total_tokens": 1000 + len(pieces)}
    counted = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": []}
    yield f"data: {json.dumps({**counted, 'usage': usage})}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _tokens(text: str) -> list[str]:
    """Split a text into pieces like tokens: words with the blank before them, long words in parts."""
    return re.findall(r"\s?\w{1,6}|\s?[^\w\s]|\s", text)


@contextmanager
def serving(port: int = 0, *models: str, is_ollama: bool = False) -> Iterator[Server]:
    """Run the server during a with block, on a free port by default."""
    server = Server(models=list(models), is_ollama=is_ollama)
    port = port or free_port()
    config = uvicorn.Config(make_app(server), host="127.0.0.1", port=port, log_level="critical")
    runner = uvicorn.Server(config)
    thread = threading.Thread(target=runner.run, name="scripted", daemon=True)
    thread.start()
    while not runner.started:
        assert thread.is_alive(), "the scripted server did not start"
        thread.join(0.02)
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        runner.should_exit = runner.force_exit = True
        thread.join(5)
