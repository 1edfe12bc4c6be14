from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from serving.errors import (
    ControlDuplicateError,
    RateExceededError,
    SessionControlledError,
    SessionEndedError,
)
from serving.gateway.config import GatewayConfig
from serving.gateway.controls import REMEMBERED_IDS
from serving.gateway.media import AudioCodec, VideoCodec
from serving.gateway.metrics import NoMetrics
from serving.gateway.seen import Seen
from serving.gateway.session import Session
from serving.gateway.session_identity import SessionIdentity
from serving.gateway.session_state import ALLOWED_TRANSITIONS, State, StateError, entered
from serving.gateway.validation import AttachSpec
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    Move,
    Outcome,
    QualityChanged,
    Rejected,
    Rewound,
    SessionSpec,
    WorldSpec,
)
from serving.sessions.names import token_sha256
from tests.fakes import FakeFaults, FakeLink, FakeWorldPlane, fake_info

MEDIA = ThreadPoolExecutor(1, "media")
WORLD = WorldSpec(model="fake-xs", seed=1, prompt="a")
FAST = fake_info(frame_rate=1_000.0, samples_per_chunk=16)
ATTACH = AttachSpec(
    session_id="s-1",
    resume_token="token",
    video_codec=VideoCodec.VIDEO_CODEC_H264,
    audio_codec=AudioCodec.AUDIO_CODEC_OPUS,
    credit=0,  # tests let the worker go ahead themselves
)
CONFIG = GatewayConfig(ready_grace_s=5.0, detach_grace_s=0.03, close_timeout_s=0.05)


