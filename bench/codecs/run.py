"""Decoders of open models: bytes and operations at full size, and milliseconds at a size that a CPU can do.

Weights are random: what they are changes no time. The published layers, at their published widths; only the picture
is small.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from bench.results import Result
from bench.statistics import percentile
from model.adapters.codecs.accounting import KINDS, DecoderCost, DecoderKind, decoder_cost, published_costs
from model.adapters.codecs.memory_format import lay_channels_last
from model.adapters.codecs.stream import LATENTS, StreamConfig, StreamingVideoDecoder
from model.interface import Tensors

MS = 1_000
GIB, MIB, TERA, GIGA = 1 << 30, 1 << 20, 1e12, 1e9
WEIGHT_SPREAD = 0.02  # keeps numbers in range through forty layers


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecsConfig:
    width_px: int = 64
    height_px: int = 32
    latents_per_chunk: int = 3
    rounds: int = 3  # chunks measured, after the first of a session
    threads: int = 1
    device: str = "cpu"
    dtype: str = "bfloat16"
    only: tuple[str, ...] = ()  # of the names in KINDS; all

    def __post_init__(self) -> None:
        if unknown := set(self.only) - {kind.name for kind in KINDS}:
            raise ValueError(f"no decoder {', '.join(sorted(unknown))}; there are {', '.join(k.name for k in KINDS)}")
        if not isinstance(getattr(torch, self.dtype, None), torch.dtype):
            raise ValueError(f"no precision {self.dtype}")

    @property
    def kinds(self) -> tuple[DecoderKind, ...]:
        return tuple(kind for kind in KINDS if not self.only or kind.name in self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderTimes:
    """Milliseconds. `replay_ms`: to restore a session from a snapshot by latents."""

    first_chunk_ms: float
    chunk_ms: float  # median
    chunk_p95_ms: float
    chunk_cpu_ms: float  # median of processor time, which others on the machine change little
    frame_ms: float
    snapshot_ms: float  # by latents
    replay_ms: float
    features_snapshot_ms: float
    operations_per_s: float


def bench_codecs(config: CodecsConfig) -> Result:
    torch.set_num_threads(config.threads)
    full = [cost for cost in published_costs() if not config.only or cost.name in config.only]
    dtype = getattr(torch, config.dtype)
    small = {kind.name: decoder_cost(kind, config.width_px, config.height_px, dtype) for kind in config.kinds}
    times = {kind.name: measure(kind, config, small[kind.name]) for kind in config.kinds}
    return Result(
        benchmark="codecs",
        model=", ".join(times),
        settings=asdict(config),
        figures={
            "full_size_bf16": [asdict(cost) for cost in full],
            "small": {name: asdict(cost) for name, cost in small.items()},
            "times": {name: asdict(measured) for name, measured in times.items()},
        },
        summary=(*(told(cost) for cost in full), *told_times(times, config)),
    )


def measure(kind: DecoderKind, config: CodecsConfig, cost: DecoderCost) -> DecoderTimes:
    """One session alone, chunk after chunk, as a decoder stage runs it."""
    network = random_network(kind, config)
    by_latents = StreamingVideoDecoder(network, StreamConfig(snapshot_as="latents"))
    by_features = StreamingVideoDecoder(network, StreamConfig(snapshot_as="features"))
    cache = by_latents.open(0)
    given = chunks(network.latent_channels, kind.grid(config.width_px, config.height_px), config)
    first_s, _ = timed(lambda: by_latents.decode(cache, given[0]))
    chunk_s, cpu_s = [], []
    for chunk in given[1:]:
        started_s = time.process_time()
        chunk_s.append(timed(lambda chunk=chunk: by_latents.decode(cache, chunk))[0])
        cpu_s.append(time.process_time() - started_s)
    snapshot_s, snapshot = timed(cache.snapshot)
    replay_s, restored = timed(lambda: by_latents.restore(snapshot))
    assert restored.features.num_steps == cache.features.num_steps
    other = by_features.open(0)
    by_features.decode(other, given[0])
    features_snapshot_s, _ = timed(other.snapshot)
    median_s = percentile(chunk_s, 50) or 0.0
    return DecoderTimes(
        first_chunk_ms=first_s * MS,
        chunk_ms=median_s * MS,
        chunk_p95_ms=(percentile(chunk_s, 95) or 0.0) * MS,
        chunk_cpu_ms=(percentile(cpu_s, 50) or 0.0) * MS,
        frame_ms=median_s * MS / (config.latents_per_chunk * network.frames_per_latent),
        snapshot_ms=snapshot_s * MS,
        replay_ms=replay_s * MS,
        features_snapshot_ms=features_snapshot_s * MS,
        operations_per_s=cost.operations_per_latent * config.latents_per_chunk / median_s,
    )


def random_network(kind: DecoderKind, config: CodecsConfig) -> Any:
    with torch.device("meta"):
        network: Any = kind.build()
    network = network.to(getattr(torch, config.dtype)).to_empty(device=config.device).eval().requires_grad_(False)
    generator = torch.Generator(config.device).manual_seed(0)
    for parameter in network.parameters():
        parameter.normal_(0.0, WEIGHT_SPREAD, generator=generator)
    lay_channels_last(network)
    return network


def chunks(channels: int, grid_HW: tuple[int, int], config: CodecsConfig) -> list[Tensors]:
    random = np.random.default_rng(0)
    shape = (config.latents_per_chunk, channels, *grid_HW)
    return [{LATENTS: random.standard_normal(shape, np.float32)} for _ in range(1 + config.rounds)]


def timed(call: Any) -> tuple[float, Any]:
    """Seconds, with what a GPU still had to do, and what came of it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started_s = time.perf_counter()
    value = call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started_s, value


def told(cost: DecoderCost) -> str:
    return (
        f"{cost.name} {cost.width_px}x{cost.height_px} bf16: {cost.weight_bytes / MIB:.0f} MiB of weights, a session "
        f"keeps {cost.session_bytes / MIB:.0f} MiB, its snapshot {cost.snapshot_bytes / MIB:.1f} MiB "
        f"({cost.latents_remembered} latents), {cost.operations_per_latent / TERA:.2f} T operations a latent"
    )


def told_times(times: Mapping[str, DecoderTimes], config: CodecsConfig) -> tuple[str, ...]:
    size = f"{config.width_px}x{config.height_px} {config.dtype} on {config.device}"
    return tuple(
        f"{name} {size}: {taken.chunk_ms:.0f} ms a chunk of {config.latents_per_chunk} latents "
        f"(p95 {taken.chunk_p95_ms:.0f}, first {taken.first_chunk_ms:.0f}; processor time {taken.chunk_cpu_ms:.0f}), "
        f"{taken.frame_ms:.1f} ms a frame, "
        f"{taken.operations_per_s / GIGA:.0f} G operations/s; snapshot {taken.snapshot_ms:.1f} ms, "
        f"{taken.replay_ms:.0f} ms to go on from it; of all features {taken.features_snapshot_ms:.1f} ms"
        for name, taken in times.items()
    )
