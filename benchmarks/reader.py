"""Accuracy of the reading models on the right paragraph: `python -m benchmarks.reader FILE ...`.

FILE is in SQuAD form: ../shared/data/squad/dev.json.gz, natural/choose.json.gz or natural/unanswerable.json.gz there;
the folder training/documents means its everyday documents that training leaves out. Measures both shipped models, or
those in the folders of `--model`; `--checkpoint work/model.pt` adds a model in training, with any base. Differences are
paired by question. `--time` times all models on ten passages of 200 word pieces, with tokenising. `--calibration` uses
only the articles that training leaves out, so that nothing is tuned on squad/dev.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from index.encoder.onnx_session import Network
from index.text.marks import as_read
from rag.evaluation.measures import exact_match, token_f1
from rag.reader.models import open_reader
from rag.reader.spans import MODEL, STRONG, SpanReader
from training.reader.checkpoint import load_checkpoint
from training.reader.data import CALIBRATION, read_json
from training.reader.everyday import corpus_of, cut_documents, read_bundles, split_documents
from training.reader.model import SpanModel

_RESAMPLES = 1000
Array = NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class ReaderQuestion:
    """A question, its paragraph, acceptable answers (none: unanswerable), and title."""

    question: str
    paragraph: str
    answers: list[str]
    title: str


class TorchReader(SpanReader):
    """A SpanReader with a full-precision model in PyTorch."""

    def __init__(self, checkpoint: Path, threads: int = 0) -> None:
        if threads:
            torch.set_num_threads(threads)
        model, tokenizer = load_checkpoint(checkpoint)
        self._use(_TorchNetwork(model), tokenizer)


class _TorchNetwork(Network):
    """Runs one row at a time; PyTorch's threads share the row."""

    def __init__(self, model: SpanModel) -> None:
        self._model = model

    def run(self, inputs: Mapping[str, Any]) -> list[Any]:
        with torch.inference_mode():
            parts = self._model(**{name: torch.from_numpy(value) for name, value in inputs.items()})
        return [part.numpy() for part in parts]

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return list(map(work, items))


def load_questions(path: Path, titles: Sequence[str] = ()) -> list[ReaderQuestion]:
    """Read the questions of a SQuAD file, or of a folder of everyday documents.

    With `titles`, only those of the articles with these titles.
    """
    if path.is_dir():
        apart = corpus_of(split_documents(cut_documents(read_bundles(path)))[1])
        every = [(one, apart.passages[one.passage]) for one in apart.questions]
        return [ReaderQuestion(q.text, p.text, [p.text[a:b] for a, b in q.spans], p.heading) for q, p in every]
    return [
        ReaderQuestion(
            item["question"], paragraph["context"], [] if item.get("is_impossible") else _texts(item), article["title"]
        )
        for article in read_json(path)
        if not titles or article["title"] in titles
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    ]


def _texts(item: Any) -> list[str]:
    return [answer["text"] for answer in item["answers"]]


def read_all(reader: SpanReader, questions: Sequence[ReaderQuestion]) -> tuple[Array, Array, Array]:
    """Return exact match, token F1 and score of all questions, each (n,).

    The first two are 0 for unanswerable questions. A model that was trained with titles gets the title of the article.
    """
    rows = []
    for one in tqdm(questions, unit="question", mininterval=10):
        headings = [one.title.replace("_", " ")] if reader.titled else []
        found = reader.read(one.question, [as_read(one.paragraph)], 1, headings)[0]
        best = found.answers[0] if found.answers else None
        text = one.paragraph[best.start : best.end] if best else ""
        rows.append((exact_match(text, one.answers), token_f1(text, one.answers), found.score))
    value = np.array(rows, dtype=np.float64)
    return value[:, 0], value[:, 1], np.maximum(value[:, 2], -1e6)


