"""The Python client at a gateway that asks who calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import nacre
import nacre.blocking
from serving.access.roles import Role
from tests.integration.access.harness import Door, door


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as gate:
        yield gate


async def test_b12_a_client_with_a_key_plays(gate: Door) -> None:
    _, key = gate.key(Role.PLAYER)
    async with nacre.connect(gate.server.address, api_key=key) as client:
        assert (await client.caller()).role == "player"
        session = await client.create(prompt="a quiet street at dusk")
        async with session.enter(video="rgb", audio="pcm") as world:
            assert (await anext(world)).frames
        await session.end()


async def test_without_a_key_the_client_hears_what_is_missing(gate: Door) -> None:
    async with nacre.connect(gate.server.address) as client:
        with pytest.raises(nacre.Unauthenticated) as caught:
            await client.create(prompt="a quiet street at dusk")
        assert caught.value.reason == "UNAUTHENTICATED"
        with pytest.raises(nacre.PermissionDenied):  # the same, for those who catch what is wider
            await client.session("s-1", "token").enter().__aenter__()


async def test_e03_a_server_mints_a_token_and_a_browser_plays_with_it(gate: Door) -> None:
    _, key = gate.key(Role.OWNER)
    async with nacre.connect(gate.server.address, api_key=key) as server:
        session = await server.create(prompt="a quiet street at dusk")
        minted = await server.mint_token("player", session_id=session.id, lifetime_s=60, max_cost=1.5)
        assert (minted.caller.session_id, minted.caller.max_cost) == (session.id, 1.5)
        async with nacre.connect(gate.server.address, token=minted.token) as browser:
            async with browser.session(session.id, session.resume_token).enter(video="rgb") as world:
                assert (await anext(world)).frames
            with pytest.raises(nacre.PermissionDenied):
                await browser.create(prompt="another one")  # the token has one session
            with pytest.raises(nacre.PermissionDenied):
                await browser.mint_token("player")


async def test_a_token_that_a_function_gives_is_asked_for_at_each_call(gate: Door) -> None:
    tokens = iter([gate.key(Role.VIEWER)[1], gate.key(Role.PLAYER)[1]])
    async with nacre.connect(gate.server.address, token=lambda: next(tokens)) as client:
        assert [(await client.caller()).role for _ in range(2)] == ["viewer", "player"]


async def test_a_world_goes_on_with_a_new_token_where_a_function_gives_one(gate: Door) -> None:
    _, key = gate.key(Role.OWNER)
    async with nacre.connect(gate.server.address, api_key=key) as server:
        session = await server.create(prompt="a quiet street at dusk")
        tokens = [(await server.mint_token("player", lifetime_s=seconds)).token for seconds in (2, 60)]
        async with nacre.connect(gate.server.address, token=lambda: tokens.pop(0)) as browser:
            async with browser.session(session.id, session.resume_token).enter(video="rgb", resume=True) as world:
                async for chunk in world:
                    assert chunk.frames
                    if world.num_attachments == 2:
                        break
        assert tokens == []


async def test_a_world_whose_token_is_over_tries_once_more_and_ends(gate: Door) -> None:
    _, key = gate.key(Role.OWNER)
    async with nacre.connect(gate.server.address, api_key=key) as server:
        session = await server.create(prompt="a quiet street at dusk")
        token = (await server.mint_token("player", lifetime_s=1)).token
        async with nacre.connect(gate.server.address, token=token) as browser:
            with pytest.raises(nacre.Unauthenticated):
                async with browser.session(session.id, session.resume_token).enter(video="rgb", resume=True) as world:
                    async for _ in world:
                        pass


async def test_the_blocking_client_shows_keys_too(gate: Door) -> None:
    _, admin = gate.key(Role.ADMIN)

    def use() -> None:
        with nacre.blocking.connect(gate.server.address, api_key=admin) as client:
            assert client.admin.tenants.create("acme", name="Acme").suspended_at is None
            made = client.admin.keys.create("owner", tenant_id="acme", lifetime_s=3600)
            assert made.expires_at is not None
            with nacre.blocking.connect(gate.server.address, api_key=made.secret) as theirs:
                assert theirs.caller().tenant_id == "acme"
                follower = theirs.admin.keys.rotate(made.key_id, grace_s=0)
                assert follower.secret != made.secret
                with pytest.raises(nacre.Unauthenticated):
                    theirs.caller()
            assert client.admin.keys.revoke(follower.key_id).revoked_at is not None
            assert client.admin.tenants.suspend("acme").suspended_at is not None
            assert [each.tenant_id for each in client.admin.tenants.list()] == ["acme", "default"]

    await asyncio.to_thread(use)


def test_a_key_and_a_token_are_too_much() -> None:
    with pytest.raises(ValueError, match="not both"):
        nacre.connect("localhost:1", api_key="a", token="b")
    with pytest.raises(ValueError, match="not both"):
        nacre.blocking.connect("localhost:1", api_key="a", token="b")
