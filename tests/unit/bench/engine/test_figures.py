"""From times to figures: arithmetic, and what makes a figure fail."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from bench.engine.__main__ import app
from bench.engine.ceilings import Ceilings, shortest_s
from bench.engine.counting import Work
from bench.engine.device import Device
from bench.engine.flatness import MemorySample, flatness_of
from bench.engine.held import Held, Punctuality, aged, chunks_before, held_of, hold, most_held
from bench.engine.ladder import measure_ladder, rungs_of
from bench.engine.loop import CHUNK, STAGES, TRANSFORMER, Loaded, ModelLoop, Session, StageTimes, check_chunk
from bench.engine.pipelined import FIRST_CHUNKS, run_pipelined
from bench.engine.presets import Speed, Subject
from bench.engine.roofline import roofline_of
from bench.engine.run import EngineBenchConfig, bench_engine
from bench.engine.solo import WARM_UP_CHUNKS, measure_sessions, milliseconds_of, solo_figures, time_chunks, warm_up_most
from model.interface import CameraPose, ChunkControls, ChunkLatents, FramesFHWC, Tensors
from serving.sessions.encoded import ChunkHeader, DecodedPart
from tests.fakes_model import INFO, FakeModel, FakeState, FakeTransformer
from tests.unit.bench.slopes import is_flat

CEILINGS = Ceilings(flops_per_s=100.0, bytes_per_s=10.0, dtype="float32")


class Clock:
    """Passes a second each time it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


def times_of(step_s: float, decode_s: float, count: int = 10) -> StageTimes:
    times = StageTimes()
    for _ in range(count):
        times.add([0.0, step_s, step_s + decode_s, step_s + decode_s])
    return times


def test_every_stage_of_every_chunk_is_timed() -> None:
    times = time_chunks(ModelLoop(FakeModel(), 1, Clock()), 5)
    seconds = {name: list(each) for name, each in times.seconds.items()}
    assert seconds == dict.fromkeys(STAGES, [1.0] * 5) | {CHUNK: [3.0] * 5}


def test_one_sessions_speed_is_its_frames_over_the_time_they_took() -> None:
    figures = solo_figures(times_of(0.03, 0.01), frames_per_chunk=12, frame_rate=16.0)
    assert figures.frames_per_s == pytest.approx(12 / 0.04)
    assert figures.times_real_time == pytest.approx(12 / 0.04 / 16)
    assert figures.ms_by_stage[TRANSFORMER].median == pytest.approx(30.0)


def test_percentiles_tell_slow_chunks() -> None:
    found = milliseconds_of([0.01] * 98 + [1.0] * 2)
    assert found.median == pytest.approx(10.0)
    assert found.p99 == pytest.approx(1_000.0)
    with pytest.raises(ValueError, match="nothing"):
        milliseconds_of([])


def test_a_batch_that_gains_nothing_costs_what_its_steps_cost_alone() -> None:
    rungs = rungs_of({1: times_of(0.1, 0.0), 2: times_of(0.2, 0.0), 4: times_of(0.2, 0.2)}, frames_per_chunk=1)
    assert [rung.against_solo for rung in rungs] == pytest.approx([1.0, 1.0, 0.5])
    assert [rung.frames_per_s for rung in rungs] == pytest.approx([10.0, 10.0, 10.0])


def test_sessions_of_a_batch_step_together() -> None:
    loop = ModelLoop(FakeModel(), 1, Clock())
    assert len(measure_ladder(loop, (3,), 4)[3].seconds[CHUNK]) == 4
    assert set(loop.transformer.num_steps) == {3}  # pyright: ignore[reportAttributeAccessIssue]


