"""Train the encoder that finds passages: `python -m training.encoder.train ../shared/data --work work`.

With a GPU it takes minutes. It starts from MiniLM's float32 weights and learns to put a question next to the passage
that answers it, away from the passages of the other questions of a step and from passages that look right and lack the
answer (in-batch softmax over cosines, van den Oord et al. 2018, Karpukhin et al. 2020). The folder `encoder` below the
work folder is a sentence-transformers model; `training.encoder.export` makes the shipped file of it,
`benchmarks.encoder` measures it.
"""

from __future__ import annotations

import argparse
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from index.encoder.embedder import MAX_WORD_PIECES, find_float32
from index.text.words import words
from training.reader.base import load_encoder
from training.reader.data import PassageOrigin, TrainingCorpus, TrainingPassage, TrainingQuestion
from training.reader.train import corpus, precision
from training.reader.typed import retype

_ENCODER = "encoder"
_TIMES: dict[PassageOrigin, int] = {"wiki": 1, "natural": 6, "everyday": 1}
"""How often an epoch asks the questions of each kind; questions on reviews and comments name nothing to search for."""
_TYPED, _HEADED, _HARD = 0.5, 0.5, 0.7
"""Shares of the questions written as people type, of the Wikipedia passages below their title, and of the questions
that also get a passage without the answer."""
_TRIES = 6


@dataclass(frozen=True)
class EncoderRecipe:
    """The settings of a run: two runs with equal settings are the same.

    `batch` questions make a step; cosines are multiplied by `scale`.
    """

    epochs: int = 5
    batch: int = 256
    rate: float = 4e-5
    scale: float = 20.0
    dropout: float = 0.1
    warm_up: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Step:
    """The questions of a step, and the texts that are compared with each.

    `texts` holds the answering texts in the questions' order, then texts that lack an answer; `homes` are the passages
    of the texts.
    """

    questions: list[str]
    texts: list[str]
    homes: list[int]


class Pairs:
    """The steps of every epoch, the same for the same seed."""

    def __init__(self, corpus: TrainingCorpus, recipe: EncoderRecipe) -> None:
        self._passages, self._recipe = corpus.passages, recipe
        kinds = [passage.kind for passage in corpus.passages]
        self._questions = [q for q in corpus.questions if q.spans for _ in range(_TIMES.get(kinds[q.passage], 0))]
        self._articles: dict[str, list[int]] = defaultdict(list)
        for number, passage in enumerate(corpus.passages):
            self._articles[passage.article].append(number)

    @property
    def steps(self) -> int:
        """Return the number of steps in an epoch."""
        return len(self._questions) // self._recipe.batch

    def epoch(self, number: int) -> Iterator[Step]:
        """Yield the steps of an epoch; questions that are left over come in another epoch."""
        rng = random.Random(f"{self._recipe.seed} {number}")
        drawn = rng.sample(self._questions, len(self._questions))
        for step in range(self.steps):
            part = drawn[step * self._recipe.batch :][: self._recipe.batch]
            questions = [retype(one.text, rng) if rng.random() < _TYPED else one.text for one in part]
            negatives = [self._negative_passage(one, rng) for one in part if rng.random() < _HARD]
            homes = [one.passage for one in part] + [other for other in negatives if other is not None]
            yield Step(questions, [self._text(self._passages[home], rng) for home in homes], homes)

    def _text(self, passage: TrainingPassage, rng: random.Random) -> str:
        headed = passage.heading and (passage.kind == "everyday" or rng.random() < _HEADED)
        return f"{passage.heading}\n{passage.text}" if headed else passage.text

    def _negative_passage(self, question: TrainingQuestion, rng: random.Random) -> int | None:
        """Return a passage without the answer: of the same everyday document, or a hard negative by TF-IDF."""
        own = self._passages[question.passage]
        if own.kind != "everyday":
            return rng.choice(question.hard) if question.hard else None
        answers = {" ".join(words(own.text[start:end])) for start, end in question.spans}
        for _ in range(_TRIES):
            other = rng.choice(self._articles[own.article])
            text = f" {' '.join(words(self._passages[other].text))} "
            if other != question.passage and not any(f" {answer} " in text for answer in answers):
                return other
        return None


