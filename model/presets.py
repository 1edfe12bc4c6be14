"""Presets: the sizes of each model, and where its weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.codec import CodecConfig
from model.control import NUM_CONTROL_FEATURES
from model.image_network import ImageNetworkConfig
from model.look_network import LookConfig
from model.transformer import TransformerConfig

if TYPE_CHECKING:
    from model.pearl import PearlModel

WEIGHTS_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    name: str
    codec: CodecConfig
    transformer: TransformerConfig
    look: LookConfig
    image: ImageNetworkConfig

    @property
    def folder(self) -> Path:
        return WEIGHTS_FOLDER / self.name


def _pearl_xs() -> Preset:
    return Preset(
        name="pearl-xs",
        codec=CodecConfig(latent_dims=64, grid_channels=256, channels=32),
        transformer=TransformerConfig(
            latent_dims=64,
            audio_dims=32,
            control_features=NUM_CONTROL_FEATURES,
            dim=192,
            layers=6,
            heads=6,
            mlp_ratio=4,
            registers=4,
            sink_chunks=1,
            window_chunks=4,
        ),
        look=LookConfig(channels=48, layers=4),
        image=ImageNetworkConfig(channels=(32, 48, 96, 128)),
    )


PRESETS = {"pearl-xs": _pearl_xs}


def load(name: str) -> PearlModel:
    """The model of a preset. Raises ValueError for a name there is no preset of."""
    from model.pearl import PearlModel  # a preset is plain data; its networks load only here

    if name not in PRESETS:
        raise ValueError(f"model must be one of {sorted(PRESETS)}, not {name!r}")
    return PearlModel(PRESETS[name]())
