"""The gate on a real server: allowed host names, requests by other sites, open paths of Gradio, headers."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, Route

from benchmarks.served import free_port, run_app, served
from rag.engine import Engine
from rag.hosts import host_names, is_loopback, split_authority
from rag.settings import Settings
from rag.ui.chat import _Outbox
from rag.ui.gate import NeededOnly
from rag.ui.server import make_server
from tests.conftest import Run

pytestmark = pytest.mark.slow

FOREIGN = "http://elsewhere.example"
DOCUMENTS = {"/", "/article", "/report", "/login", "/account", "/users", "/api"}
OPEN = {
    *("/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt", "/assets/x", "/static/x"),
    *("/gradio_api/app_id", "/gradio_api/queue/data", "/gradio_api/heartbeat/x"),
    "/gradio_api/queue/join",
}
"""The paths of Gradio that the page requests; all others are closed."""


@pytest.fixture(scope="module")
def home(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("gate") / "home"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with served(home, home.parent / "serve.log", FOOTNOTE_ALLOWED_HOSTS="Notes.example, fe80::7") as address:
        yield address


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return an application like the served one, to read its routes."""
    return make_server(Engine(Settings(home=tmp_path_factory.mktemp("routes"))))


def gradio_of(app: FastAPI) -> FastAPI:
    """Return Gradio's application without the filter of paths."""
    (mounted,) = (route.app for route in app.routes if isinstance(route, Mount))
    assert isinstance(mounted, NeededOnly)
    return mounted._app  # type: ignore[return-value]


