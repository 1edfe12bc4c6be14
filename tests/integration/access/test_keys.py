"""API keys at the gateway's door."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nacre.v1 import access_pb2
from serving.access.keys import NewKey
from serving.access.roles import Role
from serving.errors import StorageUnavailableError
from tests.integration.access.harness import Door, bearer, door
from tests.integration.gateway.harness import eventually


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as gate:
        yield gate


async def test_b12_a_key_says_who_calls(gate: Door) -> None:
    gate.library.tenants.create("acme")
    key_id, key = gate.key(Role.PLAYER, "acme", name="the game server")
    caller = await gate.caller(bearer(key))
    assert (caller.tenant_id, caller.subject_id, caller.role) == ("acme", f"key:{key_id}", access_pb2.ROLE_PLAYER)
    assert len((await gate.create(key)).session.session_id) > 0


@pytest.mark.parametrize("metadata", [
    [],
    [("authorization", "")],
    [("authorization", "Basic bmFjcmU6bmFjcmU=")],
    [("authorization", "Bearer")],
    [("authorization", "Bearer nacre_")],
    [("authorization", f"Bearer {NewKey.make().text}")],
    [("authorization", "Bearer share-nothing")],
    [("authorization", "Bearer a.b.c")],
    [("authorization", "Bearer " + "x" * 7_200)],
])  # fmt: skip
async def test_e03_without_a_good_key_nothing_is_answered(gate: Door, metadata: list[tuple[str, str]]) -> None:
    refused = await gate.refused(metadata)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_e03_no_refusal_tells_what_was_wrong(gate: Door) -> None:
    key_id, key = gate.key()
    gate.library.keys.revoke(key_id)
    _, expired = gate.key(expires_s=4e9)
    other_secret = "_".join([*expired.split("_")[:2], NewKey.make().text.split("_", 2)[2]])
    messages = {(await gate.refused(bearer(text))).message for text in (key, other_secret, NewKey.make().text)}
    assert len(messages) == 1


async def test_e03_two_keys_in_one_call_are_none(gate: Door) -> None:
    _, key = gate.key()
    assert (await gate.refused([*bearer(key), *bearer(key)])).reason == "UNAUTHENTICATED"


async def test_a_key_that_is_over_opens_nothing(gate: Door) -> None:
    _, key = gate.key(expires_s=time.time() + 0.3)
    await gate.until(key, is_let_in=False)


async def test_e03_a_revoked_key_stops_and_so_does_one_of_a_suspended_tenant(
    gate: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    gate.library.tenants.create("acme")
    key_id, revoked = gate.key()
    _, suspended = gate.key(tenant_id="acme")
    for text in (revoked, suspended):
        await gate.caller(bearer(text))
    gate.library.keys.revoke(key_id)
    gate.library.tenants.suspend("acme")
    for text in (revoked, suspended):
        await gate.until(text, is_let_in=False)
    gate.library.tenants.restore("acme")
    await gate.until(suspended, is_let_in=True)


async def test_a_rotated_key_and_its_follower_both_work_for_a_while(
    gate: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    key_id, old = gate.key(Role.PLAYER)
    row, new = gate.library.keys.rotate(key_id, grace_s=0.4)
    assert row.role is Role.PLAYER
    await gate.caller(bearer(new))
    await gate.until(old, is_let_in=False)
    await gate.caller(bearer(new))


async def test_the_use_of_a_key_is_noted(gate: Door) -> None:
    key_id, key = gate.key()
    for _ in range(3):
        await gate.caller(bearer(key))
    await eventually(lambda: gate.library.keys.of("default")[0].last_used_s is not None)
    assert gate.library.keys.of("default")[0].key_id == key_id


async def test_health_and_reflection_ask_nobody(gate: Door) -> None:
    health: Any = health_pb2_grpc.HealthStub(gate.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    make: Any = reflection_pb2_grpc.ServerReflectionStub
    call = make(gate.channel).ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    names = {each.name for each in (await call.read()).list_services_response.service}
    assert "nacre.v1.AccessService" in names
    call.cancel()


async def test_while_the_catalogue_is_away_streams_go_on_and_newcomers_hear_why(
    gate: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, known = gate.key(Role.OWNER)
    _, new = gate.key(Role.OWNER)
    call = await gate.play(await gate.create(known), known)
    await call.chunks(2)
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.0)
    monkeypatch.setattr("serving.access.memory.STALE_S", 0.0)  # as after minutes
    monkeypatch.setattr("serving.gateway.authentication.RECHECK_S", 0.02)

    def away(*_: object) -> None:
        raise StorageUnavailableError("the catalogue is away")

    monkeypatch.setattr(type(gate.library.keys), "find", away)
    assert (await gate.refused(bearer(new))).reason == "STORAGE_UNAVAILABLE"
    assert len(await call.chunks(20)) == 20
