"""What the C library's heap holds of this process's memory: how much is in use, and how much only not given back."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass


class _Mallinfo2(ctypes.Structure):
    """Of <malloc.h>, glibc 2.33 and later."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Heap:
    in_use_bytes: int  # of the pools, and of buffers that were taken from the system one by one
    free_bytes: int  # in the pools: kept for what comes next


def read_heap() -> Heap | None:
    """None where the C library does not tell."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    if mallinfo2 is None:
        return None
    mallinfo2.restype = _Mallinfo2
    info = mallinfo2()
    return Heap(in_use_bytes=info.uordblks + info.hblkhd, free_bytes=info.fordblks)
