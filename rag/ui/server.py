"""The web server: the Gradio page mounted in a FastAPI application, behind a Gate."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from rcssmin import cssmin
from rjsmin import jsmin
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from index.errors import FootnoteError
from rag.access.account import make_account_router
from rag.access.login import make_login_router
from rag.access.middleware import Access, PageSessions, Proxies
from rag.access.throttle import Guesses
from rag.access.users import UserStore
from rag.api.routes import make_api_router
from rag.api.service import AnswerService
from rag.api.tools import MCP_PATH, ToolsOverHttp
from rag.engine import Engine
from rag.evaluation.compare import compare
from rag.evaluation.feedback import BadFeedback, Judgement
from rag.evaluation.feedback import keep as keep_feedback
from rag.evaluation.labels import Corpus
from rag.evaluation.run import finished_runs, open_run, read_summary
from rag.evaluation_runs import EvaluationRuns
from rag.plain import plain_message
from rag.removed import Removed
from rag.source_changes import SourceChanges
from rag.ui import report
from rag.ui.chat import STATIC, make_page
from rag.ui.conversations import make_conversation_router
from rag.ui.escape import escape
from rag.ui.gate import NOT_FRAMED, UPLOAD, GatedApp, NeededOnly
from rag.ui.reading import ArticleReader
from rag.ui.reading import make_article_router as make_reading_router
from rag.ui.uploads import receive_upload
from rag.uploads import Uploads
from rag.watch import Watcher

_NAMES = ("conversations", "evidence", "page", "layout", "choose", "sources", "compose", "actions")
SCRIPTS = (*(STATIC / f"{name}.js" for name in _NAMES), report.SCRIPT)
STYLES = (STATIC / "page.css", STATIC / "layout.css")
# Keeps the composer above the keyboard of a phone.
_HEAD = (
    '<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">'
    "<script>{script}</script>"
)
# Gradio's font file for weight 600 lacks most letters; the bold one is complete.
_FONT = (gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif")
_NO_SCRIPT = {"Content-Security-Policy": f"default-src 'none'; style-src 'self'; {NOT_FRAMED}"}
_REPORT = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src '{report.script_hash()}'; "
    f"{NOT_FRAMED}"
}
_MOST_FEEDBACK = 1_000_000


def _judged(body: bytes) -> Judgement:
    """Parse the page's feedback and check its types; `feedback.keep` checks the values."""
    try:
        value: Any = json.loads(body) if len(body) <= _MOST_FEEDBACK else None
        kind, question, answers = str(value["kind"]), str(value["question"]), str(value.get("answers") or "")
        cited = [dict(place) for place in value.get("cited") or []]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadFeedback("This feedback can't be read. Load the page again and repeat it.") from error
    return Judgement(kind, question, answers.splitlines(), cited, bool(value.get("refused")))


def _keep_judged(engine: Engine, body: bytes) -> dict[str, Any]:
    judged = _judged(body)
    return keep_feedback(engine.home, judged, Corpus(engine.parts()[0]))


def page_script() -> str:
    """Return the scripts of the page as one text, minified."""
    return str(jsmin("".join(path.read_text("utf-8") for path in SCRIPTS)))


def page_style() -> str:
    """Return the style sheets of the page as one text, minified."""
    return str(cssmin("".join(path.read_text("utf-8") for path in STYLES)))


