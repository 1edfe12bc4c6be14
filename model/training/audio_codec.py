"""Trains and measures the audio codec: `python -m model.training.audio_codec [--evaluate]`.

The codec is trained through its own synthesiser: what the decoded sound's spectra and
features lack is what it learns. A small noise on the latents makes it forgive the errors
of whoever predicts them.

Letters: B clips, T chunks, S samples, X chunks, F features, C latent channels.
"""

# ruff: noqa: T201 (a command line prints)

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn

from model.audio.codec import AudioCodec, AudioEncoder, PearlAudioDecoder, render_drives
from model.audio.features import NUM_FEATURES, analyse
from model.audio.network import AudioCodecConfig, Drives
from model.audio.noise import FRAMES, HOP, NUM_BINS, overlap_add
from model.audio.oscillators import SAMPLE_RATE_HZ, SAMPLES_PER_CHUNK
from model.training.sound_clips import audio_targets, random_clips
from model.world.conditions import conditions_of
from model.world.footsteps import advance_per_chunk
from model.world.sound import render_sound

WEIGHTS = Path(__file__).parents[1] / "weights" / "pearl-xs" / "audio_codec.safetensors"
PEARL_XS = AudioCodecConfig(latent_channels=32, hidden=256)

_WINDOWS = (256, 512, 2048)  # samples of the spectra compared: from 16 ms (steps) to 128 ms (chords)
_SPECTRUM_FLOOR = 1e-3
_ATTACK_WEIGHT = 4.0  # makes the roots weigh about as much as the logs
_ONSET_WEIGHT = 3.0
_ONSET_WINDOW, _ONSET_BINS = 2 * HOP, (1, 4, 18, 90, NUM_BINS)  # to 200, 900, 4,500 and 8,000 Hz, every 10 ms
_POOL_CLIPS = 384
_EVALUATION_SEED = 7_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTraining:
    seed: int = 1
    steps: int = 2500
    batch: int = 12
    chunks: int = 10
    learning_rate: float = 2e-3
    latent_noise: float = 0.1


def synthesise(codec: AudioCodec, latents_BTC: Tensor, chunk_idx_B: Tensor, generator: torch.Generator) -> Tensor:
    """Samples [B, S] of whole clips at once; the same as the streaming decoder but for its noise."""
    batch, chunks = latents_BTC.shape[:2]
    drives = codec.generator(rearrange(latents_BTC, "b t c -> (b t) c"))
    before, thump_before = (_shifted(part, batch) for part in (drives.knots_XKN[:, -1], drives.thump_XWN[:, -1]))
    white = torch.view_as_complex(torch.randn(batch * chunks, FRAMES, NUM_BINS, 2, generator=generator)) * 0.5**0.5
    chunk_idx_X = (chunk_idx_B[:, None] + torch.arange(chunks)).flatten()
    tones, frames = render_drives(Drives(*drives), before, thump_before, white, chunk_idx_X)
    noise, _ = overlap_add(rearrange(frames, "(b t) w s -> b (t w) s", b=batch), torch.zeros(batch, HOP))
    return rearrange(tones, "(b t) s -> b (t s)", b=batch) + noise


def _shifted(amps_XN: Tensor, batch: int) -> Tensor:
    amps_BTN = rearrange(amps_XN, "(b t) n -> b t n", b=batch)
    before = torch.cat([amps_BTN[:, :1], amps_BTN[:, :-1]], dim=1)
    return rearrange(before, "b t n -> (b t) n")