class EncoderTraining:
    """An encoder in training."""

    def __init__(
        self, encoder: Any, tokenizer: Any, recipe: EncoderRecipe, steps: int, device: str | None = None
    ) -> None:
        """Train for `steps` steps in all; `device` is cuda by default if there is one."""
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(recipe.seed)
        self._precision = precision(self.device)
        self.encoder = encoder.to(self.device).train()
        for module in self.encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = recipe.dropout
        self._tokenizer, self._recipe, self._steps = tokenizer, recipe, steps
        self._optimiser = torch.optim.AdamW(self.encoder.parameters(), lr=recipe.rate, weight_decay=0.01)
        self._step = 0

    def run_step(self, step: Step) -> float:
        """Run one step of the optimiser and return the loss."""
        rising = (self._step + 1) / max(1.0, self._recipe.warm_up * self._steps)
        for part in self._optimiser.param_groups:
            part["lr"] = self._recipe.rate * min(1.0, rising) * (1 - self._step / self._steps)
        scores = self.vectors(step.questions) @ self.vectors(step.texts).T * self._recipe.scale
        home = torch.tensor(step.homes, device=self.device)
        own = torch.arange(len(step.questions), device=self.device)
        # The question's own passage is not wrong when it is also there for another question.
        same = home[own, None] == home[None, :]
        same[own, own] = False
        loss = nn.functional.cross_entropy(scores.masked_fill(same, -1e4), own)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self._optimiser.step()
        self._step += 1
        return float(loss.detach())

    def vectors(self, texts: list[str]) -> Tensor:
        """Return (n, d) unit vectors: the mean over the word pieces of each text."""
        encoded = self._tokenizer.encode_batch(texts)
        ids, mask = (
            nn.utils.rnn.pad_sequence([torch.tensor(getattr(one, name)) for one in encoded], batch_first=True)
            for name in ("ids", "attention_mask")
        )
        ids, mask = ids.to(self.device), mask.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._precision is torch.bfloat16):
            hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].float()
        return nn.functional.normalize((hidden.float() * weights).sum(1) / weights.sum(1))


def open_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of an encoder's folder, cutting like the shipped encoder."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_WORD_PIECES)
    tokenizer.no_padding()
    return tokenizer


def write_encoder(encoder: Any, base: Path, folder: Path) -> None:
    """Write the encoder as a sentence-transformers folder, like the one in `base`."""
    shutil.copytree(base, folder, dirs_exist_ok=True)
    encoder.cpu().save_pretrained(folder)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with squad/, squadshifts/ and natural/")
    parser.add_argument("--work", type=Path, default=Path("work"), help="where the trained encoder is written")
    parser.add_argument("--epochs", type=int, default=EncoderRecipe.epochs)
    parser.add_argument("--batch", type=int, default=EncoderRecipe.batch, help="questions in a step")
    arguments = parser.parse_args()
    recipe = EncoderRecipe(epochs=arguments.epochs, batch=arguments.batch)
    arguments.work.mkdir(parents=True, exist_ok=True)
    pairs = Pairs(corpus(arguments.data, arguments.work, recipe.seed), recipe)
    base = find_float32().folder
    steps = recipe.epochs * pairs.steps
    training = EncoderTraining(load_encoder(base), open_tokenizer(base), recipe, steps)
    with tqdm(total=steps, unit="step") as bar:
        for number in range(recipe.epochs):
            for step in pairs.epoch(number):
                bar.set_postfix(loss=f"{training.run_step(step):.3f}", refresh=False)
                bar.update()
    write_encoder(training.encoder, base, arguments.work / _ENCODER)


if __name__ == "__main__":
    main()
