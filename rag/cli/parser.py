"""The arguments of the command line: every command with its options and help texts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from index.program import IS_CHECKOUT
from index.text.published import Published, read_period
from rag.access.visitor import ROLES
from rag.printable import safe
from rag.settings import HOME, SEEDS


class _Parser(argparse.ArgumentParser):
    """A parser that escapes its error messages: a shell's pattern can match file names with control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(safe(message))


_HOME, _SAMPLE = (".footnote/", "seeds") if IS_CHECKOUT else (str(one).replace("%", "%%") for one in (HOME, SEEDS))
"""The default home and the folder of the sample articles, as the help names them."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="app.py" if IS_CHECKOUT else "footnote",
        description="Footnote answers questions from your own articles, in their own words, and shows where.",
        epilog="Without a command, Footnote serves the page. The first start indexes the sample articles.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    home = _Parser(add_help=False)
    home.add_argument("--home", type=_folder, help=f"folder for the index (default: FOOTNOTE_HOME, else {_HOME})")

    writer = _Parser(add_help=False)
    writer.add_argument(
        "--writer",
        choices=("quote", "llm"),
        help="who writes: the sources' own words, or the language model of FOOTNOTE_LLM_URL, each sentence checked "
        "(default: FOOTNOTE_WRITER, else quote)",
    )

    dates = _Parser(add_help=False)
    for name, meaning in (("as-of", "published after this date"), ("since", "published before this date")):
        dates.add_argument(
            f"--{name}", type=_period, metavar="DATE", help=f"ask no source {meaning} (2024-12-31, 2024-12 or 2024)"
        )

    one = commands.add_parser("serve", help="serve the page in the browser (the default)")
    one.add_argument("--host", help="address to serve on (default: 127.0.0.1, this machine only)")
    one.add_argument("--port", type=int, help="port to serve on (default: 7860)")
    one.add_argument(
        "--no-login",
        action="store_true",
        help="let everyone in who reaches --host, with every right, even if there are users",
    )

    one = commands.add_parser(
        "ask",
        parents=[home, writer, dates],
        help="answer one question",
        description="Answer one question from the sources.",
        epilog="Exit codes: 0 answered, 3 refused (the sources do not say), 2 the question can't be asked, 1 failed.",
    )
    one.add_argument("question", nargs="+", help="the question; in quotes, because the shell interprets ? and '")
    one.add_argument(
        "--as-typed", action="store_true", help="search exactly what is typed, without spelling correction"
    )
    one.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help='ask only this source, or all that a pattern like "notes/*.pdf" names (can be repeated)',
    )
    one.add_argument("--json", action="store_true", help="print the whole answer as JSON")

    one = commands.add_parser(
        "chat",
        parents=[home, writer, dates],
        help="ask one question after the other, in a conversation",
        description="Answer each line of the input. A question may refer to what was said before; an empty line "
        "begins a new conversation, and the end of the input (Ctrl-D) ends it.",
    )
    one.add_argument("--json", action="store_true", help="print one answer as JSON on each line, for programs")

    _add_index_commands(commands, home)

    _add_evaluation_commands(commands, home, writer)

    _add_comparing_commands(commands, home)

    one = commands.add_parser(
        "models",
        parents=[home],
        help="list the language models on this machine, and choose one to write answers",
        description="List the language models that servers on this machine have (Ollama, LM Studio, llama.cpp, vLLM), "
        "choose one to write answers, or return to quotes. The choice is kept; the key never is.",
        epilog="Exit codes: 0 done, 1 no server was found, or the model does not exist.",
    )
    one.add_argument("--use", metavar="MODEL", help="let this model write answers")
    one.add_argument("--at", metavar="URL", help="where its server is (default: the one on this machine that has it)")
    one.add_argument("--quote", action="store_true", help="answer in the sources' own words again")

    commands.add_parser(
        "mcp",
        parents=[home],
        help="serve tools for MCP clients, over standard input and output",
        description="Serve the tools ask, search, list_sources and read_source to an MCP client, which starts this "
        "command itself. It ends when its standard input ends.",
    )

    _add_access_commands(commands, home)

    one = commands.add_parser("settings", parents=[home], help="list every setting, its value and meaning")

    one = commands.add_parser(
        "completion",
        help="print a script that completes commands in a shell",
        description="Print a script that completes commands, options and paths in a shell.",
        epilog="In bash: source <(footnote completion bash). In fish: footnote completion fish | source. For zsh, save "
        "it as _footnote in a folder of fpath.",
    )
    one.add_argument("shell", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    return parser


def _add_comparing_commands(commands: Any, home: _Parser) -> None:
    one = commands.add_parser(
        "replay",
        parents=[home],
        help="ask an answered question again, and report what changed",
        description="Ask the question of a saved answer again, as it was searched. Report whether the answer is "
        "identical, or what changed and why.",
        epilog="Exit code 0 for an identical answer, 1 for a different answer.",
    )
    one.add_argument("receipt", type=Path, metavar="FILE", help="an answer as `ask --json` prints it")
    one.add_argument("--json", action="store_true", help="print the outcome as JSON")

    one = commands.add_parser(
        "whatsnew",
        parents=[home],
        help="list the questions whose answers have changed",
        description="Ask the questions of a set and list those whose answers have changed since the last run, and why. "
        "The first run saves the answers to compare with.",
    )
    one.add_argument(
        "questions", type=Path, metavar="QUESTIONS", help="a question set, in any form that evaluate reads"
    )
    one.add_argument("--json", action="store_true", help="print the changes as JSON, one line each")


def _add_evaluation_commands(commands: Any, home: _Parser, writer: _Parser) -> None:
    one = commands.add_parser(
        "evaluate",
        parents=[home, writer],
        help="ask a whole question set and measure the answers",
        description="Ask every question of a set, measure the answers and write a run: results, summary and report. "
        "Repeat the same command to continue a stopped run.",
        epilog="QUESTIONS is JSONL, JSON, CSV, XLSX, TREC topics, a BEIR folder or SQuAD JSON, also with the keys of "
        "other tools: docs/evaluation.md.",
    )
    one.add_argument("questions", type=Path, metavar="QUESTIONS", help="the question set")
    one.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the run (default: a new one in FOOTNOTE_HOME/runs)"
    )
    one.add_argument("--baseline", metavar="RUN", help="an earlier run (name or folder) to compare with")
    one.add_argument("--corpus", metavar="PATH|same", help="search this folder, or the articles in the set")
    one.add_argument("--tag", action="append", default=[], help="ask only questions with this tag (can be repeated)")
    one.add_argument("--strict", action="store_true", help="ask nothing when the question set has any problem")
    one.add_argument("--never-refuse", action="store_true", help="always answer, to measure reading without refusals")
    one.add_argument("--workers", type=_positive, default=1, metavar="N", help="questions asked at once (default: 1)")
    one.add_argument(
        "--fail-if-worse", action="store_true", help="exit with 1 when a measure is worse than the baseline's"
    )

    one = commands.add_parser(
        "compare",
        parents=[home],
        help="report what changed between two runs",
        description="Compare two runs over the questions they share: verdicts by measure, and which answers changed.",
    )
    one.add_argument("old", metavar="RUN_A", help="the baseline: a run's name or folder")
    one.add_argument("new", metavar="RUN_B", help="the run that is judged")
    one.add_argument("--html", type=Path, metavar="FILE", help="also write a report with both")
    one.add_argument("--json", action="store_true", help="print the comparison as JSON")
    one.add_argument("--fail-if-worse", action="store_true", help="exit with 1 when a measure is worse")


def _add_index_commands(commands: Any, home: _Parser) -> None:
    one = commands.add_parser(
        "index",
        parents=[home],
        help="bring the index up to date with the sources",
        description="Add folders, files or web pages to the sources and bring the index up to date with all of them.",
        epilog="Exit codes: 0 done, 1 it failed, or one of the files or addresses named can't be read, 2 misuse.",
    )
    one.add_argument(
        "paths",
        nargs="*",
        metavar="PATH|URL",
        help="a folder, file or web page to add (none: sync what is registered)",
    )
    one.add_argument("--rebuild", action="store_true", help="build everything again, even what has not changed")
    one.add_argument("--dry-run", action="store_true", help="report what would change, and change nothing")
    one.add_argument("--watch", action="store_true", help="update again whenever a source changes, until Ctrl-C")
    one.add_argument("--json", action="store_true", help="print the report as JSON, one line each")

    one = commands.add_parser("sources", parents=[home], help="list what is in the index")
    one.add_argument("--json", action="store_true", help="print the list as JSON")

    one = commands.add_parser(
        "forget",
        parents=[home],
        help="remove sources from the index",
        description="Remove sources from the index until `index` names them again. Your files are not touched. A "
        "registered folder can be removed too: Footnote then stops looking for changes in it.",
    )
    one.add_argument("sources", nargs="*", metavar="SOURCE", help="its name as `sources` gives it, or a folder")
    one.add_argument("--sample", action="store_true", help=f"the sample articles; `index {_SAMPLE}` brings them back")

    one = commands.add_parser(
        "doctor",
        parents=[home],
        help="check for problems",
        description="Check models, disk, sources and the index with every chunk and vector, and say how to repair "
        "problems. With --url check a running server instead, as far as it lets the user of FOOTNOTE_TOKEN.",
        epilog="Exit code 1 when there is a problem.",
    )
    one.add_argument("--url", type=_server_url, help="a running server, for example http://127.0.0.1:7860")
    one.add_argument("--json", action="store_true", help="print the checks as JSON, one line each")

    one = commands.add_parser(
        "backup",
        parents=[home],
        help="write what can't be rebuilt into one file",
        description="Write settings, registered folders, uploads, conversations, groups, feedback, question sets, "
        "runs and copies of web pages into one .zip file. Your own folders are not copied, nor is .env, because it may "
        "contain keys.",
    )
    one.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist yet")
    one.add_argument("--with-index", action="store_true", help="include the index, so that it need not be rebuilt")

    one = commands.add_parser(
        "restore",
        parents=[home],
        help="restore a home from a backup",
        description="Restore a home from a file that `backup` wrote on this or another machine. Stop the page first. A "
        "damaged file changes nothing.",
    )
    one.add_argument("file", type=Path, metavar="FILE", help="a file that `backup` wrote")
    one.add_argument("--replace", action="store_true", help="move the existing home aside first")

    one = commands.add_parser("show", parents=[home], help="print the stored text of a source, or its blocks")
    one.add_argument("source", metavar="SOURCE", help="its name as citations give it")
    one.add_argument("--from", dest="start", type=int, metavar="N", help="first character (from 0)")
    one.add_argument("--to", dest="end", type=int, metavar="N", help="character to stop before")
    one.add_argument("--blocks", action="store_true", help="print its headings, lists, rows and paragraphs instead")


def _add_access_commands(commands: Any, home: _Parser) -> None:
    roles = "reader (ask), editor (sources and evaluation too), admin (settings and users too)"
    one = commands.add_parser(
        "user",
        help="add, list and change the people who may log in",
        description="As long as there is no user, the page has no log-in. The first user is an admin. A password is "
        "typed, or read from the standard input. Changes take effect at once.",
    )
    steps = one.add_subparsers(dest="step", metavar="STEP", required=True)
    step = steps.add_parser("add", parents=[home], help="add a user")
    step.add_argument("name", metavar="NAME")
    step.add_argument("--role", choices=ROLES, help=f"{roles}; default: reader, for the first user admin")
    step.add_argument("--no-password", action="store_true", help="for tokens, or users whom a proxy logs in")
    step = steps.add_parser("list", parents=[home], help="list the users")
    step.add_argument("--json", action="store_true", help="print them as JSON, one line each")
    step = steps.add_parser("role", parents=[home], help="give a user another role")
    step.add_argument("name", metavar="NAME")
    step.add_argument("role", choices=ROLES, help=roles)
    for name, meaning in (
        ("password", "set a user's password, and end their sessions"),
        ("disable", "keep a user out; tokens and conversations rest"),
        ("enable", "let a disabled user in again"),
        ("remove", "remove a user with their tokens and conversations"),
    ):
        steps.add_parser(name, parents=[home], help=meaning).add_argument("name", metavar="NAME")

    one = commands.add_parser("token", help="make, list and revoke tokens, with which programs ask as a user")
    steps = one.add_subparsers(dest="step", metavar="STEP", required=True)
    step = steps.add_parser("new", parents=[home], help="make a token and print it, this once")
    step.add_argument("name", metavar="USER")
    step.add_argument("--role", choices=ROLES, help="a lesser role than the user's")
    step.add_argument("--label", default="", help="what it is for")
    step.add_argument("--days", type=_positive, metavar="N", help="days until it ends (default: it does not)")
    step = steps.add_parser("list", parents=[home], help="list the tokens")
    step.add_argument("name", metavar="USER", nargs="?")
    step.add_argument("--json", action="store_true", help="print them as JSON, one line each")
    step = steps.add_parser("revoke", parents=[home], help="revoke a token")
    step.add_argument("id", metavar="ID", help="as `token list` prints it")

    one = commands.add_parser("audit", parents=[home], help="list who changed what")
    one.add_argument("--last", type=_positive, default=100, metavar="N", help="most entries (default: 100)")
    one.add_argument("--json", action="store_true", help="print them as JSON, one line each")


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a folder, got nothing")
    return Path(text)


def _server_url(text: str) -> str:
    expected = "expected a URL like https://chat.example.org"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isprintable()
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{expected}, got {text[:80]!r}")
    if parts.username is not None or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"{expected} alone; a token goes into FOOTNOTE_TOKEN")
    return text.rstrip("/")


def _period(text: str) -> Published:
    if found := read_period(text):
        return found
    raise argparse.ArgumentTypeError(f"expected a date such as 2024-12-31, 2024-12 or 2024, got {safe(text)!r}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number
