"""The audio codec: a streaming decoder without seams, exact when restored, true to what was heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import model
from model.audio.codec import AudioCodec, AudioEncoder, PearlAudioDecoder
from model.audio.network import AudioCodecConfig
from model.audio.noise import chunk_noise
from model.audio.oscillators import LOOP_CHUNKS, SAMPLES_PER_CHUNK, note_frequencies, render_tones
from model.interface import AudioDecoder, Tensors
from model.training.audio_codec import log_spectrum
from model.training.sound_clips import audio_targets, random_clips
from model.world.sound import render_sound

WEIGHTS = Path(model.__file__).parent / "weights" / "pearl-xs" / "audio_codec.safetensors"


@pytest.fixture(scope="module")
def codec() -> AudioCodec:
    return AudioCodec.load(WEIGHTS)


@pytest.fixture(scope="module")
def clip(codec: AudioCodec) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples [B, S] and latents [B, T, C] of random clips that start at chunk 0."""
    clips = random_clips(24, 16, torch.Generator().manual_seed(99))._replace(
        chunk_idx_B=torch.zeros(24, dtype=torch.long)
    )
    samples = render_sound(*clips)
    return samples, AudioEncoder(codec).encode(samples)


def _decode(decoder: AudioDecoder, seed: int, latents: torch.Tensor) -> NDArray[np.float32]:
    cache = decoder.open(seed)
    return np.concatenate([decoder.decode(cache, {"latents": row.numpy()}) for row in latents])


def test_decoded_sound_is_like_the_truth(codec: AudioCodec, clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    samples, latents = clip
    decoded = np.stack([_decode(PearlAudioDecoder(codec), seed, row)[:, 0] for seed, row in enumerate(latents)])
    rows = [log_spectrum(x[:, SAMPLES_PER_CHUNK:], 512).flatten() for x in (samples, torch.from_numpy(decoded))]
    assert torch.corrcoef(torch.stack(rows))[0, 1] > 0.85


def test_latents_have_about_unit_variance(clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    deviation = clip[1][:, 1:].flatten(0, 1).std(0)
    assert deviation.min() > 0.6
    assert deviation.max() < 1.6


def test_a_restored_cache_goes_on_bit_for_bit(codec: AudioCodec, clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    decoder, latents = PearlAudioDecoder(codec), clip[1][0]
    cache = decoder.open(7)
    for row in latents[:6]:
        decoder.decode(cache, {"latents": row.numpy()})
    snapshot: Tensors = cache.snapshot()
    kept = {name: array.copy() for name, array in snapshot.items()}
    rest = [decoder.decode(cache, {"latents": row.numpy()}) for row in latents[6:]]
    assert all(np.array_equal(kept[name], snapshot[name]) for name in kept)  # a snapshot is a copy
    restored = PearlAudioDecoder(codec).restore(snapshot)
    again = [decoder.decode(restored, {"latents": row.numpy()}) for row in latents[6:]]
    assert np.array_equal(np.concatenate(rest), np.concatenate(again))


def test_noise_depends_on_the_seed_and_the_chunk_alone(
    codec: AudioCodec, clip: tuple[torch.Tensor, torch.Tensor]
) -> None:
    latents = clip[1][0]
    decoder = PearlAudioDecoder(codec)
    assert np.array_equal(_decode(decoder, 3, latents), _decode(decoder, 3, latents))
    assert not np.array_equal(_decode(decoder, 3, latents), _decode(decoder, 4, latents))
    assert torch.equal(chunk_noise(5, 9), chunk_noise(5, 9))
    assert not torch.equal(chunk_noise(5, 9), chunk_noise(5, 10))


def test_chunks_are_of_the_size_and_range_promised(codec: AudioCodec, clip: tuple[torch.Tensor, torch.Tensor]) -> None:
    samples = _decode(PearlAudioDecoder(codec), 1, clip[1][0] * 5)
    assert samples.shape == (16 * SAMPLES_PER_CHUNK, 1)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= 1


def test_borders_are_seamless_even_between_unrelated_latents(codec: AudioCodec) -> None:
    """Tones only: noise would hide a click. Amplitudes start a chunk where they ended the last."""
    decoder, generator = PearlAudioDecoder(codec), torch.Generator().manual_seed(1)
    latents = torch.randn(64, codec.config.latent_channels, generator=generator)
    samples = torch.from_numpy(_decode(decoder, 1, latents)[:, 0])
    jump = samples.diff().abs()
    assert jump[SAMPLES_PER_CHUNK - 1 :: SAMPLES_PER_CHUNK].mean() < 1.5 * jump.mean()


def test_an_oscillator_runs_on_over_chunks_at_its_pitch() -> None:
    amps = torch.zeros(8, 17, 73)
    amps[..., 36] = 0.5
    first = LOOP_CHUNKS - 4  # over the loop's end
    samples = render_tones(amps, torch.arange(first, first + 8)).flatten()
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples))).abs()
    peak_hz = spectrum.argmax().item() * 16_000 / len(samples)
    assert peak_hz == pytest.approx(440, abs=1)
    assert note_frequencies()[36].item() == pytest.approx(440, abs=0.03)
    near = spectrum[int(spectrum.argmax()) - 3 : int(spectrum.argmax()) + 4].square().sum()
    assert near / spectrum.square().sum() > 0.999  # a click anywhere would spread


def test_targets_are_the_latents_of_the_world_from_its_first_chunk(codec: AudioCodec) -> None:
    encoder = AudioEncoder(codec)
    clips = random_clips(4, 6, torch.Generator().manual_seed(5))
    targets = audio_targets(encoder, *clips)
    assert targets.shape == (4, 6, codec.config.latent_channels)
    from_silence = encoder.encode(render_sound(*clips))
    assert torch.allclose(targets[:, 2:], from_silence[:, 2:], atol=0.3)
    assert not torch.allclose(targets[:, 0], from_silence[:, 0], atol=0.3)


def test_wrong_sizes_are_refused(codec: AudioCodec, tmp_path: Path) -> None:
    decoder = PearlAudioDecoder(codec)
    with pytest.raises(ValueError, match="expected 32 numbers"):
        decoder.decode(decoder.open(1), {"latents": np.zeros(31, np.float32)})
    with pytest.raises(ValueError, match="whole chunks"):
        AudioEncoder(codec).encode(torch.zeros(1, 1000))
    with pytest.raises(ValueError, match="latent_channels"):
        AudioCodecConfig(latent_channels=0, hidden=1)


def test_weights_survive_a_round_trip(codec: AudioCodec, tmp_path: Path) -> None:
    codec.save(tmp_path / "codec.safetensors")
    again = AudioCodec.load(tmp_path / "codec.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(codec.state_dict().values(), again.state_dict().values(), strict=True))
