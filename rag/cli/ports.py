"""The port that serves the page: the configured one, or a free one that the user accepts."""

from __future__ import annotations

import socket
import sys

from index.errors import FootnoteError
from index.program import command
from rag.cli.terminal import print_trouble
from rag.printable import safe


def free_port(host: str, port: int) -> int | None:
    """Return `port` if it is free, else the next free one if the user accepts it.

    Asks only at a terminal; otherwise returns None. Raises FootnoteError if nothing can be served on `host`.
    """
    if not _is_free(host, 0):
        raise FootnoteError(f"FOOTNOTE_HOST is {host[:80]!r}: a name or address of this machine is expected.")
    if _is_free(host, port):
        return port
    following = next((other for other in range(port + 1, port + 100) if _is_free(host, other)), None)
    if following is None:
        print_trouble(f"Port {port} on {host} is taken or not allowed, and so are the next ones.")
        return None
    offer = f"Port {port} on {host} is taken or not allowed; {following} is free."
    if sys.stdin.isatty():
        if input(safe(f"{offer} Use it? [Y/n] ")).strip().lower() in ("", "y", "yes"):
            return following
        return None
    print_trouble(f"{offer} Use it with: {command('serve --port')} {following}")
    return None


def _is_free(host: str, port: int) -> bool:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError, ValueError):
        return False
    return True
