"""The support model: MiniLM's encoder with one number, the log-odds that a passage supports a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rag.check.pieces import Encoded, pad


class SupportModel(nn.Module):
    """Sentence and passage -> log-odds of support."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.encoder.embeddings.requires_grad_(False)
        # Drawing random numbers for dropout takes as long as all the rest on a processor.
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """(b, L) word pieces, attention mask and token types -> (b,)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        odds: Tensor = self.head(hidden[:, 0]).float().squeeze(-1)
        return odds


def tensors(encoded: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
    """(ids, mask, types) of pairs as word pieces, each (n, L)."""
    ids, mask, types = (torch.from_numpy(one) for one in pad(encoded))
    return ids, mask, types
