"""The bare loop in a process of its own."""

from __future__ import annotations

import subprocess

import pytest

from bench.measure import BareLoopProcess, MeasuredPlay, bare_play_of, run_bare_loop_of
from bench.play import Start
from tests.unit.bench.recordings import flawless_recording


def play_of(num_chunks: int) -> MeasuredPlay:
    return MeasuredPlay(
        start=Start(prompt="a street"),
        recording=flawless_recording(num_chunks),
        stages=None,
        processes=(),
        peak_rss_bytes=0,
    )


def test_it_says_when_it_plays_and_what_all_plays_took() -> None:
    plays = [play_of(30), play_of(25)]
    with BareLoopProcess(plays) as bare_loop:
        bare_loop.wait_until_it_plays()
        figures = bare_loop.figures()
    assert figures.num_chunks == sum(bare_play_of(play).num_chunks for play in plays) == 55
    assert min(figures.model_cpu_s_per_chunk, figures.media_cpu_s_per_chunk) > 0.0
    assert {"transformer", "video_decoder", "audio_decoder", "h264", "opus"} <= set(figures.stage_cpu_s_per_chunk)


def test_a_loop_that_fails_says_why() -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        run_bare_loop_of([play_of(2)], "no-such-model")
    assert "no-such-model" in raised.value.stderr


def test_a_block_that_is_left_early_leaves_no_process() -> None:
    with BareLoopProcess([play_of(1_000)]) as bare_loop:
        process = bare_loop._process
    assert process.returncode is not None
