"""A step over buffers that never move: what a CUDA graph needs, and what it may be compared with.

A graph replays kernels at the addresses they were recorded with. So each batch size has input buffers of its own,
a call copies its tensors into them, and results are handed out as views of output buffers. On a CPU the same code
runs over the same buffers, without a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Named = Mapping[str, Tensor]  # batch first
StepFunction = Callable[[Named], Named]

# Kernels choose workspaces and autotuners choose kernels in the first runs; both must be over before recording.
WARM_UP_RUNS = 3
CUDA = "cuda"


@dataclass(slots=True, kw_only=True)
class _Recorded:
    """One batch size."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    graph: torch.cuda.CUDAGraph | None


class GraphedStep:
    """Runs `function` at the batch sizes it was made for; a smaller batch is padded to the next of them.

    `function` must treat the rows of a batch alike and apart from one another, must not wait for the device, must not
    keep what it is given, and gives tensors with the batch first. What it reads besides (weights, a pool of caches)
    must stay where it is, and may be written in place.
    """

    def __init__(
        self, function: StepFunction, row: Named, batch_sizes: tuple[int, ...], pool: Any | None = None
    ) -> None:
        """`row` is one session's input, [1, ...] each: its shapes, dtypes and device are every input's, and its
        values fill the rows that nobody uses (so a slot it names is one that nobody has). `pool`: of memory, shared
        with graphs that are never replayed at the same time (`torch.cuda.graph_pool_handle`)."""
        if not batch_sizes or list(batch_sizes) != sorted(set(batch_sizes)) or batch_sizes[0] < 1:
            raise ValueError(f"batch_sizes {batch_sizes}: ascending, from 1 on")
        if not row or any(len(tensor) != 1 for tensor in row.values()):
            raise ValueError("row must name at least one input, each of one session")
        self._function = function
        self._row = dict(row)
        self._batch_sizes = batch_sizes
        self._recorded: dict[int, _Recorded] = {}
        self._pool = pool

    @property
    def is_graphed(self) -> bool:
        return next(iter(self._row.values())).device.type == CUDA

    @property
    def num_bytes(self) -> int:
        """That the buffers hold."""
        buffers = [each for one in self._recorded.values() for each in (*one.inputs.values(), *one.outputs.values())]
        return sum(buffer.nbytes for buffer in buffers)

    @torch.inference_mode()
    def __call__(self, inputs: Named) -> dict[str, Tensor]:
        """The function's outputs for a batch, valid until the next call. Raises ValueError for inputs of other names
        or shapes, and for more sessions than the largest batch."""
        batch = self._batch_of(inputs)
        size = self._size_for(batch)
        recorded = self._recorded.get(size)
        if recorded is None:
            recorded = self._recorded[size] = self._record(size)
        for name, buffer in recorded.inputs.items():
            buffer[:batch].copy_(inputs[name], non_blocking=True)
            if batch < size:
                buffer[batch:].copy_(self._row[name].expand_as(buffer[batch:]), non_blocking=True)
        if recorded.graph is not None:
            recorded.graph.replay()
        else:
            _fill(recorded.outputs, self._function(recorded.inputs))
        return {name: buffer[:batch] for name, buffer in recorded.outputs.items()}

    def _batch_of(self, inputs: Named) -> int:
        if inputs.keys() != self._row.keys():
            raise ValueError(f"inputs are {sorted(self._row)}, not {sorted(inputs)}")
        batch = len(next(iter(inputs.values())))
        for name, row in self._row.items():
            if inputs[name].shape != (batch, *row.shape[1:]) or inputs[name].dtype != row.dtype:
                raise ValueError(
                    f"{name} must be {[batch, *row.shape[1:]]} of {row.dtype},"
                    f" not {list(inputs[name].shape)} of {inputs[name].dtype}"
                )
        return batch

    def _size_for(self, batch: int) -> int:
        fitting = [size for size in self._batch_sizes if size >= batch]
        if not fitting or batch < 1:
            raise ValueError(f"a batch of {batch}; it may be 1 to {self._batch_sizes[-1]}")
        return fitting[0]

    def _record(self, size: int) -> _Recorded:
        inputs = {name: row.repeat(size, *[1] * (row.dim() - 1)) for name, row in self._row.items()}
        if not self.is_graphed:
            outputs = {name: torch.empty_like(value) for name, value in self._function(inputs).items()}
            return _Recorded(inputs=inputs, outputs=outputs, graph=None)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_RUNS):
                self._function(inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # What other threads ask of the device meanwhile, as a decoder's does, is none of the graph's.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            outputs = dict(self._function(inputs))
        return _Recorded(inputs=inputs, outputs=outputs, graph=graph)


def _fill(buffers: dict[str, Tensor], values: Named) -> None:
    for name, buffer in buffers.items():
        buffer.copy_(values[name])
