"""Tools for MCP clients, over standard input and output or over HTTP: ask, search, list and read the sources.

The protocol: https://modelcontextprotocol.io
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated

import anyio
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from index.errors import FootnoteError
from index.home import explained
from rag.answer_builder import as_passages
from rag.api.bodies import DateText, QuestionText, SourceName, make_choice
from rag.api.connection import last_answer
from rag.api.failures import BadBody
from rag.api.replies import (
    PassageReply,
    SourcesReply,
    ToolAnswer,
    ToolPassages,
    ToolText,
    listed_sources,
    tool_answer,
)
from rag.api.service import AnswerService, AskedQuestion
from rag.choice import Choice, resolve_scope
from rag.engine import Engine
from rag.plain import plain_message
from rag.provenance import program_version
from rag.scope import Scope as SearchScope
from rag.sources import stored_article

_LOG = logging.getLogger("footnote")
MCP_PATH = "/mcp"
_MOST_CHARACTERS = 50_000
"""Most code points that one call reads from a source."""
_ABOUT = (
    "Footnote answers questions from the user's own sources, in their words, with citations, and refuses if they do "
    "not answer. Ask complete questions: each call stands alone. A citation's quote is the text of its source from "
    "`start` to `end`, which read_source returns in its surroundings."
)
_READS = ToolAnnotations(readOnlyHint=True, idempotentHint=True, openWorldHint=False)
_LOOK_EVERY = 0.1
"""Seconds between two checks of whether the models are loaded."""

_Sources = Annotated[
    list[SourceName] | None,
    Field(max_length=1000, description='Names or patterns ("notes/*.pdf") of the sources to search (default: all).'),
]
_AsOf = Annotated[DateText | None, Field(description="Use no source published after this date (2024-12-31, 2024).")]
_Since = Annotated[DateText | None, Field(description="Use no source published before this date (2024-12-31, 2024).")]


def make_tools(service: AnswerService) -> FastMCP:
    """Return the MCP server with its tools. Their errors are results marked as errors, with a plain message."""
    engine = service.engine
    server = FastMCP("footnote", instructions=_ABOUT, log_level="WARNING")
    server._mcp_server.version = program_version()

    @server.tool(annotations=_READS)
    async def ask(
        question: Annotated[QuestionText, Field(description="A complete question in English.")],
        sources: _Sources = None,
        as_of: _AsOf = None,
        since: _Since = None,
    ) -> ToolAnswer:
        """Answer a question from the sources, with verbatim citations, or refuse if they do not answer it."""
        with _told(engine):
            choice = _choice(sources, as_of, since)
            asked = AskedQuestion(question, "mcp", uuid.uuid4().hex, choice=choice, route="mcp")
            return tool_answer(await last_answer(service.states(asked)))

    @server.tool(annotations=_READS)
    async def search(
        query: Annotated[QuestionText, Field(description="Words or a question.")],
        limit: Annotated[int, Field(ge=1, le=50, description="Most passages to return.")] = 10,
        sources: _Sources = None,
        as_of: _AsOf = None,
        since: _Since = None,
    ) -> ToolPassages:
        """Find the passages nearest to a query by meaning and by words, best first."""
        with _told(engine):
            await _loaded(engine)
            wanted = service.check(query)
            return await asyncio.to_thread(find_passages, engine, wanted, _choice(sources, as_of, since), limit)

    @server.tool(annotations=_READS)
    async def list_sources() -> SourcesReply:
        """List the sources with titles, dates and sizes."""
        with _told(engine):
            await _loaded(engine)
            return await asyncio.to_thread(listed_sources, engine)

    @server.tool(annotations=_READS)
    async def read_source(
        source: Annotated[SourceName, Field(description="The name of a source, as citations give it.")],
        start: Annotated[int, Field(ge=0, description="The first character, from 0.")] = 0,
        end: Annotated[int | None, Field(ge=0, description="The character to stop before (default: the end).")] = None,
    ) -> ToolText:
        """Read the text of a source, 50,000 characters at most: continue from the `end` of the result."""
        with _told(engine):
            await _loaded(engine)
            return await asyncio.to_thread(read_text, engine, source, start, end)

    return server


def find_passages(engine: Engine, query: str, choice: Choice, limit: int) -> ToolPassages:
    """Return the `limit` passages nearest to a query.

    Raises UnknownSource, NothingChosen, and BrokenIndexError if there is no usable index.
    """
    generation, retriever, reader = engine.parts()
    scope = SearchScope(generation, retriever, reader, resolve_scope(generation.catalog, choice), limit)
    places = scope.places(scope.search(query)[1])
    found = as_passages(places.hits, (), places.articles)
    return ToolPassages(passages=[PassageReply.model_validate(one.to_json()) for one in found])


def read_text(engine: Engine, source: str, start: int, end: int | None) -> ToolText:
    """Return the text of a source between two offsets.

    Raises UnknownSource, and BadBody for offsets outside the text.
    """
    article = stored_article(engine, source)
    length = len(article.text)
    last = min(length if end is None else end, start + _MOST_CHARACTERS)
    if not start <= last <= length:
        raise BadBody(f"{start} to {last} is outside the text: it has {length} characters, from 0.")
    return ToolText(
        source=source,
        title=article.title,
        published=article.published.when if article.published else None,
        start=start,
        end=last,
        length=length,
        text=article.text[start:last],
    )


async def serve_tools(service: AnswerService) -> None:
    """Serve the tools until standard input ends. Standard output carries the protocol alone."""
    lowlevel = make_tools(service)._mcp_server  # FastMCP.run_stdio_async can't be given another output
    with _own_output() as output:
        async with stdio_server(stdout=anyio.wrap_file(output)) as (received, sent):
            await lowlevel.run(received, sent, lowlevel.create_initialization_options())


class ToolsOverHttp:
    """The tools as an ASGI application; `run` is the context in which it answers, the lifespan of a server.

    Each request stands alone, so there is no stream of events to GET and no session to DELETE.
    """

    def __init__(self, service: AnswerService) -> None:
        # The gate in front of the application checks host names.
        self._manager = StreamableHTTPSessionManager(make_tools(service)._mcp_server, stateless=True)
        self.run = self._manager.run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a message of a client, which it sends by POST."""
        if scope["method"] == "POST":
            await self._manager.handle_request(scope, receive, send)
        else:
            reply = PlainTextResponse("MCP's clients send POST here.", 405, {"Allow": "POST"})
            await reply(scope, receive, send)


@contextmanager
def _own_output() -> Iterator[TextIOWrapper]:
    """Yield standard output, and lead whatever else is printed to standard error."""
    sys.stdout.flush()
    protocol = os.dup(1)
    os.dup2(2, 1)
    with TextIOWrapper(os.fdopen(protocol, "wb"), encoding="utf-8", newline="\n") as output:
        yield output


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Turn errors into errors of the tool, without tracebacks and without paths of this machine."""
    try:
        yield
    except FootnoteError as error:
        raise ToolError(plain_message(explained(error, engine.home), engine.home)) from error
    except Exception as error:
        _LOG.exception("a tool failed")
        raise ToolError("Something went wrong. Try again; the log has the details.") from error


def _choice(sources: list[str] | None, as_of: str | None, since: str | None) -> Choice:
    try:
        return make_choice(sources or [], as_of, since)
    except ValueError as error:
        raise FootnoteError(f"A date can't be read: {error}.") from error


async def _loaded(engine: Engine) -> None:
    """Wait until the models are loaded and there is an index."""
    while not engine.warm.is_set():
        await asyncio.sleep(_LOOK_EVERY)
