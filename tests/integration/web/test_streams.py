"""Calls with a stream of answers, other than Play."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nacre.v1 import admission_pb2, quota_pb2, session_pb2
from tests.integration.durable.harness import service
from tests.integration.gateway.harness import WORLD
from tests.integration.web.harness import SESSIONS, End, Site, beside

OPEN = "/v1/stream/nacre.v1.AdmissionService/OpenSession"
ANSWER = admission_pb2.OpenSessionResponse


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[tuple[Site, session_pb2.CreateSessionResponse]]:
    """With one slot, which is taken."""
    async with service(tmp_path, num_slots=1) as behind, beside(behind) as running:
        yield running, await running.create()


def request(wait_s: int) -> bytes:
    admission = quota_pb2.Admission()
    admission.wait.seconds = wait_s
    create = session_pb2.CreateSessionRequest(world=WORLD, admission=admission)
    return admission_pb2.OpenSessionRequest(create=create).SerializeToString()


async def end_session(running: Site, created: session_pb2.CreateSessionResponse) -> None:
    asked = session_pb2.EndSessionRequest(session_id=created.session.session_id)
    await running.post(SESSIONS + "EndSession", asked)


async def test_q8_whoever_waits_is_told_where_they_stand(full: tuple[Site, session_pb2.CreateSessionResponse]) -> None:
    running, created = full
    async with running.socket(OPEN, answer=ANSWER) as call:
        await call.raw.send(request(20))
        assert (await call.read()).queued.position == 1
        await end_session(running, created)
        while (message := await call.read()).HasField("queued"):
            pass
        assert message.opened.resume_token
        assert await call.end() == End({"code": "ok"}, 1000)


async def test_whoever_leaves_waits_no_more(full: tuple[Site, session_pb2.CreateSessionResponse]) -> None:
    running, created = full
    async with running.socket(OPEN, answer=ANSWER) as call:
        await call.raw.send(request(60))
        await call.read()
    await end_session(running, created)
    await running.create()


async def test_one_request_is_all_that_is_taken(full: tuple[Site, session_pb2.CreateSessionResponse]) -> None:
    running, _ = full
    async with running.socket(OPEN, answer=ANSWER) as call:
        await call.raw.send(request(60))
        await call.read()
        await call.raw.send(request(60))
        end = await call.end()
        assert (end.reason, end.close_code) == ("FIELD_INVALID", 4003)


async def test_a_refusal_is_told(full: tuple[Site, session_pb2.CreateSessionResponse]) -> None:
    running, _ = full
    async with running.socket(OPEN, answer=ANSWER) as call:
        await call.raw.send(request(0))
        end = await call.end()
        assert (end.reason, end.close_code) == ("CAPACITY_EXHAUSTED", 4008)
        assert end.document["code"] == "resource_exhausted"
