"""The calls of nacre.v1.AdminService that are about tenants and keys."""

from __future__ import annotations

import time
from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from nacre.v1 import admin_pb2
from serving.access.directory import Directory
from serving.access.principal import Principal, current
from serving.access.roles import Permission
from serving.access.tokens import check_lasts, check_role
from serving.catalogue.api_keys import KeyRow
from serving.catalogue.library import Library
from serving.catalogue.plane import CataloguedPlane
from serving.errors import InvalidFieldError, KeyNotFoundError
from serving.gateway.access_codec import read_role, to_key, to_tenant
from serving.gateway.library_validation import check_label
from serving.gateway.validation import check_id

DEFAULT_GRACE_S = 24 * 3_600.0
MAX_GRACE_S = 30 * 24 * 3_600.0
MAX_LIFETIME_S = 100 * 365 * 24 * 3_600.0  # beyond it one that never ends is meant


class KeyAdmin:
    """Checks what came, asks the catalogue, answers. Raises `serving.errors`."""

    def __init__(
        self, kept: Callable[[], CataloguedPlane], directory: Directory | None, clock: Callable[[], float] = time.time
    ) -> None:
        """`directory`: which believes for seconds what it was told; None where nobody is asked who they are."""
        self._kept = kept
        self._directory = directory
        self._clock = clock

    # --- tenants ---

    async def create_tenant(self, request: admin_pb2.CreateTenantRequest) -> admin_pb2.CreateTenantResponse:
        name = check_label(request.name, "name")
        row = await self._kept().call(lambda: self._library.tenants.create(request.tenant_id, name))
        self._forget_tenant(row.tenant_id)
        return admin_pb2.CreateTenantResponse(tenant=to_tenant(row))

    async def list_tenants(self) -> admin_pb2.ListTenantsResponse:
        rows = await self._kept().call(self._library.tenants.all)
        return admin_pb2.ListTenantsResponse(tenants=[to_tenant(row) for row in rows])

    async def suspend_tenant(self, request: admin_pb2.SuspendTenantRequest) -> admin_pb2.SuspendTenantResponse:
        if request.tenant_id == current().tenant_id:
            raise InvalidFieldError("whoever asks would be shut out with it", field="tenant_id")
        row = await self._kept().call(lambda: self._library.tenants.suspend(request.tenant_id))
        self._forget_tenant(row.tenant_id)
        return admin_pb2.SuspendTenantResponse(tenant=to_tenant(row))

    async def restore_tenant(self, request: admin_pb2.RestoreTenantRequest) -> admin_pb2.RestoreTenantResponse:
        row = await self._kept().call(lambda: self._library.tenants.restore(request.tenant_id))
        self._forget_tenant(row.tenant_id)
        return admin_pb2.RestoreTenantResponse(tenant=to_tenant(row))

    # --- keys ---

    async def create_key(self, request: admin_pb2.CreateKeyRequest) -> admin_pb2.CreateKeyResponse:
        asker, role = current(), read_role(request.role)
        tenant_id = _tenant(asker, request.tenant_id)
        check_lasts(asker)
        check_role(asker, role)
        expires_s = self._clock() + _lifetime_s(request.lifetime) if request.HasField("lifetime") else None
        name = check_label(request.name, "name")
        row, secret = await self._kept().call(
            lambda: self._library.keys.create(tenant_id, role, name=name, expires_s=expires_s)
        )
        return admin_pb2.CreateKeyResponse(key=to_key(row), secret=secret)

    async def list_keys(self, request: admin_pb2.ListKeysRequest) -> admin_pb2.ListKeysResponse:
        tenant_id = _tenant(current(), request.tenant_id)
        rows = await self._kept().call(lambda: self._library.keys.of(tenant_id))
        return admin_pb2.ListKeysResponse(keys=[to_key(row) for row in rows])

    async def revoke_key(self, request: admin_pb2.RevokeKeyRequest) -> admin_pb2.RevokeKeyResponse:
        key_id = (await self._key(request.key_id)).key_id
        row = await self._kept().call(lambda: self._library.keys.revoke(key_id))
        self._forget_key(key_id)
        return admin_pb2.RevokeKeyResponse(key=to_key(row))

    async def rotate_key(self, request: admin_pb2.RotateKeyRequest) -> admin_pb2.RotateKeyResponse:
        check_lasts(current())
        key_id = (await self._key(request.key_id)).key_id
        grace_s = _seconds(request.grace) if request.HasField("grace") else DEFAULT_GRACE_S
        if not 0 <= grace_s <= MAX_GRACE_S:
            raise InvalidFieldError(f"0 to {MAX_GRACE_S:g} seconds", field="grace")
        row, secret = await self._kept().call(lambda: self._library.keys.rotate(key_id, grace_s))
        self._forget_key(key_id)
        return admin_pb2.RotateKeyResponse(key=to_key(row), secret=secret)

    async def _key(self, key_id: str) -> KeyRow:
        """One that the caller may have a hand in: its tenant's, and not above itself. A stranger's is not there."""
        asker, key_id = current(), check_id(key_id, "key_id")
        known = await self._kept().call(lambda: self._library.keys.find(key_id))
        is_there = known is not None and (asker.tenant_id == known.row.tenant_id or asker.role.may(Permission.FLEET))
        if known is None or not is_there:
            raise KeyNotFoundError("there is no key of that id", field="key_id")
        check_role(asker, known.row.role)
        return known.row

    @property
    def _library(self) -> Library:
        return self._kept().library

    def _forget_key(self, key_id: str) -> None:
        if self._directory is not None:
            self._directory.forget_key(key_id)

    def _forget_tenant(self, tenant_id: str) -> None:
        if self._directory is not None:
            self._directory.forget_tenant(tenant_id)


def _tenant(asker: Principal, tenant_id: str) -> str:
    """The asker's own where none is named."""
    if tenant_id and tenant_id != asker.tenant_id:
        asker.check(Permission.FLEET)
    return tenant_id or asker.tenant_id


def _lifetime_s(duration: Duration) -> float:
    seconds = _seconds(duration)
    if not 1 <= seconds <= MAX_LIFETIME_S:
        raise InvalidFieldError(f"1 to {MAX_LIFETIME_S:g} seconds", field="lifetime")
    return seconds


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
