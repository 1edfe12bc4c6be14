"""The step loop by hand: a fake clock, one round at a time, no thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.schedule import ScheduleConfig
from serving.engine.session import AUTOMATIC
from serving.errors import CapacityExhaustedError, SessionNotFoundError, WorkerUnavailableError
from serving.sessions.contract import Accepted, Applied, Look, Move, Notice, Rejected, SnapshotRequest, Superseded
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedKind, HeldAxes, LatentChunk, Opening
from serving.sessions.journal import MemoryJournal, MemoryJournalStore, Tell
from serving.sessions.snapshot import EngineSnapshot
from tests.fakes_model import INFO, FakeTransformer

CHUNK_S = 0.08
LEAD_S = 0.12
WALL_OFFSET_S = 1000.0  # the wall clock stands elsewhere than the engine's


NEXT = SnapshotRequest(request_id="next")


@dataclass(slots=True)
class FakeClock:
    now_s: float = 5.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True)
class RecordingSink:
    heard: list[Notice | LatentChunk | EngineSnapshot | tuple[str, str]] = field(default_factory=list)

    requests: list[SnapshotRequest] = field(default_factory=list)
    num_leaves: int = 0

    def outcomes(self, outcomes: tuple[Notice, ...]) -> None:
        self.heard += outcomes

    def chunk(self, chunk: LatentChunk) -> None:
        self.heard.append(chunk)

    def snapshot(self, snapshot: EngineSnapshot, request: SnapshotRequest) -> None:
        self.heard.append(snapshot)
        self.requests.append(request)

    def leave(self) -> None:
        self.num_leaves += 1

    def ended(self, reason: str, message: str) -> None:
        self.heard.append((reason, message))

    @property
    def chunks(self) -> list[LatentChunk]:
        return [each for each in self.heard if isinstance(each, LatentChunk)]

    @property
    def snapshots(self) -> list[EngineSnapshot]:
        return [each for each in self.heard if isinstance(each, EngineSnapshot)]

    @property
    def chunk_idxs(self) -> list[int]:
        return [chunk.header.chunk_idx for chunk in self.chunks]


@dataclass(slots=True)
class Bench:
    clock: FakeClock
    transformer: FakeTransformer
    journals: KeptJournals
    engine: Engine

    def open(self, session_id: str = "a", seed: int = 7, snapshot: EngineSnapshot | None = None) -> RecordingSink:
        sink = RecordingSink()
        opened = self.engine.open(Opening(session_id=session_id, seed=seed), sink, snapshot)
        self.engine.run_round()
        opened.result(timeout=0)
        return sink

    def take_over(self, due_s: float, session_id: str = "a") -> RecordingSink:
        """From another worker, which made the next chunk due then by the engine's clock."""
        sink = RecordingSink()
        snapshot = self.transformer.open(7, None, None).snapshot()
        engine = EngineSnapshot(
            session_id=session_id, seed=7, next_chunk_idx=0, journal_position=0, held=HeldAxes(), transformer=snapshot
        )
        opening = Opening(session_id=session_id, seed=7, epoch=2, due_s=due_s + WALL_OFFSET_S)
        opened = self.engine.open(opening, sink, engine)
        self.engine.run_round()
        opened.result(timeout=0)
        return sink

    def run_until(self, end_s: float) -> None:
        """Rounds as the thread would run them, with steps that take no time."""
        while True:
            wait_s = self.engine.run_round()
            if wait_s is None or self.clock.now_s + wait_s > end_s:
                self.clock.now_s = end_s
                return
            self.clock.now_s += wait_s


@pytest.fixture
def bench() -> Bench:
    return make_bench()


class KeptJournals(MemoryJournalStore):
    """Remembers how to take sessions away."""

    def __init__(self) -> None:
        super().__init__()
        self.on_lost: dict[str, Callable[[str], None]] = {}

    def create(
        self, opening: Opening, next_chunk_idx: int = 0, on_lost: Callable[[str], None] | None = None
    ) -> MemoryJournal:
        assert on_lost is not None
        self.on_lost[opening.session_id] = on_lost
        return super().create(opening, next_chunk_idx, on_lost)


