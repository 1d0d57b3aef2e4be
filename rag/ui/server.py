"""The web server: the page mounted in an application of our own, with its health and cross-origin rules."""

from __future__ import annotations

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware

from rag.engine import Engine
from rag.ui.chat import ROOM, make_page

_HEAD = '<meta name="viewport" content="width=device-width, initial-scale=1"><script>{script}</script>'


def make_server(engine: Engine) -> FastAPI:
    """The page over `engine` as an ASGI application, with `/health` (alive) and `/ready` (models loaded)."""
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
        return {"status": engine.state}

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        make_page(engine),
        path="",
        server_name=engine.settings.host,
        server_port=engine.settings.port,
        theme=gr.themes.Default(primary_hue="blue", neutral_hue="slate", text_size="lg"),
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
