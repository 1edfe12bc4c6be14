"""Reads style, lighting and weather off frames: the judge of whether a directive shows.

Trained on the true world alone (model.training.judge), it knows nothing of what it judges. No part
of the service uses it.

Letters: B batch, C channels, F frames, H rows, W columns, V values of the judged slots.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from model.interface import FramesFHWC
from model.presets import WEIGHTS_FOLDER
from model.world.conditions import SLOTS

JUDGED_SLOTS = ("style", "lighting", "weather")
WEIGHTS = WEIGHTS_FOLDER / "judge" / "judge.safetensors"
WIDTHS = (32, 64, 96, 128)  # channels per resolution, from a half of the frame down


class JudgeNetwork(nn.Module):
    """Convolutions that halve the picture, then what is there on average, at most and how unevenly."""

    def __init__(self) -> None:
        super().__init__()
        widths_in = (12, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width_in, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU()
            )
            if idx
            else nn.Sequential(nn.Conv2d(width_in, width, 3, padding=1), nn.SiLU())
            for idx, (width_in, width) in enumerate(zip(widths_in, WIDTHS, strict=True))
        )
        self.heads = nn.Linear(3 * WIDTHS[-1], sum(len(SLOTS[slot]) for slot in JUDGED_SLOTS))

    def forward(self, rgb_BCHW: Tensor) -> Tensor:
        """logits_BV of colours in [0, 1], slot after slot."""
        hidden = nn.functional.pixel_unshuffle(2 * rgb_BCHW - 1, 2)
        for idx, stage in enumerate(self.stages):
            hidden = stage(hidden if idx == 0 else nn.functional.avg_pool2d(hidden, 2))
        spread = hidden.var((2, 3)).add(1e-4).sqrt()
        return self.heads(torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3)), spread], 1))


def by_slot(values_BV: Tensor) -> dict[str, Tensor]:
    """The judged slots' parts of the last dimension."""
    parts = values_BV.split([len(SLOTS[slot]) for slot in JUDGED_SLOTS], -1)
    return dict(zip(JUDGED_SLOTS, parts, strict=True))


class Judge:
    """Reads frames of the training world, or of what claims to be like it."""

    def __init__(self, network: JudgeNetwork) -> None:
        self._network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        network = JudgeNetwork()
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return cls(network)

    @torch.inference_mode()
    def read(self, frames_FHWC: FramesFHWC) -> dict[str, NDArray[np.float32]]:
        """Per judged slot the probabilities of its values, in the order of SLOTS, over all frames
        together: 128x80 8-bit RGB, one or more of one moment."""
        rgb = torch.from_numpy(np.ascontiguousarray(frames_FHWC)).permute(0, 3, 1, 2).float() / 255
        logits = self._network(rgb).mean(0)
        return {slot: part.softmax(-1).numpy() for slot, part in by_slot(logits).items()}

    def choose(self, frames_FHWC: FramesFHWC) -> dict[str, str]:
        """The likeliest value of each judged slot."""
        return {slot: SLOTS[slot][int(shares.argmax())] for slot, shares in self.read(frames_FHWC).items()}
