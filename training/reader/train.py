"""Training of the reader: `python -m training.reader.train ../shared/data --work work`. It resumes a stopped run.

The small reader starts from MiniLM's float32 weights, the strong one from all-mpnet-base-v2, whose FOLDER holds
config.json, model.safetensors and tokenizer.json. With `--shipped`, either starts from the shipped weights:

    python -m training.reader.train ../shared/data --work small
    python -m training.reader.train ../shared/data --work strong --base FOLDER

They learn from the public files and from the everyday documents in training/documents. This takes minutes on a GPU,
which is used if there is one, and days on two cores; `--steps` sets the number of steps, and `--hours` ends the run
early. Every ten minutes and at the end, the work folder gets `reader.pt`, from which the same command resumes, and
`model.pt`, a usable model: the average of recent weights (Shamir & Zhang 2013). `benchmarks.reader` measures both,
`training.reader.export` makes the shipped files. The learning rate rises, and falls over the last part of the steps,
`--decay` (Hu et al. 2024).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from index.encoder.embedder import find_float32
from rag.reader.layout import MPNET
from rag.reader.spans import MODEL
from rag.reader.spans import STRONG as STRONG_MODEL
from training.reader.base import layout_for, load_encoder
from training.reader.checkpoint import CHECKPOINT, USABLE, write_state
from training.reader.data import FOREIGN, TrainingCorpus, join_corpora, load, read_ids, with_hard_negatives
from training.reader.documents import generated
from training.reader.everyday import corpus_of, cut_documents, read_bundles, split_documents, with_other_documents
from training.reader.examples import HEADED, ExampleRow, Examples, Mix
from training.reader.model import Batch, SpanModel, log_odds, loss, sentence_loss
from training.reader.restore import restored

_CHECKPOINT_SECONDS = 600
_DOCUMENTS = 2000
_AVERAGED = 4
"""Decay of old weights in the average: at step t the new weights count (4 + 1) / (t + 4)."""


@dataclass(frozen=True)
class ReaderRecipe:
    """The settings of a run; equal settings give equal runs.

    `groups` questions make a step; `pieces` word pieces run at once (on a processor 2,048 are several times as fast as
    12,288). The heads learn at `head` times the rate. `shared`
    and `sentence` weigh these parts of the loss. The `frozen` lowest layers of the encoder are not trained.
    """

    steps: int = 4000
    groups: int = 16
    rate: float = 2e-4
    warm_up: int = 100
    decay: float = 0.4
    shared: float = 0.5
    sentence: float = 0.5
    head: float = 1.0
    frozen: int = 0
    dropout: float = 0.0
    pieces: int = 2048
    seed: int = 0

    @property
    def plateau(self) -> int:
        """Return the step at which the rate begins to fall."""
        return round((1 - self.decay) * self.steps)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step.

        It rises linearly, stays level, and falls linearly to zero over the last `decay` (a share) of the steps.
        """
        falling = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.rate * min(1.0, (step + 1) / max(1, self.warm_up)) * falling


SMALL = ReaderRecipe(steps=4000, groups=32, warm_up=200, decay=0.95, dropout=0.1, pieces=12288)
"""The recipe of the small reader."""
_STRONG = ReaderRecipe(steps=3600, groups=32, rate=4e-5, warm_up=200, decay=0.95, head=5.0, dropout=0.1, pieces=12288)
"""The recipe of the strong reader: minutes on a GPU, days on two cores."""


Batches = list[tuple[Batch, list[ExampleRow]]]


