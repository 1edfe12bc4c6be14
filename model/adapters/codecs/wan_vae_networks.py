"""Wan's video autoencoder, Wan 2.1's and Wan 2.2's, as two causal networks that stream.

Written from the published layout (Wan-Video/Wan2.1 wan/modules/vae.py, Wan-Video/Wan2.2 wan/modules/vae2_2.py) and
equal to diffusers' AutoencoderKLWan, which keeps its feature cache on itself; here it comes from outside, one for each
session.

Letters: B sessions, C channels, F frames or latents, H W height and width.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import mul

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from model.adapters.codecs.features import Features
from model.adapters.codecs.reach import Doubling, Halving, Past, steps_remembered, steps_until_steady
from model.adapters.codecs.wan_vae_config import WanVaeConfig
from model.adapters.codecs.wan_vae_layers import (
    CausalConv,
    ChannelNorm,
    DoublingConv,
    Grow,
    HalvingConv,
    MiddleBlocks,
    ResidualBlock,
    Shrink,
    Step,
    averaged,
    name_layers,
    repeated,
)


class LatentScale:
    """Between a transformer's latents, of about unit variance, and the autoencoder's own. Exact in every precision:
    these numbers are no weights, and are never cast with them."""

    def __init__(self, config: WanVaeConfig) -> None:
        self._config = config
        self._by_device: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def widen(self, latents_BCFHW: Tensor) -> Tensor:
        mean_C111, std_C111 = self._on(latents_BCFHW)
        return latents_BCFHW * std_C111 + mean_C111

    def narrow(self, raw_BCFHW: Tensor) -> Tensor:
        mean_C111, std_C111 = self._on(raw_BCFHW)
        return (raw_BCFHW - mean_C111) / std_C111

    def _on(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Single precision at least, kept where it is needed: a copy to a GPU would wait for it."""
        dtype = torch.promote_types(like.dtype, torch.float32)
        key = (like.device, dtype)
        if key not in self._by_device:
            mean, std = (
                torch.tensor(numbers, dtype=dtype, device=like.device).view(-1, 1, 1, 1)
                for numbers in (self._config.mean, self._config.std)
            )
            self._by_device[key] = mean, std
        return self._by_device[key]


class _Level(nn.Module):
    """Residual blocks, and the step to the next level, where there is one."""

    def __init__(self, channels: tuple[int, ...], has_shortcut: bool, step: Step) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(*pair) for pair in pairwise(channels))
        self.step, self.has_shortcut, self.channels_out = step, has_shortcut, channels[-1]

    def blocks_stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        for block in self.blocks:
            assert isinstance(block, ResidualBlock)
            x_BCFHW = block.stream(x_BCFHW, features)
        return x_BCFHW


class EncoderLevel(_Level):
    def __init__(self, channels: tuple[int, ...], has_shortcut: bool, step: Step) -> None:
        super().__init__(channels, has_shortcut, step)
        self.resample = Shrink(channels[-1], step) if step.space == 2 else None

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        hidden = self.blocks_stream(x_BCFHW, features)
        if self.resample is not None:
            hidden = self.resample.stream(hidden, features)
        return hidden + averaged(x_BCFHW, self.channels_out, self.step) if self.has_shortcut else hidden


class DecoderLevel(_Level):
    def __init__(self, channels: tuple[int, ...], has_shortcut: bool, step: Step) -> None:
        super().__init__(channels, has_shortcut, step)
        grown = channels[-1] if has_shortcut else channels[-1] // 2
        self.resample = Grow(channels[-1], grown, step) if step.space == 2 else None

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        hidden = self.blocks_stream(x_BCFHW, features)
        if self.resample is None:
            return hidden
        hidden = self.resample.stream(hidden, features)
        if not self.has_shortcut:
            return hidden
        return hidden + repeated(x_BCFHW, self.channels_out, self.step, features.is_first)


