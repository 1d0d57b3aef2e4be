"""The pages on which people log in and out."""

from __future__ import annotations

import re
from html import escape

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from rag.access.middleware import SESSION_COOKIE, cookie_path
from rag.access.pages import alert, field, form_fields, hidden, plain_page, too_many
from rag.access.throttle import Guesses
from rag.access.users import AccessError, UserStore

_NEXT = re.compile(r"(?:article|report|account|users|api)?(?:\?[!-\[\]-~]*)?")
"""What may follow the log-in: a page of this server, as a relative address."""
_AT_ONCE = 2
"""Passwords that are checked at the same time; each takes 64 MB of memory."""


def make_login_router(users: UserStore, guesses: Guesses, hours: float) -> APIRouter:
    """Return the routes /login and /logout; a session ends after `hours`."""
    router = APIRouter(include_in_schema=False)
    limiter = CapacityLimiter(_AT_ONCE)

    @router.get("/login", response_model=None)
    def show_login(next: str = "") -> Response:
        return plain_page("Log in", _login_form(next))

    @router.post("/login", response_model=None)
    async def log_in(request: Request) -> Response:
        form = await form_fields(request)
        name, wanted = form.get("name", "").strip()[:64], form.get("next", "")
        address = request.client.host if request.client else ""
        if wait := guesses.wait(name, address):
            refused = plain_page("Log in", alert(too_many(wait)) + _login_form(wanted, name), 429)
            refused.headers["Retry-After"] = str(wait)
            return refused
        try:
            visitor = await to_thread.run_sync(users.check_password, name, form.get("password", ""), limiter=limiter)
        except AccessError as error:
            return plain_page("Log in", alert(str(error)) + _login_form(wanted, name), 503)
        if visitor is None:
            await run_in_threadpool(users.note_wrong_password, name, address)
            return plain_page("Log in", alert("This name and password do not match.") + _login_form(wanted, name), 401)
        guesses.forget(name, address)
        secret = await run_in_threadpool(users.begin_session, visitor.name, hours)
        reply = RedirectResponse(wanted if wanted and _NEXT.fullmatch(wanted) else "./", 303)
        reply.set_cookie(
            SESSION_COOKIE,
            secret,
            max_age=int(hours * 3600),
            path=cookie_path(request.scope),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return reply

    @router.post("/logout", response_model=None)
    async def log_out(request: Request) -> Response:
        await run_in_threadpool(users.end_session, request.cookies.get(SESSION_COOKIE, ""))
        reply = RedirectResponse("login", 303)
        reply.delete_cookie(SESSION_COOKIE, path=cookie_path(request.scope))
        return reply

    return router


def _login_form(wanted: str, name: str = "") -> str:
    return (
        '<form method="post" action="login">'
        + field("Name", "name", more=f'autocomplete="username" required autofocus value="{escape(name)}"')
        + field("Password", "password", "password", 'autocomplete="current-password" required')
        + f"{hidden('next', wanted if _NEXT.fullmatch(wanted) else '')}<button>Log in</button></form>"
    )
