"""Open causal video models by name: the sizes of their networks and how they stream.

Each is as its authors publish it; those called tiny have the same layout and hardly any size. Sources: the
configuration files of the projects named in `model.adapters.wan.config`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.adapters.wan.config import FRAMES_PER_LATENT, PATCH_SIDE, ActionConfig, KeysConfig, WanConfig
from model.adapters.wan.network import WanNetwork
from model.adapters.wan.sampler import FewSteps

RANDOM_STD = 0.02  # of random weights, which are only measured and compared


@dataclass(frozen=True, slots=True, kw_only=True)
class WanPreset:
    """A network, and how it streams. A window counts the chunk's own latent frames too, as `local_attn_size` does."""

    name: str
    network: WanConfig
    height_px: int
    width_px: int
    latent_px: int  # side of the square of pixels that one latent stands for
    latents_per_chunk: int
    window_latents: int
    sink_latents: int
    sampling: FewSteps
    frame_rate: float
    codec: str  # "wan2.1" or "wan2.2": which autoencoder the latents are of
    licence: str

    def __post_init__(self) -> None:
        for size in (self.height_px, self.width_px):
            if size % (self.latent_px * PATCH_SIDE):
                raise ValueError(f"{size} pixels are no whole number of tokens of {self.latent_px * PATCH_SIDE}")
        if self.past_latents < self.sink_latents:
            raise ValueError(f"{self.sink_latents} sinks do not fit into a window of {self.window_latents}")

    @property
    def latent_rows(self) -> int:
        return self.height_px // self.latent_px

    @property
    def latent_columns(self) -> int:
        return self.width_px // self.latent_px

    @property
    def tokens_per_latent(self) -> int:
        return self.latent_rows * self.latent_columns // PATCH_SIDE**2

    @property
    def past_latents(self) -> int:
        """Earlier latent frames that a chunk sees, sinks among them."""
        return max(0, self.window_latents - self.latents_per_chunk)

    @property
    def frames_per_chunk(self) -> int:
        return self.latents_per_chunk * FRAMES_PER_LATENT

    @property
    def chunk_shape(self) -> tuple[int, int, int, int]:
        """[F, C, H, W] of a chunk's latents."""
        return self.latents_per_chunk, self.network.out_channels, self.latent_rows, self.latent_columns


def _wan_1_3b() -> WanPreset:
    network = WanConfig(
        dim=1536, ffn_dim=8960, heads=12, layers=30, in_channels=16, out_channels=16, freq_dim=256, text_dim=4096,
        text_tokens=512, image_dim=0, eps=1e-6, actions=None, keys=None,
    )  # fmt: skip
    return WanPreset(
        name="wan-1.3b", network=network, height_px=480, width_px=832, latent_px=8, latents_per_chunk=3,
        window_latents=21, sink_latents=0, sampling=FewSteps(steps=(1000, 750, 500, 250), shift=5.0), frame_rate=16.0,
        codec="wan2.1", licence="Apache-2.0",
    )  # fmt: skip


def _wan_1_3b_window_12() -> WanPreset:
    return replace(_wan_1_3b(), name="wan-1.3b-window-12", window_latents=12)


def _matrix_game_2() -> WanPreset:
    actions = ActionConfig(
        blocks=15, keyboard_keys=4, mouse_axes=2, keyboard_dim=128, hidden_dim=1024, heads=16, temporal_dims=8,
        rotary_base=256.0,
    )  # fmt: skip
    network = replace(_wan_1_3b().network, in_channels=36, text_dim=0, text_tokens=0, image_dim=1280, actions=actions)
    return replace(
        _wan_1_3b(), name="matrix-game-2", network=network, height_px=352, width_px=640, window_latents=6,
        sampling=FewSteps(steps=(1000, 666, 333), shift=5.0), frame_rate=25.0, licence="MIT",
    )  # fmt: skip


def _matrix_game_2_gta_drive() -> WanPreset:
    """Drives: two keys, and the mouse for the wheel."""
    network = _matrix_game_2().network
    assert network.actions is not None
    network = replace(network, actions=replace(network.actions, keyboard_keys=2))
    return replace(_matrix_game_2(), name="matrix-game-2-gta-drive", network=network, window_latents=4)


