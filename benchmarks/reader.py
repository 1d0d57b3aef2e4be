"""The reader alone, with the right paragraph given: `python -m benchmarks.reader ../shared/data/squad/dev.json.gz`.

With `--checkpoint work/reader.pt` the full-precision model is measured beside the shipped one, and both are timed on
ten passages of 200 word pieces, tokenising included. `--calibration` keeps to the articles that training leaves out,
for choosing between models: nothing is chosen on squad/dev.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from index.network import Network
from rag.evaluation.measures import exact_match, token_f1
from rag.reader.spans import MODEL, SpanReader
from training.reader.data import CALIBRATION, read_json
from training.reader.export import load_checkpoint

_RESAMPLES = 1000
Array = NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Asked:
    """A question, its paragraph, and the acceptable answers (none: the paragraph does not answer it)."""

    question: str
    paragraph: str
    answers: list[str]


class TorchReader(SpanReader):
    """The same reading with the full-precision model in PyTorch."""

    def __init__(self, checkpoint: Path, folder: Path = MODEL, threads: int = 0) -> None:
        super().__init__(folder, threads)
        if threads:
            torch.set_num_threads(threads)
        self._network = _TorchNetwork(load_checkpoint(checkpoint))


class _TorchNetwork(Network):
    """A row at a time too; its threads share the row."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def run(self, inputs: Mapping[str, Any]) -> list[Any]:
        with torch.inference_mode():
            parts = self._model(*(torch.from_numpy(inputs[name]) for name in ("ids", "mask", "types")))
        return [part.numpy() for part in parts]

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return list(map(work, items))


def read_asked(path: Path, titles: Sequence[str] = ()) -> list[Asked]:
    """The questions of a SQuAD-form file, or of its articles called `titles`."""
    return [
        Asked(item["question"], paragraph["context"], [] if item.get("is_impossible") else _texts(item))
        for article in read_json(path)
        if not titles or article["title"] in titles
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    ]


def _texts(item: Any) -> list[str]:
    return [answer["text"] for answer in item["answers"]]


def read_all(reader: SpanReader, asked: Sequence[Asked]) -> tuple[Array, Array, Array]:
    """(n,) exact match, token F1 (0 where there is no answer to find) and score of every question."""
    rows = []
    for one in tqdm(asked, unit="question"):
        found = reader.read(one.question, [one.paragraph], 1)[0]
        best = found.answers[0] if found.answers else None
        text = one.paragraph[best.start : best.end] if best else ""
        rows.append((exact_match(text, one.answers), token_f1(text, one.answers), found.score))
    value = np.array(rows, dtype=np.float64)
    return value[:, 0], value[:, 1], np.maximum(value[:, 2], -1e6)


def interval(count: int, measure: Callable[[NDArray[np.int64]], float]) -> str:
    """A measure with its 95% bootstrap interval; `measure` takes indices of questions."""
    rng = np.random.default_rng(0)
    values = [measure(rng.integers(0, count, count)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{measure(np.arange(count)):.3f} ({low:.3f} to {high:.3f})"


def report(name: str, asked: Sequence[Asked], read: tuple[Array, Array, Array]) -> None:
    """Print the measures of a model as a row of a table."""
    exact, f1, score = read
    answerable = np.array([bool(one.answers) for one in asked])
    known = np.flatnonzero(answerable)
    cells = [interval(len(known), lambda n, v=v: float(v[known[n]].mean())) for v in (exact, f1)]  # type: ignore[misc]
    cells.append(interval(len(asked), lambda n: float(roc_auc_score(answerable[n], score[n]))))
    print(f"| {name} | {' | '.join(cells)} |")


def seconds(reader: SpanReader, passages: Sequence[str], rounds: int = 15) -> float:
    """The median time of reading ten passages."""
    times = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        reader.read("Who supplied the cells that the company recalled in the summer?", passages)
        times.append(time.perf_counter() - started)
    return float(np.median(times[2:]))


def ten_passages(reader: SpanReader, asked: Sequence[Asked]) -> list[str]:
    """Ten texts of 200 word pieces, cut from the paragraphs."""
    cut = []
    for text in dict.fromkeys(one.paragraph for one in asked):
        offsets = reader.offsets(text)
        if len(offsets) >= 200:
            cut.append(text[: offsets[199][1]])
    if len(cut) < 10:
        raise SystemExit(f"expected ten paragraphs of at least 200 word pieces, got {len(cut)}")
    return cut[:10]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--limit", type=int, help="only so many questions, evenly drawn")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    asked = read_asked(arguments.file, CALIBRATION if arguments.calibration else ())
    if arguments.limit:
        asked = asked[:: max(1, len(asked) // arguments.limit)]
    readers: dict[str, SpanReader] = {"int8": SpanReader(arguments.model, arguments.threads)}
    if arguments.checkpoint:
        readers["float32"] = TorchReader(arguments.checkpoint, arguments.model, arguments.threads)
    print(f"{len(asked)} questions, {sum(not one.answers for one in asked)} unanswerable")
    print("| | exact match | token F1 | AUROC |\n|---|---|---|---|")
    read = {name: read_all(reader, asked) for name, reader in readers.items()}
    for name, values in read.items():
        report(name, asked, values)
    if len(readers) == 2:
        known = np.flatnonzero([bool(one.answers) for one in asked])
        lost = (read["float32"][1] - read["int8"][1])[known]
        print(f"token F1 lost by int8: {interval(len(known), lambda n: float(lost[n].mean()))}")
        passages = ten_passages(readers["int8"], asked)
        times = {name: seconds(reader, passages) for name, reader in readers.items()}
        shown = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in times.items())
        print(f"ten passages of 200 word pieces: {shown}, ratio {times['int8'] / times['float32']:.2f}")


if __name__ == "__main__":
    main()
