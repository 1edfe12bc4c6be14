"""Finds the model that a configuration names."""

from __future__ import annotations

import importlib
from typing import cast

from model.interface import Model


def load_model(name: str) -> Model:
    """A preset by its name, or a loader of one's own as `package.module:function`.

    Raises ValueError for a name that is neither. Imports torch when the model needs it.
    """
    if ":" not in name:
        from model import presets  # only a process that runs a stage needs the model's code

        return cast(Model, presets.load(name))
    module_name, _, function = name.partition(":")
    try:
        return cast("Model", getattr(importlib.import_module(module_name), function)())
    except (ImportError, AttributeError) as error:
        raise ValueError(f"model {name!r}: {error}") from error
