"""Principals, keys and tenants as messages."""

from __future__ import annotations

from nacre.v1 import access_pb2, admin_pb2
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.catalogue.api_keys import KeyRow
from serving.catalogue.tenants import TenantRow
from serving.errors import InvalidFieldError
from serving.gateway.codec import to_duration
from serving.gateway.library_codec import to_timestamp

ROLE_PREFIX = "ROLE_"


def read_role(value: int) -> Role:
    """Raises `InvalidFieldError`, also for none."""
    named = access_pb2.Role.DESCRIPTOR.values_by_number.get(value)
    if named is None or not value:
        raise InvalidFieldError("a role is needed", field="role", allowed=[to_role_name(role) for role in Role])
    return Role(named.name.removeprefix(ROLE_PREFIX).lower())


def to_role_name(role: Role) -> str:
    return f"{ROLE_PREFIX}{role.value.upper()}"


def to_caller(principal: Principal) -> access_pb2.Caller:
    seconds = principal.max_seconds
    return access_pb2.Caller(
        tenant_id=principal.tenant_id,
        subject_id=principal.subject_id,
        role=to_role_name(principal.role),
        session_id=principal.session_id or "",
        world_id=principal.world_id or "",
        max_session_duration=None if seconds is None else to_duration(seconds),
        max_cost=principal.max_cost,
    )


def to_tenant(row: TenantRow) -> admin_pb2.Tenant:
    return admin_pb2.Tenant(
        tenant_id=row.tenant_id,
        name=row.name,
        create_time=to_timestamp(row.created_s),
        suspend_time=None if row.suspended_s is None else to_timestamp(row.suspended_s),
    )


def to_key(row: KeyRow) -> admin_pb2.ApiKey:
    return admin_pb2.ApiKey(
        key_id=row.key_id,
        tenant_id=row.tenant_id,
        role=to_role_name(row.role),
        name=row.name,
        create_time=to_timestamp(row.created_s),
        expire_time=None if row.expires_s is None else to_timestamp(row.expires_s),
        revoke_time=None if row.revoked_s is None else to_timestamp(row.revoked_s),
        last_use_time=None if row.last_used_s is None else to_timestamp(row.last_used_s),
    )