def test_pages_opened_long_ago_take_no_memory(app: FastAPI) -> None:
    states = gradio_of(app).state_holder  # type: ignore[attr-defined]
    for number in range(310):
        states[f"page{number}"].is_closed = True
    assert len(states.session_data) == 300 and "page309" in states and "page9" not in states
    outbox = _Outbox()
    for number in range(310):
        assert outbox.put(f"page{number}", "turn", "<p>").count("data-parcel") == 1
    assert outbox.put("page309", "other", "<p>").count("data-parcel") == 2
    assert outbox.put("page9", "other", "<p>").count("data-parcel") == 1


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, path) of every route, with parameters filled in."""
    found = {
        (method, re.sub(r"\{.*?\}", "x", route.path))
        for route in (*walk(app.routes), *walk(gradio_of(app).routes))
        for method in route.methods or ()
    }
    assert len(found) > 60
    return sorted(found)


def walk(those: Iterable[BaseRoute]) -> Iterator[Route]:
    """Yield every route, also those of included routers."""
    for route in those:
        if isinstance(route, Route):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from walk(included.routes)


def get_statuses(address: str, targets: list[tuple[str, str]], headers: dict[str, str]) -> dict[tuple[str, str], int]:
    """Return the status of each request, without reading the (maybe endless) reply."""
    statuses = {}
    with httpx.Client(base_url=address, timeout=60) as http:
        for method, path in targets:
            with http.stream(method, path, headers=headers) as reply:
                statuses[method, path] = reply.status_code
    return statuses


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "localhost@x", "127.0.0.2", ""])
def test_no_route_answers_under_a_foreign_host_name(address: str, app: FastAPI, host: str) -> None:
    targets = routes(app) if host == "elsewhere.example" else [("GET", "/"), ("POST", "/gradio_api/upload")]
    assert set(get_statuses(address, targets, {"Host": host}).values()) == {421}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "[0:0::1]:9", "notes.example", "[fe80::7]"]
)
def test_each_allowed_host_name_is_answered(address: str, host: str) -> None:
    assert httpx.get(f"{address}/health", headers={"Host": host}).status_code == 200


def test_a_request_with_two_host_headers_is_refused(address: str) -> None:
    server, port = address.removeprefix("http://").split(":")
    with socket.create_connection((server, int(port))) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n")
        assert line.recv(4096).split()[1] in (b"421", b"400")


BY_OTHERS = [
    {"Origin": FOREIGN},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
]


@pytest.mark.parametrize("headers", BY_OTHERS)
def test_no_route_answers_a_request_of_another_site(address: str, app: FastAPI, headers: dict[str, str]) -> None:
    targets = routes(app) if headers in BY_OTHERS[::3] else [("GET", "/"), ("POST", "/gradio_api/upload")]
    assert set(get_statuses(address, targets, headers).values()) == {403}


def test_a_link_on_another_site_opens_documents_only(address: str, app: FastAPI) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    statuses = get_statuses(address, routes(app), link)
    assert {path for (method, path), status in statuses.items() if status != 403} == DOCUMENTS
    assert {method for (method, _), status in statuses.items() if status != 403} == {"GET", "HEAD"}


def test_the_page_and_programs_are_answered(address: str) -> None:
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    for headers in (own, {}, {"Origin": "https://notes.example", "Host": "notes.example"}):
        reply = httpx.post(f"{address}/feedback", headers={"Content-Type": "application/json", **headers}, content="x")
        assert reply.status_code == 422
    # A form of another site can send this type without a preflight request.
    assert httpx.post(f"{address}/feedback", headers={"Content-Type": "text/plain"}, content="{}").status_code == 415


def test_gradio_is_open_only_as_far_as_the_page_needs(address: str, app: FastAPI) -> None:
    theirs = [(method, path) for method, path in routes(app) if (method, path) not in own_routes(app)]
    statuses = get_statuses(address, theirs, {})
    assert {path for (_, path), status in statuses.items() if status != 404} | {"/assets/x", "/static/x"} == OPEN
    upload = httpx.post(f"{address}/gradio_api/run/ask", json={"data": ["Who?", "", "quote", ""]})
    assert upload.status_code == 404
    (secret := Path(__file__)).resolve(strict=True)
    for path in (f"/gradio_api/file={secret}", f"/gradio_api/file/{secret}", f"/gradio_api/file%3D{secret}"):
        assert httpx.get(f"{address}{path}").status_code == 404


def own_routes(app: FastAPI) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"\{.*?\}", "x", route.path)) for route in walk(app.routes) for method in route.methods or ()
    }


def test_every_reply_has_the_security_headers(address: str, app: FastAPI) -> None:
    with httpx.Client(base_url=address, timeout=60) as http:
        for method, path in [*routes(app), ("GET", "/nowhere"), ("GET", "/article?source=nowhere")]:
            with http.stream(method, path) as reply:
                policy = reply.headers["content-security-policy"]
                assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy, path
                assert reply.headers["x-frame-options"] == "DENY", path
                assert reply.headers["x-content-type-options"] == "nosniff", path
                assert reply.headers["referrer-policy"] == "same-origin", path
                assert "access-control-allow-origin" not in reply.headers, path
        refused = http.get("/", headers={"Host": "elsewhere.example"})
        assert refused.headers["x-frame-options"] == "DENY" and "FOOTNOTE_ALLOWED_HOSTS" in refused.text


def test_a_script_in_the_document_needs_its_nonce(address: str) -> None:
    first, second = (httpx.get(address, headers={"Accept-Encoding": "gzip, br"}) for _ in range(2))
    policy = first.headers["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([\w-]+)'", policy)
    assert "script-src 'self'" in policy and "unsafe-inline" not in policy.partition("style-src")[0]
    assert first.text.count("<script") == first.text.count(f'<script nonce="{nonce}"') > 3
    assert nonce not in second.text
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and cookie != second.headers["set-cookie"]


def test_a_server_for_other_machines_requires_the_no_login_flag(run: Run, home: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "notes.example"):
        refused = run("serve", "--host", host, home=home)
        assert refused.returncode == 2 and refused.stdout == "" and "--no-login" in refused.stderr
    assert run("serve", home=home, FOOTNOTE_HOST="0.0.0.0").returncode == 2


def test_with_no_login_the_server_warns_and_answers_only_to_its_addresses(home: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    process = run_app(home, "serve", "--host", "0.0.0.0", "--no-login", "--port", str(port), log=log)
    try:
        health = f"http://127.0.0.2:{port}/health"
        reply = wait_for(health, process)
        assert reply.status_code == 200
        assert httpx.get(health, headers={"Host": "127.0.0.3"}).status_code == 421
        assert httpx.get(health, headers={"Host": "elsewhere.example"}).status_code == 421
        assert "WARNING: the page has no login" in log.read_text()
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    while process.poll() is None:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            continue
    raise AssertionError("the server did not start")


def test_host_names_in_requests_and_settings_have_one_spelling() -> None:
    assert split_authority("Notes.Example.:80", 1) == ("notes.example", 80)
    assert split_authority("[0:0:0::1]", 7860) == ("::1", 7860)
    for nonsense in ("", "a b", "[x]", "[1::2::3]", "a:b", "a:123456", "me@host", "host/path", "a,b"):
        assert split_authority(nonsense, 80) == ("", 0)
    assert host_names("A.example, ::1 ,[fe80::0:1],") == ["a.example", "::1", "fe80::1"]
    for wrong in ("*", "a.example:80", "http://a.example", "[::1]:80"):
        with pytest.raises(ValueError, match="is no host name, or has a port"):
            host_names(wrong)
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "")))


def test_an_invalid_host_name_in_the_settings_is_reported(run: Run, home: Path) -> None:
    refused = run("settings", home=home, FOOTNOTE_ALLOWED_HOSTS="*.example")
    assert refused.returncode == 1 and "FOOTNOTE_ALLOWED_HOSTS" in refused.stderr


@pytest.mark.parametrize("path", ["/feedback", "/gradio_api/queue/join", "/conversations/abcdefgh/turns"])
def test_a_body_without_a_length_or_over_the_limit_is_refused(address: str, path: str) -> None:
    with httpx.Client(base_url=address) as client:
        assert client.post(path, content=bytes(5_000_001)).status_code == 413
        assert client.post(path, content=iter([b"{}"])).status_code == 411
