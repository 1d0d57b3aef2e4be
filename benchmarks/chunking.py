"""Measures indexing speed and memory over many formats: `python -m benchmarks.chunking`. Takes minutes.

Writes 200 documents in eight formats, with headings, paragraphs, lists and tables, indexes them into an empty home
three times and prints the medians. With `--against DIR`, a checkout of another version, the runs of both versions
alternate, so that they share the same load of the machine. Then indexes a corpus ten times as large to measure the peak
of memory. Vectors are random, because the encoder takes the same time for every chunk; `--embed` uses the encoder in
the measurement of speed. Each run is a separate process.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from statistics import median

import docx
import numpy as np
import openpyxl
from markdown_it import MarkdownIt
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import ListFlowable, Paragraph, SimpleDocTemplate, Table

from index.build.write import Builder
from index.encoder.embedder import Embedder, Vectors, find_model
from index.sync import sync
from rag.engine import recipe
from rag.settings import Settings

_RUNS = 3
_DOCUMENTS = 200
_LARGER = 10
_SECTIONS = 2
_NOUNS = (
    "harbour mill bridge garden ferry archive lantern orchard quarry chapel signal barn canal tower meadow kiln".split()
)
_VERBS = "holds needs follows replaces supports borders repairs measures closes serves".split()
_ADJECTIVES = "old northern narrow public heavy quiet spare wooden annual local".split()
Section = tuple[str, list[str], list[str], list[list[str]]]
"""Heading, paragraphs, list items and table rows; the first row names the columns."""


def write_documents(folder: Path, count: int) -> None:
    """Write `count` documents in alternating formats, always the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write = _WRITERS[number % len(_WRITERS)]
        write(folder / f"document-{number:05d}", _sections(random.Random(number)))


def _sections(rng: random.Random) -> list[Section]:
    return [
        (
            f"The {rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}",
            [" ".join(_sentence(rng) for _ in range(4)) for _ in range(3)],
            [_sentence(rng) for _ in range(4)],
            [
                ["Place", "Length (m)", "Keeper"],
                *([rng.choice(_NOUNS), _number(rng), rng.choice(_NOUNS)] for _ in range(5)),
            ],
        )
        for _ in range(_SECTIONS)
    ]


def _sentence(rng: random.Random) -> str:
    one, other = (f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}" for _ in range(2))
    return (
        f"The {one} {rng.choice(_VERBS)} the {other} for {_number(rng)} days in the year {rng.randrange(1800, 2024)}."
    )


def _number(rng: random.Random) -> str:
    return str(rng.randrange(10, 9_999))


def _markdown(sections: Sequence[Section]) -> str:
    lines = list[str]()
    for heading, paragraphs, items, (names, *rows) in sections:
        lines += [f"## {heading}", "", *(f"{one}\n" for one in paragraphs), *(f"- {one}" for one in items), ""]
        lines += [f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows)] + [""]
    return "\n".join(lines)


def _write_markdown(path: Path, sections: Sequence[Section]) -> None:
    path.with_suffix(".md").write_text(_markdown(sections), "utf-8")


def _write_text(path: Path, sections: Sequence[Section]) -> None:
    parts = [part for heading, paragraphs, items, _ in sections for part in (heading, *paragraphs, "\n".join(items))]
    path.with_suffix(".txt").write_text("\n\n".join(parts), "utf-8")


def _write_html(path: Path, sections: Sequence[Section]) -> None:
    body = MarkdownIt().enable("table").render(_markdown(sections))
    path.with_suffix(".html").write_text(f"<html><body><main>{body}</main></body></html>", "utf-8")


def _write_docx(path: Path, sections: Sequence[Section]) -> None:
    document = docx.Document()
    for heading, paragraphs, items, rows in sections:
        document.add_heading(heading, level=2)
        for one in paragraphs:
            document.add_paragraph(one)
        for one in items:
            document.add_paragraph(one, style="List Bullet")
        table = document.add_table(0, len(rows[0]))
        for row in rows:
            for cell, words in zip(table.add_row().cells, row, strict=True):
                cell.text = words
    document.save(str(path.with_suffix(".docx")))


