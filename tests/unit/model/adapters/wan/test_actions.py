"""How the open models are told keys and mouse, against plain ways to compute the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from model.adapters.presets import preset
from model.adapters.wan.actions import ActionModule
from model.adapters.wan.config import KeysConfig
from model.adapters.wan.hands import hand_numbers, num_hand_numbers, told_actions
from model.adapters.wan.keys import KeyAdapter
from model.adapters.wan.layers import SELF
from model.adapters.wan.window import KeysValues
from model.interface import ChunkControls
from tests.unit.model.adapters.wan.streams import conditions_for, draw, empty_cache, tiny

MATRIX, ABOT, WAN = preset("matrix-game-2").network, preset("abot-5b").network, preset("wan-1.3b").network


def rotated(heads_FNK: Tensor, temporal_dims: int, base: float) -> Tensor:
    """Head by head, pair by pair, latent frame by latent frame."""
    out = heads_FNK.clone()
    for frame in range(len(heads_FNK)):
        for pair in range(temporal_dims // 2):
            angle = torch.tensor(frame * base ** (-2 * pair / temporal_dims), dtype=torch.float64)
            even, odd = heads_FNK[frame, :, 2 * pair], heads_FNK[frame, :, 2 * pair + 1]
            out[frame, :, 2 * pair] = even * angle.cos() - odd * angle.sin()
            out[frame, :, 2 * pair + 1] = even * angle.sin() + odd * angle.cos()
    return out


def unit(heads: Tensor) -> Tensor:
    return heads / (heads.square().mean(-1, keepdim=True) + 1e-6).sqrt()


def looked(q_FNK: Tensor, k_FNK: Tensor, v_FNK: Tensor, chunk: int) -> Tensor:
    """Each latent frame sees those of its chunk and of the chunks before: [F, N * K]."""
    scores = torch.einsum("fnk,gnk->nfg", q_FNK, k_FNK) / q_FNK.shape[-1] ** 0.5
    frame = torch.arange(len(q_FNK)) // chunk
    scores = scores.masked_fill(frame[None, :, None] < frame[None, None, :], -torch.inf)
    return torch.einsum("nfg,gnk->fnk", scores.softmax(-1), v_FNK).flatten(1)


def plainly(module: ActionModule, x_FTD: Tensor, keyboard_FWA: Tensor, mouse_FWA: Tensor, chunk: int) -> Tensor:
    """All latent frames at once, token by token."""
    told = x_FTD.clone()
    for token in range(x_FTD.shape[1]):
        hidden = module.mouse_mlp(torch.cat([x_FTD[:, token], mouse_FWA.flatten(1)], -1))
        q, k, v = module.t_qkv(hidden).view(len(x_FTD), 3, module.heads, -1).unbind(1)
        q, k = (rotated(unit(each), 4, 256.0) for each in (q, k))
        told[:, token] += module.proj_mouse(looked(q, k, v, chunk))
    k, v = (
        module.keyboard_attn_kv(module.keyboard_embed(keyboard_FWA).flatten(1))
        .view(len(x_FTD), 2, module.heads, -1)
        .unbind(1)
    )
    k, out = rotated(unit(k), 4, 256.0), told.clone()
    for token in range(x_FTD.shape[1]):
        q = rotated(unit(module.mouse_attn_q(told[:, token]).view(len(x_FTD), module.heads, -1)), 4, 256.0)
        out[:, token] += module.proj_keyboard(looked(q, k, v, chunk))
    return out


@torch.no_grad()
def test_an_action_module_that_streams_equals_a_plain_one() -> None:
    sizes, network = tiny("matrix-game-tiny")
    module, frames = network.block_list()[0].action_model, sizes.latents_per_chunk
    assert module is not None
    cache = empty_cache(sizes, network, past=3)
    told = [conditions_for(sizes, seed) for seed in (1, 2)]
    x_FTD = draw(3, 2 * frames, sizes.tokens_per_latent, sizes.network.dim)
    streamed: list[Tensor] = []
    for idx, each in enumerate(told):
        assert each.actions is not None
        window = network.window([cache], frames, sizes.latent_rows, sizes.latent_columns)
        out, kept = module(x_FTD[idx * frames : (idx + 1) * frames][None], each.actions, window, 0)
        streamed.append(out[0])
        # the cache keeps blocks first; there is one, as there is one session
        nothing = KeysValues(*(torch.zeros(2, frames, sizes.tokens_per_latent, 2, 24),) * 2)
        cache.append({SELF: nothing, **kept})
    keyboard = torch.cat([each.actions.keyboard_BFWA[0] for each in told if each.actions])
    mouse = torch.cat(
        [each.actions.mouse_BFWA[0] for each in told if each.actions and each.actions.mouse_BFWA is not None]
    )
    plain = plainly(module, x_FTD, keyboard, mouse, chunk=frames)
    torch.testing.assert_close(torch.cat(streamed), plain, rtol=1e-9, atol=1e-9)
    assert (plain - x_FTD).abs().max() > 0.1


@torch.no_grad()
def test_held_keys_equal_pictures_of_them() -> None:
    """As published: every key a whole picture, four times, brought down by pixel unshuffling and a convolution."""
    torch.manual_seed(0)
    adapter = KeyAdapter(KeysConfig(repeats=4, downscale=4), dim=6).double()
    keys = torch.tensor([1.0, 0, 0, 1, 0, 1, 0, 0], dtype=torch.float64)
    picture = keys.repeat_interleave(4)[None, :, None, None].expand(1, 32, 4 * 2 * 5, 4 * 2 * 7)
    plain = adapter.residual_blocks(adapter.conv(nn.functional.pixel_unshuffle(picture, 4)))
    torch.testing.assert_close(adapter(keys[None], 5, 7), plain, rtol=1e-9, atol=1e-9)


def test_hands_are_told_by_the_frame_as_published() -> None:
    """The published code keeps a control for every frame and cuts twelve frames out of it for every latent frame."""
    chunks, frames = 4, 3
    hands = draw(0, chunks, 6, dtype=torch.float32)
    by_frame = torch.cat(
        [hands[0].expand(1 + 4 * (frames - 1), 6), *(each.expand(4 * frames, 6) for each in hands[1:])]
    )
    padded = torch.cat([by_frame[:1].expand(12, 6), by_frame])
    for chunk in range(chunks):
        first = chunk * frames
        told = told_actions(hands[chunk], hands[max(0, chunk - 1)], first, frames, MATRIX)
        assert told is not None
        assert told.mouse_BFWA is not None
        for latent in range(frames):
            published = padded[4 * (first + latent) : 4 * (first + latent) + 12]
            assert torch.equal(told.keyboard_BFWA[0, latent], published[:, :4])
            assert torch.equal(told.mouse_BFWA[0, latent], published[:, 4:])


@pytest.mark.parametrize(
    ("controls", "matrix", "abot"),
    [
        (ChunkControls(), [0, 0, 0, 0, 0, 0], [0] * 8),
        (ChunkControls(forward=1, yaw=-1), [1, 0, 0, 0, 0, -0.1], [1, 0, 0, 0, 0, 1, 0, 0]),
        (ChunkControls(forward=-0.6, strafe=-1), [0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0, 0]),
        (ChunkControls(strafe=0.5, pitch=0.5), [0, 0, 0, 1, 0.05, 0], [0, 0, 0, 1, 1, 0, 0, 0]),
        (ChunkControls(strafe=0.1, pitch=-1), [0, 0, 0, 0, -0.1, 0], [0, 0, 0, 0, 0, 0, 1, 0]),
    ],
)
def test_controls_become_the_keys_each_network_learned(
    controls: ChunkControls, matrix: list[float], abot: list[float]
) -> None:
    """Matrix-Game 2.0: W S A D, pitch, yaw. ABot-World: W A S D I J K L."""
    assert hand_numbers(controls, MATRIX).tolist() == pytest.approx(matrix)
    assert hand_numbers(controls, ABOT).tolist() == abot
    assert hand_numbers(controls, WAN).numel() == num_hand_numbers(WAN) == 0


def test_a_variant_that_drives_turns_by_the_mouse() -> None:
    drive = preset("matrix-game-2-gta-drive").network
    assert hand_numbers(ChunkControls(forward=-1, yaw=1), drive).tolist() == pytest.approx([0, 1, 0, 0.1])
    assert hand_numbers(ChunkControls(strafe=-1), drive).tolist() == pytest.approx([0, 0, 0, -0.1])


@pytest.mark.parametrize(
    ("controls", "move"),
    [
        (ChunkControls(), 0),
        (ChunkControls(forward=1, strafe=1), 1),
        (ChunkControls(forward=-1), 2),
        (ChunkControls(yaw=-1), 3),
        (ChunkControls(yaw=1), 4),
        (ChunkControls(strafe=-1), 5),
        (ChunkControls(strafe=1), 6),
    ],
)
def test_a_variant_that_runs_makes_one_move_at_a_time(controls: ChunkControls, move: int) -> None:
    numbers = hand_numbers(controls, preset("matrix-game-2-templerun").network)
    assert numbers.tolist() == [float(place == move) for place in range(7)]


def test_keys_without_a_meaning_are_refused() -> None:
    assert MATRIX.actions is not None
    with pytest.raises(ValueError, match="what 5 keys mean"):
        hand_numbers(ChunkControls(), replace(MATRIX, actions=replace(MATRIX.actions, keyboard_keys=5)))
