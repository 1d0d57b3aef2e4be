"""The web server: the page mounted in an application of our own, with its health and cross-origin rules."""

from __future__ import annotations

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse

from rag.engine import Engine
from rag.ui import html
from rag.ui.chat import ROOM, make_page

_HEAD = '<meta name="viewport" content="width=device-width, initial-scale=1"><script>{script}</script>'
# Gradio's file for weight 600 holds hardly a letter; the bold one is whole.
_FONT = (gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif")
_NO_SCRIPT = {"Content-Security-Policy": "default-src 'none'; style-src 'self'", "X-Content-Type-Options": "nosniff"}


def make_server(engine: Engine) -> FastAPI:
    """The page over `engine` as an ASGI application.

    Beside it: `/health` (alive), `/ready` (models loaded; also what the page's status line says), and `/article`, the
    whole text of a source with a quote in view.
    """
    app = FastAPI(title="Footnote", docs_url=None, redoc_url=None, openapi_url=None)
    # No other site may read answers through a visitor's browser.
    app.add_middleware(CORSMiddleware, allow_origins=[], allow_credentials=False)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/ready")
    def ready(response: Response) -> dict[str, str]:
        if engine.state != "ready":
            response.status_code = 503
        words, kind = engine.status()
        return {"status": engine.state, "words": words, "kind": kind}

    @app.get("/page.css")
    def style() -> FileResponse:
        return FileResponse(ROOM / "page.css", media_type="text/css")

    @app.get("/article")
    def article(source: str, id: str = "", start: int = 0, end: int = 0) -> HTMLResponse:
        found = engine.parts()[0].catalog.article(source)
        if found is None:
            return HTMLResponse("This source is not in the index any more.", 404, _NO_SCRIPT)
        start = min(max(0, start), len(found.text))
        page = html.article_page(
            found, start, min(max(start, end), len(found.text)), changed=bool(id) and id != found.id
        )
        return HTMLResponse(page, 200, _NO_SCRIPT)

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        make_page(engine),
        path="",
        server_name=engine.settings.host,
        server_port=engine.settings.port,
        theme=gr.themes.Default(primary_hue="blue", neutral_hue="slate", text_size="lg", font=_FONT),
        css_paths=ROOM / "page.css",
        head=_HEAD.format(script=(ROOM / "page.js").read_text("utf-8")),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        max_file_size="20mb",
    )
    return mounted
