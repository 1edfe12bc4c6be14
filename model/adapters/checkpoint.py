"""Files of weights in public layouts, read without trusting them.

    open_checkpoint(path)    names and shapes, without taking memory for what they hold
    Checkpoint.check(wanted) every tensor there, none too many, each of its shape; or CheckpointError with names
    fill(module, ...)        a module that was made on the meta device, filled tensor by tensor

Known containers: a safetensors file, a folder of them with an index (`*.safetensors.index.json`), and torch's zip files
(.pt, .pth), which are read with `weights_only` and mapped into memory, so that a pickle in them runs no code and a
compressed one, or one that lies about its sizes, is refused before anything is made of it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

MAX_NAMED = 6  # names told for each kind of fault; a wrong file has hundreds
MAX_INDEX_BYTES = 64 << 20  # of an index; published ones have less than one megabyte
TORCH_SUFFIXES = (".pt", ".pth")


class CheckpointError(ValueError):
    """A file of weights that cannot be used; says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Names and shapes of what a file or folder holds, and how to read one of them."""

    path: Path
    shapes: Mapping[str, torch.Size]
    read: Callable[[str], Tensor]

    def check(self, wanted: Mapping[str, torch.Size], ignored: Callable[[str], bool] | None = None) -> None:
        """Raises CheckpointError, with names, for tensors that are missing, too many or of another shape. Those for
        which `ignored` holds may be there."""
        missing = [name for name in wanted if name not in self.shapes]
        extra = [name for name in self.shapes if name not in wanted and not (ignored and ignored(name))]
        wrong = [
            f"{name} {list(self.shapes[name])} instead of {list(shape)}"
            for name, shape in wanted.items()
            if name in self.shapes and self.shapes[name] != shape
        ]
        kinds = {"missing": missing, "not known": extra, "of the wrong shape": wrong}
        if faults := [f"{kind}: {_listed(names)}" for kind, names in kinds.items() if names]:
            raise CheckpointError(f"{self.path} does not fit: {'; '.join(faults)}")


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + rest


def open_checkpoint(path: Path, within: str | None = None) -> Checkpoint:
    """`path`: a file, or a folder with one `*.safetensors` or an index. `within`: for a torch file that holds several
    dictionaries, which of them. Raises CheckpointError."""
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise CheckpointError(f"{path} is not there")
    if path.suffix == ".safetensors":
        return _open_safetensors(path, [path])
    if path.name.endswith(".safetensors.index.json"):
        return _open_index(path)
    if path.suffix in TORCH_SUFFIXES:
        return _open_torch(path, within)
    raise CheckpointError(f"{path} is none of .safetensors, {', '.join(TORCH_SUFFIXES)}")


def _open_folder(folder: Path) -> Checkpoint:
    indices = sorted(folder.glob("*.safetensors.index.json"))
    files = sorted(folder.glob("*.safetensors"))
    if len(indices) == 1:
        return _open_index(indices[0])
    if len(files) == 1 and not indices:
        return _open_safetensors(files[0], files)
    raise CheckpointError(f"{folder} has {len(files)} safetensors files and {len(indices)} indices, not one of either")


def _open_index(index: Path) -> Checkpoint:
    if index.stat().st_size > MAX_INDEX_BYTES:
        raise CheckpointError(f"{index} is too large for an index")
    try:
        files = set(json.loads(index.read_text())["weight_map"].values())
        names = sorted(str(name) for name in files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{index} is no index of safetensors files: {error}") from error
    for name in names:
        if Path(name).name != name:
            raise CheckpointError(f"{index} names {name!r}, which is not beside it")
    return _open_safetensors(index, [index.parent / name for name in names])


def _open_safetensors(path: Path, files: Iterable[Path]) -> Checkpoint:
    shapes: dict[str, torch.Size] = {}
    readers: dict[str, Any] = {}
    for file in files:
        try:
            reader = safe_open(str(file), framework="pt")
            for name in reader.keys():  # noqa: SIM118  a reader is no mapping
                if name in readers:
                    raise CheckpointError(f"{name} is in {file} and in another file of {path}")
                readers[name] = reader
                shapes[name] = torch.Size(reader.get_slice(name).get_shape())
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is no whole safetensors file: {error}") from error
    return Checkpoint(path=path, shapes=shapes, read=lambda name: readers[name].get_tensor(name))


def _open_torch(path: Path, within: str | None) -> Checkpoint:
    _check_zip(path)
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # what a broken pickle runs into cannot be foretold
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is no whole file of tensors: {reason}") from error
    if within is not None:
        if not isinstance(held, dict) or within not in held:
            raise CheckpointError(f"{path} has no {within!r}")
        held = held[within]
    if not isinstance(held, dict):
        raise CheckpointError(f"{path} holds a {type(held).__name__}, not tensors by name")
    for name, tensor in held.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise CheckpointError(f"{path} holds a {type(tensor).__name__} under {name!r}, not a tensor")
        if tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise CheckpointError(f"{path}: {name} is a {tensor.layout} tensor on {tensor.device}, not plain numbers")
    return Checkpoint(path=path, shapes={name: tensor.shape for name, tensor in held.items()}, read=held.__getitem__)


def _check_zip(path: Path) -> None:
    """Nothing compressed and nothing larger than the file: what torch saves is neither, a bomb is."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path} is no zip file as torch has saved them since 1.6: {error}") from error
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(f"{path} is compressed; torch's files are not")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise CheckpointError(f"{path} says it holds more than it can")


def shapes_of(module: nn.Module, names: Mapping[str, str]) -> dict[str, torch.Size]:
    """By the public names, the shapes of a module's tensors; `names` maps the module's names to public ones."""
    return {names[name]: tensor.shape for name, tensor in module.state_dict().items()}


def fill(
    module: nn.Module, checkpoint: Checkpoint, names: Mapping[str, str], dtype: torch.dtype, device: torch.device
) -> None:
    """Give a module that was made on the meta device its tensors, one after the other; `checkpoint` was checked before.
    Raises CheckpointError for tensors that are not floating point."""
    state: dict[str, Tensor] = {}
    for name in module.state_dict():
        tensor = checkpoint.read(names[name])
        if not tensor.is_floating_point():
            raise CheckpointError(f"{checkpoint.path}: {names[name]} is {tensor.dtype}, not a floating-point number")
        state[name] = tensor.to(device=device, dtype=dtype, copy=True)
    module.load_state_dict(state, assign=True)
    module.eval().requires_grad_(False)
