"""The 8-bit profile: how far it is from full precision, and that it is far enough to be told from it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model.gpu.fp8 import FP8, LARGEST, RELATIVE_TOLERANCE, Fp8Linear, convert_linears, fits, quantised

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]  # where a GPU can, its own multiplication


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    difference, size = (found - expected).float().square().mean(), expected.float().square().mean()
    return (difference / size).sqrt().item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("inputs", [32, 512, 1536])
@pytest.mark.parametrize("device", DEVICES)
def test_a_layer_stays_within_the_stated_tolerance(inputs: int, dtype: torch.dtype, device: str) -> None:
    generator = torch.Generator().manual_seed(inputs)
    linear = nn.Linear(inputs, 64).to(device, dtype)
    x = torch.randn(2, 40, inputs, generator=generator).to(device, dtype)
    error = relative_error(Fp8Linear(linear)(x), linear(x))
    assert RELATIVE_TOLERANCE / 5 < error < RELATIVE_TOLERANCE, "rounded, and not more than it says"


def test_layers_of_one_input_may_share_its_rounding() -> None:
    layers = [Fp8Linear(nn.Linear(32, outputs)) for outputs in (48, 16)]
    x = torch.randn(2, 3, 5, 32)
    rounded = layers[0].rounded(x)
    for layer in layers:
        assert torch.equal(layer(rounded), layer(x))


def test_tokens_and_outputs_of_any_size_are_as_exact_as_others() -> None:
    linear = nn.Linear(64, 32, bias=False)
    with torch.no_grad():
        linear.weight.mul_(torch.logspace(-4, 4, 32)[:, None])
    x = torch.randn(24, 64, generator=torch.Generator().manual_seed(1)) * torch.logspace(-6, 6, 24)[:, None]
    size = x.norm(dim=-1)[:, None] * linear.weight.norm(dim=-1)[None]
    found, expected = Fp8Linear(linear)(x) / size, linear(x) / size
    assert relative_error(found, expected) < RELATIVE_TOLERANCE
    assert (found - expected).abs().max() < RELATIVE_TOLERANCE, "as a share of the two vectors' lengths"


def test_a_rows_largest_number_uses_the_whole_range_and_nothing_overflows() -> None:
    rows = torch.tensor([[1.0, -8.0, 0.0], [1e-30, 0.0, 0.0], [3e38, 1.0, -3e38]])
    rounded, scale = quantised(rows)
    assert rounded.dtype is FP8
    assert rounded[0].float().abs().max() == LARGEST
    assert torch.isfinite(rounded.float() * scale[:, None]).all()
    assert (quantised(torch.zeros(2, 16))[0].float() == 0).all()


def test_converted_weights_take_a_quarter_of_the_memory_and_rows_do_not_meet() -> None:
    linear = nn.Linear(256, 256)
    converted = Fp8Linear(linear)
    held = sum(buffer.nbytes for buffer in converted.buffers())
    assert held < 0.27 * sum(parameter.nbytes for parameter in linear.parameters())
    x = torch.randn(5, 256)
    torch.testing.assert_close(converted(x)[2:3], converted(x[2:3]))


def test_layers_are_replaced_by_name_where_they_fit() -> None:
    network = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Sequential(nn.Linear(32, 64), nn.Linear(64, 5)))
    names = convert_linears(network, lambda name, linear: fits(linear) and name != "0")
    assert names == ["2.0"]
    assert isinstance(network[0], nn.Linear)
    assert isinstance(network.get_submodule("2.0"), Fp8Linear)
    with pytest.raises(ValueError, match="multiples"):
        convert_linears(network, lambda name, linear: True)


def test_a_network_of_such_layers_can_be_saved_and_loaded() -> None:
    converted, other = Fp8Linear(nn.Linear(32, 32)), Fp8Linear(nn.Linear(32, 32))
    other.load_state_dict(converted.state_dict())
    x = torch.randn(3, 32)
    assert torch.equal(other(x), converted(x))
