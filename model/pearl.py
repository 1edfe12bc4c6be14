"""The Pearl family as a `model.interface.Model`: sizes, and stages loaded on demand."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model import camera
from model.actors.networks import load_networks
from model.audio.codec import PearlAudioDecoder
from model.codec import MapCodec
from model.control import MAX_SPEED_M_PER_S, PITCH_PX_PER_CHUNK, YAW_PX_PER_CHUNK
from model.encoder import PearlEncoder
from model.image_network import ImageNetwork
from model.interface import Encoder, ModelInfo, Profile, Tuning
from model.look_network import LookNetwork
from model.presets import Preset
from model.recaching import RecachingEncoder
from model.rig import PERSPECTIVES
from model.stepper import PearlTransformer
from model.text.encoder import PearlTextEncoder
from model.transformer import WorldTransformer
from model.video_decoder import PearlVideoDecoder

FRAME_RATE = 12.5
FRAMES_PER_CHUNK = 1
SAMPLE_RATE_HZ = 16_000
SAMPLES_PER_CHUNK = 1_280
# To be raised whenever the same weights come to play otherwise: snapshots and journals say what they were made with.
REVISION = 3


class PearlModel:
    """A preset and its weights. Loads each stage anew at each call."""

    def __init__(self, preset: Preset, profile: Profile = Profile.EXACT, tuning: Tuning | None = None) -> None:
        self._preset, self._profile, self._tuning = preset, profile, tuning or Tuning()

    def fast(self) -> PearlModel:
        return PearlModel(self._preset, Profile.FAST, self._tuning)

    def tuned(self, tuning: Tuning) -> PearlModel:
        """Implements model.interface.TunableModel."""
        if tuning.is_for_gpus:
            raise ValueError(f"{self._preset.name} runs on a processor, uncompiled, in 16 bits and in one process")
        return PearlModel(self._preset, self._profile, tuning)

    @cached_property
    def info(self) -> ModelInfo:
        degrees_per_px = 360.0 / camera.TURN_PX
        chunks_per_s = FRAME_RATE / FRAMES_PER_CHUNK
        return ModelInfo(
            name=self._preset.name,
            weights_sha256=_digest(self._preset.folder),
            width_px=camera.VIEW_W,
            height_px=camera.VIEW_H,
            frame_rate=FRAME_RATE,
            frames_per_chunk=FRAMES_PER_CHUNK,
            sample_rate_hz=SAMPLE_RATE_HZ,
            audio_channels=1,
            samples_per_chunk=SAMPLES_PER_CHUNK,
            controls=("move", "look", "directive", "image", "perspective", "camera"),
            perspectives=PERSPECTIVES,
            max_yaw_deg_per_s=YAW_PX_PER_CHUNK * chunks_per_s * degrees_per_px,
            max_pitch_deg_per_s=PITCH_PX_PER_CHUNK * chunks_per_s * degrees_per_px,
            max_speed_m_per_s=MAX_SPEED_M_PER_S,
            licence="Apache-2.0",
            has_depth=True,
            profile=self._profile,
        )

    def load_encoder(self) -> Encoder:
        text = PearlTextEncoder.load(self._file("text_encoder"))
        image = ImageNetwork(self._preset.image)
        image.load_state_dict(self._weights("image_encoder"))
        encoder = PearlEncoder(text, _frozen(image))
        return RecachingEncoder(encoder) if self._tuning.recaches else encoder

    def load_transformer(self, num_threads: int = 1) -> PearlTransformer:
        torch.set_num_threads(num_threads)
        network, codec = WorldTransformer(self._preset.transformer), MapCodec(self._preset.codec)
        network.load_state_dict(self._weights("transformer"))
        codec.load_state_dict(self._weights("codec"))
        # half precision is half the time of a pass where the CPU knows it, and correct where it does not
        codec.refiner.bfloat16()
        # weights lie as what comes to them, or every convolution lays them out anew
        codec.refiner.lay_out_grid()
        network = _frozen(network).bfloat16().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        actors = load_networks(self._file("actors"))
        chunk_s = FRAMES_PER_CHUNK / FRAME_RATE
        return PearlTransformer(network, _frozen(codec), actors, chunk_s, self._profile)

    def load_video_decoder(self) -> PearlVideoDecoder:
        network = LookNetwork(self._preset.look)
        network.load_state_dict(self._weights("video_decoder"))
        return PearlVideoDecoder(_frozen(network))

    def load_audio_decoder(self) -> PearlAudioDecoder:
        return PearlAudioDecoder.load(self._file("audio_codec"), self._file("voices"))

    def _file(self, part: str) -> Path:
        return self._preset.folder / f"{part}.safetensors"

    def _weights(self, part: str) -> dict[str, Tensor]:
        """Tensors in single precision, whatever they are kept in."""
        return {name: value.float() for name, value in load_file(self._file(part)).items()}


_Network = TypeVar("_Network", bound=nn.Module)


def _frozen(network: _Network) -> _Network:
    return network.requires_grad_(False).eval()


def _digest(folder: Path) -> str:
    """SHA-256 over the weight files and word lists in the order of their names, and over how they are played."""
    digest = hashlib.sha256(f"revision {REVISION}".encode())
    for path in sorted((*folder.glob("*.safetensors"), *folder.glob("*.json"))):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
