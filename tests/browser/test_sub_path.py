"""The page behind a proxy with TLS that serves it below a path: questions, articles, uploads, cookies and the API."""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from benchmarks.served import ask, opened, served
from index.sources.roots import register_roots
from rag.settings import SEEDS
from tests.reverse_proxy import HAS_OPENSSL, behind_tls

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not HAS_OPENSSL, reason="a certificate is made with openssl"),
]

ROOT_PATH = "/docs/footnote"
JOBS = "How many jobs will the TDK deal create?"
_PATIENCE = 300_000
"""Milliseconds; long, for a busy machine."""


@dataclass(frozen=True)
class Site:
    """A server behind the proxy: its address there and without it, the requests outside the path, a client."""

    address: str
    direct: str
    outside: list[str]
    http: httpx.Client


@pytest.fixture(scope="module", params=["strips", "keeps"])
def site(
    request: pytest.FixtureRequest, seeds_home: Path, tmp_path_factory: pytest.TempPathFactory, chromium: str
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    home = Path(shutil.copytree(seeds_home, folder / "home"))
    register_roots(home, [SEEDS])
    with (
        served(home, folder / "serve.log", FOOTNOTE_ROOT_PATH=ROOT_PATH, FOOTNOTE_PROXIES="127.0.0.1") as direct,
        behind_tls(direct, ROOT_PATH, folder, strips=request.param == "strips") as (address, outside),
        httpx.Client(
            verify=ssl.create_default_context(cafile=str(folder / "certificate.pem")), timeout=120, trust_env=False
        ) as http,
    ):
        yield Site(address, direct, outside, http)


def test_a_visitor_asks_reads_the_article_and_adds_a_file(site: Site, browser: Browser, tmp_path: Path) -> None:
    # The address without a slash at its end leads to the page too.
    with opened(browser, site.address, ignore_https_errors=True) as page:
        assert page.url.startswith(f"{site.address}/")
        expect(page.locator(".fn-state-ready")).to_be_visible(timeout=_PATIENCE)
        ask(page, JOBS)
        turn = page.locator(".fn-turn.fn-answered")
        expect(turn.locator(".fn-answer")).to_contain_text("1,000", timeout=_PATIENCE)
        with page.expect_popup() as popup:
            page.locator(".fn-card a.fn-open").first.click()
        article = popup.value
        expect(article.locator("#quote").first).to_contain_text("1,000 jobs")
        assert article.url.startswith(f"{site.address}/article?")
        article.close()

        note = tmp_path / "otters.txt"
        note.write_text("The otters of the river Alm are counted by Dr. Quillfeather in March.\n" * 2)
        page.get_by_role("link", name="Sources", exact=True).click()
        page.locator("#fn-add input[type=file], #fn-sources input[type=file]").first.set_input_files([note])
        expect(page.locator("#fn-syncing")).to_contain_text("otters.txt: added", timeout=_PATIENCE)

        cookies = [one for one in page.context.cookies() if one["name"].startswith("footnote")]
        assert [(one["path"], one["secure"]) for one in cookies] == [(f"{ROOT_PATH}/", True)]

        page.reload()
        page.locator("#fn-conversations, #fn-rail").get_by_text(JOBS).first.click()
        expect(page.locator(".fn-turn .fn-answer").first).to_contain_text("1,000", timeout=_PATIENCE)
    # Chromium looks for an icon there by itself.
    assert set(site.outside) <= {"/favicon.ico"}


def test_programs_ask_and_stream_and_get_the_public_address(site: Site) -> None:
    answer = site.http.post(f"{site.address}/api/ask", json={"question": JOBS}).json()
    assert "1,000" in answer["answer"]
    with site.http.stream("POST", f"{site.address}/api/ask", json={"question": JOBS, "stream": True}) as stream:
        events = [json.loads(line.removeprefix("data:")) for line in stream.iter_lines() if line.startswith("data:")]
    assert events[-1]["done"] and events[-1]["answer"] == answer["answer"]
    body = {"model": "footnote", "messages": [{"role": "user", "content": JOBS}]}
    message = site.http.post(f"{site.address}/v1/chat/completions", json=body).json()["choices"][0]["message"]
    url = message["annotations"][0]["url_citation"]["url"]
    assert url.startswith(f"{site.address}/article?")
    assert site.http.get(url).status_code == 200
    for path in ("api/openapi.json", "api/sources", "metrics", "conversations", "health"):
        assert site.http.get(f"{site.address}/{path}").status_code == 200, path


def test_the_path_counts_once_and_opens_nothing_more(site: Site) -> None:
    for path in ("/gradio_api/info", f"{ROOT_PATH}/gradio_api/info", f"{ROOT_PATH}{ROOT_PATH}/article.css"):
        assert httpx.get(f"{site.direct}{path}").status_code == 404, path
    assert httpx.get(f"{site.direct}{ROOT_PATH}x/health").status_code == 404
    foreign = {"Origin": "https://other.example"}
    assert httpx.get(f"{site.direct}{ROOT_PATH}/api/sources", headers=foreign).status_code == 403
    moved = httpx.get(f"{site.direct}{ROOT_PATH}?q=a%20b")
    assert (moved.status_code, moved.headers["location"]) == (307, f"{ROOT_PATH}/?q=a%20b")
