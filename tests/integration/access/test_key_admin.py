"""Tenants and keys over AdminService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from nacre.v1 import access_pb2, admin_pb2
from serving.access.roles import Role
from tests.integration.access.harness import Door, bearer, door
from tests.integration.gateway.harness import refusal


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as gate:
        gate.library.tenants.create("acme")
        yield gate


async def create(gate: Door, key: str, role: access_pb2.Role, **values: Any) -> admin_pb2.CreateKeyResponse:
    return await gate.admin.CreateKey(admin_pb2.CreateKeyRequest(role=role, **values), metadata=bearer(key))


async def test_b12_an_admin_makes_a_tenant_and_its_first_key_and_the_tenant_goes_on_by_itself(gate: Door) -> None:
    _, admin = gate.key(Role.ADMIN)
    request = admin_pb2.CreateTenantRequest(tenant_id="globex", name="Globex Corporation")
    assert (await gate.admin.CreateTenant(request, metadata=bearer(admin))).tenant.name == "Globex Corporation"
    again = await refusal(gate.admin.CreateTenant(request, metadata=bearer(admin)))
    assert again.reason == "TENANT_EXISTS"
    first = await create(gate, admin, access_pb2.ROLE_OWNER, tenant_id="globex")
    second = await create(gate, first.secret, access_pb2.ROLE_PLAYER, name="the game")
    assert (await gate.caller(bearer(second.secret))).tenant_id == "globex"
    listed = (await gate.admin.ListKeys(admin_pb2.ListKeysRequest(), metadata=bearer(first.secret))).keys
    assert [(key.key_id, key.name) for key in listed] == [(second.key.key_id, "the game"), (first.key.key_id, "")]
    names = (await gate.admin.ListTenants(admin_pb2.ListTenantsRequest(), metadata=bearer(admin))).tenants
    assert [tenant.tenant_id for tenant in names] == ["acme", "default", "globex"]


async def test_e03_an_owner_makes_no_admin_and_nothing_for_another_tenant(gate: Door) -> None:
    _, owner = gate.key(Role.OWNER, "acme")
    for role, tenant_id in (
        (access_pb2.ROLE_ADMIN, ""),
        (access_pb2.ROLE_AUDITOR, ""),
        (access_pb2.ROLE_VIEWER, "default"),
    ):
        refused = await refusal(create(gate, owner, role, tenant_id=tenant_id))
        assert refused.reason == "PERMISSION_MISSING"
    refused = await refusal(gate.admin.ListTenants(admin_pb2.ListTenantsRequest(), metadata=bearer(owner)))
    assert refused.reason == "PERMISSION_MISSING"


async def test_e03_a_strangers_key_is_not_there_and_one_above_oneself_is_left_alone(gate: Door) -> None:
    strangers_id, _ = gate.key(Role.VIEWER)
    above_id, above = gate.key(Role.ADMIN, "acme")
    _, owner = gate.key(Role.OWNER, "acme")
    for key_id, reason in (
        (strangers_id, "KEY_NOT_FOUND"),
        ("nosuchkey", "KEY_NOT_FOUND"),
        (above_id, "PERMISSION_MISSING"),
    ):
        for call in (
            gate.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key_id), metadata=bearer(owner)),
            gate.admin.RotateKey(admin_pb2.RotateKeyRequest(key_id=key_id), metadata=bearer(owner)),
        ):
            assert (await refusal(call)).reason == reason
    await gate.caller(bearer(above))


async def test_a_key_that_is_revoked_here_opens_nothing_from_then_on(gate: Door) -> None:
    _, owner = gate.key(Role.OWNER, "acme")
    made = await create(gate, owner, access_pb2.ROLE_PLAYER)
    await gate.caller(bearer(made.secret))
    answer = await gate.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=made.key.key_id), metadata=bearer(owner))
    assert answer.key.HasField("revoke_time")
    await gate.refused(bearer(made.secret))


async def test_a_rotated_key_ends_at_once_where_that_is_asked(gate: Door) -> None:
    _, owner = gate.key(Role.OWNER, "acme")
    made = await create(gate, owner, access_pb2.ROLE_PLAYER)
    request = admin_pb2.RotateKeyRequest(key_id=made.key.key_id, grace=Duration())
    follower = await gate.admin.RotateKey(request, metadata=bearer(owner))
    assert follower.key.role == access_pb2.ROLE_PLAYER
    await gate.caller(bearer(follower.secret))
    await gate.refused(bearer(made.secret))
    assert (await refusal(gate.admin.RotateKey(request, metadata=bearer(owner)))).field == "key_id"


async def test_e03_a_token_makes_no_key_and_no_token(gate: Door) -> None:
    _, owner = gate.key(Role.OWNER, "acme")
    token = (await gate.mint(owner, role=access_pb2.ROLE_OWNER)).token
    assert (await refusal(create(gate, token, access_pb2.ROLE_VIEWER))).reason == "PERMISSION_MISSING"
    assert (await refusal(gate.mint(token, role=access_pb2.ROLE_VIEWER))).reason == "PERMISSION_MISSING"


async def test_a_suspended_tenant_is_shut_out_and_nobody_suspends_oneself(gate: Door) -> None:
    _, admin = gate.key(Role.ADMIN)
    token = (await gate.mint(gate.key(Role.PLAYER, "acme")[1])).token
    await gate.caller(bearer(token))
    request = admin_pb2.SuspendTenantRequest(tenant_id="acme")
    assert (await gate.admin.SuspendTenant(request, metadata=bearer(admin))).tenant.HasField("suspend_time")
    await gate.refused(bearer(token))
    myself = admin_pb2.SuspendTenantRequest(tenant_id="default")
    assert (await refusal(gate.admin.SuspendTenant(myself, metadata=bearer(admin)))).field == "tenant_id"
    unknown = admin_pb2.RestoreTenantRequest(tenant_id="initech")
    assert (await refusal(gate.admin.RestoreTenant(unknown, metadata=bearer(admin)))).reason == "TENANT_NOT_FOUND"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lifetime": Duration(seconds=2**62)}, "lifetime"),
        ({"lifetime": Duration(seconds=-1)}, "lifetime"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 201}, "name"),
    ],
)
async def test_keys_that_cannot_be_are_refused_by_their_field(gate: Door, values: dict[str, Any], field: str) -> None:
    _, admin = gate.key(Role.ADMIN)
    refused = await refusal(create(gate, admin, access_pb2.ROLE_VIEWER, **values))
    assert (refused.code.name, refused.field) == ("INVALID_ARGUMENT", field)
