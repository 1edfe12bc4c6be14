"""Calls with one answer, over HTTP."""

from __future__ import annotations

import asyncio
import json

import grpc.aio
import pytest

from nacre.v1 import session_pb2, session_pb2_grpc
from serving.web.config import WebConfig
from tests.fakes import FakeFaults, FakeWorldPlane
from tests.integration.gateway.harness import QUICK, WORLD, Call, eventually
from tests.integration.web.harness import PROTO, SESSIONS, Site, reason_in, site

JSON = {"content-type": "application/json"}
WEB_QUICK = WebConfig(port=0, head_timeout_s=0.2, body_timeout_s=0.2, idle_timeout_s=1.0)


async def test_n08_what_is_created_over_http_is_there_over_grpc(open_site: Site) -> None:
    created = await open_site.create()
    async with grpc.aio.insecure_channel(open_site.server.address) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        request = session_pb2.GetSessionRequest(session_id=created.session.session_id)
        assert (await stub.GetSession(request)).session == created.session


async def test_messages_come_as_json_too(open_site: Site) -> None:
    world = {"prompt": "a quiet street at dusk", "seed": "7"}
    response = await open_site.http.post(SESSIONS + "CreateSession", json={"world": world})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["session"]["world"]["seed"] == "7"


async def test_a_call_has_the_name_that_its_caller_gave_it(open_site: Site) -> None:
    request = session_pb2.GetCapabilitiesRequest()
    named = await open_site.post(SESSIONS + "GetCapabilities", request, x_request_id="my-call")
    assert named.headers["x-request-id"] == "my-call"
    first, second = [await open_site.post(SESSIONS + "GetCapabilities", request) for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    odd = await open_site.post(SESSIONS + "GetSession", request, x_request_id="no name")
    assert odd.headers["x-request-id"] == odd.json()["details"][0]["debug"]["metadata"]["request_id"] != "no name"
    missing = session_pb2.GetSessionRequest(session_id="s-1")
    refused = await open_site.post(SESSIONS + "GetSession", missing, x_request_id="my-other")
    assert refused.headers["x-request-id"] == "my-other"
    assert refused.json()["details"][0]["debug"]["metadata"]["request_id"] == "my-other"


@pytest.mark.parametrize(
    ("method", "body", "headers", "status", "code", "reason"),
    [
        ("CreateSession", b"", PROTO, 400, "invalid_argument", "WORLD_MISSING"),
        ("CreateSession", b"\xff\xff", PROTO, 400, "invalid_argument", "FIELD_INVALID"),
        ("CreateSession", b"{", JSON, 400, "invalid_argument", "FIELD_INVALID"),
        ("CreateSession", b'{"x":1}', JSON, 400, "invalid_argument", "FIELD_INVALID"),
        ("CreateSession", b"[" * 9_999, JSON, 400, "invalid_argument", "FIELD_INVALID"),
        ("CreateSession", b"\xfe", JSON, 400, "invalid_argument", "FIELD_INVALID"),
        ("GetSession", b"\n\x03s-1", PROTO, 404, "not_found", "SESSION_NOT_FOUND"),
        ("Nothing", b"", PROTO, 501, "unimplemented", "METHOD_UNKNOWN"),
        ("Play", b"", PROTO, 501, "unimplemented", "METHOD_UNKNOWN"),
        ("GetCapabilities", b"", {"content-type": "text/plain"}, 415, "invalid_argument", "FIELD_INVALID"),
        ("GetCapabilities", b"", {}, 415, "invalid_argument", "FIELD_INVALID"),
        ("GetCapabilities", b"", {**PROTO, "content-encoding": "gzip"}, 415, "invalid_argument", "FIELD_INVALID"),
        ("GetCapabilities", b"", {**PROTO, "connect-timeout-ms": "soon"}, 400, "invalid_argument", "FIELD_INVALID"),
        ("GetCapabilities", b"", {**PROTO, "connect-timeout-ms": "9" * 11}, 400, "invalid_argument", "FIELD_INVALID"),
    ],
)
async def test_a_refusal_says_what_is_wrong(
    open_site: Site, method: str, body: bytes, headers: dict[str, str], status: int, code: str, reason: str
) -> None:
    response = await open_site.http.post(SESSIONS + method, content=body, headers=headers)
    document = response.json()
    assert (response.status_code, document["code"], reason_in(document)) == (status, code, reason)
    assert document["message"]
    assert "Traceback" not in response.text


async def test_other_packages_have_no_methods_here(open_site: Site) -> None:
    for path in ("/grpc.health.v1.Health/Check", "/nacre.internal.v1.Plane/Open"):
        assert (await open_site.http.post(path, content=b"", headers=PROTO)).status_code == 501
    assert (await open_site.http.get(SESSIONS + "GetCapabilities")).status_code in (404, 405)


async def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    async with site(max_receive_bytes=10_000) as running:
        fits = b'{"model": "' + b"x" * 9_000 + b'"}'
        document = (await running.http.post(SESSIONS + "GetCapabilities", content=fits, headers=JSON)).json()
        assert reason_in(document) == "MODEL_UNKNOWN"
        response = await running.http.post(SESSIONS + "GetCapabilities", content=b" " * 10_001, headers=JSON)
        assert (response.status_code, reason_in(response.json())) == (413, "MESSAGE_TOO_LARGE")
    async with site() as running:
        response = await running.http.post(SESSIONS + "GetCapabilities", content=b" " * ((1 << 20) + 1), headers=JSON)
        assert (response.status_code, reason_in(response.json())) == (413, "MESSAGE_TOO_LARGE")


async def test_a_callers_own_time_ends_its_call() -> None:
    plane = FakeWorldPlane(info=QUICK, faults=FakeFaults(open_delay_s=5.0))
    async with site(plane=plane) as running:
        request = session_pb2.CreateSessionRequest(world=WORLD)
        response = await running.post(SESSIONS + "CreateSession", request, connect_timeout_ms="50")
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
        assert running.plane.num_open == 0


async def test_a_caller_that_leaves_cancels_its_call() -> None:
    plane = FakeWorldPlane(info=QUICK, faults=FakeFaults(open_delay_s=30.0))
    async with site(plane=plane, max_concurrent_calls=1) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.web.port)
        body = session_pb2.CreateSessionRequest(world=WORLD).SerializeToString()
        head = f"POST {SESSIONS}CreateSession HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\n"
        writer.write(head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

        async def is_refused() -> bool:
            response = await running.post(SESSIONS + "GetCapabilities", session_pb2.GetCapabilitiesRequest())
            return response.status_code == 429 and reason_in(response.json()) == "CALLS_EXCEEDED"

        async with asyncio.timeout(10):
            while not await is_refused():
                await asyncio.sleep(0.01)
            writer.close()
            while await is_refused():
                await asyncio.sleep(0.01)
        assert reader.at_eof() or running.plane.num_open == 0


async def test_calls_of_both_kinds_are_counted_together() -> None:
    async with site(max_concurrent_calls=1) as running:
        created = await running.create()
        async with grpc.aio.insecure_channel(running.server.address) as channel:
            call = Call(session_pb2_grpc.SessionServiceStub(channel).Play())
            await call.send(
                attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token)
            )
            await call.chunks(1)
            response = await running.post(SESSIONS + "GetCapabilities", session_pb2.GetCapabilitiesRequest())
            assert (response.status_code, response.headers["retry-after"]) == (429, "1")
            call.raw.cancel()
        await eventually(lambda: running.metrics.num_attached == 0)


async def test_a_repeated_request_gets_the_first_ones_answer() -> None:
    async with site() as running:
        request = session_pb2.CreateSessionRequest(world=WORLD, idempotency_key="once")
        first, second = [await running.post(SESSIONS + "CreateSession", request) for _ in range(2)]
        assert first.content == second.content
        assert running.plane.num_open == 1


async def test_a_request_that_never_ends_is_cut_off() -> None:
    async with site(web=WEB_QUICK) as running:
        for begun in (b"", b"GET / HTT", b"GET / HTTP/1.1\r\nhost: localhost\r\n"):
            assert await cut_off(running, begun) == b""
        head = f"POST {SESSIONS}GetCapabilities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\n"
        answer = await cut_off(running, f"{head}content-length: 9\r\n\r\n12".encode())
        assert answer.startswith(b"HTTP/1.1 400")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"]


async def cut_off(running: Site, begun: bytes) -> bytes:
    """What is answered to a request that is only begun, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.web.port)
    try:
        writer.write(begun)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
