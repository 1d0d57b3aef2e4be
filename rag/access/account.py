"""The pages of the own account, and of the users for admins."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

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
)
from rag.access.users import AccessError, User, UserStore
from rag.access.visitor import Visitor, role_named, visitor_of

_LOG = 50
"""Entries of the audit log that the page shows."""
_BACK = '<p><a href="./">Back to the page</a></p>'
_OPEN = "There is no log-in here: everybody who reaches the page may do everything. `user add` makes the first user."


def make_account_router(users: UserStore) -> APIRouter:
    """Return the routes /account (password, tokens and sessions) and /users (for admins)."""
    router = APIRouter(include_in_schema=False)

    @router.get("/account", response_model=None)
    def account(request: Request) -> Response:
        return _account(users, visitor_of(request))

    @router.post("/account", response_model=None)
    async def change_account(request: Request) -> Response:
        visitor, form = visitor_of(request), await form_fields(request)
        return await _changed(
            lambda words, status: _account(users, visitor, words, status),
            lambda: _account_step(users, visitor, form) if visitor.name else _OPEN,
        )

    @router.get("/users", response_model=None)
    def listed(request: Request) -> Response:
        return _users(users)

    @router.post("/users", response_model=None)
    async def change_users(request: Request) -> Response:
        by, form = visitor_of(request).name, await form_fields(request)
        return await _changed(
            lambda words, status: _users(users, words, status),
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


def _account_step(users: UserStore, visitor: Visitor, form: dict[str, str]) -> str:
    """Change the own account; return what was done."""
    name, step = visitor.name, form.get("step")
    if step == "password":
        if not users.check_password(name, form.get("old", "")):
            raise AccessError("The present password is another one.")
        users.set_password(name, form.get("password", ""), name)
        return "The password is set, and all sessions have ended. Log in again."
    if step == "token":
        days = form.get("days", "")
        role = min(role_named(form.get("role", "reader")), visitor.role)
        made = users.new_token(name, role, form.get("label", ""), int(days) if days.isdecimal() else None, name)
        return f"Copy the token now; it is shown only once: {made}"
    if step == "revoke":
        users.revoke_token(form.get("id", ""), name, name)
        return "The token is revoked."
    if step == "sessions":
        users.end_sessions(name)
        return "All sessions have ended. Log in again."
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


def _account(users: UserStore, visitor: Visitor, words: str = "", status: int = 200) -> Response:
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
    body = (
        f"{words}<p>You are a {visitor.role}.</p>{_BACK}{admin}<h2>Password</h2>"
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
    entries = [[escape(one.at), *map(escape, (one.who, one.what, one.about))] for one in reversed(users.audit(_LOG))]
    listed = plain_table(["Name", "Role", "Password", ""], rows) if rows else done(_OPEN)
    body = (
        f"{words}{_BACK}{listed}<h2>New user</h2>"
        + step_form("add", "Add", f"{new}<p>{role_choice()}</p>", "")
        + f"<h2>Last changes</h2>{plain_table(['When', 'Who', 'What', 'About'], entries)}"
    )
    return plain_page("Users", body, status)


def _row(user: User) -> list[str]:
    name = hidden("name", user.name)
    password = (
        '<input name="password" type="password" aria-label="New password" placeholder="New password" '
        'autocomplete="new-password" required minlength="10">'
    )
    return [
        escape(user.name) + (" (disabled)" if user.disabled else ""),
        step_form("role", "Set", name + role_choice(str(user.role))),
        step_form("password", "Set", name + password),
        step_form("enable" if user.disabled else "disable", "Enable" if user.disabled else "Disable", name),
    ]
