"""Memory and step time over very many chunks, with the smallest preset there is: `pearl-nano`, random weights."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import psutil
import torch

from bench.batching.worlds import controls_of
from model.actors.networks import load_networks
from model.codec import CodecConfig, MapCodec
from model.control import NUM_CONTROL_FEATURES
from model.presets import WEIGHTS_FOLDER
from model.stepper import PearlTransformer
from model.transformer import TransformerConfig, WorldTransformer

NAME = "pearl-nano"
CODEC = CodecConfig(latent_dims=8, grid_channels=16, channels=8)
TRANSFORMER = TransformerConfig(
    latent_dims=8, audio_dims=32, control_features=NUM_CONTROL_FEATURES, dim=32, layers=2, heads=2, mlp_ratio=2,
    registers=2, sink_chunks=1, window_chunks=4,
)  # fmt: skip
CHUNK_S = 0.08
NUM_POINTS = 200  # of memory, over the run
WARM_SHARE = 0.2  # of the run, until every place of the spatial memory and every buffer is taken
MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatnessFigures:
    model: str
    num_chunks: int
    world_hours: float
    memory_mb_first: float  # after the warm share
    memory_mb_last: float
    slope_mb_per_world_hour: float
    slope_mb_per_hour: float  # by the wall clock: the loop runs faster than the world
    state_bytes_first: int
    state_bytes_last: int
    step_cpu_s_first: float  # median of the first tenth after the warm share
    step_cpu_s_last: float


def nano(seed: int = 0) -> PearlTransformer:
    """The smallest of the family: what it makes is noise."""
    torch.manual_seed(seed)
    network, codec = WorldTransformer(TRANSFORMER), MapCodec(CODEC)
    torch.nn.init.normal_(codec.basis_PD, std=0.02)
    codec.mean_RP.fill_(0.4)
    actors = load_networks(WEIGHTS_FOLDER / "pearl-xs" / "actors.safetensors")
    return PearlTransformer(network.requires_grad_(False), codec.requires_grad_(False), actors, CHUNK_S)


def measure_flatness(num_chunks: int, on_chunk: Callable[[int], None] = lambda done: None) -> FlatnessFigures:
    transformer, process = nano(), psutil.Process()
    state = transformer.open(1, None, None)
    every, points = max(1, num_chunks // NUM_POINTS), []
    steps_s = np.full(num_chunks, 0.0)  # written: a list would be what grows
    state_bytes = state.num_bytes
    for chunk_idx in range(num_chunks):
        started_s = time.thread_time()
        transformer.step([state], [controls_of(0, chunk_idx)])
        steps_s[chunk_idx] = time.thread_time() - started_s
        if chunk_idx % every == 0:
            gc.collect()  # what is only waiting to be collected is not what grows
            points.append((chunk_idx, time.monotonic(), process.memory_info().rss / MB))
            on_chunk(chunk_idx)
    warm = points[int(WARM_SHARE * len(points)) :]
    chunks, wall_s, memory_mb = (np.array(column) for column in zip(*warm, strict=True))
    begin, tenth = int(WARM_SHARE * num_chunks), max(1, num_chunks // 10)
    return FlatnessFigures(
        model=NAME,
        num_chunks=num_chunks,
        world_hours=num_chunks * CHUNK_S / 3600,
        memory_mb_first=float(memory_mb[0]),
        memory_mb_last=float(memory_mb[-1]),
        slope_mb_per_world_hour=_slope(chunks * CHUNK_S / 3600, memory_mb),
        slope_mb_per_hour=_slope(wall_s / 3600, memory_mb),
        state_bytes_first=state_bytes,
        state_bytes_last=state.num_bytes,
        step_cpu_s_first=float(np.median(steps_s[begin : begin + tenth])),
        step_cpu_s_last=float(np.median(steps_s[-tenth:])),
    )


def _slope(x: np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """Of the line that fits best."""
    return float(np.polyfit(x - x[0], np.asarray(y), 1)[0])
