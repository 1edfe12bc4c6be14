"""What can be measured, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from bench.engine.counting import Work
from model.adapters.presets import PRESETS as OPEN_PRESETS
from model.adapters.presets import preset
from model.interface import Model, Profile
from serving.models import check_model, load_model

DEFAULT_PRESETS = ("pearl-xs", "wan-1.3b", "wan-1.3b-window-12", "matrix-game-2", "abot-5b", "abot-5b-720p")


def benchmark_name(name: str) -> str:
    """Of a preset's results: results of one second are not to be taken for one another."""
    return "engine-" + re.sub(r"[^\w.]+", "-", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What makes a model quicker, and is not the same to the last bit."""

    profile: Profile = Profile.EXACT
    graphs: bool = True  # of open models
    compiles: bool = False  # of open models
    fp8: bool = False  # of open models
    tiny_decoder: bool = False  # of open models


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model to measure."""

    name: str
    weights: str  # "its own" or "random"
    dtype: str  # that most of its operations run in
    load: Callable[[str], Model]  # onto a device: "cpu" or "cuda"
    # By stage, of a chunk; where it is None, what runs is counted. Graphs do not show what they run.
    count: Callable[[], Mapping[str, Work]] | None = None


def subject(name: str, speed: Speed) -> Subject:
    """A preset with its weights, or a loader of one's own as `package.module:function`. Raises ValueError."""
    check_model(name)
    return Subject(name=name, weights="its own", dtype="bfloat16", load=lambda _: load_model(name, speed.profile))


def is_open(name: str) -> bool:
    """Whether it is an open model, whose weights are not here."""
    return name in OPEN_PRESETS


def random_subject(name: str, speed: Speed) -> Subject:
    """An open model of its real size with random weights. Raises ValueError."""
    from bench.engine.open_models import count_open_model  # the code of open models, which no other preset needs
    from bench.engine.random_models import RandomModelConfig, RandomOpenModel

    def load(device: str) -> Model:
        config = RandomModelConfig(
            device=device,
            dtype=torch.bfloat16,
            profile=speed.profile,
            graphs=speed.graphs,
            compiles=speed.compiles,
            fp8=speed.fp8,
            tiny_decoder=speed.tiny_decoder,
        )
        return RandomOpenModel(name, config)

    def count() -> Mapping[str, Work]:
        return count_open_model(preset(name)).stages(tiny_decoder=speed.tiny_decoder)

    return Subject(name=name, weights="random", dtype="bfloat16", load=load, count=count)
