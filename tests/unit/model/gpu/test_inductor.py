"""torch's own compiler, as a service uses it: the same chunks. `NACRE_COMPILE_TESTS=1` runs it, for half a minute."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from model.adapters.wan.pointwise import normed
from model.gpu.compiled import CompiledStep
from model.gpu.fp8 import quantised
from model.gpu.quick import WanSpeed
from tests.unit.model.gpu.test_quick import play, stage

pytestmark = [
    pytest.mark.skipif("NACRE_COMPILE_TESTS" not in os.environ, reason="set NACRE_COMPILE_TESTS=1"),
    pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning"),  # in the compiler itself
]


def test_compiled_chunks_are_those_of_the_network_as_it_is() -> None:
    fast = stage("wan-tiny", WanSpeed(compiles=True))
    fast.prepare(2)
    fast.warm_up(2)
    for ours, theirs in zip(play(fast, "wan-tiny", 2), play(stage("wan-tiny", None), "wan-tiny", 2), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_one_kernel_stands_for_several() -> None:
    step, generator = CompiledStep(normed), torch.Generator().manual_seed(1)
    x, shift, scale = (torch.randn(1, 3, 24, 48, generator=generator, dtype=torch.float64) for _ in range(3))
    ours = step(x, shift, scale, 1e-6)
    torch.testing.assert_close(ours, normed(x, shift, scale, 1e-6), rtol=0, atol=1e-12)
    torch.testing.assert_close(normed(x, shift, scale, 1e-6).std(), ours.std())


def test_numbers_in_8_bits_are_those_of_the_network_as_it_is() -> None:
    """Up to the last bit of a scale, which may bring a number between two of them to the other."""
    rows = torch.randn(48, 64, generator=torch.Generator().manual_seed(1), dtype=torch.bfloat16)
    (ours, our_scale), (theirs, their_scale) = CompiledStep(quantised)(rows), quantised(rows)
    torch.testing.assert_close(our_scale, their_scale)
    assert ours.dtype is theirs.dtype
    assert (ours.float() != theirs.float()).float().mean() < 0.01
