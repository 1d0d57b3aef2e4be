"""Answers the lines of standard input: a chat in the terminal, or for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from index.errors import FootnoteError, IndexDamaged
from rag.answer import answer
from rag.choice import ALL_SOURCES, Choice
from rag.cli.terminal import print_answer, print_json, print_line, print_prompt, print_trouble
from rag.conversation.thread import Thread
from rag.engine import Engine
from rag.types import SCHEMA, Answer

_PROMPT = "\n> "
_WELCOME = "Ask about your sources. An empty line begins a new conversation, Ctrl-D ends."


def chat(engine: Engine, choice: Choice = ALL_SOURCES, *, as_json: bool) -> None:
    """Answer standard input line by line until it ends.

    An empty line begins a new conversation. `choice` selects the sources.

    With `as_json` each question gets exactly one line of JSON; a question that can't be answered has "error".
    """
    people = sys.stdin.isatty() and not as_json
    if people:
        print_line(_WELCOME)
    thread = Thread()
    for line in _lines(_PROMPT if people else ""):
        if not line.strip():
            if people and thread.turns:
                print_line("A new conversation.")
            thread = Thread()
            continue
        try:
            found = _answered(engine, line, thread, choice)
        except FootnoteError as error:
            if as_json:
                print_json(
                    {"schema": SCHEMA, "question": line.strip(), "answer": "", "refused": False, "error": str(error)}
                )
            else:
                print_trouble(error)
            continue
        thread = thread.then(found)
        if as_json:
            print_json(found.to_json())
        else:
            print_answer(found)


def _answered(engine: Engine, line: str, thread: Thread, choice: Choice) -> Answer:
    try:
        return answer(engine, line, thread=thread, choice=choice)
    except IndexDamaged:
        engine.ensure_index()
        return answer(engine, line, thread=thread, choice=choice)


def _lines(prompt: str) -> Iterator[str]:
    while True:
        if prompt:
            print_prompt(prompt)
        line = sys.stdin.readline()
        if not line:
            return
        yield line
