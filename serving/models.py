"""Finds the model that a configuration names."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import cast

import model
from model.interface import FastModel, Model, Profile, TunableModel, Tuning
from serving.open_models import check_open_model, load_open_model, names_open_model

PRESETS_FOLDER = Path(model.__path__[0]) / "weights"
# In each of them that can be served; what else lies there are tools, such as the judge of evaluations.
TRANSFORMER_FILE = "transformer.safetensors"


def check_model(name: str, tuning: Tuning | None = None) -> None:
    """Raises ValueError for a name that `load_model` would not take, and for a tuning that a preset has not, without
    loading torch."""
    if names_open_model(name):
        check_open_model(name)
        return
    if ":" in name:
        if not _has_module(name.partition(":")[0]):
            raise ValueError(f"model {name!r}: there is no such module")
        return
    presets = sorted(each.parent.name for each in PRESETS_FOLDER.glob(f"*/{TRANSFORMER_FILE}"))
    if name not in presets:
        raise ValueError(
            f"model must be one of {presets}, an open model with its weights as NAME@FOLDER, "
            f"or package.module:function, not {name!r}"
        )
    if tuning is not None and tuning.is_for_gpus:
        raise ValueError(f"{name} runs on a processor: compiled, eight_bit and ranks are for open models")


def load_model(name: str, profile: str = Profile.EXACT, tuning: Tuning | None = None) -> Model:
    """A preset by its name, an open model as NAME@FOLDER, or a loader of one's own as `package.module:function`, in one
    of its profiles.

    Raises ValueError for a name that is neither, and for a profile or a tuning that the model has not. Imports torch
    when the model needs it.
    """
    loaded = _in_profile(_load(name), name, profile)
    if tuning is None or tuning == Tuning():
        return loaded
    if isinstance(loaded, TunableModel):
        return loaded.tuned(tuning)
    raise ValueError(f"model {name!r} cannot be tuned")


def _in_profile(loaded: Model, name: str, profile: str) -> Model:
    if loaded.info.profile == profile:
        return loaded
    if profile == Profile.FAST and isinstance(loaded, FastModel):
        return loaded.fast()
    raise ValueError(f"model {name!r} has no profile {profile!r}")


def _load(name: str) -> Model:
    if names_open_model(name):
        return load_open_model(name)
    if ":" not in name:
        from model import presets  # only a process that runs a stage needs the model's code

        return cast("Model", presets.load(name))
    module_name, _, function = name.partition(":")
    try:
        return cast("Model", getattr(importlib.import_module(module_name), function)())
    except (ImportError, AttributeError) as error:
        raise ValueError(f"model {name!r}: {error}") from error


def _has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False
