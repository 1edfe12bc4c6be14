"""The bare loop in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from bench.bare_loop import BareFigures
from bench.measure import BareLoopProcess, MeasuredPlay, bare_play_of, play_beside_bare_loop
from bench.play import Start
from tests.unit.bench.recordings import flawless_recording

FIGURES = BareFigures(cpu_s_per_chunk=3.0, model_cpu_s_per_chunk=2.0, media_cpu_s_per_chunk=1.0, num_chunks=2)


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
    plays = [play_of(2)]
    with pytest.raises(subprocess.CalledProcessError) as raised:
        play_beside_bare_loop(plays, lambda: plays, "no-such-model")
    assert "no-such-model" in raised.value.stderr


def test_a_loop_that_hangs_is_waited_for_no_longer_than_that() -> None:
    hangs = (sys.executable, "-c", "import time; time.sleep(60)")
    with BareLoopProcess([play_of(2)], timeout_s=0.2, command=hangs) as bare_loop:
        with pytest.raises(subprocess.TimeoutExpired):
            bare_loop.wait_until_it_plays()
        with pytest.raises(subprocess.TimeoutExpired):
            bare_loop.figures()


def complaining(num_bytes: int, code: int) -> tuple[str, ...]:
    """A bare loop that says so much before it plays, and its figures then."""
    script = (
        f"import sys; sys.stderr.write('x' * {num_bytes}); print('playing', flush=True); "
        f"print({json.dumps(dataclasses.asdict(FIGURES))!r}); sys.exit({code})"
    )
    return (sys.executable, "-c", script)


def test_a_loop_that_complains_at_length_is_not_held_up() -> None:
    with BareLoopProcess([play_of(2)], timeout_s=30.0, command=complaining(200 << 10, code=0)) as bare_loop:
        bare_loop.wait_until_it_plays()
        assert bare_loop.figures() == FIGURES


def test_of_a_loop_that_fails_after_many_words_all_are_told() -> None:
    with BareLoopProcess([play_of(2)], timeout_s=30.0, command=complaining(200 << 10, code=3)) as bare_loop:
        bare_loop.wait_until_it_plays()
        with pytest.raises(subprocess.CalledProcessError) as raised:
            bare_loop.figures()
    assert len(raised.value.stderr) == 200 << 10


def test_a_block_that_is_left_early_leaves_no_process() -> None:
    with BareLoopProcess([play_of(1_000)]) as bare_loop:
        process = bare_loop._process
    assert process.returncode is not None
