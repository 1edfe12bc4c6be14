"""The count of an open model's chunk: against the sums anybody can do from its sizes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from bench.engine.__main__ import app
from bench.engine.held import aged
from bench.engine.loop import TRANSFORMER, VIDEO, ModelLoop
from bench.engine.open_models import TINY_VIDEO, CountedModel, count_open_model
from bench.engine.presets import Asked, Speed, random_subject
from bench.engine.random_models import RandomModelConfig, RandomOpenModel
from model.adapters.presets import WanPreset, preset
from model.adapters.wan.model import RECACHE_EVERY_CHUNKS
from model.adapters.wan.transformer import WanTransformerConfig
from model.gpu.wan import GraphedWan
from model.interface import Profile

BFLOAT16 = 2


@pytest.fixture(scope="module")
def counted() -> CountedModel:
    return count_open_model(preset("wan-tiny"))


def transformer_flops(found: WanPreset, past_latents: int) -> int:
    """Multiply-adds twice: projections, attention to window and text, feed-forward; patches in and out; timesteps."""
    network, latents = found.network, found.latents_per_chunk
    dim, tokens = network.dim, latents * found.tokens_per_latent
    seen = past_latents * found.tokens_per_latent + tokens
    block = tokens * dim * (6 * dim + 2 * network.ffn_dim) + 2 * tokens * dim * (seen + network.text_tokens)
    ends = tokens * dim * 4 * (network.in_channels + network.out_channels)
    timesteps = latents * dim * (network.freq_dim + dim + 6 * dim)
    a_pass = 2 * (network.layers * block + ends + timesteps)
    passes = len(found.sampling.steps) + 1
    # The pass that writes the cache ends with the keys and values of the last block.
    left_out = block - 2 * tokens * dim * dim + tokens * dim * 4 * network.out_channels
    return passes * a_pass - 2 * left_out


def test_every_pass_of_a_full_window_is_counted(counted: CountedModel) -> None:
    found = preset("wan-tiny")
    assert counted.works[TRANSFORMER].flops == transformer_flops(found, found.past_latents)


def test_a_batch_takes_as_many_times_the_operations_and_reads_the_weights_once(counted: CountedModel) -> None:
    both = count_open_model(preset("wan-tiny"), num_sessions=2)
    assert both.works[TRANSFORMER].flops == 2 * counted.works[TRANSFORMER].flops
    assert both.works[TRANSFORMER].outside_bytes < 2 * counted.works[TRANSFORMER].outside_bytes
    assert both.session_bytes == counted.session_bytes


def test_8_bit_layers_multiply_as_often_and_are_told_apart(counted: CountedModel) -> None:
    """Their weights take a byte each; attention and what is outside the blocks stays in 16 bits."""
    rounded = count_open_model(preset("wan-tiny"), eight_bit=True)
    found, network = preset("wan-tiny"), preset("wan-tiny").network
    work, plain = rounded.works[TRANSFORMER], counted.works[TRANSFORMER]
    tokens, passes = found.latents_per_chunk * found.tokens_per_latent, len(found.sampling.steps) + 1
    in_blocks = tokens * network.dim * (6 * network.dim + 2 * network.ffn_dim)
    left_out = in_blocks - 2 * tokens * network.dim**2
    assert work.flops == plain.flops
    assert work.eight_bit_flops == 2 * (passes * network.layers * in_blocks - left_out)
    assert plain.eight_bit_flops == 0
    assert work.outside_bytes < plain.outside_bytes
    assert rounded.fixed_bytes < counted.fixed_bytes


def test_a_sessions_memory_is_its_window_its_text_and_its_decoder(counted: CountedModel) -> None:
    found = preset("wan-tiny")
    network = found.network
    per_token = 2 * network.layers * network.dim * BFLOAT16  # keys and values
    cached = per_token * (found.past_latents * found.tokens_per_latent + network.text_tokens)
    assert counted.session_bytes > cached
    assert counted.works[VIDEO].flops > counted.works[TINY_VIDEO].flops > 0


def test_the_published_size_needs_what_others_have_worked_out() -> None:
    """202 TFLOP for a chunk of Self-Forcing at 480x832 with a window of 21 latents, by anybody's arithmetic."""
    assert transformer_flops(preset("wan-1.3b"), 18) == pytest.approx(202e12, rel=0.01)
    assert transformer_flops(preset("wan-1.3b-window-12"), 9) == pytest.approx(141e12, rel=0.01)


