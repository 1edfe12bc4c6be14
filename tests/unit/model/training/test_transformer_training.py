"""What the transformer is trained on, and how fast: canvases were painted, as they are in play."""

from __future__ import annotations

import pytest
import torch

from model.training.samples import _as_painted  # pyright: ignore[reportPrivateUsage]
from model.training.transformer import rate_share


def test_the_rate_warms_up_and_falls_over_the_time() -> None:
    shares = [
        rate_share(step, progress) for step, progress in ((0, 0.0), (200, 0.0), (200, 0.5), (200, 1.0), (200, 2.0))
    ]
    assert shares == pytest.approx([0.005, 1.0, 0.51, 0.02, 0.02])


def test_painters_errors_are_only_where_something_is_seen_and_only_now_and_then() -> None:
    known, coverage = torch.zeros(64, 70, 8), torch.zeros(64, 70, 8)
    coverage[:, :30, 0] = 0.5
    off = _as_painted(known, coverage, torch.Generator().manual_seed(1))
    assert not off[:, 30:].any()
    painted = off[:, :30].flatten(1).std(1) > 0
    assert 0.3 < painted.float().mean() < 0.7
    assert off[:, :30].flatten(1).std(1).max() < 0.4
