"""Beside a GPU's main stream; on a CPU, nothing changes."""

from __future__ import annotations

import numpy as np
import torch

from model.gpu.streams import DecoderBeside, SideStream
from tests.fakes_model import FakeVideoDecoder, noise


def test_without_a_gpu_work_runs_where_it_stands() -> None:
    side = SideStream(torch.device("cpu"))
    assert not side.is_beside
    x = torch.arange(4.0)
    with side.after_current(x):
        y = x * 2
    host = side.to_host(y)
    assert torch.equal(host, torch.tensor([0.0, 2.0, 4.0, 6.0]))
    assert host.data_ptr() == y.data_ptr()


def test_a_decoder_beside_decodes_as_the_decoder_does() -> None:
    alone, beside = FakeVideoDecoder(), DecoderBeside(FakeVideoDecoder(), torch.device("cpu"))
    caches = alone.open(1), beside.open(1)
    for chunk_idx in range(3):
        video = {"latents": noise(1, chunk_idx, (2, 80, 128))}
        np.testing.assert_array_equal(beside.decode(caches[1], video), alone.decode(caches[0], video))
    restored = beside.restore(caches[1].snapshot())
    video = {"latents": noise(1, 3, (2, 80, 128))}
    np.testing.assert_array_equal(beside.decode(restored, video), alone.decode(caches[0], video))
