"""Says who has come into view between two pictures from the same place: the witness of events.

Trained on true figures in the true world alone (model.training.witness), it knows nothing of what it
watches. No part of the service uses it.

Letters: B batch, F frames, H rows, W columns, N kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file

from model.actors.looks import KINDS
from model.interface import FramesFHWC
from model.presets import WEIGHTS_FOLDER
from model.training.judge_network import PairReader, rgb_of

WEIGHTS = WEIGHTS_FOLDER / "judge" / "witness.safetensors"
SURE = 0.5


def witness_network() -> PairReader:
    """One logit per kind of actor: has one come?"""
    return PairReader(len(KINDS))


class Witness:
    def __init__(self, network: PairReader) -> None:
        self._network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        network = witness_network()
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return cls(network)

    @torch.inference_mode()
    def newcomers(self, before_FHWC: FramesFHWC, after_FHWC: FramesFHWC) -> dict[str, float]:
        """Per kind how likely one is in the later pictures that was not in the earlier one: the last of
        `before_FHWC` against each of `after_FHWC`, 128x80 8-bit RGB from a camera that stood still."""
        after = rgb_of(after_FHWC)
        before = rgb_of(before_FHWC[-1:]).expand_as(after)
        shares = torch.sigmoid(self._network(before, after).mean(0))
        return dict(zip(KINDS, shares.tolist(), strict=True))

    def reports(self, before_FHWC: FramesFHWC, after_FHWC: FramesFHWC) -> set[str]:
        """The kinds it is sure of."""
        return {kind for kind, share in self.newcomers(before_FHWC, after_FHWC).items() if share > SURE}
