"""What decoders cost at full size, counted from shapes: no weights, no memory, no clock.

Letters: H W rows and columns of a latent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from model.adapters.codecs.features import Features
from model.adapters.codecs.stream import CausalNetwork
from model.adapters.codecs.tiny import TAEW_2_1, TAEW_2_2, TinyDecoder
from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE, WAN_2_2_VAE
from model.adapters.codecs.wan_vae_networks import WanVaeDecoder

LATENT_BYTES = 4  # of a number in a snapshot by latents: single precision


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderKind:
    """A decoder as published, and how many pixels one of its latents is wide and high."""

    name: str
    build: Callable[[], CausalNetwork]
    pixels_per_latent: int

    def grid(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Rows and columns. Raises ValueError where a picture does not come out even."""
        size = self.pixels_per_latent
        if width_px % size or height_px % size or min(width_px, height_px) < size:
            raise ValueError(f"{width_px}x{height_px} is no multiple of {size} either way, as {self.name} needs")
        return height_px // size, width_px // size


KINDS = (
    DecoderKind(name="wan2.1-vae", build=lambda: WanVaeDecoder(WAN_2_1_VAE), pixels_per_latent=8),
    DecoderKind(name="wan2.2-vae", build=lambda: WanVaeDecoder(WAN_2_2_VAE), pixels_per_latent=16),
    DecoderKind(name="taew2_1", build=lambda: TinyDecoder(TAEW_2_1), pixels_per_latent=8),
    DecoderKind(name="taew2_2", build=lambda: TinyDecoder(TAEW_2_2), pixels_per_latent=16),
)
# Pictures that models with these latents make: Self-Forcing, Matrix-Game 2.0, ABot-World.
PUBLISHED_SIZES = {
    "wan2.1-vae": ((832, 480), (640, 352)),
    "wan2.2-vae": ((832, 480), (1280, 704)),
    "taew2_1": ((832, 480), (640, 352)),
    "taew2_2": ((832, 480), (1280, 704)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderCost:
    """`session_bytes`: what the layers keep. `snapshot_bytes`: of a snapshot by latents. `operations_per_latent`:
    multiplications and additions, after the first latent."""

    name: str
    width_px: int
    height_px: int
    num_parameters: int
    weight_bytes: int
    session_bytes: int
    snapshot_bytes: int
    latents_remembered: int
    operations_per_latent: int


def decoder_cost(kind: DecoderKind, width_px: int, height_px: int, dtype: torch.dtype) -> DecoderCost:
    grid_HW = kind.grid(width_px, height_px)
    with torch.device("meta"):
        network = kind.build()
    assert isinstance(network, torch.nn.Module)
    network = network.to(dtype)
    assert isinstance(network, WanVaeDecoder | TinyDecoder)
    features = Features()
    latent = torch.empty(1, network.latent_channels, 1, *grid_HW, dtype=dtype, device="meta")
    with torch.inference_mode():
        network.decode(latent, features)
        with FlopCounterMode(display=False) as counter:
            network.decode(latent, features)
    parameters = list(network.parameters())
    return DecoderCost(
        name=kind.name,
        width_px=width_px,
        height_px=height_px,
        num_parameters=sum(parameter.numel() for parameter in parameters),
        weight_bytes=sum(parameter.nbytes for parameter in parameters),
        session_bytes=features.num_bytes,
        snapshot_bytes=network.latents_remembered * network.latent_channels * grid_HW[0] * grid_HW[1] * LATENT_BYTES,
        latents_remembered=network.latents_remembered,
        operations_per_latent=counter.get_total_flops(),
    )


def published_costs(dtype: torch.dtype = torch.bfloat16) -> list[DecoderCost]:
    return [decoder_cost(kind, *size, dtype) for kind in KINDS for size in PUBLISHED_SIZES[kind.name]]
