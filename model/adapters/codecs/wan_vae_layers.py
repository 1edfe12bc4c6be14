"""Layers of Wan's video autoencoder. Time is causal: a layer sees its frames and what it kept of earlier ones.

Letters: B sessions, C channels, F frames, H W height and width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange, reduce, repeat
from torch import Tensor, nn
from torch.nn import functional

from model.adapters.codecs.features import Features

HALF_PRECISION = (torch.bfloat16, torch.float16)


class Step(NamedTuple):
    """By what a level shrinks (in an encoder) or grows (in a decoder): 1 or 2 each."""

    time: int
    space: int


class CausalConv(nn.Conv3d):
    """A convolution over time and space that looks back, never ahead. `name` is where its past is kept."""

    def __init__(self, channels_in: int, channels_out: int, frames: int, size: int) -> None:
        super().__init__(channels_in, channels_out, (frames, size, size), padding=(0, size // 2, size // 2))
        self.num_past = frames - 1
        self.name = ""

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        return self(features.prepend(self.name, x_BCFHW, self.num_past) if self.num_past else x_BCFHW)


class HalvingConv(nn.Conv3d):
    """Two frames to one, looking one frame back."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, (3, 1, 1), stride=(2, 1, 1))
        self.name = ""

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        longer = features.prepend(self.name, x_BCFHW, 1)
        return x_BCFHW if features.is_first else self(longer)


class DoublingConv(CausalConv):
    """One frame to two. The very first frame stays one, and is not remembered."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 2 * channels, 3, 1)

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        if features.is_first:
            features.of(self.name, x_BCFHW, self.num_past)
            return x_BCFHW
        return rearrange(super().stream(x_BCFHW, features), "b (two c) f h w -> b c (f two) h w", two=2)


class ChannelNorm(nn.Module):
    """Each pixel's channels to unit root mean square, in single precision where they have less."""

    def __init__(self, channels: int, num_trailing: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, *[1] * num_trailing))

    def forward(self, x: Tensor) -> Tensor:
        exact = x.float() if x.dtype in HALF_PRECISION else x
        return functional.normalize(exact, dim=1).to(x.dtype) * x.shape[1] ** 0.5 * self.gamma


class ResidualBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels_in, 3)
        self.conv1 = CausalConv(channels_in, channels_out, 3, 3)
        self.norm2 = ChannelNorm(channels_out, 3)
        self.conv2 = CausalConv(channels_out, channels_out, 3, 3)
        self.shortcut = CausalConv(channels_in, channels_out, 1, 1) if channels_in != channels_out else nn.Identity()

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        hidden = self.conv1.stream(functional.silu(self.norm1(x_BCFHW)), features)
        hidden = self.conv2.stream(functional.silu(self.norm2(hidden)), features)
        return hidden + self.shortcut(x_BCFHW)


class FrameAttention(nn.Module):
    """Every pixel of a frame sees all of that frame; one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels, 2)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def stream(self, x_BCFHW: Tensor) -> Tensor:
        batch, _, _, height, _ = x_BCFHW.shape
        frames = rearrange(x_BCFHW, "b c f h w -> (b f) c h w")
        qkv = rearrange(self.to_qkv(self.norm(frames)), "n (three c) h w -> three n 1 (h w) c", three=3)
        seen = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        seen = self.proj(rearrange(seen, "n 1 (h w) c -> n c h w", h=height))
        return x_BCFHW + rearrange(seen, "(b f) c h w -> b c f h w", b=batch)


class MiddleBlocks(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ResidualBlock(channels, channels)
        self.attention = FrameAttention(channels)
        self.second = ResidualBlock(channels, channels)

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        hidden = self.attention.stream(self.first.stream(x_BCFHW, features))
        return self.second.stream(hidden, features)


class Shrink(nn.Module):
    """Half the width and height, and half the frames where `step.time` is 2."""

    def __init__(self, channels: int, step: Step) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)
        self.time_conv = HalvingConv(channels) if step.time == 2 else None

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        frames = functional.pad(rearrange(x_BCFHW, "b c f h w -> (b f) c h w"), (0, 1, 0, 1))
        smaller = rearrange(self.conv(frames), "(b f) c h w -> b c f h w", b=x_BCFHW.shape[0])
        return smaller if self.time_conv is None else self.time_conv.stream(smaller, features)


class Grow(nn.Module):
    """Twice the width and height, and twice the frames where `step.time` is 2."""

    def __init__(self, channels_in: int, channels_out: int, step: Step) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.time_conv = DoublingConv(channels_in) if step.time == 2 else None

    def stream(self, x_BCFHW: Tensor, features: Features) -> Tensor:
        if self.time_conv is not None:
            x_BCFHW = self.time_conv.stream(x_BCFHW, features)
        frames = rearrange(x_BCFHW, "b c f h w -> (b f) c h w")
        larger = self.conv(functional.interpolate(frames, scale_factor=2.0, mode="nearest-exact"))
        return rearrange(larger, "(b f) c h w -> b c f h w", b=x_BCFHW.shape[0])


def averaged(x_BCFHW: Tensor, channels_out: int, step: Step) -> Tensor:
    """Around a level that shrinks: pixels and frames folded into channels, and neighbouring channels averaged."""
    num_missing = -x_BCFHW.shape[2] % step.time  # the very first frame has no partner
    folded = rearrange(
        functional.pad(x_BCFHW, (0, 0, 0, 0, num_missing, 0)),
        "b c (f t) (h p) (w q) -> b (c t p q) f h w", t=step.time, p=step.space, q=step.space,
    )  # fmt: skip
    return reduce(folded, "b (c g) f h w -> b c f h w", "mean", c=channels_out)


def repeated(x_BCFHW: Tensor, channels_out: int, step: Step, is_first: bool) -> Tensor:
    """Around a level that grows: channels repeated, and unfolded into pixels and frames."""
    num_cells = step.time * step.space**2
    copied = repeat(x_BCFHW, "b c f h w -> b (c copies) f h w", copies=channels_out * num_cells // x_BCFHW.shape[1])
    unfolded = rearrange(
        copied, "b (c t p q) f h w -> b c (f t) (h p) (w q)", t=step.time, p=step.space, q=step.space
    )  # fmt: skip
    return unfolded[:, :, step.time - 1 :] if is_first else unfolded


def name_layers(network: nn.Module) -> None:
    """Tell every layer that keeps something under which name: where it stands in the network."""
    for name, layer in network.named_modules():
        if isinstance(layer, CausalConv | HalvingConv):
            layer.name = name
