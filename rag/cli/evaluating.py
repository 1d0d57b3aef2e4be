"""The commands that measure answers: evaluate, compare."""

from __future__ import annotations

import argparse

from rag.cli.codes import ANSWERED, FAILED, INTERRUPTED, MISUSED
from rag.cli.terminal import print_json, print_line, print_problems, print_trouble, progress_bar
from rag.evaluation import compare as comparing
from rag.evaluation import corpus, labels, run, table
from rag.evaluation.read import read_questions
from rag.printable import one_line
from rag.settings import make_settings
from rag.ui import report


def evaluate_command(arguments: argparse.Namespace) -> int:
    """Ask every question of a set, measure the answers and write a run.

    With a baseline, print what changed too.
    """
    if arguments.fail_if_worse and not arguments.baseline:
        print_trouble("--fail-if-worse needs a --baseline to compare with.")
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
    print_problems(labels.missing_labels(questions, corpus.question_corpus(engine, questions)), strict=arguments.strict)
    options = run.Options(arguments.never_refuse, tuple(arguments.tag), arguments.corpus or "")
    making = run.describe_run(engine, questions, options)
    folder = arguments.out or run.choose_folder(home, questions, making)
    with progress_bar() as progress:
        try:
            for done, total in run.ask_all(engine, questions, folder, making, arguments.workers):
                progress("asking", done, total)
        except KeyboardInterrupt:
            print_trouble(f"\nStopped; the answers so far are in {folder}. Run the same command to continue.")
            return INTERRUPTED
    print_line(table.summary_text(run.finish(folder)))
    made = run.open_run(str(folder), home)
    compared = comparing.compare(baseline, made) if baseline else None
    report.write_report(folder, compared)
    print_line(f"\n{folder / 'report.html'}")
    return _verdict(compared, arguments) if compared else ANSWERED


def compare_command(arguments: argparse.Namespace) -> int:
    """Compare two runs and print what changed."""
    home = make_settings(home=arguments.home).index_home()
    old, new = (run.open_run(name, home) for name in (arguments.old, arguments.new))
    compared = comparing.compare(old, new)
    if arguments.html:
        report.write_report(new.folder, compared, arguments.html)
    return _verdict(compared, arguments)


def _verdict(compared: comparing.Comparison, arguments: argparse.Namespace) -> int:
    if getattr(arguments, "json", False):
        print_json(compared.to_json(), indent=1)
    else:
        print_line(f"\n{table.comparison_text(compared)}")
    return FAILED if arguments.fail_if_worse and compared.worse else ANSWERED
