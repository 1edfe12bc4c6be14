"""What can be measured, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.adapters.presets import PRESETS as OPEN_PRESETS
from model.interface import Model
from serving.models import check_model, load_model

DEFAULT_PRESETS = ("pearl-xs",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model to measure."""

    name: str
    weights: str  # "its own" or "random"
    dtype: str  # that most of its operations run in
    load: Callable[[str], Model]  # onto a device: "cpu" or "cuda"


def subject(name: str) -> Subject:
    """A preset with its weights, or a loader of one's own as `package.module:function`. Raises ValueError."""
    check_model(name)
    return Subject(name=name, weights="its own", dtype="bfloat16", load=lambda _: load_model(name))


def is_open(name: str) -> bool:
    """Whether it is an open model, whose weights are not here."""
    return name in OPEN_PRESETS