def _write_pdf(path: Path, sections: Sequence[Section]) -> None:
    styles, story = getSampleStyleSheet(), []
    for heading, paragraphs, items, rows in sections:
        story += [Paragraph(heading, styles["Heading2"]), *(Paragraph(one, styles["BodyText"]) for one in paragraphs)]
        story.append(ListFlowable([Paragraph(one, styles["BodyText"]) for one in items], bulletType="bullet"))
        story.append(Table(rows, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")]))
    SimpleDocTemplate(str(path.with_suffix(".pdf"))).build(story)


def _rows(sections: Sequence[Section]) -> list[list[str]]:
    return [
        [*sections[0][3][0], "Note"],
        *(
            [*row, one]
            for _, _, items, (_, *rows) in sections
            for row, one in zip(rows, [*items, *items], strict=False)
        ),
    ]


def _write_csv(path: Path, sections: Sequence[Section]) -> None:
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(_rows(sections))


def _write_xlsx(path: Path, sections: Sequence[Section]) -> None:
    book = openpyxl.Workbook()
    for row in _rows(sections):
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
    book.save(path.with_suffix(".xlsx"))


def _write_mail(path: Path, sections: Sequence[Section]) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ada <ada@example.org>", "Bo <bo@example.org>", sections[0][0]
    mail["Date"] = "Mon, 03 Mar 2025 09:00:00 +0000"
    mail.set_content("\n\n".join(one for _, paragraphs, _, _ in sections for one in paragraphs))
    path.with_suffix(".eml").write_bytes(mail.as_bytes())


_WRITERS: tuple[Callable[[Path, Sequence[Section]], None], ...] = (
    _write_markdown, _write_text, _write_html, _write_docx, _write_pdf, _write_csv, _write_xlsx, _write_mail,
)  # fmt: skip


class _ByChance(Embedder):
    """The shipped encoder (it counts word pieces) with random vectors."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        return np.stack([_drawn(text) for text in texts])


def _drawn(text: str) -> Vectors:
    vector = np.random.default_rng(list(hashlib.sha256(text.encode()).digest()[:8])).normal(size=384)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def index_once(docs: Path, embed: bool) -> dict[str, float]:
    """Index a folder in this process and return the measurements.

    Returns:
        "chunks", "seconds" (wall-clock), "processor" (CPU seconds, with the process that reads files) and "memory"
        (peak of this process in MiB).
    """
    with tempfile.TemporaryDirectory() as home:
        embedder = Embedder(find_model()) if embed else _ByChance(find_model())
        embedder.warm_up()
        started, before = time.perf_counter(), _processor()
        report = sync(Builder(Path(home), recipe(Settings()), embedder, 20_000_000), [docs])
        seconds, processor = time.perf_counter() - started, _processor() - before
    if report.failed:
        raise SystemExit(f"not every document was indexed: {report.failed[:3]}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"chunks": report.chunks, "seconds": seconds, "processor": processor, "memory": memory}


def _processor() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _run(checkout: Path, docs: Path, *, embed: bool) -> dict[str, float]:
    """Index a folder with the code of a checkout, in a separate process."""
    index = f"print(json.dumps(index_once(Path({str(docs)!r}), {embed})))"
    call = f"import json; from pathlib import Path; from benchmarks.chunking import index_once; {index}"
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=checkout, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    made: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return made


def speed_row(name: str, runs: Sequence[dict[str, float]]) -> str:
    """Return a Markdown row: chunks, median chunks per second and per CPU second."""
    whole, alone = (median(one["chunks"] / one[of] for one in runs) for of in ("seconds", "processor"))
    return f"| {name} | {runs[0]['chunks']:,} | {whole:.1f} | {alone:.1f} |"


def main() -> None:
    """Write the documents, index them and print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="a checkout of another version that has this file too")
    parser.add_argument("--documents", type=int, default=_DOCUMENTS)
    parser.add_argument("--embed", action="store_true", help="make the vectors with the encoder")
    arguments = parser.parse_args()
    versions = {"now": Path(__file__).parents[1]}
    if arguments.against:
        versions = {"before": arguments.against.resolve(), **versions}
    with tempfile.TemporaryDirectory() as folder:
        docs, large = Path(folder, "docs"), Path(folder, "large")
        write_documents(docs, arguments.documents)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
        for _ in range(_RUNS):
            for name, checkout in versions.items():
                runs[name].append(_run(checkout, docs, embed=arguments.embed))
        print(f"{arguments.documents} documents in {len(_WRITERS)} formats, medians of {_RUNS} runs.\n")
        print("| | chunks | chunks/s | chunks/s of processor time |\n|---|---|---|---|")
        print("\n".join(speed_row(name, made) for name, made in runs.items()), flush=True)
        write_documents(large, _LARGER * arguments.documents)
        print("\n| documents | chunks | memory at its peak, MiB |\n|---|---|---|")
        for count, where in ((arguments.documents, docs), (_LARGER * arguments.documents, large)):
            made = _run(versions["now"], where, embed=False)
            print(f"| {count:,} | {made['chunks']:,} | {made['memory']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
