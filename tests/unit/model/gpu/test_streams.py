"""Beside a GPU's main stream; on a CPU, nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from model.gpu.host_memory import Copy, sent_back
from model.gpu.streams import DecoderBeside, SideStream, to_host
from model.interface import FramesFHWC, Tensors
from tests.fakes_model import FakeVideoDecoder, noise


def test_without_a_gpu_work_runs_where_it_stands() -> None:
    side = SideStream(torch.device("cpu"))
    assert not side.is_beside
    with side.alone():
        y = torch.arange(4.0) * 2
    for host in (side.to_host(y), to_host(y)):
        assert torch.equal(host, torch.tensor([0.0, 2.0, 4.0, 6.0]))
        assert host.data_ptr() == y.data_ptr()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_a_decoder_has_a_stream_of_its_own_where_there_is_a_gpu() -> None:
    streams: list[torch.cuda.Stream] = []

    class Watched(FakeVideoDecoder):
        def decode(self, cache: Any, video: Tensors) -> FramesFHWC:
            streams.append(torch.cuda.current_stream())
            return super().decode(cache, video)

    beside = DecoderBeside(Watched(), torch.device("cuda"))
    beside.decode(beside.open(1), {"latents": noise(1, 0, (2, 80, 128))})
    assert streams != [torch.cuda.default_stream()]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_what_is_finished_reaches_the_host_while_what_comes_back_waits_for_the_device() -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    finished, room = torch.arange(4.0, device=device), torch.empty(4, device=device)
    parked = torch.ones(4).pin_memory()
    to_host(finished)  # takes the memory that the next takes again
    torch.cuda._sleep(2_000_000_000)  # cycles: a second or so
    busy = torch.cuda.current_stream(device).record_event()
    arrival = sent_back([Copy(parked, room)], device)
    assert to_host(finished).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert not busy.query()
    arrival.awaited()
    assert room.tolist() == [1.0] * 4


def test_a_decoder_beside_decodes_as_the_decoder_does() -> None:
    alone, beside = FakeVideoDecoder(), DecoderBeside(FakeVideoDecoder(), torch.device("cpu"))
    caches = alone.open(1), beside.open(1)
    for chunk_idx in range(3):
        video = {"latents": noise(1, chunk_idx, (2, 80, 128))}
        np.testing.assert_array_equal(beside.decode(caches[1], video), alone.decode(caches[0], video))
    restored = beside.restore(caches[1].snapshot())
    video = {"latents": noise(1, 3, (2, 80, 128))}
    np.testing.assert_array_equal(beside.decode(restored, video), alone.decode(caches[0], video))
