"""Operations and bytes by shape: against torch's own count, and against arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.engine.counting import Work, count_work, total

FLOAT = 4


class SmallNetwork(nn.Module):
    """Linear layers, a convolution and attention."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, padding=1)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.convolution(image).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(x).view(len(x), -1, 3, 2, 8).permute(2, 0, 3, 1, 4)
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(x.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_operations_are_those_of_torchs_own_count(device: str) -> None:
    network = SmallNetwork().to(device)
    image = torch.empty(2, 3, 6, 6, device=device)
    with torch.no_grad():
        work = count_work(lambda: network(image))
    with FlopCounterMode(display=False) as counter:
        SmallNetwork()(torch.zeros(2, 3, 6, 6, requires_grad=True))
    # torch leaves out the CPU's attention: two products of 36 x 36 x 8, of two sessions and two heads
    attention = 2 * 2 * 2 * (2 * 36 * 36 * 8)
    counted = counter.get_total_flops()
    assert work.flops in (counted, counted + attention)
    linear_and_convolution = 2 * 2 * 36 * (3 * 9 * 16 + 16 * 48 + 16 * 5)
    assert work.flops == linear_and_convolution + attention


def test_inference_mode_hides_no_operations() -> None:
    layer, x = nn.Linear(8, 4), torch.ones(3, 8)
    with torch.inference_mode():
        assert count_work(lambda: layer(x)).flops == 2 * 3 * 8 * 4


def test_bytes_of_a_product_are_operands_and_result() -> None:
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    work = count_work(lambda: a @ b)
    assert work == Work(flops=2 * 3 * 5 * 7, traffic_bytes=(15 + 35 + 21) * FLOAT, outside_bytes=(15 + 35) * FLOAT)


def test_what_was_made_on_the_way_does_not_come_from_outside() -> None:
    x, weight = torch.ones(4, 4), torch.ones(4, 4)

    def twice() -> torch.Tensor:
        return (x @ weight) @ weight

    work = count_work(twice)
    assert work.outside_bytes == 3 * 16 * FLOAT, "x, and the weight each time it is read"
    assert work.traffic_bytes == 6 * 16 * FLOAT


def test_views_cost_nothing_and_expanded_tensors_lie_in_memory_once() -> None:
    x = torch.ones(4, 6)
    assert count_work(lambda: x.view(6, 4).t()[1:].unsqueeze(0)).traffic_bytes == 0
    row = torch.ones(1, 6)
    assert count_work(lambda: row.expand(4, 6) + x).traffic_bytes == (6 + 24 + 24) * FLOAT


def test_a_view_of_a_cache_still_comes_from_outside() -> None:
    cache, x = torch.ones(8, 4), torch.ones(4, 4)
    assert count_work(lambda: x @ cache[:4].t()).outside_bytes == 2 * 16 * FLOAT


def test_a_lookup_reads_what_it_names() -> None:
    table, names = torch.ones(1_000, 4), torch.tensor([3, 5])
    assert count_work(lambda: nn.functional.embedding(names, table)).traffic_bytes == 2 * 2 * 4 * FLOAT


def test_work_adds_up_and_divides() -> None:
    one = Work(flops=4, traffic_bytes=20, outside_bytes=8)
    assert total([one, one, one]).per(3) == one
