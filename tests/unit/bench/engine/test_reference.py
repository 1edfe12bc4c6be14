"""The same network by somebody else: the same velocities, and both sides are timed."""

from __future__ import annotations

import pytest
import torch

from bench.engine.device import Device
from bench.engine.reference import SAME_WITHIN, bench_reference, compare
from model.adapters.presets import preset


def test_both_are_the_same_network() -> None:
    compared = compare(preset("wan-tiny"), Device(kind="cpu"), torch.float32, passes=1)
    assert compared.difference < 1e-4
    assert min(compared.whole_s, compared.their_whole_s, compared.chunk_s) > 0


def test_the_command_tells_the_ratio_and_refuses_what_has_no_counterpart() -> None:
    result = bench_reference("abot-tiny", Device(kind="cpu"), passes=1)
    assert not result.faults
    assert 0 < result.figures["difference"] < SAME_WITHIN
    assert "ratio" in result.summary[1]
    with pytest.raises(ValueError, match="controls"):
        bench_reference("matrix-game-tiny", Device(kind="cpu"), passes=1)
