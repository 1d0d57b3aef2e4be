"""Score every span of a passage as the answer, the option that the passage does not answer, and every sentence alone.

All spans of a passage and the null option share one softmax (the joint objective of Fajcik et al. 2021). A span's score
is start + end + the product of two small vectors, so that its two ends are chosen together. A sentence's log-odds of
answering alone is the mean of a score over its word pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from training.reader.base import layout_for

PAIR = 64
"""Length of the vectors that say how well a start and an end fit together."""
LONGEST_ANSWER = 30
"""The most word pieces in an answer."""
_NEVER = -1e4
Parts = tuple[Tensor, ...]


@dataclass(frozen=True)
class Batch:
    """Rows padded to one length L.

    `passage` (b, L) is True on word pieces of the passage. `targets` (b, k, 2) are the acceptable (start, end) pieces,
    both inclusive, -1 where there are fewer. `sentences` (b, s, 2) are the first and last pieces of the sentences, and
    `holds` (b, s) is 1 for a sentence that holds an acceptable answer, 0 for one that does not, -1 where that is
    unknown or there is no sentence.
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    passage: Tensor
    targets: Tensor
    sentences: Tensor
    holds: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on `device`."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class SpanModel(nn.Module):
    """Question and passage -> the parts of the scores.

    The parts are start (b, L), end (b, L), pair vectors of starts and ends (b, L, PAIR), null (b,) and sentence (b, L).
    """

    def __init__(self, encoder: Any, frozen: int = 0, dropout: float = 0.0) -> None:
        """Put new heads on `encoder`; do not train its embeddings and `frozen` lowest layers.

        Without `dropout`, crops and changed questions are the noise: on a processor, drawing random numbers takes as
        long as all the rest.
        """
        super().__init__()
        self.encoder = encoder
        self.layout = layout_for(encoder)
        width = encoder.config.hidden_size
        self.head = nn.Linear(width, 2 + 2 * PAIR)
        self.null = nn.Linear(width, 1)
        self.sentence = nn.Linear(width, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.null.bias, 7.0)  # about log of the number of spans: even odds at the start
        nn.init.zeros_(self.sentence.weight)
        nn.init.constant_(self.sentence.bias, -2.0)  # about one sentence in eight answers
        encoder.embeddings.requires_grad_(False)
        for layer in encoder.encoder.layer[:frozen]:
            layer.requires_grad_(False)
        # All layers share MPNet's table of distances: learning it would take gradients through the frozen ones.
        if frozen and hasattr(encoder.encoder, "relative_attention_bias"):
            encoder.encoder.relative_attention_bias.requires_grad_(False)
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Parts:
        """Return (start, end, pair starts, pair ends, null, sentence) of a batch.

        Takes (b, L) word pieces, attention mask and token types; an encoder without token types takes none.
        """
        typed = {"token_type_ids": types} if "types" in self.layout.inputs else {}
        hidden = self.encoder(input_ids=ids, attention_mask=mask, **typed).last_hidden_state
        start, end, left, right = torch.split(self.head(hidden).float(), [1, 1, PAIR, PAIR], dim=-1)
        null = self.null(hidden[:, 0]).float().squeeze(-1)
        return start.squeeze(-1), end.squeeze(-1), left, right, null, self.sentence(hidden).float().squeeze(-1)


def span_scores(parts: Parts, passage: Tensor) -> Tensor:
    """Return (b, L, L) scores of the spans from first to second index, both inclusive.

    The score is very low where there is no span.
    """
    start, end, left, right = parts[:4]
    scores = start[:, :, None] + end[:, None, :] + left @ right.transpose(1, 2) / math.sqrt(PAIR)
    length = passage.shape[1]
    place = torch.arange(length, device=passage.device)
    reach = place[None, :] - place[:, None]
    allowed = (reach >= 0) & (reach < LONGEST_ANSWER) & passage[:, :, None] & passage[:, None, :]
    return scores.masked_fill(~allowed, _NEVER)


def log_odds(parts: Parts, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return ((b,), (b,)) log-odds over the null option.

    The first is that of any span, the second that of the acceptable spans together.
    """
    scores = span_scores(parts, batch.passage)
    null = parts[4]
    rows = torch.arange(len(scores), device=scores.device)[:, None]
    exists = batch.targets[:, :, 0] >= 0
    wanted = scores[rows, batch.targets[:, :, 0].clamp(min=0), batch.targets[:, :, 1].clamp(min=0)]
    wanted = wanted.masked_fill(~exists, _NEVER)
    return scores.flatten(1).logsumexp(1) - null, wanted.logsumexp(1) - null


def sentence_odds(parts: Parts, sentences: Tensor) -> Tensor:
    """Return (b, s) log-odds that a sentence answers alone.

    `sentences` (b, s, 2) are the first and last pieces.
    """
    place = torch.arange(parts[5].shape[1], device=sentences.device)
    inside = ((place >= sentences[:, :, :1]) & (place <= sentences[:, :, 1:])).float()
    return (inside @ parts[5][:, :, None]).squeeze(-1) / inside.sum(-1).clamp(min=1)


def sentence_loss(parts: Parts, batch: Batch) -> Tensor:
    """Return (b,) mean losses of each row's sentences, 0 for a row without sentences."""
    odds = sentence_odds(parts, batch.sentences)
    known = batch.holds >= 0
    each = nn.functional.binary_cross_entropy_with_logits(odds, batch.holds.clamp(min=0).float(), reduction="none")
    return (each * known).sum(1) / known.sum(1).clamp(min=1)


def loss(any_span: Tensor, wanted: Tensor, answerable: Tensor, group: Tensor, weight: float) -> Tensor:
    """Return the loss of a step.

    It is the mean over rows of -log p(acceptable spans, or null), plus `weight` times the same with the spans of all
    passages of one question in one softmax (shared normalisation, Clark & Gardner 2018). `answerable` (b,) is True for
    rows with an acceptable span; `group` (b,) is the same number for passages of one question.
    """
    apart = nn.functional.softplus(any_span) - torch.where(answerable, wanted, torch.zeros_like(wanted))
    same = group[:, None] == group[None, :]
    shared = answerable & (same.sum(1) > 1)
    if not shared.any():
        return apart.mean()
    spans = any_span[None, :].expand(len(group), -1).masked_fill(~same, _NEVER)
    everything = torch.cat([torch.zeros_like(any_span)[:, None], spans], 1).logsumexp(1)
    return apart.mean() + weight * (everything - wanted)[shared].mean()
