"""Beside a GPU's main stream; on a CPU, nothing changes."""

from __future__ import annotations

import torch

from model.gpu.streams import SideStream


def test_without_a_gpu_work_runs_where_it_stands() -> None:
    side = SideStream(torch.device("cpu"))
    assert not side.is_beside
    x = torch.arange(4.0)
    with side.after_current(x):
        y = x * 2
    host = side.to_host(y)
    assert torch.equal(host, torch.tensor([0.0, 2.0, 4.0, 6.0]))
    assert host.data_ptr() == y.data_ptr()
