"""SQuAD files as paragraphs and questions with answer spans, and an index of them, for fitting and measuring."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.build.generation import Generation, open_current
from index.build.write import Builder
from index.encoder.embedder import Embedder, find_model
from index.report import Report
from index.sync import sync
from index.text.layout import Span
from rag.engine import recipe
from rag.settings import Settings


@dataclass(frozen=True)
class Labelled:
    """A question about a paragraph; `spans` are its acceptable answers there, if any."""

    id: str
    text: str
    source: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, which is indexed as `source`, and the questions about it."""

    source: str
    article: int
    text: str
    questions: tuple[Labelled, ...]


def read_squad(path: Path) -> list[Paragraph]:
    """Read the paragraphs of a SQuAD v1 or v2 JSON file, gzipped or not."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(_paragraphs(json.loads(content)["data"]))


def _paragraphs(data: Any) -> Iterator[Paragraph]:
    for number, article in enumerate(data):
        for place, paragraph in enumerate(article["paragraphs"]):
            source = f"{number:04d}-{place:04d}.txt"
            questions = []
            for item in paragraph["qas"]:
                answers = [] if item.get("is_impossible") else item["answers"]
                spans = tuple((a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers)
                questions.append(Labelled(item["id"], item["question"], source, spans))
            yield Paragraph(source, number, paragraph["context"], tuple(questions))


def build(paragraphs: Sequence[Paragraph], folder: Path, embedder: Embedder, settings: Settings) -> Generation:
    """Index the paragraphs below `folder`, one source each, and open the index."""
    sources = folder / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    for paragraph in paragraphs:
        path = sources / paragraph.source
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(paragraph.text.encode())
    report: Report = sync(Builder(folder / "home", recipe(settings), embedder, 20_000_000), [sources])
    if report.failed:
        raise RuntimeError(f"not every paragraph was indexed: {report.failed[:3]}")
    return open_current(folder / "home")


def shipped_embedder() -> Embedder:
    """Return the default embedding model."""
    return Embedder(find_model())
