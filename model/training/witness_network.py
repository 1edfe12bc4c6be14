"""Says who has come into view between two pictures from the same place: the witness of events.

Trained on true figures in the true world alone (model.training.witness), it knows nothing of what it
watches. No part of the service uses it. It looks where the pictures differ the most, and sees that part
of both enlarged to one size, with how large it is and how high in the picture.

Letters: B batch, C channels, F frames, H rows, W columns, N kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from model.actors.looks import KINDS
from model.interface import FramesFHWC
from model.presets import WEIGHTS_FOLDER
from model.training.judge_network import rgb_of

WEIGHTS = WEIGHTS_FOLDER / "judge" / "witness.safetensors"
SURE = 0.5
NOTICED = 0.05  # softened pictures that differ by less are the same
BLUR_PX, FIRST_LOOK_PX, ROUNDS = 5, 21, 4
REACH = 2.2  # of the spread of what differs: half of the part that is looked at
SMALLEST_PX, FIRST_PX, LARGEST_PX = 7.0, 32.0, 64.0  # half the sides of that part
CROP_PX = 48
WIDTHS, GROUPS = (48, 96, 128), 8  # channels per resolution, from a half of the enlarged part down


class Focus(NamedTuple):
    """Where two pictures differ, enlarged."""

    before_BCHW: Tensor
    after_BCHW: Tensor
    facts_BX: Tensor  # half its size and the row of its middle, as shares of LARGEST_PX


def change(before_BCHW: Tensor, after_BCHW: Tensor) -> Tensor:
    """How much the softened pictures differ beyond what is to be noticed, [B, H, W]."""
    blurred = F.avg_pool2d(after_BCHW - before_BCHW, BLUR_PX, 1, BLUR_PX // 2)
    return (blurred.abs().amax(1) - NOTICED).clamp_min(0)


class _Window(NamedTuple):
    """A square part of pictures, in pixels: [B] each."""

    x: Tensor
    y: Tensor
    half: Tensor

    def fitted(self, weight_BHW: Tensor) -> _Window:
        """Around the middle of what differs inside it, and as large as that is spread."""
        rows, columns = torch.arange(weight_BHW.shape[1]).float()[:, None], torch.arange(weight_BHW.shape[2]).float()
        is_near = (rows - _wide(self.y)).abs().maximum((columns - _wide(self.x)).abs()) <= _wide(self.half)
        share = weight_BHW * is_near
        share = share / share.sum((1, 2), keepdim=True)
        y, x = (share * rows).sum((1, 2)), (share * columns).sum((1, 2))
        variance_y = (share * (rows - _wide(y)).square()).sum((1, 2))
        variance_x = (share * (columns - _wide(x)).square()).sum((1, 2))
        half = REACH * torch.maximum(variance_y, variance_x).sqrt() + 2
        return _Window(x, y, half.clamp(SMALLEST_PX, LARGEST_PX))

    def enlarged(self, picture_BCHW: Tensor) -> Tensor:
        height, width = picture_BCHW.shape[2:]
        step = (torch.arange(CROP_PX) + 0.5) / CROP_PX * 2 - 1
        across = (self.x[:, None] + self.half[:, None] * step + 0.5) * 2 / width - 1
        down = (self.y[:, None] + self.half[:, None] * step + 0.5) * 2 / height - 1
        whole = (-1, CROP_PX, CROP_PX)
        grid = torch.stack([across[:, None].expand(whole), down[:, :, None].expand(whole)], -1)
        return F.grid_sample(picture_BCHW, grid, "bilinear", "border", align_corners=False)


def _wide(value_B: Tensor) -> Tensor:
    return value_B[:, None, None]


def focus(before_BCHW: Tensor, after_BCHW: Tensor) -> Focus:
    """The part that differs the most: from its strongest point, a window that shifts to what differs and fits it."""
    weight = change(before_BCHW, after_BCHW) + 1e-9
    strongest = F.avg_pool2d(weight[:, None], FIRST_LOOK_PX, 1, FIRST_LOOK_PX // 2).flatten(1).argmax(1)
    width = weight.shape[2]
    window = _Window((strongest % width).float(), (strongest // width).float(), torch.full(strongest.shape, FIRST_PX))
    for _ in range(ROUNDS):
        window = window.fitted(weight)
    facts = torch.stack([window.half, window.y], 1) / LARGEST_PX
    return Focus(window.enlarged(before_BCHW), window.enlarged(after_BCHW), facts)


class WitnessNetwork(nn.Module):
    """Convolutions over the enlarged part, normalised in groups (Wu and He, arXiv 1803.08494), which learn from
    few pictures; one answer: a kind, or nobody."""

    def __init__(self) -> None:
        super().__init__()
        widths_in = (4 * 8, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(*_conv(width_in, width), *_conv(width, width))
            for width_in, width in zip(widths_in, WIDTHS, strict=True)
        )
        self.heads = nn.Linear(2 * WIDTHS[-1], len(KINDS) + 1)

    def forward(self, seen: Focus) -> Tensor:
        """logits_BN of every kind, and last of nobody."""
        facts = seen.facts_BX[..., None, None].expand(-1, -1, CROP_PX, CROP_PX)
        planes = torch.cat([2 * seen.after_BCHW - 1, 2 * (seen.after_BCHW - seen.before_BCHW), facts], 1)
        hidden = F.pixel_unshuffle(planes, 2)
        for idx, stage in enumerate(self.stages):
            hidden = stage(hidden if idx == 0 else F.max_pool2d(hidden, 2))
        return self.heads(torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3))], 1))


def _conv(width_in: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(width_in, width, 3, padding=1), nn.GroupNorm(GROUPS, width), nn.SiLU()


class Witness:
    def __init__(self, network: WitnessNetwork) -> None:
        self._network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        network = WitnessNetwork()
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return cls(network)

    @torch.inference_mode()
    def newcomers(self, before_FHWC: FramesFHWC, after_FHWC: FramesFHWC) -> dict[str, float]:
        """Per kind how likely one is in the later pictures that was not in the earlier one: the last of
        `before_FHWC` against each of `after_FHWC`, 128x80 8-bit RGB from a camera that stood still."""
        after = rgb_of(after_FHWC)
        before = rgb_of(before_FHWC[-1:]).expand_as(after)
        shares = self._network(focus(before, after)).mean(0).softmax(0)
        return dict(zip(KINDS, shares[:-1].tolist(), strict=True))

    def reports(self, before_FHWC: FramesFHWC, after_FHWC: FramesFHWC) -> set[str]:
        """The kinds it is sure of."""
        return {kind for kind, share in self.newcomers(before_FHWC, after_FHWC).items() if share > SURE}
