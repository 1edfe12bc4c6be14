"""A causal network as Nacre's video decoder: latents to frames with a cache per session, in any order, or together.

Letters: B sessions, C channels, F frames or latents, H W height and width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, Protocol

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from model.adapters.codecs.features import (
    NUM_STEPS,
    Features,
    restore_features,
    snapshot_features,
    stack_features,
    unstack_features,
)
from model.adapters.interface import LATENTS
from model.interface import DecoderCache, FramesFHWC, Tensors

RECENT = "recent_"  # in a snapshot by latents: what each of the last chunks was
GRID = "grid"  # in a snapshot by features: rows and columns of a latent
MAX_GRID = 1024  # of either; a latent is 8 or 16 pixels wide


class CausalNetwork(Protocol):
    """WanVaeDecoder and TinyDecoder."""

    @property
    def latent_channels(self) -> int: ...

    @property
    def frames_per_latent(self) -> int: ...

    @property
    def latents_remembered(self) -> int: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def on_meta(self) -> CausalNetwork:
        """The same network without memory, to ask for shapes."""
        ...

    def decode(self, latents_BCFHW: Tensor, features: Features) -> Tensor: ...

    def replay(self, latents_BCFHW: Tensor, features: Features, num_after: int) -> None:
        """What `decode` leaves behind once `num_after` more latents have been replayed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """`latents_per_pass`: how many go through the network at once. With 1 a session's frames are the same bit for bit
    however its latents are cut into chunks. `snapshot_as`: "features" copies all that the layers keep, gigabytes at
    full size; "latents" keeps the last few latents instead, a thousandth of it, and a restored session decodes those
    again first. Both go on bit for bit. `holds_first_frame`: the first latent stands for one frame; where that is
    shown as long as any other latent, every chunk has as many frames."""

    latents_per_pass: int = 1
    snapshot_as: Literal["latents", "features"] = "latents"
    holds_first_frame: bool = False

    def __post_init__(self) -> None:
        if self.latents_per_pass < 1:
            raise ValueError("at least one latent goes through the network at once")


@dataclass(slots=True, kw_only=True)
class StreamCache:
    """Mutable: `StreamingVideoDecoder` advances it."""

    by_latents: bool
    features: Features = field(default_factory=Features)
    grid: tuple[int, int] | None = None  # rows and columns of a latent, once there was one
    recent: list[Tensor] = field(default_factory=list)  # latents_BCFHW of the last chunks; with `by_latents` only

    @property
    def num_bytes(self) -> int:
        return self.features.num_bytes + sum(tensor.nbytes for tensor in self.recent)

    def snapshot(self) -> Tensors:
        if not self.by_latents:
            return {GRID: np.array(self.grid or (0, 0), np.int64), **snapshot_features(self.features)}
        arrays = {f"{RECENT}{place:04d}": tensor[0].cpu().numpy().copy() for place, tensor in enumerate(self.recent)}
        return {NUM_STEPS: np.array(self.features.num_steps, np.int64), **arrays}


