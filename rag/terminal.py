"""What the command line prints: answers, reports, problems, and progress."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from index.build import Progress, Report
from index.errors import FootnoteError
from rag.doctor import Check
from rag.sources import Source
from rag.types import Answer


def print_answer(found: Answer) -> None:
    """The answer, where each citation stands, the nearest passages of a refusal, and notes."""
    print(found.text)
    for one in found.citations:
        when = f", {one.published}" if one.published else ""
        place = f", p. {one.page}" if one.page else f", {one.heading}" if one.heading else ""
        print(f"\n[{one.number}] {one.title} ({one.source}{when}{place}), characters {one.start} to {one.end}")
        if one.also_in:
            print(f"    also in {', '.join(map(one_line, one.also_in))}")
    if found.refused and found.passages:
        print("\nNearest passages:")
        for passage in found.passages[:3]:
            print(f"\n- {passage.title} ({passage.source})")
            print(textwrap.indent(textwrap.shorten(passage.text, 300, placeholder=" ..."), "  "))
    for note in found.notes:
        print(f"\nNote: {note}")


def print_report(report: Report) -> None:
    """What a sync did."""
    print(f"Sources: {_done(report) or 'none found'}.")
    _print_remarks(report)
    state = "The index holds" if report.built else "Nothing to do: the index holds"
    made = f", {report.embedded} embedded" if report.built else ""
    print(
        f"{state} {count(report.articles, 'source')} in {count(report.chunks, 'chunk')}{made} ({report.seconds:.1f} s)."
    )


def print_preview(report: Report) -> None:
    """What a sync would do, source by source."""
    for what, names in (("add", report.added), ("change", report.changed), ("remove", report.removed)):
        for name in names:
            print(f"  {what:7} {name!r}")
    _print_remarks(report)
    print(f"Sources: {_done(report) or 'none found'}. Nothing was written.")


def print_sources(rows: Sequence[Source]) -> None:
    """The sources as a table."""
    if rows:
        width = min(60, max(len(one_line(row.source)) for row in rows))
        print(f"{'SOURCE':{width}}  {'PUBLISHED':10}  {'CHUNKS':>6}  {'CHARACTERS':>10}  TITLE")
    for row in rows:
        published = row.published.when if row.published else "-"
        figures = "  ".join(
            f"{'-' if n is None else f'{n:,}':>{w}}" for n, w in ((row.chunks, 6), (row.characters, 10))
        )
        state = "" if row.state == "indexed" else f" ({row.state})"
        print(f"{one_line(row.source):{width}}  {published:10}  {figures}  {one_line(row.title)}{state}")
    print(f"{count(sum(row.chunks is not None for row in rows), 'source')} in the index")


def print_check(check: Check) -> None:
    """A check of the doctor's on a line."""
    print(f"{'ok ' if check.ok else 'BAD'}  {check.name}: {check.told}")


def print_line(text: str) -> None:
    """A line for another program, at once."""
    print(text, flush=True)


def print_trouble(text: str) -> None:
    """What went wrong, on the error stream, at once."""
    print(text, file=sys.stderr, flush=True)


def one_line(name: str) -> str:
    """A name on one line: control characters as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def _done(report: Report) -> str:
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
    return ", ".join(done)


def _print_remarks(report: Report) -> None:
    for source, reason in report.failed:
        print(f"  failed: {source!r} {reason}")
    for source, note in report.notes:
        print(f"  note: {source!r} {note}")
    if report.other_formats:
        kinds = sorted({Path(name).suffix or name for name in report.other_formats})
        print(f"  left out: {count(len(report.other_formats), 'file')} of other formats ({', '.join(kinds)})")


def print_problems(problems: Sequence[object], *, strict: bool, most: int = 20) -> None:
    """Problems of a question set, one a line, on the error stream; the first `most`. When `strict`, any raises."""
    for problem in problems[:most]:
        print(problem, file=sys.stderr)
    if len(problems) > most:
        print(f"and {len(problems) - most:,} more problems", file=sys.stderr)
    if problems and strict:
        raise FootnoteError("Nothing was asked, because --strict wants a question set without problems.")


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
