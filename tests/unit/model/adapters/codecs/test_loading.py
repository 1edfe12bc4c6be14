"""A model's folder to its codecs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.loading import CodecConfig, load_latent_encoder, load_video_decoder
from model.adapters.codecs.stream import StreamConfig
from model.adapters.codecs.tiny import TAEW_2_1
from model.adapters.interface import LATENTS
from tests.unit.model.adapters.codecs.test_tiny import saved, weights
from tests.unit.model.adapters.codecs.wan_vaes import small_vae

CONFIG = CodecConfig(dtype=torch.float32, stream=StreamConfig(holds_first_frame=True))
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)


def test_a_picture_goes_through_a_models_folder_and_back(tmp_path: Path) -> None:
    small_vae("wan 2.1", tmp_path / "vae")
    latents = load_latent_encoder(tmp_path, 4, CONFIG).encode(PICTURE, 2)
    assert latents[LATENTS].shape == (2, 4, 2, 3)
    decoder = load_video_decoder(tmp_path, 4, CONFIG)
    assert decoder.decode(decoder.open(0), latents).shape == (8, 16, 24, 3)


def test_the_tiny_decoder_takes_the_place_of_wans_where_it_is_asked_for(tmp_path: Path) -> None:
    saved(weights(TAEW_2_1), tmp_path / "taew2_1.pth")
    decoder = load_video_decoder(tmp_path, 16, CodecConfig(tiny=True, dtype=torch.float32))
    assert decoder.decode(decoder.open(0), {LATENTS: np.zeros((2, 16, 2, 2), np.float32)}).shape == (5, 16, 16, 3)
    with pytest.raises(CheckpointError, match=r"none of Wan2\.1_VAE"):
        load_video_decoder(tmp_path, 16, CodecConfig())


def test_an_autoencoder_of_other_latents_is_refused(tmp_path: Path) -> None:
    small_vae("wan 2.2", tmp_path / "vae")
    for load in (load_video_decoder, load_latent_encoder):
        with pytest.raises(CheckpointError, match="autoencoder of 4 channels; the transformer makes 48"):
            load(tmp_path, 48, CONFIG)
