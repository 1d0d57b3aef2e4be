"""Trains the reader: `python -m training.reader.train ../shared/data --work work`. Resumes where it was stopped.

Training begins from MiniLM's float32 weights, or with `--shipped` from the shipped reader's, and writes
`work/reader.pt`, of which `training.reader.export` makes the shipped files. Two cores need about two hours; a GPU is
used when there is one. The learning rate rises, stays, and falls over the last part of the steps (Hu et al. 2024), so a
run can be lengthened or shortened under way: stop it, and start it again with other `--steps`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from index.embed import find_float32
from training.reader.data import FOREIGN, Corpus, load, read_ids, with_hard_negatives
from training.reader.examples import Examples, Mix, Row
from training.reader.model import Batch, SpanModel, load_encoder, log_odds, loss
from training.reader.restore import restored

_CHECKPOINT_SECONDS = 600


@dataclass(frozen=True)
class Recipe:
    """What makes two runs the same. `groups` questions make a step; `pieces` word pieces go through at once."""

    steps: int = 4000
    groups: int = 16
    rate: float = 2e-4
    warm_up: int = 100
    decay: float = 0.4
    shared: float = 0.5
    pieces: int = 2048
    seed: int = 0

    @property
    def plateau(self) -> int:
        """The step at which the rate begins to fall."""
        return round((1 - self.decay) * self.steps)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step: a line up, a plateau, a line down to zero over the last `decay` of the steps."""
        falling = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.rate * min(1.0, (step + 1) / max(1, self.warm_up)) * falling


class Training:
    """A model with everything that a run must remember to go on where it stopped."""

    def __init__(
        self,
        examples: Examples,
        recipe: Recipe,
        device: str | None = None,
        threads: int = 2,
        model: SpanModel | None = None,
    ) -> None:
        """`device` is cuda where there is one, unless it is named; `threads` batches run at once on a processor.
        `model` is trained further; without one, training begins from MiniLM's weights."""
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(recipe.seed)
        self._precision = precision(self.device)
        self.examples = examples
        self.recipe = recipe
        self.model = (model or SpanModel(load_encoder(find_float32().folder))).to(self.device)
        self._trained = [p for p in self.model.parameters() if p.requires_grad]
        decayed = [p for p in self._trained if p.ndim > 1]
        others = [p for p in self._trained if p.ndim == 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=recipe.rate
        )
        self._pool = ThreadPoolExecutor(threads if self.device.type == "cpu" else 1)
        self.step = 0
        self._epoch: tuple[int, list[list[Row]]] = (-1, [])

    def groups_of(self, step: int) -> list[list[Row]]:
        """The groups of a step; where an epoch ends, the next one begins."""
        if self._epoch[0] < 0:
            self._epoch = (0, self.examples.epoch(0))
        per_epoch = max(1, len(self._epoch[1]) // self.recipe.groups)
        number, place = divmod(step, per_epoch)
        if number != self._epoch[0]:
            self._epoch = (number, self.examples.epoch(number))
        at = place * self.recipe.groups
        return self._epoch[1][at : at + self.recipe.groups]

    def run_step(self) -> float:
        """One step of the optimiser; returns the loss."""
        rows = [row for group in self.groups_of(self.step) for row in group]
        for part in self.optimiser.param_groups:
            part["lr"] = self.recipe.rate_at(self.step)
        self.model.train()
        value = self.backward(rows, random.Random(f"{self.recipe.seed} {self.step}"))
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimiser.step()
        self.step += 1
        return value

    def backward(self, rows: list[Row], rng: random.Random) -> float:
        """The loss over rows, with its gradients left in the parameters.

        Rows run in batches of like length, one batch a thread: threads that share a batch wait for each other at
        every operation, which costs most of the time on a busy machine. The loss joins the batches, so it goes
        backward in two steps: to the log-odds of the rows, then through the network batch by batch.
        """
        batches = list(self.examples.batches(rows, rng, self.recipe.pieces))
        odds = list(self._pool.map(self._forward, [batch for batch, _ in batches]))
        answerable = torch.cat([batch.targets[:, 0, 0] >= 0 for batch, _ in batches]).to(self.device)
        group = torch.tensor([row.group for _, part in batches for row in part], device=self.device)
        leaves = [tuple(part.detach().requires_grad_() for part in pair) for pair in odds]
        any_span, wanted = (torch.cat([pair[n] for pair in leaves]) for n in (0, 1))
        value = loss(any_span, wanted, answerable, group, self.recipe.shared)
        value.backward()  # type: ignore[no-untyped-call]
        gradients = list(self._pool.map(self._through, odds, leaves))
        for n, parameter in enumerate(self._trained):
            parameter.grad = sum((of_batch[n] for of_batch in gradients[1:]), gradients[0][n])
        return float(value.detach())

    def _forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        batch = batch.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._precision is torch.bfloat16):
            parts = self.model(batch.ids, batch.mask, batch.types)
        return log_odds(parts, batch)

    def _through(self, odds: tuple[Tensor, ...], leaves: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(odds, self._trained, [leaf.grad for leaf in leaves])

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "random": torch.get_rng_state(),
            "recipe": asdict(self.recipe),
            "mix": asdict(self.examples.mix),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        torch.set_rng_state(state["random"].cpu())


def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it faster than float32, which processors without an instruction for it do
    not (three times slower, measured)."""
    if device.type == "cuda":
        return torch.bfloat16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def run(training: Training, folder: Path, log_every: int = 25, stop: Event | None = None) -> None:
    """All steps that are left, with a checkpoint every ten minutes and one at the end, and a log of losses.

    When `stop` is set it ends after the step under way, with a checkpoint too. plateau.pt is the state before the rate
    falls: a finished run is lengthened from there, with more steps.
    """
    checkpoint, saved = folder / "reader.pt", time.monotonic()
    recent: list[float] = []
    bar = tqdm(total=training.recipe.steps, initial=training.step, unit="step", mininterval=10)
    while training.step < training.recipe.steps and not (stop and stop.is_set()):
        recent.append(training.run_step())
        bar.update()
        if training.step % log_every == 0:
            mean = sum(recent) / len(recent)
            recent = []
            bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
            with (folder / "losses.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"step": training.step, "loss": round(mean, 4), "time": time.time()}) + "\n")
        if training.step == training.recipe.plateau:
            training.save(folder / "plateau.pt")
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            training.save(checkpoint)
            saved = time.monotonic()
    training.save(checkpoint)
    bar.close()


def corpora(data: Path, work: Path) -> tuple[Corpus, Corpus]:
    """(to train on with hard negatives, to calibrate on) from the public files in `data`."""
    fit, calibrate = load(data, read_ids(FOREIGN))
    return with_hard_negatives(fit, work / "hard_negatives.json"), calibrate


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("--work", type=Path, default=Path("work"), help="where checkpoints are kept")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="the learning rate at its highest")
    parser.add_argument("--shipped", action="store_true", help="a new run begins from the shipped reader (needs onnx)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="batches that run at once")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    fit, _ = corpora(arguments.data, arguments.work)
    examples = Examples(fit, find_float32().folder / "tokenizer.json", Mix(), Recipe.seed)
    checkpoint = arguments.work / "reader.pt"
    model = restored() if arguments.shipped and not checkpoint.is_file() else None
    recipe = Recipe(steps=arguments.steps, rate=arguments.rate)
    training = Training(examples, recipe, threads=arguments.threads, model=model)
    if checkpoint.is_file():
        training.resume(checkpoint)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run(training, arguments.work, stop=stop)


if __name__ == "__main__":
    main()
