"""Hostile model servers: hidden reasoning, cut sentences, floods, silence and redirects do no harm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from benchmarks.scripted import KEY, THINKING, Server, serving
from rag.answer import answer, stream
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer
from rag.writer.guarded_http import is_near
from rag.writer.llm import LanguageModel, ModelServerError
from rag.writer.sentence_cutter import Cutter
from rag.writer.thoughts import ThoughtFilter
from tests.conftest import ROOT
from tests.test_llm import JOBS, SUPPLIERS, engine_for, verdicts

QUESTION = [{"role": "user", "content": '<passage id="2">It rains.</passage>\n\nQuestion: Does it rain?'}]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Server]:
    with serving() as made:
        yield made


def ask(engine: Engine, server: Server, part: str, question: str = SUPPLIERS, **settings: Any) -> Answer:
    return answer(engine_for(engine, server, part, **settings), question)


def complete(server: Server, part: str, timeout: float = 20, **settings: Any) -> str:
    """Return the whole text that the scripted model writes."""
    made = Settings(llm_url=server.url, llm_model=part, llm_timeout=timeout, **settings)
    *pieces, _ = LanguageModel(made).complete(QUESTION)
    return "".join(map(str, pieces))


# --- reasoning --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("way", [*THINKING, "field"])
def test_the_reasoning_of_a_model_is_never_in_the_answer(engine: Engine, server: Server, way: str) -> None:
    found = ask(engine, server, f"thinking-{way}")
    said = " ".join([found.text, *(one.text for one in found.checked)])
    assert "is working" not in said and "Panasonic" not in said and not re.search("think|thought|reason", said, re.I)
    if way == "only":
        assert found.writer == "quote" and found.citations
    else:
        assert found.writer == "llm" and verdicts(found) == ["supported", "supported"]


@pytest.mark.slow
def test_reasoning_is_hidden_while_streaming_as_soon_as_its_tag_is_read(engine: Engine, server: Server) -> None:
    for way in set(THINKING) - {"unopened", "nested"}:
        for state in stream(engine_for(engine, server, f"thinking-{way}"), SUPPLIERS):
            assert "is working" not in state.text or state.writer == "quote"


def test_reasoning_is_removed_wherever_the_stream_is_cut() -> None:
    for way, form in THINKING.items():
        text = form.format(thought="Hm, 5 < 6 [or so].", answer="It is 3 < 4 [2]. And [so] on.")
        for size in range(1, len(text) + 1):
            thoughts, said = ThoughtFilter(), ""
            for at in range(0, len(text), size):
                spoken = thoughts.feed(text[at : at + size])
                said = spoken.text if spoken.anew else said + spoken.text
            said += thoughts.end()
            assert said.strip() == ("" if way == "only" else "It is 3 < 4 [2]. And [so] on."), (way, size)


@pytest.mark.parametrize("text", ["a <b> c", "1 < 2 > 0", "[2]", "x <", "thinking [reasons] <a thought", "<|end|>"])
def test_text_that_only_resembles_reasoning_is_kept(text: str) -> None:
    thoughts = ThoughtFilter()
    assert "".join(thoughts.feed(letter).text for letter in text) + thoughts.end() == text


# --- answers that break off -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("part", ["cut", "cut-number"])
def test_the_last_sentence_of_a_truncated_answer_is_dropped(engine: Engine, server: Server, part: str) -> None:
    found = ask(engine, server, part)
    assert verdicts(found) == ["supported"] and found.text.endswith("batteries. [1]")


@pytest.mark.slow
def test_a_truncated_answer_keeps_its_last_sentence_if_it_has_a_citation(engine: Engine, server: Server) -> None:
    assert verdicts(ask(engine, server, "cut-cited")) == ["supported", "supported"]


@pytest.mark.slow
def test_a_sentence_without_an_end_is_marked(engine: Engine, server: Server) -> None:
    found = ask(engine, server, "unfinished", JOBS)
    assert "supported" not in verdicts(found)
    cutter = Cutter()
    assert [one.closed for one in (*cutter.feed("It rains. It pou"), *cutter.end())] == [True, False]


def test_invisible_characters_are_removed_before_the_check() -> None:
    cutter = Cutter()
    assert [one.text for one in (*cutter.feed("Tes\u200bla \u202esells\u202c \x1b[31mcells."), *cutter.end())] == [
        "Tesla sells [31mcells."
    ]


def test_words_in_round_brackets_are_a_marker_only_if_they_are_ids() -> None:
    cutter = Cutter()
    drafted = [*cutter.feed("It rains (often). It pours (passage 2). It ends (3)."), *cutter.end()]
    assert [(one.text, one.ids) for one in drafted] == [
        ("It rains (often).", ()),
        ("It pours.", ("2",)),
        ("It ends (3).", ()),
    ]


def test_a_line_of_tags_alone_is_no_sentence() -> None:
    for text in ("<br>\n\nIt rains. It pours.", "It rains.\n\n<br>\n\nIt pours.", "It rains. It pours.\n\n<br>"):
        cutter = Cutter()
        assert [one.text for one in (*cutter.feed(text), *cutter.end())] == ["It rains.", "It pours."]


# --- silence and floods -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("keep-alive", "sent nothing for 0.5 seconds"),
        ("empty-deltas", "sent nothing for 0.5 seconds"),
        ("drip", "did not end its answer within 5 seconds"),
        ("thinks-for-ever", "did not end its answer within 5 seconds"),
    ],
)
def test_keep_alives_and_reasoning_do_not_extend_the_time_out(server: Server, part: str, message: str) -> None:
    with pytest.raises(ModelServerError, match=message):
        complete(server, part, timeout=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["endless-line", "endless-thought", "endless-error"])
def test_an_endless_reply_is_stopped(server: Server, part: str) -> None:
    with pytest.raises(ModelServerError, match="sent more text than an answer can have"):
        complete(server, part, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["bomb", "bomb-error", "no-utf-8", "no-json", "no-choices"])
def test_an_invalid_reply_is_reported_in_a_sentence(server: Server, part: str) -> None:
    with pytest.raises(ModelServerError) as caught:
        complete(server, part)
    assert not re.search("Error|Traceback|codec|byte|Errno", str(caught.value)) and str(caught.value).endswith(".")


@pytest.mark.slow
def test_a_compression_bomb_is_not_unpacked(server: Server) -> None:
    code = (
        "import resource, sys; from rag.writer.llm import *; from rag.settings import Settings\n"
        "made = LanguageModel(Settings(llm_url=sys.argv[1], llm_model=sys.argv[2])); made.warm_up()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: list(made.complete([{'role': 'user', 'content': 'Why?'}]))\n"
        "except ModelServerError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000)"
    )
    for part in ("bomb", "bomb-error"):
        done = subprocess.run(
            [sys.executable, "-c", code, server.url, part], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.stdout == "True\n", done.stderr


@pytest.mark.slow
def test_an_overlong_chunk_is_cut_to_the_limit_of_an_answer(engine: Engine, server: Server) -> None:
    found = ask(engine, server, "one-huge-piece", llm_answer_tokens=16)
    assert found.writer == "quote" and sum(len(one.text) for one in found.checked) < 5_000


@pytest.mark.slow
def test_a_reply_without_text_is_empty_and_half_characters_are_replaced(server: Server) -> None:
    assert complete(server, "no-strings") == ""
    assert complete(server, "half-characters").encode() == "It rains ?. \x1b[31m\u202e".encode()


@pytest.mark.slow
def test_a_server_that_keeps_the_connection_open_delays_nothing(server: Server) -> None:
    assert complete(server, "never-closed", timeout=300) == "It rains on Sundays."


# --- where requests go ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(engine: Engine, server: Server, elsewhere: Server, status: int) -> None:
    server.elsewhere, elsewhere.requests = elsewhere.url, []
    found = ask(engine, server, f"redirect-{status}", llm_key=SecretStr(KEY))
    assert not elsewhere.requests and found.writer == "quote"
    assert f"redirects to another address ({status})" in found.notes[0] and "does not send" in found.notes[0]


@pytest.mark.slow
def test_a_local_server_is_reached_without_a_proxy_and_without_needless_headers(
    server: Server, elsewhere: Server
) -> None:
    elsewhere.requests, proxy = [], elsewhere.url.removesuffix("/v1")
    code = (
        "import sys; from rag.writer.llm import *; from rag.settings import Settings\n"
        "made = LanguageModel(Settings(llm_url=sys.argv[1], llm_model='refusing'))\n"
        "print(list(made.complete([{'role': 'user', 'content': 'Why?'}]))[-1].prompt)"
    )
    meant_for_another = {
        "OPENAI_CUSTOM_HEADERS": f"X-Secret: {KEY}\nAuthorization: Bearer {KEY}",
        "OPENAI_ORG_ID": KEY,
        "OPENAI_PROJECT_ID": KEY,
        "OPENAI_ADMIN_KEY": KEY,
    }
    proxies = {name: proxy for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY")}
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    done = subprocess.run(
        [sys.executable, "-c", code, server.url],
        cwd=ROOT,
        env={**environment, **proxies, **meant_for_another},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1000\n", done.stderr
    assert not elsewhere.requests
    assert not [name for name, value in server.headers.items() if KEY in value or name.startswith("x-")]
    assert server.headers["accept-encoding"] == "identity"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://localhost:1/v1", True), ("http://a.localhost/v1", True), ("http://127.9.0.1/v1", True),
        ("http://[::1]:1/v1", True), ("http://0.0.0.0:1/v1", True), ("http://192.168.1.2/v1", True),
        ("https://llm.example.org/v1", False), ("http://8.8.8.8/v1", False), ("http://localhost.example.org", False),
    ],
)  # fmt: skip
def test_local_servers_are_distinguished_from_remote_ones(url: str, near: bool) -> None:
    assert is_near(url) is near


@pytest.mark.slow
def test_stopping_works_while_the_server_is_silent(server: Server) -> None:
    stop = threading.Event()
    made = LanguageModel(Settings(llm_url=server.url, llm_model="keep-alive", llm_timeout=300))
    threading.Timer(0.5, stop.set).start()
    assert list(made.complete(QUESTION, stop)) == []
