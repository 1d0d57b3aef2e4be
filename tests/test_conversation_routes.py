"""Stored conversations over HTTP, through a real server on loopback, and as exported files."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from benchmarks.served import chromium, find_chromium, free_port
from index.text.published import Published
from rag.cite import Citation, CitedSentence
from rag.conversation.store import ConversationStore
from rag.types import Answer, Passage
from rag.ui.conversations import make_conversation_router
from rag.ui.details import details
from rag.ui.export import conversation_html, conversation_markdown

TEXT = "The mill was built in 1823 by <b>Ada Lo</b>."
PUBLISHED = Published("2024-09", "text")
ANSWER = Answer(
    "Who built {{the mill}}?",
    "Ada Lo [1]",
    False,
    0.9,
    (CitedSentence("Ada Lo", (1,), words=True), CitedSentence(f"“{TEXT}”", (1,))),
    (Citation(1, "id", "mill.txt", "On mills", PUBLISHED, "History", None, 0, len(TEXT), TEXT, ((33, 39),)),),
    (Passage(1, "id", "mill.txt", "On mills", PUBLISHED, "History", 0, len(TEXT), TEXT, 0.9, True),),
)


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    made = ConversationStore(tmp_path)
    made.add("conversation1", "turn1", ANSWER)
    return made


@pytest.fixture
def client(store: ConversationStore, tmp_path: Path) -> Iterator[httpx.Client]:
    app = FastAPI()
    app.include_router(make_conversation_router(tmp_path))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as made:
        yield made
    server.should_exit = True
    thread.join()


def test_a_conversation_can_be_listed_searched_opened_changed_and_deleted(client: httpx.Client) -> None:
    (listed,) = client.get("/conversations").json()["conversations"]
    assert (listed["id"], listed["title"], listed["turns"]) == ("conversation1", "Who built {{the mill}}?", 1)
    assert client.get("/conversations", params={"search": "nobody"}).json() == {"conversations": []}
    changes = {"title": "Mills", "starred": True, "left_out": ["b.txt"]}
    assert client.patch("/conversations/conversation1", json=changes).status_code == 200
    assert client.patch("/conversations/conversation1/turns/turn1", json={"starred": True}).status_code == 200
    found = client.get("/conversations/conversation1").json()
    assert {name: found[name] for name in changes} == changes
    assert found["turns"][0]["starred"] and 'id="turn-turn1"' in found["turns"][0]["markup"]
    assert "{{" not in found["turns"][0]["markup"] and "<b>" not in found["turns"][0]["markup"]
    assert client.delete("/conversations/conversation1").status_code == 200
    gone = client.get("/conversations/conversation1")
    assert gone.status_code == 404 and "not there any more" in gone.json()["problem"]
    assert client.post("/conversations/conversation1/restore", json={}).status_code == 200
    assert client.get("/conversations/conversation1").status_code == 200
    assert client.delete("/conversations").json() == {"deleted": 1}
    assert client.get("/conversations").json() == {"conversations": []}


def test_turns_stored_in_a_browser_are_imported_as_escaped_text(client: httpx.Client) -> None:
    turns = [{"question": "Who?", "text": "Ada <script>x</script>"}, {"question": "When?", "text": "In 1823."}]
    id_ = client.post("/conversations/import", json={"turns": turns}).json()["id"]
    found = client.get(f"/conversations/{id_}").json()
    assert found["title"] == "Who?" and len(found["turns"]) == 2
    assert "<script>" not in found["turns"][0]["markup"] and "In 1823" in found["turns"][1]["markup"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"turns": []}', "application/json", 404),
        (b'{"turns": [{"question": "Who?"}]}', "application/json", 422),
        (b'{"turns": ' + b"[" * 100_000, "application/json", 422),
        (json.dumps({"turns": "x" * 6_000_000}).encode(), "application/json", 422),
    ],
)
def test_bad_changes_are_refused_in_one_sentence(client: httpx.Client, body: bytes, kind: str, status: int) -> None:
    reply = client.post("/conversations/import", content=body, headers={"content-type": kind})
    assert reply.status_code == status and reply.json()["problem"]
    assert len(client.get("/conversations").json()["conversations"]) == 1


def test_a_conversation_can_be_downloaded_in_three_formats(client: httpx.Client) -> None:
    for form, suffix in (("markdown", "md"), ("json", "json"), ("html", "html")):
        reply = client.get("/conversations/conversation1/export", params={"form": form})
        assert reply.status_code == 200 and f"conversation.{suffix}" in reply.headers["content-disposition"]
    whole = client.get("/conversations/conversation1/export", params={"form": "json"}).json()
    assert Answer.from_json(whole["turns"][0]["answer"]) == ANSWER
    assert client.get("/conversations/conversation1/export", params={"form": "exe"}).status_code == 422


def test_a_receipt_can_be_saved_and_the_details_name_the_search_and_the_models(client: httpx.Client) -> None:
    reply = client.get("/conversations/receipts/turn1")
    assert reply.status_code == 200 and "receipt.json" in reply.headers["content-disposition"]
    assert Answer.from_json(reply.json()) == ANSWER
    gone = client.get("/conversations/receipts/turn2")
    assert gone.status_code == 404 and "not saved" in gone.json()["problem"]
    made = replace(ANSWER, searched="Who built <it>?", made_by={"reader": "f" * 64, "generation": "g1"})
    shown = details("turn1", made)
    assert "<it>" not in shown
    for words in ("Searched for", ", History: 0.90, quoted", f"reader {'f' * 12}<", "g1"):
        assert words in shown
    assert "conversations/receipts/turn1" in shown and "receipts" not in details("turn1", ANSWER)


def test_markdown_has_every_answer_with_its_quotes(store: ConversationStore) -> None:
    text = conversation_markdown(store.get("conversation1"))
    assert text.startswith("# Who built {{the mill}}?") and "On mills (mill.txt, 2024-09" in text


@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_the_html_file_opens_from_disk_and_its_markers_link_to_the_quotes(
    store: ConversationStore, tmp_path: Path
) -> None:
    path = tmp_path / "conversation.html"
    path.write_text(conversation_html(store.get("conversation1")), "utf-8")
    with chromium() as browser:
        context = browser.new_context(offline=True)
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.locator("h2").inner_text() == "Who built {{the mill}}?"
        page.locator(".fn-marker").first.click()
        target = page.locator(":target")
        assert target.locator("mark").inner_text() == TEXT and target.locator("mark strong").inner_text() == "Ada Lo"
        assert page.locator("script").count() == 0
        context.close()
