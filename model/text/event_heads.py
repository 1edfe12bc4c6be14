"""Small heads that read events out of token states, one per question, as `SlotHeads` does for slots.

Letters: B sentences, P tokens, D width, Q questions, Y answers of all questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.text.events import NUM_QUESTIONS, QUESTION_RANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHeadsConfig:
    width: int
    queries: int  # per question
    hidden: int
    dropout: float = 0.25


class EventHeads(nn.Module):
    """Each question looks for its own words with learned queries."""

    def __init__(self, config: EventHeadsConfig) -> None:
        super().__init__()
        self.config = config
        self.score = nn.Linear(config.width, NUM_QUESTIONS * config.queries)
        self.read = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(config.dropout),
                nn.Linear(config.width * (config.queries + 1), config.hidden),
                nn.GELU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, part.stop - part.start),
            )
            for part in QUESTION_RANGES.values()
        )

    def forward(self, states_BPD: Tensor, is_token_BP: Tensor) -> Tensor:
        """logits_BY."""
        scores_BPQ = self.score(states_BPD).masked_fill(~is_token_BP[..., None], float("-inf"))
        gathered_BQD = scores_BPQ.softmax(dim=1).transpose(1, 2) @ states_BPD
        weight_BP1 = is_token_BP[..., None].float()
        mean_BD = (states_BPD * weight_BP1).sum(1) / weight_BP1.sum(1)
        found = gathered_BQD.unflatten(1, (NUM_QUESTIONS, self.config.queries)).flatten(2).unbind(1)
        answers = [head(torch.cat([part, mean_BD], -1)) for head, part in zip(self.read, found, strict=True)]
        return torch.cat(answers, -1)


def event_probabilities(logits_BY: Tensor) -> Tensor:
    """probabilities_BY that sum to one within each question."""
    return torch.cat([logits_BY[:, part].softmax(-1) for part in QUESTION_RANGES.values()], -1)
