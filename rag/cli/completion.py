"""The command `completion`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.cli.codes import ANSWERED
from rag.cli.parser import make_parser
from rag.cli.terminal import print_line


def completion_command(arguments: argparse.Namespace) -> int:
    """Print a script that completes commands, options and paths in a shell."""
    import shtab

    parser = make_parser()
    parser.prog = "footnote"  # a checkout's `python app.py` is no command that a shell completes
    _complete_paths(parser, shtab.FILE)
    print_line(shtab.complete(parser, arguments.shell))
    return ANSWERED


def _complete_paths(parser: argparse.ArgumentParser, how: object) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_paths(command, how)
        elif action.type is Path or action.dest == "home" or "PATH" in str(action.metavar):
            action.complete = how  # type: ignore[attr-defined]
