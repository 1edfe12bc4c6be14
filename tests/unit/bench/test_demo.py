"""What the demo reports, and when it fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import demo
from bench.bare_loop import BareFigures, TimedAction
from bench.demo import Demo
from bench.demo_report import DemoReport, WrittenPlay, make_report
from bench.hardware import describe_hardware
from bench.measure import MeasuredPlay, ProcessCpu, bare_play_of, overhead_of
from bench.play import Start
from bench.process_tree import Role
from bench.recording import Recording
from bench.scrape import HistogramTotals, StageTotals
from bench.script import Turn, Walk
from bench.service import ServiceError
from tests.unit.bench.recordings import flawless_recording, played, without_chunk

PROCESSES = (
    ProcessCpu(name="Gateway", role=Role.GATEWAY_AND_WORKERS, cpu_s=0.5),
    ProcessCpu(name="Transformer", role=Role.GATEWAY_AND_WORKERS, cpu_s=1.5),
    ProcessCpu(name="raylet", role=Role.CONTROL_PLANE, cpu_s=0.25),
)
BARE = BareFigures(
    cpu_s_per_chunk=0.032,
    model_cpu_s_per_chunk=0.03,
    media_cpu_s_per_chunk=0.002,
    stage_cpu_s_per_chunk={},
    num_chunks=50,
)


def measured(recording: Recording, num_counted: int = 50, num_made: int = 50) -> MeasuredPlay:
    stages = StageTotals(stages={"transformer": HistogramTotals(count=num_counted, sum=1.0)}, num_steps=num_made)
    return MeasuredPlay(
        start=Start(prompt="a street"), recording=recording, stages=stages, processes=PROCESSES, peak_rss_bytes=1 << 30
    )


def report_of(plays: Sequence[MeasuredPlay], service_faults: Sequence[str] = ()) -> DemoReport:
    written = [WrittenPlay(play=play, session=played(play.recording), panel=None) for play in plays]
    return make_report(written, overhead_of(plays, BARE), describe_hardware(), "abc", service_faults)


def flawless_report() -> DemoReport:
    return report_of([measured(flawless_recording()), measured(replace(flawless_recording(), name="image"))])


FIELDS = (
    *("frames_delivered", "delivered_fps", "nominal_fps", "real_time_factor", "time_to_first_frame_s"),
    *("control_to_frame_p50_s", "control_to_frame_p95_s", "late_chunks", "audio_seconds", "av_skew_p95_s"),
    *("controls_sent", "controls_applied", "controls_unanswered", "chunk_duration_s", "stage_seconds_per_chunk"),
    *("peak_rss_bytes", "model", "commit", "hardware"),
)


def test_every_figure_is_told_of_each_session_and_in_total() -> None:
    fields = json.loads(flawless_report().to_json())
    assert set(fields["sessions"]) == {"text", "image"}
    for figures in (*fields["sessions"].values(), fields["total"]):
        assert all(figures[name] is not None for name in FIELDS)
    assert fields["total"]["frames_delivered"] == 100
    assert fields["total"]["stage_seconds_per_chunk"] == {"transformer": 0.02}
    assert fields["faults"] == []


def test_overhead_is_what_the_service_took_beyond_the_bare_loop() -> None:
    overhead = overhead_of([measured(flawless_recording())], BARE)
    assert overhead.service_cpu_s_per_chunk == pytest.approx(0.04)
    assert overhead.overhead_cpu_s_per_chunk == pytest.approx(0.008)
    assert overhead.control_plane_cpu_s_per_chunk == pytest.approx(0.005)
    assert overhead.process_cpu_s_per_chunk["Gateway"] == pytest.approx(0.01)
    assert json.loads(flawless_report().to_json())["serving_overhead"]["overhead_cpu_s_per_chunk"] == pytest.approx(
        0.008
    )


def test_overhead_is_also_told_by_the_model_calls_of_the_service_itself() -> None:
    play = measured(flawless_recording())
    assert play.stages is not None
    overhead = overhead_of([replace(play, stages=replace(play.stages, model_cpu_s=50 * 0.035))], BARE)
    assert overhead.own_overhead_cpu_s_per_chunk == pytest.approx(0.04 - 0.035 - 0.002)
    assert overhead_of([replace(play, stages=None)], BARE).own_overhead_cpu_s_per_chunk is None


def test_chunks_that_were_made_for_nobody_count_on_both_sides() -> None:
    play = measured(flawless_recording(), num_made=80)
    assert bare_play_of(play).num_chunks == 80
    assert overhead_of([play], BARE).service_cpu_s_per_chunk == pytest.approx(0.04 * 50 / 80)


def test_overhead_of_processes_that_are_not_ours_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="processes can be seen"):
        overhead_of([replace(measured(flawless_recording()), processes=())], BARE)


def test_the_bare_loop_plays_what_took_effect_where_it_did() -> None:
    bare = bare_play_of(measured(flawless_recording()))
    assert bare.num_chunks == 50
    assert bare.prompt == "a street"
    assert bare.actions[:2] == (
        TimedAction(chunk_idx=8, action=Walk(forward=1.0)),
        TimedAction(chunk_idx=14, action=Turn(yaw=-1.0)),
    )


def test_metrics_of_fewer_chunks_than_were_held_are_a_fault() -> None:
    report = report_of([measured(flawless_recording(), num_counted=49)])
    assert report.faults == ("text: 50 chunks held, but 49 counted in stage transformer",)
    silent = replace(measured(flawless_recording()), stages=StageTotals())
    assert report_of([silent]).faults == ("text: the service's metrics tell of no stage",)


def run_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: DemoReport | ServiceError) -> tuple[int, str]:
    def run(self: Demo) -> DemoReport:
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    monkeypatch.setattr(Demo, "run", run)
    result = CliRunner().invoke(demo.app, ["--output", str(tmp_path), "--json"])
    return result.exit_code, result.stdout


def test_a_flawless_demo_ends_well_and_prints_its_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = run_demo(monkeypatch, tmp_path, flawless_report())
    assert code == 0
    assert json.loads(output)["total"]["frames_delivered"] == 100


@pytest.mark.parametrize(
    "outcome",
    [
        report_of([measured(without_chunk(flawless_recording(), 7))]),
        report_of([measured(flawless_recording())], ["process 7 (raylet) outlived the service"]),
        ServiceError("the service ended with status 1"),
    ],
    ids=["missing frame", "process left", "service failed"],
)
def test_a_demo_with_a_fault_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: DemoReport | ServiceError
) -> None:
    assert run_demo(monkeypatch, tmp_path, outcome)[0] == 1