class WanVaeDecoder(nn.Module):
    """Latents to pictures. Its features begin empty."""

    def __init__(self, config: WanVaeConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.decoder_channels * number for number in (config.multipliers[-1], *config.multipliers[::-1])]
        steps = [Step(2 if halves else 1, 2) for halves in config.halves_time[::-1]] + [Step(1, 1)]
        self.post_quant = CausalConv(config.latent_channels, config.latent_channels, 1, 1)
        self.conv_in = CausalConv(config.latent_channels, widths[0], 3, 3)
        self.middle = MiddleBlocks(widths[0])
        self.levels = nn.ModuleList()
        for depth, (width_in, width_out) in enumerate(pairwise(widths)):
            entering = width_in if depth == 0 or config.has_shortcuts else width_in // 2
            channels = (entering, *[width_out] * (config.blocks_per_level + 1))
            self.levels.append(DecoderLevel(channels, config.has_shortcuts, steps[depth]))
        self.norm_out = ChannelNorm(widths[-1], 3)
        self.conv_out = CausalConv(widths[-1], config.image_channels, 3, 3)
        self.scale = LatentScale(config)
        # How many latents decide what a session keeps, whatever came before them; and the same of each level with all
        # that comes after it, given what comes before it.
        self.latents_remembered = steps_remembered(_looks(self), 1)
        self.latents_of_levels = self._latents_of_levels()
        name_layers(self)

    def decode(self, latents_BCFHW: Tensor, features: Features) -> Tensor:
        """pictures_BCFHW, 0 to 1, of the next latents as a transformer makes them (about unit variance): one frame of
        the first latent, `frames_per_latent` of each later one. Advances `features`."""
        raw = self.scale.widen(latents_BCFHW).to(self.conv_in.weight.dtype)
        if not features.is_first:
            return self._decode(raw, features)
        pictures = [self._decode(raw[:, :, :1], features)]
        if raw.shape[2] > 1:
            pictures.append(self._decode(raw[:, :, 1:], features))
        return torch.cat(pictures, 2)

    @property
    def latent_channels(self) -> int:
        return self.config.latent_channels

    @property
    def frames_per_latent(self) -> int:
        return self.config.frames_per_latent

    def on_meta(self) -> WanVaeDecoder:
        with torch.device("meta"):
            return WanVaeDecoder(self.config).to(self.conv_in.weight.dtype)

    def _latents_of_levels(self) -> tuple[int, ...]:
        looks = [_looks(tail) for tail in (*self.levels, self.conv_out)]
        rates = accumulate((2 ** look.count(Doubling()) for look in looks[:-2]), mul, initial=1)
        tails = [[each for look in looks[depth:] for each in look] for depth in range(len(self.levels))]
        return tuple(steps_remembered(tail, rate) for tail, rate in zip(tails, rates, strict=True))

    def replay(self, latents_BCFHW: Tensor, features: Features, num_after: int) -> None:
        """As `decode`, for what is kept alone: `num_after` latents follow, and levels that those alone decide are left
        out. Of the very first latent and others at once it takes no notice: give that one by itself."""
        depth = sum(needed > num_after for needed in self.latents_of_levels)
        hidden = self._through(self.scale.widen(latents_BCFHW).to(self.conv_in.weight.dtype), features, depth)
        if depth == len(self.levels):
            self.conv_out.stream(functional.silu(self.norm_out(hidden)), features)
        features.num_steps += latents_BCFHW.shape[2]

    def _through(self, raw_BCFHW: Tensor, features: Features, depth: int) -> Tensor:
        hidden = self.conv_in.stream(self.post_quant(raw_BCFHW), features)
        hidden = self.middle.stream(hidden, features)
        for level in self.levels[:depth]:
            assert isinstance(level, DecoderLevel)
            hidden = level.stream(hidden, features)
        return hidden

    def _decode(self, raw_BCFHW: Tensor, features: Features) -> Tensor:
        hidden = self._through(raw_BCFHW, features, len(self.levels))
        hidden = self.conv_out.stream(functional.silu(self.norm_out(hidden)), features)
        features.num_steps += raw_BCFHW.shape[2]
        patch_px = self.config.patch_px
        pictures = rearrange(hidden, "b (c q p) f h w -> b c f (h p) (w q)", p=patch_px, q=patch_px)
        exact = pictures.to(torch.promote_types(pictures.dtype, torch.float32))
        return (exact.clamp(-1, 1) + 1) / 2


