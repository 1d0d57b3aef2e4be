"""Indexing of hostile files among ordinary sources: `python -m benchmarks.hostile_files`.

A folder has 300 ordinary sources and a file of each hostile kind. All ordinary sources must be indexed; each hostile
file must be indexed or reported with a reason. Prints the outcome of each hostile file, and the time for reading and
cutting it. The test suite does the same with small files.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import random
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpora import shipped_embedder
from index.build.generation import faults, open_current
from index.build.write import Builder
from index.home import current_folder
from index.sources.roots import find_sources
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings

_SENTENCE = "The pump was checked by the shift engineer and found to be in working order."
Write = Callable[[Path, float], object]
"""Writes a file; the second argument scales its size: 1 in the benchmark, less in the tests."""


def _times(text: str, count: int) -> Write:
    return lambda path, scale: path.write_text(text * max(1, int(count * scale)), "utf-8")


def _around(before: str, middle: str, after: str, depth: int) -> Write:
    def write(path: Path, scale: float) -> None:
        times = int(depth * scale)
        path.write_text(f"{before * times}{middle}{after * times}", "utf-8")

    return write


def _counted(line: str, count: int) -> Write:
    return lambda path, scale: path.write_text("".join(line.format(n) for n in range(int(count * scale))), "utf-8")


def write_bomb(member: str, megabytes: int = 300) -> Write:
    """Return the writer of a zip bomb: its `member` unpacks to `megabytes` MB.

    The size is never scaled, because the limit of the readers is fixed.
    """

    def write(path: Path, scale: float) -> None:
        del scale
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as stream:
            for _ in range(megabytes):
                stream.write(b" " * 1_000_000)

    return write


def _many_members(path: Path, scale: float) -> None:
    del scale
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}", "")


def _data(path: Path, scale: float) -> None:
    path.write_bytes(base64.b64encode(random.Random(0).randbytes(int(750_000 * scale))))


def _random_bytes(path: Path, scale: float) -> None:
    path.write_bytes(random.Random(1).randbytes(int(1_000_000 * scale)))


def _nul(path: Path, scale: float) -> None:
    path.write_bytes(_SENTENCE.encode() + b"\0" * int(1_000_000 * scale) + _SENTENCE.encode())


def _wide(path: Path, scale: float) -> None:
    width = int(100_000 * scale)
    rows = [",".join(f"{kind}{n}" for n in range(width)) for kind in "cab"]
    path.write_text("\n".join(rows), "utf-8")


def _wide_table(path: Path, scale: float) -> None:
    """Write a table whose cells are marked as repeated a million times, and a list that starts at a million."""
    row = '<table-row><table-cell number-columns-repeated="999999"><p>A cell.</p></table-cell></table-row>'
    item = '<list-item start-value="999999"><p>An item.</p></list-item>'
    body = f"<table>{row * int(20_000 * scale)}</table><list>{item}</list>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", f"<a><body><text>{body}</text></body></a>")


def _quoted_mail(path: Path, scale: float) -> None:
    lines = "A line:\n> a quote\n" * int(20_000 * scale)
    path.write_text(f"Subject: x\n\n{lines}", "utf-8")


def _pdf(path: Path, kids: list[str], pages: list[str]) -> None:
    """Write a PDF by hand: object 2 is the page tree, `pages` are the objects from 3 on."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>",
        *pages,
    ]
    body, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Root 1 0 R /Size {len(objects) + 1} >>"
    path.write_text(f"{body}{end}\nstartxref\n{len(body)}\n%%EOF\n", "latin-1")


def _pdf_loop(path: Path, scale: float) -> None:
    del scale
    _pdf(path, ["3 0 R", "2 0 R"], ["<< /Type /Pages /Parent 2 0 R /Count 9 /Kids [2 0 R 3 0 R] >>"])


def _pdf_empty_pages(path: Path, scale: float) -> None:
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>"
    _pdf(path, ["3 0 R"] * int(5_000 * scale), [page])


def _mail(path: Path, scale: float) -> None:
    parts = int(1_500 * scale)
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(parts))
    path.write_text(f"Subject: x\n{opened}Content-Type: text/plain\n\nThe innermost part.", "utf-8")


