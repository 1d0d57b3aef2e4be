"""Prints answers, reports, problems and progress for the command line.

Everything goes through `print_line`, `print_trouble` or `print_json`. Titles, file names and texts are not trusted: a
terminal acts on some characters in them, and would change its colours, its title, or the lines above.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from tqdm import tqdm

from index.errors import FootnoteError
from index.formats import page_name
from index.program import command
from rag.printable import one_line, safe

if TYPE_CHECKING:  # for types only: every command prints, and these take seconds to import
    from index.report import Progress, Report
    from index.text.structure import Structure
    from rag.cli.doctor import Check
    from rag.receipt import Replayed
    from rag.sources import Source
    from rag.types import Answer


def print_line(text: object = "") -> None:
    """Print a text on standard output, escaped and at once."""
    _write(sys.stdout, safe(str(text)))


def print_prompt(text: str) -> None:
    """Print a prompt at once, without a line break."""
    print(safe(text), end="", file=sys.stdout, flush=True)


def print_trouble(text: object) -> None:
    """Print what went wrong on standard error, escaped and at once."""
    _write(sys.stderr, safe(str(text)))


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON.

    Characters that a terminal acts on become JSON's own escapes, so the value is the same.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    _write(sys.stdout, "".join(c if c == "\n" or safe(c) == c else json.dumps(c)[1:-1] for c in text))


def print_stored(text: str, *, whole: bool) -> None:
    """Print the stored text of a source: to a terminal escaped, else exactly.

    Programs count offsets in it. A line break follows a `whole` text, not a part of one.
    """
    if sys.stdout.isatty():
        print_line(text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + (b"\n" if whole else b""))


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    # A terminal without UTF-8 gets escapes for what it can't show.
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


_ADVICE = {
    "not_understood": "Name what it is about: a person, a thing, a place or a date.",
    "language": "Ask it in English.",
    "no_sources": f"Add some: {command('index FOLDER')}",
    "nothing_chosen": "Name other sources with --source, or leave it out to ask all.",
}
"""What to do about a refusal, in a terminal."""


def print_answer(found: Answer) -> None:
    """Print an answer with its citations and notes; a refusal with nearest passages."""
    if found.corrected:
        print_line(f"Searched for: {one_line(found.searched)} (--as-typed searches what you typed)\n")
    print_line(found.text)
    if found.refusal and (advice := _ADVICE.get(found.refusal.kind)):
        print_line(advice)
    for one in found.citations:
        when = f", {one.published}" if one.published else ""
        page = page_name(one.source, one.page) if one.page else ""
        place = f", {page}" if page else f", {one.heading}" if one.heading else ""
        head = one_line(f"{one.title} ({one.source}{when}{place})")
        print_line(f"\n[{one.number}] {head}, characters {one.start} to {one.end}")
        if one.also_in:
            print_line(f"    also in {', '.join(map(one_line, one.also_in))}")
    if found.refused and found.passages:
        print_line("\nNearest passages:")
        for passage in found.passages[:3]:
            print_line(f"\n- {one_line(f'{passage.title} ({passage.source})')}")
            print_line(textwrap.indent(textwrap.shorten(passage.text, 300, placeholder=" ..."), "  "))
    if found.suggestions:
        print_line("\nAsk next:")
        for question in found.suggestions:
            print_line(f"- {one_line(question)}")
    for note in found.notes:
        print_line(f"\nNote: {one_line(note)}")


def print_report(report: Report) -> None:
    """Print what a sync did."""
    print_line(f"Sources: {_done(report) or 'none found'}.")
    _print_remarks(report)
    state = "The index holds" if report.built else "Nothing to do: the index holds"
    made = f", {report.embedded} embedded" if report.built else ""
    print_line(
        f"{state} {count(report.articles, 'source')} in {count(report.chunks, 'chunk')}{made} ({report.seconds:.1f} s)."
    )


def print_preview(report: Report) -> None:
    """Print what a sync would do, source by source."""
    for what, names in (("add", report.added), ("change", report.changed), ("remove", report.removed)):
        for name in names:
            print_line(f"  {what:7} {name!r}")
    _print_remarks(report)
    print_line(f"Sources: {_done(report) or 'none found'}. Nothing was written.")


def print_sources(rows: Sequence[Source]) -> None:
    """Print the sources as a table."""
    if rows:
        width = min(60, max(len(one_line(row.source)) for row in rows))
        print_line(f"{'SOURCE':{width}}  {'PUBLISHED':10}  {'CHUNKS':>6}  {'CHARACTERS':>10}  TITLE")
    for row in rows:
        published = row.published.when if row.published else "-"
        figures = "  ".join(
            f"{'-' if n is None else f'{n:,}':>{w}}" for n, w in ((row.chunks, 6), (row.characters, 10))
        )
        marks = [*(["sample"] if row.sample else []), *([] if row.state == "indexed" else [row.state])]
        state = f" ({', '.join(marks)})" if marks else ""
        print_line(f"{one_line(row.source):{width}}  {published:10}  {figures}  {one_line(row.title + state)}")
    print_line(f"{count(sum(row.chunks is not None for row in rows), 'source')} in the index")


def print_replayed(one: Replayed) -> None:
    """Print "identical", or both answers to a repeated question and why they differ."""
    print_line(one_line(one.then.question))
    if one.identical:
        print_line("  identical")
        return
    for when, found in (("then", one.then), ("now", one.now)):
        print_line(f"  {when}: {one_line(found.text)}")
    print_line(f"  why: {one_line('; '.join(one.why) or 'nothing that is kept of it changed')}")


def print_blocks(found: Structure) -> None:
    """Print the blocks of a text, one on each line.

    A line has the place, kind and beginning of a block, indented by its depth.
    """
    depths = list[int]()
    for block in found.blocks:
        depths.append(0 if block.parent is None else depths[block.parent] + 1)
        kind = f"{block.kind} {block.level}" if block.kind == "heading" or block.level else block.kind
        begins = one_line(found.text[block.inner or block.start : block.end])
        shown = begins if len(begins) <= _BEGINS else f"{begins[:_BEGINS].rstrip()} ..."
        print_line(f"{block.start:>8} {block.end:>8}  {'  ' * depths[-1]}{kind}: {shown}")


_BEGINS = 60
"""Number of characters shown of a block."""


def print_check(check: Check) -> None:
    """Print a check of the doctor on a line."""
    print_line(f"{'ok ' if check.ok else 'BAD'}  {check.name}: {one_line(check.message)}")


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
        print_line(f"  failed: {source!r} {one_line(reason)}")
    for source, note in report.notes:
        print_line(f"  note: {source!r} {one_line(note)}")
    if report.other_formats:
        kinds = sorted({Path(name).suffix or name for name in report.other_formats})
        print_line(
            f"  left out: {count(len(report.other_formats), 'file')} of other formats ({one_line(', '.join(kinds))})"
        )


def print_problems(problems: Sequence[object], *, strict: bool, most: int = 20) -> None:
    """Print the first `most` problems of a question set on standard error.

    Raises FootnoteError if `strict` and there is any problem.
    """
    for problem in problems[:most]:
        print_trouble(one_line(str(problem)))
    if len(problems) > most:
        print_trouble(f"and {len(problems) - most:,} more problems")
    if problems and strict:
        raise FootnoteError("No question was asked, because --strict requires a question set without problems.")


class progress_bar:
    """A progress bar on standard error for each stage, removed when the stage is done."""

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
    """Return a number with its noun: "1 source", "2 sources"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
