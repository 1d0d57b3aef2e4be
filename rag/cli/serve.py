"""The command `serve`, and the page as an ASGI app for other servers."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from index.program import command
from rag.cli.codes import ANSWERED, FAILED, MISUSED
from rag.cli.log import log_to
from rag.cli.terminal import print_line, print_trouble
from rag.environment import collect_less, prepare
from rag.settings import Settings, make_settings
from rag.variables import unknown_variables

if TYPE_CHECKING:
    from fastapi import FastAPI

_NO_LOGIN = (
    "The page was not started: there are no users, so everyone who reaches {host} could read, add and delete sources. "
    "Add the first one: {add}. Or leave --host out to serve this machine only, or say --no-login if everyone may do "
    "all that."
)
_OPEN_TO_ALL = (
    "WARNING: the page has no login. Everyone who reaches {host} can read, add and delete sources, and ask. "
    "Keep it behind a firewall, or a proxy that asks for a password."
)


def create_app(settings: Settings | None = None, *, login: bool = True) -> FastAPI:
    """Return the page as an ASGI app, for uvicorn or another server; `login` False lets everybody do everything.

    Models load in the background.
    """
    prepare()
    collect_less()
    from rag.engine import Engine
    from rag.ui.server import make_server

    if settings is None:
        for line in unknown_variables():
            print_trouble(line)
    engine = Engine(settings or make_settings())
    server = make_server(engine, login=login)
    # Start this last: the models' libraries would slow down the page.
    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
    return server


def serve_command(arguments: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    settings = make_settings(host=arguments.host, port=arguments.port)
    from rag.access.users import UserStore
    from rag.cli.ports import free_port
    from rag.hosts import in_url, is_loopback

    has_login = not arguments.no_login and (bool(settings.login_header) or UserStore(settings.index_home()).exists())
    if not is_loopback(settings.host) and not has_login:
        if not arguments.no_login:
            print_trouble(_NO_LOGIN.format(host=settings.host, add=command("user add NAME")))
            return MISUSED
        print_trouble(_OPEN_TO_ALL.format(host=settings.host))
    port = free_port(settings.host, settings.port)
    if port is None:
        return FAILED
    log_to(settings.index_home() / "logs" / "footnote.log", settings.log_format)
    import uvicorn

    print_line(f"Starting. The page will be at http://{in_url(settings.host)}:{port} (Ctrl-C ends it).")

    # Open pages hold connections for ever, so the shutdown waits two seconds at most.
    app = create_app(settings, login=not arguments.no_login)
    uvicorn.run(
        app,
        host=settings.host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=2,
        proxy_headers=False,  # FOOTNOTE_PROXIES says whose count
        server_header=False,
    )
    return ANSWERED
