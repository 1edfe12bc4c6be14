"""Operations and bytes of whatever torch code runs, counted from the shapes alone.

Works on any device, `meta` included: a network of any size can be counted where it does not fit. Multiplications
and additions are counted as `torch.utils.flop_counter` does (two for each multiply-add of matrices, convolutions
and attention; nothing for what is done element by element). Bytes are counted twice over, as bounds:

    traffic_bytes   each operation reads its operands and writes its results: nothing fused, nothing stays in a cache
    outside_bytes   only what was there before (weights, caches, inputs), each time an operation reads it: everything
                    in between fused or kept near, and nothing kept from one pass to the next
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten

# Attention as the CPU and unnamed devices have it: the same arguments in front as the counted kinds.
_attention_flops: Callable[..., int] = flop_registry[aten._scaled_dot_product_flash_attention]
_FLOPS: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
    aten._scaled_dot_product_fused_attention_overrideable: _attention_flops,
}
# What an index names is read, not the whole table.
_LOOKUPS = frozenset({aten.embedding, aten.gather, aten.index, aten.index_select})
# Views whose schema does not say so.
_SILENT_VIEWS = frozenset({aten._unsafe_view, aten.lift_fresh})
# Memory is taken, nothing is written.
_RESERVATIONS = frozenset({aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided})


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done for something."""

    flops: int
    traffic_bytes: int
    outside_bytes: int
    eight_bit_flops: int = 0  # of all, those of products of 8-bit numbers

    def __add__(self, other: Work) -> Work:
        return Work(
            flops=self.flops + other.flops,
            eight_bit_flops=self.eight_bit_flops + other.eight_bit_flops,
            traffic_bytes=self.traffic_bytes + other.traffic_bytes,
            outside_bytes=self.outside_bytes + other.outside_bytes,
        )

    def per(self, count: int) -> Work:
        """A `count`th of it."""
        return Work(
            flops=self.flops // count,
            eight_bit_flops=self.eight_bit_flops // count,
            traffic_bytes=self.traffic_bytes // count,
            outside_bytes=self.outside_bytes // count,
        )


NOTHING = Work(flops=0, traffic_bytes=0, outside_bytes=0)


class WorkCounter(TorchDispatchMode):
    """Counts what runs in its block, on the thread that runs it."""

    def __init__(self) -> None:
        super().__init__()
        self.work = NOTHING
        self._made: set[int] = set()  # storages that came about in the block

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func._overloadpacket not in _FLOPS:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        if not _is_view(func):
            self._count(func, args, kwargs, out)
        return out

    def _count(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        packet = func._overloadpacket
        read, written = list(_tensors((args, kwargs))), list(_tensors(out))
        flops = _FLOPS[packet](*args, **kwargs, out_val=out) if packet in _FLOPS else 0
        outside = [tensor for tensor in read if _storage(tensor) not in self._made]
        self._made.update(_storage(tensor) for tensor in written)
        if packet in _RESERVATIONS:
            return
        out_bytes = sum(map(_num_bytes, written))
        if packet in _LOOKUPS:
            traffic = 2 * out_bytes
            outside_bytes = out_bytes if outside else 0
        else:
            traffic = sum(map(_num_bytes, read)) + out_bytes
            outside_bytes = sum(map(_num_bytes, outside))
        self.work += Work(
            flops=flops,
            traffic_bytes=traffic,
            outside_bytes=outside_bytes,
            eight_bit_flops=flops if packet is aten._scaled_mm else 0,
        )


def count_work(run: Callable[[], Any]) -> Work:
    """Of one call."""
    with WorkCounter() as counter:
        run()
    return counter.work


def total(works: Iterable[Work]) -> Work:
    return sum(works, NOTHING)


def _is_view(func: Any) -> bool:
    if func._overloadpacket in _SILENT_VIEWS:
        return True
    aliases = [each.alias_info for each in func._schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _num_bytes(tensor: Tensor) -> int:
    """That lie in memory: what is expanded is there once."""
    numel = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        numel *= size if stride or size == 0 else 1
    return numel * tensor.element_size()
