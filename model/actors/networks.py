"""The two networks of actors, and the file they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load_file, save_file

from model.actors.appearance import AppearanceConfig, AppearanceNetwork
from model.actors.motion import MotionConfig, MotionNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorConfig:
    appearance: AppearanceConfig
    motion: MotionConfig


PEARL_XS = ActorConfig(
    appearance=AppearanceConfig(hidden=192, channels=(64, 64, 48)), motion=MotionConfig(hidden=64)
)  # fmt: skip


class ActorNetworks(NamedTuple):
    appearance: AppearanceNetwork
    motion: MotionNetwork


def save_networks(networks: ActorNetworks, path: Path) -> None:
    """Appearance in half precision; motion, which is small and adds up, in single."""
    tensors = {
        f"appearance.{name}": value.half().contiguous() for name, value in networks.appearance.state_dict().items()
    }
    tensors |= {f"motion.{name}": value.contiguous() for name, value in networks.motion.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def load_networks(path: Path, config: ActorConfig = PEARL_XS) -> ActorNetworks:
    networks = ActorNetworks(AppearanceNetwork(config.appearance), MotionNetwork(config.motion))
    tensors = load_file(path)
    for part, network in zip(("appearance.", "motion."), networks, strict=True):
        network.load_state_dict(
            {name.removeprefix(part): value.float() for name, value in tensors.items() if name.startswith(part)}
        )
        network.requires_grad_(False).eval()
    return networks
