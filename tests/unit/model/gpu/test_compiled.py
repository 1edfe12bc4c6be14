"""Compiled before the first session, and never after."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.gpu.compiled import CompiledStep


def double(x: Tensor) -> Tensor:
    return 2 * x + 1


def test_a_shape_that_was_not_foreseen_runs_without_compiling() -> None:
    compilations: list[tuple[int, ...]] = []

    def backend(graph: torch.fx.GraphModule, examples: list[Tensor]) -> torch.fx.GraphModule:
        compilations.append(tuple(examples[0].shape))
        return graph

    step = CompiledStep(double, backend=backend)
    with pytest.raises(RuntimeError, match="warm_up"):
        step(torch.ones(2))
    step.warm_up([(torch.ones(2),), (torch.ones(4),)])
    assert compilations == [(2,), (4,)]
    for size in (2, 4, 7):
        x = torch.arange(float(size))
        assert torch.equal(step(x), double(x))
    assert len(compilations) == 2
