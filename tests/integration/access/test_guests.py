"""Guests of one share link are as many clients as they are, also under one name; each comes back as itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest

import nacre
from nacre.v1 import control_pb2, session_pb2, session_pb2_grpc
from serving.access.config import AccessConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.catalogue.journal import JournalTable
from serving.gateway.config import GatewayConfig
from serving.sessions.record_codec import read_entries
from tests.integration.durable.harness import Service, service

TIMEOUT_S = 20.0


@dataclass(slots=True, kw_only=True)
class Guest:
    """One stream of one guest."""

    call: grpc.aio.StreamStreamCall
    attached: session_pb2.Attached

    async def say(self, control_id: str) -> control_pb2.Ack:
        """Gives what became of it."""
        directive = control_pb2.Directive(text="it starts to rain")
        control = control_pb2.Control(control_id=control_id, directive=directive)
        await self.call.write(session_pb2.PlayRequest(control=control))
        while True:
            response = await self.call.read()
            assert isinstance(response, session_pb2.PlayResponse)
            if response.HasField("media"):
                await self.call.write(session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=1)))
            if response.HasField("ack") and response.ack.WhichOneof("outcome") != "accepted":
                return response.ack


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Service]:
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"))
    async with service(tmp_path, config=GatewayConfig(port=0, drain_s=0.2, access=access)) as running:
        yield running


async def attach(
    running: Service, stack: AsyncExitStack, token: str, session: nacre.Session, guest_token: str = ""
) -> Guest:
    """All under the same name."""
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(running.server.address))
    call = session_pb2_grpc.SessionServiceStub(channel).Play(metadata=[("authorization", f"Bearer {token}")])
    attach = session_pb2.Attach(
        session_id=session.id, resume_token=session.resume_token, client_id="guest", guest_token=guest_token
    )
    await call.write(session_pb2.PlayRequest(attach=attach))
    response = await call.read()
    assert isinstance(response, session_pb2.PlayResponse)
    assert response.HasField("attached")
    return Guest(call=call, attached=response.attached)


async def test_p02_two_guests_of_one_link_are_two(running: Service) -> None:
    _, key = running.plane.library.keys.create(DEFAULT_TENANT, Role.OWNER)
    async with AsyncExitStack() as stack, asyncio.timeout(TIMEOUT_S):
        owner = await stack.enter_async_context(nacre.connect(running.server.address, api_key=key))
        session = await owner.create(prompt="a quiet street at dusk", arbitration="merge")
        link = await session.share("join", seconds=60)
        guests = await stack.enter_async_context(nacre.connect(running.server.address, token=link.token))
        shared = await guests.open_share(link.token)
        ann, bob = [await attach(running, stack, link.token, shared) for _ in range(2)]
        tokens = {ann.attached.guest_token, bob.attached.guest_token}
        assert len(tokens) == 2
        assert "" not in tokens
        seen = {each.subject_id for each in (await session.state()).participants}
        assert len(seen) == 2
        assert all(each.subject_id == "" for each in ann.attached.session.participants)
        assert not any(token in subject for token in tokens for subject in seen)
        for guest, control_id in ((ann, "ann-1"), (bob, "bob-1")):
            assert (await guest.say(control_id)).HasField("applied")
        ann.call.cancel()
        again = await attach(running, stack, link.token, shared, ann.attached.guest_token)
        assert again.attached.guest_token == ann.attached.guest_token
        assert (await again.say("ann-2")).HasField("applied")
    entries = read_entries(JournalTable(running.plane.database).read(session.id))
    sent = {each.control.control_id: each.control.sender for each in entries}
    assert sent["ann-1"] == sent["ann-2"] != sent["bob-1"]
    assert {sent[each].subject_id for each in ("ann-1", "bob-1")} == seen  # type: ignore[union-attr]
    prefix = f"share:{link.share_id.removeprefix('share-')}:"
    assert all(subject.startswith(prefix) for subject in seen)


async def test_p02_who_has_a_key_is_no_guest(running: Service) -> None:
    _, key = running.plane.library.keys.create(DEFAULT_TENANT, Role.OWNER)
    async with AsyncExitStack() as stack, asyncio.timeout(TIMEOUT_S):
        owner = await stack.enter_async_context(nacre.connect(running.server.address, api_key=key))
        session = await owner.create(prompt="a quiet street at dusk")
        attached = (await attach(running, stack, key, session, "A" * 22)).attached
    assert attached.guest_token == ""
    assert [each.subject_id.split(":")[0] for each in attached.session.participants] == ["key"]
