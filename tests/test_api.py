"""The interfaces for programs, on a real server: HTTP, OpenAI's client, MCP's client, metrics, and who may ask."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import openai
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openai.types.chat import ChatCompletionMessageParam

from benchmarks.scripted import serving
from benchmarks.served import served
from rag.api.bodies import ChatMessage
from rag.api.chat_completions import AnswersGiven, completion_text, continued, url_citations
from rag.api.replies import AnswerReply, SourcesReply
from rag.api.request_log import RequestLog
from rag.api.routes import make_api_router
from rag.api.service import AnswerService
from rag.choice import Choice
from rag.cite import Citation, CitedSentence
from rag.engine import Engine
from rag.evaluation_runs import EvaluationRuns
from rag.removed import Removed
from rag.settings import SEEDS, Settings
from rag.source_changes import SourceChanges
from rag.types import Answer
from rag.ui.report import write_report
from rag.uploads import Uploads
from tests.conftest import ROOT
from tests.programs import FERRY, JOBS, RAIL, make_home, ready_server, until_ready
from tests.visitor import Visitor

CEO = "and who is its CEO?"
GM = "000_fee8f80bb4d154f2.txt"
ROUTES = [
    *(("GET", path) for path in ("/api/sources", "/api/openapi.json", "/metrics", "/v1/models")),
    *(("POST", path) for path in ("/api/ask", "/api/sources", "/api/search", "/v1/chat/completions")),
    *((method, "/api/sources/{name}") for method in ("GET", "DELETE")),
    *(("POST", "/api/evaluate"), ("GET", "/api/runs"), ("GET", "/api/runs/{name}")),
]


# --- without a server -------------------------------------------------------------------------------------------------


def client_of(engine: Engine) -> tuple[TestClient, AnswerService]:
    service = AnswerService(engine)
    app = FastAPI()
    app.add_middleware(RequestLog)
    removed = Removed(engine)
    files = Uploads(engine.home, engine.settings, removed)
    runs = EvaluationRuns(engine, service.queue, write_report)
    app.include_router(make_api_router(service, files, SourceChanges(engine, removed), runs))
    return TestClient(app, raise_server_exceptions=False), service


def test_while_the_models_load_a_program_is_told_to_come_back(tmp_path: Path) -> None:
    client, _ = client_of(Engine(Settings(home=tmp_path)))
    chat = {"model": "footnote", "messages": [{"role": "user", "content": JOBS}]}
    replies = [client.post("/api/ask", json={"question": JOBS}), client.get("/api/sources")]
    for reply in (*replies, client.post("/v1/chat/completions", json=chat)):
        assert reply.status_code == 503 and int(reply.headers["retry-after"]) > 0
        assert reply.json()["id"] == reply.headers["x-request-id"]
    assert client.get("/v1/models").status_code == 200
    assert "footnote_ready 0\n" in client.get("/metrics").text


def test_without_an_index_the_reply_names_no_folder_and_a_failure_is_counted(tmp_path: Path) -> None:
    engine = Engine(Settings(home=tmp_path / "secret-folder"))
    engine.warm.set()
    client, _ = client_of(engine)
    reply = client.post("/api/ask", json={"question": JOBS})
    assert reply.status_code == 503 and "There is no index" in reply.json()["error"]
    assert "secret-folder" not in reply.text
    metrics = client.get("/metrics").text
    assert 'footnote_questions_total{outcome="failed"} 1\n' in metrics and "footnote_index_sources" not in metrics


def test_a_defect_is_logged_under_the_id_of_its_request_and_shown_without_a_traceback(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    broken = copy(engine)
    broken.parts = lambda: 1 / 0  # type: ignore[assignment, return-value]
    client, _ = client_of(broken)
    reply = client.post("/api/ask", json={"question": JOBS})
    assert reply.status_code == 500 and "Traceback" not in reply.text and "division" not in reply.text
    defect, request = [one for one in caplog.records if reply.json()["id"] in one.getMessage()]
    assert defect.exc_info and "POST /api/ask: 500, failed" in request.getMessage() and JOBS not in caplog.text
    streamed = client.post("/api/ask", json={"question": JOBS, "stream": True})
    assert streamed.status_code == 500


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"question": " ?! "}, 400, "The question is empty"),
        ({"question": "why " * 400}, 400, "the limit is 500"),
        ({"question": "a" * 100_001}, 400, "at most 100000 characters"),
        ({"question": "\ud800"}, 400, "question"),
        ({}, 400, "question can't be used: Field required"),
        ({"question": JOBS, "sourcs": ["a"]}, 400, "sourcs"),
        ({"question": JOBS, "sources": ["a" * 1001]}, 400, "sources.0"),
        ({"question": JOBS, "as_of": "soon"}, 400, "expected a date such as 2024-12-31"),
        ({"question": JOBS, "conversation": "../../etc"}, 400, "conversation"),
        ({"question": JOBS, "conversation": "abcdefgh12"}, 404, "conversation is not there"),
        ({"question": JOBS, "sources": ["002_892b.txt"]}, 404, "002_892b5bec6cb22725.txt"),
        ([], 400, "no JSON object"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_the_reason(
    engine: Engine, body: Any, status: int, words: str
) -> None:
    client, service = client_of(engine)
    for stream in ({}, {"stream": True}):
        sent = json.dumps(body | stream if isinstance(body, dict) else body)
        reply = client.post("/api/ask", content=sent, headers={"Content-Type": "application/json"})
        assert reply.status_code == status and words in reply.json()["error"] and "Value error" not in reply.text
        assert reply.json()["id"] == reply.headers["x-request-id"]
    assert service.queue.length == 0 and 'outcome="failed"} 0' in client.get("/metrics").text


@pytest.mark.parametrize("sent", ["{", "", "[" * 100_000, "null", '"x"', b"\xff", '{"question": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(engine: Engine, sent: str | bytes) -> None:
    client, _ = client_of(engine)
    for path in ("/api/ask", "/v1/chat/completions"):
        reply = client.post(path, content=sent, headers={"Content-Type": "application/json"})
        assert reply.status_code == 400 and "Traceback" not in reply.text and reply.json()["error"]


QUOTED = Answer(
    "Who built it?",
    "Ada Lo [1]\n\n“Ada Lo [1] built it [2].” [1] [2]",
    False,
    sentences=(CitedSentence("Ada Lo", (1,), words=True), CitedSentence("“Ada Lo [1] built it [2].”", (1, 2))),
    citations=tuple(Citation(n, "id", "a b&c.txt", "Mill", None, "", None, 5 * n, 9, "x", ()) for n in (1, 2)),
    notes=("The sources differ here.",),
)


def test_annotations_stand_at_the_markers_and_not_at_those_inside_a_quote() -> None:
    text, offset = completion_text(QUOTED), 7
    made = [one["url_citation"] for one in url_citations(QUOTED, "http://h/", offset)]
    assert [text[one["start_index"] - offset : one["end_index"] - offset] for one in made] == ["[1]", "[1]", "[2]"]
    assert [one["start_index"] - offset for one in made] == [7, 39, 43]
    assert parse_qs(urlsplit(made[0]["url"]).query)["source"] == ["a b&c.txt"]
    assert text.endswith("Note: The sources differ here.") and "\n[2] Mill (a b&c.txt, characters 10 to 9)" in text


def test_a_conversation_sent_as_text_is_recognised_by_its_answers() -> None:
    given = AnswersGiven()
    given.keep(completion_text(QUOTED), QUOTED)
    said = [("system", "Be brief."), ("user", "Who built it?"), ("assistant", completion_text(QUOTED) + "\n")]
    messages = [ChatMessage(role=role, content=words) for role, words in said]
    assert given.thread(messages).turns == (QUOTED,)
    lost = AnswersGiven().thread(messages).turns
    assert [(one.question, one.citations) for one in lost] == [("Who built it?", ())]
    for n in range(600):
        given.keep(f"answer {n}", QUOTED)
    assert given.thread(messages).turns == lost


def test_a_stream_says_that_words_already_sent_no_longer_count() -> None:
    assert continued("", "Ada Lo [1]") == continued("Ada Lo", "Ada Lo [1]") == "Ada Lo [1]"
    whole = continued("Bo built it.", "Ada Lo [1]")
    assert whole.startswith("Bo built it.\n\nThe answer above was withdrawn.") and whole.endswith("\n\nAda Lo [1]")


# --- a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with ready_server(home, FOOTNOTE_WORKERS="1", FOOTNOTE_MAX_WAITING="4") as address:
        yield address


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
        yield client


@pytest.fixture
def chat(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=120)


def outcomes(http: httpx.Client) -> dict[str, int]:
    return {
        name: int(n) for name, n in re.findall(r'questions_total\{outcome="(\w+)"\} (\d+)', http.get("/metrics").text)
    }


@pytest.mark.slow
def test_an_answer_over_http_is_the_documented_json(http: httpx.Client) -> None:
    reply = http.post("/api/ask", json={"question": JOBS})
    value = reply.json()
    assert reply.status_code == 200 and value["schema"] == 1 and value["answer"].startswith("1,000 [1]")
    assert AnswerReply.model_validate(value).model_dump(by_alias=True, exclude_unset=True) == value
    text = (SEEDS / value["citations"][0]["source"]).read_text("utf-8")
    assert all(text[one["start"] : one["end"]] == one["quote"] for one in value["citations"])
    assert value["conversation"] is None and value["id"] == reply.headers["x-request-id"]
    refused = http.post("/api/ask", json={"question": "Who supplies Tesla's cells?"}).json()
    assert refused["refused"] and refused["refusal"]["missing"] == ["Tesla"]


@pytest.mark.slow
def test_sources_dates_and_spelling_are_options(http: httpx.Client) -> None:
    def ask(**options: Any) -> dict[str, Any]:
        reply = http.post("/api/ask", json={"question": JOBS, **options})
        assert reply.status_code == 200
        value: dict[str, Any] = reply.json()
        return value

    assert ask(sources=["002_*"])["asked"]["sources"] == ["002_892b5bec6cb22725.txt"]
    assert GM not in ask(as_of="2024-08")["asked"]["sources"]
    assert ask(since="2024-10")["asked"]["dates"].startswith("1 published before")
    misspelt = "How many jobs will the TDK partnershp create?"
    assert ask(question=misspelt)["searched"] == misspelt.replace("shp", "ship")
    assert ask(question=misspelt, as_typed=True)["searched"] == misspelt
    assert ask(sources=[GM], as_of="2001")["refusal"]["kind"] == "nothing_chosen"


@pytest.mark.slow
@pytest.mark.parametrize(("first", "chief"), [(FERRY, "Ada Quill"), (RAIL, "Ben Marsh")])
def test_a_follow_up_uses_its_conversation(http: httpx.Client, chat: openai.OpenAI, first: str, chief: str) -> None:
    begun = http.post("/api/ask", json={"question": first, "conversation": "new"}).json()
    id_ = begun["conversation"]
    assert http.post("/api/ask", json={"question": CEO, "conversation": id_}).json()["answer"].startswith(chief)
    assert [turn["id"] for turn in http.get(f"/conversations/{id_}").json()["turns"]][1:]
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": first}]
    said = chat.chat.completions.create(model="footnote", messages=messages).choices[0].message.content
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": CEO}]
    found = chat.chat.completions.create(model="footnote", messages=messages).choices[0].message.content
    assert found and found.startswith(chief)
    messages[1] = {"role": "assistant", "content": "An answer of another server."}
    assert chief in (chat.chat.completions.create(model="footnote", messages=messages).choices[0].message.content or "")


@pytest.mark.slow
def test_a_conversation_leaves_out_the_sources_that_the_page_left_out(http: httpx.Client) -> None:
    id_ = http.post("/api/ask", json={"question": FERRY, "conversation": "new"}).json()["conversation"]
    http.patch(f"/conversations/{id_}", json={"left_out": ["rail.md"]}).raise_for_status()
    without = http.post("/api/ask", json={"question": RAIL, "conversation": id_}).json()
    assert "rail.md" not in without["asked"]["sources"] and "Otter" not in without["answer"]
    named = http.post("/api/ask", json={"question": RAIL, "conversation": id_, "sources": ["rail.md"]}).json()
    assert "Otter Rail" in named["answer"]


def events(http: httpx.Client, body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    with http.stream("POST", "/api/ask", json=body) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream") and reply.headers["x-request-id"]
        blocks = "".join(reply.iter_text()).strip().split("\n\n")
    named = [re.fullmatch(r"event: (\w+)\ndata: (.*)", block) for block in blocks]
    return [(one[1], json.loads(one[2])) for one in named if one]


@pytest.mark.slow
def test_a_stream_ends_with_the_answer(http: httpx.Client) -> None:
    ((name, value),) = events(http, {"question": JOBS, "stream": True})
    whole = http.post("/api/ask", json={"question": JOBS}).json()
    assert name == "answer" and value.pop("done") and value["answer"] == whole["answer"]
    assert value.keys() == whole.keys()


@pytest.mark.slow
def test_a_language_model_is_streamed_as_it_writes(home: Path, tmp_path: Path) -> None:
    env = {"FOOTNOTE_WRITER": "llm", "FOOTNOTE_LLM_MODEL": "perfect"}
    with serving() as model, served(home, tmp_path / "log", FOOTNOTE_LLM_URL=model.url, **env) as address:
        until_ready(address)
        with httpx.Client(base_url=address, timeout=120) as http:
            states = [value for _, value in events(http, {"question": "who supplies GM's cells?", "stream": True})]
        assert [one["done"] for one in states[-2:]] == [False, True] and states[-1]["writer"] == "llm"
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none")
        question: ChatCompletionMessageParam = {"role": "user", "content": "who supplies GM's cells?"}
        chunks = list(
            client.chat.completions.create(
                model="footnote", messages=[question], stream=True, stream_options={"include_usage": True}
            )
        )
        text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
        assert text.startswith(states[-1]["answer"]) and "withdrawn" not in text and "\nSources:\n[1] " in text
        assert chunks[-1].usage and chunks[-1].usage.prompt_tokens == 1000


@pytest.mark.slow
def test_openais_client_gets_markers_sources_and_annotations(http: httpx.Client, chat: openai.OpenAI) -> None:
    assert [one.id for one in chat.models.list()] == ["footnote"]
    question: ChatCompletionMessageParam = {"role": "user", "content": [{"type": "text", "text": JOBS}]}
    whole = chat.chat.completions.create(model="footnote", messages=[question], temperature=0.5)
    message = whole.choices[0].message
    assert whole.usage and whole.usage.total_tokens == 0 and whole.choices[0].finish_reason == "stop"
    assert message.content and message.content.startswith("1,000 [1]") and "[1] GM's US-Made" in message.content
    assert message.annotations
    for one in message.annotations:
        cited: Any = one.url_citation
        assert message.content[cited.start_index : cited.end_index] == f"[{cited.number}]"
        assert (SEEDS / cited.source).read_text("utf-8")[cited.start : cited.end] == cited.quote
        page = http.get(cited.url)
        assert page.status_code == 200 and "<mark" in page.text
    chunks = list(chat.chat.completions.create(model="footnote", messages=[question], stream=True))
    assert "".join(one.choices[0].delta.content or "" for one in chunks) == message.content
    assert [one.choices[0].finish_reason for one in chunks][-1] == "stop"
    (sent,) = [one.choices[0].delta for one in chunks if hasattr(one.choices[0].delta, "annotations")]
    assert len(getattr(sent, "annotations")) == len(message.annotations)  # noqa: B009


@pytest.mark.slow
def test_errors_have_the_form_that_openais_client_reads(chat: openai.OpenAI) -> None:
    user: ChatCompletionMessageParam = {"role": "user", "content": JOBS}
    with pytest.raises(openai.NotFoundError, match="The only one is 'footnote'") as unknown:
        chat.chat.completions.create(model="gpt-9", messages=[user])
    assert unknown.value.request_id and unknown.value.type == "invalid_request_error"
    picture: Any = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x.example/"}}]}
    for messages, words in (
        ([{"role": "system", "content": "x"}], "no message of the user"),
        ([], "messages can't be used"),
        ([picture], "text only"),
        ([{"role": "user", "content": ""}], "The question is empty"),
        ([{"role": "user", "content": "a" * 100_001}], "at most 100000 characters"),
    ):
        with pytest.raises(openai.BadRequestError, match=words):
            chat.chat.completions.create(model="footnote", messages=messages)  # type: ignore[arg-type]


@pytest.mark.slow
def test_questions_at_once_are_all_answered_until_the_queue_is_full(http: httpx.Client) -> None:
    before = outcomes(http)
    questions = [FERRY, RAIL, JOBS, FERRY, RAIL]
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda question: http.post("/api/ask", json={"question": question}), questions))
        assert [one.status_code for one in replies] == [200] * 5
        assert ["Heron" in one.json()["answer"] for one in replies] == [True, False, False, True, False]
        crowd = list(pool.map(lambda _: http.post("/api/ask", json={"question": JOBS}), range(20)))
    full = [one for one in crowd if one.status_code != 200]
    assert full and {one.status_code for one in full} == {429}
    assert all(int(one.headers["retry-after"]) > 0 and one.json()["error"].startswith("Busy: ") for one in full)
    after = outcomes(http)
    assert after["answered"] - before["answered"] == 25 - len(full) and after["failed"] == before["failed"]
    assert "footnote_queue_length 0\n" in http.get("/metrics").text


@pytest.mark.slow
def test_the_page_and_programs_share_a_queue_and_its_metrics(address: str, http: httpx.Client) -> None:
    before = outcomes(http)
    visitor = Visitor(address)
    with ThreadPoolExecutor(8) as pool:
        crowd = [pool.submit(http.post, "/api/ask", json={"question": JOBS}) for _ in range(4)]
        time.sleep(0.2)
        shown = visitor.call(visitor.event("fn-question"), [FERRY, "turn1", "quote", "", ""])
        assert [one.result().status_code for one in crowd] == [200] * 4
    assert "Heron Lines" in json.dumps(shown["last"])
    assert outcomes(http)["answered"] - before["answered"] == 5


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_the_question_of_a_client_that_leaves_is_not_answered(address: str, http: httpx.Client, stream: bool) -> None:
    server, port = address.removeprefix("http://").split(":")
    body = json.dumps({"question": FERRY, "stream": stream}).encode()
    head = f"POST /api/ask HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"

    def unanswered() -> int:
        """Ask three questions that are waited for and two that are not; return how many of the five are dropped."""
        before = outcomes(http)
        with ThreadPoolExecutor(3) as pool:
            stay = [pool.submit(http.post, "/api/ask", json={"question": JOBS}) for _ in range(3)]
            for _ in range(2):
                with socket.create_connection((server, int(port))) as line:
                    line.sendall(f"{head}\r\n\r\n".encode() + body)
                    time.sleep(0.1)
            assert [one.result().status_code for one in stay] == [200] * 3
        while "footnote_queue_length 0\n" not in http.get("/metrics").text:
            time.sleep(0.1)
        after = outcomes(http)
        assert after["failed"] == before["failed"]
        return 5 - (after["answered"] - before["answered"])

    # A fast machine may answer before it looks whether the client is there: a round may drop nothing, not every one.
    assert any(unanswered() > 0 for _ in range(20))


@pytest.mark.slow
def test_metrics_are_lines_that_prometheus_reads(http: httpx.Client) -> None:
    http.post("/api/ask", json={"question": JOBS})
    reply = http.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = reply.text.splitlines()
    sample = re.compile(r'(footnote_[a-z_]+)(\{[a-z]+="[^"\\\n]+"\})? \d+(\.\d+)?(e-?\d+)?')
    typed: set[str] = set()
    for line in lines:
        if line.startswith("#"):
            typed |= {line.split()[2]} if line.startswith("# TYPE") else set()
        else:
            match = sample.fullmatch(line)
            assert match and re.sub("_(sum|count)$", "", match[1]) in typed, line
    assert "footnote_index_sources 4" in lines and "footnote_ready 1" in lines
    assert any(line.startswith('footnote_stage_seconds_sum{stage="read"}') for line in lines)


@pytest.mark.slow
def test_the_description_names_every_route_and_its_errors(http: httpx.Client) -> None:
    described = http.get("/api/openapi.json").json()
    named = {(method.upper(), path) for path, of in described["paths"].items() for method in of}
    assert named == set(ROUTES) - {("GET", "/api/openapi.json")}
    assert described["openapi"].startswith("3.") and "422" not in json.dumps(described)
    asked = described["paths"]["/api/ask"]["post"]["responses"]
    assert {"200", "400", "404", "429", "503"} == asked.keys() and "text/event-stream" in asked["200"]["content"]
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert references <= described["components"]["schemas"].keys()
    listed = http.get("/api/sources").json()
    assert SourcesReply.model_validate(listed).model_dump() == listed and len(listed["sources"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "elsewhere.example"}, 421),
        ({"Host": "127.0.0.1.elsewhere.example"}, 421),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403),
    ],
)
def test_no_route_answers_other_hosts_and_other_sites(http: httpx.Client, headers: dict[str, str], status: int) -> None:
    before = outcomes(http)
    bodies = {
        "/api/ask": {"question": JOBS},
        "/v1/chat/completions": {"model": "footnote", "messages": [{"role": "user", "content": JOBS}]},
    }
    for method, path in ROUTES:
        reply = http.request(method, path, json=bodies.get(path), headers=headers)
        assert reply.status_code == status, path
        assert reply.headers["x-request-id"] and "access-control-allow-origin" not in reply.headers
    assert outcomes(http) == before


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST"])
def test_an_oversized_body_and_another_content_type_are_refused(http: httpx.Client, path: str) -> None:
    assert http.post(path, content=bytes(5_000_001)).status_code == 413
    assert http.post(path, content=iter([b"{}"])).status_code == 411
    # A form of another site can send this type without asking first.
    plain = http.post(path, content=json.dumps({"question": JOBS}), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 400


# --- the documentation ------------------------------------------------------------------------------------------------


def json_values(text: str) -> list[Any]:
    """Return the JSON values that follow each other in a text."""
    values, at = [], 0
    while at < len(text.rstrip()):
        value, at = json.JSONDecoder().raw_decode(text, at)
        values.append(value)
    return values


@pytest.mark.slow
def test_every_example_of_the_documentation_runs(address: str, home: Path) -> None:
    page = (ROOT / "docs/api.md").read_text("utf-8")
    assert len(page.split()) <= 750
    shell = "\n".join(line[4:] for line in re.findall(r"^ {4}.+$", page.partition("```")[0], re.M))
    examples = [
        ["sh", "-c", shell],
        *([sys.executable, "-c", one] for one in re.findall(r"```python\n(.+?)```", page, re.S)),
    ]
    assert len(examples) == 3
    for *command, code in examples:
        here = code.replace("http://127.0.0.1:7860", address).replace(".venv/bin/python", sys.executable)
        here = here.replace('"mcp"]', f'"mcp", "--home", "{home}"]')
        done = subprocess.run([*command, here], cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "1,000 [1]" in done.stdout
        if command[0] == "sh":
            added, read, removed = json_values(done.stdout)[-3:]
            assert added["sources"] == [{"name": "README.md", "source": "README.md", "state": "added", "why": ""}]
            assert read["text"] == "Footnote" and removed["removed"] == "README.md"


def test_a_choice_keeps_the_dates_of_a_request() -> None:
    from rag.api.bodies import make_choice

    assert make_choice([], None, None, ("a",)) == Choice(left_out=frozenset(("a",)))
    assert make_choice(["b"], None, None, ("a",)) == Choice(only=("b",))
    dated = make_choice([], "2024-12", "2024")
    assert (dated.as_of and dated.as_of.when, dated.since and dated.since.when) == ("2024-12", "2024")
    with pytest.raises(ValueError, match="expected a date"):
        make_choice([], "soon", None)
