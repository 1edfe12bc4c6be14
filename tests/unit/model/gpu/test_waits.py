"""What makes the host wait is found before any GPU sees it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from model.gpu.host_memory import sent
from model.gpu.waits import HostWaitError, NoHostWaits

META = torch.device("meta")

SENT = {
    "a tensor": lambda _, host: host.to(META),
    "in another precision": lambda _, host: host.to(META, torch.float64),
    "numbers": lambda _, host: torch.tensor([1.0, 2.0], device=META),
    "one number": lambda _, host: torch.tensor(1.0, device=META),
    "an array": lambda _, host: torch.as_tensor(np.ones(2), device=META),
    "a list": lambda _, host: torch.asarray([1.0], device=META),
    "numbers like others": lambda there, host: there.new_tensor([1.0]),
    "into memory": lambda there, host: there.copy_(host),
    "into a part": lambda there, host: there.__setitem__(0, host[0]),
    "an index": lambda there, host: there[host.long()],
    "a listed index": lambda there, host: there[[0, 1]],
    "a listed place": lambda there, host: there.__setitem__([0, 1], 0.0),
}
NOT_SENT = {
    "without waiting": lambda _, host: sent(host, META),
    "into memory without waiting": lambda there, host: there.copy_(host, non_blocking=True),
    "made there": lambda _, host: torch.full((3,), 2.0, device=META) * 0.5,
    "a place": lambda there, host: there.__setitem__(0, 0.5),
    "a number that goes along": lambda there, host: there * torch.tensor(0.5),
    "what is there": lambda there, host: torch.as_tensor(there, device=META).to(META, torch.float64),
    "what stays with the host": lambda _, host: torch.tensor([1.0]) + host.to("cpu", torch.float64),
}


@pytest.mark.parametrize("send", SENT.values(), ids=SENT.keys())
def test_what_is_sent_while_the_host_waits_is_found(send: Callable[[Tensor, Tensor], object]) -> None:
    there, host = torch.ones(3, 2, device=META), torch.ones(3, 2)
    for mode in (torch.inference_mode, torch.no_grad):
        with pytest.raises(HostWaitError), mode(), NoHostWaits():
            send(there, host)


@pytest.mark.parametrize("keep", NOT_SENT.values(), ids=NOT_SENT.keys())
def test_what_nobody_waits_for_is_let_be(keep: Callable[[Tensor, Tensor], object]) -> None:
    there, host = torch.ones(3, 2, device=META), torch.ones(3, 2)
    for mode in (torch.inference_mode, torch.no_grad):
        with mode(), NoHostWaits():
            keep(there, host)
    assert torch.tensor([1.0], device=META).device == META  # watched no longer


def test_on_a_cpu_what_is_sent_stays_where_it_is() -> None:
    host = torch.ones(2)
    assert sent(host, torch.device("cpu")) is host


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_what_is_sent_to_a_gpu_is_what_it_was_whatever_becomes_of_it_here() -> None:
    device, many = torch.device("cuda"), torch.ones(1 << 22)
    with NoHostWaits():
        found = [sent(many.fill_(idx), device) for idx in range(8)]
    assert [each.min().item() for each in found] == [each.max().item() for each in found] == list(range(8))
    with pytest.raises(HostWaitError), NoHostWaits():
        many.to(device, non_blocking=True)  # from memory that the GPU cannot reach by itself
