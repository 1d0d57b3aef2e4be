"""The HTTP routes with which the page's script reads and changes stored conversations."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from index.errors import FootnoteError
from rag.access.visitor import visitor_of
from rag.conversation.store import Conversation, ConversationStore, Turn
from rag.ui import export, html
from rag.ui.gate import NOT_FRAMED

_LARGEST_BODY = 5_000_000
"""Bytes of a request; the largest one imports a whole conversation."""
_MOST_TURNS = 500
_LONGEST_WORDS = 100_000
_FORMS = {
    "markdown": ("md", "text/markdown; charset=utf-8", export.conversation_markdown),
    "json": ("json", "application/json", export.conversation_json),
    "html": ("html", "text/html; charset=utf-8", export.conversation_html),
}
_EXPORT_HEADERS = {"Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; {NOT_FRAMED}"}


class BadRequest(FootnoteError):
    """A request that the page's script never sends."""


def make_conversation_router(home: Path) -> APIRouter:
    """Return the routes below /conversations; an error is {"problem": one sentence}."""
    router = APIRouter(prefix="/conversations")

    def own(request: Request) -> ConversationStore:
        return ConversationStore(home, visitor_of(request).name)

    of_visitor = Depends(own)

    @router.get("", response_model=None)
    def summaries(search: str = "", store: ConversationStore = of_visitor) -> JSONResponse:
        return _reply(lambda: {"conversations": [vars(one) for one in store.summaries(search[:200])]})

    @router.get("/{id_}", response_model=None)
    def conversation(id_: str, store: ConversationStore = of_visitor) -> JSONResponse:
        return _reply(lambda: _shown(store.get(id_)))

    @router.get("/{id_}/export", response_model=None)
    def download(
        id_: str, form: Literal["markdown", "json", "html"] = "markdown", store: ConversationStore = of_visitor
    ) -> Response:
        suffix, media_type, render = _FORMS[form]
        try:
            found = store.get(id_)
        except FootnoteError as error:
            return JSONResponse({"problem": str(error)}, 404)
        name = f"conversation.{suffix}; filename*=UTF-8''{quote(found.title[:80], safe='')}.{suffix}"
        headers = {"Content-Disposition": f"attachment; filename={name}", **_EXPORT_HEADERS}
        return Response(render(found).encode("utf-8", "replace"), 200, headers, media_type)

    @router.get("/receipts/{turn}", response_model=None)
    def receipt(turn: str, store: ConversationStore = of_visitor) -> Response:
        try:
            made = json.dumps(store.answer(turn).to_json(), ensure_ascii=False, indent=1)
        except FootnoteError as error:
            return JSONResponse({"problem": str(error)}, 404)
        headers = {"Content-Disposition": "attachment; filename=receipt.json", **_EXPORT_HEADERS}
        return Response(made.encode("utf-8", "replace"), 200, headers, "application/json")

    @router.patch("/{id_}", response_model=None)
    async def change(id_: str, request: Request, store: ConversationStore = of_visitor) -> JSONResponse:
        def step(value: dict[str, Any]) -> None:
            left_out = value.get("left_out")
            names = None if left_out is None else [str(name) for name in left_out]
            title = None if value.get("title") is None else str(value["title"])
            starred = None if value.get("starred") is None else bool(value["starred"])
            store.change(id_, title=title, starred=starred, left_out=names)

        return await _changed(request, step)

    @router.patch("/{id_}/turns/{turn}", response_model=None)
    async def star(id_: str, turn: str, request: Request, store: ConversationStore = of_visitor) -> JSONResponse:
        return await _changed(request, lambda value: store.star_turn(id_, turn, bool(value["starred"])))

    @router.post("/{id_}/restore", response_model=None)
    async def restore(id_: str, request: Request, store: ConversationStore = of_visitor) -> JSONResponse:
        return await _changed(request, lambda _: store.restore(id_))

    @router.post("/import", response_model=None)
    async def take_over(request: Request, store: ConversationStore = of_visitor) -> JSONResponse:
        return await _changed(request, lambda value: _import(store, value["turns"]))

    @router.delete("/{id_}", response_model=None)
    def delete(id_: str, store: ConversationStore = of_visitor) -> JSONResponse:
        return _reply(lambda: store.delete(id_))

    @router.delete("", response_model=None)
    def delete_all(store: ConversationStore = of_visitor) -> JSONResponse:
        return _reply(lambda: {"deleted": store.delete_all()})

    return router


def _shown(conversation: Conversation) -> dict[str, Any]:
    turns = [{"id": turn.id, "starred": turn.starred, "markup": _markup(turn)} for turn in conversation.turns]
    return {**vars(conversation), "left_out": list(conversation.left_out), "turns": turns}


def _markup(turn: Turn) -> str:
    return (
        html.turn(turn.id, turn.answer, starred=turn.starred)
        if turn.answer
        else html.stored_turn(turn.id, turn.question, turn.text)
    )


def _import(store: ConversationStore, turns: Any) -> dict[str, Any]:
    """Store the text of a conversation that only the browser has kept."""
    if not isinstance(turns, list) or not 0 < len(turns) <= _MOST_TURNS:
        raise BadRequest(f"Only a conversation of 1 to {_MOST_TURNS} turns can be imported. Nothing was stored.")
    words = [(str(one["question"])[:_LONGEST_WORDS], str(one["text"])[:_LONGEST_WORDS]) for one in turns]
    id_ = uuid.uuid4().hex
    for question, text in words:
        store.add_words(id_, uuid.uuid4().hex, _storable(question), _storable(text))
    return {"id": id_}


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


async def _changed(request: Request, step: Any) -> JSONResponse:
    """Run a step with the JSON object of a request; reject a body that the page's script would not send."""
    # subtle: before another site may send this content type, the browser sends a preflight request, which fails.
    if request.headers.get("content-type") != "application/json":
        return JSONResponse({"problem": "Send changes as application/json."}, 415)
    body = await request.body()
    try:
        value = json.loads(body) if len(body) <= _LARGEST_BODY else None
        if not isinstance(value, dict):
            raise TypeError("no object")
        return await run_in_threadpool(_reply, lambda: step(value))
    except (ValueError, TypeError, KeyError, RecursionError):
        return JSONResponse({"problem": "This change can't be read. Load the page again and repeat it."}, 422)


def _reply(step: Any) -> JSONResponse:
    try:
        return JSONResponse(step() or {})
    except FootnoteError as error:
        return JSONResponse({"problem": str(error)}, 404)
