"""The HTTP routes for programs: questions, sources, metrics, and the description of them all."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from rag.access.visitor import visitor_of
from rag.api.bodies import NEW, AskBody, make_choice
from rag.api.chat_completions import add_openai_routes
from rag.api.connection import States, asker, first_answer, last_answer, server_event, while_connected
from rag.api.description import make_description_page
from rag.api.evaluation_routes import add_evaluation_routes
from rag.api.failures import FAILURES, ApiRoute, needs_models
from rag.api.metrics import METRICS_TYPE, metrics_text
from rag.api.replies import AnswerReply
from rag.api.service import AnswerService, AskedQuestion, stored_memory
from rag.api.source_routes import add_source_routes
from rag.conversation.store import ConversationStore
from rag.evaluation_runs import EvaluationRuns
from rag.provenance import program_version
from rag.source_changes import SourceChanges
from rag.types import Answer
from rag.uploads import Uploads

_ABOUT = "Answers from a folder of sources, with citations. A citation is a verbatim slice of its source."
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'The answer, or with "stream" events named "answer", of which the last has "done": true.',
        "content": {"text/event-stream": {}},
    }
}


def make_api_router(service: AnswerService, files: Uploads, changing: SourceChanges, runs: EvaluationRuns) -> APIRouter:
    """Return the routes below /api and /v1, and /metrics.

    `files` are uploads, `changing` changes the sources, `runs` runs question sets.
    """
    engine = service.engine

    class Route(ApiRoute):
        home = engine.home

    router = APIRouter(route_class=Route)

    @router.post("/api/ask", response_model=AnswerReply, responses={**FAILURES, **_EVENTS}, summary="Ask a question")
    async def ask(body: AskBody, request: Request) -> Response:
        needs_models(engine)
        store = ConversationStore(engine.home, visitor_of(request).name)
        id_, left_out = await run_in_threadpool(_conversation, store, body.conversation)
        asked = AskedQuestion(
            body.question,
            request.state.id,
            request.state.id,
            asker(request),
            choice=make_choice(body.sources, body.as_of, body.since, left_out),
            as_typed=body.as_typed,
            memory=stored_memory(store, id_, request.state.id) if id_ else None,
        )
        states = service.states(asked)
        if not body.stream:
            answer = await while_connected(request, last_answer(states))
            return JSONResponse({**answer.to_json(), "conversation": id_, "id": request.state.id})
        first = await while_connected(request, first_answer(states))
        return StreamingResponse(_events(first, states, id_, request), media_type="text/event-stream")

    async def _events(
        first: Answer, states: States, conversation: str | None, request: Request
    ) -> AsyncGenerator[bytes]:
        def event(answer: Answer) -> bytes:
            value = {**answer.to_json(), "conversation": conversation, "id": request.state.id}
            return server_event({**value, "done": not answer.is_draft}, "answer")

        async with aclosing(states):
            yield event(first)
            try:
                async for state in states:
                    if isinstance(state, Answer):
                        yield event(state)
            except Exception as error:
                yield server_event(Route.explain(error, request)[1], "error")

    @router.get("/metrics", response_class=PlainTextResponse, summary="Counts in the text format of Prometheus")
    def metrics() -> Response:
        return Response(metrics_text(engine, service.queue, service.metrics), media_type=METRICS_TYPE)

    add_source_routes(router, service, files, changing)
    add_evaluation_routes(router, engine, runs)
    add_openai_routes(router, service)
    description = _description(router)

    router.get("/api", include_in_schema=False)(make_description_page(description))

    @router.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(description)

    return router


def _conversation(store: ConversationStore, wanted: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the id of the conversation, None outside one, and the sources that it leaves out.

    Raises NoConversation if it does not exist.
    """
    if wanted is None:
        return None, ()
    return (uuid.uuid4().hex, ()) if wanted == NEW else (wanted, store.get(wanted).left_out)


def _description(router: APIRouter) -> dict[str, Any]:
    """Return the OpenAPI description of the routes."""
    made = get_openapi(title="Footnote", version=program_version(), description=_ABOUT, routes=router.routes)
    for path in made["paths"].values():
        for operation in path.values():
            # FastAPI lists its own status for a wrong body; here that is 400.
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
    return made
