"""The page's guard: who may cause an event, and which files it gets."""

from __future__ import annotations

import hashlib
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from rag.access.middleware import PageSessions
from rag.access.visitor import Role, least_role, visitor_of
from rag.ui.gate import VISIT
from rag.uploads import UnknownUpload, UploadRefused, Uploads

_NO_EFFECT: dict[str, Any] = {
    "is_generating": False,
    "iterator": None,
    "duration": 0.0,
    "average_duration": None,
    "render_config": None,
    "changed_state_ids": [],
}
"""What Gradio expects of an event besides its data."""


async def receive_upload(request: Request, files: Uploads) -> Response:
    """Store the files of an upload; the response is a JSON list of their names.

    Any other response is a sentence that says why nothing was stored.
    """
    sender = sender_of(request)
    if not sender:
        return PlainTextResponse("Open the page first, with cookies allowed for it, and add the file there.", 403)
    try:
        kept = await files.receive(request, sender)
    except UploadRefused as error:
        return PlainTextResponse(str(error), error.status)
    return JSONResponse([f"{path.parent.name}/{path.name}" for path in kept])


def sender_of(request: Request) -> str | None:
    """Return the id of the browser, and of its user if there are users; None without a cookie."""
    visit: str | None = request.scope.get(VISIT)
    name = visitor_of(request).name
    return hashlib.sha256(f"{visit} {name}".encode()).hexdigest()[:32] if visit and name else visit


class GuardedBlocks(gr.Blocks):  # type: ignore[misc]
    """A page whose events need a role, and can only read files that the same browser uploaded.

    subtle: Gradio checks paths only in an application that it launched itself, not in a mounted one. All events on all
    routes pass through `process_api`.
    """

    def __init__(self, files: Uploads, sessions: PageSessions, **options: Any) -> None:
        """Pass `options` to gr.Blocks."""
        super().__init__(**options)
        self.files = files
        self._sessions = sessions

    async def process_api(self, block_fn: Any, inputs: list[Any], *rest: Any, **options: Any) -> dict[str, Any]:
        """Check the visitor and the file values of an event, then run it.

        An event of the opening or closing page that the visitor may not cause has no effect. Raises gr.Error for
        another one, for a session of another user, and for a file that the caller did not upload.
        """
        asked: Any = options.get("request")
        if options.get("iterator") is None and (request := getattr(asked, "request", None)):
            visitor = visitor_of(request)
            if visitor.name and not self._sessions.belongs(asked.session_hash or "", visitor):
                raise gr.Error("This session belongs to another user. Load the page again.", print_exception=False)
            if visitor.role < (least_role(block_fn.fn) or Role.ADMIN):
                if all(event in ("load", "unload") for _, event in block_fn.targets):
                    return {"data": [gr.skip()] * len(block_fn.outputs), **_NO_EFFECT}
                raise gr.Error("Your role does not allow this. Ask an admin.", print_exception=False)
            inputs = self._checked(inputs, sender_of(request))
        done: dict[str, Any] = await super().process_api(block_fn, inputs, *rest, **options)
        return done

    def _checked(self, value: Any, visit: str | None) -> Any:
        """Return `value` with the name of each file replaced by its path."""
        if isinstance(value, list | tuple):
            return [self._checked(one, visit) for one in value]
        if not isinstance(value, dict):
            return value
        if "path" in value or "url" in value:
            try:
                path = self.files.find(value.get("path"), visit)
            except UnknownUpload as error:
                raise gr.Error(str(error), print_exception=False) from error
            return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
        return {key: self._checked(one, visit) for key, one in value.items()}
