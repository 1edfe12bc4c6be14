"""A descent goes down, warms up first, and ends when its time is over."""

from __future__ import annotations

import pytest
import torch
from rich.console import Console
from torch import nn

from model.training.descent import Descent, DescentConfig, rate_at

CONFIG = DescentConfig(rate=0.1, minutes=2.0, warm_up_steps=10)


def test_the_rate_rises_over_the_first_steps_and_falls_with_the_time() -> None:
    assert [round(rate_at(CONFIG, step, 0.0), 3) for step in (0, 4, 9, 100)] == [0.01, 0.05, 0.1, 0.1]
    assert rate_at(CONFIG, 100, 1.0) == pytest.approx(0.05)
    assert rate_at(CONFIG, 100, 2.5) == 0.0


def test_steps_lower_the_loss_and_end() -> None:
    torch.manual_seed(0)
    network, wanted, losses = nn.Linear(4, 1), torch.randn(64, 4), []
    descent = Descent(network, DescentConfig(rate=0.05, minutes=0.01, warm_up_steps=1), Console(quiet=True))
    for step in descent:
        loss = (network(wanted) - wanted.sum(1, keepdim=True)).square().mean()
        losses.append(loss.item())
        descent.step(step, loss)
    assert losses[-1] < 0.2 * losses[0]


def test_a_descent_of_no_time_takes_no_step() -> None:
    assert list(Descent(nn.Linear(1, 1), DescentConfig(rate=0.1, minutes=0.0), Console(quiet=True))) == []


def test_a_descent_upwards_is_refused() -> None:
    with pytest.raises(ValueError, match="rate must be positive"):
        DescentConfig(rate=-0.1, minutes=1.0)
