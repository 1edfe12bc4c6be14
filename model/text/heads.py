"""Small heads that read slots out of token states: is the slot meant (gate), and which value.

Letters: B sentences, P tokens, D width, G slots, V values of all slots.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from model.text.token_heads import TokenHeads
from model.world.conditions import NUM_VALUES, SLOT_RANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotHeadsConfig:
    width: int
    queries: int  # per slot
    hidden: int
    dropout: float = 0.3


class SlotLogits(NamedTuple):
    gates_BG: Tensor
    values_BV: Tensor


class SlotReading(NamedTuple):
    """What sentences say: gates of 0 to 1, and values that sum to one within each slot."""

    gates_BG: Tensor
    values_BV: Tensor


class SlotHeads(TokenHeads):
    """One question per slot: its first logit is the gate's."""

    def __init__(self, config: SlotHeadsConfig) -> None:
        super().__init__([1 + part.stop - part.start for part in SLOT_RANGES.values()], **asdict(config))
        self.config = config

    def forward(self, states_BPD: Tensor, is_token_BP: Tensor) -> SlotLogits:
        logits = self.answers(states_BPD, is_token_BP)
        return SlotLogits(torch.stack([x[:, 0] for x in logits], -1), torch.cat([x[:, 1:] for x in logits], -1))


def probabilities(logits: SlotLogits) -> SlotReading:
    assert logits.values_BV.shape[-1] == NUM_VALUES
    parts = [logits.values_BV[:, part].softmax(-1) for part in SLOT_RANGES.values()]
    return SlotReading(logits.gates_BG.sigmoid(), torch.cat(parts, dim=-1))


def fuller(one: SlotReading, other: SlotReading) -> SlotReading:
    """Of two readings of the same sentences, slot by slot the one that rather opens it."""
    is_other_BG = other.gates_BG > one.gates_BG
    sizes = torch.tensor([part.stop - part.start for part in SLOT_RANGES.values()])
    is_other_BV = is_other_BG.repeat_interleave(sizes, dim=-1)
    return SlotReading(
        torch.where(is_other_BG, other.gates_BG, one.gates_BG), torch.where(is_other_BV, other.values_BV, one.values_BV)
    )