def _looks(network: nn.Module) -> list[Past | Doubling]:
    """How each layer of a decoder looks back, in the order in which they are gone through."""
    looks: list[Past | Doubling] = []
    for layer in network.modules():
        if isinstance(layer, CausalConv):
            looks.append(Past(layer.num_past))
        if isinstance(layer, DoublingConv):
            looks.append(Doubling())
    return looks


class WanVaeEncoder(nn.Module):
    """Pictures to the mean of their latents. Its features begin empty."""

    def __init__(self, config: WanVaeConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.encoder_channels * number for number in (1, *config.multipliers)]
        steps = [Step(2 if halves else 1, 2) for halves in config.halves_time] + [Step(1, 1)]
        self.conv_in = CausalConv(config.image_channels, widths[0], 3, 3)
        self.levels = nn.ModuleList(
            EncoderLevel((width_in, *[width_out] * config.blocks_per_level), config.has_shortcuts, step)
            for width_in, width_out, step in zip(widths, widths[1:], steps, strict=False)
        )
        self.middle = MiddleBlocks(widths[-1])
        self.norm_out = ChannelNorm(widths[-1], 3)
        self.conv_out = CausalConv(widths[-1], 2 * config.latent_channels, 3, 3)
        self.quant = CausalConv(2 * config.latent_channels, 2 * config.latent_channels, 1, 1)
        self.scale = LatentScale(config)
        name_layers(self)

    def encode(self, pictures_BCFHW: Tensor, features: Features) -> Tensor:
        """latents_BCFHW of about unit variance from pictures of -1 to 1: the first latent of the first frame alone,
        each later one of `frames_per_latent` frames. Advances `features`. Raises ValueError for frames that do not
        come out even."""
        group, num_frames = self.config.frames_per_latent, pictures_BCFHW.shape[2]
        num_first = 1 if features.is_first else 0
        if num_frames < 1 or (num_frames - num_first) % group:
            raise ValueError(f"{num_frames} frames are not {num_first} and a multiple of {group}")
        starts = [*range(num_first, num_frames, group)]
        groups = [pictures_BCFHW[:, :, :1]] * num_first
        groups += [pictures_BCFHW[:, :, start : start + group] for start in starts]
        return torch.cat([self._encode(frames, features) for frames in groups], 2)

    @property
    def latents_until_steady(self) -> int:
        """As many latents of a video that stands still after its first frame still depend on that frame."""
        layers: list[Past | Halving] = []
        for layer in self.modules():
            if isinstance(layer, HalvingConv):
                layers.append(Halving())
            elif isinstance(layer, CausalConv):
                layers.append(Past(layer.num_past))
        return steps_until_steady(layers)

    def _encode(self, pictures_BCFHW: Tensor, features: Features) -> Tensor:
        patch_px = self.config.patch_px
        patches = rearrange(pictures_BCFHW, "b c f (h p) (w q) -> b (c q p) f h w", p=patch_px, q=patch_px)
        hidden = self.conv_in.stream(patches, features)
        for level in self.levels:
            assert isinstance(level, EncoderLevel)
            hidden = level.stream(hidden, features)
        hidden = self.middle.stream(hidden, features)
        hidden = self.quant(self.conv_out.stream(functional.silu(self.norm_out(hidden)), features))
        features.num_steps += pictures_BCFHW.shape[2]
        mean, _ = hidden.chunk(2, 1)  # of the two halves the other is a variance
        return self.scale.narrow(mean)
