"""Recordings over HTTP: with a key, with a ticket, in ranges, and for nobody else."""

from __future__ import annotations

import io
import socket as sockets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest

from nacre.v1 import export_pb2
from serving.access.roles import Role
from serving.export.sound import Audio
from serving.gateway.recording_accounts import make_tickets
from tests.integration.gateway.harness import eventually
from tests.integration.web.harness import Site, asking, reason_in, site

EXPORTS = "/nacre.v1.ExportService/"
NUM_CHUNKS = 12


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(folder=tmp_path, access=asking(tmp_path)) as running:
        yield running


async def play(running: Site, key: str) -> str:
    """A session of so many chunks, by id."""
    created = await running.create(authorization=f"Bearer {key}")
    async with running.socket() as call:
        call.gives_credit = False
        await call.attach(created, token=key, initial_credit=NUM_CHUNKS)
        await call.chunks(NUM_CHUNKS)
    return created.session.session_id


def num_frames(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def sound_of(data: bytes) -> str:
    with av.open(io.BytesIO(data), "r") as container:
        return container.streams.audio[0].codec_context.name


async def test_n15_a_recording_is_downloaded_with_a_key(running: Site) -> None:
    key = running.key()
    path = f"/v1/sessions/{await play(running, key)}/recording.mp4"
    bearer = {"authorization": f"Bearer {key}"}
    whole = await running.http.get(path, headers=bearer)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert "attachment" in whole.headers["content-disposition"]
    assert num_frames(whole.content) == NUM_CHUNKS
    part = await running.http.get(path, headers={**bearer, "range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    head = await running.http.head(path, headers=bearer)
    assert int(head.headers["content-length"]) == len(whole.content)
    outside = await running.http.get(path, headers={**bearer, "range": f"bytes={len(whole.content)}-"})
    assert outside.status_code == 416


async def test_n15_a_recordings_sound_is_encoded_anew_where_that_is_asked_for(running: Site) -> None:
    key = running.key()
    session_id = await play(running, key)
    bearer = {"authorization": f"Bearer {key}"}
    path = await ticket(running, session_id, key, sound=export_pb2.RECORDING_SOUND_AAC)
    assert path.endswith("&sound=aac")
    anew = await running.http.get(path)
    plain = f"/v1/sessions/{session_id}/recording.mp4"
    as_it_was = await running.http.get(plain, headers=bearer)
    assert [sound_of(answer.content) for answer in (anew, as_it_was)] == ["aac", "opus"]
    assert num_frames(anew.content) == num_frames(as_it_was.content) == NUM_CHUNKS
    other = await running.http.get(f"{plain}?sound=mp3", headers=bearer)
    assert (other.status_code, reason_in(other.json())) == (400, "FIELD_INVALID")


async def test_a_ticket_opens_one_recording_alone_at_every_gateway(running: Site, tmp_path: Path) -> None:
    key = running.key()
    session_id, other_id = [await play(running, key) for _ in range(2)]
    paths = [await ticket(running, session_id, key) for _ in range(2)]
    first = await running.http.get(paths[0])
    assert (first.status_code, num_frames(first.content)) == (200, NUM_CHUNKS)
    part = await running.http.get(paths[0], headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, first.content[100:200])
    elsewhere = await running.http.get(paths[1].replace(session_id, other_id))
    assert (elsewhere.status_code, reason_in(elsewhere.json())) == (401, "UNAUTHENTICATED")
    assert (await running.http.get(f"{paths[1]}x")).status_code == 401
    other_gateway = make_tickets(asking(tmp_path))
    assert other_gateway.is_good(paths[1].partition("ticket=")[2], session_id, time.time())


async def ticket(running: Site, session_id: str, key: str, **more: Any) -> str:
    request = export_pb2.CreateRecordingTicketRequest(session_id=session_id, **more)
    response = await running.post(EXPORTS + "CreateRecordingTicket", request, authorization=f"Bearer {key}")
    return export_pb2.CreateRecordingTicketResponse.FromString(response.content).path


async def test_whoever_may_not_keep_gets_no_recording(running: Site) -> None:
    key = running.key()
    path = f"/v1/sessions/{await play(running, key)}/recording.mp4"
    assert running.library is not None
    running.library.tenants.create("acme")
    stranger = running.library.keys.create("acme", Role.OWNER)[1]
    for bearer, status, reason in (
        ("", 401, "UNAUTHENTICATED"),
        ("Bearer nonsense", 401, "UNAUTHENTICATED"),
        (f"Bearer {stranger}", 404, "SESSION_NOT_FOUND"),
        (f"Bearer {running.key(Role.VIEWER)}", 403, "PERMISSION_MISSING"),
    ):
        response = await running.http.get(path, headers={"authorization": bearer} if bearer else {})
        assert (response.status_code, reason_in(response.json())) == (status, reason)


async def test_what_was_never_shown_is_not_recorded(running: Site) -> None:
    key = running.key()
    created = await running.create(authorization=f"Bearer {key}")
    for session_id, reason in ((created.session.session_id, "RECORDING_NOT_FOUND"), ("s-1", "SESSION_NOT_FOUND")):
        path = f"/v1/sessions/{session_id}/recording.mp4"
        response = await running.http.get(path, headers={"authorization": f"Bearer {key}"})
        assert (response.status_code, reason_in(response.json())) == (404, reason)


async def test_whoever_does_not_read_a_file_is_cut_off(tmp_path: Path) -> None:
    async with site(folder=tmp_path, stall_timeout_s=0.3) as running:
        created = await running.create()
        async with running.socket() as call:
            await call.attach(created)
            await call.chunks(3)
        big = tmp_path / "big.mp4"
        big.write_bytes(bytes(8 << 20))

        async def redeem(session_id: str, ticket: str, audio: Audio = Audio.OPUS) -> Path:
            return big

        running.server.export_service.redeem = redeem
        path = f"/v1/sessions/{created.session.session_id}/recording.mp4"
        num_others = running.web.num_connections
        with sockets.create_connection(("127.0.0.1", running.web.port)) as raw:
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
            raw.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            await eventually(lambda: running.web.num_connections > num_others)
            await eventually(lambda: running.web.num_connections == num_others)
