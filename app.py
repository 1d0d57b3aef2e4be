"""Footnote's command line, and create_app() for servers.

Answers questions from your own articles, in their own words, and shows where. Without a command it serves the page.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging.handlers
import os
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

# Said before any library is loaded: nothing reports home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Libraries make millions of objects that stay; looking for garbage among them at every 700th costs seconds of a start.
gc.set_threshold(50_000, 20, 50)

from index.errors import FootnoteError
from rag.settings import Settings, listing, make_settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from tqdm import tqdm

    from index.sync import Progress, Report
    from rag.answer import Answer

ANSWERED, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
COMMANDS = ("serve", "ask", "index", "show", "settings")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The page as an ASGI app, for uvicorn or another server; models load in the background."""
    from rag.engine import Engine
    from rag.ui.server import make_server

    engine = Engine(settings or make_settings())
    server = make_server(engine)
    # Only now: the page comes first, and the models' libraries would slow it down.
    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
    return server


def serve(arguments: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    settings = make_settings(host=arguments.host, port=arguments.port)
    port = _free_port(settings.host, settings.port)
    if port is None:
        return FAILED
    _log_to(settings.index_home() / "logs" / "footnote.log")
    print(f"Starting. The page will be at http://{settings.host}:{port} (Ctrl-C ends it).", flush=True)
    import uvicorn

    # Pages that are open in a browser hold connections for ever: they don't hold up the end.
    app = create_app(settings)
    uvicorn.run(app, host=settings.host, port=port, log_level="warning", timeout_graceful_shutdown=2)
    return ANSWERED


def _log_to(path: Path) -> None:
    """Write warnings and errors to a file that does not grow for ever."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def _free_port(host: str, port: int) -> int | None:
    """`port` when it is free; else the next free one if the user at the terminal wants it, else None."""
    if _is_free(host, port):
        return port
    following = next((other for other in range(port + 1, port + 100) if _is_free(host, other)), None)
    if following is None:
        print(f"Port {port} on {host} is taken or not allowed, and so are the next ones.", file=sys.stderr)
        return None
    offer = f"Port {port} on {host} is taken or not allowed; {following} is free."
    if sys.stdin.isatty():
        if input(f"{offer} Use it? [Y/n] ").strip().lower() in ("", "y", "yes"):
            return following
        return None
    print(f"{offer} Use it with: python app.py serve --port {following}", file=sys.stderr)
    return None


def _is_free(host: str, port: int) -> bool:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError):
        return False
    return True


def ask(arguments: argparse.Namespace) -> int:
    """Answer one question and print it; the exit code tells an answer from a refusal."""
    from rag.answer import BadQuestion, answer, check
    from rag.engine import Engine

    settings = make_settings(home=arguments.home)
    try:
        check(arguments.question, settings.max_question)
        engine = Engine(settings)
        with _progress() as progress:
            report, why = engine.ensure_index(progress)
        if report:
            print(f"{why}; it was made from {report.articles} sources.", file=sys.stderr)
        found = answer(engine, arguments.question)
    except BadQuestion as error:
        print(error, file=sys.stderr)
        return MISUSED
    if stale := engine.stale():
        print(f"{_count(len(stale), 'source')} changed since the index was made: python app.py index", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        _print_answer(found)
    return REFUSED if found.refused else ANSWERED


def _print_answer(found: Answer) -> None:
    print(found.text)
    for one in found.citations:
        when = f", {one.published.day} {one.published:%b %Y}" if one.published else ""
        print(f"\n[{one.number}] {one.title} ({one.source}{when}), characters {one.start} to {one.end}")
    if found.refused and found.passages:
        print("\nNearest passages:")
        for passage in found.passages[:3]:
            print(f"\n- {passage.title} ({passage.source})")
            print(textwrap.indent(textwrap.shorten(passage.text, 300, placeholder=" ..."), "  "))
    for note in found.notes:
        print(f"\nNote: {note}")


def index(arguments: argparse.Namespace) -> int:
    """Make the index equal to the sources and say what was done."""
    from rag.engine import Engine

    engine = Engine(make_settings(home=arguments.home))
    with _progress() as progress:
        report = engine.index([Path(path) for path in arguments.paths], rebuild=arguments.rebuild, progress=progress)
    _print_report(report)
    return ANSWERED


def _print_report(report: Report) -> None:
    done = [
        f"{len(names)} {what}"
        for what, names in (
            ("added", report.added),
            ("changed", report.changed),
            ("removed", report.removed),
            ("unchanged", report.unchanged),
            ("failed", report.failed),
        )
        if names
    ]
    print(f"Sources: {', '.join(done) or 'none found'}.")
    for source, reason in report.failed:
        print(f"  failed: {source!r} {reason}")
    for source, note in report.notes:
        print(f"  note: {source!r} {note}")
    if report.other_formats:
        kinds = sorted({Path(name).suffix or name for name in report.other_formats})
        print(f"  left out: {_count(len(report.other_formats), 'file')} of other formats ({', '.join(kinds)})")
    state = "The index holds" if report.built else "Nothing to do: the index holds"
    made = f", {report.embedded} embedded" if report.built else ""
    print(
        f"{state} {_count(report.articles, 'source')} in {_count(report.chunks, 'chunk')}{made} "
        f"({report.seconds:.1f} s)."
    )


def show(arguments: argparse.Namespace) -> int:
    """Print the stored text of a source, or a part of it by offsets."""
    import difflib

    from rag.engine import Engine

    engine = Engine(make_settings(home=arguments.home))
    engine.ensure_index()
    catalog = engine.parts()[0].catalog
    article = catalog.article(arguments.source)
    if article is None:
        sources = [source for source, _, _ in catalog.titles()]
        near = difflib.get_close_matches(arguments.source, sources, 3, 0.4) or sources[:5]
        names = "\n".join(f"  {name}" for name in near)
        raise FootnoteError(f"There is no source called {arguments.source!r}. Did you mean one of these?\n{names}")
    length = len(article.text)
    start = arguments.start if arguments.start is not None else 0
    end = arguments.end if arguments.end is not None else length
    if not 0 <= start <= end <= length:
        raise FootnoteError(f"--from {start} --to {end} is outside the text: it has {length} characters, from 0.")
    sys.stdout.buffer.write(article.text[start:end].encode("utf-8", "replace"))
    sys.stdout.buffer.write(b"" if arguments.start is not None or arguments.end is not None else b"\n")
    return ANSWERED


def settings(arguments: argparse.Namespace) -> int:
    """List every setting with its value in force."""
    rows = listing(make_settings(home=arguments.home))
    for name, value, meaning in rows:
        print(f"{name:30} {value}\n{'':30} {meaning}")
    return ANSWERED


class _progress:
    """A progress bar on the terminal's error stream, one per stage, gone when its stage is done."""

    def __enter__(self) -> Progress:
        self._stage = ""
        self._bar: tqdm[NoReturn] | None = None
        return self._tell

    def _tell(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if stage != self._stage:
            self.__exit__()
            self._stage = stage
            self._bar = tqdm(total=total, desc=stage, leave=False, file=sys.stderr, disable=None)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def make_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Footnote answers questions from your own articles, in their own words, and shows where.",
        epilog="Without a command the page is served. The first use makes an index of the articles in seeds/.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument("--home", type=Path, help="folder for the index (default: FOOTNOTE_HOME, else .footnote/)")

    one = commands.add_parser("serve", help="serve the page in the browser (the default)")
    one.add_argument("--host", help="address to serve on (default: 127.0.0.1, this machine only)")
    one.add_argument("--port", type=int, help="port to serve on (default: 7860)")
    one.set_defaults(run=serve)

    one = commands.add_parser(
        "ask",
        parents=[home],
        help="answer one question",
        description="Answer one question from the sources.",
        epilog="Exit codes: 0 answered, 3 refused (the sources do not say), 2 the question can't be asked, 1 failed.",
    )
    one.add_argument("question", help="the question, in quotes")
    one.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    one.set_defaults(run=ask)

    one = commands.add_parser(
        "index",
        parents=[home],
        help="make the index say what the sources say",
        description="Add folders or files to the sources and bring the index up to date with all of them.",
    )
    one.add_argument("paths", nargs="*", metavar="PATH", help="a folder or file to add (none: sync what is registered)")
    one.add_argument("--rebuild", action="store_true", help="make everything anew, even what has not changed")
    one.set_defaults(run=index)

    one = commands.add_parser("show", parents=[home], help="print the stored text of a source")
    one.add_argument("source", metavar="SOURCE", help="its name as citations give it")
    one.add_argument("--from", dest="start", type=int, metavar="N", help="first character (from 0)")
    one.add_argument("--to", dest="end", type=int, metavar="N", help="character to stop before")
    one.set_defaults(run=show)

    one = commands.add_parser("settings", parents=[home], help="list every setting, its value and meaning")
    one.set_defaults(run=settings)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "serve")
    arguments = make_parser().parse_args(given)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no complaint, and none from Python at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
