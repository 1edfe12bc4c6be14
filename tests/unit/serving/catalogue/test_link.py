"""What a link that outlives its workers lets through, holds back and writes down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from serving.catalogue import worker_line
from serving.catalogue.link import PARKED, WORKER_LOST, DurableLink
from serving.errors import (
    CapacityExhaustedError,
    ChunkUnknownError,
    SessionEndedError,
    SessionFencedError,
    StorageUnavailableError,
    WorkerUnavailableError,
)
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    DecodedChunk,
    Directive,
    LinkEnded,
    LinkEvent,
    QualityChanged,
    Rejected,
    Rewound,
    SessionSpec,
    TakenSnapshot,
    WorldSpec,
)
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, HeldAxes
from serving.sessions.journal import JournalEntry
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot, pack
from tests.unit.serving.catalogue.scripted_link import ScriptedHome, ScriptedLink, chunk

pytestmark = pytest.mark.timeout(20)

SPEC = SessionSpec(session_id="s-1", world=WorldSpec(model="fake-xs", seed=1), epoch=1)
LOST = LinkEnded(reason=WORKER_LOST, message="gone")


def say(control_id: str) -> Control:
    return Control(control_id=control_id, kind=Directive(text="it rains"), received_s=0.0)


def applied(control_id: str, chunk_idx: int) -> Applied:
    return Applied(control_id=control_id, chunk_idx=chunk_idx, frame_idx=chunk_idx, world_time_s=0.0)


@dataclass(kw_only=True)
class Rig:
    home: ScriptedHome
    first: ScriptedLink
    link: DurableLink
    seen: list[LinkEvent] = field(default_factory=list)
    reading: asyncio.Task[None]

    @property
    def chunks(self) -> list[int]:
        return [event.chunk_idx for event in self.seen if isinstance(event, DecodedChunk)]

    @property
    def others(self) -> list[LinkEvent]:
        return [event for event in self.seen if not isinstance(event, DecodedChunk)]

    async def play(self, num_chunks: int) -> None:
        await self.link.grant(num_chunks)
        self.first.put(*(chunk(idx) for idx in range(num_chunks)))
        await until_quiet()


async def until_quiet() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rig_from(0) as rig:
        yield rig


@asynccontextmanager
async def rig_from(next_chunk_idx: int, shown_until: int = 0) -> AsyncIterator[Rig]:
    home, first = ScriptedHome(), ScriptedLink(SPEC)
    link = DurableLink(home, first, SPEC, next_chunk_idx, shown_until)
    seen: list[LinkEvent] = []

    async def read() -> None:
        async for event in link.events():
            seen.append(event)

    rig = Rig(home=home, first=first, link=link, seen=seen, reading=asyncio.create_task(read()))
    yield rig
    await link.close()
    await rig.reading


async def test_p01_a_session_does_not_move_before_the_chunks_before_its_snapshot_came(rig: Rig) -> None:
    await rig.play(2)
    await rig.link.grant(1)
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=3, data=b"state")
    moving = asyncio.create_task(rig.link.move())
    await until_quiet()
    assert not rig.first.is_closed, "the third chunk is still on its way"
    rig.first.put(chunk(2))
    await moving
    [second] = rig.home.links
    assert (second.spec.epoch, second.spec.resume_from, second.snapshot_given) == (2, None, b"state")
    second.put(chunk(3))
    await until_quiet()
    assert rig.chunks == [0, 1, 2, 3]


async def test_p01_a_session_whose_last_chunks_do_not_come_plays_on_where_it_is(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_line, "SNAPSHOT_TIMEOUT_S", 0.02)
    await rig.play(2)
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=4)
    with pytest.raises(WorkerUnavailableError):
        await rig.link.move()
    with pytest.raises(WorkerUnavailableError):
        await rig.link.park()
    await rig.link.grant(5)
    assert (rig.first.is_closed, rig.home.links, rig.first.num_granted) == (False, [], 7)


async def test_a_session_that_nobody_has_room_for_plays_on(rig: Rig) -> None:
    await rig.play(2)
    rig.home.room_error = CapacityExhaustedError("full")
    with pytest.raises(CapacityExhaustedError):
        await rig.link.move()
    await rig.link.grant(1)
    assert (rig.first.is_closed, rig.first.num_granted) == (False, 3)


async def test_a_session_that_would_not_play_elsewhere_plays_on(rig: Rig) -> None:
    await rig.play(2)
    rig.home.rehearsal_error = WorkerUnavailableError("it cannot")
    with pytest.raises(WorkerUnavailableError):
        await rig.link.move()
    await rig.link.grant(1)
    assert (rig.first.is_closed, rig.first.num_granted, rig.home.links) == (False, 3, [])


async def test_p01_a_session_plays_on_while_a_moment_of_it_is_played_elsewhere(rig: Rig) -> None:
    await rig.play(2)
    rig.home.is_new = True
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=2, data=b"state")
    await rig.link.move()
    assert rig.home.rehearsed == b"state"


async def test_x05_what_is_sent_while_a_session_moves_takes_effect_there_or_with_the_next_worker(rig: Rig) -> None:
    await rig.play(1)
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=2)
    moving = asyncio.create_task(rig.link.move())
    await until_quiet()
    await rig.link.send(say("in time"))
    await rig.link.send(say("too late"))
    await rig.link.grant(4)
    assert [control.control_id for control in rig.first.sent] == ["in time", "too late"]
    assert rig.first.num_granted == 1
    rig.first.put(Accepted(control_id="in time"), applied("in time", 1), chunk(1))
    await moving
    await until_quiet()
    [second] = rig.home.links
    assert [control.control_id for control in second.sent] == ["too late"]
    assert second.num_granted == 3  # of five, two came from the first


async def test_p01_a_lost_worker_is_followed_by_another_and_every_control_has_one_outcome(rig: Rig) -> None:
    await rig.play(2)
    for name in ("told", "unheard"):
        await rig.link.send(say(name))
    rig.first.put(Accepted(control_id="told"), applied("told", 2), LOST)
    await asyncio.wait_for(rig.home.reopened.wait(), 5)
    await until_quiet()
    [second] = rig.home.links
    assert second.spec.resume_from == 2
    assert [control.control_id for control in second.sent] == ["unheard"]
    second.put(Accepted(control_id="unheard"), Accepted(control_id="unheard"), applied("unheard", 3), chunk(2))
    await until_quiet()
    assert rig.chunks == [0, 1, 2]
    assert rig.others == [
        Accepted(control_id="told"),
        applied("told", 2),
        Accepted(control_id="unheard"),
        applied("unheard", 3),
    ]


async def test_p01_what_another_gateway_showed_is_put_on_record_and_not_told() -> None:
    async with rig_from(5, shown_until=8) as rig:
        await rig.link.grant(2)
        rig.first.put(*map(chunk, (5, 6, 7, 8)))
        await until_quiet()
        assert rig.chunks == [8]
        assert (await rig.link.standing()).next_chunk_idx == 9
    assert rig.home.receipts == [(SPEC.epoch, [5, 6, 7, 8])]


async def test_p01_a_worker_that_is_lost_meanwhile_is_followed_by_one_that_goes_on_with_it() -> None:
    async with rig_from(5, shown_until=8) as rig:
        await rig.link.grant(2)
        rig.first.put(chunk(5), LOST)
        await asyncio.wait_for(rig.home.reopened.wait(), 5)
        await until_quiet()
        [second] = rig.home.links
        assert (second.spec.resume_from, second.spec.shown_until, second.num_granted) == (6, 8, 2)
        second.put(*map(chunk, (6, 7, 8)))
        await until_quiet()
        assert rig.chunks == [8]


async def test_d10_one_that_goes_back_behind_what_was_shown_is_told_of_all_that_follows() -> None:
    async with rig_from(5, shown_until=8) as rig:
        rig.first.put(*map(chunk, (5, 6, 7)))
        await until_quiet()
        await rig.link.rewind(3)
        await until_quiet()
        [second] = rig.home.links
        assert (second.spec.resume_from, second.spec.shown_until) == (3, 0)
        second.put(chunk(3))
        await until_quiet()
        assert rig.chunks == [3]


async def test_p01_a_session_that_another_gateway_took_ends_here(rig: Rig) -> None:
    await rig.play(1)
    rig.home.take_over_error = SessionFencedError("epoch 7")
    rig.first.put(LOST)
    await rig.reading
    assert rig.seen[-1] == LinkEnded(reason=WORKER_LOST, message="another gateway has the session")
    with pytest.raises(SessionEndedError):
        await rig.link.move()


async def test_a_parked_session_is_written_down_with_all_its_chunks(rig: Rig) -> None:
    await rig.play(2)
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=3, num_bytes=10)
    parking = asyncio.create_task(rig.link.park())
    await until_quiet()
    rig.first.put(chunk(2))
    await parking
    await rig.reading
    assert rig.seen[-1] == LinkEnded(reason=PARKED, message="")
    await rig.link.close()
    assert rig.home.written == [("receipts", 3), ("parked", 3)]


async def test_a_session_that_cannot_be_kept_is_not_parked(rig: Rig) -> None:
    await rig.play(2)
    rig.first.snapshot_answer = StorageUnavailableError("the disk is full")
    with pytest.raises(StorageUnavailableError):
        await rig.link.park()
    assert not rig.first.is_closed


async def test_a_rewind_tells_first_and_counts_anew(rig: Rig) -> None:
    await rig.play(5)
    await rig.link.send(say("c"))
    branch = await rig.link.rewind(2)
    await until_quiet()
    [second] = rig.home.links
    assert branch == "s-1-before-5"
    assert (second.spec.resume_from, second.spec.is_rewind) == (2, True)
    rejected, rewound = rig.others
    assert isinstance(rejected, Rejected)
    assert (rejected.control_id, rejected.reason) == ("c", "REWOUND")
    assert rewound == Rewound(chunk_idx=2, branch_session_id=branch)
    assert second.sent == []
    await rig.link.grant(1)
    second.put(chunk(2))
    await until_quiet()
    assert (rig.chunks, second.num_granted) == ([0, 1, 2, 3, 4, 2], 1)
    assert rig.home.written == [("receipts", 5), ("rewound", 2)]


@pytest.mark.parametrize("chunk_idx", [-1, 5, 6])
async def test_there_is_no_way_back_to_a_chunk_that_was_not_made(rig: Rig, chunk_idx: int) -> None:
    await rig.play(5)
    with pytest.raises(ChunkUnknownError):
        await rig.link.rewind(chunk_idx)
    assert not rig.first.is_closed


async def test_a_turn_goes_on_when_whoever_asked_for_it_is_gone(rig: Rig) -> None:
    await rig.play(1)
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=2, data=b"state")
    asking = asyncio.create_task(rig.link.move())
    await until_quiet()
    asking.cancel()
    rig.first.put(chunk(1))
    await asyncio.wait_for(rig.home.reopened.wait(), 5)
    rig.home.links[0].put(chunk(2))
    await until_quiet()
    assert rig.chunks == [0, 1, 2]


async def test_a_closed_session_turns_no_more(rig: Rig) -> None:
    await rig.play(1)
    await rig.link.close()
    for verb in (rig.link.move(), rig.link.park(), rig.link.rewind(0)):
        with pytest.raises(SessionEndedError):
            await verb
    assert rig.home.written[-1] == ("end CLOSED", 1)


async def test_x05_what_waits_at_a_worker_and_came_by_way_of_another_gateway_moves_along(rig: Rig) -> None:
    kind = EncodedDirective(text="it rains", tensors={})
    picture = EncodedImage(tensors={"image": np.ones((2, 2), np.uint8)})
    waits = [
        EncodedControl(control_id="before", kind=kind, received_s=0.0),
        EncodedControl(control_id="picture", kind=picture, received_s=0.0),
    ]
    rig.home.on_record = {each.control_id: JournalEntry(control=each) for each in waits}
    engine = EngineSnapshot(
        session_id="s-1",
        seed=1,
        next_chunk_idx=2,
        journal_position=0,
        held=HeldAxes(),
        transformer={},
        waiting=("before", "picture", "mine"),
    )
    await rig.play(2)
    await rig.link.send(say("mine"))
    rig.first.snapshot_answer = TakenSnapshot(
        request_id="1", chunk_idx=2, data=pack(SessionSnapshot(engine=engine, caches={}))
    )
    await rig.link.move()
    [second] = rig.home.links
    assert {control.control_id: control.kind for control in second.sent} == {
        "mine": Directive(text="it rains"),
        "before": kind,
        "picture": picture,
    }


async def test_p01_a_session_that_moves_keeps_its_pace(rig: Rig) -> None:
    await rig.play(2)
    duration_s = rig.home.info.chunk_duration_s
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=3)
    rig.first.put(QualityChanged(chunk_idx=2, rate=0.5), replace(chunk(2), due_s=100.0))
    await rig.link.move()
    [second] = rig.home.links
    assert second.spec.due_s == pytest.approx(100.0 + duration_s / 0.5)
    second.put(LOST)
    await until_quiet()
    assert rig.home.links[-1].spec.due_s is None, "one that was lost has no time to keep"


async def test_p01_the_next_worker_does_not_wait_until_the_last_one_let_go(rig: Rig) -> None:
    await rig.play(2)
    rig.first.lets_go.clear()
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=2)
    moving = asyncio.create_task(rig.link.move())
    await asyncio.wait_for(rig.home.reopened.wait(), 5)
    rig.home.links[0].put(chunk(2))
    await until_quiet()
    assert (rig.chunks, moving.done()) == ([0, 1, 2], False)
    rig.first.lets_go.set()
    await moving


async def test_x05_a_session_is_parked_when_its_worker_has_all_controls_that_were_sent_to_it(rig: Rig) -> None:
    """A picture may be with the encoder yet."""
    await rig.play(2)
    await rig.link.send(say("encoded"))
    rig.first.snapshot_answer = TakenSnapshot(request_id="1", chunk_idx=2)
    parking = asyncio.create_task(rig.link.park())
    await until_quiet()
    await rig.link.send(say("later"))
    rig.first.put(Accepted(control_id="encoded"))
    await until_quiet()
    assert not rig.first.is_closed
    rig.first.put(Accepted(control_id="later"))
    await parking
    await rig.reading
    with pytest.raises(SessionEndedError):
        await rig.link.send(say("too late"))
    accepted = [Accepted(control_id="encoded"), Accepted(control_id="later")]
    assert rig.others == [*accepted, LinkEnded(reason=PARKED)]


async def test_d10_what_comes_while_a_session_goes_back_is_not_on_record_as_what_follows(rig: Rig) -> None:
    await rig.play(3)
    await rig.link.grant(2)

    async def chunks_come() -> None:
        rig.first.put(chunk(3), chunk(4))
        await until_quiet()

    rig.home.on_branch = chunks_come
    await rig.link.rewind(1)
    await rig.link.grant(1)
    rig.home.links[-1].put(chunk(1))
    await until_quiet()
    await rig.link.close()
    assert rig.chunks == [0, 1, 2, 3, 4, 1]
    assert rig.home.receipts == [(1, [0, 1, 2]), (2, [1])]
