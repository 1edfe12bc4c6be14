"""A lane's two ends, over gloo and over what is like NCCL."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
import torch

from model.interface import Tensors
from serving.sessions.encoded import LatentChunk
from serving.stages import group
from serving.stages.group import GLOO, NCCL
from serving.stages.group_lane import GroupReceiver, GroupSender
from serving.wire import plane_pb2 as wire
from tests.fakes_nccl import DEVICE_S, NcclLike, use_fake_nccl
from tests.unit.serving.stages.test_decoder import latents

WAIT_S = 10.0


@pytest.fixture
def fake_nccl(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_nccl(monkeypatch)


@pytest.fixture(params=[GLOO, NCCL])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == NCCL:
        use_fake_nccl(monkeypatch)
    return request.param


class Lane(NamedTuple):
    sender: GroupSender
    receiver: GroupReceiver
    announced: list[wire.StreamRequest]

    def carry(self, chunk: LatentChunk) -> None:
        assert self.sender.carry(chunk, self.announced.append)

    def read(self) -> LatentChunk:
        return self.receiver.read(self.announced.pop(0).lane_latents)


@contextmanager
def lane(backend: str) -> Iterator[Lane]:
    sender = GroupSender(backend, "127.0.0.1")
    offer = sender.offer(latents(0))
    assert offer is not None
    with ThreadPoolExecutor(1) as pool:
        receiver = pool.submit(GroupReceiver, offer.process_group).result()
    sender.answered(is_taken=True)
    wait_until(lambda: sender.is_ready)
    try:
        yield Lane(sender, receiver, [])
    finally:
        sender.close()
        receiver.close()


def wait_until(is_true: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


def on_a_device(chunk_idx: int) -> LatentChunk:
    chunk = latents(chunk_idx)
    assert chunk.video is not None
    tensors: Any = {"latents": torch.from_numpy(chunk.video["latents"])}
    return replace(chunk, video=cast("Tensors", tensors), audio=None)


def test_what_was_received_is_there(backend: str) -> None:
    """Not only asked for: a decoder reads on a stream of its own."""
    with lane(backend) as ends:
        for chunk_idx in range(3):
            ends.carry(on_a_device(chunk_idx))
            video = ends.read().video
            assert video is not None
            np.testing.assert_array_equal(video["latents"], (latents(chunk_idx).video or {})["latents"])


def test_no_sender_waits_for_a_receiver(backend: str) -> None:
    with lane(backend) as ends:
        started_s = time.monotonic()
        for chunk_idx in range(3):
            ends.carry(latents(chunk_idx))
        assert time.monotonic() - started_s < 1.0
        assert [ends.read().header.chunk_idx for _ in range(3)] == [0, 1, 2]


def test_latents_stay_until_they_have_arrived_and_no_longer(backend: str) -> None:
    with lane(backend) as ends:
        chunk = on_a_device(0)
        assert chunk.video is not None
        tensor = weakref.ref(chunk.video["latents"])
        ends.carry(chunk)
        del chunk
        gc.collect()
        if backend == NCCL:  # gloo sends what it was given to a socket that has room
            time.sleep(2 * DEVICE_S)
            assert tensor() is not None
        ends.read()
        wait_until(lambda: tensor() is None)


def test_a_lane_that_is_closed_lets_arrive_what_is_on_its_way(backend: str) -> None:
    with lane(backend) as ends:
        for chunk_idx in range(3):
            ends.carry(latents(chunk_idx))
        ends.sender.close()
        ends.receiver.close()
        assert not ends.sender.is_ready
        assert [ends.read().header.chunk_idx for _ in range(3)] == [0, 1, 2]
    if backend == NCCL:
        assert not any(each.is_aborted for each in NcclLike.made if each.rank == group.RECEIVER)
        wait_until(lambda: all(each.is_aborted for each in NcclLike.made if each.rank == group.SENDER))


@pytest.mark.usefixtures("fake_nccl")
def test_groups_end_with_their_lanes() -> None:
    with lane(NCCL) as ends:
        ends.carry(latents(0))
        ends.read()
        assert not any(each.is_aborted for each in NcclLike.made)
    del ends
    gc.collect()
    wait_until(lambda: all(each.is_aborted for each in NcclLike.made))


@pytest.mark.usefixtures("fake_nccl")
def test_a_reader_whose_sender_has_died_does_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "LAST_TIMEOUT_S", 0.1)
    with lane(NCCL) as ends:
        ends.carry(latents(0))
        never_sent = ends.announced[0].lane_latents
        ends.read()
        threading.Timer(0.1, ends.receiver.close).start()
        started_s = time.monotonic()
        with pytest.raises(RuntimeError, match="did not come"):
            ends.receiver.read(never_sent)
        assert time.monotonic() - started_s < 2.0
        assert NcclLike.made[group.RECEIVER].is_aborted or NcclLike.made[group.SENDER].is_aborted


@pytest.mark.usefixtures("fake_nccl")
def test_nobody_connects_before_the_receiver_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """NCCL would wait for ever for a decoder worker that does not take the offer."""
    monkeypatch.setattr(group, "TIMEOUT", timedelta(seconds=0.2))
    sender = GroupSender(NCCL, "127.0.0.1")
    assert sender.offer(latents(0)) is not None
    wait_until(lambda: not any(each.name == "group-sender" for each in threading.enumerate()))
    assert NcclLike.made == []
    assert not sender.carry(latents(0), lambda message: None)


@pytest.mark.usefixtures("fake_nccl")
def test_torch_does_not_end_a_worker_for_another_that_died(monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = group.ENVIRONMENT
    monkeypatch.setenv(name, "unset below")
    monkeypatch.delenv(name)
    with lane(NCCL):
        assert os.environ[name] == "0"


def test_memory_is_on_the_gpu_that_the_process_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert group.device_of(NCCL) == torch.device("cuda", 1)
    assert group.device_of(GLOO) == torch.device("cpu")
