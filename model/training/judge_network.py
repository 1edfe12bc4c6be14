"""Reads style, lighting and weather off frames: the judge of whether a directive shows.

Trained on the true world alone (model.training.judge), it knows nothing of what it judges. No part
of the service uses it. It looks at two frames that follow each other: what falls moves, what a style
draws stays.

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


class PairReader(nn.Module):
    """Reads two frames together: convolutions that halve the picture, then what is there on average, at
    most and how unevenly."""

    def __init__(self, num_values: int) -> None:
        super().__init__()
        widths_in = (24, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width_in, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU()
            )
            if idx
            else nn.Sequential(nn.Conv2d(width_in, width, 3, padding=1), nn.SiLU())
            for idx, (width_in, width) in enumerate(zip(widths_in, WIDTHS, strict=True))
        )
        self.heads = nn.Linear(3 * WIDTHS[-1], num_values)

    def forward(self, first_BCHW: Tensor, second_BCHW: Tensor) -> Tensor:
        """logits_BV of colours in [0, 1]. The second frame is told by how it differs from the first."""
        planes = torch.cat([2 * first_BCHW - 1, 2 * (second_BCHW - first_BCHW)], 1)
        hidden = nn.functional.pixel_unshuffle(planes, 2)
        for idx, stage in enumerate(self.stages):
            hidden = stage(hidden if idx == 0 else nn.functional.avg_pool2d(hidden, 2))
        spread = hidden.var((2, 3)).add(1e-4).sqrt()
        return self.heads(torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3)), spread], 1))


def judge_network() -> PairReader:
    """One logit per value, slot after slot."""
    return PairReader(sum(len(SLOTS[slot]) for slot in JUDGED_SLOTS))


def by_slot(values_BV: Tensor) -> dict[str, Tensor]:
    """The judged slots' parts of the last dimension."""
    parts = values_BV.split([len(SLOTS[slot]) for slot in JUDGED_SLOTS], -1)
    return dict(zip(JUDGED_SLOTS, parts, strict=True))


def rgb_of(frames_FHWC: FramesFHWC) -> Tensor:
    """rgb_FCHW in [0, 1] of 8-bit frames."""
    return torch.from_numpy(np.ascontiguousarray(frames_FHWC)).permute(0, 3, 1, 2).float() / 255


class Judge:
    """Reads frames of the training world, or of what claims to be like it."""

    def __init__(self, network: PairReader) -> None:
        self._network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        network = judge_network()
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return cls(network)

    @torch.inference_mode()
    def read(self, frames_FHWC: FramesFHWC) -> dict[str, NDArray[np.float32]]:
        """Per judged slot the probabilities of its values, in the order of SLOTS, over all pairs of
        neighbours together: 128x80 8-bit RGB, two frames or more of one moment."""
        if len(frames_FHWC) < 2:
            raise ValueError(f"a judge needs two frames that follow each other, not {len(frames_FHWC)}")
        rgb = rgb_of(frames_FHWC)
        logits = self._network(rgb[:-1], rgb[1:]).mean(0)
        return {slot: part.softmax(-1).numpy() for slot, part in by_slot(logits).items()}