def _regex(path: Path, scale: float) -> None:
    """Write texts on which regular expressions may backtrack."""
    hard = [
        "this article " * 6,
        "editors " * 90,
        "(A : ",
        "((((",
        '."”)',
        "By A,A,A,",
        "e.g. ",
        "a.b.c.d.",
        "1.1.1.1 ",
        "# # ",
    ]
    path.write_text("\n\n".join(one * int(40_000 * scale / len(one)) for one in hard), "utf-8")


def _unreadable(path: Path, scale: float) -> None:
    _times(_SENTENCE, 1)(path, scale)
    path.chmod(0)


KINDS: dict[str, Write] = {
    "repeated.log": _times(f"{_SENTENCE} ", 600),
    "repeated-lines.log": _times(f"{_SENTENCE}\n", 600),
    "counted.log": _counted("Pump {} was checked by the shift engineer and found to be in working order.\n", 5_000),
    "word.txt": _times("x", 1_000_000),
    "letters.txt": _times("abcdefg", 150_000),
    "data.txt": _data,
    "line.txt": _times(f"{_SENTENCE} ", 130_000),
    "unended.txt": _times("word and word again ", 50_000),
    "short-lines.txt": _times("ab\n", 1_000_000),
    "blank-lines.txt": _times("\n", 1_000_000),
    "spaces.txt": _around(" ", "The middle.", " ", 1_000_000),
    "emoji.txt": _times("👩\u200d👧", 200_000),
    "combining.txt": _times("e" + "\u0301" * 99, 10_000),
    "unspaced.txt": _times("각", 300_000),
    "patterns.txt": _regex,
    "abbreviations.txt": _counted("Alpha Beta{0} (AB{0}). ", 50_000),
    "quotes.md": _around("> ", "The innermost quote.", "", 100_000),
    "lists.md": _times("- " * 200 + "item\n", 500),
    "deep.html": _around("<div>", "The innermost part.", "</div>", 100_000),
    "deep-quotes.html": _around("<blockquote><ul><li>", "The innermost part.", "", 50_000),
    "attributes.html": _around("<p ", 'a="b">The words of the page.', "", 500_000),
    "deep.json": _around("[", '"The innermost value."', "]", 100_000),
    "deep-objects.json": _around('{"a":', '"The innermost value."', "}", 100_000),
    "records.jsonl": _counted('{{"text": "Record {0} tells of pump {0}."}}\n', 2_000),
    "deep.xhtml": _around("<div>", "The innermost part.", "</div>", 100_000),
    "deep.eml": _mail,
    "quotes.eml": _quoted_mail,
    "bomb.docx": write_bomb("word/document.xml"),
    "bomb.xlsx": write_bomb("xl/workbook.xml"),
    "bomb.epub": write_bomb("META-INF/container.xml"),
    "bomb.pptx": write_bomb("ppt/presentation.xml"),
    "bomb.odt": write_bomb("content.xml"),
    "wide.odt": _wide_table,
    "deep.rtf": _around("{\\rtf1 ", "The innermost group.", "}", 100_000),
    "cues.srt": _counted("00:00:01,000 --> 00:00:02,000\nCue {} is here.\n\n", 100_000),
    "members.docx": _many_members,
    "loop.pdf": _pdf_loop,
    "empty-pages.pdf": _pdf_empty_pages,
    "wide.csv": _wide,
    "long.csv": _times("a,b\n", 300_000),
    "quote.csv": _around('a,"', "b\n" * 10, "", 200_000),
    "binary.txt": _random_bytes,
    "binary.pdf": _random_bytes,
    "nul.txt": _nul,
    "empty.txt": lambda path, scale: path.touch(),
    "unreadable.txt": _unreadable,
    "broken-link.txt": lambda path, scale: path.symlink_to("nowhere"),
    "pipe.txt": lambda path, scale: os.mkfifo(path),
    "gone.txt": _times(_SENTENCE, 1),
    "swapped.txt": _times(_SENTENCE, 1),
    "bad-name-\udcff.txt": _times(_SENTENCE, 1),
}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a file.

    `why` it can't be searched ("" if it can), its number of passages, and the seconds for reading and cutting it.
    """

    why: str
    chunks: int
    seconds: float


class Clock:
    """Measures the seconds of each file in each stage of a sync of `folder`.

    Once all files are listed, it deletes one file and replaces another by a pipe.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = time.monotonic()
        self.stages: dict[str, list[float]] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Receive the progress of a sync."""
        if stage == "reading" and done == 0:
            (self._folder / "gone.txt").unlink()
            (self._folder / "swapped.txt").unlink()
            os.mkfifo(self._folder / "swapped.txt")
        now = time.monotonic()
        if done:
            self.stages.setdefault(stage, []).append(now - self._last)
        self._last = now


def write_ordinary(folder: Path, count: int) -> list[str]:
    """Write `count` short, different sources; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"ordinary-{number:03d}.txt" for number in range(count)]
    for number, name in enumerate(names):
        text = (
            f"The lighthouse of Cape {number} was built in {1500 + number}. Its keeper has {number} goats and a boat."
        )
        (folder / name).write_text(f"{text}\n", "utf-8")
    return names


