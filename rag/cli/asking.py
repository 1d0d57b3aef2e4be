"""The commands that answer questions: ask, chat, replay, whatsnew."""

from __future__ import annotations

import argparse

from index.errors import IndexDamaged
from rag import receipt
from rag.answer import BadQuestion, answer, check_question
from rag.choice import Choice
from rag.cli import lines
from rag.cli.codes import ANSWERED, FAILED, MISUSED, REFUSED
from rag.cli.terminal import print_answer, print_json, print_problems, print_replayed, print_trouble, progress_bar
from rag.engine import Engine
from rag.printable import one_line
from rag.settings import make_settings


def ask_command(arguments: argparse.Namespace) -> int:
    """Answer one question and print the answer.

    The exit code distinguishes an answer from a refusal.
    """
    settings = make_settings(home=arguments.home, writer=arguments.writer)
    try:
        question = " ".join(arguments.question)
        check_question(question, settings.max_question)
        for again in (True, False):
            engine = Engine(settings)
            _ensure_index(engine)
            try:
                choice = Choice(only=tuple(arguments.source), as_of=arguments.as_of, since=arguments.since)
                found = answer(engine, question, choice=choice, as_typed=arguments.as_typed)
                break
            except IndexDamaged:
                # An answer may find damage that opening missed; the next opening then checks everything.
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


def chat_command(arguments: argparse.Namespace) -> int:
    """Answer questions line by line, as one conversation until an empty line."""
    engine = Engine(make_settings(home=arguments.home, writer=arguments.writer))
    _ensure_index(engine)
    if changed := engine.changed_note():
        print_trouble(changed)
    lines.chat(engine, Choice(as_of=arguments.as_of, since=arguments.since), as_json=arguments.json)
    return ANSWERED


def _ensure_index(engine: Engine) -> None:
    """Build the index if there is no usable one, and print why."""
    with progress_bar() as progress:
        report, why = engine.ensure_index(progress)
    if report:
        print_trouble(f"{one_line(why)}; it was made from {report.articles} sources.")


def replay_command(arguments: argparse.Namespace) -> int:
    """Ask the question of a stored answer again, and print what changed.

    The exit code distinguishes an identical answer from another.
    """
    engine = Engine(make_settings(home=arguments.home))
    engine.ensure_index()
    found = receipt.replay(engine, receipt.read_receipt(arguments.receipt))
    if arguments.json:
        print_json(found.to_json())
    else:
        print_replayed(found)
    return ANSWERED if found.identical else FAILED


def whatsnew_command(arguments: argparse.Namespace) -> int:
    """Print the questions whose answers have changed since the last run."""
    from rag.evaluation.read import read_questions

    engine = Engine(make_settings(home=arguments.home))
    engine.ensure_index()
    questions = read_questions(arguments.questions, engine.settings.max_question)
    print_problems(questions.problems, strict=False)
    texts = [one.text for one in questions.questions]
    changed = receipt.whats_new(engine, questions.name, texts)
    if changed is None:
        print_trouble(f"Saved {len(texts):,} answers. The next run lists those that have changed.")
        return ANSWERED
    for one in changed:
        if arguments.json:
            print_json(one.to_json())
        else:
            print_replayed(one)
    print_trouble(f"{len(changed):,} of {len(texts):,} questions have a new answer since the last run.")
    return ANSWERED
