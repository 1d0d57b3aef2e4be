"""Which role each address of the server needs. An address without an entry needs an admin."""

from __future__ import annotations

import re

from rag.access.visitor import Role

_ANYBODY = (
    ("GET", r"/health|/ready|/login|/favicon\.ico|/manifest\.json|/robots\.txt"),
    ("POST", r"/login|/logout"),
)
_LEAST = (
    # The page. Its events have roles of their own (see `needs`).
    (Role.READER, "GET", r"/|/(assets|static)/.+|/theme\.css|/config|/gradio_api/(app_id|queue/data|heartbeat/[^/]+)"),
    (Role.READER, "POST", r"/gradio_api/queue/join"),
    (Role.READER, "GET", r"/account|/article(\.css)?|/page-picture|/original|/conversations(/.*)?"),
    (Role.READER, "POST", r"/account|/conversations/.+"),
    (Role.READER, "PATCH|DELETE", r"/conversations(/.*)?"),
    (Role.EDITOR, "GET", r"/report"),
    (Role.EDITOR, "POST", r"/feedback|/gradio_api/upload"),
    (Role.ADMIN, "GET|POST", r"/users"),
    # Programs.
    (Role.READER, "GET", r"/api|/api/openapi\.json|/api/sources(/.+)?|/v1/models"),
    (Role.READER, "POST", r"/api/(ask|search)|/v1/chat/completions"),
    (Role.READER, "GET|POST|DELETE", r"/mcp/?"),
    (Role.EDITOR, "POST", r"/api/(sources|evaluate)"),
    (Role.EDITOR, "DELETE", r"/api/sources/.+"),
    (Role.EDITOR, "GET", r"/api/runs(/.+)?"),
    (Role.ADMIN, "GET", r"/metrics"),
)
_METHODS = {"HEAD": "GET"}


def is_for_anybody(method: str, path: str) -> bool:
    """True if a request needs no log-in."""
    method = _METHODS.get(method, method)
    return any(method == known and re.fullmatch(form, path) for known, form in _ANYBODY)


def listed_role(method: str, path: str) -> Role | None:
    """Return the least role of a request; None if it has no entry."""
    method = _METHODS.get(method, method)
    for role, known, form in _LEAST:
        if method in known.split("|") and re.fullmatch(form, path):
            return role
    return None
