"""What a caller left out is said in the answer, and what cannot be is refused: nothing is chosen in silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

import nacre
from nacre.v1 import library_pb2, library_pb2_grpc, session_pb2, session_pb2_grpc
from tests.integration.durable.harness import Service, service, take
from tests.integration.gateway.harness import refusal


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path) as kept:
        yield kept


@pytest.fixture
async def channel(kept: Service) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(kept.server.address) as channel:
        yield channel


def export(channel: grpc.aio.Channel, session: nacre.Session, **values: Any) -> Any:
    stub = library_pb2_grpc.LibraryServiceStub(channel)
    return stub.ExportSession(library_pb2.ExportSessionRequest(session_id=session.id, **values))


async def test_pages_say_how_long_they_can_be(channel: grpc.aio.Channel) -> None:
    sessions, library = session_pb2_grpc.SessionServiceStub(channel), library_pb2_grpc.LibraryServiceStub(channel)
    for asked, had in ((0, 50), (7, 7)):
        assert (await sessions.ListSessions(session_pb2.ListSessionsRequest(page_size=asked))).page_size == had
        assert (await library.ListWorlds(library_pb2.ListWorldsRequest(page_size=asked))).page_size == had
    error = await refusal(sessions.ListSessions(session_pb2.ListSessionsRequest(page_size=1_001)))
    assert (error.reason, error.field) == ("FIELD_INVALID", "page_size")


async def test_an_export_says_what_it_is(kept: Service, channel: grpc.aio.Channel) -> None:
    session = await kept.client.create(prompt="a street")
    error = await refusal(export(channel, session))
    assert (error.reason, error.field) == ("SESSION_STATE", "session_id"), "no moment to export yet"
    async with session.enter(video="rgb", audio="pcm") as world:
        await take(world, 2)
        assert (await export(channel, session)).kind == library_pb2.SNAPSHOT_KIND_PORTABLE
        exact = await export(channel, session, kind=library_pb2.SNAPSHOT_KIND_EXACT)
        assert exact.kind == library_pb2.SNAPSHOT_KIND_EXACT
        error = await refusal(export(channel, session, kind=7))
        assert (error.reason, error.field) == ("FIELD_INVALID", "kind")
        assert error.allowed == ["SNAPSHOT_KIND_PORTABLE", "SNAPSHOT_KIND_EXACT"]
