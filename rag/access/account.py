"""The pages of the own account, and of the users for admins."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from rag.access.middleware import SESSION_COOKIE
from rag.access.pages import (
    alert,
    done,
    field,
    form_fields,
    hidden,
    new_password,
    plain_page,
    plain_table,
    role_choice,
    step_form,
    too_many,
)
from rag.access.throttle import Guesses
from rag.access.users import AccessError, User, UserStore
from rag.access.visitor import Visitor, role_named, visitor_of

_LOG = 50
"""Entries of the audit log that the page shows."""
_LOGS_OUT = ("password", "sessions")
"""The steps that end all sessions."""
_BACK = '<p><a href="./">Back to the page</a></p>'
_LOG_OUT = '<form method="post" action="logout"><button class="quiet">Log out</button></form>'
_OPEN = "There is no log-in here: everybody who reaches the page may do everything. `user add` makes users."


def make_account_router(users: UserStore, guesses: Guesses) -> APIRouter:
    """Return the routes /account (password, tokens and sessions) and /users (for admins)."""
    router = APIRouter(include_in_schema=False)

    @router.get("/account", response_model=None)
    def account(request: Request) -> Response:
        return _account(users, request)

    @router.post("/account", response_model=None)
    async def change_account(request: Request) -> Response:
        visitor, form = visitor_of(request), await form_fields(request)
        address = request.client.host if request.client else ""

        def step() -> str:
            if form.get("step") == "password" and visitor.name:
                _check_present(users, guesses, visitor.name, address, form.get("old", ""))
            return _account_step(users, visitor, form) if visitor.name else _OPEN

        def show(words: str, status: int) -> Response:
            if status == 200 and form.get("step") in _LOGS_OUT:
                return plain_page("Account", f'{words}<p><a href="login">Log in</a></p>')
            return _account(users, request, words, status)

        return await _changed(show, step)

    @router.get("/users", response_model=None)
    def listed(request: Request) -> Response:
        return _users(users) if visitor_of(request).name else plain_page("Users", done(_OPEN) + _BACK)

    @router.post("/users", response_model=None)
    async def change_users(request: Request) -> Response:
        by, form = visitor_of(request).name, await form_fields(request)
        return await _changed(
            lambda words, status: _users(users, words, status) if by else plain_page("Users", words + _BACK),
            lambda: _users_step(users, by, form) if by else _OPEN,
        )

    return router


async def _changed(show: Callable[[str, int], Response], step: Callable[[], str]) -> Response:
    """Run a step, and show the page with what came of it."""
    try:
        words, status = done(await run_in_threadpool(step)), 200
    except AccessError as error:
        words, status = alert(str(error)), 400
    except KeyError:
        words, status = alert("There is no such role."), 400
    return await run_in_threadpool(show, words, status)


def _check_present(users: UserStore, guesses: Guesses, name: str, address: str, password: str) -> None:
    """Raise AccessError if this is not the user's password, or after too many wrong ones."""
    if wait := guesses.wait(name, address):
        raise AccessError(too_many(wait))
    if not users.check_password(name, password):
        users.note_wrong_password(name, address)
        raise AccessError("The present password is another one.")
    guesses.forget(name, address)


def _account_step(users: UserStore, visitor: Visitor, form: dict[str, str]) -> str:
    """Change the own account; return what was done."""
    name, step = visitor.name, form.get("step")
    if step == "password":
        users.set_password(name, form.get("password", ""), name)
        return "The password is set, and all your sessions have ended."
    if step == "token":
        days = form.get("days", "").strip()
        role = min(role_named(form.get("role", "reader")), visitor.role)
        ends = (int(days) if days.isdecimal() and len(days) < 9 else 0) if days else None  # 0 days are refused
        made = users.new_token(name, role, form.get("label", ""), ends, name)
        return f"Copy the token now; it is shown only once: {made}"
    if step == "revoke":
        users.revoke_token(form.get("id", ""), name, name)
        return "The token is revoked."
    if step == "sessions":
        users.end_sessions(name)
        return "All your sessions have ended."
    raise AccessError("There is no such step.")


