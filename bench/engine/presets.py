"""What can be measured, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from bench.engine.counting import Work
from bench.engine.device import CUDA
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
    """What makes a model quicker. All but the decoder is of the fast profile, as it is served, and all but the profile
    of open models."""

    profile: Profile = Profile.EXACT
    graphs: bool = True
    compiles: bool = False
    fp8: bool = False
    tiny_decoder: bool = False

    @property
    def told(self) -> str:
        if self.profile == Profile.EXACT:
            return "exact profile: sessions step one after the other, and no pass is a graph"
        return "fast profile: sessions that step together share passes"


AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for all presets, by the names of `Speed`."""

    profile: str = AUTO
    graphs: bool = True
    compiles: bool = False
    fp8: bool = False
    tiny_decoder: bool = False

    def of(self, name: str, device_kind: str) -> Speed:
        """Where nobody said in which profile, an open model's is the one that it is to be served in on a GPU, or that
        what else was asked is of. Raises ValueError for a profile that there is not."""
        if not is_open(name):
            return Speed(profile=Profile.EXACT if self.profile == AUTO else Profile(self.profile), graphs=False)
        is_fast = device_kind == CUDA or self.compiles or self.fp8
        profile = (Profile.FAST if is_fast else Profile.EXACT) if self.profile == AUTO else Profile(self.profile)
        return Speed(
            profile=profile,
            graphs=self.graphs and profile == Profile.FAST,
            compiles=self.compiles,
            fp8=self.fp8,
            tiny_decoder=self.tiny_decoder,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model to measure."""

    name: str
    weights: str  # "its own" or "random"
    dtype: str  # that most of its operations run in
    load: Callable[[str], Model]  # onto a device: "cpu" or "cuda"
    # Within so many chunks everything comes that a session does now and then.
    period_chunks: int = 1
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

    config = RandomModelConfig(
        dtype=torch.bfloat16,
        profile=speed.profile,
        graphs=speed.graphs,
        compiles=speed.compiles,
        fp8=speed.fp8,
        tiny_decoder=speed.tiny_decoder,
    )

    def load(device: str) -> Model:
        return RandomOpenModel(name, replace(config, device=device))

    def count() -> Mapping[str, Work]:
        return count_open_model(preset(name), eight_bit=speed.fp8).stages(tiny_decoder=speed.tiny_decoder)

    period_chunks = config.recache_every_chunks
    return Subject(name=name, weights="random", dtype="bfloat16", load=load, period_chunks=period_chunks, count=count)
