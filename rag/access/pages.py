"""Plain documents without scripts, in which people log in and change users."""

from __future__ import annotations

from html import escape

from fastapi import Request
from fastapi.responses import HTMLResponse

from rag.access.visitor import ROLES

_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
_STYLE = """
:root{color-scheme:light dark}
body{background:Canvas;color:CanvasText}
body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:8vh auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2.5rem}
label{display:block;margin:.8rem 0}
input,select,button{font:inherit;padding:.5rem .7rem;border:1px solid #8a93a3;border-radius:.4rem;max-width:100%}
label input{display:block;width:20rem;box-sizing:border-box}
input,select{background:Canvas;color:CanvasText}
::placeholder{color:color-mix(in srgb,CanvasText 75%,Canvas);opacity:1}
button{cursor:pointer;background:#1a4fc4;border-color:#1a4fc4;color:#fff}
td form{display:flex;gap:.4rem;margin:0}
.quiet{background:transparent;color:inherit;border-color:#8a93a3}
[role=alert],[role=status]{padding:.6rem .8rem;border-left:.25rem solid #b3261e;background:#b3261e1a}
[role=status]{border-color:#1a4fc4;background:#1a4fc41a}
.wide{overflow-x:auto}table{border-collapse:collapse}
td,th{padding:.4rem .8rem .4rem 0;text-align:left;vertical-align:middle}
th,td code{overflow-wrap:normal}
a{color:#1a4fc4}
@media (prefers-color-scheme:dark){a{color:#9dbbff}}
@media (max-width:40rem){
tr,td{display:block}tr:has(th){display:none}tr{border-top:1px solid #8a93a3;padding:.4rem 0}td{padding:.2rem 0}
}
body{overflow-wrap:anywhere}
"""


def plain_page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """Return a document; `body` is markup."""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - Footnote</title><style>{_STYLE}</style>"
        f"<main><p><b>Footnote</b></p><h1>{escape(title)}</h1>{body}</main></html>"
    )
    return HTMLResponse(text, status, _POLICY)


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form; a file is no field."""
    async with request.form(max_files=0, max_fields=10) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def alert(words: str) -> str:
    """Return the markup of an error."""
    return f'<p role="alert">{escape(words)}</p>'


def too_many(wait: int) -> str:
    """Return the words for somebody who has to wait so many seconds."""
    return f"Too many wrong passwords. Try again in {(wait + 59) // 60} minutes."


def done(words: str) -> str:
    """Return the markup of what was done."""
    return f'<p role="status">{escape(words)}</p>'


def field(label: str, name: str, kind: str = "text", more: str = "") -> str:
    """Return a labelled input; `more` are further attributes, as markup."""
    return f'<label>{label}<input name="{name}" type="{kind}" {more}></label>'


def new_password(label: str) -> str:
    """Return a labelled input for a new password."""
    return field(label, "password", "password", 'autocomplete="new-password" required minlength="10" maxlength="256"')


def role_choice(chosen: str = "reader", most: int = len(ROLES), label: str = "Role") -> str:
    """Return a choice among the first `most` roles; `label` is markup."""
    options = (f"<option{' selected' * (role == chosen)}>{role}</option>" for role in ROLES[:most])
    return f'<select name="role" aria-label="{label}">{"".join(options)}</select>'


def step_form(step: str, button: str, fields: str = "", kind: str = "quiet") -> str:
    """Return a form with a button that sends its `fields` (markup) and the name of the step."""
    return f'<form method="post">{fields}<button class="{kind}" name="step" value="{step}">{button}</button></form>'


def hidden(name: str, value: str) -> str:
    """Return a field that nobody sees."""
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def plain_table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table; heads and cells are markup."""
    head = "".join(f'<th scope="col">{one}</th>' if one else "<td></td>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
