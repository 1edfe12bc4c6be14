"""`python -m bench.demo` end to end: the real service with its real model, and every file it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bench.hardware import ROOT
from bench.script import STREET
from tests.tagged import TAG, processes_of

SECONDS = 4
NUM_CHUNKS = 50
# Starting, two plays, the bare loop, stopping: a minute and a half on a machine that does nothing else.
TIMEOUT_S = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    status: int
    report: dict[str, Any]
    folder: Path
    said: str
    survivors: list[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    folder = tmp_path_factory.mktemp("demo")
    tag = uuid.uuid4().hex
    command = [sys.executable, "-m", "bench.demo", "--json", f"--seconds={SECONDS}", f"--output={folder}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, env={**os.environ, TAG: tag}
    )
    return DemoRun(
        status=done.returncode,
        report=json.loads(done.stdout) if done.stdout else {},
        folder=folder,
        said=done.stderr[-4_000:],
        survivors=processes_of(tag),
    )


def test_it_ends_well_and_leaves_no_process(demo: DemoRun) -> None:
    assert demo.status == 0, demo.said
    assert demo.report["faults"] == []
    assert demo.survivors == []


@pytest.mark.parametrize("name", ["text", "image"])
def test_every_frame_sound_and_answer_is_there(demo: DemoRun, name: str) -> None:
    figures = demo.report["sessions"][name]
    assert figures["frames_delivered"] == NUM_CHUNKS
    assert figures["audio_seconds"] == pytest.approx(SECONDS)
    assert figures["controls_sent"] == len(STREET.cues)
    assert figures["controls_unanswered"] == figures["controls_rejected"] == 0
    assert figures["model"] == "pearl-xs"
    assert figures["av_skew_p95_s"] <= 0.04
    assert {"transformer", "video_decoder", "audio_decoder", "media_encode"} <= set(figures["stage_seconds_per_chunk"])
    assert 0 < figures["control_to_frame_p50_s"] <= figures["control_to_frame_p95_s"]


@pytest.mark.parametrize("name", ["text", "image"])
def test_the_films_play(demo: DemoRun, name: str) -> None:
    with av.open(demo.folder / f"{name}.mp4") as film:
        pictures = [np.asarray(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    with av.open(demo.folder / f"{name}.mp4") as film:
        sound = [np.asarray(frame.to_ndarray()).reshape(-1) for frame in film.decode(audio=0)]
        rate_hz = film.streams.audio[0].rate
    assert len(pictures) == NUM_CHUNKS
    assert pictures[0].shape == (80, 128, 3)
    assert pictures[0].std() > 2, "the first frame shows something"
    assert any((one != pictures[0]).any() for one in pictures), "something moves"
    assert sum(len(block) for block in sound) / rate_hz == pytest.approx(SECONDS, abs=0.1)
    assert np.abs(np.concatenate(sound)).max() > 1e-3, "something is heard"


def test_the_two_sessions_show_different_worlds(demo: DemoRun) -> None:
    films = []
    for name in ("text", "image"):
        with av.open(demo.folder / f"{name}.mp4") as film:
            films.append(next(np.asarray(frame.to_ndarray(format="rgb24"), float) for frame in film.decode(video=0)))
    assert np.abs(films[0] - films[1]).mean() > 2


def test_the_contact_sheet_and_the_report_are_written(demo: DemoRun) -> None:
    with Image.open(demo.folder / "contact_sheet.png") as sheet:
        assert sheet.width > 5 * 256
    assert json.loads((demo.folder / "report.json").read_text()) == demo.report


def test_it_tells_what_serving_adds_and_what_it_ran_on(demo: DemoRun) -> None:
    overhead = demo.report["serving_overhead"]
    assert overhead["service_cpu_s_per_chunk"] > overhead["bare_media_cpu_s_per_chunk"] > 0
    assert overhead["bare_model_cpu_s_per_chunk"] > 0
    assert demo.report["total"]["peak_rss_bytes"] > 100 << 20
    assert demo.report["hardware"]["cpu_model"]
