"""A visitor of the page without a browser: sends cookies, uploads and events, honest and hostile."""

from __future__ import annotations

import json
import secrets
from typing import Any

import gradio as gr
import httpx
from fastapi import Request

from rag.access.visitor import EVERYBODY, Role, set_visitor
from rag.access.visitor import Visitor as User


class Visitor:
    """A visitor who has opened the page at `address`."""

    def __init__(self, address: str, **cookies: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=300, cookies=cookies)
        self.http.get("/").raise_for_status()
        self.config: dict[str, Any] = self.http.get("/config").json()

    def upload(self, *files: tuple[str, bytes]) -> httpx.Response:
        """Upload files as the page does."""
        return self.http.post("/gradio_api/upload", files=[("files", file) for file in files])

    def event(self, elem_id: str) -> dict[str, Any]:
        """Return the event that takes the value of the component `elem_id`."""
        (component,) = (one["id"] for one in self.config["components"] if one["props"].get("elem_id") == elem_id)
        found: dict[str, Any] = next(one for one in self.config["dependencies"] if component in one["inputs"])
        return found

    def call(self, event: dict[str, Any], data: list[Any], session: str = "") -> dict[str, Any]:
        """Call an event as the page does, in this `session` of the page, or a new one.

        Returns its final message, with its last outputs under "last".
        """
        session = session or secrets.token_hex(6)
        body = {"fn_index": event["id"], "session_hash": session, "data": data}
        self.http.post("/gradio_api/queue/join", json=body).raise_for_status()
        last: dict[str, Any] = {}
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_generating":
                    last = message
                if message.get("msg") == "process_completed":
                    return {**message, "last": last.get("output", message["output"])}
        raise AssertionError("the event did not end")


def file_value(path: str) -> dict[str, Any]:
    """Return a file as the page sends it to an event."""
    return {"path": path, "orig_name": "notes.txt", "meta": {"_type": "gradio.FileData"}}


def page_request(name: str = "") -> gr.Request:
    """Return the request of an event, caused by an admin; "" for a page without users."""
    scope: dict[str, Any] = {"type": "http", "headers": [], "query_string": b""}
    set_visitor(scope, User(name, Role.ADMIN) if name else EVERYBODY)
    return gr.Request(request=Request(scope))
