"""Pearl's video decoder stage: maps and conditions to a frame, streaming.

Between frames it keeps the drifting flakes; streaks of rain are new in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model import camera
from model.interface import DecoderCache, FramesFHWC, Tensors
from model.look_network import LookNetwork
from model.precipitation import drift, first_specks, noise_fields


@dataclass(slots=True, kw_only=True)
class PearlVideoCache:
    """Mutable: `PearlVideoDecoder.decode` advances it."""

    seed: int
    frame_idx: int
    specks_HW: Tensor

    def snapshot(self) -> Tensors:
        return {
            "seed": np.array(self.seed, np.uint64),
            "frame_idx": np.array(self.frame_idx, np.int64),
            "specks": self.specks_HW.numpy().astype(bool),
        }


class PearlVideoDecoder:
    """Implements model.interface.VideoDecoder."""

    def __init__(self, network: LookNetwork) -> None:
        self._network = network.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def open(self, seed: int) -> PearlVideoCache:
        return PearlVideoCache(seed=seed, frame_idx=0, specks_HW=first_specks(seed))

    def restore(self, snapshot: Tensors) -> PearlVideoCache:
        specks = torch.from_numpy(snapshot["specks"].astype(np.float32))
        return PearlVideoCache(seed=int(snapshot["seed"]), frame_idx=int(snapshot["frame_idx"]), specks_HW=specks)

    @torch.inference_mode()
    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        assert isinstance(cache, PearlVideoCache)
        turn_px, tilt_px = video["turn_px"].tolist()
        cache.frame_idx += 1
        cache.specks_HW = drift(cache.specks_HW, cache.seed, cache.frame_idx, turn_px, tilt_px)
        noise_NHW = noise_fields(cache.specks_HW, cache.seed, cache.frame_idx)
        maps = torch.from_numpy(video["maps"]).float()[None] / 255
        conditions = torch.from_numpy(video["conditions"])[None]
        slope = camera.row_slope(camera.VIEW_H, float(video["first_row"][0]))[None]
        rgb = self._network(maps, conditions, slope, noise_NHW[None])
        return (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