def make_bench(
    num_slots: int = 2,
    fail_at_chunk: int | None = None,
    batch_sizes: tuple[int, ...] = (1, 2),
    journals: KeptJournals | None = None,
    snapshot_every_chunks: int = 0,
) -> Bench:
    clock = FakeClock()
    transformer = FakeTransformer(fail_at_chunk=fail_at_chunk)
    journals = journals or KeptJournals()
    engine = Engine(
        transformer,
        INFO,
        config=EngineConfig(num_slots=num_slots, snapshot_every_chunks=snapshot_every_chunks),
        schedule_config=ScheduleConfig(chunk_duration_s=CHUNK_S, delivery_lead_s=LEAD_S, batch_sizes=batch_sizes),
        journals=journals,
        clock=clock,
        wall_clock=lambda: clock() + WALL_OFFSET_S,
    )
    return Bench(clock, transformer, journals, engine)


def control(control_id: str, kind: EncodedKind) -> EncodedControl:
    return EncodedControl(control_id=control_id, kind=kind, received_s=0.0)


def test_the_first_chunk_is_made_at_open_and_handed_over_with_the_first_credit(bench: Bench) -> None:
    sink = bench.open()
    assert bench.transformer.num_steps == [1]
    assert sink.heard == []
    bench.engine.grant("a", 1)
    bench.engine.run_round()
    assert sink.chunk_idxs == [0]
    assert bench.transformer.num_steps == [1]
    assert sink.chunks[0].header.due_s == pytest.approx(WALL_OFFSET_S + 5.0 + LEAD_S)


def test_credit_bounds_what_is_generated(bench: Bench) -> None:
    sink = bench.open()
    assert bench.engine.run_round() is None
    bench.engine.grant("a", 3)
    bench.run_until(9.0)
    assert sink.chunk_idxs == [0, 1, 2]
    assert bench.engine.run_round() is None


def test_chunks_are_due_one_duration_apart(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 10)
    bench.run_until(9.0)
    due_s = [chunk.header.due_s for chunk in sink.chunks]
    assert np.diff(due_s) == pytest.approx([CHUNK_S] * 9)


def test_a_chunk_is_not_stepped_before_its_start(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 5)
    bench.run_until(5.0 + 2.5 * CHUNK_S)
    assert sink.chunk_idxs == [0, 1, 2]


def test_a_pause_for_want_of_credit_moves_the_deadlines_on(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 2)
    bench.run_until(8.0)
    bench.engine.grant("a", 2)
    bench.run_until(9.0)
    assert sink.chunks[2].header.due_s == pytest.approx(WALL_OFFSET_S + 8.0 + LEAD_S)
    assert sink.chunks[3].header.due_s == pytest.approx(WALL_OFFSET_S + 8.0 + CHUNK_S + LEAD_S)


def test_a_control_is_accepted_journaled_and_applied_at_the_next_boundary(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 4)
    bench.run_until(5.0 + 1.5 * CHUNK_S)
    bench.engine.post("a", control("go", Move(forward=1.0, strafe=0.0)))
    bench.run_until(6.0)
    applied = Applied(control_id="go", chunk_idx=2, frame_idx=2, world_time_s=2 * INFO.chunk_duration_s)
    assert sink.heard[2:4] == [Accepted(control_id="go"), applied]
    assert sink.heard.index(applied) < sink.heard.index(sink.chunks[2])
    assert [chunk.header.pose.x_m for chunk in sink.chunks] == [0.0, 0.0, 1.0, 2.0]
    journal = bench.journals.find("a")
    assert journal is not None
    assert [entry.applied_chunk_idx for entry in journal.entries()] == [2]


def test_a_chunk_says_how_many_outcomes_came_before_it(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 1)
    bench.run_until(5.01)
    bench.engine.post("a", control("one", Move(forward=1.0, strafe=0.0)))
    bench.engine.post("a", control("two", Move(forward=0.5, strafe=0.0)))  # accepted, and supersedes one
    bench.engine.grant("a", 1)
    bench.run_until(6.0)
    assert [chunk.header.num_outcomes_before for chunk in sink.chunks] == [0, 4]


