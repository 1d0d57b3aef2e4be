"""The command `settings`."""

from __future__ import annotations

import argparse

from rag.cli.codes import ANSWERED
from rag.cli.terminal import print_line
from rag.printable import one_line
from rag.settings import make_settings
from rag.variables import list_settings, unknown_variables


def settings_command(arguments: argparse.Namespace) -> int:
    """List every setting with its current value."""
    for name, value, meaning in list_settings(make_settings(home=arguments.home)):
        print_line(f"{name:30} {one_line(value)}\n{'':30} {meaning}")
    for line in unknown_variables():
        print_line(line)
    return ANSWERED
