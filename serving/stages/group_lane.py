"""A lane over torch.distributed: a group of two, the transformer worker and the decoder worker of one session.

A group for each session: what one session sends cannot be taken for another's, and ends with it.
"""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch._C._distributed_c10d import Store, TCPStore

from serving.sessions.encoded import LatentChunk
from serving.stages import codec
from serving.stages.group import NCCL, RECEIVER, SENDER, SIZE, TIMEOUT, Group, end_with, is_supported
from serving.stages.lane_codec import lane_latents_to_wire, layout_from_wire
from serving.stages.lanes import Announce
from serving.stages.layout import TORCH, Layout, Place, lay_out, read_arrays, read_places, write_arrays
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)


class _Sent(NamedTuple):
    """On its way. What it is sent from, and what that was packed from, must stay until it is done."""

    work: Any
    chunk: LatentChunk
    packed: Tensor


class GroupSender:
    """`host`: an address of this machine that the decoder worker reaches."""

    def __init__(self, backend: str, host: str) -> None:
        self._backend, self._host = backend, host
        self._group: Group | None = None
        self._is_taken = False
        self._sent: SimpleQueue[_Sent | None] = SimpleQueue()  # bounded by the session's credit
        self._num_sent = 0

    def offer(self, chunk: LatentChunk) -> wire.OfferLane | None:
        if not is_supported(self._backend):
            logger.warning("no %s here; latents go as bytes", self._backend)
            return None
        try:
            store = TCPStore(self._host, 0, SIZE, is_master=True, timeout=TIMEOUT, wait_for_workers=False)
        except (RuntimeError, ValueError):
            logger.warning("no place to meet at; latents go as bytes", exc_info=True)
            return None
        threading.Thread(target=self._run, args=(store,), name="group-sender", daemon=True).start()
        group = wire.ProcessGroup(backend=self._backend, host=self._host, port=store.port)
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
        group, layout = self._group, lay_out(chunk)
        if not self._is_taken or group is None or not layout.num_bytes:
            return False
        self._num_sent += 1
        with group.beside():
            packed = _packed(chunk, layout, group.device)
        # The other end receives what it was told of, and a sender may have to wait for that.
        announce(lane_latents_to_wire(chunk.header, layout, self._num_sent))
        self._sent.put(_Sent(group.send(packed, self._num_sent), chunk, packed))
        return True

    def close(self) -> None:
        """What is on its way arrives; then the group ends."""
        self._is_taken = False
        self._sent.put(None)

    # --- on a thread of its own, from the offer until the lane is closed ---

    def _run(self, store: Store) -> None:
        try:
            group = self._group = Group(self._backend, store, SENDER, self._host)
        except (RuntimeError, ValueError) as error:
            logger.info("the decoder worker did not come: %s", error)
            return
        try:
            while (sent := self._sent.get()) is not None:
                group.await_sent(sent.work)
                del sent
        except RuntimeError as error:
            logger.warning("latents did not arrive at a decoder worker: %s", error)
        self._is_taken, self._group = False, None
        group.end()


class GroupReceiver:
    """Reads on the thread that owns the device. What was an array is one again; what was a tensor on a GPU is on this
    end's."""

    is_waiting = True

    def __init__(self, message: wire.ProcessGroup) -> None:
        """Waits for the other end. Raises RuntimeError or ValueError where it is not to be had."""
        if not is_supported(message.backend):
            raise ValueError(f"no {message.backend} here")
        store = TCPStore(message.host, message.port, SIZE, is_master=False, timeout=TIMEOUT)
        self._group = Group(message.backend, store, RECEIVER, message.host)
        end_with(self, self._group)  # the decoder's thread may have something left to read when the lane is closed

    def read(self, message: wire.LaneLatents) -> LatentChunk:
        """Raises RuntimeError where what was announced does not come."""
        layout = layout_from_wire(message)
        packed = self._group.receive(layout.num_bytes, message.slot)
        header = codec.header_from_wire(message.header)
        with self._group.beside():
            video, audio = (_unpacked(places, packed) for places in (layout.video, layout.audio))
        return LatentChunk(header=header, video=video, audio=audio)

    def close(self) -> None:
        self._group.lose_sender()


def _packed(chunk: LatentChunk, layout: Layout, device: torch.device) -> Tensor:
    """All of a chunk's tensors in one, of bytes: one message."""
    packed = torch.empty(layout.num_bytes, dtype=torch.uint8, device=device)
    if device.type == "cpu" and not _has_torch(layout):
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
