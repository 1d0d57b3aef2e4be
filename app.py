"""Footnote's command line, and create_app() for servers.

Answers questions from your own articles, in their own words, and shows where. Without a command it serves the page.
"""

from __future__ import annotations

import argparse
import gc
import logging.handlers
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# Said before any library is loaded: nothing reports home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Gradio sums up all events anew at the end of each one, for a page that is not shown: seconds for a crowd.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Libraries make millions of objects that stay; looking for garbage among them at every 700th costs seconds of a start.
gc.set_threshold(50_000, 20, 50)

from index.errors import FootnoteError, IndexDamaged
from rag.cli.parser import make_parser
from rag.cli.terminal import print_json, print_line, print_stored, print_trouble
from rag.printable import one_line
from rag.settings import SEEDS, Settings, list_settings, make_settings, unknown_variables

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.evaluation.compare import Comparison

ANSWERED, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
_NO_LOGIN = (
    "The page was not started: it has no login, so everyone who reaches {host} could read, add and delete sources. "
    "Leave --host out to serve this machine only, or say --no-login too if everyone there may do all that."
)
_OPEN_TO_ALL = (
    "WARNING: the page has no login. Everyone who reaches {host} can read, add and delete sources, and ask. "
    "Keep it behind a firewall, or a proxy that asks for a password."
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The page as an ASGI app, for uvicorn or another server; models load in the background."""
    from rag.engine import Engine
    from rag.ui.server import make_server

    if settings is None:
        _tell_unknown_variables()
    engine = Engine(settings or make_settings())
    server = make_server(engine)
    # Only now: the page comes first, and the models' libraries would slow it down.
    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
    return server


def _tell_unknown_variables() -> None:
    for line in unknown_variables():
        print_trouble(line)


def serve(arguments: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    settings = make_settings(host=arguments.host, port=arguments.port)
    from rag.cli.ports import free_port
    from rag.hosts import in_url, is_loopback

    if not is_loopback(settings.host):
        if not arguments.no_login:
            print_trouble(_NO_LOGIN.format(host=settings.host))
            return MISUSED
        print_trouble(_OPEN_TO_ALL.format(host=settings.host))
    port = free_port(settings.host, settings.port)
    if port is None:
        return FAILED
    _log_to(settings.index_home() / "logs" / "footnote.log")
    import uvicorn

    print_line(f"Starting. The page will be at http://{in_url(settings.host)}:{port} (Ctrl-C ends it).")

    # Pages that are open in a browser hold connections for ever: they don't hold up the end.
    app = create_app(settings)
    uvicorn.run(app, host=settings.host, port=port, log_level="warning", timeout_graceful_shutdown=2)
    return ANSWERED


def _log_to(path: Path) -> None:
    """Write warnings and errors to a file that does not grow for ever; to the terminal where that can't be."""
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8")
    except OSError as error:
        print_trouble(f"{path} can't be written ({error.strerror}): warnings and errors are shown here.")
        handler = logging.StreamHandler()
    logging.raiseExceptions = False  # a disk that is full later is no reason for tracebacks
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def ask(arguments: argparse.Namespace) -> int:
    """Answer one question and print it; the exit code tells an answer from a refusal."""
    from rag.answer import BadQuestion, answer, check_question
    from rag.choice import Choice
    from rag.cli.terminal import print_answer, print_trouble, progress_bar
    from rag.engine import Engine

    settings = make_settings(home=arguments.home, writer=arguments.writer)
    try:
        question = " ".join(arguments.question)
        check_question(question, settings.max_question)
        for again in (True, False):
            engine = Engine(settings)
            with progress_bar() as progress:
                report, why = engine.ensure_index(progress)
            if report:
                print_trouble(f"{one_line(why)}; it was made from {report.articles} sources.")
            try:
                choice = Choice(only=tuple(arguments.source), as_of=arguments.as_of, since=arguments.since)
                found = answer(engine, question, choice=choice, as_typed=arguments.as_typed)
                break
            except IndexDamaged:
                # What the opening does not see, an answer may; the next opening then looks at everything.
                if not again:
                    raise
    except BadQuestion as error:
        print_trouble(error)
        return MISUSED
    if changed := engine.changed_note():
        print_trouble(changed)
    if arguments.json:
        print_json(found.to_json(), indent=2)
    else:
        print_answer(found)
    return REFUSED if found.refused else ANSWERED


def chat(arguments: argparse.Namespace) -> int:
    """Answer questions line by line, as one conversation until an empty line."""
    from rag.choice import Choice
    from rag.cli import lines
    from rag.cli.terminal import progress_bar
    from rag.engine import Engine

    engine = Engine(make_settings(home=arguments.home, writer=arguments.writer))
    with progress_bar() as progress:
        report, why = engine.ensure_index(progress)
    if report:
        print_trouble(f"{one_line(why)}; it was made from {report.articles} sources.")
    if changed := engine.changed_note():
        print_trouble(changed)
    lines.chat(engine, Choice(as_of=arguments.as_of, since=arguments.since), as_json=arguments.json)
    return ANSWERED


def index(arguments: argparse.Namespace) -> int:
    """Make the index equal to the sources and say what was done."""
    from rag.cli import commands as housekeeping

    if arguments.watch and (arguments.dry_run or arguments.rebuild):
        print_trouble("--watch goes on bringing the index up to date: not with --dry-run or --rebuild.")
        return MISUSED
    engine = housekeeping.open_engine(arguments.home)
    if arguments.watch:
        housekeeping.watch(engine, arguments.paths, as_json=arguments.json)
        return ANSWERED
    rebuild, dry_run = arguments.rebuild, arguments.dry_run
    done = housekeeping.index(engine, arguments.paths, rebuild=rebuild, dry_run=dry_run, as_json=arguments.json)
    return ANSWERED if done else FAILED


def sources(arguments: argparse.Namespace) -> int:
    """List the sources in the index."""
    from rag.cli import commands as housekeeping

    housekeeping.sources(housekeeping.open_engine(arguments.home), as_json=arguments.json)
    return ANSWERED


def forget(arguments: argparse.Namespace) -> int:
    """Take sources out of the index, for good."""
    from rag.cli import commands as housekeeping

    names = [*arguments.sources, *([str(SEEDS)] if arguments.sample else [])]
    if not names:
        print_trouble("Name a source to forget, as `python app.py sources` gives it, or say --sample.")
        return MISUSED
    housekeeping.forget(housekeeping.open_engine(arguments.home), names)
    return ANSWERED


def doctor(arguments: argparse.Namespace) -> int:
    """Look whether everything is in order."""
    from rag.cli import commands as housekeeping

    return ANSWERED if housekeeping.doctor(make_settings(home=arguments.home), as_json=arguments.json) else FAILED


def show(arguments: argparse.Namespace) -> int:
    """Print the stored text of a source, or a part of it by offsets."""
    from rag.cli import commands as housekeeping

    engine = housekeeping.open_engine(arguments.home)
    if arguments.blocks:
        housekeeping.show_blocks(engine, arguments.source)
        return ANSWERED
    text = housekeeping.text(engine, arguments.source, arguments.start, arguments.end)
    print_stored(text, whole=arguments.start is None and arguments.end is None)
    return ANSWERED


def evaluate(arguments: argparse.Namespace) -> int:
    """Ask every question of a set, measure, and write a run; against a baseline also say what changed."""
    from rag.cli.terminal import print_problems, print_trouble, progress_bar
    from rag.evaluation import compare as comparing
    from rag.evaluation import corpus, labels, run, table
    from rag.evaluation.read import read_questions
    from rag.ui import report

    if arguments.fail_if_worse and not arguments.baseline:
        print_trouble("--fail-if-worse compares with a --baseline, and none is named.")
        return MISUSED
    settings = make_settings(home=arguments.home, writer=arguments.writer)
    home = settings.index_home()
    baseline = run.open_run(arguments.baseline, home) if arguments.baseline else None
    questions = read_questions(arguments.questions, settings.max_question).tagged(arguments.tag)
    print_problems(questions.notes, strict=False)
    print_problems(questions.problems, strict=arguments.strict)
    with progress_bar() as progress:
        engine, synced = corpus.engine_for(settings, questions, arguments.corpus, progress)
    for source, reason in synced.failed if synced else []:
        print_trouble(f"{source!r} {one_line(reason)}")
    if changed := engine.changed_note():
        print_trouble(changed)
    print_problems(labels.unfound(questions, corpus.asked_corpus(engine, questions)), strict=arguments.strict)
    options = run.Options(arguments.never_refuse, tuple(arguments.tag), arguments.corpus or "")
    making = run.describe_run(engine, questions, options)
    folder = arguments.out or run.choose_folder(home, questions, making)
    with progress_bar() as progress:
        try:
            for done, total in run.ask_all(engine, questions, folder, making, arguments.workers):
                progress("asking", done, total)
        except KeyboardInterrupt:
            print_trouble(f"\nStopped; what is answered is kept in {folder}. The same command goes on.")
            return INTERRUPTED
    print_line(table.summary_text(run.finish(folder)))
    made = run.open_run(str(folder), home)
    compared = comparing.compare(baseline, made) if baseline else None
    report.write_report(folder, compared)
    print_line(f"\n{folder / 'report.html'}")
    return _verdict(compared, arguments) if compared else ANSWERED


def compare(arguments: argparse.Namespace) -> int:
    """Compare two runs."""
    from rag.evaluation import compare as comparing
    from rag.evaluation import run
    from rag.ui import report

    home = make_settings(home=arguments.home).index_home()
    old, new = (run.open_run(name, home) for name in (arguments.old, arguments.new))
    compared = comparing.compare(old, new)
    if arguments.html:
        report.write_report(new.folder, compared, arguments.html)
    return _verdict(compared, arguments)


def _verdict(compared: Comparison, arguments: argparse.Namespace) -> int:
    from rag.evaluation import table

    if getattr(arguments, "json", False):
        print_json(compared.to_json(), indent=1)
    else:
        print_line(f"\n{table.comparison_text(compared)}")
    return FAILED if arguments.fail_if_worse and compared.worse else ANSWERED


def replay(arguments: argparse.Namespace) -> int:
    """Ask again what was answered before; the exit code tells an identical answer from another."""
    from rag import receipt
    from rag.cli import commands as housekeeping
    from rag.cli.terminal import print_replayed

    engine = housekeeping.open_engine(arguments.home)
    engine.ensure_index()
    found = receipt.replay(engine, receipt.read_receipt(arguments.receipt))
    if arguments.json:
        print_json(found.to_json())
    else:
        print_replayed(found)
    return ANSWERED if found.identical else FAILED


def whatsnew(arguments: argparse.Namespace) -> int:
    """Say which questions have another answer than the last time."""
    from rag import receipt
    from rag.cli import commands as housekeeping
    from rag.cli.terminal import print_problems, print_replayed
    from rag.evaluation.read import read_questions

    engine = housekeeping.open_engine(arguments.home)
    engine.ensure_index()
    questions = read_questions(arguments.questions, engine.settings.max_question)
    print_problems(questions.problems, strict=False)
    asked = [one.text for one in questions.questions]
    changed = receipt.whats_new(engine, questions.name, asked)
    if changed is None:
        print_trouble(f"{len(asked):,} answers are kept. The next run says which have changed since.")
        return ANSWERED
    for one in changed:
        if arguments.json:
            print_json(one.to_json())
        else:
            print_replayed(one)
    print_trouble(f"{len(changed):,} of {len(asked):,} questions have another answer than the last time.")
    return ANSWERED


def settings(arguments: argparse.Namespace) -> int:
    """List every setting with its value in force."""
    rows = list_settings(make_settings(home=arguments.home))
    for name, value, meaning in rows:
        print_line(f"{name:30} {one_line(value)}\n{'':30} {meaning}")
    for line in unknown_variables():
        print_line(line)
    return ANSWERED


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "serve": serve,
    "ask": ask,
    "chat": chat,
    "index": index,
    "sources": sources,
    "forget": forget,
    "doctor": doctor,
    "show": show,
    "evaluate": evaluate,
    "compare": compare,
    "replay": replay,
    "whatsnew": whatsnew,
    "settings": settings,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "serve")
    arguments = make_parser().parse_args(given)
    try:
        if arguments.command not in ("settings", "doctor"):  # which list them themselves
            _tell_unknown_variables()
        return COMMANDS[arguments.command](arguments)
    except FootnoteError as error:
        print_trouble(error)
        return FAILED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no complaint, and none from Python at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        what = f"{str(error.filename)[:200]} can't be used" if error.filename else "The system refused"
        print_trouble(f"{what}: {error.strerror or error}. Check the path, its permissions and the free space.")
        return FAILED
    except KeyboardInterrupt:
        print_trouble("Stopped.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