def _matrix_game_2_templerun() -> WanPreset:
    """Runs by itself: seven moves, no mouse."""
    network = _matrix_game_2().network
    assert network.actions is not None
    network = replace(network, actions=replace(network.actions, keyboard_keys=7, mouse_axes=0))
    sampling = FewSteps(steps=(1000, 750, 500, 250), shift=5.0)
    return replace(_matrix_game_2(), name="matrix-game-2-templerun", network=network, sampling=sampling)


def _abot_5b() -> WanPreset:
    network = WanConfig(
        dim=3072, ffn_dim=14336, heads=24, layers=30, in_channels=48, out_channels=48, freq_dim=256, text_dim=4096,
        text_tokens=512, image_dim=0, eps=1e-6, actions=None, keys=KeysConfig(repeats=4, downscale=16),
    )  # fmt: skip
    return replace(
        _wan_1_3b(), name="abot-5b", network=network, latent_px=16, frame_rate=12.0, codec="wan2.2",
    )  # fmt: skip


def _abot_5b_720p() -> WanPreset:
    return replace(_abot_5b(), name="abot-5b-720p", height_px=704, width_px=1280)


def _wan_tiny() -> WanPreset:
    network = replace(
        _wan_1_3b().network, dim=48, ffn_dim=64, heads=2, layers=2, freq_dim=32, text_dim=32, text_tokens=16
    )
    return replace(_wan_1_3b(), name="wan-tiny", network=network, height_px=64, width_px=96, window_latents=12)


def _matrix_game_tiny() -> WanPreset:
    actions = ActionConfig(
        blocks=1, keyboard_keys=4, mouse_axes=2, keyboard_dim=8, hidden_dim=32, heads=2, temporal_dims=4,
        rotary_base=256.0,
    )  # fmt: skip
    network = replace(
        _matrix_game_2().network, dim=48, ffn_dim=64, heads=2, layers=2, freq_dim=32, image_dim=24, actions=actions
    )
    return replace(_matrix_game_2(), name="matrix-game-tiny", network=network, height_px=64, width_px=96)


def _abot_tiny() -> WanPreset:
    network = replace(
        _abot_5b().network, dim=48, ffn_dim=64, heads=2, layers=2, freq_dim=32, text_dim=32, text_tokens=16,
        keys=KeysConfig(repeats=4, downscale=16),
    )  # fmt: skip
    return replace(_abot_5b(), name="abot-tiny", network=network, height_px=64, width_px=96, window_latents=9)


PRESETS: dict[str, Callable[[], WanPreset]] = {
    "wan-1.3b": _wan_1_3b,
    "wan-1.3b-window-12": _wan_1_3b_window_12,
    "matrix-game-2": _matrix_game_2,
    "matrix-game-2-gta-drive": _matrix_game_2_gta_drive,
    "matrix-game-2-templerun": _matrix_game_2_templerun,
    "abot-5b": _abot_5b,
    "abot-5b-720p": _abot_5b_720p,
    "wan-tiny": _wan_tiny,
    "matrix-game-tiny": _matrix_game_tiny,
    "abot-tiny": _abot_tiny,
}


def preset(name: str) -> WanPreset:
    """Raises ValueError for a name there is no preset of."""
    if name not in PRESETS:
        raise ValueError(f"there is no open model {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()


def empty_network(config: WanConfig) -> WanNetwork:
    """On the meta device: shapes without memory."""
    with torch.device("meta"):
        return WanNetwork(config).requires_grad_(False).eval()


def random_network(config: WanConfig, device: torch.device | str, dtype: torch.dtype, seed: int = 0) -> WanNetwork:
    """With random weights, the same for the same seed and kind of device, of sizes that let signals through."""
    network = empty_network(config).to(dtype).to_empty(device=device)
    generator = torch.Generator(device).manual_seed(seed)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            _fill(name, parameter, generator)
    return network


def _fill(name: str, parameter: Tensor, generator: torch.Generator) -> None:
    parameter.normal_(0.0, RANDOM_STD, generator=generator)
    if name == "weight" and parameter.ndim == 1:  # of a norm
        parameter.add_(1.0)
    elif name == "weight":  # keeps the size of what goes through it
        fan_in = parameter[0].numel()
        parameter.mul_(fan_in**-0.5 / RANDOM_STD)