def make_server(engine: Engine, *, login: bool = True) -> FastAPI:
    """Return the page over `engine` as an ASGI application; `login` False lets everybody do everything.

    Further routes: `/health` (alive), `/ready` (models loaded, and the text of the status line), `/article` (a source
    with a quote marked, see reading.py), `/report` (an evaluation run), `/feedback` (the thumbs), and those for
    programs (see rag/api).
    """
    service = AnswerService(engine)
    removed = Removed(engine)
    files = Uploads(engine.home, engine.settings, removed)
    changing = SourceChanges(engine, removed)
    runs = EvaluationRuns(engine, service.queue, report.write_report)
    reading = ArticleReader(engine)
    # The folder in which Gradio expects uploaded files; it copies files from other folders.
    os.environ["GRADIO_TEMP_DIR"] = str(files.folder)

    watcher = Watcher(engine, engine.settings.look_every)
    tools = ToolsOverHttp(service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        async with tools.run():
            yield
        watcher.end()
        reading.viewer.close()
        files.close()
        removed.close()
        engine.close()

    names = [name for name in engine.settings.allowed_hosts.split(",") if name]
    sessions = PageSessions()

    def access(app: ASGIApp) -> ASGIApp:
        return Proxies(Access(app, engine.settings, sessions, login=login), engine.settings.proxies)

    settings = engine.settings
    no_docs: dict[str, object] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = GatedApp(settings.host, names, access, settings.root_path, lifespan=lifespan, **no_docs)
    users = UserStore(engine.home)
    guesses = Guesses()
    app.include_router(make_login_router(users, guesses, engine.settings.session_hours))
    app.include_router(make_account_router(users, guesses))
    _add_routes(app, engine, files, reading)
    app.include_router(make_api_router(service, files, changing, runs))
    app.router.routes.append(Route(MCP_PATH, tools))
    _mount_page(app, engine, make_page(engine, service, files, changing, runs, sessions))
    return app


def _add_routes(app: FastAPI, engine: Engine, files: Uploads, reading: ArticleReader) -> None:
    """Add the routes other than the page."""

    @app.exception_handler(404)
    def unknown(request: Request, _: Exception) -> JSONResponse:
        return JSONResponse({"error": "There is nothing here.", "id": request.state.id}, 404)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/ready")
    def ready(response: Response) -> dict[str, str]:
        if engine.state != "ready":
            response.status_code = 503
        words, kind = engine.status()
        return {
            "status": plain_message(engine.state, engine.home),
            "words": plain_message(words, engine.home),
            "kind": kind,
        }

    @app.get("/report")
    def evaluation_report(run: str, against: str = "", download: bool = False) -> HTMLResponse:
        known = finished_runs(engine.home)
        if run not in known or (against and against not in known):
            return HTMLResponse("There is no such run.", 404, _NO_SCRIPT)
        try:
            shown = open_run(run, engine.home)
            compared = compare(open_run(against, engine.home), shown) if against else None
            text = report.document(shown, read_summary(shown.folder), compared)
        except FootnoteError as error:
            return HTMLResponse(escape(plain_message(error, engine.home)), 503, _NO_SCRIPT)
        headers = dict(_REPORT)
        if download:
            headers["Content-Disposition"] = f"attachment; filename=report.html; filename*=UTF-8''{quote(run)}.html"
        return HTMLResponse(text, 200, headers)

    @app.post("/feedback", response_model=None)
    async def feedback(request: Request) -> JSONResponse:
        # subtle: before another site may send this content type, the browser sends a preflight request, which fails.
        if request.headers.get("content-type") != "application/json":
            return JSONResponse({"problem": "Send feedback as application/json."}, 415)
        try:
            row = await run_in_threadpool(_keep_judged, engine, await request.body())
        except FootnoteError as error:
            return JSONResponse({"problem": plain_message(error, engine.home)}, 422)
        except OSError as error:
            return JSONResponse({"problem": plain_message(error, engine.home)}, 500)
        return JSONResponse({"kept": row["id"]})

    app.include_router(make_conversation_router(engine.home))
    app.include_router(make_reading_router(engine, reading))

    @app.post(UPLOAD, response_model=None)
    async def upload(request: Request) -> Response:
        return await receive_upload(request, files)


def _mount_page(app: FastAPI, engine: Engine, page: gr.Blocks) -> None:
    """Mount the page, and block Gradio's routes that it does not need."""
    settings = engine.settings
    script = page_script()
    gr.mount_gradio_app(
        app,
        page,
        path="",
        server_name=settings.host,
        server_port=settings.port,
        root_path=settings.root_path,
        theme=gr.themes.Default(primary_hue="blue", neutral_hue="slate", text_size="lg", font=_FONT).set(
            # The accent of page.css; Gradio's dark one has too little contrast with a white tick.
            checkbox_background_color_selected="#1a4fc4",
            checkbox_border_color_selected="#1a4fc4",
        ),
        css=page_style(),
        head=_HEAD.format(script=script),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=int(settings.max_source_mb * 1_000_000),
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    for route in app.routes:
        if isinstance(route, Mount):
            route.app = NeededOnly(route.app, [f"sha256-{digest}"])
