"""The id of each request, and a line in the log for each request of a program and each question of the page."""

from __future__ import annotations

import logging
import time
import uuid
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Literal

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.printable import one_line
from rag.types import Answer

REQUEST_ID = "X-Request-ID"
"""The header of a reply with the id of its request."""
_LOG = logging.getLogger("footnote.requests")
_LOG.setLevel(logging.INFO)
_PROGRAMS = ("/api", "/v1", "/mcp", "/metrics")
"""The first parts of the paths for programs."""
Outcome = Literal["answered", "refused", "failed", "stopped"]


@dataclass
class RequestRecord:
    """What the log says about a request or a question of the page."""

    id: str
    route: str
    status: int = 500
    outcome: Outcome | None = None
    question: str = ""
    began: float = field(default_factory=time.monotonic, repr=False)

    def count(self, answer: Answer) -> None:
        """Note whether the question was answered or refused."""
        self.outcome = "refused" if answer.refused else "answered"

    def log(self) -> None:
        """Write the line."""
        outcome = self.outcome or ("answered" if self.status < 400 else "failed")
        milliseconds = round((time.monotonic() - self.began) * 1000)
        fields = {**asdict(self), "outcome": outcome, "milliseconds": milliseconds}
        del fields["began"]
        if not self.question:
            del fields["question"]
        asked = f": {one_line(self.question)}" if self.question else ""
        _LOG.info(
            "request %s: %s: %d, %s in %d ms%s",
            self.id,
            self.route,
            self.status,
            outcome,
            milliseconds,
            asked,
            extra={"request": fields},
        )


current_request: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)
"""The record of the program's request that the code runs for; None for the page."""


class RequestLog:
    """ASGI middleware that gives each request an id, and logs the requests of programs.

    The id is `request.state.id`, and the header X-Request-ID of the reply.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(uuid.uuid4().hex, "")
        scope.setdefault("state", {})["id"] = record.id

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = record.id
            await send(message)

        path = scope["path"]
        if not any(path == first or path.startswith(f"{first}/") for first in _PROGRAMS):
            await self._app(scope, receive, identified)
            return
        token = current_request.set(record)
        try:
            await self._app(scope, receive, identified)
        finally:
            current_request.reset(token)
            # A path may have the name of a source; the route has none.
            route = getattr(scope.get("route"), "path", "no route")
            record.route = f"{scope['method']} {route}"
            record.log()
