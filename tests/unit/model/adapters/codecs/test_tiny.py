"""The tiny decoder against its published description, carried out frame by frame; and its files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.features import Features
from model.adapters.codecs.tiny import TAEW_2_1, TAEW_2_2, TinyConfig, TinyDecoder, load_tiny_decoder
from tests.unit.model.adapters.codecs.wan_vaes import CPU, latents

SMALL = TinyConfig(latent_channels=4, patch_px=2, widths=(8, 6, 4, 4), doubles_time=(False, True, True))
# Of the published files: where memory blocks, growth and convolutions stand, from taehv.py.
BLOCKS, GROWTHS, CONVS = (3, 4, 5, 9, 10, 11, 15, 16, 17), (7, 13, 19), (8, 14, 20)


def weights(config: TinyConfig, seed: int = 5) -> dict[str, Tensor]:
    """A whole file, the encoder included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in TinyDecoder(config).state_dict().items()}
    shapes |= encoder_shapes(config)
    spread = {name: 1.4 / max(1, shape[1:].numel()) ** 0.5 for name, shape in shapes.items()}
    held = {name: torch.randn(shape, generator=generator) * spread[name] for name, shape in shapes.items()}
    for name in held:  # pictures that are neither black nor white
        held[name] *= 0.3 if ".conv.4." in name else 0.06 if "decoder.22" in name else 1.0
    held["decoder.22.bias"] += 0.5
    return held


def encoder_shapes(config: TinyConfig) -> dict[str, torch.Size]:
    """From taehv.py: a convolution, three stages of a pool, a convolution and three blocks, and a convolution."""
    shapes: dict[str, tuple[int, ...]] = {"encoder.0.bias": (64,)}
    shapes["encoder.0.weight"] = (64, 3 * config.patch_px**2, 3, 3)
    for start, stride in ((2, 2), (7, 2), (12, 1)):
        shapes[f"encoder.{start}.conv.weight"] = (64, 64 * stride, 1, 1)
        shapes[f"encoder.{start + 1}.weight"] = (64, 64, 3, 3)
        for block in range(start + 2, start + 5):
            for layer, width in ((0, 128), (2, 64), (4, 64)):
                shapes[f"encoder.{block}.conv.{layer}.weight"] = (64, width, 3, 3)
                shapes[f"encoder.{block}.conv.{layer}.bias"] = (64,)
    shapes["encoder.17.weight"] = (config.latent_channels, 64, 3, 3)
    shapes["encoder.17.bias"] = (config.latent_channels,)
    return {name: torch.Size(shape) for name, shape in shapes.items()}


def published(held: dict[str, Tensor], whole_BCFHW: Tensor, patch_px: int) -> Tensor:
    """pictures_BCFHW: one latent after the other through one layer after the other, with what every block saw last."""
    held = {name: tensor.double() for name, tensor in held.items()}

    def conv(x: Tensor, name: str) -> Tensor:
        weight = held[f"{name}.weight"]
        return functional.conv2d(x, weight, held.get(f"{name}.bias"), padding=weight.shape[-1] // 2)

    before: dict[int, Tensor] = {}

    def block(x: Tensor, place: int) -> Tensor:
        name, last = f"decoder.{place}.conv", before.get(place, torch.zeros_like(x))
        before[place] = x
        inner = torch.relu(conv(torch.cat([x, last], 1), f"{name}.0"))
        return torch.relu(conv(torch.relu(conv(inner, f"{name}.2")), f"{name}.4") + x)

    frames = []
    for latent in whole_BCFHW.unbind(2):
        now = [torch.relu(conv(torch.tanh(latent / 3) * 3, "decoder.1"))]
        for stage in range(3):
            for place in BLOCKS[3 * stage : 3 * stage + 3]:
                now = [block(x, place) for x in now]
            now = [x.repeat_interleave(2, 2).repeat_interleave(2, 3) for x in now]
            grown = [conv(x, f"decoder.{GROWTHS[stage]}.conv") for x in now]
            now = [x for pair in grown for x in pair.split(now[0].shape[1], 1)]
            now = [conv(x, f"decoder.{CONVS[stage]}") for x in now]
        frames += [functional.pixel_shuffle(conv(torch.relu(x), "decoder.22"), patch_px) for x in now]
    return torch.stack(frames[3:], 2).clamp(0, 1)


def saved(held: dict[str, Tensor], file: Path) -> Path:
    save_file(held, file) if file.suffix == ".safetensors" else torch.save(held, file)
    return file


@pytest.mark.parametrize("cuts", [[6], [1] * 6, [2, 4]])
def test_chunk_after_chunk_is_what_is_published(tmp_path: Path, cuts: list[int]) -> None:
    held = weights(SMALL)
    decoder = load_tiny_decoder(saved(held, tmp_path / "taew2_2.pth"), torch.float64, CPU, SMALL)
    whole, features = latents(6), Features()
    with torch.inference_mode():
        ours = torch.cat([decoder.decode(chunk, features) for chunk in whole.split(cuts, 2)], 2)
    theirs = published(held, whole, SMALL.patch_px)
    assert ours.shape == theirs.shape == (1, 3, 21, 32, 48)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-9)
    assert theirs.std() > 0.1


@pytest.mark.parametrize(("config", "name"), [(TAEW_2_1, "taew2_1.safetensors"), (TAEW_2_2, "taew2_2.pth")])
def test_both_published_variants_are_known_by_their_weights(tmp_path: Path, config: TinyConfig, name: str) -> None:
    held = weights(config)
    saved(held, tmp_path / name)
    decoder = load_tiny_decoder(tmp_path, torch.bfloat16, CPU)
    assert decoder.config == config
    assert decoder.frames_per_latent == 4
    assert torch.equal(decoder.state_dict()["decoder.7.conv.weight"], held["decoder.7.conv.weight"].bfloat16())
    assert {name.split(".")[1] for name in held if name.startswith("decoder")} == {
        str(place) for place in (1, *BLOCKS, *GROWTHS, *CONVS, 22)
    }


def test_half_precision_is_within_its_tolerance(tmp_path: Path) -> None:
    held, whole = weights(SMALL), latents(5)
    decoder = load_tiny_decoder(saved(held, tmp_path / "taew2_2.pth"), torch.bfloat16, CPU, SMALL)
    with torch.inference_mode():
        rounded = decoder.decode(whole.float(), Features()).double()
    difference = (rounded - published(held, whole, SMALL.patch_px)).abs()
    assert difference.max() < 0.05
    assert difference.mean() < 0.005


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    held = weights(SMALL)
    missing = {name: tensor for name, tensor in held.items() if name != "decoder.13.conv.weight"}
    wrong = {**held, "decoder.4.conv.2.weight": torch.zeros(8, 8, 3, 1)}
    for faulty, words in (
        (missing, r"missing: decoder\.13\.conv\.weight"),
        ({**held, "decoder.23.weight": torch.zeros(1)}, r"not known: decoder\.23\.weight"),
        (wrong, r"decoder\.4\.conv\.2\.weight \[8, 8, 3, 1\] instead of \[8, 8, 3, 3\]"),
        ({**held, "encoder.2.conv.weight": torch.zeros(1)}, r"wrong shape: encoder\.2\.conv\.weight"),
    ):
        with pytest.raises(CheckpointError, match=words):
            load_tiny_decoder(saved(faulty, tmp_path / "a.safetensors"), torch.float32, CPU, SMALL)
    with pytest.raises(CheckpointError, match=r"none of taew2_1\.pth"):
        load_tiny_decoder(tmp_path, torch.float32, CPU)
