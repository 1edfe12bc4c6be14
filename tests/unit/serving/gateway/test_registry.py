from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from serving.errors import ResumeTokenInvalidError, SessionNotFoundError, UnavailableError
from serving.gateway import registry as registry_module
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import NoMetrics
from serving.gateway.registry import SessionRegistry
from serving.gateway.session import Session
from serving.sessions.contract import ResumedSession, SessionResumer, SessionSpec, WorldSpec
from tests.fakes import FakeWorldPlane

MEDIA = ThreadPoolExecutor(1, "media")
WORLD = WorldSpec(model="fake-xs", seed=1, prompt="a")


@asynccontextmanager
async def hosted(plane: FakeWorldPlane, resumer: SessionResumer | None = None) -> AsyncIterator[SessionRegistry]:
    registry = SessionRegistry(
        plane, GatewayConfig(), NoMetrics(), MEDIA, is_traced=lambda session_id: True, resumer=resumer
    )
    is_ready = asyncio.Event()
    hosting = asyncio.ensure_future(registry.host(is_ready))
    await is_ready.wait()
    yield registry
    hosting.cancel()
    await asyncio.wait([hosting])


async def test_a_session_is_found_by_id_and_entered_by_token() -> None:
    async with hosted(FakeWorldPlane()) as registry:
        session = await registry.open(WORLD, 0.0)
        session_id, token = session.identity.session_id, session.identity.resume_token
        assert registry.find(session_id, "f") is session
        assert await registry.authorize(session_id, token) is session
        with pytest.raises(ResumeTokenInvalidError):
            await registry.authorize(session_id, token + "x")
        with pytest.raises(SessionNotFoundError):
            await registry.authorize("s-other", token)


class FakeResumer:
    """Knows one session, by its token."""

    def __init__(self, plane: FakeWorldPlane) -> None:
        self.num_resumed = 0
        self._plane = plane

    async def resume(self, session_id: str, resume_token: str | None, shown_until: int = 0) -> ResumedSession:
        if session_id != "s-before":
            raise SessionNotFoundError("there is none", field="attach.session_id")
        if resume_token != "token":
            raise ResumeTokenInvalidError("it does not fit")
        self.num_resumed += 1
        link = await self._plane.open(SessionSpec(session_id=session_id, world=WORLD))
        return ResumedSession(link=link, world=WORLD, next_chunk_idx=40)


async def test_a_session_of_the_gateway_before_is_entered_once_and_goes_on_where_it_was() -> None:
    plane = FakeWorldPlane()
    resumer = FakeResumer(plane)
    async with hosted(plane, resumer) as registry:
        with pytest.raises(ResumeTokenInvalidError):
            await registry.authorize("s-before", "a guess")
        with pytest.raises(SessionNotFoundError):
            await registry.authorize("s-other", "token")
        entering = [registry.authorize("s-before", "token") for _ in range(3)]
        sessions = await asyncio.gather(*entering)
        assert len(set(map(id, sessions))) == 1
        assert resumer.num_resumed == 1
        assert sessions[0].arrivals.num_taken == 40
        with pytest.raises(ResumeTokenInvalidError):
            await registry.authorize("s-before", "a guess")


async def test_ids_and_tokens_are_never_the_same_twice() -> None:
    async with hosted(FakeWorldPlane(num_slots=50)) as registry:
        sessions = [await registry.open(WORLD, 0.0) for _ in range(50)]
        assert len({session.identity.session_id for session in sessions}) == 50
        assert len({session.identity.resume_token for session in sessions}) == 50
        assert all(len(session.identity.resume_token) >= 32 for session in sessions)


async def test_the_worker_is_told_whether_a_session_is_traced() -> None:
    plane = FakeWorldPlane()
    async with hosted(plane) as registry:
        await registry.open(WORLD, 0.0)
    assert plane.links[0].spec.is_traced


async def test_ended_sessions_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "REMEMBERED_ENDED_SESSIONS", 3)
    async with hosted(FakeWorldPlane()) as registry:
        sessions = []
        for _ in range(5):
            session = await registry.open(WORLD, 0.0)
            session.end("REQUESTED")
            await session.wait_closed()
            await asyncio.sleep(0)
            sessions.append(session)
        with pytest.raises(SessionNotFoundError):
            registry.find(sessions[1].identity.session_id, "f")
        assert registry.find(sessions[2].identity.session_id, "f") is sessions[2]


async def test_a_defect_in_one_session_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with hosted(FakeWorldPlane()) as registry:
        healthy = await registry.open(WORLD, 0.0)
        await asyncio.sleep(0)

        async def fail(session: Session) -> None:
            raise RuntimeError("defect")

        monkeypatch.setattr(Session, "run", fail)
        await registry.open(WORLD, 0.0)
        await asyncio.sleep(0.01)
        assert "defect" in caplog.text
        assert not healthy.has_ended


async def test_a_registry_that_is_not_hosted_or_drains_opens_nothing() -> None:
    plane = FakeWorldPlane()
    with pytest.raises(UnavailableError, match="not ready"):
        await SessionRegistry(plane, GatewayConfig(), NoMetrics(), MEDIA).open(WORLD, 0.0)
    async with hosted(plane) as registry:
        await registry.drain(0.01)
        with pytest.raises(UnavailableError, match="stopping"):
            await registry.open(WORLD, 0.0)
    assert not plane.links
