"""Memory that two processes of one machine share: slots of fixed size, filled by one and emptied by the other.

It has no name in any folder: an anonymous file (`memfd_create`, Linux), which the reader opens by way of the
writer's process. The kernel frees it with the last process that holds it, however that one ends, so nothing can
be left behind. A reader on another machine, or in a container of its own, finds no such process or another file
there, and says so.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import secrets
from dataclasses import dataclass
from typing import Any

# One byte for each slot: whether it is full.
FLAGS_BYTES = 4_096
EMPTY, FULL = 0, 1
NAME_PREFIX = "nacre-latents-"
NAME = re.compile(rf"^{NAME_PREFIX}[0-9a-f]{{32}}$")
NAME_BYTES = 16
# Neither side can pull the ground from under the other.
SEALS = ("F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_SEAL")
MAX_SLOTS = 64
# More than the latents of any chunk; memory is taken only for what is written.
MAX_SLOT_BYTES = 1 << 30


def is_supported() -> bool:
    return hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")


@dataclass(frozen=True, slots=True, kw_only=True)
class RingShape:
    num_slots: int
    slot_bytes: int

    def __post_init__(self) -> None:
        if not 1 <= self.num_slots <= MAX_SLOTS or not 1 <= self.slot_bytes <= MAX_SLOT_BYTES:
            raise ValueError(
                f"{self.num_slots} slots of {self.slot_bytes} bytes: at most {MAX_SLOTS}, {MAX_SLOT_BYTES}"
            )

    @property
    def num_bytes(self) -> int:
        return FLAGS_BYTES + self.num_slots * self.slot_bytes


class Ring:
    """One end. The writer fills slots, the reader empties them; neither waits."""

    def __init__(self, file: int, shape: RingShape, name: str) -> None:
        """Owns `file`, a descriptor."""
        self.shape = shape
        self.name = name
        self.file = file
        self._memory: mmap.mmap | None = mmap.mmap(file, shape.num_bytes)

    @classmethod
    def create(cls, shape: RingShape) -> Ring:
        """Raises OSError where there is no memory."""
        name = NAME_PREFIX + secrets.token_hex(NAME_BYTES)
        file = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(file, shape.num_bytes)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _seals())
            return cls(file, shape, name)
        except BaseException:
            os.close(file)
            raise

    @classmethod
    def attach(cls, process_id: int, file: int, shape: RingShape, name: str) -> Ring:
        """To what another process of this machine created. Raises OSError or ValueError where that is none."""
        if not NAME.match(name):
            raise ValueError(f"{name!r} is not the name of a ring")
        path = f"/proc/{process_id:d}/fd/{file:d}"
        # Before it is opened: what else could be there might not like that.
        if not os.readlink(path).startswith(f"/memfd:{name}"):
            raise ValueError("another file is there")
        own = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            seals = fcntl.fcntl(own, fcntl.F_GET_SEALS)
            if os.fstat(own).st_size != shape.num_bytes or seals & _seals() != _seals():
                raise ValueError("it has another size, or can change it")
            return cls(own, shape, name)
        except BaseException:
            os.close(own)
            raise

    def empty_slot(self) -> int | None:
        """One to write to; None while the reader has not kept up."""
        idx = self._mapped.find(bytes((EMPTY,)), 0, self.shape.num_slots)
        return None if idx < 0 else idx

    def fill(self, idx: int) -> None:
        self._mapped[idx] = FULL

    def empty(self, idx: int) -> None:
        self._mapped[idx] = EMPTY

    def slot(self, idx: int) -> memoryview[Any]:
        """Its bytes, in place. Let go of them before `close`. Raises ValueError for a slot there is none of."""
        if not 0 <= idx < self.shape.num_slots:
            raise ValueError(f"slot {idx} of {self.shape.num_slots}")
        start = FLAGS_BYTES + idx * self.shape.slot_bytes
        return memoryview(self._mapped)[start : start + self.shape.slot_bytes]

    def close(self) -> None:
        """Safe to call twice."""
        if self._memory is not None:
            self._memory.close()
            os.close(self.file)
            self._memory = None

    @property
    def _mapped(self) -> mmap.mmap:
        if self._memory is None:
            raise ValueError("the ring is closed")
        return self._memory


def _seals() -> int:
    return sum(getattr(fcntl, name) for name in SEALS)