def log_spectrum(samples_BS: Tensor, window: int) -> Tensor:
    spectrum = torch.stft(samples_BS, window, window // 2, window=torch.hann_window(window), return_complex=True)
    amplitude = (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt() * (2 / window)
    return (amplitude + _SPECTRUM_FLOOR).log()


def sound_loss(decoded_BS: Tensor, truth_BS: Tensor) -> Tensor:
    """Mean distance of log spectra at several windows and of the features."""
    decoded, truth = (samples[:, SAMPLES_PER_CHUNK:] for samples in (decoded_BS, truth_BS))  # the first follows nothing
    spectra = [(log_spectrum(decoded, w) - log_spectrum(truth, w)).abs().mean() for w in _WINDOWS]
    features = (analyse(decoded) - analyse(truth)).abs().mean()
    attacks = (_root_spectrum(decoded) - _root_spectrum(truth)).abs().mean()
    return torch.stack(spectra).mean() + features + _ATTACK_WEIGHT * attacks


def onset_loss(decoded_BS: Tensor, truth_BS: Tensor) -> Tensor:
    """Mean distance of how fast levels rise, per group of bins from 10 ms to 10 ms: an attack that is spread over
    the chunk, or comes where none is."""
    decoded, truth = (_rises(samples[:, SAMPLES_PER_CHUNK:]) for samples in (decoded_BS, truth_BS))
    return (decoded - truth).abs().mean()


def _rises(samples_BS: Tensor) -> Tensor:
    spectrum = log_spectrum(samples_BS, _ONSET_WINDOW).exp()
    levels = torch.stack([spectrum[:, low:high].mean(1) for low, high in pairwise(_ONSET_BINS)], 1).log()
    return levels.diff(dim=-1).clamp_min(0)


def _root_spectrum(samples_BS: Tensor) -> Tensor:
    """Roots of short spectra: between amplitudes, which hear only the loudest, and logs, which flatten attacks."""
    return (log_spectrum(samples_BS, _WINDOWS[0]) / 2).exp()


def standardise(codec: AudioCodec, features_XF: Tensor) -> None:
    """Starts the analyser from the features' principal components."""
    mean_F, std_F = features_XF.mean(0), features_XF.std(0).clamp(min=0.05)
    codec.analyser.mean_F.copy_(mean_F)
    codec.analyser.scale_F.copy_(1 / std_F)
    _, _, components = torch.linalg.svd((features_XF - mean_F) / std_F, full_matrices=False)
    with torch.no_grad():
        codec.analyser.straight.weight.copy_(components[: codec.config.latent_channels])


class ClipPool:
    """Rendered clips, drawn at random and renewed a batch at a time."""

    def __init__(self, training: AudioTraining) -> None:
        self._training = training
        self._generator = torch.Generator().manual_seed(training.seed)
        self._clips = [self._render() for _ in range(_POOL_CLIPS // training.batch)]

    def _render(self) -> tuple[Tensor, Tensor]:
        clips = random_clips(self._training.batch, self._training.chunks, self._generator)
        return render_sound(*clips), clips.chunk_idx_B

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        slot = step % len(self._clips)
        if step >= len(self._clips):
            self._clips[slot] = self._render()
        return self._clips[slot]

    def features(self) -> Tensor:
        return torch.cat([analyse(samples)[:, 1:].reshape(-1, NUM_FEATURES) for samples, _ in self._clips])


def train(training: AudioTraining, config: AudioCodecConfig = PEARL_XS) -> AudioCodec:
    torch.manual_seed(training.seed)
    codec, pool = AudioCodec(config), ClipPool(training)
    standardise(codec, pool.features())
    _fit(codec, codec, pool, training)
    return codec.eval()


def sharpen(codec: AudioCodec, training: AudioTraining) -> AudioCodec:
    """Train the decoding half alone, with an ear for onsets. What latents mean stays as it is, so whatever
    learned to make them need not learn again."""
    torch.manual_seed(training.seed)
    codec.eval().analyser.requires_grad_(False)
    _fit(codec, codec.generator, ClipPool(training), training)
    return codec.eval()


def _fit(codec: AudioCodec, part: nn.Module, pool: ClipPool, training: AudioTraining) -> None:
    optimiser = torch.optim.AdamW(part.parameters(), lr=training.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.learning_rate, total_steps=training.steps)
    generator = torch.Generator().manual_seed(training.seed + 1)
    started_s = time.monotonic()
    for step in range(training.steps):
        samples, chunk_idx = pool.draw(step)
        loss = _step(codec, samples, chunk_idx, training, generator)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(part.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == training.steps - 1:
            print(f"step {step:5d}  loss {loss.item():.4f}  {time.monotonic() - started_s:.0f} s", flush=True)


def _step(
    codec: AudioCodec, samples_BS: Tensor, chunk_idx_B: Tensor, training: AudioTraining, generator: torch.Generator
) -> Tensor:
    features = analyse(samples_BS)
    latents = codec.analyser(rearrange(features, "b t f -> (b t) f"))
    latents = latents + training.latent_noise * torch.randn(latents.shape, generator=generator)
    latents_BTC = rearrange(latents, "(b t) c -> b t c", b=len(samples_BS))
    decoded_BS = synthesise(codec, latents_BTC, chunk_idx_B, generator)
    return sound_loss(decoded_BS, samples_BS) + _ONSET_WEIGHT * onset_loss(decoded_BS, samples_BS)


@torch.no_grad()
def evaluate(codec: AudioCodec) -> dict[str, float]:
    """Figures on clips that training never saw. The attainable correlation is that of two
    renderings which differ in nothing but their noise."""
    encoder, generator = AudioEncoder(codec), torch.Generator().manual_seed(_EVALUATION_SEED)
    clips = random_clips(96, 24, generator)
    truth = render_sound(*clips)
    other = render_sound(*clips._replace(seeds_B=clips.seeds_B + 1))
    latents = encoder.encode(truth)
    decoded = synthesise(codec, latents, clips.chunk_idx_B, generator)
    kept = latents[:, 1:].flatten(0, 1)
    started_s = time.perf_counter()
    audio_targets(encoder, *clips)
    targets_s = time.perf_counter() - started_s
    return {
        "log_spectrum_correlation": _correlation(truth, decoded),
        "log_spectrum_correlation_attainable": _correlation(truth, other),
        "latent_std_min": kept.std(0).min().item(),
        "latent_std_max": kept.std(0).max().item(),
        **_levels(codec, generator),
        "streaming_ms_per_chunk": _streaming_ms(codec, latents[0]),
        "targets_per_s": clips.speed_BT.numel() / targets_s,
    }


def _correlation(first_BS: Tensor, second_BS: Tensor) -> float:
    rows = [log_spectrum(samples[:, SAMPLES_PER_CHUNK:], 512).flatten() for samples in (first_BS, second_BS)]
    return torch.corrcoef(torch.stack(rows))[0, 1].item()


def _levels(codec: AudioCodec, generator: torch.Generator) -> dict[str, float]:
    """Levels of rain (2 to 7 kHz) and steps (60 to 110 Hz and 1 to 4 kHz, above standing still), in dB:
    how much they add in truth, and how far the decoded sound is from that."""
    figures = {}
    cases = {
        "rain": ({"weather": "rain"}, 0.0, (2000, 7000)),
        "step_thump": ({"mood": "joyful"}, 1.4, (60, 110)),
        "step_burst": ({}, 1.4, (1000, 4000)),
    }
    for name, (choices, speed_m_per_s, band_hz) in cases.items():
        mood = {"mood": choices.get("mood", "calm")}
        truth, decoded = _both(codec, choices, speed_m_per_s, generator)
        without, _ = _both(codec, mood, 0.0, generator)
        figures[f"{name}_adds_db"] = _peak_level_db(truth, band_hz) - _peak_level_db(without, band_hz)
        figures[f"{name}_error_db"] = _peak_level_db(decoded, band_hz) - _peak_level_db(truth, band_hz)
    return figures


def _both(
    codec: AudioCodec, choices: dict[str, str], speed_m_per_s: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A clip of the training world and what the codec makes of it."""
    conditions = torch.from_numpy(conditions_of(**choices)).expand(1, 128, -1)
    speed = torch.full((1, 128), speed_m_per_s)
    stride = torch.arange(128)[None] * advance_per_chunk(speed)
    start = torch.tensor([3])
    truth = render_sound(conditions, speed, stride, start, start)
    decoded = synthesise(codec, AudioEncoder(codec).encode(truth), start, generator)
    return truth[0, SAMPLES_PER_CHUNK:], decoded[0, SAMPLES_PER_CHUNK:]


def _peak_level_db(samples_S: Tensor, band_hz: tuple[int, int]) -> float:
    """Level of the loudest tenth of 20 ms pieces in a band: that of the steps where there are steps."""
    spectrum = torch.fft.rfft(samples_S)
    hz = torch.fft.rfftfreq(len(samples_S), 1 / SAMPLE_RATE_HZ)
    inside = torch.fft.irfft(spectrum * ((hz >= band_hz[0]) & (hz < band_hz[1])), len(samples_S))
    power = inside.unfold(0, 320, 320).square().mean(1)
    return 10 * power.topk(len(power) // 10).values.mean().log10().item()


def _streaming_ms(codec: AudioCodec, latents_TC: Tensor) -> float:
    decoder = PearlAudioDecoder(codec)
    cache = decoder.open(1)
    rows = [latents_TC[i % len(latents_TC)].numpy() for i in range(300)]
    started_s = time.perf_counter()
    for row in rows:
        decoder.decode(cache, {"latents": row})
    return (time.perf_counter() - started_s) / len(rows) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=AudioTraining().steps)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--evaluate", action="store_true", help="measure the stored weights and train nothing")
    parser.add_argument("--sharpen", action="store_true", help="train only how stored latents are decoded")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    training = AudioTraining(seed=arguments.seed, steps=arguments.steps)
    if arguments.evaluate:
        codec = AudioCodec.load(arguments.output)
    else:
        codec = sharpen(AudioCodec.load(arguments.output), training) if arguments.sharpen else train(training)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        codec.save(arguments.output)
    print(json.dumps(evaluate(codec), indent=2))


if __name__ == "__main__":
    main()
