"""Share links at a gateway that asks who calls: the link's token is all that a guest has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import nacre
from serving.access.config import AccessConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.admission.limits import AdmissionConfig, Limits
from serving.admission.quotas import Quotas
from serving.gateway.config import GatewayConfig
from tests.integration.durable.harness import Service, service


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Service]:
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"))
    async with service(tmp_path, config=GatewayConfig(port=0, drain_s=0.2, access=access)) as running:
        yield running


@pytest.fixture
async def owner(running: Service) -> AsyncIterator[nacre.Client]:
    _, key = running.plane.library.keys.create(DEFAULT_TENANT, Role.OWNER)
    async with nacre.connect(running.server.address, api_key=key) as client:
        yield client


async def test_p02_a_links_token_opens_what_it_leads_to_and_nothing_else(running: Service, owner: nacre.Client) -> None:
    session, other = [await owner.create(prompt="a quiet street at dusk") for _ in range(2)]
    link = await session.share("view", seconds=60)
    async with session.enter(video="rgb") as played, nacre.connect(running.server.address, token=link.token) as guest:
        caller = await guest.caller()
        assert (caller.role, caller.session_id) == ("viewer", session.id)
        seen = await guest.open_share(link.token)
        async with seen.enter(video="rgb") as world:
            async with asyncio.timeout(20):
                await asyncio.gather(anext(world), anext(played))
            to_guest, to_owner = [
                {each.role: each.subject_id for each in (await asked.state()).participants} for asked in (seen, session)
            ]
            assert to_guest == {"player": "", "viewer": ""}, "they know each other by name and role"
            assert {role: subject.split(":")[0] for role, subject in to_owner.items()} == {
                "player": "key",
                "viewer": "share",
            }
            with pytest.raises(nacre.ControlRejected):
                await world.say("it starts to rain")
        with pytest.raises(nacre.NotFound):
            await guest.session(other.id, other.resume_token).enter(video="rgb").__aenter__()
        with pytest.raises(nacre.PermissionDenied):
            await guest.create(prompt="one of my own")
        assert [each.session_id async for each in guest.sessions()] == [session.id]


async def test_p02_a_link_that_was_taken_back_is_no_credential(
    running: Service, owner: nacre.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    session = await owner.create(prompt="a quiet street at dusk")
    link = await session.share("view", seconds=60)
    async with nacre.connect(running.server.address, token=link.token) as guest:
        await guest.caller()
        await session.revoke(link)
        with pytest.raises(nacre.PermissionDenied, match="taken back"):
            async with asyncio.timeout(10):
                while True:
                    await guest.caller()


async def test_p02_a_guest_who_is_in_hears_why_it_ends(
    running: Service, owner: nacre.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    monkeypatch.setattr("serving.gateway.authentication.RECHECK_S", 0.05)
    session = await owner.create(prompt="a quiet street at dusk")
    link = await session.share("view", seconds=60)
    async with (
        session.enter(video="rgb") as played,
        nacre.connect(running.server.address, token=link.token) as guest,
        (await guest.open_share(link.token)).enter(video="rgb") as world,
    ):
        async with asyncio.timeout(20):
            await asyncio.gather(anext(world), anext(played))
            await session.revoke(link)
            with pytest.raises(nacre.PermissionDenied) as refused:
                while True:
                    await asyncio.gather(anext(world), anext(played))
        assert refused.value.reason == "SHARE_LINK_REVOKED"
        async with asyncio.timeout(20):
            assert (await anext(played)).frames, "nobody else is disturbed"


async def test_p02_a_guest_goes_its_own_way_on_the_links_tenants_bill(
    running: Service, owner: nacre.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await owner.create(prompt="a quiet street at dusk")
    link = await session.share("fork", seconds=60)
    async with nacre.connect(running.server.address, token=link.token) as guest:
        fork = await guest.open_share(link.token)
        assert fork.id != session.id
        async with fork.enter(video="rgb") as world, asyncio.timeout(20):
            assert (await anext(world)).frames
            world.move(forward=1.0)
            await world.say("it starts to rain")
        for asked in (fork.save("mine"), fork.share("join", seconds=60), fork.fork()):
            with pytest.raises(nacre.PermissionDenied):
                await asked
        row = running.plane.library.sessions.find(fork.id)
        assert (row.ownership.tenant_id, row.ownership.owner_id.split(":")[0]) == (DEFAULT_TENANT, "share")
        assert {each.session_id async for each in owner.sessions()} == {session.id, fork.id}
        assert [each.session_id async for each in guest.sessions()] == [session.id]
        with pytest.raises(nacre.PermissionDenied, match="resume token"):  # another guest of the link has none for it
            await guest.session(fork.id, "A" * 32).enter(video="rgb").__aenter__()
        # What the link let in goes with it.
        monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
        await session.revoke(link)
        with pytest.raises(nacre.PermissionDenied, match="taken back"):
            async with asyncio.timeout(10):
                while True:
                    await fork.state()


async def test_p02_what_guests_begin_counts_to_the_links_tenants_quota(running: Service, owner: nacre.Client) -> None:
    session = await owner.create(prompt="a quiet street at dusk")
    link = await session.share("fork", seconds=60)
    Quotas(running.plane.database, AdmissionConfig()).set(DEFAULT_TENANT, Limits(concurrent_sessions=1), None)
    async with nacre.connect(running.server.address, token=link.token) as guest:
        with pytest.raises(nacre.NacreError) as refused:
            await guest.open_share(link.token)
        assert getattr(refused.value, "reason", "") == "QUOTA_EXCEEDED"


async def test_p02_a_link_that_lets_fork_gives_those_who_may_begin_sessions_one_of_their_own(
    running: Service, owner: nacre.Client
) -> None:
    running.plane.library.tenants.create("acme")
    _, key = running.plane.library.keys.create("acme", Role.PLAYER)
    session = await owner.create(prompt="a quiet street at dusk")
    link = await session.share("fork", seconds=60)
    async with nacre.connect(running.server.address, token=link.token) as guest:
        theirs = await guest.open_share(link.token)
    async with nacre.connect(running.server.address, api_key=key) as player:
        fork = await player.open_share(link.token)
        assert len({fork.id, session.id, theirs.id}) == 3
        assert running.plane.library.sessions.find(fork.id).ownership.tenant_id == "acme"
        async with fork.enter(video="rgb") as world:
            async with asyncio.timeout(20):
                assert (await anext(world)).frames
