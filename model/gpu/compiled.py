"""`torch.compile` for a server: everything is compiled before the first session, and nothing after.

A shape that was not foreseen runs as it is, slower by what compiling gains, instead of keeping every session
waiting for a compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

# What compiles without graphs of its own: graphs are GraphedStep's, over buffers that it knows.
MODE = "max-autotune-no-cudagraphs"
CPU_BACKEND = "inductor"


class CompiledStep:
    """A function of tensors, compiled for the shapes it was warmed up with. As `torch.compile` takes them, `backend` is
    a name or a function."""

    def __init__(
        self, function: Callable[..., Any], *, backend: str | Callable[..., Any] = CPU_BACKEND, mode: str | None = None
    ) -> None:
        """`mode` as `torch.compile` has it; of the backend's choice without it."""
        self._function = function
        self._compiled = torch.compile(function, backend=backend, mode=mode, dynamic=False, fullgraph=True)
        self._is_warm = False

    @torch.inference_mode()
    def warm_up(self, examples: Iterable[tuple[Any, ...]]) -> None:
        """Compile for each example's shapes. May take minutes."""
        for example in examples:
            self._compiled(*example)
        self._is_warm = True

    @torch.inference_mode()
    def __call__(self, *arguments: Any) -> Any:
        """Raises RuntimeError before `warm_up`: a session would pay for it."""
        if not self._is_warm:
            raise RuntimeError("warm_up comes first")
        with torch.compiler.set_stance("eager_on_recompile"):
            return self._compiled(*arguments)
