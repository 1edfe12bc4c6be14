"""The audio codec: sound to a few numbers per chunk, and back as an endless stream.

The decoder drives sinusoids and noise bands whose phases and randomness are functions of
the chunk index and the seed; between chunks it keeps only the amplitudes it ended on and
half a noise frame. Latents that come chunk by chunk give the same sound as all at once.

Letters: B clips, T chunks, S samples, C latent channels, N notes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.audio.features import analyse
from model.audio.network import (
    THUMP_NOTES,
    AudioAnalyser,
    AudioCodecConfig,
    AudioGenerator,
    Drives,
    control_points,
    thump_points,
)
from model.audio.noise import HOP, chunk_noise, overlap_add, shape_frames
from model.audio.oscillators import NUM_NOTES, SAMPLES_PER_CHUNK, render_tones
from model.audio.voices import VoiceNetwork, with_voices
from model.interface import DecoderCache, SamplesSC, Tensors

_CONFIG_KEY = "config"


class AudioCodec(nn.Module):
    """Both halves, as they are trained and stored."""

    def __init__(self, config: AudioCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.analyser = AudioAnalyser(config)
        self.generator = AudioGenerator(config)

    def save(self, path: Path) -> None:
        config = {"latent_channels": self.config.latent_channels, "hidden": self.config.hidden}
        tensors = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(tensors, path, metadata={_CONFIG_KEY: json.dumps(config)})

    @classmethod
    def load(cls, path: Path) -> AudioCodec:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if _CONFIG_KEY not in metadata:
            raise ValueError(f"{path} holds no audio codec")
        codec = cls(AudioCodecConfig(**json.loads(metadata[_CONFIG_KEY])))
        codec.load_state_dict(load_file(path))
        return codec.eval()


def render_drives(
    drives: Drives, before_XN: Tensor, thump_before_XN: Tensor, white_XWQ: Tensor, chunk_idx_X: Tensor
) -> tuple[Tensor, Tensor]:
    """Tones [X, S] of each chunk, and its windowed noise frames [X, W, 2 hops]."""
    points = control_points(drives, before_XN)
    thumps = thump_points(drives, thump_before_XN)
    low, high = THUMP_NOTES[0], THUMP_NOTES[-1] + 1
    lows = torch.zeros_like(points[..., low:high])
    lows[..., [note - low for note in THUMP_NOTES]] = thumps
    points = torch.cat([points[..., :low], points[..., low:high] + lows, points[..., high:]], dim=-1)
    return render_tones(points, chunk_idx_X), shape_frames(white_XWQ, drives.gains_XWQ)


class AudioEncoder:
    """Sound into latents, for training and for measuring."""

    def __init__(self, codec: AudioCodec) -> None:
        self._analyser = codec.analyser

    @classmethod
    def load(cls, path: Path) -> AudioEncoder:
        return cls(AudioCodec.load(path))

    @torch.inference_mode()
    def encode(self, samples_BS: Tensor) -> Tensor:
        """Latents [B, T, C], float32, about unit variance, of clips of whole chunks. The first
        chunk of a clip is taken to follow silence."""
        if samples_BS.shape[-1] % SAMPLES_PER_CHUNK:
            raise ValueError(f"samples must be whole chunks of {SAMPLES_PER_CHUNK}, not {samples_BS.shape[-1]}")
        features = analyse(samples_BS)
        latents = self._analyser(rearrange(features, "b t f -> (b t) f"))
        return rearrange(latents, "(b t) c -> b t c", b=len(samples_BS)).clone()


class PearlAudioCache:
    """What the decoder carries from chunk to chunk for one session."""

    __slots__ = ("chunk_idx", "notes_N", "seed", "tail_S", "thump_N")

    def __init__(self, *, seed: int, chunk_idx: int, notes_N: Tensor, thump_N: Tensor, tail_S: Tensor) -> None:
        self.seed = seed
        self.chunk_idx = chunk_idx
        self.notes_N = notes_N
        self.thump_N = thump_N
        self.tail_S = tail_S

    def snapshot(self) -> Tensors:
        return {
            "seed": np.array([self.seed & ((1 << 64) - 1)], np.uint64),
            "chunk_idx": np.array([self.chunk_idx], np.int64),
            "notes": self.notes_N.numpy().copy(),
            "thump": self.thump_N.numpy().copy(),
            "tail": self.tail_S.numpy().copy(),
        }


class PearlAudioDecoder:
    """Latents into sound, chunk by chunk. Holds only weights; a session's state is its cache."""

    def __init__(self, codec: AudioCodec, voices: VoiceNetwork | None = None) -> None:
        """Without `voices` it decodes worlds in which no actor is heard."""
        self._generator, self._voices = codec.generator, voices
        self._latent_channels = codec.config.latent_channels

    @classmethod
    def load(cls, path: Path, voices_path: Path | None = None) -> PearlAudioDecoder:
        voices = None if voices_path is None else VoiceNetwork.load(voices_path)
        return cls(AudioCodec.load(path), voices)

    def open(self, seed: int) -> PearlAudioCache:
        return PearlAudioCache(
            seed=seed,
            chunk_idx=0,
            notes_N=torch.zeros(NUM_NOTES),
            thump_N=torch.zeros(len(THUMP_NOTES)),
            tail_S=torch.zeros(HOP),
        )

    def restore(self, snapshot: Tensors) -> PearlAudioCache:
        return PearlAudioCache(
            seed=int(snapshot["seed"][0]),
            chunk_idx=int(snapshot["chunk_idx"][0]),
            notes_N=_copied(snapshot["notes"], NUM_NOTES),
            thump_N=_copied(snapshot["thump"], len(THUMP_NOTES)),
            tail_S=_copied(snapshot["tail"], HOP),
        )

    @torch.inference_mode()
    def decode(self, cache: DecoderCache, audio: Tensors) -> SamplesSC:
        """The next 1,280 samples [S, 1] from `audio["latents"]`, float32 [C], and where actors are heard
        `audio["voices"]`, float32 [voices, features]. Advances the cache."""
        assert isinstance(cache, PearlAudioCache)
        drives = self._drives(audio)
        white = chunk_noise(cache.seed, cache.chunk_idx)[None]
        tones, frames = render_drives(
            drives, cache.notes_N[None], cache.thump_N[None], white, torch.tensor([cache.chunk_idx])
        )
        noise_S, cache.tail_S = overlap_add(frames[0], cache.tail_S)
        cache.notes_N, cache.thump_N = drives.knots_XKN[0, -1], drives.thump_XWN[0, -1]
        cache.chunk_idx += 1
        return (tones[0] + noise_S).clamp(-1.0, 1.0).numpy()[:, None]

    def _drives(self, audio: Tensors) -> Drives:
        drives = self._generator(_copied(audio["latents"], self._latent_channels)[None])
        if "voices" not in audio:
            return drives
        if self._voices is None:
            raise ValueError("voices came for a decoder that was loaded without any")
        return with_voices(drives, self._voices, torch.from_numpy(audio["voices"].astype(np.float32)))


def _copied(array: NDArray[np.generic], size: int) -> Tensor:
    if array.shape != (size,):
        raise ValueError(f"expected {size} numbers, not an array of shape {array.shape}")
    return torch.from_numpy(array.astype(np.float32))
