"""CLIP's picture encoder: read from both layouts, the same as its published description, one layer short."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.clip import CLIP_VIT_H, ORIGINAL_FILE, ClipImageEncoder, ClipSizes, file_shapes, open_clip
from model.adapters.extra import MissingExtraError
from model.adapters.interface import IMAGE

SMALL = ClipSizes(width=16, num_heads=2, inner=24, num_layers=3, image_px=12, patch_px=4, shared=8)
CPU = torch.device("cpu")
PICTURE = np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)


def weights() -> dict[str, Tensor]:
    """A whole original file but for the half that reads words, of which there is one tensor."""
    generator = torch.Generator().manual_seed(4)
    shapes = {**file_shapes(SMALL, "original"), "textual.head.0.weight": torch.Size([3]), "log_scale": torch.Size([])}
    return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}


def as_transformers(held: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same under transformers' names, written out here once more."""
    visual = {name.removeprefix("visual."): tensor for name, tensor in held.items() if name.startswith("visual.")}
    there = {
        "embeddings.class_embedding": visual["cls_embedding"][0, 0],
        "embeddings.patch_embedding.weight": visual["patch_embedding.weight"],
        "embeddings.position_embedding.weight": visual["pos_embedding"][0],
        "embeddings.position_ids": torch.arange(SMALL.num_tokens)[None],
    }
    for part in ("weight", "bias"):
        there[f"pre_layrnorm.{part}"] = visual[f"pre_norm.{part}"]
        there[f"post_layernorm.{part}"] = visual[f"post_norm.{part}"]
        for layer in range(SMALL.num_layers):
            to, of = f"encoder.layers.{layer}", f"transformer.{layer}"
            for name, third in zip("qkv", visual[f"{of}.attn.to_qkv.{part}"].chunk(3), strict=True):
                there[f"{to}.self_attn.{name}_proj.{part}"] = third.clone()
            there[f"{to}.self_attn.out_proj.{part}"] = visual[f"{of}.attn.proj.{part}"]
            for ours, theirs in (
                ("norm1", "layer_norm1"),
                ("norm2", "layer_norm2"),
                ("mlp.0", "mlp.fc1"),
                ("mlp.2", "mlp.fc2"),
            ):
                there[f"{to}.{theirs}.{part}"] = visual[f"{of}.{ours}.{part}"]
    return {f"vision_model.{name}": tensor for name, tensor in there.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    original, transformers = (tmp_path_factory.mktemp(name) for name in ("original", "transformers"))
    held = weights()
    torch.save(held, original / ORIGINAL_FILE)
    (transformers / "image_encoder").mkdir()
    save_file(as_transformers(held), transformers / "image_encoder" / "model.safetensors")
    return {"original": original, "transformers": transformers}


def loaded(folder: Path, dtype: torch.dtype = torch.float32) -> ClipImageEncoder:
    torch.set_num_threads(1)
    return open_clip(folder, SMALL).load(dtype, CPU)


def published(image_HWC: np.ndarray) -> Tensor:
    """As wan/modules/clip.py describes it: states before the last layer, nothing normed afterwards. [P, D]."""
    held = {name.removeprefix("visual."): tensor.double() for name, tensor in weights().items()}
    picture = torch.from_numpy(image_HWC).permute(2, 0, 1)[None].double() / 127.5 - 1
    picture = functional.interpolate(picture, (12, 12), mode="bicubic", align_corners=False) * 0.5 + 0.5
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).double().view(3, 1, 1)
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).double().view(3, 1, 1)
    patches = functional.conv2d((picture - mean) / std, held["patch_embedding.weight"], stride=4)[0].flatten(1).T

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (16,), held[f"{name}.weight"], held[f"{name}.bias"])

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ held[f"{name}.weight"].T + held[f"{name}.bias"]

    x = norm(torch.cat([held["cls_embedding"][0], patches]) + held["pos_embedding"][0], "pre_norm")
    for layer in range(SMALL.num_layers - 1):
        block = f"transformer.{layer}"
        q, k, v = linear(norm(x, f"{block}.norm1"), f"{block}.attn.to_qkv").view(-1, 3, 2, 8).permute(1, 2, 0, 3)
        seen = ((q @ k.mT / 8**0.5).softmax(-1) @ v).transpose(0, 1).reshape(-1, 16)
        x = x + linear(seen, f"{block}.attn.proj")
        inner = functional.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.0"))
        x = x + linear(inner, f"{block}.mlp.2")
    return x


@pytest.mark.parametrize("layout", ["original", "transformers"])
def test_a_picture_is_seen_as_published(folders: dict[str, Path], layout: str) -> None:
    ours = loaded(folders[layout]).encode(PICTURE)[IMAGE]
    assert ours.shape == (10, 16)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, published(PICTURE).numpy(), rtol=0, atol=2e-5)


def test_half_precision_is_within_its_tolerance(folders: dict[str, Path]) -> None:
    rounded = loaded(folders["original"], torch.bfloat16).encode(PICTURE)[IMAGE]
    exact = published(PICTURE).numpy()
    assert np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()


def test_the_published_size_is_transformers(folders: dict[str, Path]) -> None:
    with torch.device("meta"):
        network = CLIP_VIT_H.network()
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == CLIP_VIT_H.shapes()
    assert CLIP_VIT_H.num_tokens == 257
    assert file_shapes(CLIP_VIT_H, "original")["visual.transformer.31.attn.to_qkv.weight"] == (3840, 1280)
    assert file_shapes(CLIP_VIT_H, "original")["visual.pos_embedding"] == (1, 257, 1280)


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    held = weights()
    for change, words in (
        ({"visual.transformer.2.mlp.0.bias": None}, r"missing: visual\.transformer\.2\.mlp\.0\.bias"),
        ({"visual.adapter": torch.zeros(1)}, r"not known: visual\.adapter"),
        (
            {"visual.pos_embedding": torch.zeros(1, 9, 16)},
            r"pos_embedding \[1, 9, 16\] instead of \[1, 10, 16\]",
        ),
    ):
        faulty = {name: tensor for name, tensor in {**held, **change}.items() if tensor is not None}
        torch.save(faulty, tmp_path / ORIGINAL_FILE)
        with pytest.raises(CheckpointError, match=words):
            open_clip(tmp_path, SMALL)
    with pytest.raises(CheckpointError, match="neither"):
        open_clip(tmp_path / "elsewhere", SMALL)


def test_what_is_no_picture_is_refused(folders: dict[str, Path]) -> None:
    encoder = loaded(folders["original"])
    images: list[Any] = [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
    for image in images:
        with pytest.raises(ValueError, match="8-bit RGB"):
            encoder.encode(image)


def test_without_the_extra_it_is_named(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    checked = open_clip(folders["original"], SMALL)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'nacre-server\[adapters\]'"):
        checked.load(torch.float32, CPU)