def _users_step(users: UserStore, by: str, form: dict[str, str]) -> str:
    """Change a user; return what was done."""
    name, step = form.get("name", "").strip(), form.get("step")
    if step == "add":
        users.add(name, form.get("password", ""), role_named(form.get("role", "reader")), by)
        return f"{name} is added."
    if step == "role":
        users.set_role(name, role_named(form.get("role", "")), by)
        return f"{name} has the role {form['role']} now."
    if step == "password":
        users.set_password(name, form.get("password", ""), by)
        return f"The password of {name} is set."
    if step in ("disable", "enable"):
        users.set_disabled(name, step == "disable", by)
        return f"{name} is {step}d."
    raise AccessError("There is no such step.")


def _account(users: UserStore, request: Request, words: str = "", status: int = 200) -> Response:
    visitor = visitor_of(request)
    if not visitor.name:
        return plain_page("Account", done(_OPEN) + _BACK, status)
    tokens = [
        [one.id, escape(one.label), str(one.role), (one.ends or "")[:10] or "no end", _revoke(one.id)]
        for one in users.tokens(visitor.name)
    ]
    listed = plain_table(["Token", "For", "Role", "Ends", ""], tokens) if tokens else "<p>There are none.</p>"
    password = field("Present password", "old", "password", 'autocomplete="current-password" required')
    token = (
        field("What it is for", "label", more='maxlength="80"')
        + field("Days until it ends (empty: it does not)", "days", "number", 'min="1" max="3650"')
        + f"<p>{role_choice(most=visitor.role)}</p>"
    )
    admin = '<p><a href="users">Users</a></p>' if visitor.role == max(type(visitor.role)) else ""
    # Who comes by a proxy logs out there.
    out = _LOG_OUT if SESSION_COOKIE in request.cookies else ""
    body = (
        f"{words}<p>Your role: {visitor.role}.</p>{_BACK}{admin}{out}<h2>Password</h2>"
        + step_form("password", "Set the password", password + new_password("New password"), "")
        + f"<h2>Tokens for programs</h2>{listed}{step_form('token', 'Make a token', token, '')}"
        + f"<h2>Sessions</h2>{step_form('sessions', 'End all my sessions')}"
    )
    return plain_page(f"Account of {visitor.name}", body, status)


def _revoke(id_: str) -> str:
    return step_form("revoke", "Revoke", hidden("id", id_))


def _users(users: UserStore, words: str = "", status: int = 200) -> Response:
    rows = [_row(one) for one in users.users()]
    new = field("Name", "name", more='required maxlength="64" autocomplete="off"') + new_password("Password")
    entries = [
        [escape(one.at[:19].replace("T", " ")), *map(escape, (one.who, one.what, one.about))]
        for one in reversed(users.audit(_LOG))
    ]
    listed = plain_table(["Name", "Role", "Password", ""], rows) if rows else done(_OPEN)
    body = (
        f"{words}{_BACK}{listed}<h2>New user</h2>"
        + step_form("add", "Add", f"{new}<p>{role_choice()}</p>", "")
        + f"<h2>Last changes</h2>{plain_table(['When (UTC)', 'Who', 'What', 'About'], entries)}"
    )
    return plain_page("Users", body, status)


def _row(user: User) -> list[str]:
    shown, name = escape(user.name), hidden("name", user.name)
    password = (
        f'<input name="password" type="password" aria-label="New password of {shown}" placeholder="New password" '
        'autocomplete="new-password" required minlength="10" maxlength="256">'
    )
    return [
        shown + (" (disabled)" if user.disabled else ""),
        step_form("role", "Set", name + role_choice(str(user.role), label=f"Role of {shown}")),
        step_form("password", "Set", name + password),
        step_form("enable" if user.disabled else "disable", "Enable" if user.disabled else "Disable", name),
    ]
