"""The command that lists language models and chooses the one that writes: models."""

from __future__ import annotations

import argparse

from index.errors import FootnoteError
from index.program import command
from rag.cli.codes import ANSWERED, FAILED
from rag.cli.terminal import print_line
from rag.printable import one_line
from rag.settings import Settings, make_settings, save, validated
from rag.writer.llm import sendable_key
from rag.writer.servers import ModelServer, find_servers, find_url, has_model


def models_command(arguments: argparse.Namespace) -> int:
    """List the language models on this machine, choose one, or return to quotes.

    Raises FootnoteError if the chosen model does not exist, or if the environment fixes a setting.
    """
    settings = make_settings(home=arguments.home)
    if arguments.quote:
        print_line(_writer(save(settings, {"writer": "quote"})))
        return ANSWERED
    if arguments.use:
        chosen = {
            "writer": "llm",
            "llm_url": arguments.at or _url_of(arguments.use, settings),
            "llm_model": arguments.use,
        }
        made = validated(settings, chosen)
        chosen["llm_url"] = find_url(arguments.use, str(made.llm_url), sendable_key(made))
        print_line(_writer(save(settings, chosen)))
        return ANSWERED
    servers = _servers(settings)
    for server in servers:
        print_line(f"{server}")
        for model in server.models:
            print_line(f"  {one_line(model)}")
    if servers:
        print_line(f"Choose one: {command('models --use MODEL')}")
    else:
        print_line(
            "No language model server was found on this machine. Start one (Ollama: `ollama serve`), or name another: "
            f"{command('models --use MODEL --at URL')}"
        )
    print_line(_writer(settings))
    return ANSWERED if servers else FAILED


def _servers(settings: Settings) -> list[ModelServer]:
    """Return the servers on this machine. Raises FootnoteError if the setting forbids the search."""
    if not settings.find_models:
        raise FootnoteError(
            f"FOOTNOTE_FIND_MODELS is false, so none are looked for. Name one: {command('models --use MODEL --at URL')}"
        )
    return find_servers()


def _url_of(model: str, settings: Settings) -> str:
    """Return the URL of the server on this machine that has a model."""
    servers = _servers(settings)
    for server in servers:
        if has_model(server.models, model):
            return server.url
    known = ", ".join(name for server in servers for name in server.models)
    raise FootnoteError(
        f"No server on this machine has the model {model!r}. {f'There are: {known}.' if known else 'None was found.'} "
        f"For another server: {command('models --use MODEL --at URL')}"
    )


def _writer(settings: Settings) -> str:
    """Return the sentence that says who writes answers."""
    if settings.writer == "llm":
        return f"Answers are written by {one_line(str(settings.llm_model))} at {settings.llm_url}, and checked."
    return "Answers are quotes from the sources."
