"""Files of weights: what is read, and what is refused before memory or trust is given."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model.adapters.checkpoint import CheckpointError, fill, open_checkpoint

HELD = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)}
SHAPES = {name: tensor.shape for name, tensor in HELD.items()}
CPU = torch.device("cpu")


class Opener:
    """Pickled, it would make a file when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return open, (str(self.file), "w")


def sharded(folder: Path) -> Path:
    for name, tensor in HELD.items():
        save_file({name: tensor}, folder / f"{name}-of-2.safetensors")
    weight_map = {name: f"{name}-of-2.safetensors" for name in HELD}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def test_every_container_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    save_file(HELD, tmp_path / "a.safetensors")
    torch.save(HELD, tmp_path / "a.pth")
    torch.save({"generator": HELD, "step": 3}, tmp_path / "b.pt")
    for checkpoint in (
        open_checkpoint(tmp_path / "a.safetensors"),
        open_checkpoint(tmp_path),
        open_checkpoint(tmp_path / "a.pth"),
        open_checkpoint(tmp_path / "b.pt", within="generator"),
        open_checkpoint(sharded(tmp_path / "shards")),
    ):
        assert checkpoint.shapes == SHAPES
        checkpoint.check(SHAPES)
        with torch.device("meta"):
            module = nn.Linear(3, 2)
        fill(module, checkpoint, {"weight": "weight", "bias": "bias"}, torch.bfloat16, CPU)
        assert torch.equal(module.weight, HELD["weight"].bfloat16())
        assert not module.weight.requires_grad


def test_tensors_that_do_not_fit_are_named_of_each_kind(tmp_path: Path) -> None:
    save_file(HELD, tmp_path / "a.safetensors")
    checkpoint = open_checkpoint(tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError) as caught:
        checkpoint.check({"weight": torch.Size([3, 2]), "scale": torch.Size([1])})
    message = str(caught.value)
    assert "missing: scale" in message
    assert "not known: bias" in message
    assert "of the wrong shape: weight [2, 3] instead of [3, 2]" in message
    checkpoint.check({"weight": torch.Size([2, 3])}, ignored=lambda name: name == "bias")
    with pytest.raises(CheckpointError, match=r"f, g and 14 more"):
        checkpoint.check({**SHAPES, **{letter: torch.Size([1]) for letter in "bcdefghijklmnopqrstu"}})


def test_a_pickle_that_would_do_something_does_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"weight": Opener(trace)}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Opener(trace)))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(CheckpointError, match=r"no whole file of tensors|no zip file"):
            open_checkpoint(tmp_path / name)
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 3, 40, 300, -5])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, suffix: str, kept: int) -> None:
    whole = tmp_path / f"whole{suffix}"
    torch.save(HELD, whole) if suffix == ".pth" else save_file(HELD, whole)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: min(kept, len(whole.read_bytes()) - 5)])
    with pytest.raises(CheckpointError, match=r"no zip file|no whole"):
        open_checkpoint(cut)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_spoilt_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    random = Random(1)
    whole, spoilt = tmp_path / f"whole{suffix}", tmp_path / f"spoilt{suffix}"
    torch.save(HELD, whole) if suffix == ".pth" else save_file(HELD, whole)
    num_refused = 0
    for _ in range(150):
        content = bytearray(whole.read_bytes())
        for _ in range(random.choice([1, 2, 16])):
            place = random.randrange(len(content))
            if random.random() < 0.6:
                content[place] = random.randrange(256)
            else:
                content[place : place + 3] = random.randbytes(random.choice([0, 7]))
        spoilt.write_bytes(content)
        try:
            checkpoint = open_checkpoint(spoilt)
            checkpoint.check(SHAPES)
            assert all(checkpoint.read(name).shape == shape for name, shape in SHAPES.items())
        except CheckpointError:
            num_refused += 1
    assert 75 < num_refused < 150


def test_a_version_of_zip_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    torch.save(HELD, tmp_path / "a.pth")
    content = bytearray((tmp_path / "a.pth").read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 0xFF  # the version that is needed to read the first entry
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match="no zip file"):
        open_checkpoint(tmp_path / "a.pth")


def test_a_file_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1 << 20)}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as bomb:
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry), zipfile.ZIP_DEFLATED)
    assert (tmp_path / "bomb.pth").stat().st_size < 20_000
    with pytest.raises(CheckpointError, match="compressed"):
        open_checkpoint(tmp_path / "bomb.pth")


def test_a_tensor_larger_than_any_memory_is_refused_by_its_shape(tmp_path: Path) -> None:
    torch.save({**HELD, "weight": torch.zeros(1).expand(1 << 20, 1 << 20)}, tmp_path / "a.pth")
    assert (tmp_path / "a.pth").stat().st_size < 10_000
    with pytest.raises(CheckpointError, match=r"weight \[1048576, 1048576\] instead of \[2, 3\]"):
        open_checkpoint(tmp_path / "a.pth").check(SHAPES)


def test_a_header_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    for header in (b"\xff" * 8, (1 << 60).to_bytes(8, "little") + b"{}"):
        (tmp_path / "a.safetensors").write_bytes(header)
        with pytest.raises(CheckpointError, match="no whole safetensors file"):
            open_checkpoint(tmp_path / "a.safetensors")


def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"step": 3}, tmp_path / "number.pth")
    torch.save(HELD, tmp_path / "flat.pth")
    torch.save({"weight": torch.empty(1 << 30, 1 << 30, device="meta")}, tmp_path / "hollow.pth")
    for name, within, words in (
        ("list.pth", None, "holds a list"),
        ("number.pth", None, "a int under 'step'"),
        ("flat.pth", "generator", "has no 'generator'"),
        ("hollow.pth", None, "on meta, not plain numbers"),
    ):
        with pytest.raises(CheckpointError, match=words):
            open_checkpoint(tmp_path / name, within)
    for path, words in ((tmp_path / "none.pth", "is not there"), (tmp_path, "3|not one of either")):
        with pytest.raises(CheckpointError, match=words):
            open_checkpoint(path)
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"none of \.safetensors"):
        open_checkpoint(tmp_path / "a.bin")


@pytest.mark.parametrize(
    "index", ["[]", "{}", "not json", '{"weight_map": {"a": "../secret.safetensors"}}', '{"weight_map": {"a": 3}}']
)
def test_an_index_that_is_none_or_leads_elsewhere_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError):
        open_checkpoint(tmp_path)


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2, 3, dtype=torch.int8), "bias": torch.ones(2)}, tmp_path / "a.safetensors")
    with torch.device("meta"):
        module = nn.Linear(3, 2)
    with pytest.raises(CheckpointError, match="weight is torch.int8"):
        fill(module, open_checkpoint(tmp_path), {"weight": "weight", "bias": "bias"}, torch.float32, CPU)
