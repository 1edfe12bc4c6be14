"""A lane over torch.distributed: a group of two, the transformer worker and the decoder worker of one session.

gloo moves memory of the hosts, NCCL from one GPU to another without a stop. A group for each session: what one
session sends cannot be taken for another's, and ends with it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import Store, TCPStore

from serving.sessions.encoded import LatentChunk
from serving.stages import codec
from serving.stages.lane_codec import lane_latents_to_wire, layout_from_wire
from serving.stages.lanes import Announce
from serving.stages.layout import TORCH, Layout, Place, lay_out, read_arrays, read_places, write_arrays
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)

GLOO, NCCL = "gloo", "nccl"
SENDER, RECEIVER, SIZE = 0, 1, 2
# Meeting takes well under a second on gloo and a few on NCCL; so long nobody waits for what was announced.
TIMEOUT = timedelta(seconds=20)


def is_supported(backend: str) -> bool:
    if not dist.is_available():
        return False
    return dist.is_gloo_available() if backend == GLOO else dist.is_nccl_available() and torch.cuda.is_available()


def device_of(backend: str, rank: int) -> str:
    """Where an end's memory is. NCCL wants two GPUs: a process that sees one alone has that one, and one that sees
    several has another than the other end."""
    return "cpu" if backend == GLOO else f"cuda:{rank % torch.cuda.device_count()}"


def _join(backend: str, store: Store, rank: int, host: str) -> Any:
    """The group, once the other end has joined. Raises RuntimeError."""
    if backend == NCCL:
        return dist.ProcessGroupNCCL(store, rank, SIZE, dist.ProcessGroupNCCL.Options())
    if backend != GLOO:
        raise ValueError(f"backend must be {GLOO} or {NCCL}, not {backend!r}")
    options = dist.ProcessGroupGloo._Options()  # pyright: ignore[reportAttributeAccessIssue]
    options._devices = [dist.ProcessGroupGloo.create_device(hostname=host)]
    options._timeout = TIMEOUT
    return dist.ProcessGroupGloo(store, rank, SIZE, options)


class GroupSender:
    """`host`: an address of this machine that the decoder worker reaches."""

    def __init__(self, backend: str, host: str) -> None:
        self._backend, self._host = backend, host
        self._store: TCPStore | None = None
        self._group: Any = None
        self._is_taken = False
        self._sent: deque[tuple[Any, Tensor]] = deque()  # on their way; their memory must stay
        self._num_sent = 0

    def offer(self, chunk: LatentChunk) -> wire.OfferLane | None:
        if not is_supported(self._backend):
            logger.warning("no %s here; latents go as bytes", self._backend)
            return None
        try:
            self._store = TCPStore(self._host, 0, SIZE, is_master=True, timeout=TIMEOUT, wait_for_workers=False)
        except (RuntimeError, ValueError):
            logger.warning("no place to meet at; latents go as bytes", exc_info=True)
            return None
        # Joining waits for the other end. The thread ends with it, or with the timeout.
        threading.Thread(target=self._join, args=(self._store,), name="group-join", daemon=True).start()
        group = wire.ProcessGroup(backend=self._backend, host=self._host, port=self._store.port)
        return wire.OfferLane(process_group=group)

    def answered(self, *, is_taken: bool) -> None:
        self._is_taken = is_taken

    @property
    def is_ready(self) -> bool:
        return self._is_taken and self._group is not None

    @property
    def takes_tensors(self) -> bool:
        return self._backend == NCCL

    def carry(self, chunk: LatentChunk, announce: Announce) -> bool:
        if not self.is_ready:
            return False
        layout = lay_out(chunk)
        if not layout.num_bytes:
            return False
        packed = _packed(chunk, layout, self._device)
        self._num_sent += 1
        while self._sent and self._sent[0][0].is_completed():
            self._sent.popleft()
        # The other end receives what it was told of, and a sender may have to wait for that.
        announce(lane_latents_to_wire(chunk.header, layout, self._num_sent))
        self._sent.append((self._group.send([packed], RECEIVER, self._num_sent), packed))
        return True

    def close(self) -> None:
        self._is_taken = False
        self._group = self._store = None

    @property
    def _device(self) -> str:
        return device_of(self._backend, SENDER)

    def _join(self, store: Store) -> None:
        try:
            self._group = _join(self._backend, store, SENDER, self._host)
        except RuntimeError as error:
            logger.info("the decoder worker did not come: %s", error)


class GroupReceiver:
    """Reads on the thread that owns the device. What was an array is one again; what was a tensor on a GPU is on this
    end's."""

    is_waiting = True

    def __init__(self, message: wire.ProcessGroup) -> None:
        """Waits for the other end. Raises RuntimeError or ValueError where it is not to be had."""
        self._backend = message.backend
        if not is_supported(message.backend):
            raise ValueError(f"no {message.backend} here")
        store = TCPStore(message.host, message.port, SIZE, is_master=False, timeout=TIMEOUT)
        self._store = store
        self._group = _join(message.backend, store, RECEIVER, message.host)

    def read(self, message: wire.LaneLatents) -> LatentChunk:
        layout = layout_from_wire(message)
        packed = torch.empty(layout.num_bytes, dtype=torch.uint8, device=device_of(self._backend, RECEIVER))
        self._group.recv([packed], SENDER, message.slot).wait()
        header = codec.header_from_wire(message.header)
        video, audio = (_unpacked(places, packed) for places in (layout.video, layout.audio))
        return LatentChunk(header=header, video=video, audio=audio)

    def close(self) -> None:
        """The decoder's thread may be reading; the group goes when it has done so."""


def _packed(chunk: LatentChunk, layout: Layout, device: str) -> Tensor:
    """All of a chunk's tensors in one, of bytes: one message."""
    packed = torch.empty(layout.num_bytes, dtype=torch.uint8, device=device)
    if device == "cpu" and not _has_torch(layout):
        write_arrays(chunk, layout, packed.numpy())
        return packed
    for tensors, places in ((chunk.video, layout.video), (chunk.audio, layout.audio)):
        for place in places or ():
            assert tensors is not None, "laid out from it"
            _of(packed, place).copy_(_bytes_of(tensors[place.name]), non_blocking=True)
    return packed


def _unpacked(places: tuple[Place, ...] | None, packed: Tensor) -> Any:
    if packed.device.type == "cpu" and not any(place.dtype.startswith(TORCH) for place in places or ()):
        return read_arrays(places, packed.numpy(), packed.numel())
    return read_places(places, packed.numel(), lambda place: _typed(_of(packed, place), place))


def _of(packed: Tensor, place: Place) -> Tensor:
    return packed[place.offset_bytes : place.offset_bytes + place.num_bytes]


def _bytes_of(value: Any) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value.contiguous()
    return tensor.flatten().view(torch.uint8) if tensor.numel() else tensor.new_empty(0, dtype=torch.uint8)


def _typed(raw: Tensor, place: Place) -> Any:
    if not place.dtype.startswith(TORCH):
        return raw.cpu().numpy().view(place.dtype).reshape(place.shape)
    return raw.view(getattr(torch, place.dtype.removeprefix(TORCH))).view(place.shape)


def _has_torch(layout: Layout) -> bool:
    return any(place.dtype.startswith(TORCH) for place in (*(layout.video or ()), *(layout.audio or ())))