def run(builder: Builder, folder: Path, ordinary: int, scale: float) -> dict[str, Outcome]:
    """Index all kinds among ordinary sources; return the outcome of each hostile file.

    Raises AssertionError if an ordinary source is not retrieved, or a hostile file is neither indexed nor reported.
    """
    names = write_ordinary(folder, ordinary)
    for kind, write in KINDS.items():
        write(folder / kind, scale)
    listed = [source for source, _ in find_sources([folder]).files]
    clock = Clock(folder)
    report = sync(builder, [folder], progress=clock)
    with contextlib.closing(open_current(builder.home, builder.recipe)) as generation:
        held = {one.source: one for one in generation.catalog.listing()}
        lost = [name for name in names if name not in held or not held[name].chunks]
        assert not lost, f"not indexed: {lost}"
        for number in range(0, ordinary, max(1, ordinary // 20)):
            query = builder.embedder.encode_queries([f"When was the lighthouse of Cape {number} built?"])[0]
            near = generation.catalog.chunks([id_ for id_, _ in generation.vectors.query(query, 50)])
            assert any(f"Cape {number} " in one.text for one in near.values()), f"Cape {number} is not found"
    assert faults(current_folder(builder.home)) == []
    seconds = dict(zip(listed, clock.stages["reading"], strict=True))
    for source, spent in zip(
        sorted(one for one in held if not held[one].copy_of), clock.stages["cutting"], strict=True
    ):
        seconds[source] += spent
    failed, notes = dict(report.failed), dict(report.notes)
    outcomes = {}
    for name in [name if name.isprintable() else ascii(name)[1:-1] for name in KINDS]:
        assert (name in failed) != (name in held), f"{name} is neither indexed nor named"
        chunks = held[name].chunks if name in held else 0
        why = failed.get(name, "") if name in failed or chunks else notes[name]
        assert "\n" not in why
        outcomes[name] = Outcome(why, chunks, seconds.get(name, 0))
    return outcomes


def main() -> None:
    """Read the command line and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ordinary", type=int, default=300)
    parser.add_argument("--scale", type=float, default=1, help="share of the full sizes")
    arguments = parser.parse_args()
    embedder = shipped_embedder()
    embedder.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        builder = Builder(Path(folder) / "home", recipe(Settings()), embedder, 20_000_000)
        outcomes = run(builder, Path(folder) / "docs", arguments.ordinary, arguments.scale)
        whole = time.monotonic() - started
    print("| file | outcome | passages | seconds |\n|---|---|---:|---:|")
    for name, one in outcomes.items():
        print(f"| {name} | {one.why or 'indexed'} | {one.chunks:,} | {one.seconds:.1f} |")
    named = sum(bool(one.why) for one in outcomes.values())
    print(
        f"\n{arguments.ordinary} ordinary sources and {len(outcomes)} hostile files: every ordinary one is indexed, "
        f"{len(outcomes) - named} hostile ones are, {named} have a reason; {whole:.0f} s."
    )


if __name__ == "__main__":
    main()
