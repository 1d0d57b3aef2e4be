"""The page at /api: the routes of an OpenAPI description, each with its parameters and a command that calls it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from rag.access.pages import plain_page, plain_table

_JSON = "application/json"
_FORM = "multipart/form-data"
_HEADS = ["Name", "Where", "Type", "Meaning"]


def make_description_page(description: dict[str, Any]) -> Callable[[Request], HTMLResponse]:
    """Return the handler of the page that lists the routes of `description`, an OpenAPI description."""

    def page(request: Request) -> HTMLResponse:
        base = str(request.base_url)
        body = "".join(_sections(description, base))
        return plain_page("Routes for programs", f"<p>{escape(description['info']['description'])}</p>{_INTRO}{body}")

    return page


_INTRO = (
    '<p><a href="api/openapi.json">openapi.json</a> has the same with every reply, for programs. With users, add '
    '<code>-H "Authorization: Bearer $FOOTNOTE_TOKEN"</code> to each command.</p>'
)


def _sections(description: dict[str, Any], base: str) -> Iterator[str]:
    """Yield the markup of each route."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            bodies = {
                kind: _resolved(content["schema"], description)
                for kind, content in operation.get("requestBody", {}).get("content", {}).items()
            }
            rows = [
                _row(one["name"], one["in"], one["schema"], one.get("required", False), description)
                for one in operation.get("parameters", [])
            ]
            for kind, schema in bodies.items():
                needed = schema.get("required", [])
                where = "form" if kind == _FORM else "JSON"
                for name, value in schema.get("properties", {}).items():
                    rows.append(_row(name, where, value, name in needed, description))
            yield f"<h2><code>{escape(f'{method.upper()} {path}')}</code></h2><p>{escape(operation['summary'])}.</p>"
            yield plain_table(_HEADS, rows) if rows else ""
            # curl would take a name in braces for a pattern.
            url = base + re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path.lstrip("/"))
            for kind in bodies or [""]:
                yield f"<p><code>{escape(_curl(method, url, kind, bodies.get(kind, {})))}</code></p>"


def _row(name: str, where: str, schema: dict[str, Any], needed: bool, description: dict[str, Any]) -> list[str]:
    """Return the cells of a parameter, as markup."""
    meaning = schema.get("description", "")
    return [
        f"<code>{escape(name)}</code>",
        where,
        escape(_type(schema, description)),
        escape(f"Required. {meaning}" if needed else meaning),
    ]


def _resolved(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference names; another schema as it is."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = description["components"]["schemas"][name] if name else schema
    return found


def _type(schema: dict[str, Any], description: dict[str, Any]) -> str:
    """Return the type of a value in words: "string", "list of string", "string or null", "a or b"."""
    schema = _resolved(schema, description)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one, description) for one in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    if schema.get("format") == "binary":
        return "file"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), description)}"
    return str(schema.get("type", "any"))


def _curl(method: str, url: str, kind: str, schema: dict[str, Any]) -> str:
    """Return a command that sends a body of this media type ("": none) and schema."""
    words = ["curl", "-s", *(["-X", method.upper()] if method not in ("get", "post") else []), url]
    if kind == _JSON:
        example = schema.get("examples", [dict.fromkeys(schema.get("required", []), "...")])[0]
        words += ["-H", f"Content-Type: {kind}", "-d", json.dumps(example)]
    elif kind == _FORM:
        words += ["-F", "files=@notes.pdf"]
    return shlex.join(words)
