"""The HTTP routes that run question sets and read the runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from rag.access.visitor import visitor_of
from rag.api.bodies import EvaluateBody
from rag.api.connection import ClientGone, server_event, while_connected
from rag.api.failures import FAILURES, ApiRoute, BadBody, UnknownRun, needs_models
from rag.api.replies import ErrorReply, EvaluationReply, ListedRunReply, RunReply, RunsReply
from rag.engine import Engine
from rag.evaluation.read import read_rows
from rag.evaluation.run import finished_runs, list_runs, read_summary, runs_folder
from rag.evaluation_runs import EvaluationOrder, EvaluationRuns, RunState, read_set

_TICK = 0.25
"""Seconds between two looks at the progress of a run."""
_SENT = "API"
"""The name of a question set whose rows are in a request."""
_NO_RUN: dict[int | str, dict[str, Any]] = {404: {"model": ErrorReply, "description": "The run does not exist."}}
_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'The run and its summary, or with "stream" events named "progress", then one named "done".',
        "content": {"text/event-stream": {}},
    },
    400: {"model": ErrorReply, "description": "No question can be asked, or the body has the wrong form."},
    404: {"model": ErrorReply, "description": "The question set does not exist."},
    409: {"model": ErrorReply, "description": "Another evaluation is running, from here or from the page."},
    503: FAILURES[503],
}
_RunStates = AsyncGenerator[RunState]


def add_evaluation_routes(router: APIRouter, engine: Engine, runs: EvaluationRuns) -> None:
    """Add the routes to a router."""

    class Route(ApiRoute):
        home = engine.home

    @router.post("/api/evaluate", response_model=EvaluationReply, responses=_REPLIES, summary="Run a question set")
    async def evaluate(body: EvaluateBody, request: Request) -> Response:
        needs_models(engine)
        by = visitor_of(request).name
        states = _states(runs, EvaluationOrder(*_questions(body), by, request.state.id, body.never_refuse))
        if not body.stream:
            last = await while_connected(request, _last_state(states))
            return JSONResponse(await run_in_threadpool(_reply, last))
        first = await while_connected(request, _first_state(states))
        return StreamingResponse(_events(first, states, request), media_type="text/event-stream")

    def _questions(body: EvaluateBody) -> tuple[str, partial[Any]]:
        """Return the label of the question set, and what reads it."""
        if (body.questions is None) == (body.set_ is None):
            raise BadBody('Send either "questions", the rows of a question set, or "set", its label.')
        if body.questions is None:
            label = body.set_ or ""
            return label, partial(read_set, engine, label)
        label = f"{len(body.questions):,} rows of a request"
        return label, partial(read_rows, body.questions, _SENT, engine.settings.max_question)

    def _reply(state: RunState) -> dict[str, Any]:
        problems, summary = [*map(str, state.problems)], read_summary(runs_folder(engine.home) / state.name)
        return EvaluationReply(run=state.name, summary=summary, problems=problems, notes=[*state.notes]).model_dump()

    async def _events(first: RunState, states: _RunStates, request: Request) -> AsyncGenerator[bytes]:
        async with aclosing(states):
            state = first
            try:
                yield _progress(state)
                async for state in states:
                    yield _progress(state)
                yield server_event(await run_in_threadpool(_reply, state), "done")
            except Exception as error:
                yield server_event(Route.explain(error, request)[1], "error")

    @router.get("/api/runs", response_model=RunsReply, summary="List the finished runs")
    def listed() -> RunsReply:
        return RunsReply(
            runs=[
                ListedRunReply(**{**vars(one), "finished": one.finished.astimezone()}) for one in list_runs(engine.home)
            ]
        )

    @router.get("/api/runs/{name}", response_model=RunReply, responses=_NO_RUN, summary="Read the measures of a run")
    def finished(name: str) -> RunReply:
        if name not in finished_runs(engine.home):
            raise UnknownRun(f"There is no finished run {name!r}. GET /api/runs lists them.")
        return RunReply(run=name, summary=read_summary(runs_folder(engine.home) / name))


async def _states(runs: EvaluationRuns, order: EvaluationOrder) -> _RunStates:
    """Run a question set in a thread; yield its latest state when it has changed, and the last one.

    Closing the generator stops the run.
    """
    latest: RunState | None = None

    def work() -> None:
        nonlocal latest
        for state in runs.run(order):
            latest = state

    working = asyncio.get_running_loop().run_in_executor(None, work)
    shown = None
    try:
        ended = False
        while not ended:
            await asyncio.wait([working], timeout=_TICK)
            ended = working.done()  # before the look, so that the last state is not missed
            if latest is not shown and latest and latest.stage != "reading":
                yield (shown := latest)
        await working
    finally:
        runs.stop(order)


async def _first_state(states: _RunStates) -> RunState:
    """Return the first state; leave `states` open unless there is an error."""
    async for state in states:
        return state
    raise ClientGone("The evaluation was stopped.")


async def _last_state(states: _RunStates) -> RunState:
    """Return the state of the complete run. Raises ClientGone if it was stopped."""
    async with aclosing(states):
        async for state in states:
            if state.stage == "done":
                return state
    raise ClientGone("The evaluation was stopped.")


def _progress(state: RunState) -> bytes:
    left = None if state.seconds_left is None else round(state.seconds_left, 1)
    return server_event({"done": state.done, "total": state.total, "seconds_left": left}, "progress")
