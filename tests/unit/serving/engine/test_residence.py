"""More sessions than there is room for: who parks, who is woken, and that nobody's chunks are others for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from model.interface import ChunkControls, ChunkLatents, SessionState, Tensors
from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.metrics import NoStageMetrics
from serving.engine.residence import ResidenceConfig, Resident, who_leaves, who_rests
from serving.engine.schedule import ScheduleConfig
from serving.errors import CapacityExhaustedError
from serving.sessions.contract import SnapshotRequest
from serving.sessions.encoded import Opening
from serving.sessions.journal import MemoryJournalStore
from tests.fakes_model import INFO, FakeState, FakeTransformer
from tests.unit.serving.engine.test_engine import CHUNK_S, FakeClock, RecordingSink


@dataclass(slots=True)
class TightTransformer(FakeTransformer):
    """With room for so many. What has none must not be stepped."""

    num_rooms: int = 0
    here: set[int] = field(default_factory=set)
    moves: list[str] = field(default_factory=list)

    def prepare(self, num_sessions: int) -> None:
        self.num_rooms = num_sessions

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> FakeState:
        return self._entered(super(TightTransformer, self).open(seed, prompt, image))

    def restore(self, snapshot: Tensors) -> FakeState:
        return self._entered(super(TightTransformer, self).restore(snapshot))

    def park(self, state: SessionState) -> None:
        self.here.remove(id(state))
        self.moves.append("park")

    def wake(self, state: Any) -> None:
        self._entered(state)
        self.moves.append("wake")

    def step(self, states: Sequence[Any], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        assert {id(state) for state in states} <= self.here, "a step of one that is parked"
        return super(TightTransformer, self).step(states, controls)

    def _entered(self, state: FakeState) -> FakeState:
        if len(self.here) == self.num_rooms:
            raise MemoryError("no room")
        self.here.add(id(state))
        return state


@dataclass(slots=True)
class ParkedMetrics(NoStageMetrics):
    seen: list[tuple[int, int]] = field(default_factory=list)
    num_woken: int = 0

    def parked(self, num_sessions: int, num_bytes: int) -> None:
        self.seen.append((num_sessions, num_bytes))

    def sessions_woken(self, num_sessions: int, seconds: float) -> None:
        self.num_woken += num_sessions


@dataclass(slots=True)
class House:
    num_slots: int
    num_resident: int
    park_after_s: float = 10.0
    clock: FakeClock = field(default_factory=FakeClock)
    transformer: TightTransformer = field(default_factory=TightTransformer)
    metrics: ParkedMetrics = field(default_factory=ParkedMetrics)
    engine: Engine = field(init=False)
    sinks: dict[str, RecordingSink] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = EngineConfig(num_slots=self.num_slots, num_resident=self.num_resident, park_after_s=self.park_after_s)
        self.transformer.prepare(config.num_rooms)
        self.engine = Engine(
            self.transformer,
            INFO,
            config=config,
            schedule_config=ScheduleConfig(chunk_duration_s=CHUNK_S),
            journals=MemoryJournalStore(),
            metrics=self.metrics,
            clock=self.clock,
        )

    def open(self, name: str, credit: int = 0) -> RecordingSink:
        sink = self.sinks[name] = RecordingSink()
        opened = self.engine.open(Opening(session_id=name, seed=len(self.sinks)), sink)
        self.engine.run_round()
        opened.result(timeout=0)
        self.engine.grant(name, credit)
        return sink

    def run_for(self, seconds: float) -> None:
        end_s = self.clock.now_s + seconds
        while (wait_s := self.engine.run_round()) is not None and self.clock.now_s + wait_s <= end_s:
            self.clock.now_s += wait_s
        self.clock.now_s = end_s

    def close(self, name: str) -> None:
        [session] = [each for each in self.engine._roster.all if each.session_id == name]
        self.engine.close(name)
        self.engine.run_round()
        self.transformer.here.discard(id(session.state))


def chunks_of(sink: RecordingSink) -> list[Any]:
    return [np.asarray(chunk.video["latents"]) for chunk in sink.chunks if chunk.video is not None]


def alone(name_idx: int, num_chunks: int) -> list[Any]:
    house = House(1, 1)
    house.sinks = {str(idx): RecordingSink() for idx in range(name_idx)}  # the seed goes by their number
    sink = house.open("a", num_chunks)
    house.run_for(num_chunks * CHUNK_S)
    return chunks_of(sink)


def test_whoever_rested_longest_leaves_first_and_then_whose_chunk_begins_last() -> None:
    playing = [Resident(key=key, rest_s=None, next_start_s=start_s) for key, start_s in ((1, 5.0), (2, 9.0), (3, 7.0))]
    resting = [Resident(key=4, rest_s=0.0), Resident(key=5, rest_s=3.0)]
    assert who_leaves([*playing, *resting], (), num_wanted=4, num_room=5) == [5, 4, 2, 3]
    assert who_leaves([*playing, *resting], (5, 2), num_wanted=2, num_room=5) == [4, 3]
    assert who_leaves(playing, (), num_wanted=1, num_room=4) == []
    over = Resident(key=6, rest_s=math.inf)
    assert who_leaves([*playing, *resting, over], (), num_wanted=1, num_room=6) == [6]


def test_who_has_something_to_do_does_not_rest() -> None:
    residents = [Resident(key=1, rest_s=None), Resident(key=2, rest_s=9.9), Resident(key=3, rest_s=10.0)]
    assert who_rests(residents, 10.0) == [3]


@pytest.mark.parametrize("values", [{"num_resident": 0}, {"num_resident": 1, "park_after_s": -1.0}])
def test_what_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="num_resident"):
        ResidenceConfig(**values)


def test_a_session_that_rests_is_parked_after_a_while_and_goes_on_where_it_was() -> None:
    house = House(2, 1, park_after_s=10.0)
    sink = house.open("a", 3)
    house.run_for(9.0)
    assert house.transformer.moves == []
    house.run_for(2.0)
    assert house.transformer.moves == ["park"]
    assert house.metrics.seen[-1] == (1, 128)
    house.engine.grant("a", 2)
    house.run_for(1.0)
    assert house.transformer.moves == ["park", "wake"]
    assert house.metrics.seen[-1] == (0, 0)
    np.testing.assert_array_equal(chunks_of(sink), alone(0, 5))


def test_who_needs_room_takes_it_from_whoever_rests_at_once() -> None:
    house = House(3, 1)
    first = house.open("a", 2)
    house.run_for(1.0)
    second = house.open("b", 2)
    house.run_for(1.0)
    assert house.transformer.moves == ["park"]
    house.engine.grant("a", 2)
    house.run_for(1.0)
    assert house.transformer.moves == ["park", "park", "wake"]
    np.testing.assert_array_equal(chunks_of(first), alone(0, 4))
    np.testing.assert_array_equal(chunks_of(second), alone(1, 2))


def test_more_that_play_than_there_is_room_for_take_turns_and_nobody_waits_forever() -> None:
    house = House(3, 2)
    sinks = [house.open(name, 20) for name in "abc"]
    house.run_for(21 * CHUNK_S)
    for idx, sink in enumerate(sinks):
        np.testing.assert_array_equal(chunks_of(sink), alone(idx, 20))
    assert max(house.transformer.num_steps) <= 2
    assert house.metrics.num_woken > 10


def test_one_that_is_parked_can_be_snapshot_and_closed() -> None:
    house = House(2, 1)
    sink = house.open("a", 2)
    house.run_for(11.0)
    house.engine.take_snapshot("a", SnapshotRequest(request_id="now"))
    house.run_for(0.1)
    assert [each.next_chunk_idx for each in sink.snapshots] == [2]
    assert house.transformer.moves == ["park"]
    house.close("a")
    assert house.metrics.seen[-1] == (0, 0)
    house.open("b", 1)
    house.open("c", 1)
    house.run_for(1.0)
    assert len(house.sinks["c"].chunks) == 1


def test_slots_are_still_what_is_handed_out() -> None:
    house = House(2, 1)
    house.open("a")
    house.open("b")
    with pytest.raises(CapacityExhaustedError):
        house.open("c")


def test_with_room_for_all_nobody_is_ever_parked() -> None:
    for num_resident in (0, 2, 5):
        house = House(2, num_resident)
        house.open("a", 2)
        house.open("b", 2)
        house.run_for(60.0)
        assert (house.transformer.moves, house.metrics.seen) == ([], [])


def test_a_model_that_cannot_park_needs_room_for_all() -> None:
    config = EngineConfig(num_slots=2, num_resident=1)
    with pytest.raises(ValueError, match="cannot park sessions"):
        Engine(
            FakeTransformer(),
            INFO,
            config=config,
            schedule_config=ScheduleConfig(chunk_duration_s=CHUNK_S),
            journals=MemoryJournalStore(),
        )
