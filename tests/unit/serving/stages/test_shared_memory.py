"""Memory of two processes: what is filled is read, and what is none is refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import numpy as np
import pytest

from serving.stages import shared_memory
from serving.stages.lanes import SharedMemoryReceiver, SharedMemorySender
from serving.stages.layout import Place, check_place, lay_out, read_arrays, write_arrays
from serving.stages.shared_memory import MAX_SLOTS, Ring, RingShape
from serving.wire import plane_pb2 as wire
from tests.unit.serving.stages.test_decoder import latents

pytestmark = pytest.mark.skipif(not shared_memory.is_supported(), reason="no anonymous files on this system")

SHAPE = RingShape(num_slots=3, slot_bytes=4_096)


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring.create(SHAPE)
    yield ring
    ring.close()


def test_what_one_end_writes_the_other_reads(ring: Ring) -> None:
    other = Ring.attach(os.getpid(), ring.file, SHAPE, ring.name)
    with ring.slot(2) as ours, other.slot(2) as theirs:
        ours[:5] = b"snow!"
        assert bytes(theirs[:5]) == b"snow!"
    other.close()


def test_slots_are_given_out_until_all_are_full_and_again_once_emptied(ring: Ring) -> None:
    other = Ring.attach(os.getpid(), ring.file, SHAPE, ring.name)
    for _ in range(SHAPE.num_slots):
        slot = ring.empty_slot()
        assert slot is not None
        ring.fill(slot)
    assert ring.empty_slot() is None
    other.empty(1)
    assert ring.empty_slot() == 1
    other.close()


def test_nothing_but_the_very_memory_that_was_offered_is_opened(ring: Ring) -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(SHAPE.num_bytes)
        with pytest.raises(ValueError, match="another file"):
            Ring.attach(os.getpid(), file.fileno(), SHAPE, ring.name)
    with pytest.raises(ValueError, match="another file"):
        Ring.attach(os.getpid(), ring.file, SHAPE, shared_memory.NAME_PREFIX + "0" * 32)
    with pytest.raises(ValueError, match="not the name"):
        Ring.attach(os.getpid(), ring.file, SHAPE, "../../etc/passwd")
    with pytest.raises(ValueError, match="another size"):
        Ring.attach(os.getpid(), ring.file, RingShape(num_slots=3, slot_bytes=8_192), ring.name)
    with pytest.raises(OSError, match=r"/proc"):
        Ring.attach(os.getpid(), 1_000_000, SHAPE, ring.name)


def test_memory_cannot_be_taken_away_from_under_the_other_end(ring: Ring) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(ring.file, 10)


def test_a_closed_ring_is_given_back_and_refuses_use() -> None:
    ring = Ring.create(SHAPE)
    file = ring.file
    ring.close()
    ring.close()
    with pytest.raises(ValueError, match="closed"):
        ring.empty_slot()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file)


@pytest.mark.parametrize(("num_slots", "slot_bytes"), [(0, 4_096), (MAX_SLOTS + 1, 4_096), (1, 0), (1, 1 << 40)])
def test_rings_have_bounds(num_slots: int, slot_bytes: int) -> None:
    with pytest.raises(ValueError, match="slots"):
        RingShape(num_slots=num_slots, slot_bytes=slot_bytes)


def test_a_slot_there_is_none_of_is_refused(ring: Ring) -> None:
    for idx in (-1, SHAPE.num_slots):
        with pytest.raises(ValueError, match="slot"):
            ring.slot(idx)


def test_a_layout_keeps_every_array_as_it_is() -> None:
    chunk = latents(0)
    tensors = {
        **(chunk.video or {}),
        "bytes": np.arange(7, dtype=np.uint8),
        "strided": np.arange(24, dtype=np.int16).reshape(4, 6)[::2, 1:],
        "scalar": np.array(3.5),
        "none": np.zeros((0, 3), np.float32),
    }
    chunk = type(chunk)(header=chunk.header, video=tensors, audio=None)
    layout = lay_out(chunk)
    buffer = bytearray(layout.num_bytes)
    write_arrays(chunk, layout, buffer)
    found = read_arrays(layout.video, buffer, layout.num_bytes)
    assert found is not None
    assert list(found) == list(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert layout.audio is None


@pytest.mark.parametrize(
    "place",
    [
        Place(name="a", dtype="<f4", shape=(2,), offset_bytes=96, num_bytes=8),
        Place(name="a", dtype="<f4", shape=(3,), offset_bytes=0, num_bytes=8),
        Place(name="a", dtype="<f4", shape=(2,), offset_bytes=-8, num_bytes=8),
        Place(name="a", dtype="|O", shape=(1,), offset_bytes=0, num_bytes=8),
    ],
    ids=["beyond the end", "more numbers than bytes", "before the beginning", "objects"],
)
def test_places_that_cannot_be_are_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="a"):
        check_place(place, 100)


def test_a_message_that_lies_about_its_slot_is_refused() -> None:
    sender, chunk = SharedMemorySender(), latents(0)
    offer = sender.offer(chunk)
    assert offer is not None
    receiver = SharedMemoryReceiver(offer.shared_memory)
    sender.answered(is_taken=True)
    announced: list[wire.StreamRequest] = []
    assert sender.carry(chunk, announced.append)
    (request,) = announced
    assert receiver.read(request.lane_latents).header.chunk_idx == 0
    request.lane_latents.video.tensors[0].offset_bytes = 1 << 40
    with pytest.raises(ValueError, match="lies at"):
        receiver.read(request.lane_latents)
    with pytest.raises(ValueError, match="slot"):
        receiver.read(wire.LaneLatents(slot=99))
    receiver.close()
    sender.close()
