"""The command `mcp`: tools for MCP clients over standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import threading

from rag.api.service import AnswerService
from rag.api.tools import serve_tools
from rag.cli.codes import ANSWERED
from rag.engine import Engine
from rag.settings import make_settings


def mcp_command(arguments: argparse.Namespace) -> int:
    """Serve the tools until standard input ends."""
    engine = Engine(make_settings(home=arguments.home))
    # Clients give up on a server that does not reply at once, so the models load in the background.
    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
    try:
        asyncio.run(serve_tools(AnswerService(engine)))
    finally:
        engine.close()
    return ANSWERED
