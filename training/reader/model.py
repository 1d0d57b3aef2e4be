"""The reading network: MiniLM's encoder with a score for every span of the passage and one for "not in here".

All spans of a passage and the null option share one softmax (the joint objective of Fajcik et al. 2021): a span has
start + end + the product of two small vectors, so that its two ends are chosen together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

PAIR = 64
"""Length of the vectors that say how well a start and an end go together."""
LONGEST_ANSWER = 30
"""Most word pieces in an answer."""
_NEVER = -1e4


@dataclass(frozen=True)
class Batch:
    """Rows padded to one length L. `passage` (b, L) is True on word pieces of the passage; `targets` (b, k, 2) are the
    acceptable (start, end) pieces, both inclusive, -1 where there are fewer."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    passage: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        return Batch(*(getattr(self, name).to(device) for name in ("ids", "types", "mask", "passage", "targets")))


class SpanModel(nn.Module):
    """Question and passage -> the parts of the span scores: start (b, L), end (b, L), pair vectors of starts and ends
    (b, L, PAIR) and null (b,)."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.head = nn.Linear(width, 2 + 2 * PAIR)
        self.null = nn.Linear(width, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.null.bias, 7.0)  # about log of the number of spans: even odds at the start
        self.encoder.embeddings.requires_grad_(False)
        # Drawing random numbers for dropout takes as long as all the rest on a processor; crops and changed questions
        # are the noise here.
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(b, L) word pieces, attention mask and token types -> (start, end, pair starts, pair ends, null)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        scores = self.head(hidden).float()
        start, end, left, right = torch.split(scores, [1, 1, PAIR, PAIR], dim=-1)
        return start.squeeze(-1), end.squeeze(-1), left, right, self.null(hidden[:, 0]).float().squeeze(-1)


def load_encoder(folder: Path) -> Any:
    """MiniLM's encoder from the folder of its float32 weights, without its pooler."""
    from transformers import AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # Eager attention: on a processor its backward pass is faster than the fused one's.
    return AutoModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation="eager", local_files_only=True
    ).float()


def span_scores(parts: tuple[Tensor, ...], passage: Tensor) -> Tensor:
    """(b, L, L) score of the span from the first index to the second, both inclusive; very low where there is none."""
    start, end, left, right = parts[:4]
    scores = start[:, :, None] + end[:, None, :] + left @ right.transpose(1, 2) / math.sqrt(PAIR)
    length = passage.shape[1]
    place = torch.arange(length, device=passage.device)
    reach = place[None, :] - place[:, None]
    allowed = (reach >= 0) & (reach < LONGEST_ANSWER) & passage[:, :, None] & passage[:, None, :]
    return scores.masked_fill(~allowed, _NEVER)


def log_odds(parts: tuple[Tensor, ...], batch: Batch) -> tuple[Tensor, Tensor]:
    """((b,), (b,)): log-odds over the null option of any span at all, and of the acceptable ones together."""
    scores = span_scores(parts, batch.passage)
    null = parts[4]
    rows = torch.arange(len(scores), device=scores.device)[:, None]
    exists = batch.targets[:, :, 0] >= 0
    wanted = scores[rows, batch.targets[:, :, 0].clamp(min=0), batch.targets[:, :, 1].clamp(min=0)]
    wanted = wanted.masked_fill(~exists, _NEVER)
    return scores.flatten(1).logsumexp(1) - null, wanted.logsumexp(1) - null


def loss(any_span: Tensor, wanted: Tensor, answerable: Tensor, group: Tensor, weight: float) -> Tensor:
    """The mean over rows of -log p(acceptable spans, or null), plus `weight` times the same with the spans of all
    passages of one question in one softmax (shared normalisation, Clark & Gardner 2018).

    `answerable` (b,) tells rows with an acceptable span; `group` (b,) is the same number for passages of one question.
    """
    apart = nn.functional.softplus(any_span) - torch.where(answerable, wanted, torch.zeros_like(wanted))
    same = group[:, None] == group[None, :]
    shared = answerable & (same.sum(1) > 1)
    if not shared.any():
        return apart.mean()
    spans = any_span[None, :].expand(len(group), -1).masked_fill(~same, _NEVER)
    everything = torch.cat([torch.zeros_like(any_span)[:, None], spans], 1).logsumexp(1)
    return apart.mean() + weight * (everything - wanted)[shared].mean()
