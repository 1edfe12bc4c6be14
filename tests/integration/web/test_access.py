"""Where callers are asked who they are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from nacre.v1 import access_pb2, session_pb2
from serving.access.config import AccessConfig, TlsConfig
from serving.access.roles import Role
from tests.integration.access.certificates import Authority
from tests.integration.web.harness import ACCESS, End, Site, Socket, asking, reason_in, site

GAME = "https://game.example"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(folder=tmp_path, access=asking(tmp_path)) as running:
        yield running


async def who(running: Site, bearer: str, **headers: str) -> httpx2.Response:
    request = access_pb2.GetCallerRequest()
    return await running.post(ACCESS + "GetCaller", request, authorization=f"Bearer {bearer}", **headers)


async def refused(call: Socket, created: session_pb2.CreateSessionResponse, token: str) -> End:
    await call.send(
        attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token, token=token)
    )
    return await call.end()


async def test_e03_a_call_is_let_in_by_its_header(running: Site) -> None:
    nobody = await running.post(ACCESS + "GetCaller", access_pb2.GetCallerRequest())
    assert (nobody.status_code, reason_in(nobody.json())) == (401, "UNAUTHENTICATED")
    assert (await who(running, "nacre_nonsense")).status_code == 401
    key = running.key(Role.PLAYER)
    caller = access_pb2.GetCallerResponse.FromString((await who(running, key)).content).caller
    assert caller.role == access_pb2.ROLE_PLAYER
    twice = await running.http.post(
        ACCESS + "GetCaller",
        content=b"",
        headers=[("content-type", "application/proto"), *[("authorization", f"Bearer {key}")] * 2],
    )
    assert twice.status_code == 401, "what says two things at once says nothing"


async def test_e03_play_is_let_in_by_the_token_in_its_first_message(running: Site) -> None:
    key = running.key()
    created = await running.create(authorization=f"Bearer {key}")
    for token in ("", "nonsense", running.key()[:-1]):
        async with running.socket() as call:
            end = await refused(call, created, token)
            assert (end.reason, end.close_code) == ("UNAUTHENTICATED", 4016)
    async with running.socket() as call:
        await call.attach(created, token=await running.mint(key))
        await call.chunks(3)


async def test_a_program_may_use_the_header_and_then_it_counts(running: Site) -> None:
    key = running.key()
    created = await running.create(authorization=f"Bearer {key}")
    async with running.socket(headers={"authorization": "Bearer nonsense"}) as call:
        assert (await refused(call, created, key)).reason == "UNAUTHENTICATED"
    async with running.socket(headers={"authorization": f"Bearer {key}"}) as call:
        await call.attach(created, token="nonsense")
        await call.chunks(1)


async def test_q20_a_token_is_good_on_its_own_pages_alone(running: Site, tmp_path: Path) -> None:
    token = await running.mint(running.key(), allowed_origins=[GAME])
    assert (await who(running, token)).status_code == 200, "a program is no page"
    assert (await who(running, token, origin=running.web.address)).status_code == 401
    created = await running.create(authorization=f"Bearer {running.key()}")
    async with running.socket(origin=running.web.address) as call:
        assert (await refused(call, created, token)).reason == "UNAUTHENTICATED"
    named = {"host": "game.example", "origin": GAME}
    assert (await who(running, token, **named)).status_code == 200


async def test_p02_a_viewer_looks_on_by_a_link(running: Site) -> None:
    key = running.key()
    created = await running.create(authorization=f"Bearer {key}")
    link = await running.share(created.session.session_id, key)
    async with running.socket() as player, running.socket() as viewer:
        await player.attach(created, token=key)
        await player.chunks(2)
        await viewer.send(
            attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=link, token=link)
        )
        await viewer.until("attached")
        seen = {chunk.chunk_index for chunk in await player.chunks(60)}
        shown = await viewer.chunks(2)
        assert {chunk.chunk_index for chunk in shown} <= seen | set(range(200))
        assert shown[0].frames[0].is_keyframe
        await viewer.control("v-1", move={"forward": 1.0})
        assert await viewer.outcome("v-1") == "rejected"


async def test_only_who_runs_the_service_reads_its_metrics(running: Site) -> None:
    for role, status in ((Role.OWNER, 403), (Role.ADMIN, 200)):
        response = await running.http.get("/metrics", headers={"authorization": f"Bearer {running.key(role)}"})
        assert response.status_code == status
    assert (await running.http.get("/metrics")).status_code == 401
    assert (await running.http.get("/healthz")).status_code == 200


async def test_b12_the_line_is_tls_where_grpcs_is(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, client = authority.issue("server", "127.0.0.1"), authority.issue("client", "game.example")
    tls = TlsConfig(
        certificate_file=str(server.certificate), key_file=str(server.key), client_ca_file=str(authority.file)
    )
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"), tls=tls)
    context = ssl.create_default_context(cafile=str(authority.file))
    async with site(folder=tmp_path, access=access, verify=context) as running:
        assert running.web.address.startswith("https://")
        with pytest.raises((httpx2.ReadError, httpx2.ConnectError, httpx2.RemoteProtocolError)):
            await running.http.get("/healthz")
        context.load_cert_chain(client.certificate, client.key)
        key = running.key()
        created = await running.create(authorization=f"Bearer {key}")
        async with running.socket(ssl=context) as call:
            await call.attach(created, token=key)
            await call.chunks(2)
            before = await certificate_of(running, context)
            authority.issue("server", "127.0.0.1")  # renewed, in the same files
            assert await certificate_of(running, context) != before
            await call.chunks(2)
        server.certificate.write_text("not any more")
        assert await certificate_of(running, context)


async def certificate_of(running: Site, context: ssl.SSLContext) -> bytes:
    """Which a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", running.web.port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


async def test_a_name_in_the_first_text_frame_is_no_way_around_a_header(running: Site) -> None:
    key = running.key()
    created = await running.create(authorization=f"Bearer {key}")
    async with running.socket(headers={"authorization": "Bearer nonsense"}) as call:
        await call.raw.send(f'{{"authorization": "Bearer {key}"}}')
        assert (await refused(call, created, "")).reason == "UNAUTHENTICATED"
    async with running.socket() as call:
        await call.raw.send(f'{{"authorization": "Bearer {key}"}}')
        await call.attach(created)
    with pytest.raises(InvalidStatus):
        async with running.socket("/v1/nothing"):
            pass
