"""Who one is, tokens for others, and the keys and tenants of those who run the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nacre.calls import Calls
from nacre.enums import name_of, value_of
from nacre.v1 import access_pb2, admin_pb2

_ROLE_PREFIX = "ROLE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who one is, as far as the service knows."""

    tenant_id: str
    subject_id: str  # "key:...", "token:...", "oidc:...", "certificate:...", "share:..." or "local"
    role: str  # "viewer", "director", "player", "owner", "auditor" or "admin"
    session_id: str  # the only session it may touch; empty for any
    world_id: str  # the only world it may start from; empty for any
    max_session_s: float | None
    max_cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientToken:
    """For a browser, or somebody else's client: `nacre.connect(address, token=...)`."""

    token: str
    expires_at: datetime
    caller: Caller
    allowed_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedToken:
    tenant_id: str
    subject_id: str
    revoked_at: datetime  # what was given or minted until then opens nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    key_id: str
    tenant_id: str
    role: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None  # to within five minutes
    secret: str = ""  # the key itself: with a new one, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    tenant_id: str
    name: str
    created_at: datetime
    suspended_at: datetime | None


class Keys:
    """Of one's own tenant, or for admins of any. Get it as `client.admin.keys`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create(
        self, role: str, *, tenant_id: str = "", name: str = "", lifetime_s: float | None = None
    ) -> ApiKey:
        """Its `secret` is told now and never again. Without `lifetime_s` it does not end by itself."""
        request = admin_pb2.CreateKeyRequest(
            role=to_role(role), tenant_id=tenant_id, name=name, lifetime=to_duration(lifetime_s)
        )
        answer = await self._calls(self._calls.admin.CreateKey, request)
        return to_api_key(answer.key, answer.secret)

    async def list(self, *, tenant_id: str = "") -> Sequence[ApiKey]:
        """The newest first, those that open nothing any more too."""
        answer = await self._calls(self._calls.admin.ListKeys, admin_pb2.ListKeysRequest(tenant_id=tenant_id))
        return [to_api_key(each) for each in answer.keys]

    async def revoke(self, key_id: str) -> ApiKey:
        answer = await self._calls(self._calls.admin.RevokeKey, admin_pb2.RevokeKeyRequest(key_id=key_id))
        return to_api_key(answer.key)

    async def rotate(self, key_id: str, *, grace_s: float = 24 * 3_600.0) -> ApiKey:
        """A new key that allows the same; the old one goes on for `grace_s`."""
        request = admin_pb2.RotateKeyRequest(key_id=key_id, grace=to_duration(grace_s))
        answer = await self._calls(self._calls.admin.RotateKey, request)
        return to_api_key(answer.key, answer.secret)


class Tenants:
    """For admins. Get it as `client.admin.tenants`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create(self, tenant_id: str, *, name: str = "") -> Tenant:
        request = admin_pb2.CreateTenantRequest(tenant_id=tenant_id, name=name)
        return to_tenant((await self._calls(self._calls.admin.CreateTenant, request)).tenant)

    async def list(self) -> Sequence[Tenant]:
        answer = await self._calls(self._calls.admin.ListTenants, admin_pb2.ListTenantsRequest())
        return [to_tenant(each) for each in answer.tenants]

    async def suspend(self, tenant_id: str) -> Tenant:
        """Its keys and tokens open nothing, within ten seconds. What is kept of it stays."""
        request = admin_pb2.SuspendTenantRequest(tenant_id=tenant_id)
        return to_tenant((await self._calls(self._calls.admin.SuspendTenant, request)).tenant)

    async def restore(self, tenant_id: str) -> Tenant:
        request = admin_pb2.RestoreTenantRequest(tenant_id=tenant_id)
        return to_tenant((await self._calls(self._calls.admin.RestoreTenant, request)).tenant)


def to_role(role: str) -> access_pb2.Role:
    """Raises ValueError."""
    return value_of(access_pb2.Role, role, _ROLE_PREFIX)


def to_duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def to_caller(message: access_pb2.Caller) -> Caller:
    has_limit = message.HasField("max_session_duration")
    return Caller(
        tenant_id=message.tenant_id,
        subject_id=message.subject_id,
        role=name_of(access_pb2.Role, message.role, _ROLE_PREFIX).lower(),
        session_id=message.session_id,
        world_id=message.world_id,
        max_session_s=message.max_session_duration.ToTimedelta().total_seconds() if has_limit else None,
        max_cost=message.max_cost if message.HasField("max_cost") else None,
    )


def to_client_token(message: access_pb2.MintTokenResponse) -> ClientToken:
    return ClientToken(
        token=message.token,
        expires_at=message.expire_time.ToDatetime(UTC),
        caller=to_caller(message.caller),
        allowed_origins=tuple(message.allowed_origins),
    )


def to_revoked_token(message: access_pb2.RevokeTokenResponse) -> RevokedToken:
    return RevokedToken(
        tenant_id=message.tenant_id, subject_id=message.subject_id, revoked_at=message.revoke_time.ToDatetime(UTC)
    )


def to_api_key(message: admin_pb2.ApiKey, secret: str = "") -> ApiKey:
    return ApiKey(
        key_id=message.key_id,
        tenant_id=message.tenant_id,
        role=name_of(access_pb2.Role, message.role, _ROLE_PREFIX).lower(),
        name=message.name,
        created_at=message.create_time.ToDatetime(UTC),
        expires_at=_time(message, "expire_time"),
        revoked_at=_time(message, "revoke_time"),
        last_used_at=_time(message, "last_use_time"),
        secret=secret,
    )


def to_tenant(message: admin_pb2.Tenant) -> Tenant:
    return Tenant(
        tenant_id=message.tenant_id,
        name=message.name,
        created_at=message.create_time.ToDatetime(UTC),
        suspended_at=_time(message, "suspend_time"),
    )


def _time(message: Any, field: str) -> datetime | None:
    return getattr(message, field).ToDatetime(UTC) if message.HasField(field) else None
