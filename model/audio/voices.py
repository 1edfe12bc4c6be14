"""The network of voices: what an actor does in a chunk to what drives the synthesiser, beside the latents' own.

It learned from the training world's voices (`model.world.voices`). Tones add, powers of noise add, and all
of it goes through the decoder's one synthesiser, so a session's sound keeps no more state than without.

Letters: X voices of one chunk, F features, N notes, W noise frames, Q bins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.actors.voices import GAIN, NUM_VOICE_FEATURES
from model.audio.network import NUM_DRIVES, Drives, RawDrives, drives_of, raw_drives, start_quiet

_CONFIG_KEY = "voices"
SILENCE = 2e-3  # what the network says for silence, or a little more: it is taken off all there is


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceConfig:
    hidden: int


class VoiceNetwork(nn.Module):
    """Features of voices to drives, each as loud as at 3 m."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(NUM_VOICE_FEATURES, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, NUM_DRIVES),
        )
        start_quiet(self.layers)

    def forward(self, features_XF: Tensor) -> RawDrives:
        return raw_drives(self.layers(features_XF))

    def save(self, path: Path) -> None:
        halves = {name: tensor.half().contiguous() for name, tensor in self.state_dict().items()}
        save_file(halves, path, metadata={_CONFIG_KEY: json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, path: Path) -> VoiceNetwork:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if _CONFIG_KEY not in metadata:
            raise ValueError(f"{path} holds no voices")
        network = cls(VoiceConfig(**json.loads(metadata[_CONFIG_KEY])))
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        return network.requires_grad_(False).eval()


def with_voices(drives: Drives, network: VoiceNetwork, voices_XF: Tensor) -> Drives:
    """The drives of one chunk with all its voices in them, each as loud as it arrives. `voices_XF`: as from
    `model.actors.voices.voices_of`, at least one."""
    said, gain_X = drives_of(network(voices_XF[:, :NUM_VOICE_FEATURES])), voices_XF[:, GAIN]
    knots = torch.einsum("xkn,x->kn", (said.knots_XKN - SILENCE).clamp_min(0), gain_X)
    thump = torch.einsum("xwn,x->wn", (said.thump_XWN - SILENCE).clamp_min(0), gain_X)
    power = torch.einsum("xwq,x->wq", (said.gains_XWQ - SILENCE).clamp_min(0).square(), gain_X.square())
    return Drives(drives.knots_XKN + knots, drives.thump_XWN + thump, (drives.gains_XWQ.square() + power).sqrt())
