"""The arithmetic of the benchmarks, and the files they write."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench import readme_picture
from bench.hardware import describe_hardware
from bench.latency import turning_script
from bench.results import Result, ResultWriter
from bench.scrape import HistogramTotals, StageTotals
from bench.script import STREET
from bench.soak.flatness import flatness_of, warm_up_of
from bench.soak.pace import PaceSample
from bench.soak.run import Teller, lags_of, looping_script, result_of
from bench.soak.sampling import SoakSample
from observability.heap import Heap
from tests.unit.bench.recordings import CHUNK_S, flawless_recording
from tests.unit.bench.slopes import is_flat

NOW = datetime(2026, 11, 21, 2, 40, 5, tzinfo=UTC)


def test_a_result_is_written_dated_with_where_and_what_it_was_measured_on(tmp_path: Path) -> None:
    output = io.StringIO()
    writer = ResultWriter(
        console=Console(file=output, width=200), hardware=describe_hardware(), commit="abc", folder=tmp_path
    )
    result = Result(
        benchmark="idle", model="pearl-xs", settings={"seconds": 30}, figures={"core_share": 0.1}, summary=("10 %",)
    )
    file = writer.write(result, NOW)
    assert file.name == "2026-11-21T024005Z-idle.json"
    fields = json.loads(file.read_text())
    assert fields["figures"] == {"core_share": 0.1}
    assert fields["hardware"]["num_cores"] >= 1
    assert (fields["commit"], fields["model"], fields["settings"]) == ("abc", "pearl-xs", {"seconds": 30})
    assert all(word in output.getvalue() for word in ("abc", "pearl-xs", "seconds 30", "cores", "10 %"))


def test_something_that_is_no_figure_is_not_written_as_text(tmp_path: Path) -> None:
    writer = ResultWriter(
        console=Console(file=io.StringIO()), hardware=describe_hardware(), commit="abc", folder=tmp_path
    )
    result = Result(benchmark="idle", model="", settings={}, figures={"x": object()}, summary=())
    with pytest.raises(TypeError, match="not a figure"):
        writer.write(result, NOW)


def test_turning_controls_come_at_every_phase_of_a_chunk() -> None:
    script = turning_script(60)
    assert len(script.cues) == 60
    assert {int(cue.at_s % CHUNK_S / 0.01) for cue in script.cues} >= set(range(8))
    assert all(one.action != other.action for one, other in zip(script.cues, script.cues[1:], strict=False))


@pytest.mark.parametrize(("duration_s", "num_rounds"), [(20.0, 1), (120.0, 6), (600.0, 30)])
def test_a_long_script_repeats_the_street_until_its_end(duration_s: float, num_rounds: int) -> None:
    script = looping_script(duration_s)
    assert [cue.action for cue in script.cues] == [cue.action for cue in STREET.cues] * num_rounds
    assert script.cues[-1].at_s == pytest.approx(duration_s - 20.0 + STREET.cues[-1].at_s)


def test_a_long_script_leaves_out_what_does_not_fit() -> None:
    script = looping_script(30.0)
    assert len(STREET.cues) < len(script.cues) < 2 * len(STREET.cues)
    assert script.cues[-1].at_s <= 29.0


def samples(rss_growth_bytes_per_s: float, step_growth: float) -> list[SoakSample]:
    """Every 5 s for 10 minutes; some noise, so that intervals have a width."""
    found = []
    total = HistogramTotals(buckets=dict.fromkeys((0.02, 0.03, 0.034, 0.036, 0.04, float("inf")), 0.0))
    for idx in range(120):
        step_s = 0.03 * (1 + step_growth * idx) + 0.0005 * (-1) ** idx
        buckets = {edge: count + (62 if edge >= step_s else 0) for edge, count in total.buckets.items()}
        total = HistogramTotals(count=total.count + 62, sum=total.sum + 62 * step_s, buckets=buckets)
        by_process = {"worker 7": int(1e9 + rss_growth_bytes_per_s * 5 * idx + 1e5 * (-1) ** idx), "raylet 5": 10**8}
        if idx == 60:
            by_process["passing 9"] = 10**5
        stages = StageTotals(stages={"transformer": total}, num_steps=62.0 * idx, step_cpu_s=62 * idx * 0.025)
        found.append(
            SoakSample(
                time_s=5.0 * idx,
                rss_bytes_by_process=by_process,
                anonymous_bytes_by_process={name: num_bytes // 2 for name, num_bytes in by_process.items()},
                stages=stages,
                heaps={"http://gateway": Heap(in_use_bytes=10**8 + 2_000 * idx, free_bytes=10**6 * (idx % 9))},
            )
        )
    return found


def test_a_flat_session_is_called_flat() -> None:
    flat = flatness_of(samples(0.0, 0.0), [0.0] * 7_500)
    assert is_flat(flat.rss_bytes)
    assert is_flat(flat.step_s)
    assert (flat.warm_up_s, flat.rss_bytes.num_samples) == (240.0, 120 - 48)
    assert flat.warm_up_growth_bytes == 0
    assert abs(flat.growth_bytes) <= 2e5  # the noise
    assert flat.step_p99_s.ratio == pytest.approx(1.0)
    assert flat.step_p99_s.num_samples == 7 * 62
    assert flat.step_mean_p50_s.ratio == pytest.approx(1.0, abs=0.05)
    assert flat.step_cpu_p99_s is not None
    assert flat.step_cpu_p99_s.last == pytest.approx(0.025)


def test_a_soak_tells_what_is_in_use_of_heaps_where_they_are_told() -> None:
    told, untold = samples(0.0, 0.0), [replace(each, heaps={}) for each in samples(0.0, 0.0)]
    for what, is_told in ((told, True), (untold, False)):
        result = result_of(flawless_recording(), what, 600.0, 0, [])
        lines = [line for line in result.summary if line.startswith("  http://gateway: +1.4 MiB/h")]
        assert (len(lines), any("heaps" in line for line in result.summary)) == (is_told, is_told)
    kept = result_of(flawless_recording(), told, 600.0, 0, []).figures["samples"][9]["heaps"]
    assert kept == {"http://gateway": {"in_use_bytes": 10**8 + 18_000, "free_bytes": 0}}


def test_growth_of_memory_or_step_time_is_seen() -> None:
    growing = flatness_of(samples(10_000.0, 0.002), [0.0] * 3_750 + [0.05] * 3_750)
    assert not is_flat(growing.rss_bytes)
    assert growing.rss_bytes.per_s == pytest.approx(10_000.0, rel=0.05)
    assert growing.warm_up_growth_bytes == pytest.approx(10_000.0 * 240, rel=0.01)
    assert growing.growth_bytes == pytest.approx(10_000.0 * 5 * (72 - 8), rel=0.1)
    assert set(growing.rss_bytes_by_process) == {"worker 7", "raylet 5"}
    assert growing.rss_bytes_by_process["worker 7"].per_s == pytest.approx(10_000.0, rel=0.05)
    assert growing.rss_bytes_by_process["raylet 5"].per_s == 0.0
    assert growing.anonymous_bytes.per_s == pytest.approx(5_000.0, rel=0.05)
    assert set(growing.anonymous_bytes_by_process) == {"worker 7", "raylet 5"}
    assert growing.heap_bytes_by_endpoint["http://gateway"].per_s == pytest.approx(400.0)
    assert not is_flat(growing.step_s)
    assert growing.step_p99_s.ratio > 1.05
    assert (growing.lag_p99_s.first, growing.lag_p99_s.last) == (0.0, 0.05)


def paces(growth: float) -> list[PaceSample]:
    return [PaceSample(time_s=5.0 * idx, cpu_s=0.03 * (1 + growth * idx) + 0.0001 * (-1) ** idx) for idx in range(120)]


def test_the_pace_of_the_machine_is_taken_out_of_its_steps() -> None:
    slower = flatness_of(samples(0.0, 0.002), [0.0] * 7_500, paces(0.002))
    assert slower.pace_p50_s is not None
    assert slower.step_p99_by_pace is not None
    assert slower.step_p99_s.ratio > 1.1
    assert slower.pace_p50_s.ratio == pytest.approx(slower.step_mean_p50_s.ratio, rel=0.02)
    assert slower.step_p99_by_pace.ratio == pytest.approx(1.0, abs=0.08)
    steps_alone = flatness_of(samples(0.0, 0.002), [0.0] * 7_500, paces(0.0))
    assert steps_alone.step_p99_by_pace is not None
    assert steps_alone.step_p99_by_pace.ratio == pytest.approx(steps_alone.step_p99_s.ratio, rel=0.02)
    assert flatness_of(samples(0.0, 0.0), [0.0] * 7_500, paces(0.0)[:10]).pace_p50_s is None


@pytest.mark.parametrize(
    ("duration_s", "warm_up_s"),
    [(120.0, 12.0), (479.0, 47.9), (480.0, 240.0), (600.0, 240.0), (3_600.0, 600.0), (9_000.0, 600.0)],
)
def test_what_is_left_out_of_a_session_is_bounded(duration_s: float, warm_up_s: float) -> None:
    assert warm_up_of(duration_s) == pytest.approx(warm_up_s)


def test_lag_is_counted_from_the_first_chunk() -> None:
    recording = flawless_recording()
    late = replace(recording.chunks[30], received_s=recording.chunks[30].received_s + 0.1)
    chunks = (*recording.chunks[:30], late, *recording.chunks[31:])
    lags_s = lags_of(replace(recording, chunks=chunks))
    assert lags_s[30] == pytest.approx(0.1)
    assert lags_s[29] == pytest.approx(0.0)


def test_a_session_that_was_cut_short_is_told_as_far_as_it_came() -> None:
    recording = flawless_recording()
    result = result_of(recording, samples(0.0, 0.0)[:30], 600.0, 2, ["stopped before its end"])
    assert result.faults[0] == "stopped before its end"
    assert any("say nothing" in fault for fault in result.faults) == ("flatness" not in result.figures)
    assert result.figures["num_chunks"] == len(recording.chunks)
    assert (len(result.figures["samples"]), result.figures["samples_missed"]) == (30, 2)


def test_too_few_samples_are_told_and_nothing_is_made_up_of_them() -> None:
    result = result_of(flawless_recording(), samples(0.0, 0.0)[:10], 600.0, 0, [])
    assert "flatness" not in result.figures
    assert result.faults == ("9 samples after warming up say nothing; at least 21 do",)


def test_a_play_of_nothing_is_a_fault() -> None:
    nothing = replace(flawless_recording(), chunks=(), controls=(), failure="Unavailable")
    result = result_of(nothing, [], 600.0, 0, [])
    assert "Unavailable" in result.faults
    assert any("chunks missing" in fault for fault in result.faults)


def test_a_long_play_says_once_a_minute_how_it_goes() -> None:
    said: list[str] = []
    teller = Teller(said.append, 600.0)
    for sample in samples(0.0, 0.0):
        teller.heard(sample)
    assert len(said) == 9
    assert said[0] == "1 of 10 min: 1049.1 MiB, 744 steps"


def test_the_readme_picture_is_the_demo_to_the_eye(tmp_path: Path) -> None:
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "moments.png")
    readme_picture.main(demo=tmp_path, output=tmp_path / "docs" / "demo.webp")
    with Image.open(tmp_path / "docs" / "demo.webp") as picture, Image.open(tmp_path / "moments.png") as moments:
        assert picture.size == (256, 256)
        made, true = (np.asarray(each.convert("RGB"), np.float32) for each in (picture, moments))
    assert np.abs(made - true).mean() < 2
