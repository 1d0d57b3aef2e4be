"""The HTTP routes that search, read and change the sources."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from rag.access.visitor import visitor_of
from rag.api.addresses import FILES_PATH
from rag.api.bodies import PageBody, SearchBody, SourceName, make_choice
from rag.api.failures import FAILURES, BadBody, needs_models
from rag.api.replies import ChangeReply, RemovalReply, SourcesReply, ToolPassages, ToolText, listed_sources
from rag.api.service import AnswerService
from rag.api.tools import find_passages, read_text
from rag.choice import UnknownSource
from rag.source_changes import SourceChanges
from rag.sources import list_sources
from rag.uploads import Uploads

_SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "application/json": {"schema": PageBody.model_json_schema()},
        },
    }
}
"""What the description says of a body that is a form or JSON."""
_NO_ROOM: dict[int | str, dict[str, Any]] = {
    status: {**FAILURES[400], "description": words}
    for status, words in (
        (411, "The request does not state its length."),
        (413, "A file is too large, or there is no room for all."),
        (507, "The disk is full, or refuses the files."),
    )
}


def add_source_routes(router: APIRouter, service: AnswerService, files: Uploads, changing: SourceChanges) -> None:
    """Add the routes to a router; `files` stores uploads, `changing` changes the sources."""
    engine = service.engine

    @router.get(FILES_PATH, response_model=SourcesReply, responses={503: FAILURES[503]}, summary="List the sources")
    def sources() -> SourcesReply:
        needs_models(engine)
        return listed_sources(engine)

    @router.post(
        FILES_PATH,
        response_model=ChangeReply,
        responses={**FAILURES, **_NO_ROOM},
        openapi_extra=_SENT,
        summary="Add files, or a web page",
    )
    async def add(request: Request) -> ChangeReply:
        needs_models(engine)
        by = visitor_of(request).name
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            try:
                url = PageBody.model_validate_json(await request.body()).url
            except ValidationError as error:
                raise BadBody('Send files as multipart/form-data, or {"url": a web address} as JSON.') from error
            report = await run_in_threadpool(changing.add_page, url, by)
            return ChangeReply.of_page(url, report)
        sent = await files.receive(request, secrets.token_hex(16))
        try:
            if not sent:
                raise BadBody('There are no files in the form. Name their field "files".')
            report, outcomes = await run_in_threadpool(changing.add_files, sent, by)
        finally:
            await run_in_threadpool(files.discard, sent)
        if all(one.state == "failed" for one in outcomes):
            raise BadBody("; ".join(f"{one.name}: {one.why}" for one in outcomes))
        return ChangeReply.of_files(outcomes, report)

    @router.get(
        FILES_PATH + "/{name:path}", response_model=ToolText, responses=FAILURES, summary="Read the text of a source"
    )
    def read(name: SourceName, start: Annotated[int, Query(ge=0)] = 0, end: int | None = None) -> ToolText:
        needs_models(engine)
        return read_text(engine, name, start, end)

    @router.delete(
        FILES_PATH + "/{name:path}", response_model=RemovalReply, responses=FAILURES, summary="Remove a source"
    )
    def remove(name: SourceName, request: Request) -> RemovalReply:
        needs_models(engine)
        if name not in {one.source for one in list_sources(engine)}:
            raise UnknownSource(f"There is no source {name!r}.")
        report, _ = changing.remove([name], visitor_of(request).name)
        return RemovalReply(removed=name, generation=report.generation)

    @router.post("/api/search", response_model=ToolPassages, responses=FAILURES, summary="Find the nearest passages")
    def search(body: SearchBody) -> ToolPassages:
        needs_models(engine)
        choice = make_choice(body.sources, body.as_of, body.since)
        return find_passages(engine, service.check(body.query), choice, body.limit)