def test_superseded_controls_are_in_the_journal_as_such(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.post("a", control("one", Look(yaw=1.0, pitch=0.0)))
    bench.engine.post("a", control("two", Look(yaw=0.5, pitch=0.0)))
    bench.engine.run_round()
    accepted = [Accepted(control_id="one"), Accepted(control_id="two")]
    assert sink.heard == [*accepted, Superseded(control_id="one", by_control_id="two")]
    journal = bench.journals.find("a")
    assert journal is not None
    assert [(entry.superseded_by, entry.is_pending) for entry in journal.entries()] == [("two", False), (None, True)]


class SlowJournals(KeptJournals):
    """Makes nothing durable until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Mapping[str, Tell]] = []

    def commit(self, tell: Mapping[str, Tell]) -> None:
        self.waiting.append(tell)

    def finish(self, *, is_durable: bool = True) -> None:
        while self.waiting:
            for tell in self.waiting.pop(0).values():
                tell(is_durable)


def test_outcomes_are_told_once_durable_and_chunks_wait_for_them_by_their_number() -> None:
    bench = make_bench(journals=SlowJournals())
    assert isinstance(bench.journals, SlowJournals)
    sink = RecordingSink()
    opened = bench.engine.open(Opening(session_id="a", seed=7), sink)
    bench.engine.run_round()
    assert not opened.done()
    bench.journals.finish()
    assert opened.result(timeout=0) == 0
    bench.engine.grant("a", 2)
    bench.engine.post("a", control("go", Move(forward=1.0, strafe=0.0)))
    bench.run_until(6.0)
    assert [chunk.header.num_outcomes_before for chunk in sink.chunks] == [0, 2]
    assert sink.heard == sink.chunks
    bench.journals.finish()
    assert sink.heard[2:] == [
        Accepted(control_id="go"),
        Applied(control_id="go", chunk_idx=1, frame_idx=1, world_time_s=INFO.chunk_duration_s),
    ]


def test_d02_a_control_that_waits_for_the_catalogue_is_accepted_as_not_durable() -> None:
    bench = make_bench(journals=SlowJournals())
    assert isinstance(bench.journals, SlowJournals)
    sink = RecordingSink()
    bench.engine.open(Opening(session_id="a", seed=7), sink)
    bench.engine.run_round()
    bench.journals.finish()
    bench.engine.grant("a", 2)
    bench.engine.post("a", control("go", Move(forward=1.0, strafe=0.0)))
    bench.run_until(6.0)
    bench.journals.finish(is_durable=False)
    outcomes = [each for each in sink.heard if isinstance(each, Accepted | Applied)]
    assert [type(each) for each in outcomes] == [Accepted, Applied]
    assert outcomes[0] == Accepted(control_id="go", durable=False)


def test_what_comes_while_a_chunk_is_made_does_not_hold_it_up() -> None:
    bench = make_bench()
    sink = bench.open()
    bench.engine.grant("a", 3)
    bench.run_until(5.0 + 0.5 * CHUNK_S)
    bench.transformer.during_step = lambda: bench.engine.post("a", control("go", Move(forward=1.0, strafe=0.0)))
    bench.engine.run_round()
    bench.clock.now_s += CHUNK_S
    bench.engine.run_round()
    assert [chunk.header.num_outcomes_before for chunk in sink.chunks] == [0, 0]
    bench.transformer.during_step = None
    bench.run_until(6.0)
    assert [chunk.header.num_outcomes_before for chunk in sink.chunks] == [0, 0, 2]


def test_i_02_a_control_is_accepted_while_a_step_runs(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 3)
    told: list[object] = []

    def post() -> None:
        bench.transformer.during_step = None
        bench.engine.post("a", control("go", Move(forward=1.0, strafe=0.0)))
        told.extend(sink.heard)

    bench.transformer.during_step = post
    bench.run_until(6.0)
    assert told[-1] == Accepted(control_id="go")
    assert [type(each) for each in sink.heard if isinstance(each, Accepted | Applied)] == [Accepted, Applied]


def test_all_sessions_of_a_boundary_are_journaled_in_one_commit() -> None:
    bench = make_bench(journals=SlowJournals())
    assert isinstance(bench.journals, SlowJournals)
    for session_id in ("a", "b"):
        bench.engine.open(Opening(session_id=session_id, seed=7), RecordingSink())
    bench.engine.run_round()
    bench.journals.finish()
    for session_id in ("a", "b"):
        bench.engine.grant(session_id, 2)
    bench.run_until(5.01)
    for session_id in ("a", "b"):
        bench.engine.post(session_id, control("go", Move(forward=1.0, strafe=0.0)))
    bench.run_until(6.0)
    assert [set(tell) for tell in bench.journals.waiting] == [{"a"}, {"b"}, {"a", "b"}], (
        "accepted at once, done together"
    )


def test_a_session_that_another_worker_took_ends_and_its_controls_are_left_to_that_one(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.post("a", control("x", Move(forward=1.0, strafe=0.0)))
    on_lost = bench.journals.on_lost["a"]
    on_lost("another worker has the session")
    assert sink.heard == [Accepted(control_id="x"), ("WORKER_LOST", "another worker has the session")]
    assert bench.engine.num_used_slots == 0
    on_lost("again")
    assert len(sink.heard) == 2


def test_sessions_on_record_are_stored_every_so_many_chunks() -> None:
    bench = make_bench(snapshot_every_chunks=5)
    on_record, warming_up = RecordingSink(), RecordingSink()
    bench.engine.open(Opening(session_id="a", seed=7, epoch=1), on_record)
    bench.engine.open(Opening(session_id="b", seed=7), warming_up)
    bench.engine.run_round()
    for session_id in ("a", "b"):
        bench.engine.grant(session_id, 12)
    bench.run_until(9.0)
    assert [snapshot.next_chunk_idx for snapshot in on_record.snapshots] == [5, 10]
    assert on_record.requests == [AUTOMATIC] * 2
    assert warming_up.snapshots == []


def test_a_snapshot_of_a_paused_session_waits_for_the_last_chunk_it_may_make() -> None:
    bench = make_bench()
    sink = bench.open()
    bench.engine.grant("a", 5)
    bench.run_until(5.0 + 2.5 * CHUNK_S)
    paused = SnapshotRequest(request_id="last", when_paused=True)
    bench.engine.take_snapshot("a", paused)
    bench.engine.take_snapshot("a", NEXT)
    bench.run_until(9.0)
    made = [snapshot.next_chunk_idx for snapshot in sink.snapshots]
    assert (sink.requests, made[-1]) == ([NEXT, paused], 5)
    assert made[0] < 5


def test_a_worker_that_will_stop_asks_its_sessions_to_leave_and_takes_no_other(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.reserve("c")
    assert bench.engine.ask_to_leave() == 1
    assert sink.num_leaves == 1
    for session_id in ("b", "a"):  # the one that plays here is to find a place elsewhere
        with pytest.raises(CapacityExhaustedError, match="takes no new session"):
            bench.engine.reserve(session_id)
    bench.open("c")  # was promised its place before


def test_a_worker_that_was_asked_in_vain_takes_sessions_again(bench: Bench) -> None:
    bench.engine.ask_to_leave()
    assert bench.engine.is_leaving
    bench.engine.accept_again()
    assert not bench.engine.is_leaving
    bench.open("a")
    bench.engine.reserve("a")


def test_sessions_due_together_step_together_and_come_out_as_alone() -> None:
    together, alone = make_bench(), make_bench(num_slots=1)
    sinks = [together.open("a", seed=1), together.open("b", seed=2)]
    for session_id in ("a", "b"):
        together.engine.grant(session_id, 5)
    together.run_until(7.0)
    lone_sink = alone.open("b", seed=2)
    alone.engine.grant("b", 5)
    alone.run_until(7.0)
    assert together.transformer.num_steps[2:] == [2, 2, 2, 2]
    assert sinks[0].chunk_idxs == sinks[1].chunk_idxs == [0, 1, 2, 3, 4]
    assert_same_chunks(sinks[1].chunks, lone_sink.chunks)


def test_slots_run_out_and_a_closed_session_gives_its_own_back(bench: Bench) -> None:
    bench.open("a")
    bench.open("b")
    with pytest.raises(CapacityExhaustedError):
        bench.engine.open(Opening(session_id="c", seed=1), RecordingSink())
    bench.engine.close("a")
    bench.engine.close("a")
    assert bench.engine.num_used_slots == 1
    bench.open("c")


def test_a_reserved_slot_is_kept_for_its_session(bench: Bench) -> None:
    bench.engine.reserve("a")
    bench.open("b")
    with pytest.raises(CapacityExhaustedError):
        bench.engine.reserve("c")
    bench.open("a")
    bench.engine.release("a")  # it is open now: nothing to give back
    assert bench.engine.num_used_slots == 2


def test_a_closed_session_is_heard_of_no_more(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.grant("a", 5)
    bench.run_until(5.1)
    bench.engine.close("a")
    num_heard = len(sink.heard)
    bench.run_until(6.0)
    assert len(sink.heard) == num_heard
    with pytest.raises(SessionNotFoundError):
        bench.engine.post("a", control("x", Move(forward=0.0, strafe=0.0)))
    with pytest.raises(SessionNotFoundError):
        bench.engine.grant("a", 1)


def test_a_failing_step_ends_its_sessions_settles_their_controls_and_spares_the_rest() -> None:
    bench = make_bench(fail_at_chunk=2, batch_sizes=(1,))
    failing, spared = bench.open("a"), bench.open("b")
    bench.engine.grant("a", 5)
    bench.engine.grant("b", 2)
    bench.run_until(5.1)
    bench.engine.post("a", control("x", Move(forward=1.0, strafe=0.0)))
    bench.run_until(6.0)
    assert failing.chunk_idxs == [0, 1]
    assert failing.heard[-1] == ("WORKER_LOST", "the model failed")
    assert spared.chunk_idxs == [0, 1]
    assert bench.engine.num_used_slots == 1


def test_ending_everything_settles_what_still_waits(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.post("a", control("x", Move(forward=1.0, strafe=0.0)))
    bench.engine.end_all("SERVICE_STOPPING", "stopping")
    [accepted, rejected, ended] = sink.heard
    assert accepted == Accepted(control_id="x")
    assert isinstance(rejected, Rejected)
    assert (rejected.control_id, rejected.reason) == ("x", "SESSION_ENDED")
    assert ended == ("SERVICE_STOPPING", "stopping")
    assert bench.engine.num_used_slots == 0


def test_a_session_that_cannot_be_opened_gives_its_slot_back() -> None:
    bench = make_bench(fail_at_chunk=0)
    opened = bench.engine.open(Opening(session_id="a", seed=1), RecordingSink())
    bench.engine.run_round()
    with pytest.raises(WorkerUnavailableError):
        opened.result(timeout=0)
    assert bench.engine.num_used_slots == 0


def test_a_session_restored_from_a_snapshot_goes_on_bit_for_bit() -> None:
    straight, first, second = make_bench(), make_bench(), make_bench()
    uninterrupted, before = straight.open(), first.open()
    for each in (straight, first):
        each.engine.grant("a", 3)
        each.engine.post("a", control("go", Move(forward=1.0, strafe=0.5)))
        each.run_until(6.0)
    first.engine.take_snapshot("a", NEXT)
    first.engine.run_round()
    snapshot = before.heard[-1]
    assert isinstance(snapshot, EngineSnapshot)
    assert snapshot.next_chunk_idx == 3
    after = second.open(snapshot=snapshot)
    for each in (straight, second):
        directive = EncodedDirective(text="rain", tensors={"text": np.ones(32, np.float32)})
        each.engine.post("a", control("rain", directive))
        each.engine.grant("a", 4)
        each.run_until(7.0)
    assert after.chunk_idxs == [3, 4, 5, 6]
    assert_same_chunks(uninterrupted.chunks[3:], after.chunks)


def test_a_snapshot_asked_for_before_the_first_credit_waits_for_the_first_boundary(bench: Bench) -> None:
    sink = bench.open()
    bench.engine.take_snapshot("a", NEXT)
    bench.engine.run_round()
    assert sink.heard == []
    bench.engine.grant("a", 1)
    bench.engine.run_round()
    assert [type(each) for each in sink.heard] == [LatentChunk, EngineSnapshot]


def test_the_engine_knows_how_long_it_has_been_busy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    original = FakeTransformer.step

    def slow_step(self, states, controls):
        bench.clock.now_s += 3.0
        seen.append(bench.engine.busy_for_s)
        return original(self, states, controls)

    monkeypatch.setattr(FakeTransformer, "step", slow_step)
    bench.open()
    assert seen == [3.0]
    assert bench.engine.busy_for_s == 0.0


def assert_same_chunks(expected: list[LatentChunk], actual: list[LatentChunk]) -> None:
    assert len(expected) == len(actual)
    for one, other in zip(expected, actual, strict=True):
        # When it was due and counted is not part of the world.
        assert replace(one.header, due_s=0, num_outcomes_before=0) == replace(
            other.header, due_s=0, num_outcomes_before=0
        )
        for mine, theirs in [(one.video, other.video), (one.audio, other.audio)]:
            assert mine is not None
            assert theirs is not None
            assert mine.keys() == theirs.keys()
            assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("gap_s", [0.0, 0.05, 0.2])
def test_p01_chunks_of_a_session_that_moved_are_due_as_if_it_had_not(bench: Bench, gap_s: float) -> None:
    due_s = bench.clock.now_s + LEAD_S
    sink = bench.take_over(due_s)
    bench.clock.now_s += gap_s
    bench.engine.grant("a", 4)
    bench.run_until(bench.clock.now_s + 1.0)
    dues = [chunk.header.due_s - WALL_OFFSET_S for chunk in sink.chunks]
    assert dues == pytest.approx([due_s + idx * CHUNK_S for idx in range(4)])


def test_p01_one_that_moved_and_waits_for_its_client_goes_on_from_then(bench: Bench) -> None:
    sink = bench.take_over(bench.clock.now_s + LEAD_S)
    bench.clock.now_s += 3.0
    granted_s = bench.clock.now_s
    bench.engine.grant("a", 1)
    bench.run_until(granted_s + 1.0)
    [chunk] = sink.chunks
    assert chunk.header.due_s - WALL_OFFSET_S == pytest.approx(granted_s + LEAD_S)
