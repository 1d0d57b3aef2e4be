"""The pages on which people log in and out."""

from __future__ import annotations

import re
from html import escape

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from rag.access.middleware import SESSION_COOKIE, cookie_path
from rag.access.pages import alert, field, form_fields, hidden, plain_page
from rag.access.throttle import Throttle
from rag.access.users import AccessError, UserStore

_NEXT = re.compile(r"(?:article|report|account|users)?(?:\?[!-\[\]-~]*)?")
"""What may follow the log-in: a page of this server, as a relative address."""
_TRIES, _MANY_TRIES, _WITHIN = 5, 50, 900
"""Wrong passwords for one name from one address, and for one name or from one address, within so many seconds."""


class _Guesses:
    """Limits tries by name, by address and by both."""

    def __init__(self) -> None:
        self._few, self._many = Throttle(_TRIES, _WITHIN), Throttle(_MANY_TRIES, _WITHIN)

    def wait(self, name: str, address: str) -> int:
        """Return the seconds until the next try is allowed; count one that is allowed now."""
        name = name.lower()
        wait = max(self._few.wait((name, address)), self._many.wait(name), self._many.wait(address))
        if not wait:
            # Counted before the password is checked, so that many tries at once are no way round the limit.
            self._few.count((name, address))
            self._many.count(name)
            self._many.count(address)
        return wait

    def forget(self, name: str, address: str) -> None:
        """Drop the wrong tries before a right one."""
        self._few.forget((name.lower(), address))


def make_login_router(users: UserStore, hours: float) -> APIRouter:
    """Return the routes /login and /logout; a session ends after `hours`."""
    router = APIRouter(include_in_schema=False)
    guesses = _Guesses()

    @router.get("/login", response_model=None)
    def log_indocument(next: str = "") -> Response:
        return plain_page("Log in", _login_form(next))

    @router.post("/login", response_model=None)
    async def log_in(request: Request) -> Response:
        form = await form_fields(request)
        name, wanted = form.get("name", "").strip()[:64], form.get("next", "")
        address = request.client.host if request.client else ""
        if wait := guesses.wait(name, address):
            words = f"Too many wrong passwords. Try again in {(wait + 59) // 60} minutes."
            refused = plain_page("Log in", alert(words) + _login_form(wanted, name), 429)
            refused.headers["Retry-After"] = str(wait)
            return refused
        try:
            visitor = await run_in_threadpool(users.check_password, name, form.get("password", ""))
        except AccessError as error:
            return plain_page("Log in", alert(str(error)) + _login_form(wanted, name), 503)
        if visitor is None:
            await run_in_threadpool(users.note, name, "wrong password", address)
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
