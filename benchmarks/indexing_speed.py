"""Indexing speed and memory of two checkouts.

    python -m benchmarks.indexing_speed OTHER ../shared/data/squad/dev.json.gz

The sources are generated: the articles of the SQuAD file in pieces of five paragraphs as text, Markdown, HTML and Word
files, and tables with many rows in six formats. Both checkouts index them in turn, three times each, in new homes.
Prints the median of chunks a second, and the peak memory for all files and for a tenth of them.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import docx

from benchmarks.row_tables import make_row_tables
from benchmarks.table_files import write_table
from index.program import PROJECT

RUNS = 3
_PARAGRAPHS = 5
_TABLE_SEEDS = 8


@dataclass(frozen=True)
class Run:
    """One indexing: chunks made, seconds taken, and the peak memory of the process in MB."""

    chunks: int
    seconds: float
    megabytes: float


def pieces(squad: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (title, paragraphs) of each piece of an article."""
    with gzip.open(squad, "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    for article in articles:
        texts = [paragraph["context"] for paragraph in article["paragraphs"]]
        for at in range(0, len(texts), _PARAGRAPHS):
            yield f"{article['title'].replace('_', ' ')}, part {at // _PARAGRAPHS + 1}", texts[at : at + _PARAGRAPHS]


def write_sources(folder: Path, squad: Path) -> int:
    """Write the sources into a folder and return how many there are."""
    for number, (title, texts) in enumerate(pieces(squad)):
        path = folder / f"piece-{number:03}"
        kind = number % 4
        if kind == 0:
            path.with_suffix(".txt").write_text("\n\n".join([title, *texts]), "utf-8")
        elif kind == 1:
            points = "\n".join(f"- {sentence}" for sentence in texts[0].split(". "))
            path.with_suffix(".md").write_text("\n\n".join([f"# {title}", *texts, "## Points", points]), "utf-8")
        elif kind == 2:
            body = "".join(f"<p>{html.escape(text)}</p>" for text in texts)
            path.with_suffix(".html").write_text(f"<title>{html.escape(title)}</title><h1>{title}</h1>{body}", "utf-8")
        else:
            document = docx.Document()
            document.add_heading(title)
            for text in texts:
                document.add_paragraph(text)
            document.save(str(path.with_suffix(".docx")))
    for seed in range(_TABLE_SEEDS):
        inner = folder / f"tables-{seed}"
        inner.mkdir()
        for table in make_row_tables(random.Random(seed)):
            write_table(inner / table.name, table.rows, headers=table.headers, merged=table.merged)
    return sum(path.is_file() for path in folder.rglob("*"))


def index(checkout: Path, sources: Path, home: Path) -> Run:
    """Index the sources with the code of a checkout."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(home), "PYTHONPATH": str(checkout)}
    command = [sys.executable, "app.py", "index", "--json", str(sources)]
    process = subprocess.Popen(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    report = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(report["chunks"], report["seconds"], usage.ru_maxrss / 1024)


def main() -> None:
    """Index with both checkouts in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other checkout, a folder with app.py")
    parser.add_argument("squad", type=Path, help="a SQuAD file, .gz")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sources, few = Path(name) / "sources", Path(name) / "few"
        sources.mkdir()
        few.mkdir()
        count = write_sources(sources, arguments.squad)
        for path in sorted(path for path in sources.rglob("*") if path.is_file())[::10]:
            (few / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
        checkouts = {"other": arguments.other.resolve(), "this": PROJECT}
        runs: dict[str, list[Run]] = {which: [] for which in checkouts}
        for number in range(RUNS):
            for which, checkout in checkouts.items():
                runs[which].append(index(checkout, sources, Path(name) / f"{which}-{number}"))
        print(f"{count} sources\n")
        print("| checkout | chunks | chunks/s | memory, MB | memory of a tenth, MB |")
        print("|---|---|---|---|---|")
        for which, checkout in checkouts.items():
            small = index(checkout, few, Path(name) / f"{which}-few")
            speed = median(run.chunks / run.seconds for run in runs[which])
            most = max(run.megabytes for run in runs[which])
            print(f"| {which} | {runs[which][0].chunks} | {speed:.0f} | {most:.0f} | {small.megabytes:.0f} |")


if __name__ == "__main__":
    main()
