"""The command line: parses the arguments, runs the command, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from rag.environment import collect_less, prepare

# Before any other import: libraries read these settings when they are loaded.
prepare()

from index.errors import FootnoteError
from rag.cli.codes import FAILED, INTERRUPTED
from rag.cli.parser import make_parser
from rag.cli.terminal import print_trouble
from rag.variables import unknown_variables

COMMANDS = {
    "serve": "rag.cli.serve",
    "ask": "rag.cli.asking",
    "chat": "rag.cli.asking",
    "replay": "rag.cli.asking",
    "whatsnew": "rag.cli.asking",
    "index": "rag.cli.commands",
    "sources": "rag.cli.commands",
    "forget": "rag.cli.commands",
    "doctor": "rag.cli.commands",
    "show": "rag.cli.commands",
    "backup": "rag.cli.keeping",
    "restore": "rag.cli.keeping",
    "models": "rag.cli.models",
    "settings": "rag.cli.show_settings",
    "completion": "rag.cli.completion",
    "mcp": "rag.cli.mcp",
    "user": "rag.cli.users",
    "token": "rag.cli.users",
    "audit": "rag.cli.users",
    "evaluate": "rag.cli.evaluating",
    "compare": "rag.cli.evaluating",
}
"""Command -> the module with its function NAME_command; only that module is imported."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    collect_less()
    given = list(sys.argv[1:] if words is None else words)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "serve")
    arguments = make_parser().parse_args(given)
    try:
        if arguments.command not in ("settings", "doctor"):  # these two list the variables themselves
            for line in unknown_variables():
                print_trouble(line)
        return _command(arguments.command)(arguments)
    except FootnoteError as error:
        print_trouble(error)
        return FAILED
    except BrokenPipeError:
        # The reader of our output has closed it (`| head`): print no error, and let Python print none at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        what = f"{str(error.filename)[:200]} can't be used" if error.filename else "The system refused"
        print_trouble(f"{what}: {error.strerror or error}. Check the path, its permissions and the free space.")
        return FAILED
    except KeyboardInterrupt:
        print_trouble("Stopped.")
        return INTERRUPTED


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    run: Callable[[argparse.Namespace], int] = getattr(import_module(COMMANDS[name]), f"{name}_command")
    return run
