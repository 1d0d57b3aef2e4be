"""Errors of the HTTP interfaces: each is a status, a message and the id of its request, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from index.errors import BrokenIndexError, FootnoteError, HomeReadOnly, VectorServerError
from index.home import explained
from rag.answer import BadQuestion
from rag.api.connection import ClientGone
from rag.api.replies import ErrorReply
from rag.choice import UnknownSource
from rag.conversation.store import NoConversation
from rag.engine import Engine
from rag.evaluation.questions import BadQuestionSet
from rag.evaluation.run import BadRun
from rag.evaluation_runs import EvaluationBusy, UnknownSet
from rag.plain import plain_message
from rag.printable import one_line
from rag.queue import QueueFull
from rag.source_changes import BadAddress
from rag.uploads import UploadRefused

_LOG = logging.getLogger("footnote")
_RETRY_AFTER = "5"
"""Seconds after which a client may try again."""


class BadBody(FootnoteError):
    """A request that has the right form, and asks for something that Footnote can't do."""


class UnknownModel(FootnoteError):
    """A language model that this server does not have."""


class UnknownRun(FootnoteError):
    """An evaluation run that does not exist."""


class NotReady(FootnoteError):
    """A server whose models are still loading."""


_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (BadQuestion, 400),
    (BadBody, 400),
    (BadAddress, 400),
    (BadQuestionSet, 400),
    (UnknownSource, 404),
    (NoConversation, 404),
    (UnknownModel, 404),
    (UnknownSet, 404),
    (UnknownRun, 404),
    (EvaluationBusy, 409),
    (BadRun, 409),
    (ClientGone, 499),
    (QueueFull, 429),
    (NotReady, 503),
    (HomeReadOnly, 503),
    (BrokenIndexError, 503),
    (VectorServerError, 503),
)


def needs_models(engine: Engine) -> None:
    """Raise NotReady while the models are loading or the first index is being built."""
    # A language model may still load after that; a question waits for it in the queue.
    if not engine.warm.is_set() and engine.state != "ready":
        raise NotReady(f"{engine.status()[0]}. Ask again in a moment.")


def status_and_message(error: Exception, home: Path) -> tuple[int, str]:
    """Return the HTTP status of an error, and a message without paths of this machine."""
    if isinstance(error, RequestValidationError):
        return 400, _bad_body(error)
    if isinstance(error, HTTPException):
        return error.status_code, f"{error.detail}."
    if isinstance(error, UploadRefused):
        return error.status, str(error)
    if not isinstance(error, FootnoteError):
        return 500, "Something went wrong. Try again; the log has the details under the id of this request."
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return status, plain_message(explained(error, home) if status >= 500 else error, home)


def _bad_body(error: RequestValidationError) -> str:
    """Return the first thing that is wrong with a body, without repeating the body."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    if first["type"] == "json_invalid" or not place:
        return "The body is no JSON object. Send one, with the header Content-Type: application/json."
    return f"The value of {place} can't be used: {first['msg'].removeprefix('Value error, ')}."


FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorReply, "description": "The question can't be asked, or the body has the wrong form."},
    404: {"model": ErrorReply, "description": "A source or the conversation does not exist."},
    429: {"model": ErrorReply, "description": "The queue is full. Retry-After says when to try again."},
    503: {"model": ErrorReply, "description": "The models are loading, or there is no usable index."},
}


class ApiRoute(APIRoute):
    """A route that replies to errors with JSON.

    The reply to an error is {"error": message, "id": id of the request}.
    """

    home: ClassVar[Path]

    @classmethod
    def error_body(cls, status: int, message: str, request_id: str) -> dict[str, Any]:
        """Return the JSON of an error."""
        return {"error": message, "id": request_id}

    @classmethod
    def explain(cls, error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
        """Log an error, and return its status and its JSON."""
        status, message = status_and_message(error, cls.home)
        request_id, path = request.state.id, request.url.path
        expected = isinstance(error, FootnoteError | RequestValidationError | HTTPException)
        _LOG.log(
            logging.INFO if isinstance(error, ClientGone) else logging.WARNING,
            "request %s: %s: %d %s",
            request_id,
            path,
            status,
            one_line(message),
            exc_info=None if expected else error,
        )
        return status, cls.error_body(status, message, request_id)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler inside one that replies to errors."""
        handle: Callable[[Request], Awaitable[Response]] = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                response = await handle(request)
            except Exception as error:
                status, body = self.explain(error, request)
                response = JSONResponse(body, status)
                if status in (429, 503):
                    response.headers["Retry-After"] = _RETRY_AFTER
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return answered
