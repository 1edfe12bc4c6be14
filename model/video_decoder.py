"""Pearl's video decoder stage: maps and conditions to a frame, streaming.

Between frames it keeps the drifting flakes and how far the camera has turned, for patterns stay with
the world; rain and film grain are new in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import camera
from model.interface import DecoderCache, FramesFHWC, Tensors
from model.look_network import LookNetwork
from model.patterns import patterns_at
from model.precipitation import drift, first_specks, noise_of_frame

SKY_NEARNESS = 0.03  # below this (1.4 km) there is nothing but sky


@dataclass(slots=True, kw_only=True)
class PearlVideoCache:
    """Mutable: `PearlVideoDecoder.decode` advances it."""

    seed: int
    frame_idx: int
    azimuth_px: int  # of the view's left edge since the start
    specks_HW: Tensor

    def snapshot(self) -> Tensors:
        return {
            "seed": np.array(self.seed, np.uint64),
            "frame_idx": np.array(self.frame_idx, np.int64),
            "azimuth_px": np.array(self.azimuth_px, np.int64),
            "specks": self.specks_HW.numpy().astype(bool),
        }


class PearlVideoDecoder:
    """Implements model.interface.VideoDecoder and model.interface.DepthDecoder."""

    def __init__(self, network: LookNetwork) -> None:
        # half precision is less than half the time where the CPU knows it, and correct where it does not
        self._network = network.eval().bfloat16().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def open(self, seed: int) -> PearlVideoCache:
        return PearlVideoCache(seed=seed, frame_idx=0, azimuth_px=0, specks_HW=first_specks(seed))

    def restore(self, snapshot: Tensors) -> PearlVideoCache:
        return PearlVideoCache(
            seed=int(snapshot["seed"]),
            frame_idx=int(snapshot["frame_idx"]),
            azimuth_px=int(snapshot["azimuth_px"]),
            specks_HW=torch.from_numpy(snapshot["specks"].astype(np.float32)),
        )

    @torch.inference_mode()
    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        assert isinstance(cache, PearlVideoCache)
        turn_px, tilt_px = video["turn_px"].tolist()
        cache.frame_idx += 1
        cache.azimuth_px = (cache.azimuth_px + turn_px) % camera.TURN_PX
        cache.specks_HW = drift(cache.specks_HW, cache.seed, cache.frame_idx, turn_px, tilt_px)
        maps = torch.from_numpy(video["maps"]).float()[None] / 255
        conditions = torch.from_numpy(video["conditions"])[None]
        slope = camera.row_slope(camera.VIEW_H, float(video["first_row"][0]))[None]
        rgb = self._network(maps, conditions, slope, self._noise(cache, int(video["first_row"][0])))
        return (rgb.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

    def depth_m(self, video: Tensors) -> NDArray[np.float32]:
        """As memory and actors have it: of everything in the frame but rain and snow."""
        near = torch.from_numpy(video["maps"][camera.NEARNESS]).float() / 255
        metres = torch.where(near > SKY_NEARNESS, camera.distance_m(near), torch.inf)
        return metres[None].numpy()

    def _noise(self, cache: PearlVideoCache, first_row: int) -> Tensor:
        """noise_BNHW of the cache's frame."""
        of_frame = noise_of_frame(cache.specks_HW, cache.seed, cache.frame_idx)
        return torch.cat([of_frame, patterns_at(cache.azimuth_px, first_row)])[None]
