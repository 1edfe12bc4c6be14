"""Open models with a folder of weights, as a configuration names them: `wan-1.3b@/weights/self-forcing`."""

from __future__ import annotations

from pathlib import Path

from model.adapters.shelf import NAMES
from model.interface import Model

MARK = "@"  # between a preset's name and its folder


def names_open_model(name: str) -> bool:
    return MARK in name


def check_open_model(name: str) -> None:
    """Raises ValueError for a preset there is not, or a folder, without loading torch."""
    preset, _, folder = name.partition(MARK)
    if preset not in NAMES:
        raise ValueError(f"model {name!r}: the open models are {', '.join(NAMES)}")
    if not folder or not Path(folder).expanduser().is_dir():
        raise ValueError(f"model {name!r}: {folder!r} is no folder of weights")


def load_open_model(name: str) -> Model:
    """Raises ValueError as `check_open_model` does, and for weights that do not fit when a stage loads them."""
    check_open_model(name)
    from model.adapters.wan.model import load  # only a process that runs a stage needs the model's code

    preset, _, folder = name.partition(MARK)
    return load(preset, Path(folder).expanduser())