@dataclass
class SmallTransformer:
    """On a device that has memory for so many sessions."""

    most: int
    fake: FakeTransformer = field(default_factory=FakeTransformer)
    num_open: int = 0
    warmed: list[int] = field(default_factory=list)

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> SmallState:
        self._fit(self.num_open + 1)
        self.num_open += 1
        return SmallState(self.fake.open(seed, prompt, image), self)

    def restore(self, snapshot: Tensors) -> SmallState:
        raise NotImplementedError

    def step(self, states: Sequence[Any], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        return self.fake.step([each.fake for each in states], controls)

    def warm_up(self, num_sessions: int) -> None:
        self.warmed.append(num_sessions)
        self._fit(num_sessions)

    def _fit(self, num_sessions: int) -> None:
        if num_sessions > self.most:
            raise torch.OutOfMemoryError(f"{num_sessions} sessions")


@dataclass
class SmallState:
    fake: FakeState
    transformer: SmallTransformer

    @property
    def next_chunk_idx(self) -> int:
        return self.fake.next_chunk_idx

    @property
    def num_bytes(self) -> int:
        return self.fake.num_bytes

    def snapshot(self) -> Tensors:
        return self.fake.snapshot()

    def close(self) -> None:
        self.transformer.num_open -= 1


def loop_with_memory_for(most: int) -> tuple[ModelLoop, SmallTransformer]:
    loop, transformer = ModelLoop(FakeModel(), 1, Clock()), SmallTransformer(most)
    loop.transformer = transformer
    return loop, transformer


def test_sessions_are_measured_as_far_as_there_is_memory() -> None:
    device = Device(kind="cpu")
    for most, expected in ((9, 8), (3, 3), (1, 1)):
        loop, transformer = loop_with_memory_for(most)
        found = measure_sessions(loop, device, 7)
        assert found.num_sessions == expected
        assert (found.measured_bytes is None) == (expected == 1)
        assert found.counted_bytes > 0
        assert transformer.num_open == 0
    with pytest.raises(torch.OutOfMemoryError):
        measure_sessions(loop_with_memory_for(0)[0], device, 7)


def test_as_many_are_warmed_up_as_there_is_memory_for() -> None:
    loop, transformer = loop_with_memory_for(5)
    assert warm_up_most(loop, (1, 2, 4, 6, 8))[0] == 4
    assert transformer.warmed == [8, 6, 4]
    with pytest.raises(torch.OutOfMemoryError):
        warm_up_most(loop_with_memory_for(0)[0], (1, 2))


def test_a_preset_for_which_there_is_too_little_memory_still_has_its_other_figures() -> None:
    loop, _ = loop_with_memory_for(3)
    found = Subject(name="small", weights="random", dtype="float32", load=lambda _: Loaded(INFO, loop))
    config = EngineBenchConfig(device="cpu", chunks=12, first_frames=1, held_s=0, minutes=0)
    result = bench_engine(found, config, Speed(), lambda _: None)
    assert not result.faults
    memory, ladder = result.figures["memory"], result.figures["ladder"]
    assert (memory.num_sessions, memory.warm_sessions) == (3, 3)
    assert [rung.num_sessions for rung in ladder] == [1, 2, 3]
    assert any("3 were open at once" in sentence for sentence in result.summary)


def test_the_sizes_there_are_include_the_numbers_that_are_to_be_held() -> None:
    assert {3, 4, 6} < set(EngineBenchConfig().ladder)


def part(due_s: float) -> DecodedPart:
    header = ChunkHeader(
        chunk_idx=0,
        pose=CameraPose(x_m=0, y_m=0, yaw_deg=0, pitch_deg=0),
        due_s=due_s,
        num_outcomes_before=0,
        stage_seconds={},
    )
    return DecodedPart(header=header, frames_FHWC=None, samples_SC=None)


def test_a_chunk_is_on_time_until_it_is_due_and_counts_only_while_counting() -> None:
    grants: list[int] = []
    listener = Punctuality(lambda: grants.append(1), clock_s=lambda: 10.0)
    listener.decoded(part(due_s=0.0))
    listener.is_counting = True
    for due_s in (9.0, 10.0, 11.0):
        listener.decoded(part(due_s))
    assert (listener.num_made, listener.num_on_time, len(grants)) == (3, 2, 4)


def test_sessions_are_opened_so_late_that_the_last_chunk_of_their_period_comes_while_they_are_counted() -> None:
    for seconds, chunk_s in ((8.0, 1.0), (20.0, 0.48), (20.0, 0.75)):
        before = chunks_before(64, seconds, chunk_s)
        counted_from = before + 10  # after ten chunks they have settled
        assert counted_from < 64 < counted_from + seconds / chunk_s
    assert chunks_before(1, 20.0, 0.48) == chunks_before(64, 60.0, 0.48) == 0


def test_sessions_go_on_from_one_that_was_played_before() -> None:
    model = FakeModel()
    past = aged(ModelLoop(model, 1, Clock()), 30)
    assert past is not None
    assert int(past.engine.transformer["next_chunk_idx"]) == past.engine.next_chunk_idx == 30
    held = asyncio.run(hold(model, 2, 0.4, 1, past))
    assert held.num_made > 0
    assert aged(ModelLoop(model, 1, Clock()), 0) is None


def test_short_runs_last_until_everything_has_come_once() -> None:
    loop = ModelLoop(FakeModel(), 1, Clock())
    assert len(time_chunks(loop, 50, most_s=1.0, least_chunks=20).seconds[CHUNK]) == 20
    assert len(time_chunks(loop, 12, most_s=1.0, least_chunks=20).seconds[CHUNK]) == 12
    assert run_pipelined(loop, 50, most_s=0.0, least_chunks=20).num_chunks == 20


def test_a_chunk_is_decoded_beside_the_next_ones_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every decoding but the last ends only when the next chunk is being made."""
    loop = ModelLoop(FakeModel(), 1, Clock())
    stepping: Any = loop.transformer
    decode, first, last = loop.decode, WARM_UP_CHUNKS + FIRST_CHUNKS, WARM_UP_CHUNKS + FIRST_CHUNKS + 5
    begun = {chunk_idx: threading.Event() for chunk_idx in range(last + 1)}
    stepping.during_step = lambda: begun[len(stepping.num_steps) - 1].set()

    def decode_late(session: Session, latents: ChunkLatents) -> FramesFHWC:
        if first <= latents.chunk_idx < last:
            assert begun[latents.chunk_idx + 1].wait(timeout=30.0), "one after the other"
        return decode(session, latents)

    monkeypatch.setattr(loop, "decode", decode_late)
    found = run_pipelined(loop, 5, now_s=Clock())
    assert (found.num_chunks, found.seconds) == (5, 5.0)
    assert found.frames_per_s == INFO.frames_per_chunk
    assert found.times_real_time == pytest.approx(INFO.frames_per_chunk / INFO.frame_rate)


def test_a_failure_of_the_decoder_beside_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = ModelLoop(FakeModel(), 1, Clock())
    calls: list[int] = []

    def decode(*_: object) -> np.ndarray:
        calls.append(1)
        if len(calls) > 5:
            raise RuntimeError("no more")
        return np.zeros((1, INFO.height_px, INFO.width_px, 3), np.uint8)

    monkeypatch.setattr(loop, "decode", decode)
    with pytest.raises(RuntimeError, match="no more"):
        run_pipelined(loop, 20)


def punctual(num_made: int, num_on_time: int) -> Punctuality:
    listener = Punctuality(lambda: None)
    listener.num_made, listener.num_on_time = num_made, num_on_time
    return listener


def test_attainment_counts_chunks_that_were_never_made_as_late() -> None:
    assert held_of([punctual(100, 100), punctual(99, 99)], 10.0, 0.1).attainment == 1.0
    slipped = held_of([punctual(50, 50), punctual(50, 50)], 10.0, 0.1)
    assert slipped.attainment == pytest.approx(100 / 198)
    assert not slipped.is_held
    late = held_of([punctual(100, 90)], 10.0, 0.1)
    assert late.attainment == pytest.approx(89 / 99)
    assert held_of([punctual(0, 0)], 10.0, 0.1).attainment == 0.0


def test_sessions_are_held_up_to_the_first_number_that_is_not() -> None:
    good = Held(num_sessions=1, seconds=1, num_expected=100, num_made=100, num_on_time=99)
    bad = replace(good, num_sessions=2, num_on_time=98)
    assert most_held([replace(good, num_sessions=4), bad, good]) == 1
    assert most_held([bad]) == 0


def test_growth_is_seen_and_flatness_called_flat() -> None:
    flat = [MemorySample(time_s=2.0 * idx, used_bytes=10**9 + 10**5 * (-1) ** idx) for idx in range(100)]
    growing = [replace(each, used_bytes=each.used_bytes + int(10_000 * each.time_s)) for each in flat]
    times = times_of(0.02, 0.01, count=1_000)
    assert is_flat(flatness_of(times, flat).used_bytes)
    assert not is_flat(flatness_of(times, growing).used_bytes)
    assert flatness_of(times, flat).host_bytes is None
    beside = flatness_of(
        times, [replace(each, host_bytes=other.used_bytes) for each, other in zip(flat, growing, strict=True)]
    )
    assert is_flat(beside.used_bytes)
    assert beside.host_bytes is not None
    assert not is_flat(beside.host_bytes)
    assert flatness_of(times, flat).chunk_p99_s.ratio == pytest.approx(1.0)
    with pytest.raises(ValueError, match="points"):
        flatness_of(times, flat[:2])


def test_a_roofline_is_bound_by_whatever_takes_longer() -> None:
    work = Work(flops=200, traffic_bytes=90, outside_bytes=10)
    bound = roofline_of(work, CEILINGS, seconds=4.0)
    assert (bound.bound_by, bound.bound_s, bound.bound_share, bound.compute_share) == ("compute", 2.0, 0.5, 0.5)
    memory = roofline_of(replace(work, outside_bytes=40), CEILINGS, seconds=8.0)
    assert (memory.bound_by, memory.bound_s, memory.bound_share, memory.compute_share) == ("memory", 4.0, 0.5, 0.25)
    assert roofline_of(work, CEILINGS, None).compute_share is None
    partly = replace(work, eight_bit_flops=150)
    assert roofline_of(partly, CEILINGS, None).compute_s == 2.0, "no quicker where 8 bits are not"
    assert roofline_of(partly, replace(CEILINGS, eight_bit_flops_per_s=300.0), None).compute_s == 1.0
    with pytest.raises(ValueError, match="some time"):
        roofline_of(work, CEILINGS, 0.0)


def test_a_ceiling_is_the_shortest_of_several() -> None:
    clock = Clock()
    slow_until_s = 20.0

    def run() -> None:
        clock.now_s += 5.0 if clock.now_s < slow_until_s else 0.0

    assert shortest_s(run, clock) == 1.0


def test_a_chunk_that_is_no_picture_is_refused() -> None:
    pose = CameraPose(x_m=0, y_m=0, yaw_deg=0, pitch_deg=0)
    latents = ChunkLatents(chunk_idx=3, video={"latents": np.array([np.nan])}, audio={}, pose=pose)
    with pytest.raises(ValueError, match="chunk 3: latents is not finite"):
        check_chunk(INFO, latents, np.zeros((1, INFO.height_px, INFO.width_px, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        check_chunk(INFO, replace(latents, video={}), np.zeros((1, 2, 2, 3), np.uint8))


@pytest.mark.parametrize(
    "fields", [{"chunks": 0}, {"ladder": ()}, {"ladder": (2, 1)}, {"ladder": (0,)}, {"minutes": -1}]
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"chunks|ladder|minutes"):
        EngineBenchConfig(**fields)  # pyright: ignore[reportArgumentType]


def test_a_device_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="device must be"):
        Device.chosen("abacus")


SHORT = ["--chunks=12", "--first-frames=2", "--ladder=1,2", "--held=0.5", "--minutes=0", "--device=cpu", "--json"]


def test_the_command_measures_and_writes_a_dated_file(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["tests.fakes_model:load", *SHORT, f"--results={tmp_path}"])
    assert done.exit_code == 0, done.output
    (file,) = tmp_path.glob("*-engine-*.json")
    (written,) = json.loads(done.stdout)
    assert written == json.loads(file.read_text())
    assert {"commit", "hardware", "measured_at"} <= set(written)
    figures = written["figures"]
    assert figures["solo"]["ms_by_stage"][TRANSFORMER]["count"] == 12
    assert figures["pipelined"]["num_chunks"] == 12
    assert [rung["num_sessions"] for rung in figures["ladder"]] == [1, 2]
    assert figures["held"][0]["num_expected"] == 5
    assert set(figures["rooflines"]) == set(STAGES)


def test_a_model_that_fails_is_a_fault_and_ends_with_status_1(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["tests.unit.bench.engine.broken:load", *SHORT, f"--results={tmp_path}"])
    assert done.exit_code == 1
    (file,) = tmp_path.glob("*-engine-*.json")
    assert json.loads(file.read_text())["faults"] == ["the fake was told to fail"]


def test_a_preset_that_is_none_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["no-such-preset", f"--results={tmp_path}"])
    assert done.exit_code == 2
    assert not list(tmp_path.iterdir())
