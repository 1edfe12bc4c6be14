"""Checkpoints in the public layouts, whole and spoilt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from model.adapters.checkpoint import CheckpointError
from model.adapters.presets import preset, random_network
from model.adapters.wan.layout import diffusers_name, load_network

CONFIG = preset("wan-tiny").network
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return random_network(CONFIG, "cpu", torch.float32).state_dict()


def loaded(path: Path) -> dict[str, Tensor]:
    return load_network(path, CONFIG, CPU, torch.float32).state_dict()


def same(some: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


def test_the_original_layout(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    save_file(weights, tmp_path / "model.safetensors")
    assert same(loaded(tmp_path / "model.safetensors"), weights)


def test_self_forcings_training_file_gives_its_averaged_weights(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    wrapped = {f"model.{name}": tensor for name, tensor in weights.items()}
    other = {name: tensor + 1 for name, tensor in wrapped.items()}
    torch.save({"generator": other, "generator_ema": wrapped}, tmp_path / "both.pt")
    assert same(loaded(tmp_path / "both.pt"), weights)
    torch.save({"generator": wrapped}, tmp_path / "one.pt")
    assert same(loaded(tmp_path / "one.pt"), weights)
    torch.save(wrapped, tmp_path / "bare.pt")
    assert same(loaded(tmp_path / "bare.pt"), weights)


def test_diffusers_layout_in_shards(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    renamed = {diffusers_name(name): tensor for name, tensor in weights.items()}
    names = sorted(renamed)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({name: renamed[name] for name in part}, tmp_path / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    (tmp_path / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    assert same(loaded(tmp_path), weights)


@pytest.mark.parametrize("name", ["matrix-game-tiny", "abot-tiny"])
def test_networks_that_are_told_keys(tmp_path: Path, name: str) -> None:
    config = preset(name).network
    weights = random_network(config, "cpu", torch.float32).state_dict()
    save_file(weights, tmp_path / "model.safetensors")
    assert same(load_network(tmp_path / "model.safetensors", config, CPU, torch.float32).state_dict(), weights)
    assert any("action_model" in each or "act_control_adapter" in each for each in weights)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"blocks.1.self_attn.q.weight": None}, r"missing: blocks\.1\.self_attn\.q\.weight"),
        ({"blocks.2.self_attn.q.weight": torch.zeros(2)}, r"not known: blocks\.2\.self_attn\.q\.weight"),
        ({"head.head.bias": torch.zeros(3)}, r"head\.head\.bias \[3\] instead of \[64\]"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, weights: dict[str, Tensor], spoilt: dict[str, Tensor | None], said: str
) -> None:
    changed = {name: tensor for name, tensor in {**weights, **spoilt}.items() if tensor is not None}
    save_file(changed, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=said):
        loaded(tmp_path / "model.safetensors")


def test_another_models_checkpoint_is_refused(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"missing: img_emb.*patch_embedding\.weight"):
        load_network(tmp_path / "model.safetensors", preset("matrix-game-tiny").network, CPU, torch.float32)


def test_a_truncated_file_is_refused(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    for file, save in (("a.safetensors", save_file), ("b.pt", torch.save)):
        save(weights, tmp_path / file)
        data = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(data[: len(data) // 2])
        with pytest.raises(CheckpointError, match=file):
            loaded(tmp_path / file)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"generator": Path("nothing")}, tmp_path / "hostile.pt")
    with pytest.raises(CheckpointError, match=r"hostile\.pt"):
        loaded(tmp_path / "hostile.pt")
