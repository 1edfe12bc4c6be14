"""`torch.compile` for a server: everything is compiled while a model warms up, and nothing after.

A shape that was not foreseen runs as it is, slower by what compiling gains, instead of keeping every session
waiting for a compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from model.adapters.wan.pointwise import Pointwise, gated, normed
from model.adapters.wan.rotary import Rotation, rotate_by
from model.gpu.fp8 import quantised

# What compiles without graphs of its own: graphs are GraphedStep's, over buffers that it knows.
MODE = "max-autotune-no-cudagraphs"
INDUCTOR = "inductor"
# Of one function: batch sizes, by the few layouts in memory that its inputs have.
MAX_SHAPES = 64

Backend = str | Callable[..., Any]


class CompiledStep:
    """A function of tensors, compiled for every shape that comes until `settle`."""

    def __init__(self, function: Callable[..., Any], *, backend: Backend = INDUCTOR, mode: str | None = None) -> None:
        """`backend` and `mode` as `torch.compile` has them; of the backend's choice without a mode."""
        self._compiled = torch.compile(function, backend=backend, mode=mode, dynamic=False, fullgraph=True)
        self._is_settled = False

    def settle(self) -> None:
        """From now on nothing is compiled any more."""
        self._is_settled = True

    def __call__(self, *arguments: Any) -> Any:
        if self._is_settled:
            with torch.compiler.set_stance("eager_on_recompile"):
                return self._compiled(*arguments)
        with torch._dynamo.config.patch(recompile_limit=MAX_SHAPES):  # pyright: ignore[reportPrivateImportUsage]
            return self._compiled(*arguments)


class CompiledPointwise(Pointwise):
    """What a block does number by number, fused: on a GPU each of these reads and writes memory once. And what brings
    activations to 8 bits, for linear layers that multiply those (`quantised`)."""

    def __init__(self, backend: Backend = INDUCTOR) -> None:
        mode = MODE if backend == INDUCTOR and torch.cuda.is_available() else None
        self._normed, self._gated, self._rotated, self.quantised = (
            CompiledStep(function, backend=backend, mode=mode) for function in (normed, gated, rotate_by, quantised)
        )

    def normed(self, x_BFTD: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
        return self._normed(x_BFTD, shift, scale, eps)

    def gated(self, x_BFTD: Tensor, gate: Tensor, change_BFTD: Tensor) -> Tensor:
        return self._gated(x_BFTD, gate, change_BFTD)

    def rotated(self, heads: Tensor, rotation: Rotation) -> Tensor:
        return self._rotated(heads, rotation.cos, rotation.sin)

    def settle(self) -> None:
        for step in (self._normed, self._gated, self._rotated, self.quantised):
            step.settle()