class Listener:
    """A client that only remembers."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.goodbyes: list[tuple[str, float]] = []
        self.changes: list[QualityChanged] = []

    def tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def hands_changed(self, seen: Sequence[Seen], num_viewers: int) -> None: ...

    def rewound(self, event: Rewound) -> None: ...

    def quality_changed(self, event: QualityChanged) -> None:
        self.changes.append(event)

    def go_away(self, reason: str, time_left_s: float) -> None:
        self.goodbyes.append((reason, time_left_s))

    def wake(self) -> None: ...

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                await asyncio.sleep(0.002)


@asynccontextmanager
async def hosted(
    faults: FakeFaults | None = None, config: GatewayConfig = CONFIG
) -> AsyncIterator[tuple[Session, FakeLink]]:
    plane = FakeWorldPlane(info=FAST, faults=faults or FakeFaults())
    link = await plane.open(SessionSpec(session_id="s-1", world=WORLD))
    identity = SessionIdentity(
        session_id="s-1",
        resume_token="token",
        token_sha256=token_sha256("token"),
        world=WORLD,
        is_traced=False,
        create_s=0.0,
        open_seconds=0.0,
    )
    session = Session(identity, FAST, link, config, NoMetrics(), plane.clock, MEDIA)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(session.run())
        await asyncio.sleep(0)
        yield session, link
        session.end("REQUESTED")
        await running


def control(control_id: str) -> Control:
    return Control(control_id=control_id, kind=Move(forward=1.0, strafe=0.0), received_s=1.0)


def test_only_an_end_is_final() -> None:
    final = {State.ENDED, State.PARKED}  # a parked one begins anew, with whoever wakes it
    assert all(ALLOWED_TRANSITIONS[state] == frozenset() for state in final)
    assert all(final <= ALLOWED_TRANSITIONS[state] for state in State if state not in final)
    assert entered("s-1", State.READY, State.RUNNING) is State.RUNNING
    with pytest.raises(StateError, match="s-1 is ENDED and cannot become RUNNING; allowed: none"):
        entered("s-1", State.ENDED, State.RUNNING)


async def test_a_session_goes_through_its_states() -> None:
    async with hosted() as (session, link):
        client = Listener()
        assert session.state is State.READY
        member = session.attach(client, ATTACH)
        assert session.state is State.RUNNING
        session.detach(member)
        assert session.state is State.DETACHED
        session.attach(client, ATTACH)
        session.end("REQUESTED")
        assert session.state is State.ENDED
        with pytest.raises(SessionEndedError):
            session.attach(Listener(), ATTACH)
    assert link.is_closed


async def test_what_a_worker_takes_is_told_once_and_in_the_record_as_long_as_it_is_so() -> None:
    less, more = QualityChanged(chunk_idx=3, quality=0.5, rate=0.75), QualityChanged(chunk_idx=9)
    async with hosted() as (session, _):
        client = Listener()
        session.attach(client, ATTACH)
        session._on_event(more)  # it had all before
        assert client.changes == []
        session._on_event(less)
        session._on_event(QualityChanged(chunk_idx=5, quality=0.5, rate=0.75))  # another worker says it again
        quality = session.to_message().quality
        assert (quality.chunk_index, quality.denoise_share, quality.rate) == (3, 0.5, 0.75)
        session._on_event(more)
        assert client.changes == [less, more]
        assert not session.to_message().HasField("quality")


async def test_one_client_at_a_time() -> None:
    async with hosted() as (session, _):
        first = Listener()
        member = session.attach(first, ATTACH)
        with pytest.raises(SessionControlledError):
            session.attach(Listener(), ATTACH)
        session.detach(member)
        session.attach(Listener(), ATTACH)


async def test_a_detached_session_is_closed_after_the_grace_time() -> None:
    async with hosted() as (session, link):
        client = Listener()
        member = session.attach(client, ATTACH)
        session.detach(member)
        async with asyncio.timeout(5):
            await session.wait_closed()
        assert (session.end_reason, link.is_closed) == ("ABANDONED", True)


async def test_a_session_nobody_attaches_to_is_closed() -> None:
    async with hosted(config=GatewayConfig(ready_grace_s=0.02)) as (session, link):
        async with asyncio.timeout(5):
            await session.wait_closed()
        assert (session.end_reason, link.is_closed) == ("ABANDONED", True)


async def test_a_new_client_stops_the_grace_time() -> None:
    async with hosted() as (session, _):
        client = Listener()
        member = session.attach(client, ATTACH)
        session.detach(member)
        session.attach(client, ATTACH)
        await asyncio.sleep(3 * CONFIG.detach_grace_s)
        assert session.state is State.RUNNING


async def test_without_credit_the_world_does_not_run() -> None:
    async with hosted() as (session, link):
        client = Listener()
        session.attach(client, ATTACH)
        await asyncio.sleep(0.02)
        assert (link.num_granted, session.arrivals.first) == (0, None)
        await session.refill(2)
        await client.until(lambda: link.num_made == 2)
        await asyncio.sleep(0.02)
        assert link.num_made == 2


async def test_what_was_made_for_a_client_that_left_goes_to_the_next() -> None:
    async with hosted() as (session, link):
        first = Listener()
        member = session.attach(first, ATTACH)
        await session.refill(3)
        await first.until(lambda: link.num_made == 3)
        session.arrivals.take()
        session.detach(member)
        second = Listener()
        session.attach(second, ATTACH)
        await session.refill(1)
        assert link.num_granted == 3, "two wait already, and the new client asked for one"
        assert session.arrivals.first is not None
        assert session.arrivals.first.chunk.chunk_idx == session.arrivals.num_taken == 1


async def test_outcomes_wait_for_the_next_client() -> None:
    async with hosted() as (session, _):
        first = Listener()
        member = session.attach(first, ATTACH)
        session.controls.admit("c1", 1.0)
        session.detach(member)
        await session.send(control("c1"), member)
        await asyncio.sleep(0.01)
        second = Listener()
        session.attach(second, ATTACH)
        assert second.outcomes == [Accepted(control_id="c1")]


async def test_a_control_id_is_used_once() -> None:
    async with hosted() as (session, _):
        session.controls.admit("c1", 1.0)
        with pytest.raises(ControlDuplicateError):
            session.controls.admit("c1", 1.0)


async def test_controls_without_an_outcome_are_bounded() -> None:
    async with hosted(config=GatewayConfig(max_pending_controls=2)) as (session, _):
        session.controls.admit("c1", 1.0)
        session.controls.admit("c2", 1.0)
        with pytest.raises(RateExceededError):
            session.controls.admit("c3", 1.0)
        session.controls.forget("c1")
        session.controls.admit("c3", 1.0)


async def test_remembered_ids_are_bounded() -> None:
    async with hosted() as (session, _):
        for idx in range(REMEMBERED_IDS + 100):
            session.controls.admit(f"c{idx}", 1.0)
            session.controls.forget(f"c{idx}")
        remembered = [session.controls.fate(f"c{idx}") is not None for idx in range(REMEMBERED_IDS + 100)]
        assert remembered == [False] * 100 + [True] * REMEMBERED_IDS


async def test_the_first_chunk_that_shows_a_control_names_when_it_came() -> None:
    async with hosted() as (session, _):
        client = Listener()
        member = session.attach(client, ATTACH)
        session.controls.admit("c1", 12.5)
        await session.send(control("c1"), member)
        await session.refill(2)
        await client.until(lambda: any(isinstance(outcome, Applied) for outcome in client.outcomes))
        applied = next(outcome for outcome in client.outcomes if isinstance(outcome, Applied))
        if applied.chunk_idx:
            assert session.controls.take_shown(applied.chunk_idx - 1) == []
        assert session.controls.take_shown(applied.chunk_idx) == [12.5]
        assert session.controls.take_shown(applied.chunk_idx + 1) == []


async def test_an_end_settles_every_control() -> None:
    async with hosted() as (session, _):
        client = Listener()
        session.attach(client, ATTACH)
        session.controls.admit("c1", 1.0)
        session.end("REQUESTED")
        (outcome,) = client.outcomes
        assert isinstance(outcome, Rejected)
        assert (outcome.control_id, outcome.reason) == ("c1", "SESSION_ENDED")


@pytest.mark.parametrize(
    "faults",
    [
        FakeFaults(lose_worker_at_chunk=1),
        FakeFaults(raise_at_chunk=1),
        FakeFaults(skip_chunk=1),
        FakeFaults(ignores_credit=True),
    ],
)
async def test_workers_that_fail_or_misbehave_end_the_session(faults: FakeFaults) -> None:
    async with hosted(faults) as (session, link):
        client = Listener()
        session.attach(client, ATTACH)
        await session.refill(4)
        async with asyncio.timeout(5):
            await session.wait_closed()
        assert (session.end_reason, link.is_closed) == ("WORKER_LOST", True)


async def test_a_worker_that_does_not_close_is_given_up_on() -> None:
    async with hosted(FakeFaults(close_hangs=True)) as (session, _):
        session.end("REQUESTED")
        async with asyncio.timeout(5):
            await session.wait_closed()


async def test_a_warning_reaches_the_client_and_ends_those_without_one() -> None:
    async with hosted() as (session, _):
        client = Listener()
        member = session.attach(client, ATTACH)
        stopping = asyncio.ensure_future(session.stop(3.0))
        await asyncio.sleep(0)
        assert client.goodbyes == [("SERVICE_STOPPING", 3.0)]
        assert session.state is State.RUNNING
        session.detach(member)
        await session.stop(3.0)
        assert (session.state, session.end_reason) == (State.ENDED, "SERVICE_STOPPING")
        await stopping


async def test_cancelling_the_host_closes_the_session() -> None:
    plane = FakeWorldPlane(info=FAST)
    link = await plane.open(SessionSpec(session_id="s-1", world=WORLD))
    identity = SessionIdentity(
        session_id="s-1",
        resume_token="token",
        token_sha256=token_sha256("token"),
        world=WORLD,
        is_traced=False,
        create_s=0.0,
        open_seconds=0.0,
    )
    session = Session(identity, FAST, link, CONFIG, NoMetrics(), plane.clock, MEDIA)
    running = asyncio.ensure_future(session.run())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (session.end_reason, link.is_closed) == ("SERVICE_STOPPING", True)


async def test_tokens_are_compared_whole() -> None:
    async with hosted() as (session, _):
        assert session.is_token("token")
        assert not session.is_token("toke")
        assert not session.is_token("tökén")
