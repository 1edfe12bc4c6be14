"""The rectified-flow loss of the transformer over training sequences.

Letters: B sequences, T chunks, V patches, Q numbers of coverage, S tokens, P prompt tokens,
L all tokens of a sequence.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.layers import Modulation
from model.rotary import rotation
from model.training.samples import SequenceBatch
from model.transformer import NUM_PATCHES, ChunkTokens, Velocity, WorldTransformer, prompt_tokens
from model.world.conditions import NUM_SLOTS

CONTEXT_PATCHES = 4  # patches that an earlier chunk shows in training
STRONG = slice(0, 4)  # of the numbers of coverage
CLEAN_CONTEXT = 0.5  # share of earlier chunks that are free of noise, as they are in play
AUDIO_WEIGHT = 0.75
ONE_STEP_SHARE = 0.5  # of last chunks whose sound starts from noise alone: in play, one step is all it gets


class FlowLoss(NamedTuple):
    total: Tensor
    video: Tensor
    audio: Tensor


def sample_sigma(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Noise levels in (0, 1), leaning to the high end where the composition is decided."""
    return torch.sigmoid(0.9 + 1.3 * torch.randn(shape, generator=generator))


def _noisy(clean: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """x at sigma, and the velocity that leads there."""
    noise = torch.randn(clean.shape, generator=generator)
    level = sigma[..., None]
    return (1 - level) * clean + level * noise, noise - clean


class _Chunk(NamedTuple):
    tokens: ChunkTokens
    velocity: Velocity
    weight_BV: Tensor  # of each patch's loss


def _full_chunk(batch: SequenceBatch, generator: torch.Generator) -> _Chunk:
    """The last chunk: patches known in full carry no noise and no loss."""
    strong_BV = batch.coverage_BVQ[..., STRONG].mean(-1)
    is_known = strong_BV > 0.999
    sigma_BV = sample_sigma((len(strong_BV), 1), generator).expand_as(strong_BV)
    sigma_BV = torch.where(is_known, torch.zeros(()), sigma_BV)
    video, velocity = _noisy(batch.true_BVC, sigma_BV, generator)
    video = torch.where(is_known[..., None], batch.known_BVC, video)
    sigma_B = sample_sigma((len(strong_BV),), generator)
    is_one_step = torch.rand(len(strong_BV), generator=generator) < ONE_STEP_SHARE
    sigma_B = torch.where(is_one_step, torch.ones(()), sigma_B)
    audio, audio_velocity = _noisy(batch.audio_BTA[:, -1], sigma_B, generator)
    tokens = ChunkTokens(
        video, batch.known_BVC, batch.coverage_BVQ, sigma_BV, audio, sigma_B, batch.control_BTE[:, -1], batch.azimuth_B
    )
    weight = torch.where(is_known, torch.zeros(()), 0.25 + 0.75 * (1 - strong_BV))
    return _Chunk(tokens, Velocity(velocity, audio_velocity), weight)


def _context_chunks(batch: SequenceBatch, patch_idx_XV: Tensor, generator: torch.Generator) -> _Chunk:
    """The earlier chunks, B x (T - 1) of them: a few patches, unknown where the last chunk's are."""
    earlier = batch.audio_BTA.shape[1] - 1

    def pick(field_BVC: Tensor) -> Tensor:
        repeated = field_BVC.repeat_interleave(earlier, 0)
        return torch.gather(repeated, 1, patch_idx_XV[..., None].expand(-1, -1, field_BVC.shape[-1]))

    coverage, known = pick(batch.coverage_BVQ), pick(batch.known_BVC)
    is_known = coverage[..., STRONG].mean(-1) > 0.999
    sigma = torch.where(is_known, torch.zeros(()), torch.ones(()))
    video, velocity = _noisy(known, sigma, generator)
    sigma_X = sample_sigma((len(patch_idx_XV),), generator)
    is_clean = torch.rand(len(patch_idx_XV), generator=generator) < CLEAN_CONTEXT
    sigma_X = torch.where(is_clean, torch.zeros(()), sigma_X)
    audio, audio_velocity = _noisy(batch.audio_BTA[:, :-1].flatten(0, 1), sigma_X, generator)
    control = batch.control_BTE[:, :-1].flatten(0, 1)
    azimuth_X = batch.azimuth_B.repeat_interleave(earlier)
    tokens = ChunkTokens(video, known, coverage, sigma, audio, sigma_X, control, azimuth_X)
    return _Chunk(tokens, Velocity(velocity, audio_velocity), torch.where(is_clean, 0.0, 1.0))


class _Layout(NamedTuple):
    """Where the tokens of a sequence stand."""

    chunk_L: Tensor  # which chunk a token belongs to
    bias_LL: Tensor  # 0 where it may look (prompt tokens first), -inf elsewhere


def _layout(chunks: int, cached_tokens: int) -> _Layout:
    small, full = CONTEXT_PATCHES + cached_tokens, NUM_PATCHES + cached_tokens
    chunk_L = torch.cat([torch.arange(chunks - 1).repeat_interleave(small), torch.full((full,), chunks - 1)])
    patches = torch.cat([(torch.arange(small) < CONTEXT_PATCHES).repeat(chunks - 1), torch.arange(full) < NUM_PATCHES])
    same = chunk_L[:, None] == chunk_L
    earlier = (chunk_L[:, None] > chunk_L) & ~patches
    bias = torch.where(same | earlier, 0.0, -torch.inf)
    return _Layout(chunk_L, torch.cat([torch.zeros(len(chunk_L), NUM_SLOTS), bias], 1))


def _spread(modulation: Modulation, chunk_L: Tensor) -> Modulation:
    return Modulation(*(field[:, chunk_L] for field in modulation))


def sequence_velocity(
    net: WorldTransformer, context: ChunkTokens, patch_idx_XV: Tensor, last: ChunkTokens, conditions_BV: Tensor,
    control_BTE: Tensor,
) -> tuple[Velocity, Velocity]:  # fmt: skip
    """Velocities of the earlier chunks [B * (T - 1), ...] and of the last [B, ...], in one pass
    with a mask: what `WorldTransformer.forward` gives chunk by chunk through its cache."""
    batch, chunks = control_BTE.shape[:2]
    layout = _layout(chunks, net.config.cached_tokens)
    early = net.embed(context, net.position(context.azimuth_B, patch_idx_XV)).unflatten(0, (batch, chunks - 1))
    per_early = early.shape[2]
    x = torch.cat([early.flatten(1, 2), net.embed(last, net.position(last.azimuth_B))], 1)
    split = (chunks - 1) * per_early
    control = net.control(control_BTE)
    prompt = prompt_tokens(conditions_BV)
    spin = rotation(layout.chunk_L, net.config.dim // net.config.heads)
    for block in net.block_list():
        first, second = (_spread(part, layout.chunk_L) for part in block.modulate(control))
        own, words = block.before_attention(x, first), block.attention.project_prompt(prompt)
        attended = block.attention.attend(own, spin, words, layout.bias_LL)
        x = block.add_attended(x, attended, first)
        early = x[:, :split].reshape(batch * (chunks - 1), per_early, -1)
        early = block.mix_neighbours(early, patch_idx_XV.shape[1], patch_idx_XV)
        x = torch.cat([early.reshape(batch, split, -1), block.mix_neighbours(x[:, split:], NUM_PATCHES)], 1)
        x = block.feed_forward(x, second)
    return net.head(x[:, :split].reshape(batch * (chunks - 1), per_early, -1)), net.head(x[:, split:])


def flow_loss(net: WorldTransformer, batch: SequenceBatch, generator: torch.Generator) -> FlowLoss:
    """Mean squared error of the velocity over what was not known."""
    sequences, chunks = batch.audio_BTA.shape[:2]
    shuffled = torch.rand(sequences * (chunks - 1), NUM_PATCHES, generator=generator).argsort(1)
    patch_idx_XV = shuffled[:, :CONTEXT_PATCHES]
    early, last = _context_chunks(batch, patch_idx_XV, generator), _full_chunk(batch, generator)
    early_v, last_v = sequence_velocity(
        net, early.tokens, patch_idx_XV, last.tokens, batch.conditions_BV, batch.control_BTE
    )
    error_BV = (last_v.video_BVC - last.velocity.video_BVC).square().mean(-1)
    video = (error_BV * last.weight_BV).sum() / last.weight_BV.sum().clamp_min(1)
    early_error = (early_v.audio_BA - early.velocity.audio_BA).square().mean(-1)
    audio = (last_v.audio_BA - last.velocity.audio_BA).square().mean() + (early_error * early.weight_BV).mean()
    return FlowLoss(video + AUDIO_WEIGHT * audio, video, audio)