class StreamingVideoDecoder:
    """Implements `interface.StreamingVideoDecoder`, and model.interface.VideoDecoder where the first frame is held. The
    network is shared and keeps nothing; a session's past is its cache."""

    def __init__(self, network: CausalNetwork, config: StreamConfig | None = None) -> None:
        self._network = network
        self._config = config or StreamConfig()
        parameter = next(network.parameters())
        self._dtype, self._device = parameter.dtype, parameter.device

    def open(self, seed: int) -> StreamCache:
        """`seed` decides nothing: what is decoded follows from the latents."""
        return StreamCache(by_latents=self._config.snapshot_as == "latents")

    def restore(self, snapshot: Tensors) -> StreamCache:
        """From what `StreamCache.snapshot` gave, of either kind. Raises ValueError for what does not fit."""
        num_steps = snapshot.get(NUM_STEPS, np.array(-1))
        if num_steps.size != 1 or num_steps.dtype.kind not in "iu" or num_steps.item() < 0:
            raise ValueError("a decoder's snapshot does not say how much it had decoded")
        if GRID in snapshot:
            return self._restore_features(snapshot)
        return self._replay(snapshot)

    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        """`video[LATENTS]`: [F, C, H, W], about unit variance, floating point. 8-bit RGB, `frames_per_latent` frames of
        each latent, but one of the very first unless it is held. Advances the cache."""
        assert isinstance(cache, StreamCache)
        latents_FCHW = _tensor_of(video[LATENTS])
        channels, shape = self._network.latent_channels, list(latents_FCHW.shape)
        if len(shape) != 4 or shape[1] != channels or 0 in shape or not latents_FCHW.is_floating_point():
            raise ValueError(f"latents are numbers [F, {channels}, H, W], not {latents_FCHW.dtype} {shape}")
        latents_BCFHW = rearrange(latents_FCHW, "f c h w -> 1 c f h w")
        return self.decode_together([cache], latents_BCFHW)[0].cpu().numpy()

    @torch.inference_mode()
    def decode_together(self, caches: Sequence[StreamCache], latents_BCFHW: Tensor) -> list[Tensor]:
        """frames_FHWC of the next chunk of each session, on the network's device. Those that begin and those that go on
        are two batches. Only a session alone is the same bit for bit whoever else is decoded: see the README."""
        latents_BCFHW = latents_BCFHW.to(self._device)
        grid = (latents_BCFHW.shape[3], latents_BCFHW.shape[4])
        for cache in caches:
            if (cache.grid or grid) != grid:
                raise ValueError(f"a session of {cache.grid} latents does not go on with {grid}")
            cache.grid = grid
        frames: dict[int, Tensor] = {}
        order = sorted(range(len(caches)), key=lambda row: caches[row].features.is_first)
        for _, group in groupby(order, key=lambda row: caches[row].features.is_first):
            rows = list(group)
            decoded = self._decode_group([caches[row] for row in rows], latents_BCFHW[rows])
            frames.update(zip(rows, decoded, strict=True))
        for row, cache in enumerate(caches):
            self._remember(cache, latents_BCFHW[row : row + 1])
        return [frames[row] for row in range(len(caches))]

    def _decode_group(self, caches: Sequence[StreamCache], latents_BCFHW: Tensor) -> Tensor:
        """frames_BFHWC of sessions that all begin, or all go on."""
        if len(caches) == 1:
            return self._pictures(latents_BCFHW, caches[0].features)
        sessions = [cache.features for cache in caches]
        batch = stack_features(sessions)
        num_before = batch.num_steps
        frames = self._pictures(latents_BCFHW, batch)
        unstack_features(batch, sessions, batch.num_steps - num_before)
        return frames

    def _pictures(self, latents_BCFHW: Tensor, features: Features) -> Tensor:
        was_first = features.is_first
        pictures = [self._network.decode(latents, features) for latents in self._passes(latents_BCFHW, features)]
        if was_first and self._config.holds_first_frame:
            pictures[0] = pictures[0].expand(-1, -1, self._network.frames_per_latent, -1, -1)
        return (rearrange(torch.cat(pictures, 2), "b c f h w -> b f h w c") * 255).round().to(torch.uint8).contiguous()

    def _passes(self, latents_BCFHW: Tensor, features: Features) -> Iterator[Tensor]:
        """A chunk in as many latents as go through the network at once; a session's first goes alone."""
        start = 0
        while start < latents_BCFHW.shape[2]:
            end = start + (1 if features.is_first else self._config.latents_per_pass)
            yield latents_BCFHW[:, :, start:end]
            start = end

    def _remember(self, cache: StreamCache, latents_BCFHW: Tensor) -> None:
        """Keep no more chunks than are needed to know what the layers keep."""
        if not cache.by_latents:
            return
        cache.recent.append(latents_BCFHW.clone())
        while sum(chunk.shape[2] for chunk in cache.recent[1:]) >= self._network.latents_remembered:
            cache.recent.pop(0)

    def _restore_features(self, snapshot: Tensors) -> StreamCache:
        rows, columns = (int(number) for number in snapshot[GRID].reshape(-1))
        held = {name: array for name, array in snapshot.items() if name != GRID}
        shapes = self.feature_shapes((rows, columns)) if int(snapshot[NUM_STEPS]) else {}
        features = restore_features(held, shapes, self._dtype, self._device)
        return StreamCache(by_latents=False, features=features, grid=(rows, columns) if shapes else None)

    def _replay(self, snapshot: Tensors) -> StreamCache:
        """A session that has decoded the latents of a snapshot once more, as far as something of them is kept."""
        names = sorted(name for name in snapshot if name.startswith(RECENT))
        chunks = [torch.from_numpy(np.array(snapshot[name])) for name in names]
        channels = self._network.latent_channels
        if not all(self._is_chunk(chunk) for chunk in chunks):
            raise ValueError(f"a decoder's snapshot has latents that are not [{channels}, F, H, W]")
        num_steps, num_latents = int(snapshot[NUM_STEPS]), sum(chunk.shape[1] for chunk in chunks)
        if not min(num_steps, self._network.latents_remembered) <= num_latents <= num_steps:
            raise ValueError(f"{num_latents} latents do not tell what {num_steps} have left behind")
        grids = {(chunk.shape[2], chunk.shape[3]) for chunk in chunks}
        if len(grids) > 1:
            raise ValueError(f"one session has latents of {len(grids)} sizes")
        cache = StreamCache(by_latents=True, features=Features(num_steps=num_steps - num_latents))
        cache.grid = next(iter(grids), None)
        cache.recent = [chunk[None].to(self._device) for chunk in chunks]
        with torch.inference_mode():
            for chunk in cache.recent:
                for latents in self._passes(chunk, cache.features):
                    num_after = num_steps - cache.features.num_steps - latents.shape[2]
                    self._network.replay(latents, cache.features, num_after)
        return cache

    def _is_chunk(self, chunk_CFHW: Tensor) -> bool:
        shape = chunk_CFHW.shape
        right = len(shape) == 4 and shape[0] == self._network.latent_channels and 0 not in shape
        return right and chunk_CFHW.is_floating_point() and max(shape[2:]) <= MAX_GRID

    def feature_shapes(self, grid_HW: tuple[int, int]) -> dict[str, torch.Size]:
        """What is kept of a session whose latents have `grid_HW` rows and columns; computed without memory."""
        if not all(1 <= number <= MAX_GRID for number in grid_HW):
            raise ValueError(f"no picture has a grid of {grid_HW} latents")
        return {name: tensor.shape for name, tensor in features_on_meta(self._network, grid_HW).kept.items()}


def _tensor_of(latents_FCHW: object) -> Tensor:
    """Shares its memory, wherever it is."""
    return latents_FCHW if isinstance(latents_FCHW, Tensor) else torch.from_numpy(np.ascontiguousarray(latents_FCHW))


def features_on_meta(network: CausalNetwork, grid_HW: tuple[int, int]) -> Features:
    """What a session keeps, without memory: names, shapes and precision."""
    features = Features()
    dtype = next(network.parameters()).dtype
    latent = torch.empty(1, network.latent_channels, 1, *grid_HW, dtype=dtype, device="meta")
    network.on_meta().decode(latent, features)
    return features
