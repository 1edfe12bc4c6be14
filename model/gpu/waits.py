"""Finds where a step waits for the device: a number read back, a size that depends on values, numbers of the host that
are sent while it waits.

On a GPU each of these stops the host until all kernels before it are done. What is read back is refused on any device,
and what is sent wherever the device is not the host's: so a test on a CPU finds both, the latter on torch's device
"meta", which computes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
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
_COPIES = frozenset({aten._to_copy, aten.copy_, aten.to})
# What makes tensors of numbers that are none yet: on a device, by a copy for which the host waits.
_MADE_OF_NUMBERS = frozenset({torch.tensor, torch.as_tensor, torch.asarray, Tensor.new_tensor})
_INDEXED = frozenset({Tensor.__getitem__, Tensor.__setitem__})
CPU, CUDA = "cpu", "cuda"


class HostWaitError(RuntimeError):
    """Something in a step waits for the device."""


@contextmanager
def no_host_waits(device: torch.device) -> Iterator[None]:
    """`NoHostWaits`, and on a GPU what torch itself knows too: it raises at waits inside of an operation. There all
    shapes must have come before, for recording a graph waits."""
    if device.type != CUDA:
        with NoHostWaits():
            yield
        return
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the mode does not know every wait
        torch.cuda.set_sync_debug_mode("error")
    try:
        with NoHostWaits():
            yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


class NoHostWaits(TorchDispatchMode):
    """Raises `HostWaitError` at the first operation of its block that would wait."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = _NoHostNumbers()

    def __enter__(self) -> NoHostWaits:
        self._numbers.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._numbers.__exit__(kind, error, trace)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet, kwargs = func._overloadpacket, kwargs or {}
        if packet in _WAITS or _selects_by_mask(packet, args):
            raise HostWaitError(f"{packet} waits for the device")
        if packet not in _COPIES and _reads_both(args, kwargs):
            raise HostWaitError(f"{packet} reads memory of the host beside the device's, which is sent there first")
        out = func(*args, **kwargs)
        if packet in _COPIES and _is_waited_for(_by_name(func, args, kwargs), out):
            raise HostWaitError(f"{packet} copies between host and device and waits for it")
        return out


class _NoHostNumbers(TorchFunctionMode):
    """Raises where numbers, not tensors, are made a tensor on a device: below this no operation tells of the copy."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in _INDEXED and not _is_with_host(args[0]) and _is_of_numbers(args[1]):
            raise HostWaitError("indexing by numbers makes a tensor of them on the device and waits for it")
        out = func(*args, **kwargs or {})
        if func in _MADE_OF_NUMBERS and not _is_with_host(out) and not _is_there(args, func):
            raise HostWaitError(f"{func.__name__} makes a tensor of the host's numbers on the device and waits for it")
        return out


def _is_with_host(tensor: Tensor) -> bool:
    return tensor.device.type == CPU


def _is_there(args: tuple[Any, ...], func: Callable[..., Any]) -> bool:
    """Whether what is made a tensor is one already, and not the host's."""
    data = args[1 if func is Tensor.new_tensor else 0]
    return isinstance(data, Tensor) and not _is_with_host(data)


def _is_of_numbers(index: Any) -> bool:
    """Whether a list or an array is in it."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, list | np.ndarray) for part in parts)


def _selects_by_mask(packet: Any, args: tuple[Any, ...]) -> bool:
    """Indexing by true and false: as many rows as are true."""
    if packet is not aten.index:
        return False
    return any(isinstance(leaf, Tensor) and leaf.dtype is torch.bool for leaf in tree_leaves(args[1]))


def _reads_both(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tensors of the host and of a device; a single number of the host's goes along with the call."""
    tensors = [leaf for leaf in tree_leaves((args, dict(kwargs))) if isinstance(leaf, Tensor)]
    return any(_is_with_host(each) and each.ndim for each in tensors) and not all(map(_is_with_host, tensors))


def _by_name(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = [argument.name for argument in func._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _is_waited_for(given: Mapping[str, Any], out: Tensor) -> bool:
    """A copy from or to the host which it did not ask to be spared, or whose memory a GPU cannot reach by itself."""
    source: Tensor = given.get("src", given["self"])
    if source.device.type == out.device.type:
        return False
    host, there = (source, out) if _is_with_host(source) else (out, source)
    return not given.get("non_blocking") or (there.is_cuda and not host.is_pinned())
