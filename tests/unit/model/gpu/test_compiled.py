"""Compiled while a model warms up, and never after."""

from __future__ import annotations

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
    step(torch.ones(2))
    step(torch.ones(4))
    assert compilations == [(2,), (4,)]
    step.settle()
    for size in (2, 4, 7):
        x = torch.arange(float(size))
        assert torch.equal(step(x), double(x))
    assert len(compilations) == 2


def test_more_shapes_are_compiled_than_usual() -> None:
    """torch gives up after eight, which batch sizes and layouts in memory use up."""
    compilations: list[int] = []

    def triple(x: Tensor) -> Tensor:
        return 3 * x

    def backend(graph: torch.fx.GraphModule, examples: list[Tensor]) -> torch.fx.GraphModule:
        compilations.append(len(examples[0]))
        return graph

    step = CompiledStep(triple, backend=backend)
    for size in range(2, 14):
        step(torch.ones(size))
    assert compilations == list(range(2, 14))