def test_the_command_counts_what_it_cannot_run(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["abot-tiny", "--against=h100", "--json", f"--results={tmp_path}"])
    assert done.exit_code == 0, done.output
    (written,) = json.loads(done.stdout)
    figures = written["figures"]
    assert figures["frames_per_s_at_best"] > 0
    assert set(figures["rooflines"]) == {TRANSFORMER, VIDEO, TINY_VIDEO}
    assert figures["rooflines"][TRANSFORMER]["seconds"] is None


@pytest.mark.parametrize("fp8", [False, True])
def test_an_open_model_runs_with_random_weights(fp8: bool) -> None:
    """Of the smallest size, but by the code that runs the others on a GPU."""
    speed = Speed(profile=Profile.FAST, fp8=fp8, tiny_decoder=True)
    model = random_subject("matrix-game-tiny", speed).load("cpu")
    loop = ModelLoop(model, 1, time.perf_counter)
    sessions = [loop.open(seed) for seed in (1, 2)]
    for _ in range(2):
        frames, marks_s = loop.chunk(sessions)
        assert frames[0].std() > 0
        assert [len(each) for each in frames] == [model.info.frames_per_chunk] * 2
        assert marks_s == sorted(marks_s)
    assert sessions[0].counted_bytes > 0


def test_what_is_measured_is_what_is_served() -> None:
    """Windows made again as often, graphs in the fast profile alone, and a decoder's weights as they are laid there."""
    for profile in (Profile.EXACT, Profile.FAST):
        model = RandomOpenModel("wan-tiny", RandomModelConfig(profile=profile, tiny_decoder=True))
        transformer = model.load_transformer()
        assert transformer._config == WanTransformerConfig(profile=profile, recache_every_chunks=RECACHE_EVERY_CHUNKS)
        assert isinstance(transformer._network, GraphedWan) == (profile == Profile.FAST)
        decoder: Any = model.load_video_decoder()
        weights = [each.weight for each in decoder._decoder._network.modules() if isinstance(each, nn.Conv2d)]
        assert weights
        assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
    with pytest.raises(ValueError, match="fast profile"):
        RandomModelConfig(profile=Profile.EXACT, fp8=True)


def test_open_models_on_a_gpu_are_measured_in_the_profile_that_shares_passes() -> None:
    asked = Asked()
    assert asked.of("wan-1.3b", "cuda") == Speed(profile=Profile.FAST, graphs=True)
    assert asked.of("wan-1.3b", "cpu") == asked.of("pearl-xs", "cuda") == Speed(profile=Profile.EXACT, graphs=False)
    assert Asked(fp8=True).of("wan-1.3b", "cpu").profile is Profile.FAST
    assert Asked(profile="exact").of("wan-1.3b", "cuda") == Speed(profile=Profile.EXACT, graphs=False)
    with pytest.raises(ValueError, match="quick"):
        Asked(profile="quick").of("wan-1.3b", "cuda")
    with pytest.raises(ValueError, match="fast profile"):
        random_subject("wan-1.3b", Asked(profile="exact", fp8=True).of("wan-1.3b", "cuda"))


def test_windows_of_sessions_that_go_on_are_made_again_when_their_period_ends() -> None:
    model = RandomOpenModel("wan-tiny", RandomModelConfig(tiny_decoder=True, recache_every_chunks=4))
    loop = ModelLoop(model, 1, time.perf_counter)
    past = aged(loop, 3)
    assert past is not None
    state: Any = loop.transformer.restore(past.engine.transformer)
    assert len(state.recent) == 3
    loop.transformer.step([state], [loop.controls(3)])
    assert len(state.recent) == state.max_recent == 3
    assert all(made.context_PD is state.context_PD for made in state.recent)