def interval(count: int, measure: Callable[[NDArray[np.int64]], float]) -> str:
    """Return a measure with its 95% bootstrap interval, as text.

    `measure` takes indices of questions.
    """
    rng = np.random.default_rng(0)
    values = [measure(rng.integers(0, count, count)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{measure(np.arange(count)):.3f} ({low:.3f} to {high:.3f})"


def report(name: str, questions: Sequence[ReaderQuestion], read: tuple[Array, Array, Array]) -> None:
    """Print the measures of a model as a table row.

    AUROC only if some questions have no answer.
    """
    exact, f1, score = read
    answerable = np.array([bool(one.answers) for one in questions])
    known = np.flatnonzero(answerable)
    cells = [interval(len(known), lambda n, v=v: float(v[known[n]].mean())) for v in (exact, f1)]  # type: ignore[misc]
    auroc = interval(len(questions), lambda n: _auroc(answerable[n], score[n])) if len(known) < len(questions) else "-"
    print(f"| {name} | {' | '.join([*cells, auroc])} |")


def _auroc(answerable: NDArray[np.bool_], score: Array) -> float:
    """Return the AUROC; 0.5 if a resample has only one class."""
    return float(roc_auc_score(answerable, score)) if 0 < answerable.sum() < len(answerable) else 0.5


def seconds(reader: SpanReader, passages: Sequence[str], rounds: int = 15) -> float:
    """Return the median seconds for reading ten passages."""
    times = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        reader.read("Who supplied the cells that the company recalled in the summer?", passages)
        times.append(time.perf_counter() - started)
    return float(np.median(times[2:]))


def ten_passages(reader: SpanReader, questions: Sequence[ReaderQuestion]) -> list[str]:
    """Return ten texts of 200 word pieces, cut from the paragraphs."""
    cut = []
    for text in dict.fromkeys(one.paragraph for one in questions):
        offsets = reader.offsets(text)
        if len(offsets) >= 200:
            cut.append(text[: offsets[199][1]])
    if len(cut) < 10:
        raise SystemExit(f"expected ten paragraphs of at least 200 word pieces, got {len(cut)}")
    return cut[:10]


def measure_file(path: Path, readers: Mapping[str, SpanReader], arguments: argparse.Namespace) -> list[ReaderQuestion]:
    """Print the measures and differences of the readers; return the questions."""
    questions = load_questions(path, CALIBRATION if arguments.calibration else ())
    if arguments.limit:
        questions = questions[:: max(1, len(questions) // arguments.limit)][: arguments.limit]
    unanswerable = sum(not one.answers for one in questions)
    print(f"\n{path.name}: {len(questions)} questions, {unanswerable} unanswerable\n")
    print("| | exact match | token F1 | AUROC |\n|---|---|---|---|")
    read = {}
    for name, reader in readers.items():
        read[name] = read_all(reader, questions)
        report(name, questions, read[name])
    known = np.flatnonzero([bool(one.answers) for one in questions])
    for before, after in pairwise(readers):
        for measure, n in (("exact match", 0), ("token F1", 1)):
            gained = (read[after][n] - read[before][n])[known]
            shown = interval(len(known), lambda n, v=gained: float(v[n].mean()))  # type: ignore[misc]
            print(f"{measure}, {after} minus {before}: {shown}")
    return questions


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, action="append", help="the folder of a model (both that are shipped)")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--limit", type=int, help="only so many questions, evenly drawn")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folders = arguments.model or [MODEL, STRONG]
    readers = {"small" if one == MODEL else one.name: open_reader(one, arguments.threads) for one in folders}
    if arguments.checkpoint:
        readers["checkpoint"] = TorchReader(arguments.checkpoint, arguments.threads)
    for path in arguments.file:
        questions = measure_file(path, readers, arguments)
    if arguments.time:
        passages = ten_passages(next(iter(readers.values())), questions)
        times = [f"{name} {1000 * seconds(reader, passages):.0f} ms" for name, reader in readers.items()]
        print(f"\nten passages of 200 word pieces: {', '.join(times)}")


if __name__ == "__main__":
    main()
