"""An engine with more to do than it can, on a fake clock that its steps move on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.interface import ChunkControls, ChunkLatents, Tensors
from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.metrics import NoStageMetrics
from serving.engine.overload import WHOLE, Level, OverloadConfig
from serving.engine.schedule import ScheduleConfig
from serving.errors import CapacityExhaustedError, WorkerSaturatedError
from serving.sessions.contract import QualityChanged, SetQuality, SnapshotRequest
from serving.sessions.encoded import Opening
from serving.sessions.journal import MemoryJournalStore
from serving.sessions.receipts import receipts_per_row
from serving.sessions.replay import controls_by_chunk
from serving.sessions.snapshot import EngineSnapshot
from tests.fakes_model import INFO, FakeState, FakeTransformer
from tests.unit.serving.engine.test_engine import FakeClock, RecordingSink

CHUNK_S = 0.08
LADDER = (WHOLE, Level(quality=0.5), Level(quality=0.5, rate=0.5))
QUICK = OverloadConfig(ladder=LADDER, enter_after_s=1.0, leave_after_s=2.0)


@dataclass(slots=True)
class SlowTransformer(FakeTransformer):
    """A step takes as long as `cost_s` says of its number of sessions and its quality; the clock goes on by that."""

    clock: FakeClock = field(default_factory=FakeClock)
    cost_s: Callable[[int, float], float] = lambda num_sessions, quality: 0.0
    qualities: list[float] = field(default_factory=list)

    def step(self, states: Sequence[Any], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        self.qualities += [each.quality for each in controls]
        self.clock.now_s += self.cost_s(len(states), min(each.quality for each in controls))
        return FakeTransformer.step(self, states, controls)


@dataclass(slots=True)
class CountedMetrics(NoStageMetrics):
    levels: list[int] = field(default_factory=list)
    num_slips: int = 0
    opened: list[str] = field(default_factory=list)

    def stage_opened(self, stage: str, cpu_seconds: float) -> None:
        assert cpu_seconds >= 0.0
        self.opened.append(stage)

    def degraded(self, level_idx: int) -> None:
        self.levels.append(level_idx)

    def session_slipped(self) -> None:
        self.num_slips += 1


@dataclass(slots=True)
class Rig:
    clock: FakeClock
    transformer: SlowTransformer
    journals: MemoryJournalStore
    metrics: CountedMetrics
    engine: Engine
    sinks: dict[str, RecordingSink] = field(default_factory=dict)

    def open(self, session_id: str, snapshot: EngineSnapshot | None = None) -> RecordingSink:
        sink = self.sinks[session_id] = RecordingSink()
        opened = self.engine.open(Opening(session_id=session_id, seed=7), sink, snapshot)
        self.engine.run_round()
        opened.result(timeout=0)
        self.engine.grant(session_id, 100_000)
        return sink

    def run_for(self, seconds: float) -> None:
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            wait_s = self.engine.run_round()
            assert wait_s is not None, "there is credit"
            self.clock.now_s += wait_s


def rig(
    cost_s: Callable[[int, float], float],
    num_slots: int = 8,
    overload: OverloadConfig = QUICK,
    max_load: float = 0.0,
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8),
) -> Rig:
    clock, journals, metrics = FakeClock(), MemoryJournalStore(), CountedMetrics()
    transformer = SlowTransformer(clock=clock, cost_s=cost_s)
    engine = Engine(
        transformer,
        INFO,
        config=EngineConfig(num_slots=num_slots, overload=overload, max_load=max_load),
        schedule_config=ScheduleConfig(chunk_duration_s=CHUNK_S, delivery_lead_s=0.12, batch_sizes=batch_sizes),
        journals=journals,
        metrics=metrics,
        clock=clock,
        wall_clock=clock,
    )
    return Rig(clock, transformer, journals, metrics, engine)


def told(sink: RecordingSink) -> list[QualityChanged]:
    return [each for each in sink.heard if isinstance(each, QualityChanged)]


def test_what_opening_takes_is_the_models() -> None:
    busy = rig(one_by_one(0.01))
    busy.open("s-1")
    busy.open("s-2")
    busy.run_for(1.0)
    assert busy.metrics.opened == ["transformer", "transformer"]


def one_by_one(seconds: float) -> Callable[[int, float], float]:
    """Sessions gain nothing by stepping together; half the quality takes half the time."""
    return lambda num_sessions, quality: num_sessions * quality * seconds


def test_a_worker_that_keeps_up_tells_nothing() -> None:
    busy = rig(one_by_one(0.03))
    sinks = [busy.open("a"), busy.open("b")]
    busy.run_for(20.0)
    assert [told(sink) for sink in sinks] == [[], []]
    assert set(busy.transformer.qualities) == {1.0}
    assert busy.metrics.levels == []


def test_a_worker_behind_takes_denoise_passes_tells_every_session_and_catches_up() -> None:
    busy = rig(one_by_one(0.05))
    sinks = [busy.open("a"), busy.open("b")]
    busy.run_for(5.0)
    for sink in sinks:
        [change] = told(sink)
        assert (change.quality, change.rate) == (0.5, 1.0)
    assert busy.metrics.levels == [1]
    slips = busy.metrics.num_slips
    busy.run_for(20.0)  # 2 x 25 ms of every 80; one level up would be 100
    assert busy.metrics.levels == [1]
    assert busy.metrics.num_slips == slips


def test_whoever_goes_on_with_a_session_first_repeats_what_may_have_been_shown() -> None:
    quiet = rig(one_by_one(0.01))
    left = quiet.open("a")
    quiet.run_for(1.0)
    quiet.engine.take_snapshot("a", SnapshotRequest(request_id="s"))
    quiet.run_for(1.0)
    busy = rig(one_by_one(0.05))
    for name in "xy":
        busy.open(name)
    busy.run_for(5.0)
    assert busy.metrics.levels == [1]
    sink = busy.open("a", left.snapshots[0])
    busy.run_for(10.0)
    changes = told(sink)
    assert changes
    assert changes[0].chunk_idx == left.snapshots[0].next_chunk_idx + receipts_per_row(INFO.chunk_duration_s)


def test_where_that_is_not_enough_worlds_go_slower_and_none_is_dropped() -> None:
    busy = rig(one_by_one(0.05))
    sinks = [busy.open(name) for name in "abcd"]
    busy.run_for(10.0)
    assert busy.metrics.levels == [1, 2]
    counts = [len(sink.chunks) for sink in sinks]
    slips = busy.metrics.num_slips
    busy.run_for(16.0)
    made = [len(sink.chunks) - before for sink, before in zip(sinks, counts, strict=True)]
    assert made == pytest.approx([100] * 4, abs=2)  # at half the rate
    assert busy.metrics.num_slips == slips
    for sink in sinks:
        assert sink.chunk_idxs == list(range(len(sink.chunks)))
        assert [(each.quality, each.rate) for each in told(sink)] == [(0.5, 1.0), (0.5, 0.5)]


def test_once_there_is_room_again_everything_comes_back() -> None:
    busy = rig(one_by_one(0.05))
    sink = busy.open("a")
    busy.open("b")
    busy.run_for(5.0)
    busy.engine.close("b")
    busy.run_for(10.0)
    assert [(each.quality, each.rate) for each in told(sink)] == [(0.5, 1.0), (1.0, 1.0)]
    assert busy.metrics.levels == [1, 0]


def test_x05_a_change_of_quality_is_on_record_at_its_chunk_so_that_a_replay_takes_the_same_passes() -> None:
    busy = rig(one_by_one(0.05))
    sink = busy.open("a")
    busy.open("b")
    busy.run_for(5.0)
    [change] = told(sink)
    journal = busy.journals.find("a")
    assert journal is not None
    [entry] = journal.entries()
    assert entry.control.kind == SetQuality(quality=0.5)
    assert entry.applied_chunk_idx == change.chunk_idx
    replayed = controls_by_chunk(journal.entries())
    qualities = [next(replayed).quality for _ in range(change.chunk_idx + 3)]
    assert qualities == [1.0] * change.chunk_idx + [0.5] * 3


def test_a_chunk_of_less_quality_comes_after_word_of_it() -> None:
    busy = rig(one_by_one(0.05))
    sink = busy.open("a")
    busy.open("b")
    busy.run_for(5.0)
    [change] = told(sink)
    before = {chunk.header.chunk_idx: chunk.header.num_outcomes_before for chunk in sink.chunks}
    assert (before[change.chunk_idx - 1], before[change.chunk_idx]) == (0, 1)


def test_a_session_that_begins_on_a_worker_that_is_behind_is_told_at_its_second_chunk() -> None:
    busy = rig(one_by_one(0.05))
    for name in "ab":
        busy.open(name)
    busy.run_for(5.0)
    late = busy.open("c")
    busy.run_for(1.0)
    assert told(late)[0] == QualityChanged(chunk_idx=1, quality=0.5, rate=1.0)


def test_sessions_that_gain_by_it_step_together_and_others_do_not() -> None:
    sharing = rig(lambda num_sessions, _: 0.02 + 0.002 * num_sessions)
    single = rig(one_by_one(0.01))
    for busy in (sharing, single):
        for name in "abcd":
            busy.open(name)
        busy.run_for(5.0)
        busy.transformer.num_steps.clear()
        busy.run_for(2.0)
    assert set(sharing.transformer.num_steps) == {4}
    assert set(single.transformer.num_steps) == {1}


def test_a_worker_whose_steps_leave_no_time_refuses_although_there_are_slots() -> None:
    busy = rig(one_by_one(0.03), max_load=0.9)
    for name in "ab":
        busy.open(name)
    busy.run_for(2.0)
    with pytest.raises(WorkerSaturatedError, match="3 sessions would take 11[0-9]% of the time"):
        busy.engine.reserve("c")
    assert isinstance(WorkerSaturatedError("x"), CapacityExhaustedError)  # a queue waits for it as for a slot
    busy.engine.reserve("a")  # one that is there keeps its place
    busy.engine.close("b")
    busy.engine.reserve("c")


def test_without_a_limit_slots_alone_count() -> None:
    busy = rig(one_by_one(0.03), num_slots=4)
    for name in "abc":
        busy.open(name)
    busy.run_for(2.0)
    busy.engine.reserve("d")
    with pytest.raises(CapacityExhaustedError):
        busy.engine.reserve("e")


@dataclass(slots=True)
class HoldingState(FakeState):
    """Takes one of a few places, and gives it back when it is closed."""

    places: list[str] = field(default_factory=list)

    def close(self) -> None:
        self.places.pop()


@dataclass(slots=True)
class HoldingTransformer(SlowTransformer):
    places: list[str] = field(default_factory=list)

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> HoldingState:
        assert len(self.places) < 2, "more states than there are slots"
        self.places.append("taken")
        state = FakeTransformer.open(self, seed, prompt, image)
        return HoldingState(seed=seed, memory=state.memory, pose=state.pose, places=self.places)


def test_who_takes_a_slot_finds_what_the_one_before_held_given_back() -> None:
    busy = rig(one_by_one(0.01), num_slots=2)
    holding = HoldingTransformer(clock=busy.clock, cost_s=one_by_one(0.01))
    busy.engine._transformer = holding
    for number in range(5):
        busy.open(str(number))
        busy.run_for(0.2)
        if number:
            busy.engine.close(str(number - 1))  # its state is still the engine's, until its next round
    assert len(holding.places) <= 2
    busy.engine.run_round()
    assert len(holding.places) == 1


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.0, 0.3), min_size=2, max_size=6), st.floats(0.02, 0.08), st.booleans())
def test_nobody_starves_however_late_the_worker_is(joins_s: list[float], cost_s: float, is_sharing: bool) -> None:
    """Every session makes as many chunks as any other, to a few that it came later."""

    def cost(num_sessions: int, quality: float) -> float:
        return cost_s * (0.5 + 0.5 * num_sessions) if is_sharing else cost_s * num_sessions

    busy = rig(cost, overload=OverloadConfig(ladder=(WHOLE,)))
    for number, join_s in enumerate(joins_s):
        if number:
            busy.run_for(join_s)
        busy.open(str(number))
    before = {name: len(sink.chunks) for name, sink in busy.sinks.items()}
    busy.run_for(8.0)
    made = [len(sink.chunks) - before[name] for name, sink in busy.sinks.items()]
    assert min(made) > 0
    assert max(made) - min(made) <= 0.05 * max(made) + 8
