"""A step over static buffers is the step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from model.gpu.graphed import GraphedStep, Named
from model.gpu.waits import HostWaitError, NoHostWaits

DIM, SLOTS = 16, 3
SIZES = (1, 2, 4)


class SmallStep(nn.Module):
    """Reads a pool by slot, as a step over cached sessions does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mix = nn.Linear(DIM, DIM)
        self.register_buffer("pool", torch.randn(SLOTS, DIM))
        self.num_runs = 0

    def forward(self, inputs: Named) -> dict[str, Tensor]:
        self.num_runs += 1
        remembered = self.pool[inputs["slot"]]  # pyright: ignore[reportIndexIssue]
        out = torch.tanh(self.mix(inputs["x"]) + remembered)
        return {"out": out, "norm": out.norm(dim=-1)}


def batch(size: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"x": torch.randn(size, DIM, generator=generator), "slot": torch.arange(size) % SLOTS}


@pytest.fixture
def network() -> SmallStep:
    return SmallStep()


@pytest.fixture
def step(network: SmallStep) -> GraphedStep:
    return GraphedStep(network, batch(1), SIZES)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_batch_gives_what_each_session_gives_alone(step: GraphedStep, network: SmallStep, size: int) -> None:
    inputs = batch(size, seed=size)
    found = {name: value.clone() for name, value in step(inputs).items()}
    for row in range(size):
        alone = step({name: value[row : row + 1] for name, value in inputs.items()})
        eager = network({name: value[row : row + 1] for name, value in inputs.items()})
        for name in ("out", "norm"):
            torch.testing.assert_close(found[name][row : row + 1], eager[name])
            torch.testing.assert_close(alone[name], eager[name], rtol=0, atol=0)


def test_buffers_stay_where_they_are(step: GraphedStep) -> None:
    first = step(batch(2, seed=1))["out"].data_ptr()
    num_bytes = step.num_bytes
    for seed in range(5):
        assert step(batch(2, seed=seed))["out"].data_ptr() == first
    assert step.num_bytes == num_bytes


def test_a_result_is_valid_until_the_next_call(step: GraphedStep) -> None:
    held = step(batch(1, seed=1))["out"]
    before = held.clone()
    step(batch(1, seed=2))
    assert not torch.equal(held, before)


def test_what_a_former_batch_left_behind_does_not_show(step: GraphedStep, network: SmallStep) -> None:
    step({"x": torch.full((4, DIM), 1e9), "slot": torch.zeros(4, dtype=torch.int64)})
    inputs = batch(3, seed=9)
    torch.testing.assert_close(step(inputs)["out"], network(inputs)["out"])


def test_rows_that_nobody_uses_hold_what_was_given_for_them() -> None:
    seen: list[Tensor] = []

    def watch(inputs: Named) -> dict[str, Tensor]:
        seen.append(inputs["slot"].clone())
        return {"slot": inputs["slot"]}

    step = GraphedStep(watch, {"slot": torch.tensor([9])}, SIZES)
    step({"slot": torch.tensor([1, 2, 3, 4])})
    step({"slot": torch.tensor([5, 6, 7])})
    assert seen[-1].tolist() == [5, 6, 7, 9]


def test_the_first_call_of_each_size_prepares_it_and_none_after_that(step: GraphedStep, network: SmallStep) -> None:
    for size in SIZES:
        step(batch(size))
    num_bytes = step.num_bytes
    network.num_runs = 0
    for size in (1, 2, 3, 4):
        step(batch(size))
    assert network.num_runs == 4
    assert step.num_bytes == num_bytes


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"x": torch.ones(1, DIM)}, "inputs are"),
        ({**batch(2), "slot": torch.zeros(1, dtype=torch.int64)}, "slot must be"),
        ({**batch(1), "x": torch.ones(1, DIM + 1)}, "x must be"),
        ({**batch(1), "x": torch.ones(1, DIM).double()}, "x must be"),
        (batch(5), "batch of 5"),
        (batch(0), "batch of 0"),
    ],
    ids=["a name missing", "another batch", "another shape", "another dtype", "too many", "nobody"],
)
def test_inputs_that_do_not_fit_are_refused(step: GraphedStep, inputs: Named, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        step(inputs)


@pytest.mark.parametrize("sizes", [(), (2, 1), (0, 1)])
def test_batch_sizes_ascend_from_one(network: SmallStep, sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="batch_sizes"):
        GraphedStep(network, batch(1), sizes)


def test_a_call_does_not_wait_for_the_device(step: GraphedStep) -> None:
    step(batch(3))
    with NoHostWaits():
        step(batch(3))


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: float(x[0]),
        lambda x: bool(x.any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.equal(x, x),
        lambda x: x.tolist() and x.max().item(),
    ],
    ids=["item", "float", "bool", "mask", "nonzero", "equal", "max"],
)
def test_what_waits_for_the_device_is_found(wait) -> None:
    x = torch.ones(4)
    with pytest.raises(HostWaitError), NoHostWaits():
        wait(x)
