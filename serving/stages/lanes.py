"""What carries a session's latents beside its connection, where both ends have it.

The connection stays: it opens the session, keeps the order, asks for snapshots, and carries as bytes whatever the
lane does not. A lane is offered with the first chunk, and used from when the other end took it.

SendingLane, ReceivingLane     one end each
+-- shared memory   (here)              two processes of one machine
+-- process group   (group_lane.py)     torch.distributed: gloo anywhere, NCCL from GPU to GPU
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Protocol

from serving.sessions.encoded import LatentChunk
from serving.stages import codec, shared_memory
from serving.stages.lane_codec import lane_latents_to_wire, layout_from_wire
from serving.stages.layout import lay_out, read_arrays, write_arrays
from serving.stages.shared_memory import Ring, RingShape
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)

# Twice the chunks that credit lets a session have on the way.
NUM_SLOTS = 8
# Chunks differ a little in what they hold (voices that sound, things in view).
SLOT_HEADROOM = 1.5
PAGE_BYTES = 4_096


# Writes the message that tells the other end of latents in the lane.
Announce = Callable[[wire.StreamRequest], None]


class SendingLane(Protocol):
    """The transformer worker's end. Used on the event loop."""

    def offer(self, chunk: LatentChunk) -> wire.OfferLane | None:
        """For chunks like this one; None where there is nothing to offer. Called once."""
        ...

    def answered(self, *, is_taken: bool) -> None: ...

    @property
    def is_ready(self) -> bool:
        """Whether both ends have it."""
        ...

    @property
    def takes_tensors(self) -> bool:
        """Whether latents that lie on a GPU leave from there."""
        ...

    def carry(self, chunk: LatentChunk, announce: Announce) -> bool:
        """Sends the latents, having announced those that the other end has to wait for; False when they must go as
        bytes."""
        ...

    def close(self) -> None: ...


class ReceivingLane(Protocol):
    """The decoder worker's end."""

    @property
    def is_waiting(self) -> bool:
        """Whether `read` waits for the latents, and belongs on the decoder's thread."""
        ...

    def read(self, message: wire.LaneLatents) -> LatentChunk:
        """Raises ValueError for what cannot be."""
        ...

    def close(self) -> None: ...


MakeLane = Callable[[], SendingLane]


class SharedMemorySender:
    takes_tensors = False

    def __init__(self) -> None:
        self._ring: Ring | None = None
        self._is_taken = False

    def offer(self, chunk: LatentChunk) -> wire.OfferLane | None:
        needed_bytes = max(PAGE_BYTES, int(lay_out(chunk).num_bytes * SLOT_HEADROOM))
        slot_bytes = -(-needed_bytes // PAGE_BYTES) * PAGE_BYTES
        try:
            self._ring = Ring.create(RingShape(num_slots=NUM_SLOTS, slot_bytes=slot_bytes))
        except OSError:
            logger.warning("no memory to share; latents go as bytes", exc_info=True)
            return None
        return wire.OfferLane(
            shared_memory=wire.SharedMemory(
                process_id=os.getpid(),
                file=self._ring.file,
                name=self._ring.name,
                num_slots=NUM_SLOTS,
                slot_bytes=slot_bytes,
            )
        )

    def answered(self, *, is_taken: bool) -> None:
        self._is_taken = is_taken
        if not is_taken:
            self.close()

    @property
    def is_ready(self) -> bool:
        return self._is_taken and self._ring is not None

    def carry(self, chunk: LatentChunk, announce: Announce) -> bool:
        if not self._is_taken or self._ring is None:
            return False
        layout, slot = lay_out(chunk), self._ring.empty_slot()
        if slot is None or layout.num_bytes > self._ring.shape.slot_bytes:
            return False
        with self._ring.slot(slot) as buffer:
            write_arrays(chunk, layout, buffer)
        self._ring.fill(slot)
        announce(lane_latents_to_wire(chunk.header, layout, slot))
        return True

    def close(self) -> None:
        self._is_taken = False
        if self._ring is not None:
            self._ring.close()
            self._ring = None


class SharedMemoryReceiver:
    is_waiting = False

    def __init__(self, message: wire.SharedMemory) -> None:
        """Raises OSError or ValueError where the memory is not to be had."""
        shape = RingShape(num_slots=message.num_slots, slot_bytes=message.slot_bytes)
        self._ring = Ring.attach(message.process_id, message.file, shape, message.name)

    def read(self, message: wire.LaneLatents) -> LatentChunk:
        layout, capacity = layout_from_wire(message), self._ring.shape.slot_bytes
        with self._ring.slot(message.slot) as buffer:
            video = read_arrays(layout.video, buffer, capacity)
            audio = read_arrays(layout.audio, buffer, capacity)
        self._ring.empty(message.slot)
        return LatentChunk(header=codec.header_from_wire(message.header), video=video, audio=audio)

    def close(self) -> None:
        self._ring.close()


async def open_lane(offer: wire.OfferLane) -> ReceivingLane | None:
    """The other end of what was offered; None where this worker cannot have it."""
    try:
        match offer.WhichOneof("lane"):
            case "shared_memory" if shared_memory.is_supported():
                return SharedMemoryReceiver(offer.shared_memory)
            case "process_group":
                from serving.stages.group_lane import GroupReceiver  # needs torch, which a decoder worker has

                return await asyncio.to_thread(GroupReceiver, offer.process_group)
    except (OSError, ValueError, RuntimeError) as error:
        logger.info("an offered lane is not to be had here: %s", error)
    return None
