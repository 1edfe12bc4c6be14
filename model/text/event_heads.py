"""Small heads that read events out of token states, beside those that read slots.

Letters: B sentences, P tokens, D width, Y answers of all questions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from model.text.events import QUESTION_RANGES
from model.text.token_heads import TokenHeads


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHeadsConfig:
    width: int
    queries: int  # per question
    hidden: int
    dropout: float = 0.25


class EventHeads(TokenHeads):
    def __init__(self, config: EventHeadsConfig) -> None:
        super().__init__([part.stop - part.start for part in QUESTION_RANGES.values()], **asdict(config))
        self.config = config

    def forward(self, states_BPD: Tensor, is_token_BP: Tensor) -> Tensor:
        """logits_BY."""
        return torch.cat(self.answers(states_BPD, is_token_BP), -1)


def event_probabilities(logits_BY: Tensor) -> Tensor:
    """probabilities_BY that sum to one within each question."""
    return torch.cat([logits_BY[:, part].softmax(-1) for part in QUESTION_RANGES.values()], -1)


def fuller_events(one_BY: Tensor, other_BY: Tensor) -> Tensor:
    """Of two readings of the same sentences, question by question the one that is surer of an answer but "none"."""
    answers = []
    for part in QUESTION_RANGES.values():
        one_BA, other_BA = one_BY[:, part], other_BY[:, part]
        is_other_B1 = other_BA[:, 1:].amax(-1, keepdim=True) > one_BA[:, 1:].amax(-1, keepdim=True)
        answers.append(torch.where(is_other_B1, other_BA, one_BA))
    return torch.cat(answers, -1)
