"""One way to train a network for so many minutes: steps of AdamW whose rate warms up and then falls to nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from rich.console import Console
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentConfig:
    rate: float
    minutes: float
    warm_up_steps: int = 100
    log_steps: int = 100
    max_norm: float = 1.0  # of all gradients together

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.minutes < 0:
            raise ValueError("rate must be positive and minutes not negative")


class Descent:
    """Iterate over it, and call `step` once in every round."""

    def __init__(self, network: nn.Module, config: DescentConfig, console: Console) -> None:
        self._network, self._config, self._console = network, config, console
        self._optimizer = torch.optim.AdamW(network.parameters(), config.rate)
        self._minutes_gone = 0.0

    def __iter__(self) -> Iterator[int]:
        """Counts steps until the time is over, setting the rate of each."""
        started_s, step = time.monotonic(), 0
        while (gone := (time.monotonic() - started_s) / 60) < self._config.minutes:
            self._minutes_gone = gone
            for group in self._optimizer.param_groups:
                group["lr"] = rate_at(self._config, step, gone)
            yield step
            step += 1

    def step(self, idx: int, loss: Tensor) -> None:
        """Descend along the gradients of a loss."""
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._config.max_norm)
        self._optimizer.step()
        if (idx + 1) % self._config.log_steps == 0:
            self._console.log(f"step {idx + 1} {self._minutes_gone:.1f} min loss {loss.item():.4f}")


def rate_at(config: DescentConfig, step: int, minutes_gone: float) -> float:
    """Up over the first steps, then down in a straight line over the time."""
    return config.rate * min(1, (step + 1) / config.warm_up_steps) * max(0.0, 1 - minutes_gone / config.minutes)
