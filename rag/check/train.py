"""Trains the support model: `python -m rag.check.train ../shared/data --work work`. Half an hour on two cores.

From the weights of the shipped reader, which knows already how to lay a question beside a passage, and sentences made
of public questions (`rag.check.pairs`). The loss is how well each pair is told true or false, and how far the true one
of a group stands above the false ones.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from index.embed import find_model
from rag.check.model import SupportModel, tensors
from rag.check.pairs import Pair, Pairs
from rag.check.pieces import encode
from rag.onnx_model import open_tokenizer
from rag.reader.data import FOREIGN, load, read_ids, with_hard_negatives
from rag.reader.restore import restored

_SAVE_SECONDS = 300


@dataclass(frozen=True)
class Recipe:
    """`groups` of pairs make a step; `pieces` word pieces go through at once; the rate rises over `warm_up` steps and
    falls to zero over the last `decay` of them; `ranked` weighs the order within groups."""

    steps: int = 800
    groups: int = 12
    rate: float = 2e-4
    warm_up: int = 40
    decay: float = 0.6
    ranked: float = 0.5
    pieces: int = 2048
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        falling = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.rate * min(1.0, (step + 1) / max(1, self.warm_up)) * falling


class Training:
    """A model under training."""

    def __init__(self, pairs: Pairs, recipe: Recipe, threads: int = 2) -> None:
        self.recipe = recipe
        self.step = 0
        self.model = SupportModel(restored().encoder)
        self._pairs = pairs
        self._tokenizer = open_tokenizer(find_model().folder / "tokenizer.json")
        self._trained = [p for p in self.model.parameters() if p.requires_grad]
        plain = [p for p in self._trained if p.ndim == 1]
        decayed = [p for p in self._trained if p.ndim > 1]
        self._optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=recipe.rate
        )
        self._pool = ThreadPoolExecutor(threads)
        self._epoch = (-1, list[list[Pair]]())

    def run_step(self) -> float:
        """One step of the optimiser; returns the loss."""
        for part in self._optimiser.param_groups:
            part["lr"] = self.recipe.rate_at(self.step)
        self.model.train()
        batches = list(self._batches(self._groups()))
        rows = sum(len(batch) for batch in batches)
        outcomes = list(self._pool.map(lambda batch: self._through(batch, rows), batches))
        for n, parameter in enumerate(self._trained):
            parameter.grad = sum((grads[n] for _, grads in outcomes[1:]), outcomes[0][1][n])
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        self.step += 1
        return sum(value for value, _ in outcomes)

    def _groups(self) -> list[list[Pair]]:
        number, at = 0, self.step * self.recipe.groups
        while True:
            if self._epoch[0] != number:
                self._epoch = (number, self._pairs.epoch(number))
            if at < len(self._epoch[1]):
                return self._epoch[1][at : at + self.recipe.groups]
            number, at = number + 1, at - len(self._epoch[1])

    def _batches(self, groups: Sequence[list[Pair]]) -> list[list[Pair]]:
        """Whole groups of like length together."""
        made: list[list[Pair]] = []
        for group in sorted(groups, key=lambda one: len(one[0].passage)):
            longest = min(256, max(len(one.passage) + len(one.text) for one in group) // 4 + 3)
            if made and (len(made[-1]) + len(group)) * longest <= self.recipe.pieces:
                made[-1] += group
            else:
                made.append(list(group))
        return made

    def _through(self, batch: Sequence[Pair], rows: int) -> tuple[float, tuple[Tensor, ...]]:
        odds = self.model(*tensors([encode(self._tokenizer, one.text, one.passage) for one in batch]))
        value = loss(odds, batch, self.recipe.ranked) / rows
        return float(value.detach()), torch.autograd.grad(value, self._trained)


def loss(odds: Tensor, batch: Sequence[Pair], ranked: float) -> Tensor:
    """The sum over pairs of -log p(label), and `ranked` times that of true pairs above false ones of their group."""
    true = torch.tensor([float(one.true) for one in batch])
    group = torch.tensor([one.group for one in batch])
    apart = nn.functional.binary_cross_entropy_with_logits(odds, true, reduction="sum")
    above = (true[:, None] > true[None, :]) & (group[:, None] == group[None, :])
    if not above.any():
        return apart
    return apart + ranked * nn.functional.softplus(odds[None, :] - odds[:, None])[above].sum()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("--work", type=Path, default=Path("work"), help="where support.pt is kept")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="batches that run at once")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(Recipe.seed)
    random.seed(Recipe.seed)
    arguments.work.mkdir(parents=True, exist_ok=True)
    fit, _ = load(arguments.data, read_ids(FOREIGN))
    fit = with_hard_negatives(fit, arguments.work / "hard_negatives.json")
    training = Training(Pairs(fit, Recipe.seed), Recipe(steps=arguments.steps), arguments.threads)
    saved, recent = time.monotonic(), list[float]()
    bar = tqdm(total=arguments.steps, unit="step", mininterval=10)
    while training.step < arguments.steps:
        recent = [*recent[-49:], training.run_step()]
        bar.update()
        bar.set_postfix(loss=f"{sum(recent) / len(recent):.3f}", refresh=False)
        if time.monotonic() - saved > _SAVE_SECONDS or training.step == arguments.steps:
            torch.save(training.model.state_dict(), arguments.work / "support.pt")
            saved = time.monotonic()
    bar.close()


if __name__ == "__main__":
    main()
