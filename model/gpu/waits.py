"""Finds where a step waits for the device: a number read back, a size that depends on values.

On a GPU each of these stops the host until all kernels before it are done. They are refused on any device, so a
test on a CPU finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten

# What gives the host a number, or a tensor whose size the device decides.
_WAITS = frozenset(
    {
        aten._local_scalar_dense,
        aten._unique2,
        aten.bincount,
        aten.equal,
        aten.is_nonzero,
        aten.item,
        aten.masked_select,
        aten.nonzero,
        aten.unique_dim,
    }
)
_COPIES = frozenset({aten._to_copy, aten.copy_})


class HostWaitError(RuntimeError):
    """Something in a step waits for the device."""


class NoHostWaits(TorchDispatchMode):
    """Raises `HostWaitError` at the first operation of its block that would wait."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet = func._overloadpacket
        if packet in _WAITS or _selects_by_mask(packet, args):
            raise HostWaitError(f"{packet} waits for the device")
        out = func(*args, **kwargs or {})
        if packet in _COPIES and _comes_back(args, out):
            raise HostWaitError(f"{packet} copies to the host and waits for it")
        return out


def _selects_by_mask(packet: Any, args: tuple[Any, ...]) -> bool:
    """Indexing by true and false: as many rows as are true."""
    if packet is not aten.index:
        return False
    return any(isinstance(leaf, Tensor) and leaf.dtype is torch.bool for leaf in tree_leaves(args[1]))


def _comes_back(args: tuple[Any, ...], out: Any) -> bool:
    """From a GPU into memory that it cannot write to by itself."""
    sources = [leaf for leaf in tree_leaves(args) if isinstance(leaf, Tensor) and leaf.device.type == "cuda"]
    return bool(sources) and isinstance(out, Tensor) and out.device.type == "cpu" and not out.is_pinned()
