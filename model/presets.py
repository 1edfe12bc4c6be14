"""Presets: the sizes of each model, and where its weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.codec import CodecConfig
from model.control import NUM_CONTROL_FEATURES
from model.look_network import LookConfig
from model.transformer import TransformerConfig

WEIGHTS_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    name: str
    codec: CodecConfig
    transformer: TransformerConfig
    look: LookConfig

    @property
    def folder(self) -> Path:
        return WEIGHTS_FOLDER / self.name


def _pearl_xs() -> Preset:
    return Preset(
        name="pearl-xs",
        codec=CodecConfig(latent_dims=64, refiner_channels=32, refiner_layers=3),
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
            window_chunks=7,
        ),
        look=LookConfig(channels=48, layers=4),
    )


PRESETS = {"pearl-xs": _pearl_xs}
