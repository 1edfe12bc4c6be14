"""Small heads over token states, one per question.

Each question looks for its own words: learned queries weigh the tokens, and what they gather, with the mean of
the sentence, gives the answer's logits.

Letters: B sentences, P tokens, Q queries, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TokenHeads(nn.Module):
    def __init__(self, num_logits: Sequence[int], *, width: int, queries: int, hidden: int, dropout: float) -> None:
        """`num_logits`: of each question. `queries`: per question."""
        super().__init__()
        if min(width, queries, hidden) < 1:
            raise ValueError("width, queries and hidden must be positive")
        self._shape = (len(num_logits), queries)
        self.score = nn.Linear(width, len(num_logits) * queries)
        self.read = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(dropout),
                nn.Linear(width * (queries + 1), hidden),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, logits),
            )
            for logits in num_logits
        )

    def answers(self, states_BPD: Tensor, is_token_BP: Tensor) -> list[Tensor]:
        """Logits of each question, one row a sentence."""
        scores_BPQ = self.score(states_BPD).masked_fill(~is_token_BP[..., None], float("-inf"))
        gathered_BQD = scores_BPQ.softmax(dim=1).transpose(1, 2) @ states_BPD
        weight_BP1 = is_token_BP[..., None].float()
        mean_BD = (states_BPD * weight_BP1).sum(1) / weight_BP1.sum(1)
        found = gathered_BQD.unflatten(1, self._shape).flatten(2).unbind(1)
        return [head(torch.cat([part, mean_BD], -1)) for head, part in zip(self.read, found, strict=True)]
