"""Who makes a request: a name and a role."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

_VISITOR = "footnote_visitor"
"""Key of the ASGI scope."""
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


class Role(IntEnum):
    """What a person may do; each role includes those before it."""

    READER = 1
    """Ask, and read sources and the own conversations."""
    EDITOR = 2
    """Change sources, judge answers, evaluate."""
    ADMIN = 3
    """Change settings and users."""

    def __str__(self) -> str:
        return self.name.lower()


ROLES = tuple(map(str, Role))


def role_named(name: str) -> Role:
    """Return the role with this name. Raises KeyError."""
    return Role[name.upper()]


@dataclass(frozen=True)
class Visitor:
    """The user of a request. Without log-in it is everybody's: no name, every right."""

    name: str
    role: Role


EVERYBODY = Visitor("", Role.ADMIN)


def visitor_of(request: HTTPConnection | MutableMapping[str, Any]) -> Visitor:
    """Return the visitor of a request or an ASGI scope."""
    scope = request.scope if isinstance(request, HTTPConnection) else request
    found = scope.get(_VISITOR)
    # subtle: without the middleware nobody was identified, so nothing is allowed that a reader may not do.
    return found if isinstance(found, Visitor) else Visitor("", Role.READER)


def set_visitor(scope: MutableMapping[str, Any], visitor: Visitor) -> None:
    """Set the visitor of an ASGI scope."""
    scope[_VISITOR] = visitor


def needs(role: Role) -> Callable[[_Handler], _Handler]:
    """Mark the handler of a page event with the least role that may cause it."""

    def marked(handler: _Handler) -> _Handler:
        handler.least_role = role  # type: ignore[attr-defined]
        return handler

    return marked


def least_role(handler: object) -> Role | None:
    """Return the role that `needs` gave a handler; None without one."""
    found = getattr(handler, "least_role", None)
    return found if isinstance(found, Role) else None
