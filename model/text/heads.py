"""Small heads that read slots out of token states.

Each slot looks for its own words: a learned query weighs the tokens, and what it gathers,
with the mean of the sentence, decides whether the slot is meant (gate) and which value.

Letters: B sentences, P tokens, D width, G slots, V values of all slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.world.conditions import NUM_SLOTS, NUM_VALUES, SLOT_RANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotHeadsConfig:
    width: int
    queries: int  # per slot
    hidden: int
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if min(self.width, self.queries, self.hidden) < 1:
            raise ValueError("width, queries and hidden must be positive")


class SlotLogits(NamedTuple):
    gates_BG: Tensor
    values_BV: Tensor


class SlotHeads(nn.Module):
    def __init__(self, config: SlotHeadsConfig) -> None:
        super().__init__()
        self.config = config
        self.score = nn.Linear(config.width, NUM_SLOTS * config.queries)
        self.read = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(config.dropout),
                nn.Linear(config.width * (config.queries + 1), config.hidden),
                nn.GELU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, 1 + part.stop - part.start),
            )
            for part in SLOT_RANGES.values()
        )

    def forward(self, states_BPD: Tensor, is_token_BP: Tensor) -> SlotLogits:
        scores_BPQ = self.score(states_BPD).masked_fill(~is_token_BP[..., None], float("-inf"))
        gathered_BQD = scores_BPQ.softmax(dim=1).transpose(1, 2) @ states_BPD
        weight_BP1 = is_token_BP[..., None].float()
        mean_BD = (states_BPD * weight_BP1).sum(1) / weight_BP1.sum(1)
        found = gathered_BQD.unflatten(1, (NUM_SLOTS, self.config.queries)).flatten(2).unbind(1)
        logits = [head(torch.cat([part, mean_BD], -1)) for head, part in zip(self.read, found, strict=True)]
        return SlotLogits(torch.stack([x[:, 0] for x in logits], -1), torch.cat([x[:, 1:] for x in logits], -1))


def probabilities(logits: SlotLogits) -> tuple[Tensor, Tensor]:
    """Gates [B, G] of 0 to 1, and values [B, V] that sum to one within each slot."""
    assert logits.values_BV.shape[-1] == NUM_VALUES
    parts = [logits.values_BV[:, part].softmax(-1) for part in SLOT_RANGES.values()]
    return logits.gates_BG.sigmoid(), torch.cat(parts, dim=-1)
