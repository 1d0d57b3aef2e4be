"""What the command line prints: answers, reports, problems, and progress."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from index.errors import FootnoteError
from index.sync import Progress, Report
from rag.answer import Answer


def print_answer(found: Answer) -> None:
    """The answer, where each citation stands, the nearest passages of a refusal, and notes."""
    print(found.text)
    for one in found.citations:
        when = f", {one.published.day} {one.published:%b %Y}" if one.published else ""
        place = f", p. {one.page}" if one.page else f", {one.heading}" if one.heading else ""
        print(f"\n[{one.number}] {one.title} ({one.source}{place}{when}), characters {one.start} to {one.end}")
    if found.refused and found.passages:
        print("\nNearest passages:")
        for passage in found.passages[:3]:
            print(f"\n- {passage.title} ({passage.source})")
            print(textwrap.indent(textwrap.shorten(passage.text, 300, placeholder=" ..."), "  "))
    for note in found.notes:
        print(f"\nNote: {note}")


def print_report(report: Report) -> None:
    """What a sync did."""
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
        print(f"  left out: {count(len(report.other_formats), 'file')} of other formats ({', '.join(kinds)})")
    state = "The index holds" if report.built else "Nothing to do: the index holds"
    made = f", {report.embedded} embedded" if report.built else ""
    print(
        f"{state} {count(report.articles, 'source')} in {count(report.chunks, 'chunk')}{made} ({report.seconds:.1f} s)."
    )


def print_problems(problems: Sequence[object], *, strict: bool, most: int = 20) -> None:
    """Problems of a question set, one a line, on the error stream; the first `most`. When `strict`, any raises."""
    for problem in problems[:most]:
        print(problem, file=sys.stderr)
    if len(problems) > most:
        print(f"and {len(problems) - most:,} more problems", file=sys.stderr)
    if problems and strict:
        raise FootnoteError("Nothing was asked, because --strict wants a question set without problems.")


def print_stale(sources: Sequence[str]) -> None:
    """That sources changed since the index was made, on the error stream."""
    if sources:
        print(f"{count(len(sources), 'source')} changed since the index was made: python app.py index", file=sys.stderr)


class progress_bar:
    """A progress bar on the terminal's error stream, one per stage, gone when its stage is done."""

    def __enter__(self) -> Progress:
        self._stage = ""
        self._bar: tqdm[NoReturn] | None = None
        return self._tell

    def _tell(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self.__exit__()
            self._stage = stage
            self._bar = tqdm(total=total, initial=done, desc=stage, leave=False, file=sys.stderr, disable=None)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()


def count(number: int, noun: str) -> str:
    """ "1 source", "2 sources"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
