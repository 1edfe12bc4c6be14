"""The streaming network against diffusers' `WanTransformer3DModel` with the same weights.

Diffusers sees a whole video at once. One chunk is a whole video; several are one under a mask that lets a chunk see the
chunks of its window. Its tables of positions and noise levels and its norms are in single precision; to compare in
double precision they are made in double here, by replacing `Tensor.float`.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from model.adapters.presets import WanPreset, preset
from model.adapters.wan.layout import diffusers_name
from model.adapters.wan.network import WanNetwork
from tests.unit.model.adapters.wan.streams import context_of, draw, empty_cache, streamed, tiny

TIMESTEP = 625.0
ATTEND = nn.functional.scaled_dot_product_attention


class Frequencies(nn.Module):
    """What diffusers makes of a timestep, in double precision."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, timesteps: Tensor) -> Tensor:
        half = self.dim // 2
        angle = timesteps.double()[:, None] * torch.exp(-math.log(10_000.0) * torch.arange(half).double() / half)
        return torch.cat([angle.cos(), angle.sin()], -1)


@pytest.fixture
def in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "float", Tensor.double)


def reference_of(sizes: WanPreset, network: WanNetwork) -> WanTransformer3DModel:
    config = sizes.network
    reference = WanTransformer3DModel(
        num_attention_heads=config.heads, attention_head_dim=config.head_dim, in_channels=config.in_channels,
        out_channels=config.out_channels, text_dim=config.text_dim, freq_dim=config.freq_dim, ffn_dim=config.ffn_dim,
        num_layers=config.layers, cross_attn_norm=True, eps=config.eps,
    ).double()  # fmt: skip
    reference.condition_embedder.timesteps_proj = Frequencies(config.freq_dim)  # pyright: ignore[reportAttributeAccessIssue]
    reference.load_state_dict({diffusers_name(name): tensor for name, tensor in network.state_dict().items()})
    return reference.eval()


@torch.no_grad()
def whole(sizes: WanPreset, network: WanNetwork, chunks: list[Tensor], window_latents: int) -> Tensor:
    """velocity_BFCHW of the last chunk, by diffusers, all chunks at once; the earlier ones clean."""
    reference = reference_of(sizes, network)
    frames, tokens = sizes.latents_per_chunk, sizes.tokens_per_latent
    frame_S = torch.arange(frames * len(chunks)).repeat_interleave(tokens)
    chunk_S = frame_S // frames
    ends_S = (chunk_S + 1) * frames  # of the chunk a query is in
    mask_SS = (frame_S[None] < ends_S[:, None]) & (frame_S[None] >= ends_S[:, None] - window_latents)
    text = torch.zeros(1, sizes.network.text_tokens, sizes.network.text_dim, dtype=torch.float64)
    given = context_of(sizes)
    text[:, : given.shape[1]] = given
    timesteps_BS = torch.where(chunk_S == len(chunks) - 1, TIMESTEP, 0.0)[None]
    video_BCFHW = rearrange(torch.cat(chunks, 1), "b f c h w -> b c f h w")
    with masked(mask_SS):
        velocity = reference(video_BCFHW, timesteps_BS, text, return_dict=False)[0]
    return rearrange(velocity, "b c f h w -> b f c h w")[:, -frames:]


class masked:  # noqa: N801  reads as a verb
    """Self-attention of all tokens goes through a mask."""

    def __init__(self, mask_SS: Tensor) -> None:
        self.mask_SS, self.times = mask_SS, 0

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, **options: Any
    ) -> Tensor:
        if query.shape[-2] == key.shape[-2] == len(self.mask_SS):
            attn_mask, self.times = self.mask_SS, self.times + 1
        return ATTEND(query, key, value, attn_mask=attn_mask, **options)

    def __enter__(self) -> None:
        nn.functional.scaled_dot_product_attention = self  # pyright: ignore[reportAttributeAccessIssue]

    def __exit__(self, *error: object) -> None:
        nn.functional.scaled_dot_product_attention = ATTEND
        assert self.times, "the mask was never used"


def chunks_of(sizes: WanPreset, count: int) -> list[Tensor]:
    return [draw(idx, 1, *sizes.chunk_shape) for idx in range(count)]


@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize(("count", "past"), [(1, 0), (3, 18), (5, 6), (4, 1)])
def test_streaming_equals_the_whole_video_at_once(count: int, past: int) -> None:
    """One chunk; some, none of them forgotten; some, most of them forgotten; a window that cuts chunks apart."""
    sizes, network = tiny("wan-tiny")
    chunks = chunks_of(sizes, count)
    ours = streamed(sizes, network, empty_cache(sizes, network, past=past), chunks, TIMESTEP)
    theirs = whole(sizes, network, chunks, window_latents=past + sizes.latents_per_chunk)
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("in_double")
def test_what_a_window_forgets_matters() -> None:
    sizes, network = tiny("wan-tiny")
    chunks = chunks_of(sizes, 4)
    narrow, wide = (whole(sizes, network, chunks, window_latents=latents) for latents in (6, 12))
    assert (narrow - wide).abs().max() > 1e-3


def test_half_precision_is_within_two_percent() -> None:
    """The root mean square of the difference, of that of the velocity."""
    sizes, exact = tiny("wan-tiny")
    _, half = tiny("wan-tiny")
    chunks = chunks_of(sizes, 3)
    reference = streamed(sizes, exact, empty_cache(sizes, exact), chunks, TIMESTEP)
    half = half.bfloat16()
    approximate = streamed(sizes, half, empty_cache(sizes, half), chunks, TIMESTEP).double()
    assert (approximate - reference).square().mean().sqrt() < 0.02 * reference.square().mean().sqrt()


def test_presets_are_the_sizes_diffusers_knows() -> None:
    """The 5B's tensors but for the keys', on the meta device."""
    config = preset("abot-5b").network
    with torch.device("meta"):
        reference = WanTransformer3DModel(
            num_attention_heads=config.heads, attention_head_dim=config.head_dim, in_channels=48, out_channels=48,
            ffn_dim=config.ffn_dim, num_layers=config.layers,
        )  # fmt: skip
        network = WanNetwork(config)
    theirs = {name: tensor.shape for name, tensor in reference.state_dict().items()}
    ours = {diffusers_name(name): tensor.shape for name, tensor in network.state_dict().items()}
    assert {name: shape for name, shape in ours.items() if "act_control_adapter" not in name} == theirs
