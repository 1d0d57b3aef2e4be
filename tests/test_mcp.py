"""The tools for MCP clients, over standard input and output and over HTTP, with MCP's own client."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from rag.provenance import program_version
from tests.conftest import ROOT
from tests.programs import FERRY, JOBS, PLACES, RAIL, make_home, ready_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("mcp"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with ready_server(home) as address:
        yield address


Result = TypeVar("Result")


@asynccontextmanager
async def session_over_http(address: str) -> AsyncIterator[ClientSession]:
    async with (
        streamable_http_client(f"{address}/mcp") as (received, sent, _),
        ClientSession(received, sent) as session,
    ):
        await session.initialize()
        yield session


@asynccontextmanager
async def session_of(home: Path, *before: str) -> AsyncIterator[ClientSession]:
    words = [*before, sys.executable, "app.py", "mcp", "--home", str(home)]
    server = StdioServerParameters(command=words[0], args=words[1:], cwd=ROOT, env=dict(os.environ))
    async with stdio_client(server) as (received, sent), ClientSession(received, sent) as session:
        await session.initialize()
        yield session


Story = Callable[[ClientSession], Coroutine[Any, Any, Result]]


def in_session(opened: AbstractAsyncContextManager[ClientSession], story: Story[Result]) -> Result:
    async def run() -> Result:
        async with opened as session:
            return await story(session)

    return asyncio.run(run())


@pytest.fixture(params=["stdio", "http"])
def opened(request: pytest.FixtureRequest, home: Path, address: str) -> AbstractAsyncContextManager[ClientSession]:
    """Return the same tools over each transport."""
    return session_of(home) if request.param == "stdio" else session_over_http(address)


async def call(session: ClientSession, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await session.call_tool(tool, arguments)
    assert not result.isError, result.content
    assert result.structuredContent is not None
    return result.structuredContent


def test_the_tools_answer_with_typed_results(opened: AbstractAsyncContextManager[ClientSession]) -> None:
    async def story(session: ClientSession) -> None:
        tools = {one.name: one for one in (await session.list_tools()).tools}
        assert tools.keys() == {"ask", "search", "list_sources", "read_source"}
        for one in tools.values():
            assert one.description and one.outputSchema and one.annotations and one.annotations.readOnlyHint
        answers = await asyncio.gather(*(call(session, "ask", question=one) for one in (JOBS, FERRY, RAIL)))
        assert ["1,000" in answers[0]["answer"], "Heron" in answers[1]["answer"]] == [True, True]
        cited = answers[0]["citations"][0]
        place = {"source": cited["source"], "start": cited["start"], "end": cited["end"]}
        read = await call(session, "read_source", **place)
        assert read["text"] == cited["quote"] and (read["start"], read["end"]) == (cited["start"], cited["end"])
        whole = await call(session, "read_source", source="rail.md")
        assert whole["text"] == PLACES["rail.md"] and whole["length"] == len(PLACES["rail.md"])
        found = await call(session, "search", query="ferry to Lundy", limit=2)
        assert found["passages"][0]["source"] == "ferry.md" and len(found["passages"]) == 2
        only = await call(session, "search", query="ferry to Lundy", sources=["*.txt"])
        assert only["passages"] and all(one["source"].endswith(".txt") for one in only["passages"])
        assert len((await call(session, "list_sources"))["sources"]) == 4
        assert (await call(session, "ask", question="Who supplies Tesla's cells?"))["refused"]

    in_session(opened, story)


def test_an_error_is_a_result_of_the_tool(opened: AbstractAsyncContextManager[ClientSession]) -> None:
    async def story(session: ClientSession) -> None:
        for tool, arguments, words in (
            ("ask", {"question": " "}, "The question is empty"),
            ("ask", {"question": JOBS, "sources": ["ferri.md"]}, "There is no source called"),
            ("ask", {"question": JOBS, "as_of": "soon"}, "expected a date"),
            ("search", {"query": JOBS, "limit": 51}, "limit"),
            ("search", {"query": JOBS, "sources": ["ferry.md"], "as_of": "x"}, "expected a date"),
            ("read_source", {"source": "../../etc/passwd"}, "There is no source called"),
            ("read_source", {"source": "rail.md", "start": 9999}, "outside the text"),
            ("read_source", {"source": "rail.md", "start": 9, "end": 3}, "outside the text"),
            ("nothing", {}, "nothing"),
        ):
            result = await session.call_tool(tool, arguments)
            said = " ".join(getattr(one, "text", "") for one in result.content)
            assert result.isError and words in said and "Traceback" not in said, said

    in_session(opened, story)


def test_the_tools_build_a_missing_index_and_print_nothing_but_the_protocol(tmp_path: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": JOBS}}},
    ]
    command = [sys.executable, "app.py", "mcp", "--home", str(tmp_path / "home")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        for message in (*messages, "no JSON"):
            process.stdin.write(f"{json.dumps(message)}\n")
        process.stdin.flush()
        lines = list[str]()
        while not any('"id":2' in line for line in lines) and (line := process.stdout.readline()):
            lines.append(line)
        process.stdin.close()
        rest, trouble = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0 and "1,000" in lines[-1]
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in [*lines, *rest.splitlines()])
    assert "Traceback" not in trouble


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "unshare -rn true"], capture_output=True, check=False).returncode != 0,
    reason="a process without a network needs `unshare -rn` (Linux, user namespaces)",
)
def test_the_tools_start_with_the_network_cut(home: Path) -> None:
    async def story(session: ClientSession) -> str:
        return str((await call(session, "ask", question=FERRY))["answer"])

    assert "Heron Lines" in in_session(session_of(home, "unshare", "-rn"), story)


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def test_the_gate_stands_before_the_tools(address: str) -> None:
    with httpx.Client(base_url=address, headers=ACCEPT) as http:
        hello = http.post("/mcp", json=HELLO)
        assert hello.status_code == 200 and f'"version":"{program_version()}"' in hello.text
        assert "mcp-session-id" not in hello.headers and hello.headers["x-request-id"]
        for headers, status in (
            ({"Host": "elsewhere.example"}, 421),
            ({"Origin": "http://elsewhere.example"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
        ):
            assert http.post("/mcp", json=HELLO, headers=headers).status_code == status
        assert http.post("/mcp", content=iter([b"{}"])).status_code == 411
        assert http.post("/mcp", content=bytes(5_000_001)).status_code == 413


def test_a_request_that_is_no_message_of_a_client_is_refused(address: str) -> None:
    with httpx.Client(base_url=address, headers=ACCEPT) as http:
        for method in ("GET", "DELETE", "PUT"):
            reply = http.request(method, "/mcp")
            assert reply.status_code == 405 and reply.headers["allow"] == "POST"
        for content in (b"", b"{", b"[]", b'{"jsonrpc": "2.0"}'):
            reply = http.post("/mcp", content=content, headers={"Content-Type": "application/json"})
            assert reply.status_code == 400 and "Traceback" not in reply.text
        plain = http.post("/mcp", content=b"{}", headers={"Content-Type": "text/plain"})
        assert 400 <= plain.status_code < 500
        assert http.get("/health").status_code == 200
