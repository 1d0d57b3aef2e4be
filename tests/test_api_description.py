"""The page at /api: it lists every route of the description, and its commands run."""

from __future__ import annotations

import html
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.access.users import UserStore
from rag.access.visitor import Role
from rag.api.description import make_description_page
from rag.engine import Engine
from rag.settings import Settings
from tests.programs import ready_server
from tests.test_api import client_of

COMMAND = re.compile(r"<p><code>(curl .*?)</code></p>")
PASSWORD = "four plain words here"


def test_each_route_is_on_the_page_with_its_parameters_and_a_command(tmp_path: Path) -> None:
    client, _ = client_of(Engine(Settings(home=tmp_path)))
    described: dict[str, Any] = client.get("/api/openapi.json").json()
    page = client.get("/api")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    _, *sections = page.text.split("<h2>")
    routes = {html.unescape(re.findall("<code>(.*?)</code>", one)[0]): one for one in sections}
    assert routes.keys() == {f"{method.upper()} {path}" for path, of in described["paths"].items() for method in of}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            section = routes[f"{method.upper()} {path}"]
            assert html.escape(operation["summary"]) in section and COMMAND.search(section)
            names = {one["name"] for one in operation.get("parameters", [])}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = content["schema"]
                if "$ref" in schema:
                    schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                names |= schema["properties"].keys()
            rows = re.findall("<tr><td><code>(.*?)</code></td>", section)
            assert set(rows) == names and len(rows) == len(names), path
    assert "Required. " in routes["POST /api/ask"] and "list of string" in routes["POST /api/ask"]
    assert "file" in routes["POST /api/sources"] and "integer or null" in routes["GET /api/sources/{name}"]


def test_words_of_a_description_are_no_markup(tmp_path: Path) -> None:
    client, _ = client_of(Engine(Settings(home=tmp_path)))
    bad = "<b>&'"
    schema = {"type": "object", "properties": {bad: {"type": bad, "description": bad}}, "examples": [{bad: bad}]}
    operation = {"summary": bad, "requestBody": {"content": {"application/json": {"schema": schema}}}}
    described = {"info": {"description": bad}, "paths": {f"/{bad}": {"post": operation}}}
    client.app.add_api_route("/spoiled", make_description_page(described))  # type: ignore[attr-defined]
    text = client.get("/spoiled").text
    assert text.count("&lt;b&gt;&amp;") >= 7 and bad not in text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_run_and_the_page_needs_no_script(seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    (tmp_path / "notes.pdf").write_text("no PDF")
    with ready_server(home) as address, httpx.Client(base_url=address, trust_env=False) as client:
        page = client.get("/api")
        assert "<script" not in page.text and "default-src 'none'; style-src 'unsafe-inline'" in page.headers[
            "content-security-policy"
        ]  # fmt: skip
        assert client.get("/api", headers={"Host": "elsewhere.example"}).status_code == 421
        statuses = list[tuple[str, str]]()
        for command in map(html.unescape, COMMAND.findall(page.text)):
            words = [*shlex.split(command), "--noproxy", "*", "-o", "reply", "-w", "%{http_code}"]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
            statuses.append((next(one for one in words if "://" in one).removeprefix(address), done.stdout))
        # There is no source or run NAME, no page "..." and nothing to read in the file.
        failed = [("/api/runs/NAME", "404"), *[("/api/sources/NAME", "404")] * 2] + [("/api/sources", "400")] * 2
        assert sorted(one for one in statuses if one[1] != "200") == sorted(failed), statuses
        assert client.get("/api/openapi.json").status_code == 200

        UserStore(home).add("rita", PASSWORD, Role.READER, "test")
        shown = client.get("/api")
        assert shown.status_code == 303 and shown.headers["location"] == "login?next=api"
        inside = client.post("/login", data={"name": "rita", "password": PASSWORD, "next": "api"})
        assert inside.headers["location"] == "api" and client.get("/api").text == page.text