class Steps(Dataset[Batches]):
    """The batches of every step, the same for the same recipe.

    At the end of an epoch, the next epoch begins.
    """

    def __init__(self, examples: Examples, recipe: ReaderRecipe) -> None:
        self._examples, self._recipe = examples, recipe
        self._epoch, self._questions = 0, examples.questions(0)
        self._per_epoch = max(1, len(self._questions) // recipe.groups)

    def __getitem__(self, step: int) -> Batches:
        number, place = divmod(step, self._per_epoch)
        if number != self._epoch:
            self._epoch, self._questions = number, self._examples.questions(number)
        first = place * self._recipe.groups
        rows = [
            row
            for at, question in enumerate(self._questions[first : first + self._recipe.groups], first)
            for row in self._examples.group(number, at, question)
        ]
        rng = random.Random(f"{self._recipe.seed} {step}")
        return list(self._examples.batches(rows, rng, self._recipe.pieces))

    def ahead(self, first: int, workers: int) -> Iterator[Batches]:
        """Yield the batches from the step `first` on, prepared by `workers` processes."""
        steps = range(first, self._recipe.steps)
        yield from DataLoader(self, batch_size=None, sampler=steps, num_workers=workers, prefetch_factor=8)


class ReaderTraining:
    """A model in training, with everything that a run needs to resume."""

    def __init__(
        self,
        examples: Examples,
        recipe: ReaderRecipe,
        device: str | None = None,
        threads: int = 2,
        model: SpanModel | None = None,
    ) -> None:
        """Train `model`; by default, a new model that starts from MiniLM's weights.

        `device` is by default cuda if available. On a CPU, `threads` batches run at once; with a GPU, `threads`
        processes prepare batches.
        """
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(recipe.seed)
        self._precision = precision(self.device)
        self.examples = examples
        self.recipe = recipe
        model = model or SpanModel(load_encoder(find_float32().folder), recipe.frozen, recipe.dropout)
        self.model = model.to(self.device)
        named = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self._trained = list(named.values())
        parts = [
            {
                "params": [p for name, p in named.items() if (p.ndim > 1) == wide and is_head(name) == head],
                "weight_decay": 0.01 if wide else 0.0,
                "times": recipe.head if head else 1.0,
            }
            for wide in (True, False)
            for head in (False, True)
        ]
        self.optimiser = torch.optim.AdamW(parts, lr=recipe.rate, fused=self.device.type == "cuda")
        self.average = {name: p.detach().clone() for name, p in named.items()}
        self._named = named
        on_cpu = self.device.type == "cpu"
        self._pool = ThreadPoolExecutor(threads if on_cpu else 1)
        self.workers = 0 if on_cpu else threads
        self.step = self.rows = self.pieces = 0
        self.steps = Steps(examples, recipe)

    def run_step(self, batches: Batches | None = None) -> float:
        """Run one step of the optimiser and return the loss.

        `batches` are the batches of the step if another process made them.
        """
        batches = batches or self.steps[self.step]
        for part in self.optimiser.param_groups:
            part["lr"] = self.recipe.rate_at(self.step) * part["times"]
        self.model.train()
        value = self.backward(batches)
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimiser.step()
        self.step += 1
        with torch.no_grad():
            share = (_AVERAGED + 1) / (self.step + _AVERAGED)
            torch._foreach_lerp_([self.average[name] for name in self._named], [*self._trained], share)
        return value

    def backward(self, batches: Batches) -> float:
        """Return the loss over batches, and leave its gradients in the parameters.

        Rows run in batches of similar length, one batch per thread: threads that share a batch wait for each other at
        every operation, which costs most of the time on a busy machine. The loss joins the batches, so it goes backward
        in two steps: to the log-odds of the rows, then through the network batch by batch.
        """
        self.rows += sum(len(part) for _, part in batches)
        self.pieces += sum(int(batch.mask.sum()) for batch, _ in batches)
        odds = list(self._pool.map(self._forward, [batch for batch, _ in batches]))
        answerable = torch.cat([batch.targets[:, 0, 0] >= 0 for batch, _ in batches]).to(self.device)
        group = torch.tensor([row.group for _, part in batches for row in part], device=self.device)
        leaves = [tuple(part.detach().requires_grad_() for part in of_batch) for of_batch in odds]
        any_span, wanted, of_sentences = (torch.cat([of_batch[n] for of_batch in leaves]) for n in range(3))
        value = loss(any_span, wanted, answerable, group, self.recipe.shared)
        value = value + self.recipe.sentence * of_sentences.mean()
        value.backward()  # type: ignore[no-untyped-call]
        gradients = list(self._pool.map(self._gradients, odds, leaves))
        for n, parameter in enumerate(self._trained):
            parameter.grad = sum((of_batch[n] for of_batch in gradients[1:]), gradients[0][n])
        return float(value.detach())

    def _forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        batch = batch.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._precision is torch.bfloat16):
            parts = self.model(batch.ids, batch.mask, batch.types)
        return *log_odds(parts, batch), sentence_loss(parts, batch)

    def _gradients(self, odds: tuple[Tensor, ...], leaves: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(odds, self._trained, [leaf.grad for leaf in leaves])

    def save(self, folder: Path) -> None:
        """Write the checkpoint and the usable model, each atomically."""
        shared = {
            "config": self.model.encoder.config.to_dict(),
            "tokenizer": self.examples.tokenizer_json,
            "step": self.step,
            "rows": self.rows,
            "pieces": self.pieces,
            "recipe": asdict(self.recipe),
            "mix": asdict(self.examples.mix),
        }
        weights = self.model.state_dict()
        state = {
            "model": weights,
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        write_state(folder / CHECKPOINT, shared | state)
        write_state(folder / USABLE, shared | {"model": weights | self.average})

    def resume(self, path: Path) -> None:
        """Resume from a checkpoint.

        Raises:
            SystemExit: the checkpoint belongs to a model with other layers.
        """
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        try:
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average = {name: state["average"][name] for name in self._named}
        except (KeyError, RuntimeError, ValueError) as error:
            raise SystemExit(f"{path} belongs to another model: name its --base, or another --work folder.") from error
        self.step, self.rows, self.pieces = (state[name] for name in ("step", "rows", "pieces"))
        torch.set_rng_state(state["random"].cpu())


def is_head(name: str) -> bool:
    """True if a parameter belongs to the new heads, not to the encoder."""
    return not name.startswith("encoder.")


def precision(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device multiplies it faster than float32.

    Processors without an instruction for it are three times slower (measured).
    """
    if device.type == "cuda":
        return torch.bfloat16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def run(
    training: ReaderTraining, folder: Path, log_every: int = 5, stop: Event | None = None, hours: float = 0
) -> None:
    """Run the remaining steps, and save every ten minutes and at the end.

    Logs the losses. The run ends after `hours` (0: no limit), or after the current step if `stop` is set. plateau.pt is
    the state before the rate falls, from which a finished run can be extended with more steps.
    """
    started = saved = time.monotonic()
    recent: list[float] = []
    bar = tqdm(total=training.recipe.steps, initial=training.step, unit="step", mininterval=60)
    ahead = training.steps.ahead(training.step, training.workers) if training.workers else repeat(None)
    while training.step < training.recipe.steps and not (stop and stop.is_set()):
        if hours and time.monotonic() - started > 3600 * hours:
            break
        recent.append(training.run_step(next(ahead)))
        bar.update()
        if training.step % log_every == 0:
            mean = sum(recent) / len(recent)
            recent = []
            bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
            line = {"step": training.step, "loss": round(mean, 4), "rows": training.rows, "pieces": training.pieces}
            with (folder / "losses.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line | {"time": time.time()}) + "\n")
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            training.save(folder)
            saved = time.monotonic()
        if training.step == training.recipe.plateau:
            training.save(folder)
            shutil.copyfile(folder / CHECKPOINT, folder / "plateau.pt")
    training.save(folder)
    bar.close()


def corpus(data: Path, work: Path, seed: int = ReaderRecipe.seed) -> TrainingCorpus:
    """Return the training corpus.

    It has the public files in `data` with hard negatives, documents generated from templates, and the everyday
    documents.
    """
    fit, _ = load(data, read_ids(FOREIGN))
    fit = with_hard_negatives(fit, work / "hard_negatives.json")
    everyday, _ = split_documents(cut_documents(read_bundles()))
    return join_corpora(join_corpora(fit, generated(seed, _DOCUMENTS)), with_other_documents(corpus_of(everyday)))


def _times(text: str) -> tuple[str, float]:
    """Read "everyday=1.5"."""
    kind, _, times = text.partition("=")
    try:
        number = float(times)
    except ValueError:
        number = -1.0
    if kind not in Mix().kinds or number < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: write KIND=TIMES, with KIND one of {', '.join(Mix().kinds)}")
    return kind, number


def _start(arguments: argparse.Namespace) -> ReaderTraining:
    """Return the training that the arguments describe, resumed from a checkpoint if there is one."""
    torch.manual_seed(arguments.seed)
    checkpoint = arguments.work / CHECKPOINT
    asked = dict(arguments.ask)
    encoder = load_encoder(arguments.base)
    strong = layout_for(encoder) == MPNET
    recipe, mix = (_STRONG, HEADED) if strong else (SMALL, Mix())
    recipe = replace(
        recipe,
        steps=arguments.steps or recipe.steps,
        rate=arguments.rate or recipe.rate,
        decay=arguments.decay or recipe.decay,
        dropout=recipe.dropout if arguments.dropout is None else arguments.dropout,
        frozen=arguments.frozen,
        seed=arguments.seed,
        pieces=recipe.pieces if torch.cuda.is_available() else ReaderRecipe.pieces,
    )
    if arguments.shipped and not checkpoint.is_file():
        model = restored(STRONG_MODEL if strong else MODEL, encoder, recipe.frozen, recipe.dropout)
    else:
        model = SpanModel(encoder, recipe.frozen, recipe.dropout)
    kinds = {kind: replace(share, asked=asked.get(kind, share.asked)) for kind, share in mix.kinds.items()}
    fit = corpus(arguments.data, arguments.work, recipe.seed)
    examples = Examples(fit, arguments.base / "tokenizer.json", replace(mix, kinds=kinds), recipe.seed)
    training = ReaderTraining(examples, recipe, threads=arguments.threads, model=model)
    if checkpoint.is_file():
        training.resume(checkpoint)
    return training


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/, squadshifts/ and natural/")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder of the checkpoints")
    parser.add_argument(
        "--base", type=Path, default=None, help="the folder of the encoder to start from (default: MiniLM's)"
    )
    parser.add_argument("--steps", type=int, help="number of steps; the rate falls over the last of them")
    parser.add_argument(
        "--hours", type=float, default=0, help="end the run after this many hours, on the plateau or not"
    )
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.add_argument("--decay", type=float, help="share of the steps, at the end, over which the rate falls")
    parser.add_argument(
        "--seed",
        type=int,
        default=ReaderRecipe.seed,
        help="seed of the order of the rows and of the generated documents",
    )
    parser.add_argument("--frozen", type=int, default=0, help="number of the lowest layers that are not trained")
    parser.add_argument("--dropout", type=float, help="share of the values dropped; 0 is faster on a processor")
    parser.add_argument(
        "--ask",
        action="append",
        type=_times,
        default=[],
        metavar="KIND=TIMES",
        help="how often an epoch asks the questions of a kind (wiki, other, natural, generated, everyday); repeatable",
    )
    parser.add_argument("--shipped", action="store_true", help="start a new run from the shipped reader (needs onnx)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="batches that run at once")
    arguments = parser.parse_args()
    arguments.base = arguments.base or find_float32().folder
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    training = _start(arguments)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run(training, arguments.work, stop=stop, hours=arguments.hours)


if __name__ == "__main__":
    main()
