"""Training of a classifier for supported sentences: `python -m benchmarks.support_model ../shared/data`.

The model is not part of the check; `benchmarks.check_scores --model` measures its benefit. It starts from the weights
of the shipped reader, which can already compare a question with a passage, and is trained on sentences generated from
public questions (`support_pairs.py`). The loss is the cross-entropy of each pair, and a ranking loss of the true pairs
above the false ones of a group. Takes 40 minutes on two slow cores.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.support_pairs import Pair, Pairs
from index.encoder.embedder import find_float32
from index.text.layout import Span
from index.text.sentences import sentences
from training.reader.base import load_encoder
from training.reader.data import FOREIGN, load, read_ids, with_hard_negatives
from training.reader.restore import restored

_LONGEST, _LONGEST_SENTENCE = 256, 96
"""Most word pieces of sentence and passage with special tokens, and of the sentence."""
_CLS, _SEP = 101, 102
_SAVE_SECONDS = 300


class SupportModel(nn.Module):
    """A model of the log-odds of support: MiniLM's encoder and a linear head."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.encoder.embeddings.requires_grad_(False)
        # On a CPU, the random numbers for dropout take as long as everything else.
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Return log-odds (b,) for word pieces, attention mask and token types (b, L)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        odds: Tensor = self.head(hidden[:, 0]).float().squeeze(-1)
        return odds


class Pieces:
    """The tokenizer of sentences and passages into word pieces."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(find_float32().folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        """Return the number of word pieces of a text."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def batch(self, pairs: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor, Tensor]:
        """Encode (sentence, passage) pairs as (ids, mask, types), each (n, L).

        Truncates texts that are too long.
        """
        encoded = [self._encode(*pair) for pair in pairs]
        length = -(-max(len(ids) for ids, _ in encoded) // 8) * 8
        ids, mask, types = (np.zeros((len(encoded), length), dtype=np.int64) for _ in range(3))
        for row, (pieces, start) in enumerate(encoded):
            ids[row, : len(pieces)], mask[row, : len(pieces)], types[row, start : len(pieces)] = pieces, 1, 1
        return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(types)

    def around(self, text: str, span: Span, room: int) -> str:
        """Return the sentences around `span`, as many as fit into `room` word pieces."""
        lines = sentences(text)
        first = max((n for n, (start, _) in enumerate(lines) if start <= span[0]), default=0)
        last = max((n for n, (start, _) in enumerate(lines) if start < span[1]), default=first)
        sizes = [self.count(text[a:b]) for a, b in lines]
        left, grew = room - sum(sizes[first : last + 1]), True
        while grew:
            grew = False
            if first > 0 and sizes[first - 1] <= left:
                first, left, grew = first - 1, left - sizes[first - 1], True
            if last + 1 < len(lines) and sizes[last + 1] <= left:
                last, left, grew = last + 1, left - sizes[last + 1], True
        return text[lines[first][0] : lines[last][1]] if lines else text

    def _encode(self, sentence: str, passage: str) -> tuple[list[int], int]:
        sentence_ids = self._tokenizer.encode(sentence, add_special_tokens=False).ids[:_LONGEST_SENTENCE]
        passage_ids = self._tokenizer.encode(passage, add_special_tokens=False).ids[: _LONGEST - len(sentence_ids) - 3]
        return [_CLS, *sentence_ids, _SEP, *passage_ids, _SEP], len(sentence_ids) + 2


class Scorer:
    """A trained model for inference."""

    def __init__(self, checkpoint: Path) -> None:
        self._model = SupportModel(load_encoder(find_float32().folder))
        self._model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
        self._model.eval()
        self._pieces = Pieces()

    def score(self, sentence: str, text: str, span: Span, title: str) -> float:
        """Return the log-odds that `text` supports the sentence.

        The model reads the `title` and the sentences around `span`, the place with most of the support.
        """
        room = _LONGEST - min(_LONGEST_SENTENCE, self._pieces.count(sentence)) - self._pieces.count(title) - 3
        premise = f"{title}\n{self._pieces.around(text, span, room)}"
        with torch.inference_mode():
            return float(self._model(*self._pieces.batch([(sentence, premise)]))[0])


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a training.

    A step has `groups` groups of pairs; a batch has `pieces` word pieces. The learning rate rises over `warm_up` steps
    and falls to 0 over the last `decay` (a share) of the steps. `ranked` is the weight of the ranking loss.
    """

    steps: int = 480
    groups: int = 12
    rate: float = 2e-4
    warm_up: int = 40
    decay: float = 0.6
    ranked: float = 0.5
    pieces: int = 2048
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        falling = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.rate * min(1.0, (step + 1) / max(1, self.warm_up)) * falling


class Training:
    """A model in training, with its optimiser and data."""

    def __init__(self, pairs: Pairs, recipe: Recipe, threads: int = 2) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.step = 0
        self.model = SupportModel(restored().encoder)
        self._pairs = pairs
        self._pieces = Pieces()
        self._trained = [p for p in self.model.parameters() if p.requires_grad]
        decayed = [p for p in self._trained if p.ndim > 1]
        plain = [p for p in self._trained if p.ndim == 1]
        self._optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=recipe.rate
        )
        self._pool = ThreadPoolExecutor(threads)
        self._epoch = (-1, list[list[Pair]]())

    def run_step(self) -> float:
        """Run a step of the optimiser; return the loss."""
        for part in self._optimiser.param_groups:
            part["lr"] = self.recipe.rate_at(self.step)
        self.model.train()
        batches = self._batches(self._groups())
        rows = sum(len(batch) for batch in batches)
        outcomes = list(self._pool.map(lambda batch: self._gradients(batch, rows), batches))
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
        """Return batches of whole groups of similar length."""
        batches: list[list[Pair]] = []
        for group in sorted(groups, key=lambda one: len(one[0].passage)):
            longest = min(_LONGEST, max(len(one.passage) + len(one.text) for one in group) // 4 + 3)
            if batches and (len(batches[-1]) + len(group)) * longest <= self.recipe.pieces:
                batches[-1] += group
            else:
                batches.append(list(group))
        return batches

    def _gradients(self, batch: Sequence[Pair], rows: int) -> tuple[float, tuple[Tensor, ...]]:
        odds = self.model(*self._pieces.batch([(one.text, one.passage) for one in batch]))
        value = loss(odds, batch, self.recipe.ranked) / rows
        return float(value.detach()), torch.autograd.grad(value, self._trained)


def loss(odds: Tensor, batch: Sequence[Pair], ranked: float) -> Tensor:
    """Return the summed cross-entropy plus `ranked` times the ranking loss.

    The ranking loss is the sum of -log p(true pair above false pair) within each group.
    """
    true = torch.tensor([float(one.true) for one in batch])
    group = torch.tensor([one.group for one in batch])
    classification = nn.functional.binary_cross_entropy_with_logits(odds, true, reduction="sum")
    above = (true[:, None] > true[None, :]) & (group[:, None] == group[None, :])
    if not above.any():
        return classification
    return classification + ranked * nn.functional.softplus(odds[None, :] - odds[:, None])[above].sum()


def main() -> None:
    """Read the command line, train, and save the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/ and squadshifts/")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder of support.pt")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    fit, _ = load(arguments.data, read_ids(FOREIGN))
    fit = with_hard_negatives(fit, arguments.work / "hard_negatives.json")
    training = Training(Pairs(fit, Recipe.seed), Recipe(steps=arguments.steps), os.cpu_count() or 1)
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
