"""Play over a WebSocket: as over gRPC, and what a socket adds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nacre.v1 import control_pb2, session_pb2
from serving.web import sockets as sockets_under_test
from tests.fakes import FakeWorldPlane
from tests.integration.gateway.harness import QUICK, RAW, eventually
from tests.integration.web.harness import SESSIONS, End, Site, Socket, reason_in, site

AXES = control_pb2.Move(forward=1.0)


async def test_n08_a_browser_plays_as_a_grpc_client_does(open_site: Site) -> None:
    created = await open_site.create()
    async with open_site.socket() as call:
        attached = await call.attach(created)
        assert attached.next_chunk_index == 0
        chunks = await call.chunks(8)
        assert [chunk.chunk_index for chunk in chunks] == list(range(8))
        assert [chunk.sequence for chunk in chunks] == list(range(8))
        assert chunks[0].frames[0].is_keyframe
        assert chunks[0].frames[0].data
        await call.control("c-1", move=AXES)
        assert await call.outcome("c-1") == "applied"
        await open_site.post(
            SESSIONS + "EndSession", session_pb2.EndSessionRequest(session_id=created.session.session_id)
        )
        ended = await call.until("ended")
        assert ended.session.end_reason == session_pb2.END_REASON_REQUESTED
        assert await call.end() == End({"code": "ok"}, 1000)
    assert open_site.metrics.errors == []


async def test_a_dropped_socket_is_taken_up_again_without_a_gap(open_site: Site) -> None:
    created = await open_site.create()
    async with open_site.socket() as call:
        await call.attach(created)
        await call.chunks(4)
        call.raw.transport.abort()
    await eventually(lambda: open_site.metrics.num_attached == 0)
    assert (await open_site.state(created)).state == session_pb2.SESSION_STATE_DETACHED
    delivered = open_site.metrics.chunks[-1].chunk_idx
    async with open_site.socket() as call:
        attached = await call.attach(created)
        chunks = await call.chunks(6)
        first = attached.next_chunk_index
        assert first > delivered, "nothing comes twice"
        assert [chunk.chunk_index for chunk in chunks] == list(range(first, first + 6))
        assert chunks[0].frames[0].is_keyframe
    assert open_site.metrics.errors == []


async def test_a_client_that_leaves_frees_its_slot() -> None:
    plane = FakeWorldPlane(info=QUICK, num_slots=1)
    async with site(plane=plane, detach_grace_s=0.05) as running:
        created = await running.create()
        async with running.socket() as call:
            await call.attach(created)
            await call.chunks(2)
        await eventually(lambda: plane.num_open == 0)
        assert (await running.state(created)).end_reason == session_pb2.END_REASON_ABANDONED
        assert running.metrics.errors == [], "a client that leaves is no error"


async def test_a_second_client_is_refused_and_told_why(open_site: Site) -> None:
    created = await open_site.create()
    async with open_site.socket() as first, open_site.socket() as second:
        await first.attach(created)
        await second.send(
            attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token)
        )
        end = await second.end()
        assert (end.reason, end.document["code"], end.close_code) == ("SESSION_CONTROLLED", "failed_precondition", 4009)
        await first.chunks(3)


@pytest.mark.parametrize(
    ("frames", "reason", "code"),
    [
        ([b"\xff\xff"], "FIELD_INVALID", 4003),
        ([b""], "ATTACH_EXPECTED", 4003),
        (["hello"], "FIELD_INVALID", 4003),
        (['["x-request-id"]'], "FIELD_INVALID", 4003),
        (['{"cookie": "x"}'], "FIELD_INVALID", 4003),
        (['{"x-request-id": 1}'], "FIELD_INVALID", 4003),
        (["{}", "{}"], "FIELD_INVALID", 4003),
        (["[" * 20_000], "FIELD_INVALID", 4003),
        ([session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=1)).SerializeToString()], "ATTACH_EXPECTED", 4003),
        (
            [session_pb2.PlayRequest(attach={"session_id": "s-1", "resume_token": "t"}).SerializeToString()],
            "SESSION_NOT_FOUND",
            4005,
        ),
    ],
)
async def test_a_beginning_that_is_wrong_is_refused(
    open_site: Site, frames: list[bytes | str], reason: str, code: int
) -> None:
    async with open_site.socket() as call:
        for frame in frames:
            await call.raw.send(frame)
        end = await call.end()
        assert (end.reason, end.close_code) == (reason, code)


@pytest.mark.parametrize("frame", [b"\xff\xff", b"", "hello", "{}"])
async def test_a_frame_that_is_no_message_ends_the_call_and_not_the_session(
    open_site: Site, frame: bytes | str
) -> None:
    created = await open_site.create()
    async with open_site.socket() as call:
        await call.attach(created)
        await call.chunks(2)
        await call.raw.send(frame)
        assert (await call.end()).reason == "FIELD_INVALID"
    assert (await open_site.state(created)).state == session_pb2.SESSION_STATE_DETACHED


async def test_the_first_text_frame_names_the_call(open_site: Site) -> None:
    created = await open_site.create()
    async with open_site.socket() as call:
        await call.raw.send(json.dumps({"x-request-id": "my-play"}))
        await call.attach(created)
        await call.send(attach=session_pb2.Attach(session_id=created.session.session_id))
        end = await call.end()
        assert end.reason == "ATTACH_EXPECTED"
        assert end.document["details"][0]["debug"]["metadata"]["request_id"] == "my-play"


async def test_whoever_says_nothing_is_let_go() -> None:
    async with site(attach_timeout_s=0.1) as running, running.socket() as call:
        end = await call.end()
        assert (end.reason, end.close_code) == ("ATTACH_TIMEOUT", 4004)


@pytest.mark.parametrize(
    ("path", "subprotocol", "status"),
    [
        ("/v1/play", "chat", 400),
        ("/v1/stream/nacre.v1.SessionService/GetSession", "nacre.v1", 501),
        ("/v1/stream/nacre.v1.SessionService/Nothing", "nacre.v1", 501),
        ("/v1/stream/grpc.health.v1.Health/Watch", "nacre.v1", 501),
    ],
)
async def test_a_socket_that_leads_nowhere_is_not_opened(
    open_site: Site, path: str, subprotocol: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with open_site.socket(path, subprotocol=subprotocol):
            pass
    response = caught.value.response
    assert response.status_code == status
    assert reason_in(json.loads(response.body or b"")) in ("FIELD_INVALID", "METHOD_UNKNOWN")


async def test_messages_have_a_largest_size() -> None:
    async with site(max_receive_bytes=10_000) as running:
        created = await running.create()
        async with running.socket() as call:
            await call.attach(created)
            await call.raw.send(b"\0" * 10_001)
            assert (await call.end()).reason == "MESSAGE_TOO_LARGE"
        async with running.socket() as call:
            with contextlib.suppress(ConnectionClosed):
                await call.raw.send(b"\0" * (10_000 + (9 << 20)))
            assert await call.closed() == 1009
        async with running.socket() as call:
            await call.attach(created)
            await call.chunks(2)


@asynccontextmanager
async def silent_socket(running: Site, created: session_pb2.CreateSessionResponse) -> AsyncIterator[Socket]:
    """Attached to all the pictures there are, and never read."""
    raw = sockets.create_connection(("127.0.0.1", running.web.port))
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    async with running.socket(sock=raw, max_queue=1, ping_interval=None, close_timeout=0.1) as call:
        await call.send(
            attach=session_pb2.Attach(
                session_id=created.session.session_id,
                resume_token=created.resume_token,
                video_codecs=RAW,
                initial_credit=16,
            )
        )
        yield call


async def test_a_client_that_does_not_read_is_let_go_and_nothing_grows_for_it() -> None:
    async with site(stall_timeout_s=0.3) as running:
        created = await running.create()
        async with silent_socket(running, created) as call:
            for _ in range(30):
                await call.send(credit=session_pb2.Credit(chunks=16))
                await asyncio.sleep(0.01)
            await eventually(lambda: "CLIENT_STALLED" in running.metrics.errors)
            assert len(running.metrics.chunks) < 60, "what the kernel holds, and no more"
            await eventually(lambda: running.metrics.num_attached == 0)
        async with running.socket() as call:
            await call.attach(created)
            await call.chunks(3)


async def test_sockets_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets_under_test, "REFUSED_CALLS", 0)
    async with site(max_concurrent_calls=1) as running:
        async with running.socket():
            with pytest.raises(InvalidStatus) as caught:
                async with running.socket():
                    pass
        assert caught.value.response.status_code == 429
        created = await running.create()
        async with running.socket() as call:
            await call.attach(created)


async def test_a_machine_that_is_gone_is_noticed() -> None:
    async with site(keepalive_time_s=0.1, keepalive_timeout_s=0.1, stall_timeout_s=60.0) as running:
        created = await running.create()
        async with silent_socket(running, created):
            await eventually(lambda: running.metrics.num_attached == 1)
            await eventually(lambda: running.metrics.num_attached == 0)


async def test_whoever_plays_is_told_when_the_service_stops() -> None:
    async with site(drain_s=0.3) as running:
        created = await running.create()
        async with running.socket() as call:
            await call.attach(created)
            await call.chunks(2)
            stopping = asyncio.ensure_future(running.server.stop())
            assert (await call.until("go_away")).reason == session_pb2.END_REASON_SERVICE_STOPPING
            assert (await running.http.get("/healthz")).text == "draining"
            assert (await call.until("ended")).session.end_reason == session_pb2.END_REASON_SERVICE_STOPPING
            assert await call.end() == End({"code": "ok"}, 1000)
        await stopping
